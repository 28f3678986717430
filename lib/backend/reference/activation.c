/* The elementwise activations, with Keras 3's formulas and slopes (at the kinks, too). Those over rows are in softmax.c. */
#include "backend/reference/reference.h"

#include <math.h>

/* Klambauer, Unterthiner, Mayr, Hochreiter: Self-Normalizing Neural Networks, 2017. */
static const double SELU_SCALE = 1.0507009873554804934193349852946, SELU_ALPHA = 1.6732632423543772848170429916717;
static const double SQRT_HALF = 0.70710678118654752440, INVERSE_SQRT_2_PI = 0.39894228040143267794;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static double hard_sigmoid(double x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5; }

static double value(knn_activation activation, double x)
{
    switch (activation) {
    case KNN_RELU:         return x < 0 ? 0 : x;                                /* NaN stays NaN */
    case KNN_SIGMOID:      return sigmoid(x);
    case KNN_TANH:         return tanh(x);
    case KNN_ELU:          return x > 0 ? x : expm1(x);
    case KNN_SELU:         return SELU_SCALE * (x > 0 ? x : SELU_ALPHA * expm1(x));
    case KNN_SOFTPLUS:     return softplus(x);
    case KNN_SWISH:        return x * sigmoid(x);
    case KNN_GELU:         return x * 0.5 * (1 + erf(x * SQRT_HALF));
    case KNN_HARD_SIGMOID: return hard_sigmoid(x);
    case KNN_SOFTSIGN:     return x / (1 + fabs(x));
    case KNN_EXPONENTIAL:  return exp(x);
    case KNN_RELU6:        return x < 0 ? 0 : x > 6 ? 6 : x;
    case KNN_LEAKY_RELU:   return x > 0 ? x : 0.2 * x;
    case KNN_MISH:         return x * tanh(softplus(x));
    case KNN_CELU:         return x > 0 ? x : expm1(x);
    case KNN_LOG_SIGMOID:  return -softplus(-x);
    case KNN_HARD_SILU:    return x * hard_sigmoid(x);
    case KNN_HARD_TANH:    return x < -1 ? -1 : x > 1 ? 1 : x;
    case KNN_HARD_SHRINK:  return fabs(x) > 0.5 ? x : 0;
    case KNN_SOFT_SHRINK:  return x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0;
    case KNN_TANH_SHRINK:  return x - tanh(x);
    case KNN_SPARSE_PLUS:  return x <= -1 ? 0 : x < 1 ? (x + 1) * (x + 1) / 4 : x;
    case KNN_SPARSE_SIGMOID: return x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) / 2;
    case KNN_SQUAREPLUS:   return (x + sqrt(x * x + 4)) / 2;
    default:               return x;
    }
}

static double mish_slope(double x)
{
    double t = tanh(softplus(x));
    return t + x * (1 - t * t) * sigmoid(x);
}

/* dy / dx from y, where y determines it: then x need not be kept. */
static double slope_from_y(knn_activation activation, double y)
{
    switch (activation) {
    case KNN_RELU:         return y > 0 ? 1 : 0;
    case KNN_SIGMOID:      return y * (1 - y);
    case KNN_TANH:         return 1 - y * y;
    case KNN_ELU:
    case KNN_CELU:         return y >= 0 ? 1 : y + 1;
    case KNN_SELU:         return y >= 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA;
    case KNN_EXPONENTIAL:  return y;
    case KNN_RELU6:        return y > 0 && y < 6 ? 1 : 0;
    case KNN_LEAKY_RELU:   return y > 0 ? 1 : 0.2;
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
    case KNN_MISH:         return mish_slope(x);
    case KNN_LOG_SIGMOID:  return sigmoid(-x);
    case KNN_HARD_SILU:    return hard_sigmoid(x) + (x > -3 && x < 3 ? x / 6 : 0);
    case KNN_HARD_TANH:    return x >= -1 && x <= 1 ? 1 : 0;
    case KNN_HARD_SHRINK:
    case KNN_SOFT_SHRINK:  return fabs(x) > 0.5 ? 1 : 0;
    case KNN_TANH_SHRINK:  return tanh(x) * tanh(x);
    case KNN_SPARSE_PLUS:  return x <= -1 ? 0 : x < 1 ? (x + 1) / 2 : 1;
    case KNN_SPARSE_SIGMOID: return x > -1 && x < 1 ? 0.5 : 0;
    case KNN_SQUAREPLUS:   return (1 + x / sqrt(x * x + 4)) / 2;
    default:               return 1;
    }
}

static bool wants_x(knn_activation activation)
{
    switch (activation) {
    case KNN_LINEAR:
    case KNN_RELU:
    case KNN_SIGMOID:
    case KNN_TANH:
    case KNN_ELU:
    case KNN_SELU:
    case KNN_EXPONENTIAL:
    case KNN_RELU6:
    case KNN_LEAKY_RELU:
    case KNN_CELU: return false;
    default:       return true;
    }
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request, (void)reason;
    return !knn__is_over_rows(&nodes[0]);
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
        for (size_t i = 0; i < step->dx.length; i++)
            dx[i] = (knn_real)(dy[i] * (from_x ? slope_from_x(n->activation, kept[i]) : slope_from_y(n->activation, kept[i])));
    }
}

const knn_kernel knn__reference_activation = {
    .name = "activation, reference",
    .ops = {KNN_OP_ACTIVATION}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
