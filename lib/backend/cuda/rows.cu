/* Work on the rows of matrices: adding a bias, summing rows. */
#include "backend/cuda/activate.h"

static const unsigned FEW_ROWS = 64;        /* are summed by one thread a column */

KNN_KERNEL add_to_rows(const float *bias, knn_activation f, unsigned n, unsigned columns, float *y)
{
    each(n, columns, y, [=](unsigned, float y, float bias) { return activated(f, y + bias); }, y, by_column{bias, 0});
}

/* partial[part][column] = the sum of the part's rows; neighbouring threads read neighbouring columns. */
KNN_KERNEL sum_parts(const float *from, unsigned rows, unsigned columns, unsigned parts, float *partial)
{
    unsigned rows_a_part = (rows + parts - 1) / parts;
    KNN_EACH (i, parts * columns) {
        unsigned first = i / columns * rows_a_part, last = first + rows_a_part < rows ? first + rows_a_part : rows;
        float sum = 0;
        for (unsigned row = first; row < last; row++)
            sum += from[row * columns + i % columns];
        partial[i] = sum;
    }
}

KNN_KERNEL add_parts(const float *partial, unsigned columns, unsigned parts, float *to)
{
    KNN_EACH (column, columns) {
        float sum = 0;
        for (unsigned part = 0; part < parts; part++)
            sum += partial[part * columns + column];
        to[column] = sum;
    }
}

cudaError_t knn__cuda_add_to_rows(cudaStream_t stream, const float *bias, knn_activation f, unsigned rows, unsigned columns, float *y)
{
    KNN_LAUNCH_FOURS(rows * columns, stream, add_to_rows, bias, f, rows * columns, columns, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_sum_rows(cudaStream_t stream, const float *from, unsigned rows, unsigned columns, float *partial, float *to)
{
    unsigned most = KNN_CUDA_SUM_PARTS, parts = rows < most ? rows : most;
    cudaError_t error = cudaSuccess;
    if (rows > FEW_ROWS) {
        KNN_LAUNCH_EACH(parts * columns, stream, sum_parts, from, rows, columns, parts, partial);
        error = cudaGetLastError();
    }
    KNN_LAUNCH_EACH(columns, stream, add_parts, rows > FEW_ROWS ? partial : from, columns, parts, to);
    return error != cudaSuccess ? error : cudaGetLastError();
}
