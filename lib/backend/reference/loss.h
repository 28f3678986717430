/* What the files of the reference losses share: rows, clipping, slopes. */
#ifndef KNN_BACKEND_REFERENCE_LOSS_H
#define KNN_BACKEND_REFERENCE_LOSS_H

#include "backend/reference/reference.h"

/* keras.config.epsilon(): probabilities are clipped to [EPSILON, 1 - EPSILON]. */
#define KNN_LOSS_EPSILON 1e-7

/* A row of a sample: `outputs` predictions; their targets, or the number of the class. `slope` gets d value / d prediction, unweighted. */
typedef struct knn__loss_row {
    const knn__loss_call *call;
    const knn_real *prediction, *target;
    knn_real *slope;                                    /* NULL: not wanted */
} knn__loss_row;

static inline double knn__clip(double p, double least, double most) { return p < least ? least : p > most ? most : p; }

static inline void knn__set_slope(const knn__loss_row *row, int i, double slope)
{
    if (row->slope != NULL)
        row->slope[i] = (knn_real)slope;
}

/* Values of a row. The first three also take logits. */
double knn__binary_crossentropy(const knn__loss_row *row);
double knn__categorical_crossentropy(const knn__loss_row *row);
double knn__binary_focal_crossentropy(const knn__loss_row *row);
double knn__categorical_focal_crossentropy(const knn__loss_row *row);
double knn__distance(const knn__loss_row *row);         /* of predictions and targets: the errors, the hinges, and so on */

#endif
