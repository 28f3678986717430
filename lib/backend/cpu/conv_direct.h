/* What the direct convolutions share: their packed weights, the micro-kernel's step, and bands of rows with the padding around them.
 *
 * In NHWC the columns and C channels under one row of the kernel are S = kernel_width C floats in a row, so the convolution needs no im2col:
 * output (r, k) = sum over the kernel's rows i and t = 0..S - 1 of x[r + i][t] * w[i][t][k]. */
#ifndef KNN_BACKEND_CPU_CONV_DIRECT_H
#define KNN_BACKEND_CPU_CONV_DIRECT_H

#include "backend/cpu/conv_shape.h"

/* One step of the micro-kernel: `columns` positions x 2 vectors of filters. 6 x 2 is what 16 registers hold, and reaches 98 % of the peak
 * (Zen 3, 100 GFLOP/s); 12 positions x 2 spill (58), 3 x 4 as well (44), 12 x 1 load too much (87). */
enum {
    DIRECT_COLUMNS = 6,
    MOST_UNROLLED = 15                      /* steps of a kernel's row */
};

INLINE void direct_step(vec sum[][2], const float *x, long channels, const float *w, const int columns)
{
    vec low = load(w), high = load(w + VL);
    UNROLL for (int c = 0; c < columns; c++) {
        vec value = all(x[c * channels]);
        sum[c][0] = multiply_add(value, low, sum[c][0]);
        sum[c][1] = multiply_add(value, high, sum[c][1]);
    }
}

/* What a sum over the kernel walks through: rows of `steps` floats, `channels` from one output column to the next. */
typedef struct direct_kernel { int rows; long steps, channels, row_stride; } direct_kernel;

/* All steps: sum[column][half] += x * w; x is at the first column's upper left tap, w [rows][steps][FILTERS].
 * Few steps (a compile-time constant then) are unrolled by kernel rows, with a barrier after each step. */
INLINE void direct_sum(vec sum[][2], const float *x, const direct_kernel kernel, const float *w, const int columns)
{
    for (int i = 0; i < kernel.rows; i++, x += kernel.row_stride)
        if (__builtin_constant_p(kernel.steps) && kernel.steps <= MOST_UNROLLED) {
            UNROLL for (int t = 0; t < kernel.steps; t++, w += FILTERS) {
                direct_step(sum, x + t, kernel.channels, w, columns);
                BARRIER;
            }
        } else {
            for (long t = 0; t < kernel.steps; t++, w += FILTERS)
                direct_step(sum, x + t, kernel.channels, w, columns);
        }
}

/* The kernels compiled on their own, by channels and size: square ones in the first layers of most nets. */
#define DIRECT_CASES(CASE) CASE(1, 3) CASE(3, 3) CASE(1, 5) CASE(3, 5)

INLINE direct_kernel direct_fixed(const direct_kernel kernel, const int channels, const int size)
{
    return (direct_kernel){size, (long)channels * size, channels, kernel.row_stride};
}

INLINE bool direct_is(const direct_kernel *kernel, int channels, int size)
{
    return kernel->channels == channels && kernel->rows == size && kernel->steps == (long)channels * size;
}

/* Weights [taps channels][filters] (a block's FILTERS of them, times scale) -> packed [taps channels][FILTERS]; filters beyond the end are 0. */
static inline void direct_pack(const knn_step *step, const conv_shape *c, int block, float *packed)
{
    for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL, packed += VL) {
        const float *w = knn__weight(step, 0, KNN_KERNEL);
        float scale[VL], bias[VL];
        conv_scale(step, c, k, scale, bias);
        for (long row = 0; row < conv_length(c); row++)
            store(packed + row * FILTERS, load_up_to(w + row * c->filters + k, c->filters - k) * load(scale));
    }
}

/* Copies rows of an image with `channels` floats a pixel into a band of `height` x `width` pixels whose upper left is (row, column) of the
 * image; what lies outside is zero. With `gate`, an image of the same shape, only what is above zero there is copied (ReLU's derivative). */
static inline void direct_copy_band(const float *image, const float *gate, int image_height, int image_width, int channels, int row,
                                    int column, int height, int width, float *band)
{
    int first = larger(0, -column), last = larger(first, smaller(width, image_width - column));
    for (int r = row; r < row + height; r++, band += (long)width * channels) {
        if (r < 0 || r >= image_height || first == last) {
            memset(band, 0, (size_t)width * (size_t)channels * sizeof *band);
            continue;
        }
        memset(band, 0, (size_t)first * (size_t)channels * sizeof *band);
        memset(band + (long)last * channels, 0, (size_t)(width - last) * (size_t)channels * sizeof *band);
        long from = ((long)r * image_width + column + first) * channels, length = (long)(last - first) * channels;
        float *to = band + (long)first * channels;
        if (gate == NULL)
            memcpy(to, image + from, (size_t)length * sizeof *to);
        else
            for (long i = 0; i < length; i++)
                to[i] = gate[from + i] > 0 ? image[from + i] : 0;
    }
}

#endif
