/* The elementwise activations and their slopes, with Keras 3's formulas, for every backend. Knows no arrays. Softmax and its like, which look
 * at whole rows, are elsewhere. */
#ifndef KNN_BACKEND_ACTIVATIONS_H
#define KNN_BACKEND_ACTIVATIONS_H

#include "core/everywhere.h"

#include <knn/layers.h>

#include <math.h>

/* Klambauer, Unterthiner, Mayr, Hochreiter: Self-Normalizing Neural Networks, 2017. */
#define KNN_SELU_SCALE 1.05070098735548049f
#define KNN_SELU_ALPHA 1.67326324235437728f
#define KNN_SQRT_HALF 0.707106781186547524f
#define KNN_INVERSE_SQRT_2_PI 0.398942280401432678f

KNN_EVERYWHERE float knn__sigmoid(float x) { return 1 / (1 + expf(-x)); }
KNN_EVERYWHERE float knn__relu(float x) { return x <= 0 ? 0 : x; }                    /* NaN stays NaN */
KNN_EVERYWHERE float knn__softplus(float x) { return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x))); }
KNN_EVERYWHERE float knn__hard_sigmoid(float x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5f; }

KNN_EVERYWHERE float knn__activation_value(knn_activation f, float x)
{
    switch (f) {
    case KNN_SIGMOID:      return knn__sigmoid(x);
    case KNN_TANH:         return tanhf(x);
    case KNN_ELU:          return x > 0 ? x : expm1f(x);
    case KNN_SELU:         return KNN_SELU_SCALE * (x > 0 ? x : KNN_SELU_ALPHA * expm1f(x));
    case KNN_SOFTPLUS:     return knn__softplus(x);
    case KNN_SWISH:        return x * knn__sigmoid(x);
    case KNN_GELU:         return x * 0.5f * (1 + erff(x * KNN_SQRT_HALF));
    case KNN_HARD_SIGMOID: return knn__hard_sigmoid(x);
    case KNN_SOFTSIGN:     return x / (1 + fabsf(x));
    case KNN_EXPONENTIAL:  return expf(x);
    case KNN_RELU6:        return x < 0 ? 0 : x > 6 ? 6 : x;
    case KNN_LEAKY_RELU:   return x > 0 ? x : 0.2f * x;
    case KNN_MISH:         return x * tanhf(knn__softplus(x));
    case KNN_CELU:         return x > 0 ? x : expm1f(x);
    case KNN_LOG_SIGMOID:  return -knn__softplus(-x);
    case KNN_HARD_SILU:    return x * knn__hard_sigmoid(x);
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

KNN_EVERYWHERE float knn__mish_slope(float x)
{
    float t = tanhf(knn__softplus(x));
    return t + x * (1 - t * t) * knn__sigmoid(x);
}

/* From y where knn__slope_from_output, else from x. */
KNN_EVERYWHERE float knn__activation_slope(knn_activation f, float kept)
{
    switch (f) {
    case KNN_SIGMOID:      return kept * (1 - kept);
    case KNN_TANH:         return 1 - kept * kept;
    case KNN_ELU:
    case KNN_CELU:         return kept >= 0 ? 1 : kept + 1;
    case KNN_SELU:         return kept >= 0 ? KNN_SELU_SCALE : kept + KNN_SELU_SCALE * KNN_SELU_ALPHA;
    case KNN_SOFTPLUS:     return knn__sigmoid(kept);
    case KNN_SWISH:        return knn__sigmoid(kept) * (1 + kept * (1 - knn__sigmoid(kept)));
    case KNN_GELU:         return 0.5f * (1 + erff(kept * KNN_SQRT_HALF)) + kept * KNN_INVERSE_SQRT_2_PI * expf(-0.5f * kept * kept);
    case KNN_HARD_SIGMOID: return kept > -3 && kept < 3 ? 1.0f / 6 : 0;
    case KNN_SOFTSIGN:     return 1 / ((1 + fabsf(kept)) * (1 + fabsf(kept)));
    case KNN_EXPONENTIAL:  return kept;
    case KNN_RELU6:        return kept > 0 && kept < 6 ? 1 : 0;
    case KNN_LEAKY_RELU:   return kept > 0 ? 1 : 0.2f;
    case KNN_MISH:         return knn__mish_slope(kept);
    case KNN_LOG_SIGMOID:  return knn__sigmoid(-kept);
    case KNN_HARD_SILU:    return knn__hard_sigmoid(kept) + (kept > -3 && kept < 3 ? kept / 6 : 0);
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

/* Whether f's slope can be computed from y = f(x): then x need not be kept, and f can work in place. */
KNN_EVERYWHERE bool knn__slope_from_output(knn_activation f)
{
    return f == KNN_LINEAR || f == KNN_RELU || f == KNN_SIGMOID || f == KNN_TANH || f == KNN_ELU || f == KNN_SELU || f == KNN_EXPONENTIAL ||
           f == KNN_RELU6 || f == KNN_LEAKY_RELU || f == KNN_CELU;
}

#endif
