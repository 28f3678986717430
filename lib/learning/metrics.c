/* The metrics: their options, which one "accuracy" is, their state. What they compute is in metric_means.c and metric_counts.c. */
#include "core/memory.h"
#include "core/status.h"
#include "learning/metric.h"

#include <float.h>
#include <limits.h>
#include <string.h>

typedef struct metric_kind {
    knn__kind kind;
    const char *key;                        /* in logs, where the user gives no name */
    knn__metric_op op;
    knn__loss_op loss;                      /* of the ops that are a loss */
    bool by_shape;                          /* "accuracy": the operation depends on output and labels */
} metric_kind;

#define REAL(type, member, normal, most) {#member, KNN_FIELD_REAL, offsetof(type, member), normal, 0, most, NULL}
#define FLAG(type, member)               {#member, KNN_FIELD_BOOL, offsetof(type, member), 0, 0, 0, NULL}
#define COUNT(type, member, normal, least) {#member, KNN_FIELD_INT, offsetof(type, member), normal, least, INT_MAX, NULL}
#define ENUM(type, member, names)        {#member, KNN_FIELD_ENUM, offsetof(type, member), 0, 0, 0, names}
#define END                              {NULL, KNN_FIELD_INT, 0, 0, 0, 0, NULL}

enum { ALL_CLASSES = INT_MAX };             /* class_id: none */

static const char *const averages[] = {"none", "micro", "macro", "weighted", NULL};
static const char *const curves[] = {"ROC", "PR", NULL};
static const char *const summations[] = {"interpolation", "majoring", "minoring", NULL};

static const knn_field binary_fields[] = {REAL(knn_binary_accuracy_metric, threshold, 0.5, DBL_MAX), END};
static const knn_field crossentropy_fields[] = {
    FLAG(knn_crossentropy_metric, from_logits), REAL(knn_crossentropy_metric, label_smoothing, 0, 1), END};
static const knn_field sparse_crossentropy_fields[] = {FLAG(knn_crossentropy_metric, from_logits), END};
static const knn_field top_k_fields[] = {COUNT(knn_top_k_metric, k, 5, 1), END};
static const knn_field precision_fields[] = {
    REAL(knn_confusion_metric, thresholds, 0, 1), COUNT(knn_confusion_metric, top_k, 0, 0),
    COUNT(knn_confusion_metric, class_id, ALL_CLASSES, 0), END};
static const knn_field count_fields[] = {REAL(knn_confusion_metric, thresholds, 0, 1), END};
static const knn_field auc_fields[] = {
    COUNT(knn_auc_metric, num_thresholds, 200, 2), ENUM(knn_auc_metric, curve, curves),
    ENUM(knn_auc_metric, summation_method, summations), FLAG(knn_auc_metric, from_logits), END};
static const knn_field f1_fields[] = {ENUM(knn_f_score_metric, average, averages), REAL(knn_f_score_metric, threshold, 0, 1), END};
static const knn_field fbeta_fields[] = {
    ENUM(knn_f_score_metric, average, averages), REAL(knn_f_score_metric, threshold, 0, 1), REAL(knn_f_score_metric, beta, 1, DBL_MAX),
    END};

#define KIND(class, type, fields, key, op, loss) \
    {{class, sizeof(type), fields, offsetof(type, name), NULL}, key, KNN_METRIC_##op, loss, false}
#define PLAIN(class, key, op)              KIND(class, knn_named_metric, NULL, key, op, (knn__loss_op)0)
#define WITH(class, type, fields, key, op) KIND(class, type, fields, key, op, (knn__loss_op)0)
#define MEAN_OF(class, key, op, loss)      KIND(class, knn_named_metric, NULL, key, op, KNN_LOSS_##loss)

static const metric_kind
    accuracy = {{"accuracy", sizeof(knn_named_metric), NULL, offsetof(knn_named_metric, name), NULL}, "accuracy",
                KNN_METRIC_BINARY_ACCURACY, (knn__loss_op)0, true},
    binary = WITH("BinaryAccuracy", knn_binary_accuracy_metric, binary_fields, "binary_accuracy", BINARY_ACCURACY),
    categorical = PLAIN("CategoricalAccuracy", "categorical_accuracy", CATEGORICAL_ACCURACY),
    sparse = PLAIN("SparseCategoricalAccuracy", "sparse_categorical_accuracy", SPARSE_CATEGORICAL_ACCURACY),
    top_k = WITH("TopKCategoricalAccuracy", knn_top_k_metric, top_k_fields, "top_k_categorical_accuracy", TOP_K),
    sparse_top_k = WITH("SparseTopKCategoricalAccuracy", knn_top_k_metric, top_k_fields, "sparse_top_k_categorical_accuracy",
                        SPARSE_TOP_K),
    squared = MEAN_OF("MeanSquaredError", "mean_squared_error", LOSS, MEAN_SQUARED_ERROR),
    root = MEAN_OF("RootMeanSquaredError", "root_mean_squared_error", ROOT_OF_LOSS, MEAN_SQUARED_ERROR),
    absolute = MEAN_OF("MeanAbsoluteError", "mean_absolute_error", LOSS, MEAN_ABSOLUTE_ERROR),
    percentage = MEAN_OF("MeanAbsolutePercentageError", "mean_absolute_percentage_error", LOSS, MEAN_ABSOLUTE_PERCENTAGE_ERROR),
    logarithmic = MEAN_OF("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", LOSS, MEAN_SQUARED_LOGARITHMIC_ERROR),
    cosine = MEAN_OF("CosineSimilarity", "cosine_similarity", NEGATIVE_LOSS, COSINE_SIMILARITY),
    log_cosh = MEAN_OF("LogCoshError", "logcosh", LOSS, LOG_COSH),
    poisson = MEAN_OF("Poisson", "poisson", LOSS, POISSON),
    divergence = MEAN_OF("KLDivergence", "kl_divergence", LOSS, KL_DIVERGENCE),
    hinge = MEAN_OF("Hinge", "hinge", LOSS, HINGE),
    squared_hinge = MEAN_OF("SquaredHinge", "squared_hinge", LOSS, SQUARED_HINGE),
    categorical_hinge = MEAN_OF("CategoricalHinge", "categorical_hinge", LOSS, CATEGORICAL_HINGE),
    binary_crossentropy = KIND("BinaryCrossentropy", knn_crossentropy_metric, crossentropy_fields, "binary_crossentropy", LOSS,
                               KNN_LOSS_BINARY_CROSSENTROPY),
    categorical_crossentropy = KIND("CategoricalCrossentropy", knn_crossentropy_metric, crossentropy_fields,
                                    "categorical_crossentropy", LOSS, KNN_LOSS_CATEGORICAL_CROSSENTROPY),
    sparse_crossentropy = KIND("SparseCategoricalCrossentropy", knn_crossentropy_metric, sparse_crossentropy_fields,
                               "sparse_categorical_crossentropy", LOSS, KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY),
    precision = WITH("Precision", knn_confusion_metric, precision_fields, "precision", PRECISION),
    recall = WITH("Recall", knn_confusion_metric, precision_fields, "recall", RECALL),
    true_positives = WITH("TruePositives", knn_confusion_metric, count_fields, "true_positives", TRUE_POSITIVES),
    true_negatives = WITH("TrueNegatives", knn_confusion_metric, count_fields, "true_negatives", TRUE_NEGATIVES),
    false_positives = WITH("FalsePositives", knn_confusion_metric, count_fields, "false_positives", FALSE_POSITIVES),
    false_negatives = WITH("FalseNegatives", knn_confusion_metric, count_fields, "false_negatives", FALSE_NEGATIVES),
    auc = WITH("AUC", knn_auc_metric, auc_fields, "auc", AUC),
    f1_score = WITH("F1Score", knn_f_score_metric, f1_fields, "f1_score", F_SCORE),
    fbeta_score = WITH("FBetaScore", knn_f_score_metric, fbeta_fields, "fbeta_score", F_SCORE);

const knn__kind *const knn__metric_kinds[] = {
    &accuracy.kind, &binary.kind, &categorical.kind, &sparse.kind, &top_k.kind, &sparse_top_k.kind, &squared.kind, &root.kind,
    &absolute.kind, &percentage.kind, &logarithmic.kind, &cosine.kind, &log_cosh.kind, &poisson.kind, &divergence.kind, &hinge.kind,
    &squared_hinge.kind, &categorical_hinge.kind, &binary_crossentropy.kind, &categorical_crossentropy.kind, &sparse_crossentropy.kind,
    &precision.kind, &recall.kind, &true_positives.kind, &true_negatives.kind, &false_positives.kind, &false_negatives.kind, &auc.kind,
    &f1_score.kind, &fbeta_score.kind, NULL};

/* ---- Resolving ---- */

static bool wants_class_numbers(const knn__metric *metric)
{
    return metric->op == KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY || metric->op == KNN_METRIC_SPARSE_TOP_K ||
           (metric->op == KNN_METRIC_LOSS && metric->loss.op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY);
}

/* Options that a description's struct has for its relatives. */
static knn_status check_options(const knn__metric *metric, int outputs)
{
    const char *name = metric->kind->class_name;
    const knn_confusion_metric *confusion = (const knn_confusion_metric *)metric->description;
    if (metric->kind == &sparse_crossentropy.kind && ((const knn_crossentropy_metric *)metric->description)->label_smoothing != 0.0)
        return knn__fail(KNN_ERROR_ARGUMENT, "metric %s: label_smoothing is for one-hot labels", name);
    if (metric->kind == &f1_score.kind && ((const knn_f_score_metric *)metric->description)->beta != 0.0)
        return knn__fail(KNN_ERROR_ARGUMENT, "metric %s: beta is an option of FBetaScore", name);
    if (metric->kind->fields == count_fields && (confusion->top_k != 0 || confusion->class_id != 0))
        return knn__fail(KNN_ERROR_ARGUMENT, "metric %s: top_k and class_id are options of Precision and Recall", name);
    if (metric->kind->fields == precision_fields && confusion->class_id != ALL_CLASSES && confusion->class_id >= outputs)
        return knn__fail(KNN_ERROR_ARGUMENT, "metric %s: class_id is %d, the output has %d classes", name, confusion->class_id, outputs);
    if (metric->op == KNN_METRIC_F_SCORE && outputs > 1 && knn__option(metric->kind, metric->description, "average") == KNN_NO_AVERAGE)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "metric %s: average none gives a number a class, logs take one: choose micro, macro or "
                         "weighted", name);
    return KNN_OK;
}

/* With one output the number of a class and a label as wide as the output are the same thing. */
static knn_status check_labels(const knn__metric *metric, const knn_shape *output, bool sparse_labels)
{
    bool wants_sparse = wants_class_numbers(metric);
    int outputs = output->size[output->rank - 1];
    if (outputs > 1 && wants_sparse != sparse_labels)
        return knn__fail(KNN_ERROR_SHAPE, "metric %s: expects %s, the loss takes %s", metric->kind->class_name,
                         wants_sparse ? "numbers of classes as labels" : "labels as wide as the output",
                         sparse_labels ? "numbers of classes" : "labels as wide as the output");
    if (metric->op == KNN_METRIC_F_SCORE && output->rank > 1)
        return knn__fail(KNN_ERROR_SHAPE, "metric %s: expects an output of rank 1, got %d", metric->kind->class_name, output->rank);
    return KNN_OK;
}

static knn_status make_state(knn__metric *metric)
{
    metric->state = knn__alloc(metric->state_length, sizeof *metric->state);
    return metric->state != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

knn_status knn__metric_resolve(const knn_metric *description, const knn_shape *output, bool sparse_labels,
                               knn__metric *metric)
{
    *metric = (knn__metric){0};
    void *copy = NULL;
    knn_status status = knn__describe_any(knn__metric_kinds, description, "metric", &metric->kind, &copy);
    if (status != KNN_OK) {
        metric->kind = NULL;
        return status;
    }

    const metric_kind *kind = (const metric_kind *)metric->kind;
    const char *name = *(const char *const *)(const void *)((const char *)copy + kind->kind.name_offset);
    int outputs = output->size[output->rank - 1];
    metric->description = copy;
    metric->key = name != NULL ? name : kind->key;
    metric->op = kind->op;
    metric->loss = (knn__loss_call){.op = kind->loss, .from_logits = knn__option(metric->kind, copy, "from_logits") > 0,
        .label_smoothing = knn__option(metric->kind, copy, "label_smoothing")};
    if (kind->by_shape && outputs > 1)
        metric->op = sparse_labels ? KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY : KNN_METRIC_CATEGORICAL_ACCURACY;
    metric->state_length = metric->op < KNN_METRIC_PRECISION ? 2 : knn__counts_length(metric, outputs);

    status = check_options(metric, outputs);
    if (status == KNN_OK)
        status = check_labels(metric, output, sparse_labels);
    if (status == KNN_OK)
        status = make_state(metric);
    if (status != KNN_OK)
        knn__metric_release(metric);
    return status;
}

void knn__metric_release(knn__metric *metric)
{
    if (metric->kind != NULL)
        knn__forget(metric->kind, metric->description);
    knn__free(metric->state);
    *metric = (knn__metric){0};
}

knn_status knn__metric_fork(const knn__metric *from, knn__metric *to)
{
    *to = *from;
    return make_state(to);
}

void knn__metric_unfork(knn__metric *metric)
{
    knn__free(metric->state);
    *metric = (knn__metric){0};
}

/* ---- Sums ---- */

void knn__metric_reset(knn__metric *metric) { memset(metric->state, 0, metric->state_length * sizeof *metric->state); }

void knn__metric_add(knn__metric *metric, const float *prediction, const float *target, const float *weight, int images,
                     int positions, int outputs)
{
    const knn__metric_batch batch = {prediction, target, metric->weighted ? weight : NULL, images, positions, outputs};
    if (metric->op < KNN_METRIC_PRECISION)
        knn__mean_add(metric, &batch);
    else
        knn__counts_add(metric, &batch);
}

double knn__metric_value(const knn__metric *metric)
{
    return metric->op < KNN_METRIC_PRECISION ? knn__mean_value(metric) : knn__counts_value(metric);
}
