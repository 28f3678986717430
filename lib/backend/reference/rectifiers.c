/* The activations with parameters, of the layers ReLU, LeakyReLU, ELU and PReLU. Those without are in activation.c. */
#include "backend/reference/reference.h"

#include <math.h>

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->partial = step->nodes[0].weight[KNN_ALPHA].length * sizeof(double);      /* dalpha */
}

/* Number of the alpha of element i: axes on which it has size 1 do not count. */
static size_t alpha_index(const knn_node *n, size_t i)
{
    size_t channels = (size_t)n->in.channels, width = (size_t)n->in.width;
    size_t c = i % channels, column = i / channels % width, row = i / channels / width;
    size_t index = n->shared.height > 1 ? row : 0;
    index = index * (size_t)n->shared.width + (n->shared.width > 1 ? column : 0);
    return index * (size_t)n->shared.channels + (n->shared.channels > 1 ? c : 0);
}

static double value(const knn_node *n, double alpha, double x)
{
    switch (n->op) {
    case KNN_OP_RECTIFIER:  return x > n->threshold ? fmin(x, n->max_value) : alpha * (x - n->threshold);
    case KNN_OP_SCALED_ELU: return x > 0 ? x : alpha * expm1(x);
    default:                return x > 0 ? x : alpha * x;
    }
}

/* As Keras composes ReLU of what TensorFlow has: the slope is 0 at the threshold (not in the plain leaky one), and 1 at the maximum (not in
 * ReLU6, which is an operation of its own). */
static double rectifier_slope(const knn_node *n, double alpha, double x)
{
    bool leaky = n->threshold == 0 && n->max_value == INFINITY, relu6 = n->threshold == 0 && n->max_value == 6;
    if (x > n->threshold)
        return x < n->max_value || (x == n->max_value && !relu6) ? 1 : 0;
    return x < n->threshold || leaky ? alpha : 0;
}

static double slope(const knn_node *n, double alpha, double x)
{
    switch (n->op) {
    case KNN_OP_RECTIFIER:  return rectifier_slope(n, alpha, x);
    case KNN_OP_SCALED_ELU: return x > 0 ? 1 : alpha * exp(x);
    default:                return x > 0 ? 1 : x < 0 ? alpha : 0;
    }
}

/* Of element i: the node's, or PReLU's weight. */
static double alpha_of(const knn_step *step, size_t i)
{
    const knn_node *n = &step->nodes[0];
    return n->op == KNN_OP_PRELU ? (double)knn__weight(step, 0, KNN_ALPHA)[alpha_index(n, i)] : n->alpha;
}

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (size_t i = 0; i < step->y.length; i++)
            y[i] = (knn_real)value(&step->nodes[0], alpha_of(step, i), x[i]);
    }
}

/* dalpha = sum of dy x where x < 0. */
static void add_alpha_gradients(const knn_step *step, knn_part part)
{
    double *dalpha = knn__partial(step, part.slice);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        for (size_t i = 0; i < step->x.length; i++)
            dalpha[alpha_index(&step->nodes[0], i)] += x[i] < 0 ? (double)dy[i] * x[i] : 0;
    }
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->nodes[0].op == KNN_OP_PRELU)
        add_alpha_gradients(step, part);
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        for (size_t i = 0; i < step->dx.length; i++)
            dx[i] = (knn_real)(dy[i] * slope(&step->nodes[0], alpha_of(step, i), x[i]));
    }
}

static void finish(const knn_step *step, int slice)
{
    knn__reference_add_slices(step, 0, knn__gradient(step, 0, KNN_ALPHA), step->nodes[0].weight[KNN_ALPHA].length, slice);
}

const knn_kernel knn__reference_rectifiers = {
    .name = "rectifiers, reference",
    .ops = {KNN_OP_RECTIFIER, KNN_OP_SCALED_ELU, KNN_OP_PRELU},
    .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
