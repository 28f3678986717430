/* conv2d (+ relu), direct, with every gradient: for kernels other than 3x3, for few input channels, as a net's first layer has, and for work
 * too small for Winograd's transforms (conv_winograd.c). With a max pooling behind it see conv_pool_direct.c. */
#include "backend/cpu/conv_direct.h"

/* Packed weights: [block][taps C][FILTERS] and [filters] bias; for dx turned by 180 degrees, [block of channels][taps filters][FILTERS],
 * and zeros for its bias. */
typedef struct packed { float *weights, *bias, *turned, *zeros; } packed;

enum { MOST_FIRST_CHANNELS = 4 };           /* as a picture has: such an input is taken for the net's own */

static long weights_length(const conv_shape *c) { return conv_length(c) * c->padded_filters; }
static long padded_channels(const conv_shape *c) { return round_up(c->channels, FILTER_PADDING); }
static long turned_length(const conv_shape *c) { return (long)c->taps * c->filters * padded_channels(c); }

static packed packed_at(const knn_step *step, const conv_shape *c)
{
    float *p = (float *)(void *)step->packed;
    float *turned = p + weights_length(c) + c->padded_filters;
    return (packed){p, p + weights_length(c), turned, turned + turned_length(c)};
}

/* One image: y = convolution of x (gated, with the padding around it) with packed weights. `blocks` of FILTERS, of which `filters` exist. */
typedef struct pass {
    const float *x, *gate, *weights, *bias;
    int height, width, channels, top, left; /* of x */
    int kernel_height, kernel_width;
    float *y;
    int out_height, out_width, filters, blocks;
    float floor;
} pass;

/* The shapes of forward, and of dX, which is the convolution of dy with the turned weights. */
static pass pass_forward(const conv_shape *c)
{
    return (pass){.height = c->height, .width = c->width, .channels = c->channels, .top = c->top, .left = c->left,
                  .kernel_height = c->kernel_height, .kernel_width = c->kernel_width, .out_height = c->out_height, .out_width = c->out_width,
                  .filters = c->filters, .blocks = c->padded_filters / FILTERS};
}

static pass pass_backward(const conv_shape *c)
{
    return (pass){.height = c->out_height, .width = c->out_width, .channels = c->filters, .top = c->kernel_height - 1 - c->top,
                  .left = c->kernel_width - 1 - c->left, .kernel_height = c->kernel_height, .kernel_width = c->kernel_width,
                  .out_height = c->height, .out_width = c->width, .filters = c->channels, .blocks = (int)(padded_channels(c) / FILTERS)};
}

/* It goes over the rows a band at a time: output rows, and what the kernel reaches beyond them and to the side. */
enum { BAND_FLOATS = L2_FLOATS / 4 };       /* of a band: a quarter of the second-level cache */
static long band_row(const pass *p) { return (long)(p->out_width + p->kernel_width - 1) * p->channels; }
static int band_rows(const pass *p)
{
    return smaller(p->out_height, larger(1, (int)(BAND_FLOATS / band_row(p)) - (p->kernel_height - 1)));
}
static long band_length(const pass *p) { return (band_rows(p) + p->kernel_height - 1l) * band_row(p); }

/* dW keeps a band of dy, gated and with padded filters, and the band of x that it meets. */
static int weights_rows(const conv_shape *c)
{
    pass x = pass_forward(c), dy = x;
    dy.channels = c->padded_filters;
    return smaller(band_rows(&x), band_rows(&dy));
}
static long weights_x(const conv_shape *c)
{
    return (weights_rows(c) + c->kernel_height - 1l) * (c->out_width + c->kernel_width - 1) * c->channels;
}

/* A training step's time, in ps for a tap, a channel, a filter and a position of y (Zen 3; its FMAs alone would take 9.8). Direct: forward 10,
 * dW 13 (padded filters both), dX 10 for each position of x, of which a kernel without padding has more. As products of matrices each of the three
 * takes 11, and laying out the columns 160 a filter. E.g. 5x5, 64 filters: 28x28 outputs direct 2.9 ms, product 3.2; 10x10 0.86 and 0.80. */
static bool pays_in_training(const conv_shape *c)
{
    double y = (double)c->out_height * c->out_width, x = (double)c->height * c->width;
    double forward_and_dw = 23.0 * c->padded_filters * y * c->channels, dx = 10.0 * x * (double)padded_channels(c) * c->filters;
    bool first = c->channels <= MOST_FIRST_CHANNELS;           /* whose dx nobody wants */
    return forward_and_dw + (first ? 0 : dx) <= (33.0 * c->filters + 480) * y * c->channels;
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    conv_shape c = conv_chain(nodes, count, request->training, false, reason);
    if (c.nodes == 0 || !request->training || pays_in_training(&c))
        return c.nodes;
    *reason = "a product of matrices makes its gradients faster";
    return 0;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    conv_shape c = conv_of(step, false);
    pass f = pass_forward(&c), b = pass_backward(&c);
    long forward = band_length(&f), backward = 0, weights_packed = weights_length(&c) + c.padded_filters;
    needs->depth_first = conv_depth_first(&c);
    needs->divisible = true;
    if (step->request.training) {
        long input = band_length(&b), weights = weights_x(&c) + (long)weights_rows(&c) * c.out_width * c.padded_filters;
        backward = input > weights ? input : weights;
        weights_packed += turned_length(&c) + padded_channels(&c);
        needs->input = true;
        needs->output = c.relu;
        needs->partial = (size_t)((conv_length(&c) + 1) * c.padded_filters) * sizeof(float);
    }
    needs->scratch = (size_t)(forward > backward ? forward : backward) * sizeof(float);
    needs->packed = (size_t)weights_packed * sizeof(float);
}

/* The weights for dx, of one block of channels: tap taps - 1 - t and filter k are the row, channels the column. */
static void pack_turned(const knn_step *step, const conv_shape *c, int block, float *to)
{
    const float *w = knn__weight(step, 0, KNN_KERNEL);
    for (int t = 0; t < c->taps; t++)
        for (int k = 0; k < c->filters; k += VL)
            for (int h = 0; h < FILTERS; h += VL) {
                vec r[VL];
                load_filters(w + (long)t * c->channels * c->filters, c->channels, c->filters, block * FILTERS + h, k, r);
                for (int i = 0; i < VL && k + i < c->filters; i++)
                    store(to + ((c->taps - 1l - t) * c->filters + k + i) * FILTERS + h, r[i]);
            }
}

static void prepare(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, false);
    packed p = packed_at(step, &c);
    long first, last;
    knn__share(c.padded_filters / FILTERS, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        direct_pack(step, &c, block, p.weights + block * FILTERS * conv_length(&c));
        for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL)
            conv_pack_bias(step, &c, k, p.bias);
    }
    if (!step->request.training || step->dx.data == NULL)
        return;
    knn__share(padded_channels(&c) / FILTERS, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        pack_turned(step, &c, block, p.turned + (long)block * FILTERS * c.taps * c.filters);
        memset(p.zeros + block * FILTERS, 0, FILTERS * sizeof *p.zeros);
    }
}

/* ---- Forward and dX ---- */

/* A row of outputs of one block of filters. */
typedef struct place {
    const float *x, *w, *bias;
    direct_kernel kernel;
    float *y;
    long y_stride;                          /* from one column to the next */
    int lanes;                              /* filters that exist from the block's first on */
    float floor;
} place;

INLINE void plain_group(const place *p, const direct_kernel kernel, const int columns)
{
    vec sum[DIRECT_COLUMNS][2], floor = all(p->floor);
    UNROLL for (int c = 0; c < columns; c++)
        sum[c][0] = load(p->bias), sum[c][1] = load(p->bias + VL);
    direct_sum(sum, p->x, kernel, p->w, columns);
    UNROLL for (int c = 0; c < columns; c++)
        UNROLL for (int h = 0; h < 2; h++)
            store_up_to(p->y + c * p->y_stride + h * VL, maximum(floor, sum[c][h]), p->lanes - h * VL);
}

INLINE void plain_row(place p, const direct_kernel kernel, int columns)
{
    for (int left = columns, n; left > 0; left -= n) {
        n = next_group(left, DIRECT_COLUMNS);
        switch (n) {
        case 6: plain_group(&p, kernel, 6); break;
        case 5: plain_group(&p, kernel, 5); break;
        case 4: plain_group(&p, kernel, 4); break;
        case 3: plain_group(&p, kernel, 3); break;
        case 2: plain_group(&p, kernel, 2); break;
        default: plain_group(&p, kernel, 1);
        }
        p.x += n * kernel.channels;
        p.y += n * p.y_stride;
    }
}

typedef void row_function(const place *p, int columns);
#define PLAIN_ROW(channels, size) \
    NOINLINE void plain_row_##channels##_##size(const place *p, int columns) \
    { \
        plain_row(*p, direct_fixed(p->kernel, channels, size), columns); \
    }
DIRECT_CASES(PLAIN_ROW)
NOINLINE void plain_row_any(const place *p, int columns) { plain_row(*p, p->kernel, columns); }

static row_function *row_function_of(const direct_kernel *kernel)
{
#define CASE(channels, size) \
    if (direct_is(kernel, channels, size)) \
        return plain_row_##channels##_##size;
    DIRECT_CASES(CASE)
#undef CASE
    return plain_row_any;
}

/* Beyond the image there is something to be read: zeros, from a copy. */
static bool overhangs(const pass *p)
{
    return p->top > 0 || p->left > 0 || p->out_height + p->kernel_height - 1 > p->height || p->out_width + p->kernel_width - 1 > p->width;
}

static void run_pass(const pass *p, knn_part part, float *band)
{
    conv_piece piece = conv_piece_of(p->out_height, p->blocks, part);
    bool copy = p->gate != NULL || overhangs(p);
    int width = copy ? p->out_width + p->kernel_width - 1 : p->width, most = band_rows(p);
    direct_kernel kernel = {p->kernel_height, (long)p->kernel_width * p->channels, p->channels, (long)width * p->channels};
    row_function *row_of = row_function_of(&kernel);
    for (int first = piece.first_row; first < piece.last_row; first += most) {
        int rows = smaller(most, piece.last_row - first);
        const float *source = copy ? band : p->x + first * kernel.row_stride;
        if (copy)
            direct_copy_band(p->x, p->gate, p->height, p->width, p->channels, first - p->top, -p->left, rows + p->kernel_height - 1, width,
                             band);
        for (int block = piece.first_block; block < piece.last_block; block++)
            for (int r = 0; r < rows; r++) {
                place at = {.x = source + r * kernel.row_stride, .w = p->weights + block * kernel.rows * kernel.steps * FILTERS,
                            .bias = p->bias + block * FILTERS, .kernel = kernel,
                            .y = p->y + (long)(first + r) * p->out_width * p->filters + block * FILTERS, .y_stride = p->filters,
                            .lanes = p->filters - block * FILTERS, .floor = p->floor};
                row_of(&at, p->out_width);
            }
    }
}

static void forward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, false);
    packed w = packed_at(step, &c);
    for (int image = part.first; image < part.last; image++) {
        pass p = pass_forward(&c);
        p.x = knn__image(&step->x, image, part.slice), p.y = knn__image(&step->y, image, part.slice);
        p.weights = w.weights, p.bias = w.bias, p.floor = conv_floor(&c);
        run_pass(&p, part, knn__scratch(step, part.slice));
    }
}

static void image_input(const knn_step *step, const conv_shape *c, const float *dy, const float *gate, float *dx, knn_part part, float *band)
{
    packed w = packed_at(step, c);
    pass p = pass_backward(c);
    p.x = dy, p.gate = gate, p.y = dx;
    p.weights = w.turned, p.bias = w.zeros, p.floor = -INFINITY;
    run_pass(&p, part, band);
}

/* ---- dW ---- */

/* Sums of `taps` taps (columns and channels of one row of the kernel, in memory side by side) x FILTERS over a band of positions:
 * dw[tap][filter] += x[row][column C + tap] * dy[row][column][filter]. The band is summed apart, for the sake of rounding. */
typedef struct band {
    const float *x, *dy;
    int rows, columns;
    long x_row, x_column, dy_column;        /* strides; dy has no gap between rows */
} band;

enum { BAND_TAPS = 6 };                     /* x 2 vectors of filters: 12 accumulators */

INLINE void add_taps(const band *b, float *dw, const int taps)
{
    vec sum[BAND_TAPS][2];
    UNROLL for (int t = 0; t < taps; t++)
        sum[t][0] = sum[t][1] = all(0);
    const float *dy = b->dy;
    for (int row = 0; row < b->rows; row++) {
        const float *x = b->x + row * b->x_row;
        for (int column = 0; column < b->columns; column++, x += b->x_column, dy += b->dy_column) {
            vec low = load(dy), high = load(dy + VL);
            UNROLL for (int t = 0; t < taps; t++) {
                vec value = all(x[t]);
                sum[t][0] = multiply_add(value, low, sum[t][0]);
                sum[t][1] = multiply_add(value, high, sum[t][1]);
            }
        }
    }
    UNROLL for (int t = 0; t < taps; t++)
        UNROLL for (int h = 0; h < 2; h++) {
            float *at = dw + t * b->dy_column + h * VL;
            store(at, load(at) + sum[t][h]);
        }
}

typedef void taps_function(const band *b, float *dw);
NOINLINE void add_1_tap(const band *b, float *dw) { add_taps(b, dw, 1); }
NOINLINE void add_2_taps(const band *b, float *dw) { add_taps(b, dw, 2); }
NOINLINE void add_3_taps(const band *b, float *dw) { add_taps(b, dw, 3); }
NOINLINE void add_4_taps(const band *b, float *dw) { add_taps(b, dw, 4); }
NOINLINE void add_5_taps(const band *b, float *dw) { add_taps(b, dw, 5); }
NOINLINE void add_6_taps(const band *b, float *dw) { add_taps(b, dw, 6); }
static taps_function *const taps_functions[] = {NULL, add_1_tap, add_2_taps, add_3_taps, add_4_taps, add_5_taps, add_6_taps};

/* dy of some rows, gated, with padded filters, and its sums for the bias. */
NOINLINE void copy_gradient(const conv_shape *c, const float *dy, const float *gate, long positions, float *to, float *bias)
{
    for (int k = 0; k < c->padded_filters; k += VL) {
        vec sum = all(0);
        for (long p = 0; p < positions; p++) {
            vec value = load_up_to(dy + p * c->filters + k, c->filters - k);
            if (gate != NULL)
                value = keep(greater(load_up_to(gate + p * c->filters + k, c->filters - k), all(0)), value);
            store(to + p * c->padded_filters + k, value);
            sum = sum + value;
        }
        store(bias + k, load(bias + k) + sum);
    }
}

/* dw [taps C][padded filters], then the bias' sums. */
static void image_weights(const conv_shape *c, const float *x, const float *dy, const float *gate, float *dw, float *scratch)
{
    int most = weights_rows(c), width = c->out_width + c->kernel_width - 1, taps = c->kernel_width * c->channels;
    float *gradient = scratch + weights_x(c);
    for (int first = 0; first < c->out_height; first += most) {
        int rows = smaller(most, c->out_height - first);
        long done = (long)first * c->out_width * c->filters;
        direct_copy_band(x, NULL, c->height, c->width, c->channels, first - c->top, -c->left, rows + c->kernel_height - 1, width, scratch);
        copy_gradient(c, dy + done, gate == NULL ? NULL : gate + done, (long)rows * c->out_width, gradient,
                      dw + conv_length(c) * c->padded_filters);
        for (int k = 0; k < c->padded_filters; k += FILTERS)
            for (int i = 0; i < c->kernel_height; i++)
                for (int t = 0, n; t < taps; t += n) {
                    n = next_group(taps - t, BAND_TAPS);
                    band b = {scratch + (long)i * width * c->channels + t, gradient + k, rows, c->out_width, (long)width * c->channels,
                              c->channels, c->padded_filters};
                    taps_functions[n](&b, dw + ((long)i * taps + t) * c->padded_filters + k);
                }
    }
}

static void backward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, false);
    float *scratch = knn__scratch(step, part.slice);
    for (int image = part.first; image < part.last; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice), *gate = c.relu ? knn__image(&step->y, image, part.slice) : NULL;
        if (conv_trains(step))
            image_weights(&c, knn__image(&step->x, image, part.slice), dy, gate, knn__partial(step, part.slice), scratch);
        if (step->dx.data != NULL)
            image_input(step, &c, dy, gate, knn__image(&step->dx, image, part.slice), part, scratch);
    }
}

static void finish(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, false);
    conv_finish_rows(step, &c, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv_direct) = {
    .name = "conv2d+relu, direct, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D}, .covers = covers,
    .measure = measure, .prepare = prepare, .forward = forward, .backward = backward, .finish = finish,
};
