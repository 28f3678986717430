/* A device of the CUDA backend: one stream of a GPU, its cuBLAS handle, and the first thing that went wrong on it. */
#ifndef KNN_BACKEND_CUDA_DEVICE_H
#define KNN_BACKEND_CUDA_DEVICE_H

#include "backend/backend.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

struct knn_device {
    int number;
    cudaStream_t stream;
    cudaEvent_t marks[KNN_MARKS];
    cublasHandle_t blas;
    struct knn__cuda_lt *lt;                /* blas_lt.c's */
    void *blas_workspace;                   /* ours, so that cuBLAS allocates nothing within a step */
    bool failed;
    char failure[256];                      /* its text, while failed */
};

extern const knn__device_class knn__cuda_devices;

/* The current device belongs to the thread: whatever may be called from another one begins with this. */
void knn__cuda_enter(knn_device *device);
/* Keeps the first failure for the next wait or mark; `what` was done: "im2col". */
void knn__cuda_did(knn_device *device, cudaError_t error, const char *what);
void knn__cuda_failed(knn_device *device, const char *what, const char *why);

#endif
