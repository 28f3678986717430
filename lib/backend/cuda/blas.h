/* cuBLAS and cuBLASLt: matrix products queued on a device. The only door to them. */
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

/* c[m][n] = a[m][k] * b[k][n], added to c where `add`; the sizes are those after transposition. In fp32 throughout, or,
 * where the device is `tensor`, of numbers rounded to TF32. */
void knn__cuda_gemm(knn_device *device, size_t m, size_t n, size_t k, knn__cuda_matrix a, knn__cuda_matrix b, bool add, float *c,
                    size_t c_stride);

/* What is to be done with a product at once: one of these. */
typedef struct knn__cuda_finish {
    const float *bias;                      /* [n]: added to each row; NULL: none */
    bool relu;                              /* then. It makes 0 of NaN, too */
    float *sums;                            /* [n]: gets the sums of b's columns; NULL: not wanted */
} knn__cuda_finish;

/* c = a * b, finished. false: cuBLASLt has no algorithm that does this at once; nothing is done. */
bool knn__cuda_gemm_and(knn_device *device, size_t m, size_t n, size_t k, knn__cuda_matrix a, knn__cuda_matrix b, float *c, size_t c_stride,
                        knn__cuda_finish finish);

#endif
