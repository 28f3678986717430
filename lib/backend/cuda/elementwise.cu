/* What works number by number: activations, dropout, Gaussian noise, rescaling. The formulas are the host's. */
#include "backend/cuda/activate.h"
#include "core/philox.h"

KNN_KERNEL activate(knn_activation f, const float *x, unsigned n, float *y)
{
    KNN_EACH (i, n)
        y[i] = activated(f, x[i]);
}

KNN_KERNEL activate_backward(knn_activation f, const float *kept, const float *dy, unsigned n, float *dx)
{
    KNN_EACH (i, n)
        dx[i] = activation_gradient(f, kept[i], dy[i]);
}

KNN_KERNEL rescale(float scale, float offset, const float *x, unsigned n, float *y)
{
    KNN_EACH (i, n)
        y[i] = scale * x[i] + offset;
}

/* Four draws for each i: one block of the generator, and all numbers of its image that have these draws. */
KNN_KERNEL drop(knn__cuda_draws d, unsigned n, const float *from, float *to)
{
    unsigned blocks = (d.draws + 3) / 4, iteration = *d.iteration;
    KNN_EACH (i, n) {
        unsigned image = i / blocks, block = i % blocks;
        const uint32_t counter[4] = {d.stream, iteration, image, block};
        uint32_t words[4];
        knn__philox(d.seed, counter, words);
        for (unsigned word = 0; word < 4; word++) {
            bool kept = knn__uniform_of(words[word]) < d.keep;
            unsigned draw = 4 * block + word;
            for (unsigned at = draw; draw < d.draws && at < d.length; at += d.draws)
                to[image * d.length + at] = kept ? from[image * d.length + at] * d.scale : 0;
        }
    }
}

/* cos(2 pi t) for t in [0, 1): folded to [0, 1/4], then Taylor's series, whose next term is below 1e-8. The library's cosf keeps an array for
 * arguments of any size. */
static __device__ float cosine_of_turn(float t)
{
    float half = t > 0.5f ? 1 - t : t, folded = half > 0.25f ? 0.5f - half : half, x = 6.28318530717958648f * folded, z = x * x;
    float c = 1 - z / 2 * (1 - z / 12 * (1 - z / 30 * (1 - z / 56 * (1 - z / 90 * (1 - z / 132)))));
    return half > 0.25f ? -c : c;
}

/* By Box and Muller, from uniform numbers. */
static __device__ float normal_of(uint32_t first, uint32_t second)
{
    return sqrtf(-2 * logf(1 - knn__uniform_of(first))) * cosine_of_turn(knn__uniform_of(second));
}

/* Two numbers for each i: a block of the generator. */
KNN_KERNEL disturb(knn__cuda_noise d, unsigned n, const float *from, float *to)
{
    unsigned blocks = (d.length + 1) / 2, iteration = *d.iteration;
    KNN_EACH (i, n) {
        unsigned image = i / blocks, block = i % blocks;
        const uint32_t counter[4] = {d.stream, iteration, image, block};
        uint32_t words[4];
        knn__philox(d.seed, counter, words);
        for (unsigned k = 0; k < 2 && 2 * block + k < d.length; k++) {
            unsigned at = image * d.length + 2 * block + k;
            float noise = d.deviation * normal_of(words[2 * k], words[2 * k + 1]);
            to[at] = from[at] + (d.factors ? from[at] * noise : noise);
        }
    }
}

cudaError_t knn__cuda_activate(cudaStream_t stream, knn_activation f, const float *x, unsigned n, float *y)
{
    KNN_LAUNCH_EACH(n, stream, activate, f, x, n, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_activate_backward(cudaStream_t stream, knn_activation f, const float *kept, const float *dy, unsigned n, float *dx)
{
    KNN_LAUNCH_EACH(n, stream, activate_backward, f, kept, dy, n, dx);
    return cudaGetLastError();
}

cudaError_t knn__cuda_rescale(cudaStream_t stream, float scale, float offset, const float *x, unsigned n, float *y)
{
    KNN_LAUNCH_EACH(n, stream, rescale, scale, offset, x, n, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_drop(cudaStream_t stream, knn__cuda_draws d, unsigned images, const float *from, float *to)
{
    unsigned n = images * ((d.draws + 3) / 4);
    KNN_LAUNCH_EACH(n, stream, drop, d, n, from, to);
    return cudaGetLastError();
}

cudaError_t knn__cuda_disturb(cudaStream_t stream, knn__cuda_noise d, unsigned images, const float *from, float *to)
{
    unsigned n = images * ((d.length + 1) / 2);
    KNN_LAUNCH_EACH(n, stream, disturb, d, n, from, to);
    return cudaGetLastError();
}
