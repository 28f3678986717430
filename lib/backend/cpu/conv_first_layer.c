/* dW of the first layer: lanes are filters; each lane picks the input of its own argmax position out of the four candidates.
 *
 * A cell's tap t (column and channel, 0 .. 3C - 1, of one row of the 3x3 kernel) meets x at four places, one for each position in the 2x2 window.
 * With f = 2 cell C + t, its place in the row of floats, they are
 *
 *     patch[f] = { x[row][f], x[row][f + C], x[row + 1][f], x[row + 1][f + C] }
 *
 * and a permutation within 128 bits, by the positions of VL filters, makes the operand of the multiply-add. */
#include "backend/cpu/conv_first_layer.h"
#include "backend/cpu/conv_direct.h"
#include "backend/cpu/pool2x2.h"

enum {
    LANE_VECTORS = REGISTERS == 32 ? 2 : 1,                 /* 12 accumulators x LANE_VECTORS */
    LANES = LANE_VECTORS * VL
};

/* Scratch of a slice. */
typedef struct buffers {
    float *patch[3];                        /* [floats of a row][4], for three rows of the kernel */
    float *band;                            /* four rows of x with their padding; a few floats more, as vectors are read beyond the end */
    float *gradient;                        /* [filters / LANES][cell][LANES]: dy, 0 where dead */
    int32_t *control;                       /* the same: positions, as pick4 likes them */
    float *sum;                             /* [9 C][filters] of one image, then [filters] of the bias: summing images apart is 6 times as exact */
} buffers;

static long row_floats(const conv3x3 *c) { return (2l * c->columns + 2) * c->channels; }
static long patch_floats(const conv3x3 *c) { return round_up(row_floats(c) * 4 + 4l * VL, 16); }
static long band_floats(const conv3x3 *c) { return round_up(row_floats(c) * 4 + 3l * VL, 16); }
static long sum_floats(const conv3x3 *c) { return (9l * c->channels + 1) * c->padded_filters; }

long first_layer_partial(const conv3x3 *c) { return sum_floats(c); }

long first_layer_scratch(const conv3x3 *c)
{
    return 3 * patch_floats(c) + band_floats(c) + 2l * c->columns * c->padded_filters + sum_floats(c);
}

static buffers buffers_at(const conv3x3 *c, float *scratch)
{
    buffers b = {.patch = {scratch, scratch + patch_floats(c), scratch + 2 * patch_floats(c)}};
    b.band = scratch + 3 * patch_floats(c);
    b.gradient = b.band + band_floats(c);
    b.control = (int32_t *)(void *)(b.gradient + (long)c->columns * c->padded_filters);
    b.sum = b.gradient + 2l * c->columns * c->padded_filters;
    return b;
}

/* The patches of one row; `next` is the row below. */
static void make_patches(const float *row, const float *next, long floats, int channels, float *patch)
{
    for (long f = 0; f < floats; f += VL)
        store_interleaved(patch + 4 * f, load(row + f), load(row + f + channels), load(next + f), load(next + f + channels));
}

/* Gradients and positions of a pooled row, sorted by groups of LANES filters; dy is the row's, [columns][filters]. */
NOINLINE void make_lanes(const conv3x3 *c, const float *dy, const uint8_t *positions, buffers *b)
{
    float *bias = b->sum + 9l * c->channels * c->padded_filters;
    for (int k = 0; k < c->padded_filters; k += VL) {
        long to = (long)(k / LANES) * c->columns * LANES + k % LANES;
        vec sum = all(0);
        for (int column = 0; column < c->columns; column++, to += LANES) {
            ivec position = load_bytes(positions + (long)column * c->padded_filters + k);
            mask live = less_integers(position, all_integers(DEAD));
            vec gradient = keep(live, load_up_to(dy + (long)column * c->filters + k, c->filters - k));
            store(b->gradient + to, gradient);
            store_integers(b->control + to, pick4_control(position));
            sum = sum + gradient;
        }
        store(bias + k, load(bias + k) + sum);
    }
}

/* dw[row][tap][LANES of the filters] += for `rows` of the kernel's rows with `taps` taps each, over the cells of a pooled row. */
INLINE void add_row(float *const patch[3], const float *gradient, const int32_t *control, int cells, int filters, float *dw, const int rows,
                    const int taps)
{
    vec sum[12][LANE_VECTORS];
    UNROLL for (int t = 0; t < rows * taps; t++)
        UNROLL for (int h = 0; h < LANE_VECTORS; h++)
            sum[t][h] = load(dw + (long)t * filters + h * VL);
    for (int cell = 0; cell < cells; cell++, gradient += LANES, control += LANES) {
        vec g[LANE_VECTORS];
        ivec id[LANE_VECTORS];
        UNROLL for (int h = 0; h < LANE_VECTORS; h++)
            g[h] = load(gradient + h * VL), id[h] = load_integers(control + h * VL);
        UNROLL for (int t = 0; t < rows * taps; t++) {
            vec candidates = repeat4(patch[t / taps] + (long)cell * 8 * (taps / 3) + 4 * (t % taps));
            UNROLL for (int h = 0; h < LANE_VECTORS; h++)
                sum[t][h] = multiply_add(g[h], pick4(candidates, id[h]), sum[t][h]);
        }
    }
    UNROLL for (int t = 0; t < rows * taps; t++)
        UNROLL for (int h = 0; h < LANE_VECTORS; h++)
            store(dw + (long)t * filters + h * VL, sum[t][h]);
}

/* One function for each number of channels. One channel has too few taps a row to fill the pipelines: its three rows go together. */
typedef void add_function(float *const patch[3], const float *gradient, const int32_t *control, int cells, int filters, float *dw);
#define ADD_ROW(name, rows, channels) \
    NOINLINE void name(float *const patch[3], const float *gradient, const int32_t *control, int cells, int filters, float *dw) \
    { \
        add_row(patch, gradient, control, cells, filters, dw, rows, 3 * (channels)); \
    }
ADD_ROW(add_rows_of_1, 3, 1)
ADD_ROW(add_row_of_2, 1, 2)
ADD_ROW(add_row_of_3, 1, 3)
ADD_ROW(add_row_of_4, 1, 4)
static add_function *const add_functions[] = {NULL, add_rows_of_1, add_row_of_2, add_row_of_3, add_row_of_4};

static void pooled_row_weights(const conv3x3 *c, const float *x, const float *dy, const uint8_t *positions, int row, buffers *b)
{
    int width = 2 * c->columns + 2, taps = 3 * c->channels;
    long floats = row_floats(c), cell = (long)row * c->columns;
    float *kept = b->patch[2];              /* the third row of the pooled row above is the first one of this */
    b->patch[2] = b->patch[0], b->patch[0] = kept;
    int first = row == 0 ? 0 : 1;
    direct_copy_band(x, NULL, c->height, c->width, c->channels, 2 * row + first - c->top, -c->left, 4 - first, width,
                     b->band + first * floats);
    for (int i = first; i < 3; i++)
        make_patches(b->band + i * floats, b->band + (i + 1) * floats, floats - c->channels, c->channels, b->patch[i]);
    make_lanes(c, dy + cell * c->filters, positions + cell * c->padded_filters, b);
    int rows = c->channels == 1 ? 3 : 1;
    for (int k = 0; k < c->padded_filters; k += LANES)
        for (int i = 0; i < 3; i += rows)
            add_functions[c->channels](&b->patch[i], b->gradient + (long)k * c->columns, b->control + (long)k * c->columns, c->columns,
                                       c->padded_filters, b->sum + (long)i * taps * c->padded_filters + k);
}

void first_layer_weights(const knn_step *step, const conv3x3 *c, knn_part part, float *scratch)
{
    float *partial = knn__partial(step, part.slice);
    buffers b = buffers_at(c, scratch);
    for (int image = part.first; image < part.last; image++) {
        memset(b.sum, 0, (size_t)sum_floats(c) * sizeof *b.sum);
        for (int row = 0; row < c->rows; row++)
            pooled_row_weights(c, knn__image(&step->x, image, part.slice), knn__image(&step->dy, image, part.slice),
                               knn__saved(step, image), row, &b);
        for (long i = 0; i < sum_floats(c); i += VL)
            store(partial + i, load(partial + i) + load(b.sum + i));
    }
}
