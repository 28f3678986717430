/* The activations over rows: softmax, log_softmax, sparsemax. A row for each thread. */
#include "backend/cuda/knn_cu.h"

#include <math.h>

/* Where row number `index` begins: [blocks][length][step]. */
static __device__ unsigned row_start(knn__cuda_row r, unsigned index) { return index / r.step * r.length * r.step + index % r.step; }

/* ---- Sparsemax (Martins and Astudillo 2016), as Keras has it: the threshold sums the partial sums of the sorted support, see
 * reference/softmax.c ---- */

typedef struct support { float above; unsigned count; } support;        /* the numbers above `above` */

/* It shrinks from all numbers until none of it lies below its own threshold (Michelot 1986), which needs no sorting. */
static __device__ support support_of(const float *x, knn__cuda_row r)
{
    support s = {-INFINITY, r.length + 1};
    unsigned before;
    do {
        float sum = 0, above = s.above;
        before = s.count;
        s.count = 0;
        for (unsigned i = 0; i < r.length; i++)
            if (x[i * r.step] > above) {
                sum += x[i * r.step];
                s.count++;
            }
        s.above = s.count < before ? (sum - 1) / (float)s.count : above;
    } while (s.count < before);
    return s;
}

/* How many partial sums number i of the support is in: those of itself and of all that are sorted behind it. 0: not in the support. */
static __device__ unsigned partial_sums(const float *x, knn__cuda_row r, support s, unsigned i)
{
    unsigned count = 0;
    for (unsigned j = 0; j < r.length && x[i * r.step] > s.above; j++)
        count += x[j * r.step] > s.above && (x[j * r.step] < x[i * r.step] || (x[j * r.step] == x[i * r.step] && j >= i));
    return count;
}

static __device__ void sparsemax(const float *x, float *y, knn__cuda_row r)
{
    support s = support_of(x, r);
    float sum = 0;
    for (unsigned i = 0; i < r.length; i++)
        sum += (float)partial_sums(x, r, s, i) * x[i * r.step];
    float threshold = (sum - 1) / (float)s.count;
    for (unsigned i = 0; i < r.length; i++)
        y[i * r.step] = x[i * r.step] > threshold ? x[i * r.step] - threshold : 0;
}

/* The threshold's gradient reaches all of the support, whatever of it is cut off. */
static __device__ void sparsemax_backward(const float *x, const float *y, const float *dy, float *dx, knn__cuda_row r)
{
    support s = support_of(x, r);
    float sum = 0;
    for (unsigned i = 0; i < r.length; i++)
        sum += y[i * r.step] > 0 ? dy[i * r.step] : 0;
    for (unsigned i = 0; i < r.length; i++) {
        float own = y[i * r.step] > 0 ? dy[i * r.step] : 0;
        dx[i * r.step] = own - sum * (float)partial_sums(x, r, s, i) / (float)s.count;
    }
}

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
            sparsemax(x + at, y + at, r);
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
            sparsemax_backward(x + at, y + at, dy + at, dx + at, r);
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
