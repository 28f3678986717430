/* conv2d 3x3 + relu + max_pooling2d by Winograd: a tile of 4x4 outputs is 2x2 pooled values, so pooling happens in registers and the
 * convolution's own output never exists. Backward: see conv_pool_sparse.c. Few channels are left to conv_pool_direct.c. */
#include "backend/cpu/conv_pool_sparse.h"
#include "backend/cpu/conv_winograd.h"
#include "backend/cpu/pool2x2.h"

/* Packed weights: U, [filters] bias, then those of the sparse backward pass. */
typedef struct packed { float *u, *bias, *backward; } packed;

static packed packed_at(const knn_step *step, const conv_shape *c, const winograd *g)
{
    float *p = (float *)(void *)step->packed;
    return (packed){p, p + winograd_u_length(g), p + winograd_u_length(g) + c->padded_filters};
}

/* Rows and columns that the pool drops are not computed. */
static winograd winograd_pooled(const conv_shape *c)
{
    return winograd_of(c->height, c->width, c->channels, c->top, c->left, 2 * c->rows, 2 * c->columns, c->padded_filters);
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    conv_shape c = conv_chain(nodes, count, request->training, true, reason);
    winograd g = winograd_pooled(&c);
    if (c.nodes == 0)
        return 0;
    if (c.kernel_height != 3 || c.kernel_width != 3)
        *reason = "its transforms are those of a 3x3 kernel";
    else if (c.channels < FEWEST_CHANNELS)
        *reason = "few input channels";
    else if (!winograd_pays(&g, conv_images(&c, request), 4l * c.rows * c.columns))
        *reason = "few positions";
    else
        return c.nodes;
    return 0;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    conv_shape c = conv_of(step, true);
    winograd g = winograd_pooled(&c);
    bool training = step->request.training;
    long forward = winograd_scratch(&g), backward = training ? sparse_scratch(&c) : 0;
    needs->scratch = (size_t)(forward > backward ? forward : backward) * sizeof(float);
    needs->packed = (size_t)(winograd_u_length(&g) + c.padded_filters + (training ? sparse_packed(&c) : 0)) * sizeof(float);
    needs->depth_first = conv_depth_first(&c);
    needs->divisible = true;
    if (!training)
        return;
    needs->input = true;
    needs->saved = (size_t)c.rows * (size_t)c.columns * (size_t)c.padded_filters;
    needs->partial = (size_t)sparse_partial(&c) * sizeof(float);
}

static void prepare(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, true);
    winograd g = winograd_pooled(&c);
    packed p = packed_at(step, &c, &g);
    long first, last;
    knn__share(g.blocks, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        winograd_pack(step, &c, &g, block, p.u);
        for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL)
            conv_pack_bias(step, &c, k, p.bias);
        if (step->request.training && step->dx.data != NULL)
            sparse_pack(step, &c, block * FILTERS, (block + 1) * FILTERS, p.backward);
    }
}

/* Where a tile's pooled values go. */
typedef struct target {
    float *y;
    uint8_t *position;
    int rows, columns;                      /* of the map, from here on: 1 where it ends within the tile */
    int lanes;                              /* filters from here on */
} target;

/* VL filters of a tile: second pass of the output transform, two rows of outputs at a time, pooled. */
INLINE void pool_tile(const conv_shape *c, const float *m, vec bias, vec floor, const target *t, const int training)
{
    _Alignas(64) float half[24 * VL];
    winograd_output_half(m, half);
    for (int i = 0; i < 2 && i < t->rows; i++) {
        vec upper[4], lower[4];
        winograd_output6(half + 12 * i * VL, VL, upper);
        winograd_output6(half + (12 * i + 6) * VL, VL, lower);
        UNROLL for (int j = 0; j < 2; j++)
            if (j < t->columns) {
                window w = window_begin(upper[2 * j]);
                w = window_add(w, upper[2 * j + 1], 1, training);
                w = window_add(w, lower[2 * j], 2, training);
                w = window_add(w, lower[2 * j + 1], 3, training);
                w.value = w.value + bias;
                long cell = (long)i * c->columns + j;
                window_store(w, floor, t->y + cell * c->filters, training ? t->position + cell * c->padded_filters : NULL, t->lanes,
                             training);
            }
    }
}

/* Where the call's first image lies: pooled values, and in training positions. */
typedef struct output { float *y; uint8_t *position; long y_length, position_length; } output;

INLINE void pool_tiles(const conv_shape *c, const winograd *g, const float *m, const float *bias, int k, const output *o, long first, int count,
                       const int training)
{
    vec floor = all(conv_floor(c));
    winograd_tile tile = winograd_tile_at(g, first);
    for (int n = 0; n < count; n++, winograd_next(g, &tile), m += M_STRIDE) {
        int row = tile.out_row / 2, column = tile.out_column / 2;
        long cell = (long)row * c->columns + column;
        for (int h = 0; h < FILTERS && k + h < c->padded_filters; h += VL) {
            target t = {o->y + tile.image * o->y_length + cell * c->filters + k + h, NULL, c->rows - row, c->columns - column,
                        c->filters - k - h};
            if (training)
                t.position = o->position + tile.image * o->position_length + cell * c->padded_filters + k + h;
            pool_tile(c, m + h, load(bias + k + h), floor, &t, training);
        }
    }
}

NOINLINE void pool_tiles_inference(const conv_shape *c, const winograd *g, const float *m, const float *bias, int k, const output *o, long first,
                                   int count)
{
    pool_tiles(c, g, m, bias, k, o, first, count, 0);
}

NOINLINE void pool_tiles_training(const conv_shape *c, const winograd *g, const float *m, const float *bias, int k, const output *o, long first,
                                  int count)
{
    pool_tiles(c, g, m, bias, k, o, first, count, 1);
}

static void forward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, true);
    winograd g = winograd_pooled(&c);
    packed p = packed_at(step, &c, &g);
    float *v = knn__scratch(step, part.slice), *m = v + g.block_tiles * winograd_v_stride(&g);
    const float *x = knn__image(&step->x, part.first, part.slice);
    output o = {knn__image(&step->y, part.first, part.slice), NULL, (long)step->y.length, (long)step->saved_stride};
    if (step->request.training)
        o.position = knn__saved(step, part.first);
    winograd_work work = winograd_share(&g, part);
    for (long first = work.first; first < work.last; first += g.block_tiles) {
        int count = (int)(work.last - first < g.block_tiles ? work.last - first : g.block_tiles);
        winograd_input(&g, x, NULL, (long)step->x.length, first, count, v);
        for (int block = work.first_block; block < work.last_block; block++) {
            winograd_products(&g, v, p.u, block, count, m);
            (step->request.training ? pool_tiles_training : pool_tiles_inference)(&c, &g, m, p.bias, block * FILTERS, &o, first, count);
        }
    }
}

static void backward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, true);
    winograd g = winograd_pooled(&c);
    float *scratch = knn__scratch(step, part.slice);
    if (conv_trains(step))
        sparse_weights(step, &c, part, scratch);
    if (step->dx.data != NULL)
        sparse_input(step, &c, part, packed_at(step, &c, &g).backward, scratch);
}

static void finish(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, true);
    sparse_finish(step, &c, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv_pool_winograd) = {
    .name = "conv2d+relu+max_pooling2d, winograd, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D}, .covers = covers,
    .measure = measure, .prepare = prepare, .forward = forward, .backward = backward, .finish = finish,
};
