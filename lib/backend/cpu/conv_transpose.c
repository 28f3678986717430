/* Transposed convolution as a matrix product: the convolution that leads from its output back to its input, run backwards. Does not apply the
 * activation behind it, and does not lay out columns (columns.c).
 *
 *   columns [input rows of a tile][width][length]   what each input position adds to; length = kernel_height * kernel_width * filters
 *   kernel  [length][channels]                      Keras' (height, width, filters, channels)
 *
 * Forward adds columns = x kernel^T to the output; the input's gradient is the columns of dy times the kernel; dW = columns^T x. */
#include "backend/cpu/blas.h"
#include "backend/cpu/columns.h"
#include "backend/cpu/slices.h"

#include <string.h>

enum { TILE_BYTES = 384 * 1024 };           /* of columns, for the second-level cache */

typedef struct transposed {
    knn_node reversed;                      /* the convolution from the output's picture to the input's */
    int rows, width, tile_rows;             /* of the input */
    size_t length, channels;
    float *columns;
} transposed;

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request;
    if (knn__gemm_takes(knn__extent_length(nodes[0].in), nodes[0].weight[KNN_KERNEL].length, knn__extent_length(nodes[0].out)))
        return 1;
    *reason = "too large for OpenBLAS";
    return 0;
}

static transposed describe(const knn_step *step)
{
    const knn_node *n = &step->nodes[0];
    transposed t = {.reversed = *n, .rows = n->in.height, .width = n->in.width, .channels = (size_t)n->in.channels};
    t.reversed.in = n->out;
    t.reversed.out = n->in;
    t.length = (size_t)n->kernel_height * (size_t)n->kernel_width * (size_t)n->out.channels;
    size_t row = (size_t)t.width * t.length * sizeof(float), fitting = TILE_BYTES / row;
    t.tile_rows = fitting < 1 ? 1 : fitting < (size_t)t.rows ? (int)fitting : t.rows;
    return t;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    transposed t = describe(step);
    const knn_node_weight *weight = step->nodes[0].weight;
    needs->depth_first = true;
    needs->scratch = (size_t)t.tile_rows * (size_t)t.width * t.length * sizeof(float);
    if (!step->request.training)
        return;
    needs->input = true;
    needs->partial = (weight[KNN_KERNEL].length + weight[KNN_BIAS].length) * sizeof(float);
}

static transposed at_work(const knn_step *step, int slice)
{
    transposed t = describe(step);
    t.columns = knn__scratch(step, slice);
    return t;
}

static int tile_end(const transposed *t, int first) { return first + t->tile_rows < t->rows ? first + t->tile_rows : t->rows; }
static size_t row_length(const transposed *t) { return (size_t)t->width * t->channels; }
static float *columns_of(const transposed *t, int first, int row) { return t->columns + (size_t)(row - first) * (size_t)t->width * t->length; }

/* ---- Forward ---- */

/* What the sums begin with. */
static void fill_with_bias(const float *bias, size_t channels, float *y, size_t length)
{
    if (bias == NULL)
        memset(y, 0, length * sizeof *y);
    for (size_t i = 0; i < length && bias != NULL; i += channels)
        memcpy(y + i, bias, channels * sizeof *y);
}

static void forward_image(const transposed *t, const float *kernel, const float *x, float *y)
{
    for (int first = 0, last; first < t->rows; first = last) {
        last = tile_end(t, first);
        knn__matrix from = {x + (size_t)first * row_length(t), t->channels, false}, by = {kernel, t->channels, true};
        knn__gemm((size_t)(last - first) * (size_t)t->width, t->length, t->channels, from, by, false, t->columns, t->length);
        for (int row = first; row < last; row++)
            knn__columns_to_image(&t->reversed, y, 0, row, t->width, columns_of(t, first, row));
    }
}

static void forward(const knn_step *step, knn_part part)
{
    transposed t = at_work(step, part.slice);
    for (int image = part.first; image < part.last; image++) {
        float *y = knn__image(&step->y, image, part.slice);
        fill_with_bias(knn__weight(step, 0, KNN_BIAS), (size_t)step->nodes[0].out.channels, y, step->y.length);
        forward_image(&t, knn__weight(step, 0, KNN_KERNEL), knn__image(&step->x, image, part.slice), y);
    }
}

/* ---- Backward ---- */

/* `dx` or `dw` NULL: not wanted. */
static void backward_image(const transposed *t, const float *kernel, const float *x, const float *dy, float *dx, float *dw)
{
    for (int first = 0, last; first < t->rows; first = last) {
        last = tile_end(t, first);
        size_t positions = (size_t)(last - first) * (size_t)t->width, before = (size_t)first * row_length(t);
        for (int row = first; row < last; row++)
            knn__columns_from_image(&t->reversed, dy, 0, row, t->width, columns_of(t, first, row));
        knn__matrix columns = {t->columns, t->length, false}, across = {t->columns, t->length, true};
        if (dw != NULL)
            knn__gemm(t->length, t->channels, positions, across, (knn__matrix){x + before, t->channels, false}, true, dw, t->channels);
        if (dx != NULL)
            knn__gemm(positions, t->channels, t->length, columns, (knn__matrix){kernel, t->channels, false}, false, dx + before, t->channels);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    transposed t = at_work(step, part.slice);
    float *dw = knn__gradient(step, 0, KNN_KERNEL) != NULL ? knn__partial(step, part.slice) : NULL;
    size_t filters = (size_t)step->nodes[0].out.channels;
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        float *dx = step->dx.data != NULL ? knn__image(&step->dx, image, part.slice) : NULL;
        backward_image(&t, knn__weight(step, 0, KNN_KERNEL), x, dy, dx, dw);
        if (dw != NULL && knn__weight(step, 0, KNN_BIAS) != NULL)
            knn__sum_rows(dy, step->y.length / filters, filters, dw + step->nodes[0].weight[KNN_KERNEL].length);
    }
}

static void finish(const knn_step *step, int slice)
{
    const knn_node_weight *weight = step->nodes[0].weight;
    knn__sum_slices(step, 0, knn__gradient(step, 0, KNN_KERNEL), weight[KNN_KERNEL].length, slice);
    knn__sum_slices(step, weight[KNN_KERNEL].length, knn__gradient(step, 0, KNN_BIAS), weight[KNN_BIAS].length, slice);
}

const knn_kernel KNN_ISA_NAME(knn__conv2d_transpose) = {
    .name = "conv2d_transpose, im2col, " KNN_ISA_TEXT,
    .ops = {KNN_OP_CONV2D_TRANSPOSE}, .covers = covers, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
