/* Batch normalization of matrices [rows][channels], a row for each position of each image, and ReLU behind it. Sums over the rows are made in
 * two stages: of parts of the rows, then of the parts, in order; the numbers depend on the sizes only. */
#include "backend/cuda/knn_cu.h"

#include <math.h>

/* The rows [first, last) of a part. */
typedef struct rows { unsigned first, last; } rows;

static __device__ rows rows_of(const knn__cuda_batch &n, unsigned part)
{
    unsigned a_part = (n.rows + n.parts - 1) / n.parts, first = part * a_part, last = first + a_part;
    return {first < n.rows ? first : n.rows, last < n.rows ? last : n.rows};
}

/* partial: [parts][mean, sum of the squared distances from it][channels]. Summed around the part's first number, so that a mean far from 0
 * costs no digits. */
KNN_KERNEL measure_parts(knn__cuda_batch n, const float *x, float *partial)
{
    KNN_EACH (i, n.parts * n.channels) {
        unsigned part = i / n.channels, channel = i % n.channels;
        rows r = rows_of(n, part);
        float pivot = r.first < r.last ? x[r.first * n.channels + channel] : 0, sum = 0, squares = 0, count = (float)(r.last - r.first);
        for (unsigned row = r.first; row < r.last; row++) {
            float distance = x[row * n.channels + channel] - pivot;
            sum += distance;
            squares += distance * distance;
        }
        partial[2 * part * n.channels + channel] = count > 0 ? pivot + sum / count : 0;
        partial[(2 * part + 1) * n.channels + channel] = count > 0 ? squares - sum * sum / count : 0;
    }
}

/* The parts put together by Chan, Golub and LeVeque's rule: Updating formulae and a pairwise algorithm for computing sample variances, 1979. */
KNN_KERNEL join_parts(knn__cuda_batch n, const float *partial, float momentum, float *mean, float *variance, float *moving_mean,
                      float *moving_variance)
{
    KNN_EACH (channel, n.channels) {
        float count = 0, middle = 0, squares = 0;
        for (unsigned part = 0; part < n.parts; part++) {
            rows r = rows_of(n, part);
            float more = (float)(r.last - r.first), distance = partial[2 * part * n.channels + channel] - middle;
            float share = more > 0 ? more / (count + more) : 0;
            squares += partial[(2 * part + 1) * n.channels + channel] + distance * distance * count * share;
            middle += distance * share;
            count += more;
        }
        float spread = squares > 0 ? squares / count : 0;
        mean[channel] = middle;
        variance[channel] = spread;
        moving_mean[channel] = moving_mean[channel] * momentum + middle * (1 - momentum);
        moving_variance[channel] = moving_variance[channel] * momentum + spread * (1 - momentum);
    }
}

static __device__ float inverse_of(const knn__cuda_batch &n, float variance) { return 1 / sqrtf(variance + n.epsilon); }

/* What belongs to a channel. */
typedef struct channel { float mean, variance, gamma, beta; } channel;

static __device__ channel channel_of(const knn__cuda_batch &n, unsigned c)
{
    return {n.mean[c], n.variance[c], n.gamma != NULL ? n.gamma[c] : 1, n.beta != NULL ? n.beta[c] : 0};
}

static __device__ float scale_of(const knn__cuda_batch &n, const channel &c) { return c.gamma * inverse_of(n, c.variance); }

/* One expression, rounded in one way, for both passes: they must agree on what ReLU lets through. */
static __device__ float normalized(const knn__cuda_batch &n, const channel &c, float x) { return fmaf(x - c.mean, scale_of(n, c), c.beta); }

KNN_KERNEL normalize(knn__cuda_batch n, const float *x, float *y)
{
    each(n.rows * n.channels, n.channels, y, [=](unsigned, float x, float mean, float variance, float gamma, float beta) {
        float value = normalized(n, {mean, variance, gamma, beta}, x);
        return n.relu && value <= 0 ? 0 : value;
    }, x, by_column{n.mean, 0}, by_column{n.variance, 0}, by_column{n.gamma, 1}, by_column{n.beta, 0});
}

/* dy behind ReLU's mask. */
static __device__ float masked(const knn__cuda_batch &n, const channel &c, float x, float dy)
{
    return !n.relu || normalized(n, c, x) > 0 ? dy : 0;
}

/* partial: [parts][dbeta, dgamma][channels]: the sums of dz and of dz (x - mean) / deviation. */
KNN_KERNEL gradient_parts(knn__cuda_batch n, const float *x, const float *dy, float *partial)
{
    KNN_EACH (i, n.parts * n.channels) {
        unsigned part = i / n.channels, column = i % n.channels;
        rows r = rows_of(n, part);
        channel c = channel_of(n, column);
        float sum = 0, product = 0;
        for (unsigned row = r.first; row < r.last; row++) {
            float value = x[row * n.channels + column], dz = masked(n, c, value, dy[row * n.channels + column]);
            sum += dz;
            product += dz * (value - c.mean);
        }
        partial[2 * part * n.channels + column] = sum;
        partial[(2 * part + 1) * n.channels + column] = product * inverse_of(n, c.variance);
    }
}

/* sums: [dbeta, dgamma][channels]; both into the gradients, too, which may be NULL. */
KNN_KERNEL add_gradients(knn__cuda_batch n, const float *partial, float *sums, float *dgamma, float *dbeta)
{
    KNN_EACH (channel, n.channels) {
        float sum = 0, product = 0;
        for (unsigned part = 0; part < n.parts; part++) {
            sum += partial[2 * part * n.channels + channel];
            product += partial[(2 * part + 1) * n.channels + channel];
        }
        sums[channel] = sum;
        sums[n.channels + channel] = product;
        if (dbeta != NULL)
            dbeta[channel] = sum;
        if (dgamma != NULL)
            dgamma[channel] = product;
    }
}

/* dx = scale (dz - mean of dz - n * mean of dz n), n the normalized x: mean and variance depend on x, too. sums NULL: they do not. */
KNN_KERNEL input_gradient(knn__cuda_batch n, const float *x, const float *dy, const float *sums, float *dx)
{
    float share = sums != NULL ? 1 / (float)n.rows : 0;
    each(n.rows * n.channels, n.channels, dx,
         [=](unsigned, float x, float dy, float mean, float variance, float gamma, float beta, float sum, float product) {
        channel c = {mean, variance, gamma, beta};
        float dz = masked(n, c, x, dy) - share * (sum + (x - mean) * inverse_of(n, variance) * product);
        return scale_of(n, c) * dz;
    }, x, dy, by_column{n.mean, 0}, by_column{n.variance, 0}, by_column{n.gamma, 1}, by_column{n.beta, 0}, by_column{sums, 0},
         by_column{sums != NULL ? sums + n.channels : NULL, 0});
}

cudaError_t knn__cuda_batch_statistics(cudaStream_t stream, knn__cuda_batch n, const float *x, float momentum, float *partial,
                                       float *mean, float *variance, float *moving_mean, float *moving_variance)
{
    KNN_LAUNCH_EACH(n.parts * n.channels, stream, measure_parts, n, x, partial);
    cudaError_t error = cudaGetLastError();
    KNN_LAUNCH_EACH(n.channels, stream, join_parts, n, partial, momentum, mean, variance, moving_mean, moving_variance);
    return error != cudaSuccess ? error : cudaGetLastError();
}

cudaError_t knn__cuda_normalize(cudaStream_t stream, knn__cuda_batch n, const float *x, float *y)
{
    KNN_LAUNCH_FOURS(n.rows * n.channels, stream, normalize, n, x, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_normalization_gradients(cudaStream_t stream, knn__cuda_batch n, const float *x, const float *dy, float *partial,
                                              float *sums, float *dgamma, float *dbeta)
{
    KNN_LAUNCH_EACH(n.parts * n.channels, stream, gradient_parts, n, x, dy, partial);
    cudaError_t error = cudaGetLastError();
    KNN_LAUNCH_EACH(n.channels, stream, add_gradients, n, partial, sums, dgamma, dbeta);
    return error != cudaSuccess ? error : cudaGetLastError();
}

cudaError_t knn__cuda_normalize_backward(cudaStream_t stream, knn__cuda_batch n, const float *x, const float *dy, const float *sums,
                                         float *dx)
{
    KNN_LAUNCH_FOURS(n.rows * n.channels, stream, input_gradient, n, x, dy, sums, dx);
    return cudaGetLastError();
}
