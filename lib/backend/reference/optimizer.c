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
    double t = (double)call->step;
    double rate = call->rate * sqrt(1 - pow(call->beta_2, t)) / (1 - pow(call->beta_1, t));     /* the means start at 0 */
    double momentum = average(&call->slot[0][i], call->beta_1, gradient);
    double velocity = average(&call->slot[1][i], call->beta_2, gradient * gradient);
    if (call->amsgrad) {
        velocity = fmax(call->slot[2][i], velocity);
        call->slot[2][i] = (knn_real)velocity;
    }
    return rate * momentum / (sqrt(velocity) + call->epsilon);
}

static double change(const knn__update_call *call, size_t i, double gradient)
{
    switch (call->op) {
    case KNN_UPDATE_SGD:     return sgd(call, i, gradient);
    case KNN_UPDATE_RMSPROP: return rmsprop(call, i, gradient);
    case KNN_UPDATE_ADAM:    return adam(call, i, gradient);
    }
    return 0;
}

void knn__reference_update(const knn__update_call *call, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        double weight = call->weights[i];
        weight -= weight * call->decay;
        call->weights[i] = (knn_real)(weight - change(call, i, call->gradients[i]));
    }
}
