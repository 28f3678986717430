/* y = x W + b on the last axis, for each position of the others. Does not compute the activation behind it. */
#include "backend/reference/reference.h"

static void measure(const knn_step *step, knn_needs *needs)
{
    const knn_node *n = &step->nodes[0];
    needs->input = true;
    needs->scratch = (size_t)n->out.channels * sizeof(double);                  /* the sums of one position */
    needs->partial = (n->weight[KNN_KERNEL].length + n->weight[KNN_BIAS].length) * sizeof(double);
}

/* W is [inputs][units]. */
static void forward_position(const knn_step *step, const knn_real *x, knn_real *y, double *sum)
{
    int inputs = step->nodes[0].in.channels, units = step->nodes[0].out.channels;
    const knn_real *w = knn__weight(step, 0, KNN_KERNEL), *bias = knn__weight(step, 0, KNN_BIAS);
    for (int u = 0; u < units; u++)
        sum[u] = bias != NULL ? bias[u] : 0;
    for (int i = 0; i < inputs; i++, w += units)
        for (int u = 0; u < units; u++)
            sum[u] += (double)x[i] * w[u];
    for (int u = 0; u < units; u++)
        y[u] = (knn_real)sum[u];
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (int p = 0; p < knn__positions(n->in); p++, x += n->in.channels, y += n->out.channels)
            forward_position(step, x, y, knn__scratch(step, part.slice));
    }
}

/* dW[i][u] += x[i] dy[u], db[u] += dy[u] (behind dW), dx[i] = sum over u of W[i][u] dy[u]. */
static void backward_position(const knn_step *step, const knn_real *x, const knn_real *dy, knn_real *dx, double *dw)
{
    int inputs = step->nodes[0].in.channels, units = step->nodes[0].out.channels;
    const knn_real *w = knn__weight(step, 0, KNN_KERNEL);
    for (int i = 0; i < inputs; i++, w += units, dw += units) {
        double sum = 0;
        for (int u = 0; u < units; u++) {
            dw[u] += (double)x[i] * dy[u];
            sum += (double)w[u] * dy[u];
        }
        if (dx != NULL)
            dx[i] = (knn_real)sum;
    }
    if (step->nodes[0].weight[KNN_BIAS].length > 0)
        for (int u = 0; u < units; u++)
            dw[u] += dy[u];
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = step->dx.data != NULL ? knn__image(&step->dx, image, part.slice) : NULL;
        for (int p = 0; p < knn__positions(n->in); p++, x += n->in.channels, dy += n->out.channels) {
            backward_position(step, x, dy, dx, knn__partial(step, part.slice));
            if (dx != NULL)
                dx += n->in.channels;
        }
    }
}

static void finish(const knn_step *step, int slice)
{
    const knn_node_weight *weight = step->nodes[0].weight;
    knn__reference_add_slices(step, 0, knn__gradient(step, 0, KNN_KERNEL), weight[KNN_KERNEL].length, slice);
    knn__reference_add_slices(step, weight[KNN_KERNEL].length, knn__gradient(step, 0, KNN_BIAS), weight[KNN_BIAS].length, slice);
}

const knn_kernel knn__reference_dense = {
    .name = "dense, reference",
    .ops = {KNN_OP_DENSE}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
