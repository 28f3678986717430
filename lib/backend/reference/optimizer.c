/* One step of an optimizer over a stretch of the arenas, element by element, with Keras 3's formulas.
 * Does not clip or schedule: gradients and rate come ready. */
#include "backend/reference/reference.h"

#include <math.h>

/* slot = decay slot + (1 - decay) value: a running mean; returns it. */
static double average(knn_real *slot, double decay, double value)
{
    double mean = decay * *slot + (1 - decay) * value;
    *slot = (knn_real)mean;
    return mean;
}

/* Each of these returns what is subtracted from weight i. */

static double sgd(const knn__update_call *call, size_t i, double gradient)
{
    double step = call->rate * gradient;
    if (call->momentum == 0)
        return step;
    double velocity = call->momentum * call->slot[0][i] - step;
    call->slot[0][i] = (knn_real)velocity;
    return call->nesterov ? step - call->momentum * velocity : -velocity;
}

/* Slots: velocity, then momentum and average gradient, where they are in use. */
static double rmsprop(const knn__update_call *call, size_t i, double gradient)
{
    int next = 1;
    knn_real *momentum = call->momentum > 0 ? call->slot[next++] : NULL;
    knn_real *mean = call->centered ? call->slot[next] : NULL;

    double square = average(&call->slot[0][i], call->rho, gradient * gradient);
    if (mean != NULL) {
        double m = average(&mean[i], call->rho, gradient);
        square = fmax(square - m * m, 0);                       /* a variance: below 0 by rounding only */
    }
    double root = call->epsilon_outside ? sqrt(square) + call->epsilon : sqrt(square + call->epsilon);
    double step = call->rate * gradient / root;
    if (momentum == NULL)
        return step;
    step += call->momentum * momentum[i];
    momentum[i] = (knn_real)step;
    return step;
}

static double adam(const knn__update_call *call, size_t i, double gradient)
{
    double rate = call->rate * sqrt(knn__fresh_share(call->beta_2, call->step)) / knn__fresh_share(call->beta_1, call->step);
    double momentum = average(&call->slot[0][i], call->beta_1, gradient);
    double velocity = average(&call->slot[1][i], call->beta_2, gradient * gradient);
    if (call->amsgrad) {
        velocity = fmax(call->slot[2][i], velocity);
        call->slot[2][i] = (knn_real)velocity;
    }
    return rate * momentum / (sqrt(velocity) + call->epsilon);
}

static double adagrad(const knn__update_call *call, size_t i, double gradient)
{
    double sum = call->slot[0][i] + gradient * gradient;
    call->slot[0][i] = (knn_real)sum;
    return call->rate * gradient / sqrt(sum + call->epsilon);
}

static double adadelta(const knn__update_call *call, size_t i, double gradient)
{
    double square = average(&call->slot[0][i], call->rho, gradient * gradient);
    double step = gradient * sqrt(call->slot[1][i] + call->epsilon) / sqrt(square + call->epsilon);
    average(&call->slot[1][i], call->rho, step * step);
    return call->rate * step;
}

static double adamax(const knn__update_call *call, size_t i, double gradient)
{
    double momentum = average(&call->slot[0][i], call->beta_1, gradient);
    double norm = fmax(call->beta_2 * call->slot[1][i], fabs(gradient));
    call->slot[1][i] = (knn_real)norm;
    return call->rate * momentum / (knn__fresh_share(call->beta_1, call->step) * (norm + call->epsilon));
}

/* Keras takes its betas in the precision of the numbers, here and in Lion. */
static double nadam(const knn__update_call *call, size_t i, double gradient)
{
    double t = (double)call->step, product = call->momentum_product, beta_1 = (knn_real)call->beta_1, beta_2 = (knn_real)call->beta_2;
    double now = beta_1 * (1 - 0.5 * pow(0.96, t)), next = beta_1 * (1 - 0.5 * pow(0.96, t + 1));
    double momentum = average(&call->slot[0][i], beta_1, gradient);
    double velocity = average(&call->slot[1][i], beta_2, gradient * gradient) / knn__fresh_share(beta_2, call->step);
    double ahead = next * momentum / (1 - product * next) + (1 - now) * gradient / (1 - product);
    return call->rate * ahead / (sqrt(velocity) + call->epsilon);
}

/* The weight follows from the sums alone; without any gradient yet there is nothing to divide by. */
static double ftrl(const knn__update_call *call, size_t i, double gradient, double weight)
{
    double before = call->slot[0][i], after = before + gradient * gradient, root = pow(after, call->power);
    double linear = call->slot[1][i] + gradient + 2 * call->shrinkage * weight -
                    (root - pow(before, call->power)) / call->rate * weight;
    double curvature = root / call->rate + 2 * call->l2 + call->beta / call->rate;
    call->slot[0][i] = (knn_real)after;
    call->slot[1][i] = (knn_real)linear;
    return weight - (curvature > 0 ? (fmax(-call->l1, fmin(linear, call->l1)) - linear) / curvature : 0);
}

static double lion(const knn__update_call *call, size_t i, double gradient)
{
    double beta_1 = (knn_real)call->beta_1, direction = beta_1 * call->slot[0][i] + (1 - beta_1) * gradient;
    average(&call->slot[0][i], (knn_real)call->beta_2, gradient);
    return call->rate * ((direction > 0) - (direction < 0));
}

static double change(const knn__update_call *call, size_t i, double gradient, double weight)
{
    switch (call->op) {
    case KNN_UPDATE_SGD:      return sgd(call, i, gradient);
    case KNN_UPDATE_RMSPROP:  return rmsprop(call, i, gradient);
    case KNN_UPDATE_ADAM:     return adam(call, i, gradient);
    case KNN_UPDATE_ADAGRAD:  return adagrad(call, i, gradient);
    case KNN_UPDATE_ADADELTA: return adadelta(call, i, gradient);
    case KNN_UPDATE_ADAMAX:   return adamax(call, i, gradient);
    case KNN_UPDATE_NADAM:    return nadam(call, i, gradient);
    case KNN_UPDATE_FTRL:     return ftrl(call, i, gradient, weight);
    case KNN_UPDATE_LION:     return lion(call, i, gradient);
    case KNN_UPDATE_LAMB:
    case KNN_UPDATE_ADAFACTOR: break;               /* not element by element */
    }
    return 0;
}

void knn__reference_update(const knn__update_call *call, size_t first, size_t last)
{
    if (call->op == KNN_UPDATE_LAMB || call->op == KNN_UPDATE_ADAFACTOR) {
        knn__reference_update_array(call, first, last);
        return;
    }
    for (size_t i = first; i < last; i++) {
        double weight = call->weights[i];
        weight -= weight * call->decay;
        call->weights[i] = (knn_real)(weight - change(call, i, call->gradients[i], weight));
    }
}
