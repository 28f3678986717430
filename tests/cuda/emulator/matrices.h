/* Column-major matrices in the GPU's memory, as cuBLAS and cuBLASLt multiply them. */
#ifndef TESTS_CUDA_EMULATOR_MATRICES_H
#define TESTS_CUDA_EMULATOR_MATRICES_H

#include "inside.h"

#include <cblas.h>
#include <cublas_v2.h>

namespace emulator {

struct matrix { int rows, columns, stride; };

static inline matrix transposed(matrix m) { return {m.columns, m.rows, m.stride}; }

static inline CBLAS_TRANSPOSE transposition(cublasOperation_t op) { return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans; }

/* Bytes from the first number to behind the last. */
static inline size_t extent(matrix m)
{
    return m.rows > 0 && m.columns > 0 ? ((size_t)(m.columns - 1) * (size_t)m.stride + (size_t)m.rows) * sizeof(float) : 0;
}

/* Tells the checker of one, which a launch that it knows of reads or writes. */
static inline void touch(const float *first, matrix m, bool writes)
{
    for (int column = 0; column < m.columns; column++, first += m.stride) {
        size_t bytes = (size_t)m.rows * sizeof *first;
        if (counting && bytes > 0)
            count_moved(first, bytes, writes);
        if (writes)
            check_written(first, bytes);
    }
}

}

#endif
