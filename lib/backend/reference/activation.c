/* The activations, with Keras 3's formulas and slopes (at the kinks, too). Elementwise but for softmax, which is over the channels. */
#include "backend/reference/reference.h"

#include <math.h>

/* Klambauer, Unterthiner, Mayr, Hochreiter: Self-Normalizing Neural Networks, 2017. */
static const double SELU_SCALE = 1.0507009873554804934193349852946, SELU_ALPHA = 1.6732632423543772848170429916717;
static const double SQRT_HALF = 0.70710678118654752440, INVERSE_SQRT_2_PI = 0.39894228040143267794;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double value(knn_activation activation, double x)
{
    switch (activation) {
    case KNN_RELU:         return x < 0 ? 0 : x;                                /* NaN stays NaN */
    case KNN_SIGMOID:      return sigmoid(x);
    case KNN_TANH:         return tanh(x);
    case KNN_ELU:          return x > 0 ? x : expm1(x);
    case KNN_SELU:         return SELU_SCALE * (x > 0 ? x : SELU_ALPHA * expm1(x));
    case KNN_SOFTPLUS:     return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
    case KNN_SWISH:        return x * sigmoid(x);
    case KNN_GELU:         return x * 0.5 * (1 + erf(x * SQRT_HALF));
    case KNN_HARD_SIGMOID: return x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5;
    case KNN_SOFTSIGN:     return x / (1 + fabs(x));
    case KNN_EXPONENTIAL:  return exp(x);
    default:               return x;
    }
}

/* dy / dx from y, where y determines it: then x need not be kept. */
static double slope_from_y(knn_activation activation, double y)
{
    switch (activation) {
    case KNN_RELU:         return y > 0 ? 1 : 0;
    case KNN_SIGMOID:      return y * (1 - y);
    case KNN_TANH:         return 1 - y * y;
    case KNN_ELU:          return y >= 0 ? 1 : y + 1;
    case KNN_SELU:         return y >= 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA;
    case KNN_EXPONENTIAL:  return y;
    default:               return 1;
    }
}

static double slope_from_x(knn_activation activation, double x)
{
    switch (activation) {
    case KNN_SOFTPLUS:     return sigmoid(x);
    case KNN_SWISH:        return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case KNN_GELU:         return 0.5 * (1 + erf(x * SQRT_HALF)) + x * INVERSE_SQRT_2_PI * exp(-0.5 * x * x);
    case KNN_HARD_SIGMOID: return x > -3 && x < 3 ? 1.0 / 6 : 0;
    case KNN_SOFTSIGN:     return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
    default:               return 1;
    }
}

static bool wants_x(knn_activation activation)
{
    return activation == KNN_SOFTPLUS || activation == KNN_SWISH || activation == KNN_GELU || activation == KNN_HARD_SIGMOID
        || activation == KNN_SOFTSIGN;
}

/* y = e^x / sum of e^x over the channels, shifted by the maximum so that nothing overflows; y may be x. */
static void softmax(const knn_real *x, knn_real *y, int channels)
{
    double most = x[0], sum = 0;
    for (int c = 1; c < channels; c++)
        most = x[c] > most ? x[c] : most;
    for (int c = 0; c < channels; c++)
        sum += exp(x[c] - most);
    for (int c = 0; c < channels; c++)
        y[c] = (knn_real)(exp(x[c] - most) / sum);
}

/* dx = y (dy - sum of y dy); dx may be dy. */
static void softmax_gradient(const knn_real *y, const knn_real *dy, knn_real *dx, int channels)
{
    double sum = 0;
    for (int c = 0; c < channels; c++)
        sum += (double)y[c] * dy[c];
    for (int c = 0; c < channels; c++)
        dx[c] = (knn_real)(y[c] * (dy[c] - sum));
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request;
    return knn__reference_covers(nodes[0].op == KNN_OP_ACTIVATION, reason);
}

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = wants_x(step->nodes[0].activation);
    needs->output = !needs->input;
    needs->in_place = !needs->input || !step->request.training;
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        if (n->activation == KNN_SOFTMAX)
            for (int p = 0; p < knn__positions(n->in); p++, x += n->in.channels, y += n->in.channels)
                softmax(x, y, n->in.channels);
        else
            for (size_t i = 0; i < step->y.length; i++)
                y[i] = (knn_real)value(n->activation, x[i]);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    const knn_node *n = &step->nodes[0];
    bool from_x = wants_x(n->activation);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *kept = knn__image(from_x ? &step->x : &step->y, image, part.slice);
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        if (n->activation == KNN_SOFTMAX)
            for (int p = 0; p < knn__positions(n->in); p++, kept += n->in.channels, dy += n->in.channels, dx += n->in.channels)
                softmax_gradient(kept, dy, dx, n->in.channels);
        else
            for (size_t i = 0; i < step->dx.length; i++)
                dx[i] = (knn_real)(dy[i] * (from_x ? slope_from_x(n->activation, kept[i]) : slope_from_y(n->activation, kept[i])));
    }
}

const knn_kernel knn__reference_activation = {
    .name = "activation, reference",
    .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
