/* The losses that have one value a row, for host and GPU: a sample's is the mean of its rows. The formulas of rows are in
 * loss_crossentropy.h and loss_distance.h. Does not reduce over the batch: the caller weighs and adds the values. */
#ifndef KNN_BACKEND_LOSS_ROWS_H
#define KNN_BACKEND_LOSS_ROWS_H

#include "backend/loss_crossentropy.h"
#include "backend/loss_distance.h"

KNN_EVERYWHERE double knn__loss_of_row(const knn__loss_row *r)
{
    switch (r->call->op) {
    case KNN_LOSS_BINARY_CROSSENTROPY:             return knn__binary_crossentropy(r);
    case KNN_LOSS_CATEGORICAL_CROSSENTROPY:
    case KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY: return knn__categorical_crossentropy(r);
    case KNN_LOSS_BINARY_FOCAL_CROSSENTROPY:       return knn__binary_focal_crossentropy(r);
    case KNN_LOSS_CATEGORICAL_FOCAL_CROSSENTROPY:  return knn__categorical_focal_crossentropy(r);
    default:                                       return knn__distance(r);
    }
}

/* The value of a sample; its part of the gradient is written. */
KNN_EVERYWHERE double knn__loss_of_sample(const knn__loss_call *call, int image)
{
    long outputs = call->outputs, targets = call->op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY ? 1 : outputs;
    double sum = 0, weight = call->weight != NULL ? call->weight[image] : 1, divisor = call->divisor > 0 ? call->divisor : call->images;

    for (int position = 0; position < call->positions; position++) {
        long at = (long)image * call->positions + position;
        knn__loss_row r = {call, call->prediction + at * outputs, call->target + at * targets,
                           call->gradient != NULL ? call->gradient + at * outputs : NULL};
        sum += knn__loss_of_row(&r);
        for (int i = 0; r.slope != NULL && i < call->outputs; i++)
            r.slope[i] = (knn_real)(r.slope[i] * weight / call->positions / divisor);
    }
    return sum / call->positions;
}

#endif
