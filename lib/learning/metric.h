/* What the files of the metrics share. For lib/learning only. */
#ifndef KNN_LEARNING_METRIC_H
#define KNN_LEARNING_METRIC_H

#include "learning/learning.h"

/* A batch as knn__metric_add takes it. */
typedef struct knn__metric_batch {
    const float *prediction, *target, *weight;          /* weight NULL: all 1 */
    int images, positions, outputs;
} knn__metric_batch;

static inline double knn__weight_of(const knn__metric_batch *batch, int image)
{
    return batch->weight != NULL ? (double)batch->weight[image] : 1.0;
}

/* a / b, 0 for b = 0: keras.ops.divide_no_nan. */
static inline double knn__ratio(double a, double b) { return b != 0.0 ? a / b : 0.0; }

void   knn__mean_add(knn__metric *metric, const knn__metric_batch *batch);
double knn__mean_value(const knn__metric *metric);

size_t knn__counts_length(const knn__metric *metric, int outputs);      /* of their state */
void   knn__counts_add(knn__metric *metric, const knn__metric_batch *batch);
double knn__counts_value(const knn__metric *metric);


#endif
