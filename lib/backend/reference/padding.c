/* Rows and columns of zeros around pictures, and cropping, which takes them away: each is the other's gradient. Only the layers:
 * convolutions and pooling pad by themselves. */
#include "backend/reference/reference.h"

#include <string.h>

/* Where row `row` of the smaller picture begins in the larger one, in numbers. */
static long inner_row(const knn_node *n, knn_extent larger, int row)
{
    return ((long)(row + n->pad_top) * larger.width + n->pad_left) * larger.channels;
}

/* `to` is the larger one. */
static void frame(const knn_node *n, knn_extent smaller, knn_extent larger, const knn_real *from, knn_real *to)
{
    long length = (long)smaller.width * smaller.channels;       /* of a row */
    memset(to, 0, knn__extent_length(larger) * sizeof *to);
    for (int row = 0; row < smaller.height; row++)
        memcpy(to + inner_row(n, larger, row), from + row * length, (size_t)length * sizeof *to);
}

/* `to` is the smaller one. */
static void crop(const knn_node *n, knn_extent smaller, knn_extent larger, const knn_real *from, knn_real *to)
{
    long length = (long)smaller.width * smaller.channels;
    for (int row = 0; row < smaller.height; row++)
        memcpy(to + row * length, from + inner_row(n, larger, row), (size_t)length * sizeof *to);
}

static void forward_padding(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++)
        frame(n, n->in, n->out, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
}

static void backward_padding(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        crop(n, n->in, n->out, knn__image(&step->dy, image, part.slice), knn__image(&step->dx, image, part.slice));
}

static void forward_cropping(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++)
        crop(n, n->out, n->in, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
}

static void backward_cropping(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        frame(n, n->out, n->in, knn__image(&step->dy, image, part.slice), knn__image(&step->dx, image, part.slice));
}

const knn_kernel knn__reference_zero_padding2d = {
    .name = "zero_padding2d, reference",
    .ops = {KNN_OP_ZERO_PADDING2D}, .forward = forward_padding, .backward = backward_padding,
};

const knn_kernel knn__reference_cropping2d = {
    .name = "cropping2d, reference",
    .ops = {KNN_OP_CROPPING2D}, .forward = forward_cropping, .backward = backward_cropping,
};
