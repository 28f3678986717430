/* The penalty on pairs of vectors that are not orthogonal, |cosine|, for host and GPU. Knows no arrays. */
#ifndef KNN_BACKEND_ORTHOGONALITY_H
#define KNN_BACKEND_ORTHOGONALITY_H

#include "core/everywhere.h"

#include <math.h>

/* As keras.ops.normalize has it. */
KNN_EVERYWHERE double knn__norm_of(double sum_of_squares) { return fmax(sqrt(sum_of_squares), 1e-7); }

/* The slope of |cosine| by one of the vectors: other * the other one + own * itself. */
typedef struct knn__cosine_slope { double other, own; } knn__cosine_slope;
KNN_EVERYWHERE knn__cosine_slope knn__slope_of_cosine(double cosine, double norm, double other_norm)
{
    double sign = (cosine > 0) - (cosine < 0);
    knn__cosine_slope slope = {sign / (norm * other_norm), -fabs(cosine) / (norm * norm)};
    return slope;
}

#endif
