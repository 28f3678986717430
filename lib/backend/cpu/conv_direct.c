/* conv2d 3x3 (+ relu), direct, with every gradient: for few input channels, as a net's first layer has, and for work too small for
 * Winograd's transforms (conv_winograd.c). With a max pooling behind it see conv_pool_direct.c. */
#include "backend/cpu/conv_direct.h"

/* Packed weights: [block][9 C][FILTERS] and [filters] bias; for dx turned by 180 degrees, [block of channels][9 filters][FILTERS], and zeros for
 * its bias. */
typedef struct packed { float *weights, *bias, *turned, *zeros; } packed;

static long weights_length(const conv3x3 *c) { return 9l * c->channels * c->padded_filters; }
static long padded_channels(const conv3x3 *c) { return round_up(c->channels, FILTER_PADDING); }
static long turned_length(const conv3x3 *c) { return 9l * c->filters * padded_channels(c); }

static packed packed_at(const knn_step *step, const conv3x3 *c)
{
    float *p = (float *)(void *)step->packed;
    float *turned = p + weights_length(c) + c->padded_filters;
    return (packed){p, p + weights_length(c), turned, turned + turned_length(c)};
}

/* A pass over the rows of an image, a band at a time: what one position more to the side needs and what one row more. */
enum { BAND_FLOATS = L2_FLOATS / 4 };       /* of a band: a quarter of the second-level cache */
static int band_rows(int rows, int width, int channels)
{
    return smaller(rows, larger(1, (int)(BAND_FLOATS / ((long)(width + 2) * channels)) - 2));
}
static long band_length(int rows, int width, int channels) { return (band_rows(rows, width, channels) + 2l) * (width + 2) * channels; }

/* dW keeps a band of dy, gated and with padded filters, and the band of x that it meets. */
static int weights_rows(const conv3x3 *c)
{
    return smaller(band_rows(c->out_height, c->out_width, c->padded_filters), band_rows(c->out_height, c->out_width, c->channels));
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    conv3x3 c = conv3x3_chain(nodes, count, request->training, false);
    if (c.nodes == 0)
        *reason = nodes[0].op == KNN_OP_CONV2D ? "not a 3x3 convolution of stride 1" : NULL;
    return c.nodes;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    conv3x3 c = conv3x3_of(step, false);
    long forward = band_length(c.out_height, c.out_width, c.channels), backward = 0, weights_packed = weights_length(&c) + c.padded_filters;
    needs->depth_first = conv3x3_depth_first(&c);
    needs->divisible = true;
    if (step->request.training) {
        long input = band_length(c.height, c.width, c.filters);
        long weights = (weights_rows(&c) + 2l) * (c.out_width + 2) * c.channels + (long)weights_rows(&c) * c.out_width * c.padded_filters;
        backward = input > weights ? input : weights;
        weights_packed += turned_length(&c) + padded_channels(&c);
        needs->input = true;
        needs->output = c.relu;
        needs->partial = (size_t)((9l * c.channels + 1) * c.padded_filters) * sizeof(float);
    }
    needs->scratch = (size_t)(forward > backward ? forward : backward) * sizeof(float);
    needs->packed = (size_t)weights_packed * sizeof(float);
}

/* The weights for dx, of one block of channels: tap 8 - t and filter k are the row, channels the column. */
static void pack_turned(const knn_step *step, const conv3x3 *c, int block, float *to)
{
    const float *w = knn__weight(step, 0, KNN_KERNEL);
    for (int t = 0; t < 9; t++)
        for (int k = 0; k < c->filters; k += VL)
            for (int h = 0; h < FILTERS; h += VL) {
                vec r[VL];
                load_filters(w + (long)t * c->channels * c->filters, c->channels, c->filters, block * FILTERS + h, k, r);
                for (int i = 0; i < VL && k + i < c->filters; i++)
                    store(to + ((8l - t) * c->filters + k + i) * FILTERS + h, r[i]);
            }
}

static void prepare(const knn_step *step, int slice)
{
    conv3x3 c = conv3x3_of(step, false);
    packed p = packed_at(step, &c);
    long first, last;
    knn__share(c.padded_filters / FILTERS, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        direct_pack(step, &c, block, p.weights + (long)block * FILTERS * 9 * c.channels);
        for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL)
            conv3x3_pack_bias(step, &c, k, p.bias);
    }
    if (!step->request.training || step->dx.data == NULL)
        return;
    knn__share(padded_channels(&c) / FILTERS, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        pack_turned(step, &c, block, p.turned + (long)block * FILTERS * 9 * c.filters);
        memset(p.zeros + block * FILTERS, 0, FILTERS * sizeof *p.zeros);
    }
}

/* ---- Forward, and dX, which is the convolution of dy with the turned weights ---- */

/* A row of outputs of one block of filters. */
typedef struct place {
    const float *x, *w, *bias;
    long row_stride, channels;              /* of x */
    float *y;
    long y_stride;                          /* from one column to the next */
    int lanes;                              /* filters that exist from the block's first on */
    float floor;
} place;

INLINE void plain_group(const place *p, long channels, const int columns)
{
    vec sum[DIRECT_COLUMNS][2], floor = all(p->floor);
    UNROLL for (int c = 0; c < columns; c++)
        sum[c][0] = load(p->bias), sum[c][1] = load(p->bias + VL);
    direct_sum(sum, p->x, p->row_stride, channels, p->w, columns);
    UNROLL for (int c = 0; c < columns; c++)
        UNROLL for (int h = 0; h < 2; h++)
            store_up_to(p->y + c * p->y_stride + h * VL, maximum(floor, sum[c][h]), p->lanes - h * VL);
}

INLINE void plain_row(place p, long channels, int columns)
{
    for (int left = columns, n; left > 0; left -= n) {
        n = direct_group(left);
        switch (n) {
        case 6: plain_group(&p, channels, 6); break;
        case 4: plain_group(&p, channels, 4); break;
        case 2: plain_group(&p, channels, 2); break;
        default: plain_group(&p, channels, 1);
        }
        p.x += n * channels;
        p.y += n * p.y_stride;
    }
}

NOINLINE void plain_row_1(const place *p, int columns) { plain_row(*p, 1, columns); }
NOINLINE void plain_row_3(const place *p, int columns) { plain_row(*p, 3, columns); }
NOINLINE void plain_row_any(const place *p, int columns) { plain_row(*p, p->channels, columns); }

/* One image: y = convolution of x (gated, with the padding around it) with packed weights. `blocks` of FILTERS, of which `filters` exist. */
typedef struct pass {
    const float *x, *gate, *weights, *bias;
    int height, width, channels, top, left; /* of x */
    float *y;
    int out_height, out_width, filters, blocks;
    float floor;
} pass;

static void run_pass(const pass *p, knn_part part, float *band)
{
    conv3x3_piece piece = conv3x3_piece_of(p->out_height, p->blocks, part);
    bool copy = p->gate != NULL || p->top > 0 || p->left > 0;
    int width = copy ? p->out_width + 2 : p->width, most = band_rows(p->out_height, p->out_width, p->channels);
    long row_stride = (long)width * p->channels;
    for (int first = piece.first_row; first < piece.last_row; first += most) {
        int rows = smaller(most, piece.last_row - first);
        const float *source = copy ? band : p->x + first * row_stride;
        if (copy)
            direct_copy_band(p->x, p->gate, p->height, p->width, p->channels, first - p->top, -p->left, rows + 2, width, band);
        for (int block = piece.first_block; block < piece.last_block; block++)
            for (int r = 0; r < rows; r++) {
                place at = {.x = source + r * row_stride, .w = p->weights + (long)block * FILTERS * 9 * p->channels,
                            .bias = p->bias + block * FILTERS, .row_stride = row_stride, .channels = p->channels,
                            .y = p->y + (long)(first + r) * p->out_width * p->filters + block * FILTERS, .y_stride = p->filters,
                            .lanes = p->filters - block * FILTERS, .floor = p->floor};
                (p->channels == 1 ? plain_row_1 : p->channels == 3 ? plain_row_3 : plain_row_any)(&at, p->out_width);
            }
    }
}

static void forward(const knn_step *step, knn_part part)
{
    conv3x3 c = conv3x3_of(step, false);
    packed w = packed_at(step, &c);
    for (int image = part.first; image < part.last; image++) {
        pass p = {.x = knn__image(&step->x, image, part.slice), .weights = w.weights, .bias = w.bias, .height = c.height, .width = c.width,
                  .channels = c.channels, .top = c.top, .left = c.left, .y = knn__image(&step->y, image, part.slice),
                  .out_height = c.out_height, .out_width = c.out_width, .filters = c.filters, .blocks = c.padded_filters / FILTERS,
                  .floor = conv3x3_floor(&c)};
        run_pass(&p, part, knn__scratch(step, part.slice));
    }
}

static void image_input(const knn_step *step, const conv3x3 *c, const float *dy, const float *gate, float *dx, knn_part part, float *band)
{
    packed w = packed_at(step, c);
    pass p = {.x = dy, .gate = gate, .weights = w.turned, .bias = w.zeros, .height = c->out_height, .width = c->out_width,
              .channels = c->filters, .top = 2 - c->top, .left = 2 - c->left, .y = dx, .out_height = c->height, .out_width = c->width,
              .filters = c->channels, .blocks = (int)(padded_channels(c) / FILTERS), .floor = -INFINITY};
    run_pass(&p, part, band);
}

/* ---- dW ---- */

/* Sums of `taps` taps (columns and channels of one row of the 3x3 kernel, in memory side by side) x FILTERS over a band of positions:
 * dw[tap][filter] += x[row][column C + tap] * dy[row][column][filter]. The band is summed apart, for the sake of rounding. */
typedef struct band {
    const float *x, *dy;
    int rows, columns;
    long x_row, x_column, dy_column;        /* strides; dy has no gap between rows */
} band;

INLINE void add_taps(const band *b, float *dw, const int taps)
{
    vec sum[6][2];
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

NOINLINE void add_6_taps(const band *b, float *dw) { add_taps(b, dw, 6); }
NOINLINE void add_3_taps(const band *b, float *dw) { add_taps(b, dw, 3); }

/* dy of some rows, gated, with padded filters, and its sums for the bias. */
NOINLINE void copy_gradient(const conv3x3 *c, const float *dy, const float *gate, long positions, float *to, float *bias)
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

/* dw [9 C][padded filters], then the bias' sums. */
static void image_weights(const conv3x3 *c, const float *x, const float *dy, const float *gate, float *dw, float *scratch)
{
    int most = weights_rows(c), width = c->out_width + 2, taps = 3 * c->channels;
    float *gradient = scratch + (most + 2l) * width * c->channels;
    for (int first = 0; first < c->out_height; first += most) {
        int rows = smaller(most, c->out_height - first);
        long done = (long)first * c->out_width * c->filters;
        direct_copy_band(x, NULL, c->height, c->width, c->channels, first - c->top, -c->left, rows + 2, width, scratch);
        copy_gradient(c, dy + done, gate == NULL ? NULL : gate + done, (long)rows * c->out_width, gradient,
                      dw + 9l * c->channels * c->padded_filters);
        for (int k = 0; k < c->padded_filters; k += FILTERS)
            for (int i = 0; i < 3; i++)
                for (int t = 0; t < taps; t += taps - t >= 6 ? 6 : 3) {
                    band b = {scratch + (long)i * width * c->channels + t, gradient + k, rows, c->out_width, (long)width * c->channels,
                              c->channels, c->padded_filters};
                    (taps - t >= 6 ? add_6_taps : add_3_taps)(&b, dw + ((long)i * taps + t) * c->padded_filters + k);
                }
    }
}

static void backward(const knn_step *step, knn_part part)
{
    conv3x3 c = conv3x3_of(step, false);
    float *scratch = knn__scratch(step, part.slice);
    for (int image = part.first; image < part.last; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice), *gate = c.relu ? knn__image(&step->y, image, part.slice) : NULL;
        if (conv3x3_trains(step))
            image_weights(&c, knn__image(&step->x, image, part.slice), dy, gate, knn__partial(step, part.slice), scratch);
        if (step->dx.data != NULL)
            image_input(step, &c, dy, gate, knn__image(&step->dx, image, part.slice), part, scratch);
    }
}

static void finish(const knn_step *step, int slice)
{
    conv3x3 c = conv3x3_of(step, false);
    conv3x3_finish_rows(step, &c, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv_direct) = {
    .name = "conv2d+relu, direct, " KNN_ISA_TEXT,
    .covers = covers, .measure = measure, .prepare = prepare, .forward = forward, .backward = backward, .finish = finish,
};
