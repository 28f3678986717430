/* Pictures whose pixels come from places of the input (image_geometry.h), and pictures of another contrast or brightness. */
#include "backend/cuda/knn_cu.h"

#include "core/philox.h"

/* ---- Places ---- */

/* The share of neighbour number k, of four, in a place; and where it is. */
static __device__ float weight_of(knn__image_place p, unsigned k)
{
    return (k / 2 == 0 ? 1 - p.row_part : p.row_part) * (k % 2 == 0 ? 1 - p.column_part : p.column_part);
}

static __device__ int row_of(knn__image_place p, unsigned k) { return k / 2 == 0 ? p.row[0] : p.row[1]; }
static __device__ int column_of(knn__image_place p, unsigned k) { return k % 2 == 0 ? p.column[0] : p.column[1]; }
static __device__ bool is_outside(knn__image_place p, unsigned k) { return row_of(p, k) < 0 || column_of(p, k) < 0; }

static __device__ unsigned pixel_of(const knn__cuda_picture &picture, knn__image_place p, unsigned k)
{
    return (unsigned)(row_of(p, k) * picture.transform.in_width + column_of(p, k));
}

KNN_KERNEL sample(knn__cuda_picture picture, unsigned n, const float *x, float *y)
{
    KNN_EACH (i, n) {
        unsigned pixel = i / picture.channels, channel = i % picture.channels;
        knn__image_place p = knn__image_place_of(&picture.transform, (int)(pixel / picture.out_width), (int)(pixel % picture.out_width));
        float sum = 0;
        for (unsigned k = 0; k < 4; k++)
            if (weight_of(p, k) != 0)
                sum += weight_of(p, k) * (is_outside(p, k) ? picture.fill_value : x[pixel_of(picture, p, k) * picture.channels + channel]);
        y[i] = sum;
    }
}

/* A channel for each thread, which goes through the picture in order: no two threads add to one number. */
KNN_KERNEL spread(knn__cuda_picture picture, const float *dy, float *dx)
{
    unsigned inputs = (unsigned)picture.transform.in_height * (unsigned)picture.transform.in_width;
    KNN_EACH (channel, picture.channels) {
        for (unsigned pixel = 0; pixel < inputs; pixel++)
            dx[pixel * picture.channels + channel] = 0;
        for (unsigned pixel = 0; pixel < picture.out_height * picture.out_width; pixel++) {
            knn__image_place p = knn__image_place_of(&picture.transform, (int)(pixel / picture.out_width), (int)(pixel % picture.out_width));
            for (unsigned k = 0; k < 4; k++)
                if (weight_of(p, k) != 0 && !is_outside(p, k))
                    dx[pixel_of(picture, p, k) * picture.channels + channel] += weight_of(p, k) * dy[pixel * picture.channels + channel];
        }
    }
}

/* ---- Colours: y = scale x + (1 - scale) mean + shift ---- */

typedef struct change { float scale, shift; } change;

static __device__ change change_of(const knn__cuda_color &c, unsigned image)
{
    const uint32_t counter[4] = {c.stream, *c.iteration, image, 0};
    uint32_t words[4];
    knn__philox(c.seed, counter, words);
    float r = c.least + (c.most - c.least) * knn__uniform_of(words[0]);
    return {c.contrast ? r : 1, c.contrast ? 0 : r};
}

static __device__ unsigned image_of(const knn__cuda_color &c, unsigned i) { return i / (c.positions * c.channels); }
static __device__ unsigned mean_of(const knn__cuda_color &c, unsigned i) { return image_of(c, i) * c.channels + i % c.channels; }

static __device__ float recolored(const knn__cuda_color &c, unsigned i, float x, const float *means)
{
    change made = change_of(c, image_of(c, i));
    return made.scale * x + (c.contrast ? (1 - made.scale) * means[mean_of(c, i)] : 0) + made.shift;
}

KNN_KERNEL channel_means(knn__cuda_color c, unsigned n, const float *x, float *means)
{
    KNN_EACH (i, n) {
        const float *from = x + i / c.channels * c.positions * c.channels + i % c.channels;
        float sum = 0;
        for (unsigned p = 0; p < c.positions; p++)
            sum += from[p * c.channels];
        means[i] = sum / (float)c.positions;
    }
}

KNN_KERNEL recolor(knn__cuda_color c, unsigned n, const float *x, const float *means, float *y)
{
    KNN_EACH (i, n) {
        float value = recolored(c, i, x[i], means);
        y[i] = value < c.low ? c.low : value > c.high ? c.high : value;
    }
}

KNN_KERNEL mask_color(knn__cuda_color c, unsigned n, const float *x, const float *means, const float *dy, float *dz)
{
    KNN_EACH (i, n) {
        float value = recolored(c, i, x[i], means);
        dz[i] = value < c.low || value > c.high ? 0 : dy[i];
    }
}

KNN_KERNEL blend_color(knn__cuda_color c, unsigned n, const float *means, float *dx)
{
    KNN_EACH (i, n) {
        float scale = change_of(c, image_of(c, i)).scale;
        dx[i] = scale * dx[i] + (1 - scale) * means[mean_of(c, i)];
    }
}

cudaError_t knn__cuda_sample(cudaStream_t stream, knn__cuda_picture p, const float *x, float *y)
{
    unsigned n = p.out_height * p.out_width * p.channels;
    KNN_LAUNCH_EACH(n, stream, sample, p, n, x, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_spread(cudaStream_t stream, knn__cuda_picture p, const float *dy, float *dx)
{
    KNN_LAUNCH_EACH(p.channels, stream, spread, p, dy, dx);
    return cudaGetLastError();
}

static unsigned numbers(knn__cuda_color c, unsigned images) { return images * c.positions * c.channels; }

cudaError_t knn__cuda_channel_means(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *x, float *means)
{
    KNN_LAUNCH_EACH(images * c.channels, stream, channel_means, c, images * c.channels, x, means);
    return cudaGetLastError();
}

cudaError_t knn__cuda_recolor(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *x, const float *means, float *y)
{
    KNN_LAUNCH_EACH(numbers(c, images), stream, recolor, c, numbers(c, images), x, means, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_mask_color(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *x, const float *means, const float *dy,
                                 float *dz)
{
    KNN_LAUNCH_EACH(numbers(c, images), stream, mask_color, c, numbers(c, images), x, means, dy, dz);
    return cudaGetLastError();
}

cudaError_t knn__cuda_blend_color(cudaStream_t stream, knn__cuda_color c, unsigned images, const float *means, float *dx)
{
    KNN_LAUNCH_EACH(numbers(c, images), stream, blend_color, c, numbers(c, images), means, dx);
    return cudaGetLastError();
}
