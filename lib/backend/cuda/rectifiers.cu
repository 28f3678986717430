/* The activations with parameters, of the layers ReLU, LeakyReLU, ELU and PReLU. */
#include "backend/cuda/knn_cu.h"

#include <math.h>

/* The alpha of number i of an image. Axes on which it has size 1 do not count. */
static __device__ unsigned alpha_index(const knn__cuda_rectifier &r, unsigned i)
{
    unsigned channel = i % r.channels, pixel = i / r.channels, row = pixel / r.width, column = pixel % r.width;
    unsigned index = r.alpha_height > 1 ? row : 0;
    index = index * r.alpha_width + (r.alpha_width > 1 ? column : 0);
    return index * r.alpha_channels + (r.alpha_channels > 1 ? channel : 0);
}

static __device__ float alpha_of(const knn__cuda_rectifier &r, unsigned i)
{
    return r.alphas != NULL ? r.alphas[alpha_index(r, i % r.length)] : r.alpha;
}

static __device__ float value_of(const knn__cuda_rectifier &r, float alpha, float x)
{
    switch (r.op) {
    case KNN_OP_RECTIFIER:  return x > r.threshold ? (x < r.max_value ? x : r.max_value) : alpha * (x - r.threshold);
    case KNN_OP_SCALED_ELU: return x > 0 ? x : alpha * expm1f(x);
    default:                return x > 0 ? x : alpha * x;
    }
}

/* As Keras composes ReLU of what TensorFlow has: the slope is 0 at the threshold (not in the plain leaky one), and 1 at the maximum (not in
 * ReLU6, which is an operation of its own). */
static __device__ float rectifier_slope(const knn__cuda_rectifier &r, float alpha, float x)
{
    bool leaky = r.threshold == 0 && isinf(r.max_value), relu6 = r.threshold == 0 && r.max_value == 6;
    if (x > r.threshold)
        return x < r.max_value || (x == r.max_value && !relu6) ? 1 : 0;
    return x < r.threshold || leaky ? alpha : 0;
}

static __device__ float slope_of(const knn__cuda_rectifier &r, float alpha, float x)
{
    switch (r.op) {
    case KNN_OP_RECTIFIER:  return rectifier_slope(r, alpha, x);
    case KNN_OP_SCALED_ELU: return x > 0 ? 1 : alpha * expf(x);
    default:                return x > 0 ? 1 : x < 0 ? alpha : 0;
    }
}

KNN_KERNEL rectify(knn__cuda_rectifier r, unsigned n, const float *x, float *y)
{
    each(n, 0, y, [=](unsigned i, float x) { return value_of(r, alpha_of(r, i), x); }, x);
}

KNN_KERNEL rectify_backward(knn__cuda_rectifier r, unsigned n, const float *x, const float *dy, float *dx)
{
    each(n, 0, dx, [=](unsigned i, float x, float dy) { return dy * slope_of(r, alpha_of(r, i), x); }, x, dy);
}

/* Over one axis of an image: the places that have alpha number `at`. */
typedef struct range { unsigned first, last; } range;

static __device__ range places(unsigned at, unsigned alphas, unsigned size)
{
    return {alphas > 1 ? at : 0, alphas > 1 ? at + 1 : size};
}

/* products: [images][alphas]: the sums of dy x where x < 0. */
KNN_KERNEL alpha_products(knn__cuda_rectifier r, unsigned n, unsigned alphas, const float *x, const float *dy, float *products)
{
    KNN_EACH (i, n) {
        unsigned image = i / alphas, alpha = i % alphas, pixel = alpha / r.alpha_channels;
        range rows = places(pixel / r.alpha_width, r.alpha_height, r.length / r.channels / r.width);
        range columns = places(pixel % r.alpha_width, r.alpha_width, r.width);
        range channels = places(alpha % r.alpha_channels, r.alpha_channels, r.channels);
        float sum = 0;
        for (unsigned row = rows.first; row < rows.last; row++)
            for (unsigned column = columns.first; column < columns.last; column++)
                for (unsigned channel = channels.first; channel < channels.last; channel++) {
                    unsigned at = image * r.length + (row * r.width + column) * r.channels + channel;
                    sum += x[at] < 0 ? dy[at] * x[at] : 0;
                }
        products[i] = sum;
    }
}

cudaError_t knn__cuda_rectify(cudaStream_t stream, knn__cuda_rectifier r, unsigned images, const float *x, float *y)
{
    KNN_LAUNCH_FOURS(images * r.length, stream, rectify, r, images * r.length, x, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_rectify_backward(cudaStream_t stream, knn__cuda_rectifier r, unsigned images, const float *x, const float *dy, float *dx)
{
    KNN_LAUNCH_FOURS(images * r.length, stream, rectify_backward, r, images * r.length, x, dy, dx);
    return cudaGetLastError();
}

cudaError_t knn__cuda_alpha_products(cudaStream_t stream, knn__cuda_rectifier r, unsigned images, const float *x, const float *dy,
                                     float *products)
{
    unsigned alphas = r.alpha_height * r.alpha_width * r.alpha_channels;
    KNN_LAUNCH_EACH(images * alphas, stream, alpha_products, r, images * alphas, alphas, x, dy, products);
    return cudaGetLastError();
}
