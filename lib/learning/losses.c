/* The losses: their options, and which of the backends' formulas each one is. The formulas themselves are the backends'. */
#include "core/memory.h"
#include "core/status.h"
#include "learning/learning.h"

#include <float.h>
#include <string.h>

typedef struct loss_kind {
    knn__kind kind;
    knn__loss_op op;
} loss_kind;

static const char *const reductions[] = {"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", NULL};

#define REAL(type, member, normal, most) {#member, KNN_FIELD_REAL, offsetof(type, member), normal, 0, most, NULL}
#define FLAG(type, member)               {#member, KNN_FIELD_BOOL, offsetof(type, member), 0, 0, 0, NULL}
#define REDUCTION(type)                  {"reduction", KNN_FIELD_ENUM, offsetof(type, reduction), 0, 0, 0, reductions}
#define END                              {NULL, KNN_FIELD_INT, 0, 0, 0, 0, NULL}

static const knn_field crossentropy_fields[] = {
    FLAG(knn_crossentropy_loss, from_logits), REAL(knn_crossentropy_loss, label_smoothing, 0, 1), REDUCTION(knn_crossentropy_loss), END};
static const knn_field sparse_fields[] = {FLAG(knn_crossentropy_loss, from_logits), REDUCTION(knn_crossentropy_loss), END};
#define FOCAL_FIELDS \
    REAL(knn_focal_loss, alpha, 0.25, DBL_MAX), REAL(knn_focal_loss, gamma, 2, DBL_MAX), FLAG(knn_focal_loss, from_logits), \
    REAL(knn_focal_loss, label_smoothing, 0, 1), REDUCTION(knn_focal_loss)
static const knn_field binary_focal_fields[] = {FOCAL_FIELDS, FLAG(knn_focal_loss, apply_class_balancing), END};
static const knn_field categorical_focal_fields[] = {FOCAL_FIELDS, END};
static const knn_field plain_fields[] = {REDUCTION(knn_plain_loss), END};
static const knn_field huber_fields[] = {REAL(knn_huber_loss, delta, 1, DBL_MAX), REDUCTION(knn_huber_loss), END};
static const knn_field tversky_fields[] = {
    REAL(knn_tversky_loss, alpha, 0.5, DBL_MAX), REAL(knn_tversky_loss, beta, 0.5, DBL_MAX), REDUCTION(knn_tversky_loss), END};

#define LOSS(name, type, fields, op) {{name, sizeof(type), fields, 0, NULL}, KNN_LOSS_##op}
#define PLAIN(name, op) LOSS(name, knn_plain_loss, plain_fields, op)

static const loss_kind
    binary = LOSS("BinaryCrossentropy", knn_crossentropy_loss, crossentropy_fields, BINARY_CROSSENTROPY),
    categorical = LOSS("CategoricalCrossentropy", knn_crossentropy_loss, crossentropy_fields, CATEGORICAL_CROSSENTROPY),
    sparse = LOSS("SparseCategoricalCrossentropy", knn_crossentropy_loss, sparse_fields, SPARSE_CATEGORICAL_CROSSENTROPY),
    binary_focal = LOSS("BinaryFocalCrossentropy", knn_focal_loss, binary_focal_fields, BINARY_FOCAL_CROSSENTROPY),
    categorical_focal = LOSS("CategoricalFocalCrossentropy", knn_focal_loss, categorical_focal_fields, CATEGORICAL_FOCAL_CROSSENTROPY),
    squared = PLAIN("MeanSquaredError", MEAN_SQUARED_ERROR),
    absolute = PLAIN("MeanAbsoluteError", MEAN_ABSOLUTE_ERROR),
    percentage = PLAIN("MeanAbsolutePercentageError", MEAN_ABSOLUTE_PERCENTAGE_ERROR),
    logarithmic = PLAIN("MeanSquaredLogarithmicError", MEAN_SQUARED_LOGARITHMIC_ERROR),
    log_cosh = PLAIN("LogCosh", LOG_COSH),
    poisson = PLAIN("Poisson", POISSON),
    hinge = PLAIN("Hinge", HINGE),
    squared_hinge = PLAIN("SquaredHinge", SQUARED_HINGE),
    categorical_hinge = PLAIN("CategoricalHinge", CATEGORICAL_HINGE),
    divergence = PLAIN("KLDivergence", KL_DIVERGENCE),
    cosine = PLAIN("CosineSimilarity", COSINE_SIMILARITY),
    dice = PLAIN("Dice", DICE),
    huber = LOSS("Huber", knn_huber_loss, huber_fields, HUBER),
    tversky = LOSS("Tversky", knn_tversky_loss, tversky_fields, TVERSKY);

const knn__kind *const knn__loss_kinds[] = {
    &binary.kind, &categorical.kind, &sparse.kind, &binary_focal.kind, &categorical_focal.kind, &squared.kind, &absolute.kind,
    &percentage.kind, &logarithmic.kind, &log_cosh.kind, &poisson.kind, &hinge.kind, &squared_hinge.kind, &categorical_hinge.kind,
    &divergence.kind, &cosine.kind, &dice.kind, &huber.kind, &tversky.kind, NULL};

/* A user's own loss is copied as it is: the library does not know its members. */
static knn_status resolve_custom(const knn_loss *description, knn__loss *loss)
{
    const knn_loss_class *custom = description->custom;
    if (custom->size < sizeof *custom || custom->value == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "loss %s: its class has no `value` function or a wrong size",
                         custom->class_name != NULL ? custom->class_name : "without a name");
    if (description->size < sizeof *description)
        return knn__fail(KNN_ERROR_ARGUMENT, "loss %s: size %zu, expected at least %zu", custom->class_name,
                         description->size, sizeof *description);
    loss->description = knn__alloc(1, description->size);
    if (loss->description == NULL)
        return KNN_ERROR_MEMORY;
    memcpy(loss->description, description, description->size);
    return KNN_OK;
}

/* What a table of fields cannot say. */
static knn_status check(const knn__loss *loss)
{
    const char *name = loss->kind->class_name;
    if (loss->reduction == KNN_REDUCTION_NONE)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "%s: reduction none gives a number a sample, training needs one a batch", name);
    if (loss->kind == &sparse.kind && ((const knn_crossentropy_loss *)loss->description)->label_smoothing != 0.0)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: label_smoothing is for one-hot labels", name);
    if (loss->kind == &categorical_focal.kind && ((const knn_focal_loss *)loss->description)->apply_class_balancing)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: apply_class_balancing is an option of BinaryFocalCrossentropy", name);
    return KNN_OK;
}

knn_status knn__loss_resolve(const knn_loss *description, knn__loss *loss)
{
    *loss = (knn__loss){0};
    if (description != NULL && description->custom != NULL)
        return resolve_custom(description, loss);

    void *copy = NULL;
    knn_status status = knn__describe_any(knn__loss_kinds, description, "loss", &loss->kind, &copy);
    if (status != KNN_OK)
        return status;
    loss->description = copy;
    loss->reduction = (knn_reduction)knn__option(loss->kind, copy, "reduction");
    loss->call = (knn__loss_call){
        .op = ((const loss_kind *)loss->kind)->op, .from_logits = knn__option(loss->kind, copy, "from_logits") > 0,
        .balanced = knn__option(loss->kind, copy, "apply_class_balancing") > 0,
        .label_smoothing = knn__option(loss->kind, copy, "label_smoothing"), .alpha = knn__option(loss->kind, copy, "alpha"),
        .beta = knn__option(loss->kind, copy, "beta"), .gamma = knn__option(loss->kind, copy, "gamma"),
        .delta = knn__option(loss->kind, copy, "delta")};
    status = check(loss);
    if (status != KNN_OK)
        knn__loss_release(loss);
    return status;
}

knn_status knn__loss_runs_on(const knn__loss *loss, const knn_backend *backend)
{
    if (backend->devices == NULL || loss->kind != NULL)
        return KNN_OK;
    return knn__fail(KNN_ERROR_UNSUPPORTED, "backend %s does not have users' losses", backend->name);
}

void knn__loss_release(knn__loss *loss)
{
    if (loss->kind != NULL)
        knn__forget(loss->kind, loss->description);
    else
        knn__free(loss->description);
    *loss = (knn__loss){0};
}

/* As Keras on TensorFlow: also where the user said from_logits, since the activation is undone either way. */
bool knn__loss_takes_logits_of(const knn__loss *loss, knn_activation last)
{
    if (loss->kind == &binary.kind || loss->kind == &binary_focal.kind)
        return last == KNN_SIGMOID;
    return last == KNN_SOFTMAX && (loss->kind == &categorical.kind || loss->kind == &sparse.kind);
}

size_t knn__loss_target_length(const knn__loss *loss, const knn_shape *output)
{
    size_t length = knn__shape_length(output);
    return loss->kind == &sparse.kind ? length / (size_t)output->size[output->rank - 1] : length;
}

static bool all_one(const float *weight, int images)
{
    for (int i = 0; weight != NULL && i < images; i++)
        if (weight[i] != 1.0f)
            return false;
    return true;
}

/* Dice and Tversky have one value for all: Keras multiplies it by weights, but not by the number of samples. */
double knn__loss_divisor(const knn__loss *loss, const float *weight, int images, int positions)
{
    bool one_for_all = loss->call.op == KNN_LOSS_DICE || loss->call.op == KNN_LOSS_TVERSKY;
    double sum = 0.0;
    if (loss->reduction == KNN_SUM)
        return !one_for_all ? 1.0 / positions : all_one(weight, images) ? images : 1.0;
    if (loss->reduction != KNN_MEAN_WITH_SAMPLE_WEIGHT || weight == NULL)
        return images;
    for (int i = 0; i < images; i++)
        sum += (double)weight[i];
    return sum;
}

double knn__loss_reduce(const knn__loss *loss, const double *values, const float *weight, int images, int positions)
{
    double sum = 0.0, divisor = knn__loss_divisor(loss, weight, images, positions);
    for (int i = 0; i < images; i++)
        sum += (weight != NULL ? (double)weight[i] : 1.0) * values[i];
    return divisor > 0.0 ? sum / divisor : 0.0;
}

bool knn__zero_one(knn__loss_op op, const float *target, size_t length)
{
    bool all = op == KNN_LOSS_HINGE || op == KNN_LOSS_SQUARED_HINGE;
    for (size_t i = 0; all && i < length; i++)
        all = target[i] == 0.0f || target[i] == 1.0f;
    return all;
}
