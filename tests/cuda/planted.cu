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
    to[threadIdx.x] = all[threadIdx.x + 1 < blockDim.x ? threadIdx.x + 1 : (unsigned)KNN_THREADS];
}

KNN_KERNEL share_by_two(float *to, unsigned first)
{
    __shared__ float all[KNN_THREADS];
    all[threadIdx.x / 2] = (float)(first + threadIdx.x);
    to[threadIdx.x] = all[threadIdx.x / 2];
}

KNN_KERNEL add(float *to, unsigned first)
{
    to[threadIdx.x] += (float)first;                        /* to what? */
}

KNN_KERNEL fill_from(float *to, unsigned first)
{
    to[threadIdx.x + first] = 1;                            /* beyond the array, not beyond the allocation */
}

KNN_KERNEL rotate_in_place(float *to, unsigned first)
{
    __shared__ float all[KNN_THREADS];
    all[threadIdx.x] = (float)(first + threadIdx.x);
    __syncthreads();
    all[threadIdx.x] = all[(threadIdx.x + 1) % blockDim.x];             /* which may have been written already */
    to[threadIdx.x] = all[threadIdx.x];
}

KNN_KERNEL rotate_into_another(float *to, unsigned first)
{
    __shared__ float some[KNN_THREADS], others[KNN_THREADS];
    const unsigned i = KNN_THREADS - blockDim.x + threadIdx.x;
    some[i] = others[i] = (float)first;
    __syncthreads();
    to[threadIdx.x] = some[i + 1] + others[i];
}

KNN_KERNEL fill_by_all_blocks(float *to, unsigned first)
{
    to[threadIdx.x] = (float)(first + blockIdx.x);
}

KNN_KERNEL fill_by_four(float *to, unsigned first)
{
    const float4 four = {1, 2, 3, 4};
    *reinterpret_cast<float4 *>(to + 4 * (threadIdx.x % 2) + first) = four;
}

struct place { float *to; };

KNN_KERNEL fill_through_struct(place there, unsigned first)
{
    there.to[threadIdx.x] = (float)first;
}

/* ---- Right, but slow ---- */

KNN_KERNEL write_row(float *to, unsigned first)
{
    to[first + threadIdx.x] = 1;
}

KNN_KERNEL write_column(float *to, unsigned first)
{
    to[32 * threadIdx.x + first] = 1;
}

KNN_KERNEL write_fours(float *to, unsigned first)
{
    for (unsigned i = 0; i < 4; i++)
        to[4 * threadIdx.x + i] = (float)(first + i);
}

KNN_KERNEL write_tile(float *to, unsigned first)
{
    __shared__ float tile[32][32];
    tile[threadIdx.x % 32][threadIdx.x / 32] = (float)first;
    __syncthreads();
    to[threadIdx.x] = tile[threadIdx.x % 32][threadIdx.x / 32];
}

KNN_KERNEL write_padded_tile(float *to, unsigned first)
{
    __shared__ float tile[32][33];
    tile[threadIdx.x % 32][threadIdx.x / 32] = (float)first;
    __syncthreads();
    to[threadIdx.x] = tile[threadIdx.x % 32][threadIdx.x / 32];
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

/* In one block. */
#define PLANTED(kernel) \
    cudaError_t planted_##kernel(cudaStream_t stream, float *to, unsigned threads, unsigned first) \
    { \
        KNN_LAUNCH(kernel, 1, threads, stream, to, first); \
        return cudaGetLastError(); \
    }

PLANTED(rotate)
PLANTED(rotate_without_barrier)
PLANTED(rotate_by_some)
PLANTED(rotate_too_far)
PLANTED(share_by_two)
PLANTED(add)
PLANTED(fill_from)
PLANTED(write_row)
PLANTED(write_column)
PLANTED(write_fours)
PLANTED(write_tile)
PLANTED(write_padded_tile)
PLANTED(rotate_in_place)
PLANTED(rotate_into_another)
PLANTED(fill_by_all_blocks)
PLANTED(fill_by_four)

cudaError_t planted_fill_through_struct(cudaStream_t stream, float *to, unsigned threads, unsigned first)
{
    const place there = {to};
    KNN_LAUNCH(fill_through_struct, 1, threads, stream, there, first);
    return cudaGetLastError();
}
