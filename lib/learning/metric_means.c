/* Metrics that are means over samples: the accuracies, and the losses as metrics. State: the weighted sum, the sum of weights. */
#include "learning/metric.h"

#include <math.h>

/* The first of equals, as NumPy's argmax. */
static int argmax(const float *row, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (row[i] > row[best])
            best = i;
    return best;
}

/* Whether fewer than k numbers are larger than the class's. */
static bool in_top_k(const float *p, int outputs, int class, int k)
{
    int larger = 0;
    for (int i = 0; class >= 0 && class < outputs && i < outputs; i++)
        larger += p[i] > p[class];
    return class >= 0 && class < outputs && larger < k;
}

static double answers(const float *p, const float *t, int outputs, float threshold)
{
    int right = 0;
    for (int i = 0; i < outputs; i++)
        right += (p[i] > threshold ? 1.0f : 0.0f) == t[i];
    return (double)right / outputs;
}

/* What counts as right. */
typedef struct rule { knn__metric_op op; int k; float threshold; } rule;

static rule rule_of(const knn__metric *metric)
{
    double threshold = knn__option(metric->kind, metric->description, "threshold");
    return (rule){metric->op, (int)knn__option(metric->kind, metric->description, "k"), threshold > 0.0 ? (float)threshold : 0.5f};
}

/* The value of one row of outputs p with its label t. */
static double row_value(const rule *r, const float *p, const float *t, int outputs)
{
    switch (r->op) {
    case KNN_METRIC_CATEGORICAL_ACCURACY:        return argmax(p, outputs) == argmax(t, outputs);
    case KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY: return (float)argmax(p, outputs) == *t;
    case KNN_METRIC_TOP_K:                       return in_top_k(p, outputs, argmax(t, outputs), r->k);
    case KNN_METRIC_SPARSE_TOP_K:                return in_top_k(p, outputs, (int)*t, r->k);
    default:                                     return answers(p, t, outputs, r->threshold);
    }
}

static void add(knn__metric *metric, double value, double weight)
{
    metric->state[0] += weight * value;
    metric->state[1] += weight;
}

static void add_accuracies(knn__metric *metric, const knn__metric_batch *b)
{
    bool sparse = metric->op == KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY || metric->op == KNN_METRIC_SPARSE_TOP_K;
    size_t label = sparse ? 1 : (size_t)b->outputs, row = 0;
    const rule right = rule_of(metric);
    for (int image = 0; image < b->images; image++) {
        double sum = 0.0;
        for (int position = 0; position < b->positions; position++, row++)
            sum += row_value(&right, b->prediction + row * (size_t)b->outputs, b->target + row * label, b->outputs);
        add(metric, sum / b->positions, knn__weight_of(b, image));
    }
}

enum { TOGETHER = 64 };                     /* samples whose losses are computed at once */

static void add_losses(knn__metric *metric, const knn__metric_batch *b)
{
    bool sparse = metric->loss.op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
    size_t predictions = (size_t)b->positions * (size_t)b->outputs, targets = sparse ? (size_t)b->positions : predictions;
    double values[TOGETHER];
    knn__loss_call call = metric->loss;
    call.positions = b->positions;
    call.outputs = b->outputs;
    call.value = values;
    call.zero_one = knn__zero_one(call.op, b->target, (size_t)b->images * targets);
    for (int first = 0; first < b->images; first += TOGETHER) {
        call.images = b->images - first < TOGETHER ? b->images - first : TOGETHER;
        call.prediction = b->prediction + (size_t)first * predictions;
        call.target = b->target + (size_t)first * targets;
        knn__reference_backend.loss(&call);
        for (int i = 0; i < call.images; i++)
            add(metric, values[i], knn__weight_of(b, first + i));
    }
}

void knn__mean_add(knn__metric *metric, const knn__metric_batch *batch)
{
    (metric->op >= KNN_METRIC_LOSS ? add_losses : add_accuracies)(metric, batch);
}

double knn__mean_value(const knn__metric *metric)
{
    double mean = knn__ratio(metric->state[0], metric->state[1]);
    return metric->op == KNN_METRIC_ROOT_OF_LOSS ? sqrt(mean) : metric->op == KNN_METRIC_NEGATIVE_LOSS ? -mean : mean;
}
