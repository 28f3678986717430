/* Functions in headers that the host and the kernels of a GPU share: one formula, written once. */
#ifndef KNN_CORE_EVERYWHERE_H
#define KNN_CORE_EVERYWHERE_H

#ifdef __CUDACC__
#define KNN_EVERYWHERE __host__ __device__ static inline
#else
#define KNN_EVERYWHERE static inline
#endif

#endif
