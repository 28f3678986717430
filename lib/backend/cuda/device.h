/* A device of the CUDA backend: a stream of a GPU and one for copies, its cuBLAS handle, and the first thing that went wrong on it. */
#ifndef KNN_BACKEND_CUDA_DEVICE_H
#define KNN_BACKEND_CUDA_DEVICE_H

#include "backend/backend.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

struct knn_device {
    int number;
    bool tensor;                            /* products in TF32: that is wanted, and it has tensor cores for it */
    cudaStream_t stream;
    cudaEvent_t marks[KNN_MARKS];
    cublasHandle_t blas;
    struct knn__cuda_lt *lt;                /* blas_lt.c's */
    void *blas_workspace;                   /* ours, so that cuBLAS allocates nothing within a step */
    /* stages.c; nothing until something is sent. */
    bool stages_are_open;
    cudaStream_t copies;
    cudaEvent_t sent[KNN_STAGES], received[KNN_STAGES];     /* the last of each number */
    bool failed;
    char failure[256];                      /* its text, while failed */
};

extern const knn__device_class knn__cuda_devices;

/* The current device belongs to the thread: whatever may be called from another one begins with this. */
void knn__cuda_enter(knn_device *device);
/* Keeps the first failure for the next wait or mark; `what` was done: "im2col". */
void knn__cuda_did(knn_device *device, cudaError_t error, const char *what);
void knn__cuda_failed(knn_device *device, const char *what, const char *why);

/* stages.c: see knn__device_class */
void knn__cuda_send(knn_device *device, int number, void *to, const void *from, size_t bytes);
void knn__cuda_received(knn_device *device, int number);
void knn__cuda_sent(knn_device *device, int number);
void knn__cuda_close_stages(knn_device *device);

#endif
