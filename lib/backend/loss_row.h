/* What the formulas of losses share: a row, clipping, slopes. */
#ifndef KNN_BACKEND_LOSS_ROW_H
#define KNN_BACKEND_LOSS_ROW_H

#include "backend/backend.h"
#include "core/everywhere.h"

/* keras.config.epsilon(): probabilities are clipped to [EPSILON, 1 - EPSILON]. */
#define KNN_LOSS_EPSILON 1e-7

/* A row of a sample: `outputs` predictions; their targets, or the number of the class. `slope` gets d value / d prediction, unweighted. */
typedef struct knn__loss_row {
    const knn__loss_call *call;
    const knn_real *prediction, *target;
    knn_real *slope;                                    /* NULL: not wanted */
} knn__loss_row;

KNN_EVERYWHERE double knn__clip(double p, double least, double most) { return p < least ? least : p > most ? most : p; }

KNN_EVERYWHERE void knn__set_slope(const knn__loss_row *row, int i, double slope)
{
    if (row->slope != NULL)
        row->slope[i] = (knn_real)slope;
}

#endif
