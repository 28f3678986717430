/* conv2d 3x3 + relu + max_pooling2d, direct: for few input channels, and for work too small for Winograd's transforms.
 * The convolution's own output never exists: its maxima stay in registers. Backward: see conv_first_layer.c and conv_pool_sparse.c. */
#include "backend/cpu/conv_direct.h"
#include "backend/cpu/conv_first_layer.h"
#include "backend/cpu/conv_pool_sparse.h"
#include "backend/cpu/pool2x2.h"

/* Packed weights: [block][9 C][FILTERS], [filters] bias, then those of the sparse backward pass. */
typedef struct packed { float *weights, *bias, *backward; } packed;

static packed packed_at(const knn_step *step, const conv3x3 *c)
{
    float *p = (float *)(void *)step->packed;
    long weights = 9l * c->channels * c->padded_filters;
    return (packed){p, p + weights, p + weights + c->padded_filters};
}

/* Pooled rows whose input is read for one block of weights after the other: it should stay in a quarter of the second-level cache. */
static int band_rows(const conv3x3 *c)
{
    int rows = (int)(L2_FLOATS / 4 / ((long)(c->width + 2) * c->channels));
    return smaller(c->rows, larger(1, rows / 2 - 1));
}

static bool padded(const conv3x3 *c) { return c->top > 0 || c->left > 0; }

/* Pixels of a band: of the two more rows and columns that the kernel reaches, and no odd rest that the pool drops. */
static int band_width(const conv3x3 *c) { return 2 * c->columns + 2; }
static long band_length(const conv3x3 *c) { return padded(c) ? (2l * band_rows(c) + 2) * band_width(c) * c->channels : 0; }

/* Bytes of the first layer's scratch lie behind the band. */
static bool first_layer(const conv3x3 *c) { return c->channels <= FIRST_LAYER_CHANNELS; }

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    conv3x3 c = conv3x3_chain(nodes, count, request->training, true);
    if (c.nodes == 0)
        *reason = nodes[0].op == KNN_OP_CONV2D ? "not a 3x3 convolution of stride 1 before a 2x2 max pooling" : NULL;
    return c.nodes;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    conv3x3 c = conv3x3_of(step, true);
    bool training = step->request.training;
    long forward = band_length(&c), backward = training ? sparse_scratch(&c) : 0;
    if (training && first_layer(&c))
        backward += first_layer_scratch(&c);
    needs->scratch = (size_t)(forward > backward ? forward : backward) * sizeof(float);
    needs->packed = (size_t)(9l * c.channels * c.padded_filters + c.padded_filters + (training ? sparse_packed(&c) : 0)) * sizeof(float);
    needs->depth_first = conv3x3_depth_first(&c);
    needs->divisible = true;
    if (!training)
        return;
    needs->input = true;
    needs->saved = (size_t)c.rows * (size_t)c.columns * (size_t)c.padded_filters;
    needs->partial = (size_t)(first_layer(&c) ? first_layer_partial(&c) : sparse_partial(&c)) * sizeof(float);
}

static void prepare(const knn_step *step, int slice)
{
    conv3x3 c = conv3x3_of(step, true);
    packed p = packed_at(step, &c);
    long first, last;
    knn__share(c.padded_filters / FILTERS, slice, step->request.slices, &first, &last);
    for (int block = (int)first; block < last; block++) {
        direct_pack(step, &c, block, p.weights + (long)block * FILTERS * 9 * c.channels);
        for (int k = block * FILTERS; k < (block + 1) * FILTERS; k += VL)
            conv3x3_pack_bias(step, &c, k, p.bias);
        if (step->request.training && step->dx.data != NULL)
            sparse_pack(step, &c, block * FILTERS, (block + 1) * FILTERS, p.backward);
    }
}

/* A block of filters of `columns` / 2 pooled values: where they are read, and where they go. */
typedef struct place {
    const float *x, *w, *bias;
    long row_stride, channels;              /* of x */
    float *y;
    uint8_t *position;
    long y_stride, position_stride;         /* from one pooled column to the next */
    int lanes;                              /* filters that exist from the block's first on */
    float floor;
} place;

/* The two rows of the convolution under a pooled row one after the other: both together would need twice the accumulators. The first row's
 * maxima wait on the stack. */
INLINE void pooled_group(const place *p, long channels, const int columns, const int training)
{
    window waiting[DIRECT_COLUMNS / 2][2];
    UNROLL for (int r = 0; r < 2; r++) {
        vec sum[DIRECT_COLUMNS][2];
        UNROLL for (int c = 0; c < columns; c++)
            sum[c][0] = load(p->bias), sum[c][1] = load(p->bias + VL);
        direct_sum(sum, p->x + r * p->row_stride, p->row_stride, channels, p->w, columns);
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

INLINE void pooled_row(place p, long channels, int pooled, const int training)
{
    for (int left = 2 * pooled, n; left > 0; left -= n) {
        n = direct_group(left);
        if (n == 6)
            pooled_group(&p, channels, 6, training);
        else if (n == 4)
            pooled_group(&p, channels, 4, training);
        else
            pooled_group(&p, channels, 2, training);
        p.x += n * channels;
        p.y += n / 2 * p.y_stride;
        if (training)
            p.position += n / 2 * p.position_stride;
    }
}

/* One function for each case that is compiled on its own. */
#define POOLED_ROW(name, channels, training) \
    NOINLINE void name(const place *p, int pooled) { pooled_row(*p, channels, pooled, training); }
POOLED_ROW(row_1, 1, 0)
POOLED_ROW(row_3, 3, 0)
POOLED_ROW(row_any, p->channels, 0)
POOLED_ROW(row_1_training, 1, 1)
POOLED_ROW(row_3_training, 3, 1)
POOLED_ROW(row_any_training, p->channels, 1)

typedef void row_function(const place *p, int pooled);
static row_function *row_function_of(const conv3x3 *c, bool training)
{
    if (c->channels == 1)
        return training ? row_1_training : row_1;
    if (c->channels == 3)
        return training ? row_3_training : row_3;
    return training ? row_any_training : row_any;
}

static void forward_image(const knn_step *step, const conv3x3 *c, const float *x, float *y, uint8_t *position, knn_part part, float *band)
{
    conv3x3_piece piece = conv3x3_piece_of(c->rows, c->padded_filters / FILTERS, part);
    bool training = step->request.training;
    row_function *row_of = row_function_of(c, training);
    packed w = packed_at(step, c);
    long row_stride = (long)(padded(c) ? band_width(c) : c->width) * c->channels;
    for (int first = piece.first_row; first < piece.last_row; first += band_rows(c)) {
        int rows = smaller(band_rows(c), piece.last_row - first);
        const float *source = x + 2 * first * row_stride;
        if (padded(c)) {
            direct_copy_band(x, NULL, c->height, c->width, c->channels, 2 * first - c->top, -c->left, 2 * rows + 2, band_width(c), band);
            source = band;
        }
        for (int k = piece.first_block * FILTERS; k < piece.last_block * FILTERS; k += FILTERS)
            for (int r = 0; r < rows; r++) {
                long cell = (long)(first + r) * c->columns;
                place p = {.x = source + 2 * r * row_stride, .w = w.weights + (long)k * 9 * c->channels, .bias = w.bias + k,
                           .row_stride = row_stride, .channels = c->channels, .y = y + cell * c->filters + k,
                           .position = training ? position + cell * c->padded_filters + k : NULL, .y_stride = c->filters,
                           .position_stride = c->padded_filters, .lanes = c->filters - k, .floor = conv3x3_floor(c)};
                row_of(&p, c->columns);
            }
    }
}

static void forward(const knn_step *step, knn_part part)
{
    conv3x3 c = conv3x3_of(step, true);
    float *band = knn__scratch(step, part.slice);
    for (int image = part.first; image < part.last; image++)
        forward_image(step, &c, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice),
                      step->request.training ? knn__saved(step, image) : NULL, part, band);
}

static void backward(const knn_step *step, knn_part part)
{
    conv3x3 c = conv3x3_of(step, true);
    float *scratch = knn__scratch(step, part.slice);
    if (conv3x3_trains(step) && first_layer(&c))
        first_layer_weights(step, &c, part, scratch);
    else if (conv3x3_trains(step))
        sparse_weights(step, &c, part, scratch);
    if (step->dx.data != NULL)
        sparse_input(step, &c, part, packed_at(step, &c).backward, scratch);
}

static void finish(const knn_step *step, int slice)
{
    conv3x3 c = conv3x3_of(step, true);
    if (first_layer(&c))
        conv3x3_finish_rows(step, &c, slice);
    else
        sparse_finish(step, &c, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv_pool_direct) = {
    .name = "conv2d+relu+max_pooling2d, direct, " KNN_ISA_TEXT,
    .covers = covers, .measure = measure, .prepare = prepare, .forward = forward, .backward = backward, .finish = finish,
};
