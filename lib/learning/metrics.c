/* The metrics: which one "accuracy" is, and their running means over samples. Knows no loss function and no weights of
 * samples: Keras' plain metrics ignore those, too. */
#include "core/status.h"
#include "learning/learning.h"

#include <math.h>
#include <stddef.h>

typedef struct metric_kind {
    knn__kind kind;
    const char *key;                        /* in logs, where the user gives no name */
    knn__metric_op op;
    bool by_shape;                          /* "accuracy": the operation depends on output and labels */
} metric_kind;

#define METRIC(class_name, key, op, by_shape) \
    {{class_name, sizeof(knn_named_metric), NULL, offsetof(knn_named_metric, name), NULL}, key, KNN_METRIC_##op, by_shape}

static const metric_kind
    accuracy = METRIC("accuracy", "accuracy", BINARY_ACCURACY, true),
    binary = METRIC("BinaryAccuracy", "binary_accuracy", BINARY_ACCURACY, false),
    categorical = METRIC("CategoricalAccuracy", "categorical_accuracy", CATEGORICAL_ACCURACY, false),
    sparse = METRIC("SparseCategoricalAccuracy", "sparse_categorical_accuracy", SPARSE_CATEGORICAL_ACCURACY, false),
    squared = METRIC("MeanSquaredError", "mean_squared_error", MEAN_SQUARED_ERROR, false),
    absolute = METRIC("MeanAbsoluteError", "mean_absolute_error", MEAN_ABSOLUTE_ERROR, false);

const knn__kind *const knn__metric_kinds[] = {&accuracy.kind, &binary.kind, &categorical.kind, &sparse.kind,
                                              &squared.kind, &absolute.kind, NULL};

knn_status knn__metric_resolve(const knn_metric *description, const knn_shape *output, bool sparse_labels,
                               knn__metric *metric)
{
    *metric = (knn__metric){0};
    void *copy = NULL;
    knn_status status = knn__describe_any(knn__metric_kinds, description, "metric", &metric->kind, &copy);
    if (status != KNN_OK)
        return status;

    const metric_kind *kind = (const metric_kind *)metric->kind;
    const char *name = ((const knn_named_metric *)copy)->name;
    int outputs = output->size[output->rank - 1];
    metric->description = copy;
    metric->key = name != NULL ? name : kind->key;
    metric->op = kind->op;
    if (kind->by_shape && outputs > 1)
        metric->op = sparse_labels ? KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY : KNN_METRIC_CATEGORICAL_ACCURACY;

    /* With one output the number of a class and a label as wide as the output are the same thing. */
    bool wants_sparse = metric->op == KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY;
    if (outputs > 1 && wants_sparse != sparse_labels) {
        status = knn__fail(KNN_ERROR_SHAPE, "metric %s: expects %s, the loss takes %s", metric->kind->class_name,
                           wants_sparse ? "numbers of classes as labels" : "labels as wide as the output",
                           sparse_labels ? "numbers of classes" : "labels as wide as the output");
        knn__metric_release(metric);
    }
    return status;
}

void knn__metric_release(knn__metric *metric)
{
    if (metric->kind != NULL)
        knn__forget(metric->kind, metric->description);
    *metric = (knn__metric){0};
}

void knn__metric_reset(knn__metric *metric)
{
    metric->total = 0.0;
    metric->count = 0.0;
}

/* The first of equals, as NumPy's argmax. */
static int argmax(const float *row, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (row[i] > row[best])
            best = i;
    return best;
}

/* The value of one row of outputs p with its label t. */
static double row_value(knn__metric_op op, const float *p, const float *t, int outputs)
{
    double sum = 0.0;
    switch (op) {
    case KNN_METRIC_CATEGORICAL_ACCURACY:
        return argmax(p, outputs) == argmax(t, outputs);
    case KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY:
        return (float)argmax(p, outputs) == *t;
    case KNN_METRIC_BINARY_ACCURACY:
        for (int i = 0; i < outputs; i++)
            sum += (p[i] > 0.5f ? 1.0f : 0.0f) == t[i];
        break;
    case KNN_METRIC_MEAN_SQUARED_ERROR:
        for (int i = 0; i < outputs; i++)
            sum += ((double)p[i] - (double)t[i]) * ((double)p[i] - (double)t[i]);
        break;
    case KNN_METRIC_MEAN_ABSOLUTE_ERROR:
        for (int i = 0; i < outputs; i++)
            sum += fabs((double)p[i] - (double)t[i]);
        break;
    }
    return sum / outputs;
}

void knn__metric_add(knn__metric *metric, const float *prediction, const float *target, int images, int positions,
                     int outputs)
{
    int label = metric->op == KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY ? 1 : outputs;
    size_t rows = (size_t)images * (size_t)positions;
    for (size_t row = 0; row < rows; row++)
        metric->total += row_value(metric->op, prediction + row * (size_t)outputs, target + row * (size_t)label, outputs);
    metric->count += (double)rows;
}

double knn__metric_value(const knn__metric *metric)
{
    return metric->count > 0.0 ? metric->total / metric->count : 0.0;
}
