/* Normalization by statistics that are known: y = (x - mean) / deviation, or, inverted, y = x deviation + mean; deviation =
 * max(sqrt(variance), 1e-7). */
#include "backend/cuda/knn_cu.h"

#include <math.h>

static __device__ float mean_of(const knn__cuda_known &k, unsigned channel)
{
    return k.given != NULL ? (float)k.given[k.statistics > 1 ? channel : 0] : k.mean[channel];
}

static __device__ float deviation_of(const knn__cuda_known &k, unsigned channel)
{
    float variance = k.given != NULL ? (float)k.given[k.statistics + (k.statistics > 1 ? channel : 0)] : k.variance[channel];
    return fmaxf(sqrtf(variance), 1e-7f);
}

KNN_KERNEL normalize(knn__cuda_known k, unsigned n, const float *x, float *y)
{
    each(n, 0, y, [=](unsigned i, float x) {
        unsigned channel = i % k.channels;
        return k.invert ? fmaf(x, deviation_of(k, channel), mean_of(k, channel)) : (x - mean_of(k, channel)) / deviation_of(k, channel);
    }, x);
}

KNN_KERNEL normalize_backward(knn__cuda_known k, unsigned n, const float *dy, float *dx)
{
    each(n, 0, dx, [=](unsigned i, float dy) {
        float deviation = deviation_of(k, i % k.channels);
        return k.invert ? dy * deviation : dy / deviation;
    }, dy);
}

cudaError_t knn__cuda_normalize_known(cudaStream_t stream, knn__cuda_known k, unsigned n, const float *x, float *y)
{
    KNN_LAUNCH_FOURS(n, stream, normalize, k, n, x, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_normalize_known_backward(cudaStream_t stream, knn__cuda_known k, unsigned n, const float *dy, float *dx)
{
    KNN_LAUNCH_FOURS(n, stream, normalize_backward, k, n, dy, dx);
    return cudaGetLastError();
}
