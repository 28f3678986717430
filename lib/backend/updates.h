/* The optimizers that go element by element, with Keras 3's formulas in float, for host and GPU. Knows no arrays, does not clip or schedule.
 * Lamb and Adafactor, which look at whole arrays, are elsewhere. */
#ifndef KNN_BACKEND_UPDATES_H
#define KNN_BACKEND_UPDATES_H

#include "backend/backend.h"
#include "core/everywhere.h"

#include <string.h>

/* What is the same for all elements of a step. */
typedef struct knn__update_constants {
    float rate, decay, momentum, epsilon, beta;         /* beta: of Adamax the norm's, of Lion the direction's */
    float fresh_1, fresh_2;                 /* shares of the new value in running means: of the gradient, and of its square */
    float here, ahead, correction;          /* Nadam */
    float power, l1, shrinkage, per_rate, flat;         /* Ftrl */
    bool nesterov, epsilon_outside, centered, amsgrad;
} knn__update_constants;

/* The rate that makes up for the means having started at 0 (Kingma and Ba, 2015, end of section 2). */
static inline double knn__corrected_rate(const knn__update_call *call)
{
    return call->rate * sqrt(knn__fresh_share(call->beta_2, call->step)) / knn__fresh_share(call->beta_1, call->step);
}

static inline void knn__nadam_constants(const knn__update_call *call, knn__update_constants *c)
{
    double t = (double)call->step, product = call->momentum_product, beta_1 = (double)(float)call->beta_1;
    double now = beta_1 * (1 - 0.5 * pow(0.96, t)), next = beta_1 * (1 - 0.5 * pow(0.96, t + 1));
    c->ahead = (float)(call->rate * next / (1 - product * next));
    c->here = (float)(call->rate * (1 - now) / (1 - product));
    c->correction = (float)(1 / knn__fresh_share(call->beta_2, call->step));
    c->fresh_1 = 1 - (float)call->beta_1;                       /* Keras takes its betas in the precision of the numbers, here and in Lion */
    c->fresh_2 = 1 - (float)call->beta_2;
}

static inline void knn__ftrl_constants(const knn__update_call *call, knn__update_constants *c)
{
    c->power = (float)call->power;
    c->l1 = (float)call->l1;
    c->shrinkage = (float)(2 * call->shrinkage);
    c->per_rate = (float)(1 / call->rate);
    c->flat = (float)(2 * call->l2 + call->beta / call->rate);
}

static inline void knn__lion_constants(const knn__update_call *call, knn__update_constants *c)
{
    c->beta = (float)call->beta_1;
    c->fresh_1 = 1 - c->beta;
    c->fresh_2 = 1 - (float)call->beta_2;
}

/* Shares are taken in double: of 1 - 0.999f only four digits would be right. */
static inline knn__update_constants knn__update_constants_of(const knn__update_call *call)
{
    knn__update_constants c;
    memset(&c, 0, sizeof c);
    c.rate = (float)call->rate;
    c.decay = (float)call->decay;
    c.momentum = (float)call->momentum;
    c.epsilon = (float)call->epsilon;
    c.fresh_1 = (float)(1 - call->beta_1);
    c.fresh_2 = (float)(1 - call->beta_2);
    c.nesterov = call->nesterov;
    c.epsilon_outside = call->epsilon_outside;
    c.centered = call->centered;
    c.amsgrad = call->amsgrad;
    switch (call->op) {
    case KNN_UPDATE_RMSPROP:
    case KNN_UPDATE_ADADELTA:
        c.fresh_1 = c.fresh_2 = (float)(1 - call->rho);
        break;
    case KNN_UPDATE_ADAM:
        c.rate = (float)knn__corrected_rate(call);
        break;
    case KNN_UPDATE_ADAMAX:
        c.rate = (float)(call->rate / knn__fresh_share(call->beta_1, call->step));
        c.beta = (float)call->beta_2;
        break;
    case KNN_UPDATE_NADAM:
        knn__nadam_constants(call, &c);
        break;
    case KNN_UPDATE_FTRL:
        knn__ftrl_constants(call, &c);
        break;
    case KNN_UPDATE_LION:
        knn__lion_constants(call, &c);
        break;
    default:
        break;
    }
    return c;
}

/* Weight decay is decoupled from the gradient: it comes before the update. */
KNN_EVERYWHERE float knn__decayed(const knn__update_constants *c, float weight) { return weight - weight * c->decay; }

/* A running mean. */
KNN_EVERYWHERE float knn__average(float *mean, float fresh, float value) { return *mean = *mean + (value - *mean) * fresh; }

/* ---- Each of these returns the new weight, of one that has decayed, and moves its state. ---- */

KNN_EVERYWHERE float knn__sgd(const knn__update_constants *c, float weight, float gradient) { return weight - c->rate * gradient; }

KNN_EVERYWHERE float knn__sgd_with_momentum(const knn__update_constants *c, float weight, float gradient, float *velocity)
{
    *velocity = c->momentum * *velocity - c->rate * gradient;
    return weight + (c->nesterov ? c->momentum * *velocity - c->rate * gradient : *velocity);
}

/* What RMSprop divides by; epsilon_outside is the rule of tf.keras up to 2.10. */
KNN_EVERYWHERE float knn__rmsprop_root(const knn__update_constants *c, float square)
{
    return c->epsilon_outside ? sqrtf(square) + c->epsilon : sqrtf(square + c->epsilon);
}

KNN_EVERYWHERE float knn__rmsprop(const knn__update_constants *c, float weight, float gradient, float *square)
{
    knn__average(square, c->fresh_2, gradient * gradient);
    return weight - c->rate * gradient / knn__rmsprop_root(c, *square);
}

/* With momentum (velocity), centered (mean), or both; what is not in use is not looked at. */
KNN_EVERYWHERE float knn__rmsprop_with_options(const knn__update_constants *c, float weight, float gradient, float *square, float *velocity,
                                               float *mean)
{
    float variance = knn__average(square, c->fresh_2, gradient * gradient);
    if (c->centered) {
        knn__average(mean, c->fresh_1, gradient);
        variance -= *mean * *mean;
        variance = variance < 0 ? 0 : variance;                 /* by rounding only */
    }
    float change = c->rate * gradient / knn__rmsprop_root(c, variance);
    if (c->momentum > 0)
        change = *velocity = c->momentum * *velocity + change;
    return weight - change;
}

KNN_EVERYWHERE float knn__adam(const knn__update_constants *c, float weight, float gradient, float *momentum, float *velocity)
{
    knn__average(momentum, c->fresh_1, gradient);
    knn__average(velocity, c->fresh_2, gradient * gradient);
    return weight - c->rate * *momentum / (sqrtf(*velocity) + c->epsilon);
}

KNN_EVERYWHERE float knn__amsgrad(const knn__update_constants *c, float weight, float gradient, float *momentum, float *velocity, float *most)
{
    knn__average(momentum, c->fresh_1, gradient);
    knn__average(velocity, c->fresh_2, gradient * gradient);
    *most = *velocity > *most ? *velocity : *most;
    return weight - c->rate * *momentum / (sqrtf(*most) + c->epsilon);
}

KNN_EVERYWHERE float knn__adagrad(const knn__update_constants *c, float weight, float gradient, float *sum)
{
    *sum += gradient * gradient;
    return weight - c->rate * gradient / sqrtf(*sum + c->epsilon);
}

KNN_EVERYWHERE float knn__adadelta(const knn__update_constants *c, float weight, float gradient, float *square, float *steps)
{
    knn__average(square, c->fresh_2, gradient * gradient);
    float step = gradient * sqrtf(*steps + c->epsilon) / sqrtf(*square + c->epsilon);
    knn__average(steps, c->fresh_2, step * step);
    return weight - c->rate * step;
}

KNN_EVERYWHERE float knn__adamax(const knn__update_constants *c, float weight, float gradient, float *momentum, float *norm)
{
    float size = fabsf(gradient), kept = c->beta * *norm;
    knn__average(momentum, c->fresh_1, gradient);
    *norm = kept > size ? kept : size;
    return weight - c->rate * *momentum / (*norm + c->epsilon);
}

KNN_EVERYWHERE float knn__nadam(const knn__update_constants *c, float weight, float gradient, float *momentum, float *velocity)
{
    knn__average(momentum, c->fresh_1, gradient);
    knn__average(velocity, c->fresh_2, gradient * gradient);
    return weight - (c->ahead * *momentum + c->here * gradient) / (sqrtf(*velocity * c->correction) + c->epsilon);
}

KNN_EVERYWHERE float knn__ftrl_power(float base, float power) { return power == 0.5f ? sqrtf(base) : powf(base, power); }

/* The weight follows from the sums alone; without any gradient yet there is nothing to divide by. */
KNN_EVERYWHERE float knn__ftrl(const knn__update_constants *c, float weight, float gradient, float *sum, float *linear)
{
    float before = knn__ftrl_power(*sum, c->power);
    *sum += gradient * gradient;
    float root = knn__ftrl_power(*sum, c->power), curvature = root * c->per_rate + c->flat;
    *linear += gradient + c->shrinkage * weight - (root - before) * c->per_rate * weight;
    float cut = *linear > c->l1 ? c->l1 : *linear < -c->l1 ? -c->l1 : *linear;
    return curvature > 0 ? (cut - *linear) / curvature : 0;
}

KNN_EVERYWHERE float knn__lion(const knn__update_constants *c, float weight, float gradient, float *momentum)
{
    float direction = c->beta * *momentum + c->fresh_1 * gradient;
    knn__average(momentum, c->fresh_2, gradient);
    return weight - (direction > 0 ? c->rate : direction < 0 ? -c->rate : 0);
}

#endif
