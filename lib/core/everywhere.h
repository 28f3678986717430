/* Functions in headers that the host and the kernels of a GPU share: one formula, written once. */
#ifndef KNN_CORE_EVERYWHERE_H
#define KNN_CORE_EVERYWHERE_H

#ifdef __CUDACC__
#define KNN_EVERYWHERE __host__ __device__ static inline
#else
#define KNN_EVERYWHERE static inline
#endif

/* a * b, rounded before anything is added to it: nvcc would make one operation of both, the host's compiler is told not to. */
#ifdef __CUDA_ARCH__
KNN_EVERYWHERE float knn__product(float a, float b) { return __fmul_rn(a, b); }
KNN_EVERYWHERE double knn__double_product(double a, double b) { return __dmul_rn(a, b); }
#else
KNN_EVERYWHERE float knn__product(float a, float b) { return a * b; }
KNN_EVERYWHERE double knn__double_product(double a, double b) { return a * b; }
#endif

#endif
