/* OpenBLAS: matrix products of one thread, and the guard that keeps it to one. The only door to cblas. */
#ifndef KNN_BACKEND_CPU_BLAS_H
#define KNN_BACKEND_CPU_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* Around every stretch of work that multiplies matrices, in the thread that does it; nests. The first enter keeps OpenBLAS to one
 * thread, the last leave gives back what the host program had set. */
void knn__blas_enter(void);
void knn__blas_leave(void);

/* "OpenBLAS 0.3.21 Haswell pthread": version, kernels in use, flavour. */
void knn__blas_describe(char *text, size_t size);

/* A row-major matrix; `stride` floats from one row to the next; `transposed`: read with rows and columns exchanged. */
typedef struct knn__matrix {
    const float *data;
    size_t stride;
    bool transposed;
} knn__matrix;

/* Whether a product of these sizes can be asked for. To be checked before, since OpenBLAS prints where it should fail. */
bool knn__gemm_takes(size_t m, size_t n, size_t k);

/* c[m][n] = a[m][k] * b[k][n], added to c where `add`; the sizes are those after transposition. */
void knn__gemm(size_t m, size_t n, size_t k, knn__matrix a, knn__matrix b, bool add, float *c, size_t c_stride);

#endif
