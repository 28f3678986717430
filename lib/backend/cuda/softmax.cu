/* The activations over rows: softmax, log_softmax, sparsemax. A row for each thread. */
#include "backend/cuda/knn_cu.h"
#include "backend/sparsemax.h"

#include <math.h>

/* Where row number `index` begins: [blocks][length][step]. */
static __device__ unsigned row_start(knn__cuda_row r, unsigned index) { return index / r.step * r.length * r.step + index % r.step; }

static __device__ void sparsemax(const float *x, float *y, knn__row r)
{
    double threshold = knn__sparsemax_threshold(x, r);
    for (int i = 0; i < r.length; i++)
        y[i * r.step] = (double)x[i * r.step] > threshold ? (float)(x[i * r.step] - threshold) : 0;
}

static __device__ knn__row shape_of(knn__cuda_row r) { return {(int)r.length, (int)r.step}; }

/* ---- Softmax, and its logarithm. y may be x, dx may be dy ---- */

static __device__ float largest(const float *x, knn__cuda_row r)
{
    float most = x[0];
    for (unsigned i = 1; i < r.length; i++)
        most = x[i * r.step] > most ? x[i * r.step] : most;
    return most;
}

static __device__ void exponentials(const float *x, float *y, knn__cuda_row r)
{
    float most = largest(x, r), sum = 0;
    for (unsigned i = 0; i < r.length; i++)
        sum += y[i * r.step] = expf(x[i * r.step] - most);
    for (unsigned i = 0; i < r.length; i++)
        y[i * r.step] /= sum;
}

static __device__ void logarithms(const float *x, float *y, knn__cuda_row r)
{
    float most = largest(x, r), sum = 0;
    for (unsigned i = 0; i < r.length; i++)
        sum += expf(x[i * r.step] - most);
    float shift = logf(sum);
    for (unsigned i = 0; i < r.length; i++)
        y[i * r.step] = x[i * r.step] - most - shift;
}

/* softmax: dx = y (dy - sum of y dy); log_softmax: dx = dy - e^y sum of dy */
static __device__ void exponentials_backward(const float *y, const float *dy, float *dx, knn__cuda_row r)
{
    bool logarithm = r.function == KNN_LOG_SOFTMAX;
    float sum = 0;
    for (unsigned i = 0; i < r.length; i++)
        sum += logarithm ? dy[i * r.step] : y[i * r.step] * dy[i * r.step];
    for (unsigned i = 0; i < r.length; i++) {
        float value = y[i * r.step], gradient = dy[i * r.step];
        dx[i * r.step] = logarithm ? gradient - expf(value) * sum : value * (gradient - sum);
    }
}

KNN_KERNEL softmax(knn__cuda_row r, unsigned rows, const float *x, float *y)
{
    KNN_EACH (row, rows) {
        unsigned at = row_start(r, row);
        if (r.function == KNN_SPARSEMAX)
            sparsemax(x + at, y + at, shape_of(r));
        else if (r.function == KNN_LOG_SOFTMAX)
            logarithms(x + at, y + at, r);
        else
            exponentials(x + at, y + at, r);
    }
}

KNN_KERNEL softmax_backward(knn__cuda_row r, unsigned rows, const float *x, const float *y, const float *dy, float *dx)
{
    KNN_EACH (row, rows) {
        unsigned at = row_start(r, row);
        if (r.function == KNN_SPARSEMAX)
            knn__sparsemax_backward(x + at, y + at, dy + at, dx + at, shape_of(r));
        else
            exponentials_backward(y + at, dy + at, dx + at, r);
    }
}

cudaError_t knn__cuda_softmax(cudaStream_t stream, knn__cuda_row r, unsigned n, const float *x, float *y)
{
    KNN_LAUNCH_EACH(n / r.length, stream, softmax, r, n / r.length, x, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_softmax_backward(cudaStream_t stream, knn__cuda_row r, unsigned n, const float *x, const float *y, const float *dy,
                                       float *dx)
{
    KNN_LAUNCH_EACH(n / r.length, stream, softmax_backward, r, n / r.length, x, y, dy, dx);
    return cudaGetLastError();
}
