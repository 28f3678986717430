/* Penalties on weights: l1 * sum |w| + l2 * sum w^2, unscaled, as Keras adds them to a batch's loss. Knows no layers. */
#include "learning/learning.h"

#include <math.h>

static const knn_l1l2_regularizer *penalty_of(const knn__stretch *stretch)
{
    return (const knn_l1l2_regularizer *)stretch->regularizer;       /* the only kind there is */
}

double knn__penalty(const knn__stretch *stretches, int count, const float *weights)
{
    double total = 0.0;
    for (int s = 0; s < count; s++) {
        const knn_l1l2_regularizer *penalty = penalty_of(&stretches[s]);
        if (penalty == NULL)
            continue;
        const float *w = weights + stretches[s].offset;
        double absolute = 0.0, squared = 0.0;
        for (size_t i = 0; i < stretches[s].length; i++) {
            absolute += fabs((double)w[i]);
            squared += (double)w[i] * (double)w[i];
        }
        total += penalty->l1 * absolute + penalty->l2 * squared;
    }
    return total;
}

void knn__penalty_gradient(const knn__stretch *stretches, int count, const float *weights, float *gradients)
{
    for (int s = 0; s < count; s++) {
        const knn_l1l2_regularizer *penalty = penalty_of(&stretches[s]);
        if (penalty == NULL)
            continue;
        const float *w = weights + stretches[s].offset;
        float *g = gradients + stretches[s].offset, l1 = (float)penalty->l1, twice_l2 = (float)(2.0 * penalty->l2);
        for (size_t i = 0; i < stretches[s].length; i++)
            g[i] += l1 * (float)((w[i] > 0.0f) - (w[i] < 0.0f)) + twice_l2 * w[i];
    }
}
