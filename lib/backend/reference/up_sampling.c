/* Larger pictures: each row and column several times, or linearly between the centres of cells, edges going on beyond them.
 *
 * Either way an output position is a weighted sum of up to four input positions, two along each axis. */
#include "backend/reference/reference.h"
#include "backend/up_sampling.h"

#include <string.h>

/* The four terms of an output position: where they lie in an image, in numbers from its start, and their weights. Those of weight 0 are
 * left out. */
typedef struct terms { int count; long at[4]; double weight[4]; } terms;

static void add_term(terms *t, const knn_node *n, int row, int column, double weight)
{
    if (weight == 0)
        return;
    t->at[t->count] = ((long)row * n->in.width + column) * n->in.channels;
    t->weight[t->count++] = weight;
}

static terms terms_of(const knn_node *n, int row, int column)
{
    knn__source y = knn__source_of(n->op, row, n->stride_height, n->in.height);
    knn__source x = knn__source_of(n->op, column, n->stride_width, n->in.width);
    terms t = {0};
    add_term(&t, n, y.low, x.low, (1 - y.share) * (1 - x.share));
    add_term(&t, n, y.low, x.high, (1 - y.share) * x.share);
    add_term(&t, n, y.high, x.low, y.share * (1 - x.share));
    add_term(&t, n, y.high, x.high, y.share * x.share);
    return t;
}

static void gather(const terms *t, const knn_real *x, knn_real *y, int channels)
{
    if (t->count == 1) {
        memcpy(y, x + t->at[0], (size_t)channels * sizeof *y);
        return;
    }
    for (int c = 0; c < channels; c++) {
        double sum = 0;
        for (int i = 0; i < t->count; i++)
            sum += t->weight[i] * x[t->at[i] + c];
        y[c] = (knn_real)sum;
    }
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++, y += n->out.channels) {
                terms t = terms_of(n, row, column);
                gather(&t, x, y, n->out.channels);
            }
    }
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        memset(dx, 0, step->dx.length * sizeof *dx);
        for (int row = 0; row < n->out.height; row++)
            for (int column = 0; column < n->out.width; column++, dy += n->out.channels) {
                terms t = terms_of(n, row, column);
                for (int i = 0; i < t.count; i++)
                    for (int c = 0; c < n->out.channels; c++)
                        dx[t.at[i] + c] += (knn_real)(t.weight[i] * dy[c]);
            }
    }
}

const knn_kernel knn__reference_up_sampling = {
    .name = "up_sampling, reference",
    .ops = {KNN_OP_UP_SAMPLING_NEAREST, KNN_OP_UP_SAMPLING_BILINEAR}, .forward = forward, .backward = backward,
};
