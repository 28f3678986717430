/* Dice's and Tversky's losses, for host and GPU: one value for the whole batch, from three sums over it. Knows no arrays.
 *
 * 1 - common / size, common the sum of t p (Dice: twice), size: Dice the sum of t + p, Tversky common + alpha sum of t (1 - p) + beta sum of
 * (1 - t) p; and EPSILON. */
#ifndef KNN_BACKEND_LOSS_OVERLAP_H
#define KNN_BACKEND_LOSS_OVERLAP_H

#include "backend/loss_row.h"

/* Of t p, t and p; and of the weights of samples. */
typedef struct knn__overlap { double both, targets, predictions, weights; } knn__overlap;

KNN_EVERYWHERE bool knn__is_overlap(knn__loss_op op) { return op == KNN_LOSS_DICE || op == KNN_LOSS_TVERSKY; }

/* Adds a sample. */
KNN_EVERYWHERE void knn__overlap_add(const knn__loss_call *call, int image, knn__overlap *sums)
{
    long length = (long)call->positions * call->outputs;
    const knn_real *target = call->target + image * length, *prediction = call->prediction + image * length;
    for (long i = 0; i < length; i++) {
        sums->both += (double)target[i] * (double)prediction[i];
        sums->targets += (double)target[i];
        sums->predictions += (double)prediction[i];
    }
    sums->weights += call->weight != NULL ? (double)call->weight[image] : 1;
}

KNN_EVERYWHERE double knn__overlap_common(const knn__loss_call *call, const knn__overlap *sums)
{
    return call->op == KNN_LOSS_DICE ? 2 * sums->both : sums->both;
}

KNN_EVERYWHERE double knn__overlap_size(const knn__loss_call *call, const knn__overlap *s)
{
    if (call->op == KNN_LOSS_DICE)
        return KNN_LOSS_EPSILON + s->targets + s->predictions;
    return KNN_LOSS_EPSILON + s->both + call->alpha * (s->targets - s->both) + call->beta * (s->predictions - s->both);
}

KNN_EVERYWHERE double knn__overlap_value(const knn__loss_call *call, const knn__overlap *sums)
{
    return 1 - knn__overlap_common(call, sums) / knn__overlap_size(call, sums);
}

/* The gradient of a prediction whose target is t. */
KNN_EVERYWHERE double knn__overlap_slope(const knn__loss_call *call, const knn__overlap *sums, double t)
{
    bool dice = call->op == KNN_LOSS_DICE;
    double common = knn__overlap_common(call, sums), size = knn__overlap_size(call, sums);
    double common_slope = dice ? 2 * t : t, size_slope = dice ? 1 : t - call->alpha * t + call->beta * (1 - t);
    double divisor = call->divisor > 0 ? call->divisor : call->images;
    return (common * size_slope - common_slope * size) / (size * size) * sums->weights / divisor;
}

#endif
