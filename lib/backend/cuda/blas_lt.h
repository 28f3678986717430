/* cuBLASLt's part of a device, for blas.c: loaded, opened and closed with cuBLAS. Its products: blas.h. */
#ifndef KNN_BACKEND_CUDA_BLAS_LT_H
#define KNN_BACKEND_CUDA_BLAS_LT_H

#include "backend/cuda/blas.h"

enum { KNN_CUDA_BLAS_WORKSPACE = 4 << 20 };     /* bytes; what cuBLAS takes by itself before Hopper */

/* false: `why` says what is missing. */
bool knn__cuda_lt_load(char *why, size_t size);
/* What was made before a failure is given back by closing it. */
knn_status knn__cuda_lt_open(knn_device *device);
void knn__cuda_lt_close(knn_device *device);

/* blas.c: keeps a failure; whether there was none. */
bool knn__cuda_blas_did(knn_device *device, cublasStatus_t status, const char *what);

#endif
