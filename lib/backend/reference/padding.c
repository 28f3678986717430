/* Rows and columns of zeros around pictures. Only the layer ZeroPadding2D: convolutions and pooling pad by themselves. */
#include "backend/reference/reference.h"

#include <string.h>

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request;
    return knn__reference_covers(nodes[0].op == KNN_OP_ZERO_PADDING2D, reason);
}

static void measure(const knn_step *step, knn_needs *needs) { (void)step, (void)needs; }

/* Where row `row` of the input begins in the output, in numbers. */
static long inner_row(const knn_node *n, int row)
{
    return ((long)(row + n->pad_top) * n->out.width + n->pad_left) * n->out.channels;
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    long length = (long)n->in.width * n->in.channels;           /* of a row */
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        memset(y, 0, step->y.length * sizeof *y);
        for (int row = 0; row < n->in.height; row++)
            memcpy(y + inner_row(n, row), x + row * length, (size_t)length * sizeof *y);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    const knn_node *n = &step->nodes[0];
    long length = (long)n->in.width * n->in.channels;
    for (int image = part.first; image < part.last; image++) {
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        for (int row = 0; row < n->in.height; row++)
            memcpy(dx + row * length, dy + inner_row(n, row), (size_t)length * sizeof *dx);
    }
}

const knn_kernel knn__reference_zero_padding2d = {
    .name = "zero_padding2d, reference",
    .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
