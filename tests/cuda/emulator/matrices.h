/* Column-major matrices in the GPU's memory, as cuBLAS and cuBLASLt multiply them. */
#ifndef TESTS_CUDA_EMULATOR_MATRICES_H
#define TESTS_CUDA_EMULATOR_MATRICES_H

#include "inside.h"
#include "tensor_cores.h"

#include <cblas.h>
#include <cublas_v2.h>

#include <algorithm>
#include <vector>

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

/* A matrix's numbers as tensor cores take them, one behind the other, or, in fp32, where they are. */
struct operand {
    std::vector<float> rounded;
    const float *numbers;
    int stride;

    operand(const float *from, const matrix &of, bool in_tf32) : numbers(from), stride(of.stride)
    {
        if (!in_tf32)
            return;
        for (int column = 0; column < of.columns; column++)
            for (int row = 0; row < of.rows; row++)
                rounded.push_back(rounded_to_tf32(from[(size_t)column * (size_t)of.stride + (size_t)row]));
        numbers = rounded.data();
        stride = std::max(1, of.rows);
    }
};

}

#endif
