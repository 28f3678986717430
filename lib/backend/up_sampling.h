/* Where the rows and columns of an enlarged picture come from: the geometry that all backends share. */
#ifndef KNN_BACKEND_UP_SAMPLING_H
#define KNN_BACKEND_UP_SAMPLING_H

#include "core/everywhere.h"
#include "layers/node.h"

/* Along one axis: value = (1 - share) * at[low] + share * at[high]; high is low where share is 0. */
typedef struct knn__source { int low, high; double share; } knn__source;

/* Of output index `at`; the axis has `length` cells, each of which becomes `times`. Bilinear: linear between the centres of cells, constant
 * beyond the outer ones. */
KNN_EVERYWHERE knn__source knn__source_of(knn_op op, int at, int times, int length)
{
    double place = (at + 0.5) / times - 0.5;                    /* counted from the centre of the first cell */
    int cell = at / times, low = place > 0 ? (int)place : 0;
    knn__source nearest = {cell, cell, 0}, alone = {low, low, 0}, blended = {low, low + 1, place - low};
    if (op == KNN_OP_UP_SAMPLING_NEAREST)
        return nearest;
    return place <= low || low + 1 >= length ? alone : blended;
}

#endif
