/* One optimizer step over a stretch of the arenas, in one pass, with Keras 3's formulas: a vector loop for each optimizer, the options
 * being the same for all elements. Does not clip or schedule: gradients and rate come ready. */
#include "backend/cpu/isa.h"

#include <math.h>

/* Weight decay is decoupled from the gradient: it comes before the update. */
static inline float decayed(float w, float decay) { return w - w * decay; }

/* A running mean; fresh = 1 - rho or 1 - beta, taken in double: of 1 - 0.999f only four digits would be right. */
static inline float average(float mean, float fresh, float value) { return mean + (value - mean) * fresh; }

static void sgd(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights;
    const float *restrict g = call->gradients;
    float rate = (float)call->rate, decay = (float)call->decay;
    for (size_t i = first; i < last; i++)
        w[i] = decayed(w[i], decay) - rate * g[i];
}

static void sgd_with_momentum(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict velocity = call->slot[0];
    const float *restrict g = call->gradients;
    float rate = (float)call->rate, decay = (float)call->decay, momentum = (float)call->momentum;
    bool nesterov = call->nesterov;
    for (size_t i = first; i < last; i++) {
        velocity[i] = momentum * velocity[i] - rate * g[i];
        w[i] = decayed(w[i], decay) + (nesterov ? momentum * velocity[i] - rate * g[i] : velocity[i]);
    }
}

/* What RMSprop divides by; epsilon_outside is the rule of tf.keras up to 2.10. */
static inline float root_of(float square, float epsilon, bool outside)
{
    return outside ? sqrtf(square) + epsilon : sqrtf(square + epsilon);
}

static void rmsprop(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict square = call->slot[0];
    const float *restrict g = call->gradients;
    float rate = (float)call->rate, decay = (float)call->decay, fresh = (float)(1 - call->rho), epsilon = (float)call->epsilon;
    bool outside = call->epsilon_outside;
    for (size_t i = first; i < last; i++) {
        square[i] = average(square[i], fresh, g[i] * g[i]);
        w[i] = decayed(w[i], decay) - rate * g[i] / root_of(square[i], epsilon, outside);
    }
}

/* With momentum, centered, or both. Slots: mean square, then momentum and mean gradient, where they are in use. */
static void rmsprop_with_options(const knn__update_call *call, size_t first, size_t last)
{
    float *w = call->weights, *square = call->slot[0], *velocity = call->momentum > 0 ? call->slot[1] : NULL;
    float *mean = call->centered ? call->slot[velocity != NULL ? 2 : 1] : NULL;
    float rate = (float)call->rate, decay = (float)call->decay, fresh = (float)(1 - call->rho), epsilon = (float)call->epsilon;
    float momentum = (float)call->momentum;
    for (size_t i = first; i < last; i++) {
        float gradient = call->gradients[i];
        float variance = square[i] = average(square[i], fresh, gradient * gradient);
        if (mean != NULL) {
            mean[i] = average(mean[i], fresh, gradient);
            variance -= mean[i] * mean[i];
            variance = variance < 0 ? 0 : variance;             /* by rounding only */
        }
        float change = rate * gradient / root_of(variance, epsilon, call->epsilon_outside);
        if (velocity != NULL)
            change = velocity[i] = momentum * velocity[i] + change;
        w[i] = decayed(w[i], decay) - change;
    }
}

/* The rate that makes up for the means having started at 0 (Kingma and Ba, 2015, end of section 2). */
static float corrected_rate(const knn__update_call *call)
{
    return (float)(call->rate * sqrt(knn__fresh_share(call->beta_2, call->step)) / knn__fresh_share(call->beta_1, call->step));
}

static void adam(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict velocity = call->slot[1];
    const float *restrict g = call->gradients;
    float rate = corrected_rate(call), decay = (float)call->decay, epsilon = (float)call->epsilon;
    float fresh_1 = (float)(1 - call->beta_1), fresh_2 = (float)(1 - call->beta_2);
    for (size_t i = first; i < last; i++) {
        momentum[i] = average(momentum[i], fresh_1, g[i]);
        velocity[i] = average(velocity[i], fresh_2, g[i] * g[i]);
        w[i] = decayed(w[i], decay) - rate * momentum[i] / (sqrtf(velocity[i]) + epsilon);
    }
}

static void amsgrad(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict velocity = call->slot[1], *restrict most = call->slot[2];
    const float *restrict g = call->gradients;
    float rate = corrected_rate(call), decay = (float)call->decay, epsilon = (float)call->epsilon;
    float fresh_1 = (float)(1 - call->beta_1), fresh_2 = (float)(1 - call->beta_2);
    for (size_t i = first; i < last; i++) {
        momentum[i] = average(momentum[i], fresh_1, g[i]);
        velocity[i] = average(velocity[i], fresh_2, g[i] * g[i]);
        most[i] = velocity[i] > most[i] ? velocity[i] : most[i];
        w[i] = decayed(w[i], decay) - rate * momentum[i] / (sqrtf(most[i]) + epsilon);
    }
}

static void adagrad(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict sum = call->slot[0];
    const float *restrict g = call->gradients;
    float rate = (float)call->rate, decay = (float)call->decay, epsilon = (float)call->epsilon;
    for (size_t i = first; i < last; i++) {
        sum[i] += g[i] * g[i];
        w[i] = decayed(w[i], decay) - rate * g[i] / sqrtf(sum[i] + epsilon);
    }
}

static void adadelta(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict square = call->slot[0], *restrict steps = call->slot[1];
    const float *restrict g = call->gradients;
    float rate = (float)call->rate, decay = (float)call->decay, fresh = (float)(1 - call->rho), epsilon = (float)call->epsilon;
    for (size_t i = first; i < last; i++) {
        square[i] = average(square[i], fresh, g[i] * g[i]);
        float step = g[i] * sqrtf(steps[i] + epsilon) / sqrtf(square[i] + epsilon);
        steps[i] = average(steps[i], fresh, step * step);
        w[i] = decayed(w[i], decay) - rate * step;
    }
}

static void adamax(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict norm = call->slot[1];
    const float *restrict g = call->gradients;
    float rate = (float)(call->rate / knn__fresh_share(call->beta_1, call->step)), decay = (float)call->decay;
    float fresh = (float)(1 - call->beta_1), beta_2 = (float)call->beta_2, epsilon = (float)call->epsilon;
    for (size_t i = first; i < last; i++) {
        float size = fabsf(g[i]), kept = beta_2 * norm[i];
        momentum[i] = average(momentum[i], fresh, g[i]);
        norm[i] = kept > size ? kept : size;
        w[i] = decayed(w[i], decay) - rate * momentum[i] / (norm[i] + epsilon);
    }
}

static void nadam(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict velocity = call->slot[1];
    const float *restrict g = call->gradients;
    double t = (double)call->step, product = call->momentum_product;
    float beta_1 = (float)call->beta_1, beta_2 = (float)call->beta_2;           /* as Keras takes them, here and in Lion */
    double now = (double)beta_1 * (1 - 0.5 * pow(0.96, t)), next = (double)beta_1 * (1 - 0.5 * pow(0.96, t + 1));
    float ahead = (float)(call->rate * next / (1 - product * next)), here = (float)(call->rate * (1 - now) / (1 - product));
    float correction = (float)(1 / knn__fresh_share(call->beta_2, call->step)), decay = (float)call->decay, epsilon = (float)call->epsilon;
    float fresh_1 = 1 - beta_1, fresh_2 = 1 - beta_2;
    for (size_t i = first; i < last; i++) {
        momentum[i] = average(momentum[i], fresh_1, g[i]);
        velocity[i] = average(velocity[i], fresh_2, g[i] * g[i]);
        w[i] = decayed(w[i], decay) - (ahead * momentum[i] + here * g[i]) / (sqrtf(velocity[i] * correction) + epsilon);
    }
}

static inline float power_of(float base, float power) { return power == 0.5f ? sqrtf(base) : powf(base, power); }

static void ftrl(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict sum = call->slot[0], *restrict linear = call->slot[1];
    const float *restrict g = call->gradients;
    float decay = (float)call->decay, power = (float)call->power, l1 = (float)call->l1, twice_shrinkage = (float)(2 * call->shrinkage);
    float per_rate = (float)(1 / call->rate), flat = (float)(2 * call->l2 + call->beta / call->rate);
    for (size_t i = first; i < last; i++) {
        float weight = decayed(w[i], decay), before = power_of(sum[i], power);
        sum[i] += g[i] * g[i];
        float root = power_of(sum[i], power), curvature = root * per_rate + flat;
        linear[i] += g[i] + twice_shrinkage * weight - (root - before) * per_rate * weight;
        float cut = linear[i] > l1 ? l1 : linear[i] < -l1 ? -l1 : linear[i];
        w[i] = curvature > 0 ? (cut - linear[i]) / curvature : 0;
    }
}

static void lion(const knn__update_call *call, size_t first, size_t last)
{
    float *restrict w = call->weights, *restrict momentum = call->slot[0];
    const float *restrict g = call->gradients;
    float rate = (float)call->rate, decay = (float)call->decay;
    float beta_1 = (float)call->beta_1, fresh_1 = 1 - beta_1, fresh_2 = 1 - (float)call->beta_2;
    for (size_t i = first; i < last; i++) {
        float direction = beta_1 * momentum[i] + fresh_1 * g[i];
        momentum[i] = average(momentum[i], fresh_2, g[i]);
        w[i] = decayed(w[i], decay) - (direction > 0 ? rate : direction < 0 ? -rate : 0);
    }
}

void KNN_ISA_NAME(knn__update)(const knn__update_call *call, size_t first, size_t last)
{
    switch (call->op) {
    case KNN_UPDATE_SGD:
        (call->momentum == 0 ? sgd : sgd_with_momentum)(call, first, last);
        break;
    case KNN_UPDATE_RMSPROP:
        (call->momentum > 0 || call->centered ? rmsprop_with_options : rmsprop)(call, first, last);
        break;
    case KNN_UPDATE_ADAM:
        (call->amsgrad ? amsgrad : adam)(call, first, last);
        break;
    case KNN_UPDATE_ADAGRAD:
        adagrad(call, first, last);
        break;
    case KNN_UPDATE_ADADELTA:
        adadelta(call, first, last);
        break;
    case KNN_UPDATE_ADAMAX:
        adamax(call, first, last);
        break;
    case KNN_UPDATE_NADAM:
        nadam(call, first, last);
        break;
    case KNN_UPDATE_FTRL:
        ftrl(call, first, last);
        break;
    case KNN_UPDATE_LION:
        lion(call, first, last);
        break;
    case KNN_UPDATE_LAMB:                       /* the reference's, as backend.c has it */
    case KNN_UPDATE_ADAFACTOR:
        break;
    }
}
