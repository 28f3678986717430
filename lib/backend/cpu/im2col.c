/* Convolution as a matrix product, with bias, activation and 2x2 max-pooling applied while the product is in cache: the general path,
 * for every stride, dilation, padding and number of groups. Does not multiply itself (blas.c) nor lay out the columns (columns.c).
 *
 * A tile is a run of output rows; the rows of all images of a part are numbered through, so that small maps fill a tile, too.
 *
 *   columns [tile rows][width][length]   what each position sees; length = kernel_height * kernel_width * channels of a group
 *   map     [tile rows][width][filters]  columns * W, or in the backward pass the gradient of that product
 *
 * With pooling the map exists for one tile only: forward keeps the pooled value and a byte (pool_tile.h),
 * from which backward makes the tile of the gradient again. Rows and columns that pooling drops are never computed. */
#include "backend/cpu/activation.h"
#include "backend/cpu/blas.h"
#include "backend/cpu/columns.h"
#include "backend/cpu/pool_tile.h"
#include "backend/cpu/slices.h"

#include <math.h>
#include <string.h>

/* A tile should stay in a 512 KB second-level cache together with a part of the weights; but a product of few rows wastes its time
 * on packing the weights, so small maps get larger tiles. */
enum { TILE_BYTES = 384 * 1024, TILE_POSITIONS = 192 };

/* Of a single image, for threads to share: whole ones, since OpenBLAS rounds products of other sizes differently. */
enum { LEAST_TILES = 4 };

typedef struct convolution {
    const knn_node *node;
    knn_activation activation;
    bool pooled, training;
    bool direct;                            /* 1x1: the image itself is the columns */
    int rows, width;                        /* of the output, as far as they are used */
    int tile_rows;
    size_t length, filters;                 /* of a group; the output has groups * filters channels */
    const float *kernel, *bias;
    float *columns, *map, *sums;            /* scratch; sums: of a tile's gradient, a channel */
} convolution;

/* A run of rows of a part's images. */
typedef struct tile { int first, last; } tile;

/* ---- What is covered ---- */

static bool is_pooling(const knn_node *node)
{
    return node->op == KNN_OP_MAX_POOLING2D && node->kernel_height == 2 && node->kernel_width == 2 && node->stride_height == 2
        && node->stride_width == 2 && node->pad_top + node->pad_bottom + node->pad_left + node->pad_right == 0;
}

/* After `count` nodes that make the convolution's values: the activation, and pooling where that is none or ReLU. */
static int covers_rest(const knn_node *nodes, int count, int available)
{
    knn_activation activation = knn__fused_activation(&nodes[count - 1], available - count + 1);
    count += activation != KNN_LINEAR;
    bool keeps_order = activation == KNN_LINEAR || activation == KNN_RELU;
    return count + (count < available && keeps_order && is_pooling(&nodes[count]));
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request;
    if (!knn__gemm_takes(knn__extent_length(nodes[0].out), nodes[0].weight[KNN_KERNEL].length, knn__extent_length(nodes[0].in))) {
        *reason = "too large for OpenBLAS";
        return 0;
    }
    return covers_rest(nodes, 1, count);
}

static int covers_folded(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    if (count < 2 || nodes[1].op != KNN_OP_BATCH_NORMALIZATION)
        return 0;
    if (request->training) {
        *reason = "batch normalization changes in training";
        return 0;
    }
    return covers(nodes, 1, request, reason) == 0 ? 0 : covers_rest(nodes, 2, count);
}

/* ---- Geometry and memory ---- */

static bool is_folded(const knn_step *step) { return step->count > 1 && step->nodes[1].op == KNN_OP_BATCH_NORMALIZATION; }

static int images_a_part(const knn_step *step)
{
    return (step->request.capacity + step->request.slices - 1) / step->request.slices;
}

/* Large maps fill a tile by themselves; what they make is best consumed from cache. */
static bool fills_a_tile(const convolution *c) { return c->rows * c->width >= TILE_POSITIONS; }

static int choose_tile_rows(const convolution *c, const knn_step *step)
{
    size_t row = (size_t)c->width * (c->length + c->filters * (size_t)c->node->groups) * sizeof(float);
    long all = (long)c->rows * (fills_a_tile(c) ? 1 : images_a_part(step));
    long fewest = (TILE_POSITIONS + c->width - 1) / c->width, fitting = (long)(TILE_BYTES / row);
    long rows = fitting > fewest ? fitting : fewest;
    rows = rows < all ? rows : all;
    if (step->request.capacity == 1 && rows > (all + LEAST_TILES - 1) / LEAST_TILES)
        rows = (all + LEAST_TILES - 1) / LEAST_TILES;
    return (int)(c->pooled ? (rows + 1) / 2 * 2 : rows);
}

static convolution describe(const knn_step *step)
{
    const knn_node *n = &step->nodes[0], *last = &step->nodes[step->count - 1];
    convolution c = {.node = n, .activation = KNN_LINEAR, .training = step->request.training};
    c.pooled = last->op == KNN_OP_MAX_POOLING2D;
    for (int i = 1; i < step->count; i++)
        if (step->nodes[i].op == KNN_OP_ACTIVATION)
            c.activation = step->nodes[i].activation;
    c.rows = c.pooled ? 2 * last->out.height : n->out.height;
    c.width = c.pooled ? 2 * last->out.width : n->out.width;
    c.length = (size_t)n->kernel_height * (size_t)n->kernel_width * (size_t)(n->in.channels / n->groups);
    c.filters = (size_t)(n->out.channels / n->groups);
    c.direct = n->groups == 1 && c.rows == n->in.height && c.width == n->in.width && n->kernel_height == 1 && n->kernel_width == 1
            && n->stride_height == 1 && n->stride_width == 1;
    c.tile_rows = choose_tile_rows(&c, step);
    return c;
}

static size_t columns_bytes(const convolution *c)
{
    size_t bytes = c->direct ? 0 : (size_t)c->tile_rows * (size_t)c->width * c->length * sizeof(float);
    return (bytes + 63) / 64 * 64;
}

static size_t map_bytes(const convolution *c)
{
    bool needed = c->pooled || (c->training && c->activation != KNN_LINEAR);
    return needed ? (size_t)c->tile_rows * (size_t)c->width * c->filters * (size_t)c->node->groups * sizeof(float) : 0;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    convolution c = describe(step);
    const knn_node_weight *weight = step->nodes[0].weight;
    needs->depth_first = fills_a_tile(&c);
    needs->divisible = true;
    needs->scratch = columns_bytes(&c) + map_bytes(&c) + (size_t)c.node->out.channels * sizeof(float);
    if (is_folded(step))
        needs->packed = (weight[KNN_KERNEL].length + (size_t)c.node->out.channels) * sizeof(float);
    if (!c.training)
        return;
    needs->input = true;
    needs->output = !c.pooled && c.activation != KNN_LINEAR;
    needs->saved = c.pooled ? step->y.length : 0;
    needs->partial = (weight[KNN_KERNEL].length + weight[KNN_BIAS].length) * sizeof(float);
}

static convolution at_work(const knn_step *step, int slice)
{
    convolution c = describe(step);
    unsigned char *scratch = knn__scratch(step, slice);
    c.columns = (float *)scratch;
    c.map = (float *)(scratch + columns_bytes(&c));
    c.sums = (float *)(scratch + columns_bytes(&c) + map_bytes(&c));
    c.kernel = is_folded(step) ? (const float *)step->packed : knn__weight(step, 0, KNN_KERNEL);
    c.bias = is_folded(step) ? c.kernel + step->nodes[0].weight[KNN_KERNEL].length : knn__weight(step, 0, KNN_BIAS);
    return c;
}

/* ---- Batch normalization folded into the weights: W' = W s, b' = (b - mean) s + beta with s = gamma / sqrt(variance + epsilon) ---- */

static void prepare_folded(const knn_step *step, int slice)
{
    const float *kernel = knn__weight(step, 0, KNN_KERNEL), *bias = knn__weight(step, 0, KNN_BIAS);
    const float *gamma = knn__weight(step, 1, KNN_GAMMA), *beta = knn__weight(step, 1, KNN_BETA);
    const float *mean = knn__weight(step, 1, KNN_MOVING_MEAN), *variance = knn__weight(step, 1, KNN_MOVING_VARIANCE);
    size_t channels = (size_t)step->nodes[0].out.channels, rows = step->nodes[0].weight[KNN_KERNEL].length / channels;
    float *packed = (float *)step->packed, *packed_bias = packed + rows * channels;
    long first, last;
    knn__share((long)channels, slice, step->request.slices, &first, &last);
    for (long k = first; k < last; k++) {
        double scale = (gamma != NULL ? gamma[k] : 1) / sqrt(variance[k] + step->nodes[1].epsilon);
        for (size_t row = 0; row < rows; row++)
            packed[row * channels + (size_t)k] = (float)(kernel[row * channels + (size_t)k] * scale);
        packed_bias[k] = (float)(((bias != NULL ? bias[k] : 0) - (double)mean[k]) * scale + (beta != NULL ? beta[k] : 0));
    }
}

/* ---- Tiles ---- */

/* The rows of a part: those of all its images, or the tiles of its piece of one. */
static tile rows_of(const convolution *c, knn_part part)
{
    long rows = (long)(part.last - part.first) * c->rows, tiles = (rows + c->tile_rows - 1) / c->tile_rows, first, last;
    knn__share(tiles, part.piece, part.pieces, &first, &last);
    first *= c->tile_rows, last *= c->tile_rows;
    return (tile){(int)first, (int)(last < rows ? last : rows)};
}

static tile next_tile(const convolution *c, knn_part part, int first)
{
    int all = rows_of(c, part).last;
    return (tile){first, first + c->tile_rows < all ? first + c->tile_rows : all};
}

static size_t positions(const convolution *c, tile t) { return (size_t)(t.last - t.first) * (size_t)c->width; }

/* Row `row` of a part's images, which stand one after the other in a tensor that has all c->rows rows of an image. */
static float *row_of(const convolution *c, const knn_tensor *tensor, knn_part part, int row)
{
    return knn__image(tensor, part.first, part.slice) + (size_t)row * (tensor->length / (size_t)c->rows);
}

/* The two rows from `row` on are one of a pooled tensor, and of the bytes kept with its image. */
static float *pooled_row(const convolution *c, const knn_tensor *tensor, knn_part part, int row)
{
    return knn__image(tensor, part.first, part.slice) + (size_t)(row / 2) * (tensor->length / (size_t)(c->rows / 2));
}

static unsigned char *pooled_bytes(const convolution *c, const knn_step *step, knn_part part, int row)
{
    unsigned char *saved = knn__saved(step, part.first + row / c->rows);
    return saved + (size_t)(row % c->rows / 2) * (step->y.length / (size_t)(c->rows / 2));
}

/* A group's columns of W, [length][filters], and of a map. */
static knn__matrix kernel_of(const convolution *c, int group, bool transposed)
{
    return (knn__matrix){c->kernel + (size_t)group * c->filters, (size_t)c->node->out.channels, transposed};
}

static knn__matrix map_of(const convolution *c, const float *map, int group)
{
    return (knn__matrix){map + (size_t)group * c->filters, (size_t)c->node->out.channels, false};
}

/* A tile's columns: in the input itself where it has this form already, else gathered in the buffer. */
static const float *gather(const convolution *c, const knn_step *step, knn_part part, tile t, int group)
{
    if (c->direct)
        return row_of(c, &step->x, part, t.first);
    float *to = c->columns;
    for (int row = t.first; row < t.last; row++, to += (size_t)c->width * c->length) {
        const float *image = knn__image(&step->x, part.first + row / c->rows, part.slice);
        knn__columns_from_image(c->node, image, group, row % c->rows, c->width, to);
    }
    return c->columns;
}

static void scatter(const convolution *c, const knn_step *step, knn_part part, tile t, int group)
{
    const float *from = c->columns;
    for (int row = t.first; row < t.last; row++, from += (size_t)c->width * c->length) {
        float *image = knn__image(&step->dx, part.first + row / c->rows, part.slice);
        knn__columns_to_image(c->node, image, group, row % c->rows, c->width, from);
    }
}

/* ---- Forward ---- */

static void pool(const convolution *c, const knn_step *step, knn_part part, tile t)
{
    const float *map = c->map;
    for (int row = t.first; row < t.last; row += 2, map += 2 * (size_t)c->width * (size_t)c->node->out.channels)
        knn__pool_tile(map, c->width / 2, c->node->out.channels, c->bias, c->activation == KNN_RELU, pooled_row(c, &step->y, part, row),
                       c->training ? pooled_bytes(c, step, part, row) : NULL);
}

static void forward(const knn_step *step, knn_part part)
{
    convolution c = at_work(step, part.slice);
    size_t channels = (size_t)c.node->out.channels;
    for (tile t = next_tile(&c, part, rows_of(&c, part).first); t.first < t.last; t = next_tile(&c, part, t.last)) {
        float *map = c.pooled ? c.map : row_of(&c, &step->y, part, t.first);
        for (int g = 0; g < c.node->groups; g++) {
            knn__matrix columns = {gather(&c, step, part, t, g), c.length, false};
            knn__gemm(positions(&c, t), c.filters, c.length, columns, kernel_of(&c, g, false), false, map + (size_t)g * c.filters, channels);
        }
        if (c.pooled)
            pool(&c, step, part, t);
        else
            knn__activate_rows(c.activation, c.bias, map, positions(&c, t), channels);
    }
}

/* ---- Backward ---- */

/* The gradient of a tile of the map before pooling and activation, and its sums. */
static const float *map_gradient(const convolution *c, const knn_step *step, knn_part part, tile t)
{
    size_t channels = (size_t)c->node->out.channels, count = positions(c, t);
    memset(c->sums, 0, channels * sizeof *c->sums);
    if (c->pooled) {
        float *map = c->map;
        for (int row = t.first; row < t.last; row += 2, map += 2 * (size_t)c->width * channels)
            knn__unpool_tile(pooled_row(c, &step->dy, part, row), pooled_bytes(c, step, part, row), c->width / 2, (int)channels, map, c->sums);
        return c->map;
    }
    const float *dz = row_of(c, &step->dy, part, t.first);
    if (c->activation != KNN_LINEAR) {
        knn__activate_backward(c->activation, row_of(c, &step->y, part, t.first), dz, c->map, count * channels);
        dz = c->map;
    }
    knn__sum_rows(dz, count, channels, c->sums);
    return dz;
}

/* The tile's part of dW = columns^T dz and db, in the slice's partial block: first dW, then db. */
static void add_weight_gradients(const convolution *c, const knn_step *step, knn_part part, tile t, const float *dz)
{
    float *dw = knn__partial(step, part.slice), *db = dw + step->nodes[0].weight[KNN_KERNEL].length;
    for (int g = 0; g < c->node->groups; g++) {
        knn__matrix columns = {gather(c, step, part, t, g), c->length, true};
        knn__gemm(c->length, c->filters, positions(c, t), columns, map_of(c, dz, g), true, dw + (size_t)g * c->filters,
                  (size_t)c->node->out.channels);
    }
    if (c->bias != NULL)
        knn__sum_rows(c->sums, 1, (size_t)c->node->out.channels, db);
}

/* The tile's part of dx: columns = dz W^T, added where they came from. */
static void add_input_gradient(const convolution *c, const knn_step *step, knn_part part, tile t, const float *dz)
{
    float *columns = c->direct ? row_of(c, &step->dx, part, t.first) : c->columns;
    for (int g = 0; g < c->node->groups; g++) {
        knn__gemm(positions(c, t), c->length, c->filters, map_of(c, dz, g), kernel_of(c, g, true), false, columns, c->length);
        if (!c->direct)
            scatter(c, step, part, t, g);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    convolution c = at_work(step, part.slice);
    bool trains = knn__gradient(step, 0, KNN_KERNEL) != NULL, wants_dx = step->dx.data != NULL;
    for (int image = part.first; image < part.last && wants_dx && !c.direct; image++)
        memset(knn__image(&step->dx, image, part.slice), 0, step->dx.length * sizeof(float));
    for (tile t = next_tile(&c, part, 0); t.first < t.last; t = next_tile(&c, part, t.last)) {
        const float *dz = map_gradient(&c, step, part, t);
        if (trains)
            add_weight_gradients(&c, step, part, t, dz);
        if (wants_dx)
            add_input_gradient(&c, step, part, t, dz);
    }
}

static void finish(const knn_step *step, int slice)
{
    const knn_node_weight *weight = step->nodes[0].weight;
    knn__sum_slices(step, 0, knn__gradient(step, 0, KNN_KERNEL), weight[KNN_KERNEL].length, slice);
    knn__sum_slices(step, weight[KNN_KERNEL].length, knn__gradient(step, 0, KNN_BIAS), weight[KNN_BIAS].length, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv2d_im2col) = {
    .name = "conv2d, im2col, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D}, .covers = covers, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};

const knn_kernel KNN_ISA_NAME(knn__conv2d_folded_im2col) = {
    .name = "conv2d+batch_normalization, im2col, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D}, .covers = covers_folded, .measure = measure, .prepare = prepare_folded, .forward = forward,
};
