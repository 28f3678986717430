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
