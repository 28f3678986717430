/* Kernels with mistakes, for the tests of the emulator itself. */
#include "backend/cuda/knn_cu.h"

#include "planted.h"

KNN_KERNEL fill(float *to, unsigned n)
{
    KNN_EACH (i, n)
        to[i] = (float)i;
}

KNN_KERNEL fill_neighbour(float *to, unsigned n)
{
    KNN_EACH (i, n)
        to[i] = i > 0 ? to[i - 1] + 1 : 0;                  /* as if the threads ran in order */
}

/* to[i] = first + i + 1, the last one `first`: through memory that the block shares. */
KNN_KERNEL rotate(float *to, unsigned first)
{
    __shared__ float all[KNN_THREADS];
    all[threadIdx.x] = (float)(first + threadIdx.x);
    __syncthreads();
    to[threadIdx.x] = all[(threadIdx.x + 1) % blockDim.x];
}

KNN_KERNEL rotate_without_barrier(float *to, unsigned first)
{
    __shared__ float all[KNN_THREADS];
    all[threadIdx.x] = (float)(first + threadIdx.x);
    to[threadIdx.x] = all[(threadIdx.x + 1) % blockDim.x];
}

KNN_KERNEL rotate_by_some(float *to, unsigned first)
{
    __shared__ float all[KNN_THREADS];
    all[threadIdx.x] = (float)(first + threadIdx.x);
    if (threadIdx.x + 1 < blockDim.x) {
        __syncthreads();
        to[threadIdx.x] = all[threadIdx.x];
    }
}

KNN_KERNEL rotate_too_far(float *to, unsigned first)
{
    __shared__ float all[KNN_THREADS];
    all[threadIdx.x] = (float)(first + threadIdx.x);
    __syncthreads();
    to[threadIdx.x] = all[threadIdx.x + KNN_THREADS - blockDim.x + 1];
}

cudaError_t planted_fill(cudaStream_t stream, float *to, unsigned n)
{
    KNN_LAUNCH_EACH(n, stream, fill, to, n);
    return cudaGetLastError();
}

cudaError_t planted_fill_neighbour(cudaStream_t stream, float *to, unsigned n)
{
    KNN_LAUNCH_EACH(n, stream, fill_neighbour, to, n);
    return cudaGetLastError();
}

cudaError_t planted_large_block(cudaStream_t stream, float *to, unsigned threads)
{
    KNN_LAUNCH(fill, 1, threads, stream, to, 1);
    return cudaGetLastError();
}

cudaError_t planted_rotate(cudaStream_t stream, float *to, unsigned threads, unsigned first)
{
    KNN_LAUNCH(rotate, 1, threads, stream, to, first);
    return cudaGetLastError();
}

cudaError_t planted_rotate_without_barrier(cudaStream_t stream, float *to, unsigned threads, unsigned first)
{
    KNN_LAUNCH(rotate_without_barrier, 1, threads, stream, to, first);
    return cudaGetLastError();
}

cudaError_t planted_rotate_by_some(cudaStream_t stream, float *to, unsigned threads, unsigned first)
{
    KNN_LAUNCH(rotate_by_some, 1, threads, stream, to, first);
    return cudaGetLastError();
}

cudaError_t planted_rotate_too_far(cudaStream_t stream, float *to, unsigned threads, unsigned first)
{
    KNN_LAUNCH(rotate_too_far, 1, threads, stream, to, first);
    return cudaGetLastError();
}
