/* A convolution of stride 1, up to 7x7, with the nodes behind it that one kernel covers: which chains these are, their geometry, their weights.
 * Computes nothing but the folding of a batch normalization; the kernels conv_*.c include it.
 *
 *     conv2d [batch_normalization: inference only, folded into kernel and bias] [relu] [max_pooling2d 2x2 / 2] */
#ifndef KNN_BACKEND_CPU_CONV_SHAPE_H
#define KNN_BACKEND_CPU_CONV_SHAPE_H

#include "backend/cpu/simd.h"
#include "backend/cpu/slices.h"
#include "core/parallel.h"

#include <math.h>

enum {
    FILTERS = 2 * VL,                       /* of a block: what a micro-kernel computes at once */
    FILTER_PADDING = FILTERS > 16 ? FILTERS : 16,       /* filters are padded to it: lists of live filters are made of 16 bytes at a time */
    L2_FLOATS = 512 * 1024 / 4,             /* the second-level cache that tile sizes are made for; 1 MB and more of newer machines do no harm */
    DEPTH_FIRST_FLOATS = L2_FLOATS / 2,     /* images whose input and output exceed it are worked on one by one, through all layers */
    KERNEL_MOST = 7                         /* rows and columns of a kernel: what the accumulators of the backward pass are made for */
};

typedef struct conv_shape {
    int height, width, channels;            /* of x */
    int top, left;                          /* rows and columns of zeros before it */
    int kernel_height, kernel_width, taps;  /* taps = kernel_height * kernel_width */
    int out_height, out_width, filters;     /* of the convolution */
    int rows, columns;                      /* of the pooled map; 0 without pool */
    int padded_filters;
    bool relu;
    int normalization;                      /* the node that is folded in; 0: none */
    int nodes;                              /* covered; 0: another chain */
} conv_shape;

/* Why these kernels leave a convolution to others; NULL: they take it. */
static inline const char *conv_refusal(const knn_node *n)
{
    if (n->stride_height != 1 || n->stride_width != 1 || n->dilation_height != 1 || n->dilation_width != 1)
        return "strided or dilated";
    if (n->groups != 1)
        return "in groups";
    if (n->kernel_height == 1 && n->kernel_width == 1)
        return "1x1: a product of matrices";
    return n->kernel_height > KERNEL_MOST || n->kernel_width > KERNEL_MOST ? "kernel larger than 7x7" : NULL;
}

static inline bool conv_is_pool(const knn_node *n)
{
    return n->op == KNN_OP_MAX_POOLING2D && n->kernel_height == 2 && n->kernel_width == 2 && n->stride_height == 2 && n->stride_width == 2 &&
           n->pad_top == 0 && n->pad_left == 0 && n->pad_bottom == 0 && n->pad_right == 0;
}

/* The chain at the head of the nodes, with the pool in it (`pool`) or up to before it; if it is none, `reason` says why not. */
static inline conv_shape conv_chain(const knn_node *nodes, int count, bool training, bool pool, const char **reason)
{
    const knn_node *n = &nodes[0];
    *reason = conv_refusal(n);
    if (*reason != NULL)
        return (conv_shape){0};
    conv_shape c = {.height = n->in.height, .width = n->in.width, .channels = n->in.channels, .top = n->pad_top, .left = n->pad_left,
                    .kernel_height = n->kernel_height, .kernel_width = n->kernel_width, .taps = n->kernel_height * n->kernel_width,
                    .out_height = n->out.height, .out_width = n->out.width, .filters = n->out.channels,
                    .padded_filters = (int)round_up(n->out.channels, FILTER_PADDING), .nodes = 1};
    if (!training && c.nodes < count && nodes[c.nodes].op == KNN_OP_BATCH_NORMALIZATION)
        c.normalization = c.nodes++;
    if (c.nodes < count && nodes[c.nodes].op == KNN_OP_ACTIVATION && nodes[c.nodes].activation == KNN_RELU)
        c.relu = true, c.nodes++;
    if (!pool)
        return c;
    if (c.nodes >= count || !conv_is_pool(&nodes[c.nodes])) {
        *reason = "no 2x2 max pooling behind it";
        return (conv_shape){0};
    }
    c.rows = nodes[c.nodes].out.height;
    c.columns = nodes[c.nodes].out.width;
    c.nodes++;
    return c;
}

/* That of a step of a kernel with or without pool. */
static inline conv_shape conv_of(const knn_step *step, bool pool)
{
    const char *reason;
    return conv_chain(step->nodes, step->count, step->request.training, pool, &reason);
}

/* Weights of one filter: rows of Keras' [kernel_height][kernel_width][channels][filters]. */
static inline long conv_length(const conv_shape *c) { return (long)c->taps * c->channels; }

static inline bool conv_depth_first(const conv_shape *c)
{
    long in = (long)c->height * c->width * c->channels;
    long out = c->rows > 0 ? (long)c->rows * c->columns * c->filters : (long)c->out_height * c->out_width * c->filters;
    return in + out > DEPTH_FIRST_FLOATS;
}

/* Images that a slice works on in one call, at the plan's capacity. */
static inline int conv_images(const conv_shape *c, const knn_request *request)
{
    return conv_depth_first(c) ? 1 : (request->capacity + request->slices - 1) / request->slices;
}

/* The next of `left` things that are done `most` at a time: the last two groups are even, since few accumulators do not fill the pipelines. */
INLINE int next_group(int left, const int most) { return left > 2 * most ? most : left > most ? (left + 1) / 2 : left; }

/* The piece of an image that a part makes: output rows, or where these are few, blocks of filters. */
typedef struct conv_piece { int first_row, last_row, first_block, last_block; } conv_piece;

static inline conv_piece conv_piece_of(int rows, int blocks, knn_part part)
{
    bool by_rows = rows >= 4 * part.pieces;
    long first, last;
    knn__share(by_rows ? rows : blocks, part.piece, part.pieces, &first, &last);
    return by_rows ? (conv_piece){(int)first, (int)last, 0, blocks} : (conv_piece){0, rows, (int)first, (int)last};
}

/* What the folded normalization multiplies the filters k .. k + VL - 1 by, and what it adds: y = (x w + bias) * scale + shift. */
static inline void conv_scale(const knn_step *step, const conv_shape *c, int k, float scale[VL], float bias[VL])
{
    const float *b = knn__weight(step, 0, KNN_BIAS);
    const knn_node *n = &step->nodes[c->normalization];
    for (int i = 0; i < VL; i++) {
        bool exists = k + i < c->filters;
        scale[i] = exists;
        bias[i] = exists && b != NULL ? b[k + i] : 0;
        if (!exists || c->normalization == 0)
            continue;
        const float *gamma = knn__weight(step, c->normalization, KNN_GAMMA), *beta = knn__weight(step, c->normalization, KNN_BETA);
        const float *mean = knn__weight(step, c->normalization, KNN_MOVING_MEAN);
        const float *variance = knn__weight(step, c->normalization, KNN_MOVING_VARIANCE);
        scale[i] = (gamma != NULL ? gamma[k + i] : 1) / sqrtf(variance[k + i] + (float)n->epsilon);
        bias[i] = (bias[i] - mean[k + i]) * scale[i] + (beta != NULL ? beta[k + i] : 0);
    }
}

/* The bias as the kernels of pooling read it: filters that do not exist have -infinity, so that none of their positions is ever alive. */
static inline void conv_pack_bias(const knn_step *step, const conv_shape *c, int k, float *packed)
{
    float scale[VL], bias[VL];
    conv_scale(step, c, k, scale, bias);
    for (int i = 0; i < VL; i++)
        packed[k + i] = k + i < c->filters ? bias[i] : -INFINITY;
}

/* What a value is compared with: a maximum that is not above it is dead (ReLU). Without ReLU nothing is dead. */
static inline float conv_floor(const conv_shape *c) { return c->relu ? 0 : -INFINITY; }

/* r[i] = the VL channels (c ..) of filter k + i for one tap; `w` is the tap's [channels][filters]. Zero beyond either end. */
INLINE void load_filters(const float *w, int channels, int filters, int c, int k, vec r[VL])
{
    UNROLL for (int i = 0; i < VL; i++)
        r[i] = load_up_to(w + (long)(c + i) * filters + k, c + i < channels ? filters - k : 0);
    transpose(r);
}

/* This slice's share of the gradients where the partial sums are [taps channels][padded filters], then those of the bias. */
static inline void conv_finish_rows(const knn_step *step, const conv_shape *c, int slice)
{
    float *kernel = knn__gradient(step, 0, KNN_KERNEL);
    long rows = conv_length(c), padded = c->padded_filters;
    for (long row = 0; row < rows && kernel != NULL; row++)
        knn__sum_slices(step, (size_t)(row * padded), kernel + row * c->filters, (size_t)c->filters, slice);
    knn__sum_slices(step, (size_t)(rows * padded), knn__gradient(step, 0, KNN_BIAS), (size_t)c->filters, slice);
}

static inline bool conv_trains(const knn_step *step)
{
    return knn__gradient(step, 0, KNN_KERNEL) != NULL || knn__gradient(step, 0, KNN_BIAS) != NULL;
}

#endif
