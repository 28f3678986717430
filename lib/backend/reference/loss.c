/* The losses of a batch: one value a row, a sample's is the mean of its rows; or, of Dice and Tversky, one for all. The formulas of rows
 * are in loss_rows.h. Does not reduce over the batch: the caller weighs and adds the values. */
#include "backend/loss_rows.h"
#include "backend/reference/reference.h"

#include <math.h>

/* 1 - common / size, common the sum of t p (Dice: twice), size: Dice the sum of t + p, Tversky common + alpha sum of t (1 - p) + beta
 * sum of (1 - t) p; and EPSILON. */
static void overlap(const knn__loss_call *call)
{
    size_t n = (size_t)call->images * (size_t)call->positions * (size_t)call->outputs;
    bool dice = call->op == KNN_LOSS_DICE;
    double both = 0, targets = 0, predictions = 0, weights = 0, divisor = call->divisor > 0 ? call->divisor : call->images;
    for (size_t i = 0; i < n; i++) {
        both += (double)call->target[i] * call->prediction[i];
        targets += call->target[i];
        predictions += call->prediction[i];
    }
    double common = dice ? 2 * both : both;
    double size = KNN_LOSS_EPSILON + (dice ? targets + predictions
                                           : both + call->alpha * (targets - both) + call->beta * (predictions - both));
    for (int image = 0; image < call->images; image++) {
        call->value[image] = 1 - common / size;
        weights += call->weight != NULL ? (double)call->weight[image] : 1;
    }
    for (size_t i = 0; call->gradient != NULL && i < n; i++) {
        double t = call->target[i], common_slope = dice ? 2 * t : t;
        double size_slope = dice ? 1 : t - call->alpha * t + call->beta * (1 - t);
        call->gradient[i] = (knn_real)((common * size_slope - common_slope * size) / (size * size) * weights / divisor);
    }
}

void knn__reference_loss(const knn__loss_call *call)
{
    if (call->op == KNN_LOSS_DICE || call->op == KNN_LOSS_TVERSKY) {
        overlap(call);
        return;
    }
    for (int image = 0; image < call->images; image++)
        call->value[image] = knn__loss_of_sample(call, image);
}
