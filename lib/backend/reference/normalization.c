/* Normalization by statistics that are known: y = (x - mean) / max(sqrt(variance), 1e-7), or, inverted, y = x max(..) + mean. They are the
 * node's, or weights, which are never trained. */
#include "backend/reference/reference.h"

#include <math.h>

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->in_place = true;
}

/* Of element i; one statistic may be there for all channels. */
static double statistic(const knn_step *step, int which, size_t i)
{
    const knn_node *n = &step->nodes[0];
    const double *given = which == KNN_KNOWN_MEAN ? n->mean : n->variance;
    size_t c = i % (size_t)n->in.channels;
    return n->statistics > 0 ? given[n->statistics > 1 ? c : 0] : knn__weight(step, 0, which)[c];
}

static double deviation(const knn_step *step, size_t i) { return fmax(sqrt(statistic(step, KNN_KNOWN_VARIANCE, i)), 1e-7); }

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (size_t i = 0; i < step->y.length; i++) {
            double mean = statistic(step, KNN_KNOWN_MEAN, i);
            y[i] = (knn_real)(step->nodes[0].invert ? x[i] * deviation(step, i) + mean : (x[i] - mean) / deviation(step, i));
        }
    }
}

static void backward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        for (size_t i = 0; i < step->dx.length; i++)
            dx[i] = (knn_real)(step->nodes[0].invert ? dy[i] * deviation(step, i) : dy[i] / deviation(step, i));
    }
}

const knn_kernel knn__reference_normalization = {
    .name = "normalization, reference",
    .ops = {KNN_OP_NORMALIZATION}, .measure = measure, .forward = forward, .backward = backward,
};
