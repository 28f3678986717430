/* conv2d 3x3 (+ relu) by Winograd, with every gradient: where no max pooling makes the gradient sparse, as between convolutions and before
 * a batch normalization. With a max pooling behind it see conv_pool_winograd.c, for few channels conv_direct.c.
 *
 * dx is the convolution of dy with the turned weights: the same code. dW is a convolution of x with dy: F(3x3, 4x4) on the same tiles,
 *
 *     x 6x6 --B'xB--> V     dy 4x4 --HdyH'--> Z     D[36][channel][filter] = sum over tiles of V Z     D --C'DC--> dW 3x3 (in finish)
 *
 * where H and C belong to the same points as the other transforms (conv_winograd.h); the factors 1, -2/3, 1/6 of H's rows are put off to the end. */
#include "backend/cpu/conv_winograd.h"

enum { GRADIENT_TILES = 32 };               /* of a block of dW: D is loaded and stored once for so many */

/* The three convolutions: forward, dx, and dy as the gradient tiles read it. */
static winograd winograd_forward(const conv_shape *c)
{
    return winograd_of(c->height, c->width, c->channels, c->top, c->left, c->out_height, c->out_width, c->padded_filters);
}

static winograd winograd_backward(const conv_shape *c)
{
    return winograd_of(c->out_height, c->out_width, c->filters, 2 - c->top, 2 - c->left, c->height, c->width,
                       (int)round_up(c->channels, FILTER_PADDING));
}

/* Packed weights: U, [filters] bias, in training U of the turned weights and zeros for its bias. */
typedef struct packed { float *u, *bias, *turned, *zeros; } packed;

static packed packed_at(const knn_step *step, const conv_shape *c, const winograd *forward, const winograd *backward)
{
    packed p = {.u = (float *)(void *)step->packed};
    p.bias = p.u + winograd_u_length(forward);
    p.turned = p.bias + c->padded_filters;
    p.zeros = p.turned + winograd_u_length(backward);
    return p;
}

/* Z of a tile, [36][padded filters] + skew, as V of a tile. */
static long z_stride(const conv_shape *c) { return 36l * c->padded_filters + TILE_SKEW; }

/* D [36][padded channels][padded filters], then the bias' sums: a slice's partial block. */
static long d_length(const conv_shape *c, const winograd *g) { return 36l * g->padded_channels * c->padded_filters; }

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    conv_shape c = conv_chain(nodes, count, request->training, false, reason);
    winograd g = winograd_forward(&c);
    if (c.nodes == 0)
        return 0;
    if (c.kernel_height != 3 || c.kernel_width != 3)
        *reason = "its transforms are those of a 3x3 kernel";
    else if (c.channels < FEWEST_CHANNELS)
        *reason = "few input channels";
    else if (!winograd_pays(&g, conv_images(&c, request), (long)c.out_height * c.out_width))
        *reason = "few positions";
    else
        return c.nodes;
    return 0;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    conv_shape c = conv_of(step, false);
    winograd g = winograd_forward(&c), b = winograd_backward(&c);
    long scratch = winograd_scratch(&g), weights_packed = winograd_u_length(&g) + c.padded_filters;
    needs->depth_first = conv_depth_first(&c);
    needs->divisible = true;
    if (step->request.training) {
        long input = winograd_scratch(&b), weights = GRADIENT_TILES * (winograd_v_stride(&g) + z_stride(&c));
        scratch = scratch > input ? scratch : input;
        scratch = scratch > weights ? scratch : weights;
        weights_packed += winograd_u_length(&b) + (long)b.blocks * FILTERS;
        needs->input = true;
        needs->output = c.relu;
        needs->partial = (size_t)(d_length(&c, &g) + c.padded_filters) * sizeof(float);
    }
    needs->scratch = (size_t)scratch * sizeof(float);
    needs->packed = (size_t)weights_packed * sizeof(float);
}

/* U of a block of channels for dx: filters are its channels, and the kernel is turned by 180 degrees. */
static void pack_turned(const knn_step *step, const conv_shape *c, const winograd *b, int block, float *u)
{
    const float *w = knn__weight(step, 0, KNN_KERNEL);
    u += (long)block * 36 * b->padded_channels * FILTERS;
    for (int h = 0; h < FILTERS; h += VL)
        for (int k = 0; k < b->padded_channels; k += VL) {
            vec taps[9][VL];
            for (int t = 0; t < 9; t++)
                load_filters(w + (long)t * c->channels * c->filters, c->channels, c->filters, block * FILTERS + h, k, taps[8 - t]);
            for (int i = 0; i < VL; i++) {
                vec of_filter[9];
                for (int t = 0; t < 9; t++)
                    of_filter[t] = taps[t][i];
                winograd_weights(of_filter, u + (long)(k + i) * FILTERS + h, (long)b->padded_channels * FILTERS);
            }
        }
}

static void prepare(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, false);
    winograd g = winograd_forward(&c), b = winograd_backward(&c);
    packed p = packed_at(step, &c, &g, &b);
    long first, last;
    knn__share(g.blocks, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        winograd_pack(step, &c, &g, block, p.u);
        for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL)
            conv_pack_bias(step, &c, k, p.bias);
    }
    if (!step->request.training || step->dx.data == NULL)
        return;
    knn__share(b.blocks, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        pack_turned(step, &c, &b, block, p.turned);
        memset(p.zeros + block * FILTERS, 0, FILTERS * sizeof *p.zeros);
    }
}

/* ---- Forward and dX ---- */

/* The output transform of a block's tiles and FILTERS filters from k on, of which `filters` exist; y is the call's first image. */
NOINLINE void store_tiles(const winograd *g, const float *m, const float *bias, float floor, int k, int filters, float *y, long length,
                          long first, int count)
{
    winograd_tile t = winograd_tile_at(g, first);
    for (int n = 0; n < count; n++, winograd_next(g, &t), m += M_STRIDE)
        for (int h = 0; h < FILTERS && k + h < filters; h += VL) {
            _Alignas(64) float half[24 * VL];
            winograd_output_half(m + h, half);
            vec shift = load(bias + k + h);
            float *to = y + t.image * length + ((long)t.out_row * g->out_width + t.out_column) * filters + k + h;
            for (int i = 0; i < 4 && t.out_row + i < g->out_height; i++) {
                vec o[4];
                winograd_output6(half + 6 * i * VL, VL, o);
                UNROLL for (int j = 0; j < 4; j++)
                    if (t.out_column + j < g->out_width)
                        store_up_to(to + ((long)i * g->out_width + j) * filters, maximum(all(floor), o[j] + shift), filters - k - h);
            }
        }
}

/* y = the convolution of x (gated) for a part, to whose first images they point. */
static void convolve(const winograd *g, const float *x, const float *gate, long x_length, const float *u, const float *bias, float floor,
                     int filters, float *y, long y_length, knn_part part, float *scratch)
{
    float *v = scratch, *m = v + g->block_tiles * winograd_v_stride(g);
    winograd_work work = winograd_share(g, part);
    for (long first = work.first; first < work.last; first += g->block_tiles) {
        int count = (int)(work.last - first < g->block_tiles ? work.last - first : g->block_tiles);
        winograd_input(g, x, gate, x_length, first, count, v);
        for (int block = work.first_block; block < work.last_block; block++) {
            winograd_products(g, v, u, block, count, m);
            store_tiles(g, m, bias, floor, block * FILTERS, filters, y, y_length, first, count);
        }
    }
}

static void forward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, false);
    winograd g = winograd_forward(&c), b = winograd_backward(&c);
    packed p = packed_at(step, &c, &g, &b);
    convolve(&g, knn__image(&step->x, part.first, part.slice), NULL, (long)step->x.length, p.u, p.bias, conv_floor(&c), c.filters,
             knn__image(&step->y, part.first, part.slice), (long)step->y.length, part, knn__scratch(step, part.slice));
}

/* ---- dW ---- */

/* o = H d without the rows' factors: 1 0 0 0 | 1 1/r 1/2 1/2r | 1 -1/r 1/2 -1/2r | 1 r 2 2r | 1 -r 2 -2r | 0 0 0 1 */
INLINE void gradient4(const float *d, long stride, float *o, long o_stride)
{
    vec d0 = load(d), d1 = load(d + stride), d2 = load(d + 2 * stride), d3 = load(d + 3 * stride);
    vec even = multiply_add(all(0.5f), d2, d0), odd = multiply_add(all(0.5f), d3, d1);
    store(o, d0);
    store(o + o_stride, multiply_add(all(ROOT / 2), odd, even));
    store(o + 2 * o_stride, multiply_subtract(all(ROOT / 2), odd, even));
    even = multiply_add(all(2), d2, d0), odd = multiply_add(all(2), d3, d1);
    store(o + 3 * o_stride, multiply_add(all(ROOT), odd, even));
    store(o + 4 * o_stride, multiply_subtract(all(ROOT), odd, even));
    store(o + 5 * o_stride, d3);
}

/* Z of the tiles first .. first + count - 1, and the sums of dy for the bias. */
NOINLINE void gradient_tiles(const conv_shape *c, const winograd *g, const float *dy, const float *gate, long length, long first, int count,
                             float *z, float *bias)
{
    winograd of_dy = {.height = c->out_height, .width = c->out_width, .channels = c->filters};
    winograd_tile t = winograd_tile_at(g, first);
    for (int n = 0; n < count; n++, winograd_next(g, &t), z += z_stride(c))
        for (int k = 0; k < c->padded_filters; k += VL) {
            _Alignas(64) float pixels[16 * VL], half[24 * VL];
            winograd_gather(&of_dy, dy + t.image * length, gate == NULL ? NULL : gate + t.image * length, t.out_row, t.out_column, k, 4,
                            pixels);
            vec sum = all(0);
            for (int i = 0; i < 16; i++)
                sum = sum + load(pixels + i * VL);
            store(bias + k, load(bias + k) + sum);
            for (int j = 0; j < 4; j++)
                gradient4(pixels + j * VL, 4 * VL, half + j * VL, 4 * VL);
            for (int i = 0; i < 6; i++)
                gradient4(half + 4 * i * VL, VL, z + k + 6l * i * c->padded_filters, c->padded_filters);
        }
}

/* D of one of the 36 places, `rows` channels x FILTERS filters: += V Z over a block's tiles, which are summed apart: rounding errors grow with
 * the root of the number of additions, and the transform at the end magnifies them. */
INLINE void add_products(const float *v, long v_step, const float *z, long z_step, int tiles, float *d, long filters, const int rows)
{
    vec sum[6][2];
    UNROLL for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = all(0);
    for (int t = 0; t < tiles; t++, v += v_step, z += z_step) {
        vec low = load(z), high = load(z + VL);
        UNROLL for (int i = 0; i < rows; i++) {
            vec value = all(v[i]);
            sum[i][0] = multiply_add(value, low, sum[i][0]);
            sum[i][1] = multiply_add(value, high, sum[i][1]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int h = 0; h < 2; h++)
            store(d + i * filters + h * VL, load(d + i * filters + h * VL) + sum[i][h]);
}

/* All channels (an even number) x FILTERS: by 6, at the end 4 + 4, 4 or 2 (2 alone do not fill the pipelines). */
NOINLINE void add_place(const float *v, long v_step, const float *z, long z_step, int tiles, float *d, int channels, long filters)
{
    for (int left = channels, n; left > 0; left -= n, v += n, d += n * filters) {
        n = left >= 6 && left != 8 ? 6 : left >= 4 ? 4 : 2;
        if (n == 6)
            add_products(v, v_step, z, z_step, tiles, d, filters, 6);
        else if (n == 4)
            add_products(v, v_step, z, z_step, tiles, d, filters, 4);
        else
            add_products(v, v_step, z, z_step, tiles, d, filters, 2);
    }
}

static void part_weights(const knn_step *step, const conv_shape *c, const winograd *g, const float *dy, const float *gate, knn_part part)
{
    float *d = knn__partial(step, part.slice), *v = knn__scratch(step, part.slice), *z = v + GRADIENT_TILES * winograd_v_stride(g);
    const float *x = knn__image(&step->x, part.first, part.slice);
    long tiles = winograd_tiles(g) * (part.last - part.first);
    for (long first = 0; first < tiles; first += GRADIENT_TILES) {
        int count = (int)(tiles - first < GRADIENT_TILES ? tiles - first : GRADIENT_TILES);
        winograd_input(g, x, NULL, (long)step->x.length, first, count, v);
        gradient_tiles(c, g, dy, gate, (long)step->dy.length, first, count, z, d + d_length(c, g));
        for (int f = 0; f < 36; f++)
            for (int k = 0; k < c->padded_filters; k += FILTERS)
                add_place(v + (long)f * g->padded_channels, winograd_v_stride(g), z + (long)f * c->padded_filters + k, z_stride(c), count,
                          d + (long)f * g->padded_channels * c->padded_filters + k, g->padded_channels, c->padded_filters);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, false);
    winograd g = winograd_forward(&c), b = winograd_backward(&c);
    packed p = packed_at(step, &c, &g, &b);
    const float *dy = knn__image(&step->dy, part.first, part.slice);
    const float *gate = c.relu ? knn__image(&step->y, part.first, part.slice) : NULL;
    if (conv_trains(step))
        part_weights(step, &c, &g, dy, gate, part);
    if (step->dx.data != NULL)
        convolve(&b, dy, gate, (long)step->dy.length, p.turned, p.zeros, -INFINITY, c.channels,
                 knn__image(&step->dx, part.first, part.slice), (long)step->dx.length, part, knn__scratch(step, part.slice));
}

/* o = C' m with the factors of H's rows: C' is 1 1 1 1 1 0 | 0 1/r -1/r r -r 0 | 0 1/2 1/2 2 2 1. */
INLINE void weights6(const vec m[6], vec o[3])
{
    vec even1 = (m[1] + m[2]) * all(-2.0f / 3), odd1 = (m[1] - m[2]) * all(-ROOT / 3);
    vec even2 = (m[3] + m[4]) * all(1.0f / 6), odd2 = (m[3] - m[4]) * all(ROOT / 6);
    o[0] = m[0] + even1 + even2;
    o[1] = odd1 + odd2;
    o[2] = multiply_add(all(2), even2, multiply_add(all(0.5f), even1, m[5]));
}

/* dW of one channel and VL filters: the slices' D added in order, then transformed. */
static void finish_filters(const knn_step *step, const conv_shape *c, const winograd *g, int channel, int k, float *gradient)
{
    vec half[3][6], d[6], o[3];
    for (int j = 0; j < 6; j++) {
        for (int i = 0; i < 6; i++) {
            d[i] = all(0);
            for (int s = 0; s < step->request.slices; s++)
                d[i] = d[i] + load((float *)knn__partial(step, s) + ((6l * i + j) * g->padded_channels + channel) * c->padded_filters + k);
        }
        weights6(d, o);
        for (int i = 0; i < 3; i++)
            half[i][j] = o[i];
    }
    for (int i = 0; i < 3; i++) {
        weights6(half[i], o);
        for (int j = 0; j < 3; j++)
            store_up_to(gradient + ((3l * i + j) * c->channels + channel) * c->filters + k, o[j], c->filters - k);
    }
}

static void finish(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, false);
    winograd g = winograd_forward(&c);
    float *gradient = knn__gradient(step, 0, KNN_KERNEL);
    long first, last;
    knn__share(c.channels, slice, step->request.slices, &first, &last);
    for (int channel = (int)first; gradient != NULL && channel < last; channel++)
        for (int k = 0; k < c.filters; k += VL)
            finish_filters(step, &c, &g, channel, k, gradient);
    knn__sum_slices(step, (size_t)d_length(&c, &g), knn__gradient(step, 0, KNN_BIAS), (size_t)c.filters, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv_winograd) = {
    .name = "conv2d+relu, winograd, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D}, .covers = covers,
    .measure = measure, .prepare = prepare, .forward = forward, .backward = backward, .finish = finish,
};
