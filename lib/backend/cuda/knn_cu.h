/* What all .cu files share: launching, and loops over a grid. Where the compiler is not nvcc, <cudaemu.h> stands in for the language. */
#ifndef KNN_BACKEND_CUDA_KNN_CU_H
#define KNN_BACKEND_CUDA_KNN_CU_H

#include "backend/cuda/kernels.h"

#ifdef __CUDACC__
#define KNN_LAUNCH(kernel, blocks, threads, stream, ...) kernel<<<blocks, threads, 0, stream>>>(__VA_ARGS__)
#define KNN_UNROLL _Pragma("unroll")        /* needed where arrays shall be registers */
/* nvcc warns of templates as if they had no launch bounds. */
#define KNN_KERNELS_ARE_TEMPLATES _Pragma("nv_diag_suppress missing_launch_bounds")
#else
#include <cudaemu.h>
#define KNN_UNROLL
#define KNN_KERNELS_ARE_TEMPLATES
#endif

enum { KNN_THREADS = 256 };                 /* of a block */

#define KNN_KERNEL static __global__ void __launch_bounds__(KNN_THREADS)

/* for i in [0, n): each thread takes what lies a grid apart. */
#define KNN_EACH(i, n) for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += gridDim.x * blockDim.x)

/* For what one thread does alone. */
#define KNN_ONCE if (blockIdx.x * blockDim.x + threadIdx.x == 0)

static inline unsigned knn__blocks_for(unsigned n)
{
    unsigned blocks = (n + KNN_THREADS - 1) / KNN_THREADS;
    return blocks < knn__cuda_grid_cap ? blocks : knn__cuda_grid_cap;
}

/* Launches kernel(..) so that KNN_EACH covers [0, n); nothing to do is fine. */
#define KNN_LAUNCH_EACH(n, stream, kernel, ...) \
    do { \
        if ((n) > 0) \
            KNN_LAUNCH(kernel, knn__blocks_for(n), KNN_THREADS, stream, __VA_ARGS__); \
    } while (0)

#endif
