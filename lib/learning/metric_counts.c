/* Metrics that are made of counts of right and wrong answers over all samples: precision, recall, AUC, F score. A count is a sum of
 * weights. Counts are Keras' to the last one: comparisons are in float. */
#include "learning/metric.h"

#include <limits.h>
#include <math.h>

static const double EPSILON = 1e-7;         /* keras.config.epsilon() */

static double option(const knn__metric *metric, const char *name) { return knn__option(metric->kind, metric->description, name); }

/* ---- Positives and negatives: one of each kind ---- */

enum { TRUE_POSITIVES, FALSE_POSITIVES, TRUE_NEGATIVES, FALSE_NEGATIVES };

/* Whether output i is among the k largest of its row; of equals the first ones are. */
static bool among_largest(const float *p, int outputs, int i, int k)
{
    int before = 0;
    for (int j = 0; j < outputs; j++)
        before += p[j] > p[i] || (p[j] == p[i] && j < i);
    return before < k;
}

static void add_answers(knn__metric *metric, const knn__metric_batch *b)
{
    double given = option(metric, "thresholds");
    int k = (int)option(metric, "top_k"), class = (int)option(metric, "class_id");
    bool counts = metric->op != KNN_METRIC_PRECISION && metric->op != KNN_METRIC_RECALL;
    float threshold = given > 0.0 ? (float)given : k > 0 ? -INFINITY : 0.5f;
    int first = counts || class == INT_MAX ? 0 : class, last = counts || class == INT_MAX ? b->outputs : class + 1;
    for (long row = 0; row < (long)b->images * b->positions; row++) {
        const float *p = b->prediction + row * b->outputs, *t = b->target + row * b->outputs;
        double weight = knn__weight_of(b, (int)(row / b->positions));
        for (int i = first; i < last; i++) {
            bool positive = p[i] > threshold && (k == 0 || among_largest(p, b->outputs, i, k)), label = t[i] != 0.0f;
            metric->state[positive ? (label ? TRUE_POSITIVES : FALSE_POSITIVES) : label ? FALSE_NEGATIVES : TRUE_NEGATIVES] += weight;
        }
    }
}

static double answers_value(const knn__metric *metric)
{
    const double *count = metric->state;
    switch (metric->op) {
    case KNN_METRIC_PRECISION:       return knn__ratio(count[TRUE_POSITIVES], count[TRUE_POSITIVES] + count[FALSE_POSITIVES]);
    case KNN_METRIC_RECALL:          return knn__ratio(count[TRUE_POSITIVES], count[TRUE_POSITIVES] + count[FALSE_NEGATIVES]);
    case KNN_METRIC_TRUE_POSITIVES:  return count[TRUE_POSITIVES];
    case KNN_METRIC_TRUE_NEGATIVES:  return count[TRUE_NEGATIVES];
    case KNN_METRIC_FALSE_POSITIVES: return count[FALSE_POSITIVES];
    default:                         return count[FALSE_NEGATIVES];
    }
}

/* ---- AUC: for each threshold what lies above it and not above the next one: first the true labels, then the false ones ---- */

static void add_buckets(knn__metric *metric, const knn__metric_batch *b)
{
    int thresholds = (int)option(metric, "num_thresholds");
    bool logits = option(metric, "from_logits") > 0.0;
    size_t length = (size_t)b->positions * (size_t)b->outputs;
    for (size_t i = 0; i < (size_t)b->images * length; i++) {
        float p = logits ? 1.0f / (1.0f + expf(-b->prediction[i])) : b->prediction[i];
        float inside = p > 0.0f ? (p < 1.0f ? p : 1.0f) : 0.0f;                        /* NaN counts as 0 */
        int bucket = (int)ceilf(inside * (float)(thresholds - 1)) - 1;
        double *of = b->target[i] != 0.0f ? metric->state : metric->state + thresholds;
        of[bucket > 0 ? bucket : 0] += knn__weight_of(b, (int)(i / length));
    }
}

/* The counts at a threshold. */
typedef struct counts { double true_positives, false_positives, true_labels, false_labels; } counts;

/* The piece of the area between two thresholds after Davis and Goadrich: precision is interpolated along the counts. */
static double precision_piece(const counts *low, const counts *high)
{
    double right = low->true_positives - high->true_positives, low_all = low->true_positives + low->false_positives;
    double high_all = high->true_positives + high->false_positives, all = low_all - high_all;
    double slope = knn__ratio(right, all > 0.0 ? all : 0.0), intercept = high->true_positives - slope * high_all;
    double growth = low_all > 0.0 && high_all > 0.0 ? low_all / high_all : 1.0;
    return knn__ratio(slope * (right + intercept * log(growth)), high->true_labels);
}

static double area_piece(bool roc, int summation, const counts *low, const counts *high)
{
    if (!roc && summation == KNN_INTERPOLATION)
        return precision_piece(low, high);
    double x[2], y[2];
    for (int i = 0; i < 2; i++) {
        const counts *c = i == 0 ? low : high;
        double recall = knn__ratio(c->true_positives, c->true_labels);
        x[i] = roc ? knn__ratio(c->false_positives, c->false_labels) : recall;
        y[i] = roc ? recall : knn__ratio(c->true_positives, c->true_positives + c->false_positives);
    }
    double height = summation == KNN_INTERPOLATION ? (y[0] + y[1]) / 2.0 : summation == KNN_MAJORING ? fmax(y[0], y[1]) : fmin(y[0], y[1]);
    return (x[0] - x[1]) * height;
}

static double area(const knn__metric *metric)
{
    int thresholds = (int)option(metric, "num_thresholds"), summation = (int)option(metric, "summation_method");
    bool roc = option(metric, "curve") == KNN_ROC;
    const double *right = metric->state, *wrong = metric->state + thresholds;
    counts high = {0.0, 0.0, 0.0, 0.0};
    double sum = 0.0;
    for (int i = 0; i < thresholds; i++) {
        high.true_labels += right[i];
        high.false_labels += wrong[i];
    }
    high.true_positives = right[thresholds - 1];
    high.false_positives = wrong[thresholds - 1];
    for (int i = thresholds - 2; i >= 0; i--) {
        counts low = high;
        low.true_positives += right[i];
        low.false_positives += wrong[i];
        sum += area_piece(roc, summation, &low, &high);
        high = low;
    }
    return sum;
}

/* ---- F score: of each class true positives, false positives, false negatives ---- */

enum { OF_CLASS = 3 };

static void add_classes(knn__metric *metric, const knn__metric_batch *b)
{
    double threshold = option(metric, "threshold");
    for (int image = 0; image < b->images; image++) {
        const float *p = b->prediction + (long)image * b->outputs, *t = b->target + (long)image * b->outputs;
        float largest = p[0];
        for (int i = 1; i < b->outputs; i++)
            largest = p[i] > largest ? p[i] : largest;
        for (int i = 0; i < b->outputs; i++) {
            bool positive = threshold > 0.0 ? p[i] > (float)threshold : p[i] >= largest && fabsf(p[i]) > 1e-9f;
            double weight = knn__weight_of(b, image), label = (double)t[i], *count = metric->state + OF_CLASS * i;
            count[0] += positive ? weight * label : 0.0;
            count[1] += positive ? weight * (1.0 - label) : 0.0;
            count[2] += positive ? 0.0 : weight * label;
        }
    }
}

static double score(const knn__metric *metric, const double *count)
{
    double given = option(metric, "beta"), square = given > 0.0 ? given * given : 1.0;
    double precision = count[0] / (count[0] + count[1] + EPSILON), recall = count[0] / (count[0] + count[2] + EPSILON);
    return precision * recall / (square * precision + recall + EPSILON) * (1.0 + square);
}

static double scores_value(const knn__metric *metric)
{
    int average = (int)option(metric, "average");
    size_t classes = metric->state_length / OF_CLASS;
    double all[OF_CLASS] = {0}, sum = 0.0, labels = 0.0;
    for (size_t c = 0; c < classes; c++) {
        const double *count = metric->state + OF_CLASS * c;
        for (int i = 0; i < OF_CLASS; i++)
            all[i] += count[i];
        labels += count[0] + count[2];
        sum += score(metric, count) * (average == KNN_WEIGHTED ? count[0] + count[2] : 1.0);
    }
    if (average == KNN_MICRO)
        return score(metric, all);
    return average == KNN_WEIGHTED ? sum / (labels + EPSILON) : sum / (double)classes;
}

/* ---- All of them ---- */

size_t knn__counts_length(const knn__metric *metric, int outputs)
{
    if (metric->op == KNN_METRIC_AUC)
        return 2 * (size_t)option(metric, "num_thresholds");
    return metric->op == KNN_METRIC_F_SCORE ? OF_CLASS * (size_t)outputs : 4;
}

void knn__counts_add(knn__metric *metric, const knn__metric_batch *batch)
{
    (metric->op == KNN_METRIC_AUC ? add_buckets : metric->op == KNN_METRIC_F_SCORE ? add_classes : add_answers)(metric, batch);
}

double knn__counts_value(const knn__metric *metric)
{
    return (metric->op == KNN_METRIC_AUC ? area : metric->op == KNN_METRIC_F_SCORE ? scores_value : answers_value)(metric);
}
