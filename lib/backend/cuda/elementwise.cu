/* What works number by number: activations, dropout, Gaussian noise, rescaling. The formulas are the host's. */
#include "backend/cuda/activate.h"
#include "core/philox.h"

KNN_KERNEL activate(knn_activation f, const float *x, unsigned n, float *y)
{
    each(n, 0, y, [=](unsigned, float x) { return activated(f, x); }, x);
}

KNN_KERNEL activate_backward(knn_activation f, const float *kept, const float *dy, unsigned n, float *dx)
{
    each(n, 0, dx, [=](unsigned, float kept, float dy) { return activation_gradient(f, kept, dy); }, kept, dy);
}

KNN_KERNEL rescale(float scale, float offset, const float *x, unsigned n, float *y)
{
    each(n, 0, y, [=](unsigned, float x) { return scale * x + offset; }, x);
}

static __device__ float dropped(const knn__cuda_draws &d, uint32_t word, float x) { return knn__uniform_of(word) < d.keep ? x * d.scale : 0; }

static __device__ four<float> dropped(const knn__cuda_draws &d, const uint32_t words[4], const four<float> &x)
{
    return {{dropped(d, words[0], x.values[0]), dropped(d, words[1], x.values[1]), dropped(d, words[2], x.values[2]),
             dropped(d, words[3], x.values[3])}};
}

/* Four draws for each i: one block of the generator, and all numbers of its image that have these draws: neighbours in rows of d.draws. */
KNN_KERNEL drop(knn__cuda_draws d, unsigned n, const float *from, float *to)
{
    unsigned blocks = (d.draws + 3) / 4, iteration = *d.iteration;
    bool aligned = d.draws % 4 == 0 && is_aligned(from) && is_aligned(to);
    KNN_EACH (i, n) {
        unsigned image = i / blocks, block = i % blocks;
        const uint32_t counter[4] = {d.stream, iteration, image, block};
        uint32_t words[4];
        knn__philox(d.seed, counter, words);
        for (unsigned row = image * d.length; row < (image + 1) * d.length; row += d.draws)
            store_four(to + row, 4 * block, d.draws, aligned, dropped(d, words, load_four(from + row, 4 * block, d.draws, aligned)));
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
    KNN_LAUNCH_FOURS(n, stream, activate, f, x, n, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_activate_backward(cudaStream_t stream, knn_activation f, const float *kept, const float *dy, unsigned n, float *dx)
{
    KNN_LAUNCH_FOURS(n, stream, activate_backward, f, kept, dy, n, dx);
    return cudaGetLastError();
}

cudaError_t knn__cuda_rescale(cudaStream_t stream, float scale, float offset, const float *x, unsigned n, float *y)
{
    KNN_LAUNCH_FOURS(n, stream, rescale, scale, offset, x, n, y);
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
