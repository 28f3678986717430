/* The elementwise activations and their slopes, with Keras 3's formulas. ReLU and its like, which most nets use, are vector loops; the
 * others call the C library. Does not know where the arrays come from. */
#include "backend/cpu/activation.h"

#include <math.h>

/* Klambauer, Unterthiner, Mayr, Hochreiter: Self-Normalizing Neural Networks, 2017. */
static const float SELU_SCALE = 1.05070098735548049f, SELU_ALPHA = 1.67326324235437728f;
static const float SQRT_HALF = 0.707106781186547524f, INVERSE_SQRT_2_PI = 0.398942280401432678f;

static inline float sigmoid(float x) { return 1 / (1 + expf(-x)); }
static inline float relu(float x) { return x <= 0 ? 0 : x; }                    /* NaN stays NaN */
static inline float softplus(float x) { return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x))); }
static inline float hard_sigmoid(float x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5f; }

static inline float value(knn_activation f, float x)
{
    switch (f) {
    case KNN_SIGMOID:      return sigmoid(x);
    case KNN_TANH:         return tanhf(x);
    case KNN_ELU:          return x > 0 ? x : expm1f(x);
    case KNN_SELU:         return SELU_SCALE * (x > 0 ? x : SELU_ALPHA * expm1f(x));
    case KNN_SOFTPLUS:     return softplus(x);
    case KNN_SWISH:        return x * sigmoid(x);
    case KNN_GELU:         return x * 0.5f * (1 + erff(x * SQRT_HALF));
    case KNN_HARD_SIGMOID: return hard_sigmoid(x);
    case KNN_SOFTSIGN:     return x / (1 + fabsf(x));
    case KNN_EXPONENTIAL:  return expf(x);
    case KNN_RELU6:        return x < 0 ? 0 : x > 6 ? 6 : x;
    case KNN_LEAKY_RELU:   return x > 0 ? x : 0.2f * x;
    case KNN_MISH:         return x * tanhf(softplus(x));
    case KNN_CELU:         return x > 0 ? x : expm1f(x);
    case KNN_LOG_SIGMOID:  return -softplus(-x);
    case KNN_HARD_SILU:    return x * hard_sigmoid(x);
    case KNN_HARD_TANH:    return x < -1 ? -1 : x > 1 ? 1 : x;
    case KNN_HARD_SHRINK:  return fabsf(x) > 0.5f ? x : 0;
    case KNN_SOFT_SHRINK:  return x > 0.5f ? x - 0.5f : x < -0.5f ? x + 0.5f : 0;
    case KNN_TANH_SHRINK:  return x - tanhf(x);
    case KNN_SPARSE_PLUS:  return x <= -1 ? 0 : x < 1 ? (x + 1) * (x + 1) / 4 : x;
    case KNN_SPARSE_SIGMOID: return x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) / 2;
    case KNN_SQUAREPLUS:   return (x + sqrtf(x * x + 4)) / 2;
    default:               return x;
    }
}

static inline float mish_slope(float x)
{
    float t = tanhf(softplus(x));
    return t + x * (1 - t * t) * sigmoid(x);
}

/* From y where knn__slope_from_output, else from x. */
static inline float slope(knn_activation f, float kept)
{
    switch (f) {
    case KNN_SIGMOID:      return kept * (1 - kept);
    case KNN_TANH:         return 1 - kept * kept;
    case KNN_ELU:
    case KNN_CELU:         return kept >= 0 ? 1 : kept + 1;
    case KNN_SELU:         return kept >= 0 ? SELU_SCALE : kept + SELU_SCALE * SELU_ALPHA;
    case KNN_SOFTPLUS:     return sigmoid(kept);
    case KNN_SWISH:        return sigmoid(kept) * (1 + kept * (1 - sigmoid(kept)));
    case KNN_GELU:         return 0.5f * (1 + erff(kept * SQRT_HALF)) + kept * INVERSE_SQRT_2_PI * expf(-0.5f * kept * kept);
    case KNN_HARD_SIGMOID: return kept > -3 && kept < 3 ? 1.0f / 6 : 0;
    case KNN_SOFTSIGN:     return 1 / ((1 + fabsf(kept)) * (1 + fabsf(kept)));
    case KNN_EXPONENTIAL:  return kept;
    case KNN_RELU6:        return kept > 0 && kept < 6 ? 1 : 0;
    case KNN_LEAKY_RELU:   return kept > 0 ? 1 : 0.2f;
    case KNN_MISH:         return mish_slope(kept);
    case KNN_LOG_SIGMOID:  return sigmoid(-kept);
    case KNN_HARD_SILU:    return hard_sigmoid(kept) + (kept > -3 && kept < 3 ? kept / 6 : 0);
    case KNN_HARD_TANH:    return kept >= -1 && kept <= 1 ? 1 : 0;
    case KNN_HARD_SHRINK:
    case KNN_SOFT_SHRINK:  return fabsf(kept) > 0.5f ? 1 : 0;
    case KNN_TANH_SHRINK:  return tanhf(kept) * tanhf(kept);
    case KNN_SPARSE_PLUS:  return kept <= -1 ? 0 : kept < 1 ? (kept + 1) / 2 : 1;
    case KNN_SPARSE_SIGMOID: return kept > -1 && kept < 1 ? 0.5f : 0;
    case KNN_SQUAREPLUS:   return (1 + kept / sqrtf(kept * kept + 4)) / 2;
    default:               return 1;
    }
}

void knn__activate(knn_activation f, const float *x, float *y, size_t n)
{
    if (f == KNN_RELU)
        for (size_t i = 0; i < n; i++)
            y[i] = relu(x[i]);
    else if (f == KNN_RELU6)
        for (size_t i = 0; i < n; i++)
            y[i] = value(KNN_RELU6, x[i]);
    else if (f == KNN_LEAKY_RELU)
        for (size_t i = 0; i < n; i++)
            y[i] = value(KNN_LEAKY_RELU, x[i]);
    else
        for (size_t i = 0; i < n; i++)
            y[i] = value(f, x[i]);
}

void knn__activate_backward(knn_activation f, const float *kept, const float *dy, float *dx, size_t n)
{
    if (f == KNN_RELU)
        for (size_t i = 0; i < n; i++)
            dx[i] = kept[i] > 0 ? dy[i] : 0;
    else if (f == KNN_RELU6)
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * slope(KNN_RELU6, kept[i]);
    else if (f == KNN_LEAKY_RELU)
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * slope(KNN_LEAKY_RELU, kept[i]);
    else
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * slope(f, kept[i]);
}

void knn__activate_rows(knn_activation f, const float *bias, float *y, size_t rows, size_t columns)
{
    for (size_t row = 0; row < rows; row++, y += columns) {
        if (bias != NULL && f == KNN_RELU) {
            for (size_t i = 0; i < columns; i++)
                y[i] = relu(y[i] + bias[i]);
            continue;
        }
        if (bias != NULL)
            for (size_t i = 0; i < columns; i++)
                y[i] += bias[i];
        if (f != KNN_LINEAR)
            knn__activate(f, y, y, columns);
    }
}
