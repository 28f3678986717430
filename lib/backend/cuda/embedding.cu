/* Embedding: each number of the input is a row of the table; what is no row of it gives zeros. */
#include "backend/cuda/knn_cu.h"

/* The row of a number, which is cut to an integer as Keras casts it; -1: there is none (NaN included). */
static __device__ int row_of(knn__cuda_table t, float number) { return number > -1 && number < (float)t.rows ? (int)number : -1; }

KNN_KERNEL embed(knn__cuda_table t, unsigned n, const float *x, const float *table, float *y)
{
    KNN_EACH (i, n) {
        int row = row_of(t, x[i / t.width]);
        y[i] = row < 0 ? 0 : table[(unsigned)row * t.width + i % t.width];
    }
}

/* An element of the table for each i, which adds up, in order, what it was looked up for: no two threads add to one number. */
KNN_KERNEL embed_backward(knn__cuda_table t, unsigned n, unsigned numbers, const float *x, const float *dy, float *gradient)
{
    KNN_EACH (i, n) {
        int row = (int)(i / t.width);
        float sum = 0;
        for (unsigned k = 0; k < numbers; k++)
            sum += row_of(t, x[k]) == row ? dy[k * t.width + i % t.width] : 0;
        gradient[i] = sum;
    }
}

cudaError_t knn__cuda_embed(cudaStream_t stream, knn__cuda_table t, unsigned numbers, const float *x, const float *table, float *y)
{
    KNN_LAUNCH_EACH(numbers * t.width, stream, embed, t, numbers * t.width, x, table, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_embed_backward(cudaStream_t stream, knn__cuda_table t, unsigned numbers, const float *x, const float *dy, float *gradient)
{
    KNN_LAUNCH_EACH(t.rows * t.width, stream, embed_backward, t, t.rows * t.width, numbers, x, dy, gradient);
    return cudaGetLastError();
}
