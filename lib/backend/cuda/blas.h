/* cuBLAS: matrix products queued on a device. The only door to it. */
#ifndef KNN_BACKEND_CUDA_BLAS_H
#define KNN_BACKEND_CUDA_BLAS_H

#include "backend/cuda/device.h"

/* cuBLAS is loaded when a device is looked for, not with the program: reading it takes a tenth of a second. KNN_ERROR_DEVICE: not found. */
knn_status knn__cuda_blas_load(void);

/* A handle on the device's stream, and its workspace. */
knn_status knn__cuda_blas_open(knn_device *device);
void knn__cuda_blas_close(knn_device *device);

/* A row-major matrix; `stride` floats from one row to the next; `transposed`: read with rows and columns exchanged. */
typedef struct knn__cuda_matrix {
    const float *data;
    size_t stride;
    bool transposed;
} knn__cuda_matrix;

/* Whether a product of these sizes can be asked for. */
bool knn__cuda_gemm_takes(size_t m, size_t n, size_t k);

/* c[m][n] = a[m][k] * b[k][n], added to c where `add`; the sizes are those after transposition. In fp32 throughout. */
void knn__cuda_gemm(knn_device *device, size_t m, size_t n, size_t k, knn__cuda_matrix a, knn__cuda_matrix b, bool add, float *c,
                    size_t c_stride);

#endif
