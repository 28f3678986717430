/* Where the rows and columns of an enlarged picture come from: the geometry that all backends share. */
#ifndef KNN_BACKEND_UP_SAMPLING_H
#define KNN_BACKEND_UP_SAMPLING_H

#include "layers/node.h"

/* Along one axis: value = (1 - share) * at[low] + share * at[high]; high is low where share is 0. */
typedef struct knn__source { int low, high; double share; } knn__source;

/* Of output index `at`; the axis has `length` cells, each of which becomes `times`. Bilinear: linear between the centres of cells, constant
 * beyond the outer ones. */
static inline knn__source knn__source_of(knn_op op, int at, int times, int length)
{
    int cell = at / times;
    if (op == KNN_OP_UP_SAMPLING_NEAREST)
        return (knn__source){cell, cell, 0};
    double place = (at + 0.5) / times - 0.5;                    /* counted from the centre of the first cell */
    int low = place > 0 ? (int)place : 0;
    if (place <= low || low + 1 >= length)
        return (knn__source){low, low, 0};
    return (knn__source){low, low + 1, place - low};
}

#endif
