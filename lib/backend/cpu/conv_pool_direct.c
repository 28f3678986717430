/* conv2d + relu + max_pooling2d, direct: for kernels other than 3x3, for few input channels, and for work too small for Winograd's transforms.
 * The convolution's own output never exists: its maxima stay in registers. Backward: see conv_first_layer.c and conv_pool_sparse.h. */
#include "backend/cpu/conv_direct.h"
#include "backend/cpu/conv_first_layer.h"
#include "backend/cpu/conv_pool_sparse.h"
#include "backend/cpu/pool2x2.h"

/* Packed weights: [block][taps C][FILTERS], [filters] bias, then those of the sparse backward pass. */
typedef struct packed { float *weights, *bias, *backward; } packed;

static packed packed_at(const knn_step *step, const conv_shape *c)
{
    float *p = (float *)(void *)step->packed;
    long weights = conv_length(c) * c->padded_filters;
    return (packed){p, p + weights, p + weights + c->padded_filters};
}

/* Rows and columns of x under `pooled` rows or columns of the map, no odd rest that the pool drops. */
static int under(int pooled, int kernel) { return 2 * pooled + kernel - 1; }
static int band_width(const conv_shape *c) { return under(c->columns, c->kernel_width); }

/* Pooled rows whose input is read for one block of weights after the other: it should stay in a quarter of the second-level cache. */
static int band_rows(const conv_shape *c)
{
    int rows = (int)(L2_FLOATS / 4 / ((long)larger(c->width, band_width(c)) * c->channels));
    return smaller(c->rows, larger(1, (rows - c->kernel_height + 1) / 2));
}

/* Beyond the image there is something to be read: zeros, from a copy. */
static bool overhangs(const conv_shape *c)
{
    return c->top > 0 || c->left > 0 || under(c->rows, c->kernel_height) > c->height || band_width(c) > c->width;
}
static long band_length(const conv_shape *c)
{
    return overhangs(c) ? (long)under(band_rows(c), c->kernel_height) * band_width(c) * c->channels : 0;
}

/* Bytes of the first layer's scratch lie behind the band. */
static bool first_layer(const conv_shape *c) { return c->channels <= FIRST_LAYER_CHANNELS; }

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    return conv_chain(nodes, count, request->training, true, reason).nodes;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    conv_shape c = conv_of(step, true);
    bool training = step->request.training;
    long forward = band_length(&c), backward = training ? sparse_scratch(&c) : 0;
    if (training && first_layer(&c))
        backward += first_layer_scratch(&c);
    needs->scratch = (size_t)(forward > backward ? forward : backward) * sizeof(float);
    needs->packed = (size_t)(conv_length(&c) * c.padded_filters + c.padded_filters + (training ? sparse_packed(&c) : 0)) * sizeof(float);
    needs->depth_first = conv_depth_first(&c);
    needs->divisible = true;
    if (!training)
        return;
    needs->input = true;
    needs->saved = (size_t)c.rows * (size_t)c.columns * (size_t)c.padded_filters;
    needs->partial = (size_t)(first_layer(&c) ? first_layer_partial(&c) : sparse_partial(&c)) * sizeof(float);
}

static void prepare(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, true);
    packed p = packed_at(step, &c);
    long first, last;
    knn__share(c.padded_filters / FILTERS, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        direct_pack(step, &c, block, p.weights + block * FILTERS * conv_length(&c));
        for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL)
            conv_pack_bias(step, &c, k, p.bias);
        if (step->request.training && step->dx.data != NULL)
            sparse_pack(step, &c, block * FILTERS, (block + 1) * FILTERS, p.backward);
    }
}

/* A block of filters of `columns` / 2 pooled values: where they are read, and where they go. */
typedef struct place {
    const float *x, *w, *bias;
    direct_kernel kernel;
    float *y;
    uint8_t *position;
    long y_stride, position_stride;         /* from one pooled column to the next */
    int lanes;                              /* filters that exist from the block's first on */
    float floor;
} place;

/* The two rows of the convolution under a pooled row one after the other: both together would need twice the accumulators. The first row's
 * maxima wait on the stack. */
INLINE void pooled_group(const place *p, const direct_kernel kernel, const int columns, const int training)
{
    window waiting[DIRECT_COLUMNS / 2][2];
    UNROLL for (int r = 0; r < 2; r++) {
        vec sum[DIRECT_COLUMNS][2];
        UNROLL for (int c = 0; c < columns; c++)
            sum[c][0] = load(p->bias), sum[c][1] = load(p->bias + VL);
        direct_sum(sum, p->x + r * kernel.row_stride, kernel, p->w, columns);
        UNROLL for (int c = 0; c < columns / 2; c++)
            UNROLL for (int h = 0; h < 2; h++) {
                window *w = &waiting[c][h];
                *w = r == 0 ? window_begin(sum[2 * c][h]) : window_add(*w, sum[2 * c][h], 2, training);
                *w = window_add(*w, sum[2 * c + 1][h], 2 * r + 1, training);
                if (r == 1)
                    window_store(*w, all(p->floor), p->y + c * p->y_stride + h * VL,
                                 training ? p->position + c * p->position_stride + h * VL : NULL, p->lanes - h * VL, training);
            }
    }
}

INLINE void pooled_row(place p, const direct_kernel kernel, int pooled, const int training)
{
    for (int left = pooled, n; left > 0; left -= n) {
        n = next_group(left, DIRECT_COLUMNS / 2);
        if (n == 3)
            pooled_group(&p, kernel, 6, training);
        else if (n == 2)
            pooled_group(&p, kernel, 4, training);
        else
            pooled_group(&p, kernel, 2, training);
        p.x += 2 * n * kernel.channels;
        p.y += n * p.y_stride;
        if (training)
            p.position += n * p.position_stride;
    }
}

typedef void row_function(const place *p, int pooled);
#define POOLED_ROW(name, kernel, training) \
    NOINLINE void name(const place *p, int pooled) { pooled_row(*p, kernel, pooled, training); }
#define POOLED_ROWS(channels, size) \
    POOLED_ROW(row_##channels##_##size, direct_fixed(p->kernel, channels, size), 0) \
    POOLED_ROW(row_training_##channels##_##size, direct_fixed(p->kernel, channels, size), 1)
DIRECT_CASES(POOLED_ROWS)
POOLED_ROW(row_any, p->kernel, 0)
POOLED_ROW(row_training_any, p->kernel, 1)

static row_function *row_function_of(const direct_kernel *kernel, bool training)
{
#define CASE(channels, size) \
    if (direct_is(kernel, channels, size)) \
        return training ? row_training_##channels##_##size : row_##channels##_##size;
    DIRECT_CASES(CASE)
#undef CASE
    return training ? row_training_any : row_any;
}

static void forward_image(const knn_step *step, const conv_shape *c, const float *x, float *y, uint8_t *position, knn_part part, float *band)
{
    conv_piece piece = conv_piece_of(c->rows, c->padded_filters / FILTERS, part);
    bool training = step->request.training;
    packed w = packed_at(step, c);
    bool copy = overhangs(c);
    direct_kernel kernel = {c->kernel_height, (long)c->kernel_width * c->channels, c->channels,
                            (long)(copy ? band_width(c) : c->width) * c->channels};
    row_function *row_of = row_function_of(&kernel, training);
    for (int first = piece.first_row; first < piece.last_row; first += band_rows(c)) {
        int rows = smaller(band_rows(c), piece.last_row - first);
        const float *source = x + 2 * first * kernel.row_stride;
        if (copy) {
            direct_copy_band(x, NULL, c->height, c->width, c->channels, 2 * first - c->top, -c->left, under(rows, c->kernel_height),
                             band_width(c), band);
            source = band;
        }
        for (int k = piece.first_block * FILTERS; k < piece.last_block * FILTERS; k += FILTERS)
            for (int r = 0; r < rows; r++) {
                long cell = (long)(first + r) * c->columns;
                place p = {.x = source + 2 * r * kernel.row_stride, .w = w.weights + k * conv_length(c), .bias = w.bias + k,
                           .kernel = kernel, .y = y + cell * c->filters + k,
                           .position = training ? position + cell * c->padded_filters + k : NULL, .y_stride = c->filters,
                           .position_stride = c->padded_filters, .lanes = c->filters - k, .floor = conv_floor(c)};
                row_of(&p, c->columns);
            }
    }
}

static void forward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, true);
    float *band = knn__scratch(step, part.slice);
    for (int image = part.first; image < part.last; image++)
        forward_image(step, &c, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice),
                      step->request.training ? knn__saved(step, image) : NULL, part, band);
}

static void backward(const knn_step *step, knn_part part)
{
    conv_shape c = conv_of(step, true);
    float *scratch = knn__scratch(step, part.slice);
    if (conv_trains(step) && first_layer(&c))
        first_layer_weights(step, &c, part, scratch);
    else if (conv_trains(step))
        sparse_weights(step, &c, part, scratch);
    if (step->dx.data != NULL)
        sparse_input(step, &c, part, packed_at(step, &c).backward, scratch);
}

static void finish(const knn_step *step, int slice)
{
    conv_shape c = conv_of(step, true);
    if (first_layer(&c))
        conv_finish_rows(step, &c, slice);
    else
        sparse_finish(step, &c, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv_pool_direct) = {
    .name = "conv2d+relu+max_pooling2d, direct, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D}, .covers = covers,
    .measure = measure, .prepare = prepare, .forward = forward, .backward = backward, .finish = finish,
};
