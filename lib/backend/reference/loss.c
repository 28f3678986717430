/* The losses of a batch: one value a row, a sample's is the mean of its rows; or, of Dice and Tversky, one for all. The formulas of rows
 * are in loss_rows.h, the others in loss_overlap.h. Does not reduce over the batch: the caller weighs and adds the values. */
#include "backend/loss_overlap.h"
#include "backend/loss_rows.h"
#include "backend/reference/reference.h"

static void overlap(const knn__loss_call *call)
{
    size_t n = (size_t)call->images * (size_t)call->positions * (size_t)call->outputs;
    knn__overlap sums = {0, 0, 0, 0};
    for (int image = 0; image < call->images; image++)
        knn__overlap_add(call, image, &sums);
    for (int image = 0; image < call->images; image++)
        call->value[image] = knn__overlap_value(call, &sums);
    for (size_t i = 0; call->gradient != NULL && i < n; i++)
        call->gradient[i] = (knn_real)knn__overlap_slope(call, &sums, (double)call->target[i]);
}

void knn__reference_loss(const knn__loss_call *call)
{
    if (knn__is_overlap(call->op)) {
        overlap(call);
        return;
    }
    for (int image = 0; image < call->images; image++)
        call->value[image] = knn__loss_of_sample(call, image);
}
