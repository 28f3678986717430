/* dW of the first layer: lanes are filters; each lane picks the input of its own argmax position out of the four candidates.
 *
 * A cell's tap t (column and channel, 0 .. kernel_width C - 1, of one row of the kernel) meets x at four places, one for each position in the
 * 2x2 window. With f = 2 cell C + t, its place in the row of floats, they are
 *
 *     patch[f] = { x[row][f], x[row][f + C], x[row + 1][f], x[row + 1][f + C] }
 *
 * and a permutation within 128 bits, by the positions of VL filters, makes the operand of the multiply-add. */
#include "backend/cpu/conv_first_layer.h"
#include "backend/cpu/conv_direct.h"
#include "backend/cpu/pool2x2.h"

enum {
    LANE_VECTORS = REGISTERS == 32 ? 2 : 1,                 /* MOST_TAPS accumulators x LANE_VECTORS */
    LANES = LANE_VECTORS * VL,
    MOST_TAPS = 12
};

/* Scratch of a slice. */
typedef struct buffers {
    float *patch[KERNEL_MOST];              /* [floats of a row][4], for each row of the kernel */
    float *band;                            /* a row more of x, with its padding; a few floats more, as vectors are read beyond the end */
    float *gradient;                        /* [filters / LANES][cell][LANES]: dy, 0 where dead */
    int32_t *control;                       /* the same: positions, as pick4 likes them */
    float *sum;                             /* [taps C][filters] of one image, then [filters] of the bias: summing images apart is 6 times as exact */
} buffers;

static long row_floats(const conv_shape *c) { return (2l * c->columns + c->kernel_width - 1) * c->channels; }
static long patch_floats(const conv_shape *c) { return round_up(row_floats(c) * 4 + 4l * VL, 16); }
static long band_floats(const conv_shape *c) { return round_up(row_floats(c) * (c->kernel_height + 1) + 3l * VL, 16); }
static long sum_floats(const conv_shape *c) { return (conv_length(c) + 1) * c->padded_filters; }

long first_layer_partial(const conv_shape *c) { return sum_floats(c); }

long first_layer_scratch(const conv_shape *c)
{
    return c->kernel_height * patch_floats(c) + band_floats(c) + 2l * c->columns * c->padded_filters + sum_floats(c);
}

static buffers buffers_at(const conv_shape *c, float *scratch)
{
    buffers b = {.band = scratch + c->kernel_height * patch_floats(c)};
    for (int i = 0; i < c->kernel_height; i++)
        b.patch[i] = scratch + i * patch_floats(c);
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
NOINLINE void make_lanes(const conv_shape *c, const float *dy, const uint8_t *positions, buffers *b)
{
    float *bias = b->sum + conv_length(c) * c->padded_filters;
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

/* Taps of one or more rows of the kernel, over the cells of a pooled row: where their operands are and where their sums go. */
typedef struct run {
    float *const *patch;                    /* of the rows */
    long first, cell;                       /* floats in them: before the first tap, from one cell to the next */
    const float *gradient;
    const int32_t *control;
    int cells;
    float *dw;
    long dw_row, dw_tap;                    /* strides */
} run;

/* dw[row][tap][LANES of the filters] += */
INLINE void add_run(const run *p, const int rows, const int taps)
{
    vec sum[MOST_TAPS][LANE_VECTORS];
    const float *gradient = p->gradient, *patch[KERNEL_MOST];
    const int32_t *control = p->control;
    UNROLL for (int i = 0; i < rows; i++)
        patch[i] = p->patch[i] + p->first;
    UNROLL for (int t = 0; t < rows * taps; t++)
        UNROLL for (int h = 0; h < LANE_VECTORS; h++)
            sum[t][h] = load(p->dw + t / taps * p->dw_row + t % taps * p->dw_tap + h * VL);
    for (int n = 0; n < p->cells; n++, gradient += LANES, control += LANES) {
        vec g[LANE_VECTORS];
        ivec id[LANE_VECTORS];
        UNROLL for (int h = 0; h < LANE_VECTORS; h++)
            g[h] = load(gradient + h * VL), id[h] = load_integers(control + h * VL);
        UNROLL for (int t = 0; t < rows * taps; t++) {
            vec candidates = repeat4(patch[t / taps] + n * p->cell + 4 * (t % taps));
            UNROLL for (int h = 0; h < LANE_VECTORS; h++)
                sum[t][h] = multiply_add(g[h], pick4(candidates, id[h]), sum[t][h]);
        }
    }
    UNROLL for (int t = 0; t < rows * taps; t++)
        UNROLL for (int h = 0; h < LANE_VECTORS; h++)
            store(p->dw + t / taps * p->dw_row + t % taps * p->dw_tap + h * VL, sum[t][h]);
}

/* One function for each number of taps. Three taps do not fill the pipelines: three rows of such a kernel go together. */
typedef void run_function(const run *p);
#define ADD_RUN(rows, taps) NOINLINE void add_run_##rows##_##taps(const run *p) { add_run(p, rows, taps); }
ADD_RUN(3, 3)
ADD_RUN(1, 1) ADD_RUN(1, 2) ADD_RUN(1, 3) ADD_RUN(1, 4) ADD_RUN(1, 5) ADD_RUN(1, 6) ADD_RUN(1, 7) ADD_RUN(1, 8) ADD_RUN(1, 9)
ADD_RUN(1, 10) ADD_RUN(1, 11) ADD_RUN(1, 12)
static run_function *const run_functions[MOST_TAPS + 1] = {
    NULL, add_run_1_1, add_run_1_2, add_run_1_3, add_run_1_4, add_run_1_5, add_run_1_6, add_run_1_7, add_run_1_8, add_run_1_9, add_run_1_10,
    add_run_1_11, add_run_1_12};

/* dW of all filters over the cells of a pooled row: each row of the kernel in even runs. */
static void add_cells(const conv_shape *c, const buffers *b)
{
    int taps = c->kernel_width * c->channels, runs = (taps + MOST_TAPS - 1) / MOST_TAPS;
    long filters = c->padded_filters;
    run r = {.cell = 8l * c->channels, .cells = c->columns, .dw_row = taps * filters, .dw_tap = filters};
    for (int i = 0, rows; i < c->kernel_height; i += rows) {
        rows = taps == 3 && c->kernel_height - i >= 3 ? 3 : 1;
        r.patch = &b->patch[i];
        for (int n = 0; n < runs; n++) {
            int first = taps * n / runs, last = taps * (n + 1) / runs;
            run_function *add = rows == 3 ? add_run_3_3 : run_functions[last - first];
            r.first = 4l * first, r.gradient = b->gradient, r.control = b->control;
            r.dw = b->sum + ((long)i * taps + first) * filters;
            for (int k = 0; k < filters; k += LANES, r.dw += LANES, r.gradient += c->columns * LANES, r.control += c->columns * LANES)
                add(&r);
        }
    }
}

/* The patches of a pooled row; those of the rows that the kernel has moved on from to here are there already. */
static void row_patches(const conv_shape *c, const float *x, int row, buffers *b)
{
    int kernel = c->kernel_height, kept = row == 0 ? 0 : larger(kernel - 2, 0);
    long floats = row_floats(c);
    float *old[KERNEL_MOST];
    memcpy(old, b->patch, sizeof old);
    for (int i = 0; i < kernel && row > 0; i++)
        b->patch[i] = old[(i + 2) % kernel];
    direct_copy_band(x, NULL, c->height, c->width, c->channels, 2 * row + kept - c->top, -c->left, kernel + 1 - kept,
                     2 * c->columns + c->kernel_width - 1, b->band + kept * floats);
    for (int i = kept; i < kernel; i++)
        make_patches(b->band + i * floats, b->band + (i + 1) * floats, floats - c->channels, c->channels, b->patch[i]);
}

void first_layer_weights(const knn_step *step, const conv_shape *c, knn_part part, float *scratch)
{
    float *partial = knn__partial(step, part.slice);
    buffers b = buffers_at(c, scratch);
    for (int image = part.first; image < part.last; image++) {
        memset(b.sum, 0, (size_t)sum_floats(c) * sizeof *b.sum);
        const float *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        const uint8_t *positions = knn__saved(step, image);
        for (int row = 0; row < c->rows; row++) {
            long cell = (long)row * c->columns;
            row_patches(c, x, row, &b);
            make_lanes(c, dy + cell * c->filters, positions + cell * c->padded_filters, &b);
            add_cells(c, &b);
        }
        for (long i = 0; i < sum_floats(c); i += VL)
            store(partial + i, load(partial + i) + load(b.sum + i));
    }
}
