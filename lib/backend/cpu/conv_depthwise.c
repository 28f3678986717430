/* Depthwise convolution, one channel in and `multiplier` out of each, for every kernel, stride and dilation: vectors of channels, no matrix
 * product. Does not apply the activation behind it.
 *
 * With a multiplier above 1 the picture's channels are repeated first: then every output channel has an input channel of its own, and all loops
 * below are over `channels` pairs.
 *
 * Outputs and input gradients are both weighted sums along lines. On a line, position k sees through the tap `base` the column
 * k * advance + base of what it reads: of an output row, advance is the stride; in the gradient, each stride-th input column makes a line, whose
 * positions see the output's columns one after the other. Positions whose taps all lie inside are done in blocks, the others one by one. */
#include "backend/cpu/simd.h"
#include "backend/cpu/slices.h"


enum { BLOCK = 4 };                         /* positions, or taps, whose sums are in registers together */

/* One tap along one axis: what it sees from position 0, and its row or column in the kernel. */
typedef struct way { int base, weight; } way;

/* One tap of a stretch of positions: where it lies, in floats, from the line's position 0 on, and in the weights. */
typedef struct tap { long from, weight; } tap;

typedef struct depthwise {
    const knn_node *node;
    int channels, multiplier;
    way *rows, *columns;                    /* [kernel height], [kernel width]: those of the line */
    tap *taps;                              /* [kernel height * kernel width] */
    float *repeated;                        /* a picture with its channels repeated */
} depthwise;

typedef struct line {
    int count;                              /* of positions */
    int advance, limit;                     /* columns from one position to the next, and all that there are, of what is read */
    int row_count, column_count;            /* ways */
    int inner_first, inner_last;            /* positions whose taps all lie inside */
} line;

/* ---- Cover and memory ---- */

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request, (void)reason;
    return nodes[0].groups > 1 && nodes[0].groups == nodes[0].in.channels;
}

static size_t ways_bytes(const knn_node *n) { return (size_t)(n->kernel_height + n->kernel_width) * sizeof(way); }
static size_t taps_bytes(const knn_node *n) { return (size_t)n->kernel_height * (size_t)n->kernel_width * sizeof(tap); }

static size_t repeated_length(const knn_node *n)
{
    return n->out.channels == n->in.channels ? 0 : (size_t)n->in.height * (size_t)n->in.width * (size_t)n->out.channels;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    const knn_node *n = &step->nodes[0];
    needs->depth_first = true;
    needs->scratch = taps_bytes(n) + ways_bytes(n) + repeated_length(n) * sizeof(float);
    if (!step->request.training)
        return;
    needs->input = true;
    needs->partial = (n->weight[KNN_KERNEL].length + n->weight[KNN_BIAS].length) * sizeof(float);
}

static depthwise at_work(const knn_step *step, int slice)
{
    const knn_node *n = &step->nodes[0];
    unsigned char *scratch = knn__scratch(step, slice);
    depthwise d = {.node = n, .channels = n->out.channels, .multiplier = n->out.channels / n->in.channels};
    d.taps = (tap *)(void *)scratch;
    d.rows = (way *)(void *)(scratch + taps_bytes(n));
    d.columns = d.rows + n->kernel_height;
    d.repeated = (float *)(void *)(scratch + taps_bytes(n) + ways_bytes(n));
    return d;
}

/* ---- Lines ---- */

/* What an output at `at` sees of `length` rows or columns; only what lies inside where `inside`. Returns how many ways there are. */
static int ways_forward(int at, int kernel, int stride, int dilation, int pad, int length, bool inside, way *ways)
{
    int count = 0;
    for (int i = 0; i < kernel; i++) {
        int base = at * stride - pad + i * dilation;
        if (!inside || (base >= 0 && base < length))
            ways[count++] = (way){base, i};
    }
    return count;
}

/* Which outputs, of `length`, see the input at `at`. */
static int ways_backward(int at, int kernel, int stride, int dilation, int pad, int length, bool inside, way *ways)
{
    int count = 0;
    for (int i = 0; i < kernel; i++) {
        int reached = at + pad - i * dilation, base = reached / stride;
        if (reached % stride == 0 && (!inside || (base >= 0 && base < length)))
            ways[count++] = (way){base, i};
    }
    return count;
}

static void find_inner(const depthwise *d, line *l)
{
    int lowest = 0, highest = 0;
    for (int j = 0; j < l->column_count; j++) {
        lowest = smaller(lowest, d->columns[j].base);
        highest = larger(highest, d->columns[j].base);
    }
    l->inner_first = smaller((-lowest + l->advance - 1) / l->advance, l->count);
    l->inner_last = highest < l->limit ? smaller((l->limit - 1 - highest) / l->advance + 1, l->count) : 0;
    l->inner_last = larger(l->inner_last, l->inner_first);
}

static line forward_line(const depthwise *d, int row)
{
    const knn_node *n = d->node;
    line l = {.count = n->out.width, .advance = n->stride_width, .limit = n->in.width};
    l.row_count = ways_forward(row, n->kernel_height, n->stride_height, n->dilation_height, n->pad_top, n->in.height, true, d->rows);
    l.column_count = ways_forward(0, n->kernel_width, n->stride_width, n->dilation_width, n->pad_left, 0, false, d->columns);
    find_inner(d, &l);
    return l;
}

/* The columns first, first + stride, .. of an input row. */
static line backward_line(const depthwise *d, int row, int first)
{
    const knn_node *n = d->node;
    line l = {.count = (n->in.width - 1 - first) / n->stride_width + 1, .advance = 1, .limit = n->out.width};
    l.row_count = ways_backward(row, n->kernel_height, n->stride_height, n->dilation_height, n->pad_top, n->out.height, true, d->rows);
    l.column_count = ways_backward(first, n->kernel_width, n->stride_width, n->dilation_width, n->pad_left, 0, false, d->columns);
    find_inner(d, &l);
    return l;
}

/* From `first` on, positions that see the same taps: returns the end of the stretch. */
static int stretch(const line *l, int first) { return first >= l->inner_first && first < l->inner_last ? l->inner_last : first + 1; }

/* The taps that lie inside from position `first` on, which is the only one unless all do. */
static int list_taps(const depthwise *d, const line *l, int first)
{
    int count = 0;
    for (int i = 0; i < l->row_count; i++)
        for (int j = 0; j < l->column_count; j++) {
            int column = first * l->advance + d->columns[j].base;
            if (column >= 0 && column < l->limit)
                d->taps[count++] = (tap){((long)d->rows[i].base * l->limit + d->columns[j].base) * d->channels,
                                         ((long)d->rows[i].weight * d->node->kernel_width + d->columns[j].weight) * d->channels};
        }
    return count;
}

/* ---- Sums over taps ---- */

/* to[k][0..n) = bias + sum over the taps of from[k] * weights, for `columns` positions. */
INLINE void sum_vector(const tap *taps, int count, const float *from, long from_step, const float *weights, const float *bias, int n,
                       float *to, long to_step, const int columns)
{
    vec sum[BLOCK];
    UNROLL for (int k = 0; k < columns; k++)
        sum[k] = bias != NULL ? load_up_to(bias, n) : all(0);
    for (int t = 0; t < count; t++) {
        vec w = load_up_to(weights + taps[t].weight, n);
        UNROLL for (int k = 0; k < columns; k++)
            sum[k] = multiply_add(load_up_to(from + taps[t].from + k * from_step, n), w, sum[k]);
    }
    UNROLL for (int k = 0; k < columns; k++)
        store_up_to(to + k * to_step, sum[k], n);
}

INLINE void sum_columns(const depthwise *d, int count, const float *from, long from_step, const float *weights, const float *bias, float *to,
                        long to_step, const int columns)
{
    int c = 0;
    for (; c + VL <= d->channels; c += VL)
        sum_vector(d->taps, count, from + c, from_step, weights + c, bias != NULL ? bias + c : NULL, VL, to + c, to_step, columns);
    if (c < d->channels)
        sum_vector(d->taps, count, from + c, from_step, weights + c, bias != NULL ? bias + c : NULL, d->channels - c, to + c, to_step,
                   columns);
}

/* A whole line; `from` is a picture, `to` where the line begins, to_step floats from one of its positions to the next. */
static void sum_line(const depthwise *d, const line *l, const float *from, const float *weights, const float *bias, float *to, long to_step)
{
    long from_step = (long)l->advance * d->channels;
    for (int first = 0, last; first < l->count; first = last) {
        int count = list_taps(d, l, first), k = first;
        last = stretch(l, first);
        for (; k + BLOCK <= last; k += BLOCK)
            sum_columns(d, count, from + k * from_step, from_step, weights, bias, to + k * to_step, to_step, BLOCK);
        for (; k < last; k++)
            sum_columns(d, count, from + k * from_step, from_step, weights, bias, to + k * to_step, to_step, 1);
    }
}

/* ---- Sums over positions ---- */

/* dw[tap][0..n) += the sum over `positions` of from * dy, for the first `count` taps of a list. */
INLINE void multiply_vector(const tap *taps, const float *from, long from_step, const float *dy, long dy_step, int positions, int n, float *dw,
                            const int count)
{
    vec sum[BLOCK];
    UNROLL for (int t = 0; t < count; t++)
        sum[t] = load_up_to(dw + taps[t].weight, n);
    for (int k = 0; k < positions; k++, from += from_step, dy += dy_step) {
        vec gradient = load_up_to(dy, n);
        UNROLL for (int t = 0; t < count; t++)
            sum[t] = multiply_add(load_up_to(from + taps[t].from, n), gradient, sum[t]);
    }
    UNROLL for (int t = 0; t < count; t++)
        store_up_to(dw + taps[t].weight, sum[t], n);
}

INLINE void multiply_channels(const depthwise *d, const tap *taps, const float *from, long from_step, const float *dy, int positions, float *dw,
                              const int count)
{
    int c = 0;
    for (; c + VL <= d->channels; c += VL)
        multiply_vector(taps, from + c, from_step, dy + c, d->channels, positions, VL, dw + c, count);
    if (c < d->channels)
        multiply_vector(taps, from + c, from_step, dy + c, d->channels, positions, d->channels - c, dw + c, count);
}

/* An output row's part of dw; `dy` is the row's gradient. */
static void multiply_line(const depthwise *d, const line *l, const float *from, const float *dy, float *dw)
{
    long from_step = (long)l->advance * d->channels;
    for (int first = 0, last; first < l->count; first = last) {
        int count = list_taps(d, l, first), t = 0;
        const float *x = from + first * from_step, *gradient = dy + (long)first * d->channels;
        last = stretch(l, first);
        for (; t + BLOCK <= count; t += BLOCK)
            multiply_channels(d, d->taps + t, x, from_step, gradient, last - first, dw, BLOCK);
        for (; t < count; t++)
            multiply_channels(d, d->taps + t, x, from_step, gradient, last - first, dw, 1);
    }
}

/* ---- Channels repeated ---- */

/* The picture with as many channels as the output has. */
static const float *repeat(const depthwise *d, const float *x)
{
    if (d->multiplier == 1)
        return x;
    size_t length = knn__extent_length(d->node->in);
    float *to = d->repeated;
    for (size_t i = 0; i < length; i++)
        for (int m = 0; m < d->multiplier; m++)
            *to++ = x[i];
    return d->repeated;
}

static void add_repeated(const depthwise *d, float *dx)
{
    size_t length = knn__extent_length(d->node->in);
    const float *from = d->repeated;
    for (size_t i = 0; i < length; i++) {
        dx[i] = 0;
        for (int m = 0; m < d->multiplier; m++)
            dx[i] += *from++;
    }
}

/* ---- Both ways ---- */

static void forward(const knn_step *step, knn_part part)
{
    depthwise d = at_work(step, part.slice);
    const float *weights = knn__weight(step, 0, KNN_KERNEL), *bias = knn__weight(step, 0, KNN_BIAS);
    long row_length = (long)d.node->out.width * d.channels;
    for (int image = part.first; image < part.last; image++) {
        const float *x = repeat(&d, knn__image(&step->x, image, part.slice));
        float *y = knn__image(&step->y, image, part.slice);
        for (int row = 0; row < d.node->out.height; row++) {
            line l = forward_line(&d, row);
            sum_line(&d, &l, x, weights, bias, y + row * row_length, d.channels);
        }
    }
}

static void add_weight_gradients(const knn_step *step, const depthwise *d, const float *x, const float *dy, float *dw)
{
    const knn_node *n = d->node;
    x = repeat(d, x);
    for (int row = 0; row < n->out.height; row++) {
        line l = forward_line(d, row);
        multiply_line(d, &l, x, dy + (long)row * n->out.width * d->channels, dw);
    }
    if (knn__weight(step, 0, KNN_BIAS) != NULL)
        knn__sum_rows(dy, (size_t)n->out.height * (size_t)n->out.width, (size_t)d->channels, dw + n->weight[KNN_KERNEL].length);
}

static void make_input_gradient(const knn_step *step, const depthwise *d, const float *dy, float *dx)
{
    const knn_node *n = d->node;
    float *to = d->multiplier == 1 ? dx : d->repeated;
    for (int row = 0; row < n->in.height; row++)
        for (int first = 0; first < n->stride_width && first < n->in.width; first++) {
            line l = backward_line(d, row, first);
            sum_line(d, &l, dy, knn__weight(step, 0, KNN_KERNEL), NULL, to + ((long)row * n->in.width + first) * d->channels,
                     (long)n->stride_width * d->channels);
        }
    if (d->multiplier > 1)
        add_repeated(d, dx);
}

static void backward(const knn_step *step, knn_part part)
{
    depthwise d = at_work(step, part.slice);
    bool trains = knn__gradient(step, 0, KNN_KERNEL) != NULL;
    for (int image = part.first; image < part.last; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice);
        if (trains)
            add_weight_gradients(step, &d, knn__image(&step->x, image, part.slice), dy, knn__partial(step, part.slice));
        if (step->dx.data != NULL)
            make_input_gradient(step, &d, dy, knn__image(&step->dx, image, part.slice));
    }
}

static void finish(const knn_step *step, int slice)
{
    const knn_node_weight *weight = step->nodes[0].weight;
    knn__sum_slices(step, 0, knn__gradient(step, 0, KNN_KERNEL), weight[KNN_KERNEL].length, slice);
    knn__sum_slices(step, weight[KNN_KERNEL].length, knn__gradient(step, 0, KNN_BIAS), weight[KNN_BIAS].length, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv_depthwise) = {
    .name = "conv2d, depthwise, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D}, .covers = covers, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
