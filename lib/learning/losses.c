/* The losses: their options, and which of the backends' formulas each one is. The formulas themselves are the backends'. */
#include "core/memory.h"
#include "core/status.h"
#include "learning/learning.h"

#include <string.h>

typedef struct loss_kind {
    knn__kind kind;
    knn__loss_op op;
} loss_kind;

#define FROM_LOGITS     {"from_logits", KNN_FIELD_BOOL, offsetof(knn_crossentropy_loss, from_logits), 0, 0, 0, NULL}
#define LABEL_SMOOTHING {"label_smoothing", KNN_FIELD_REAL, offsetof(knn_crossentropy_loss, label_smoothing), 0, 0, 1, NULL}
#define END             {NULL, KNN_FIELD_INT, 0, 0, 0, 0, NULL}

static const knn_field crossentropy_fields[] = {FROM_LOGITS, LABEL_SMOOTHING, END};
static const knn_field sparse_fields[] = {FROM_LOGITS, END};

#define LOSS(name, type, fields, op) {{name, sizeof(type), fields, 0, NULL}, KNN_LOSS_##op}

static const loss_kind
    binary = LOSS("BinaryCrossentropy", knn_crossentropy_loss, crossentropy_fields, BINARY_CROSSENTROPY),
    categorical = LOSS("CategoricalCrossentropy", knn_crossentropy_loss, crossentropy_fields, CATEGORICAL_CROSSENTROPY),
    sparse = LOSS("SparseCategoricalCrossentropy", knn_crossentropy_loss, sparse_fields, SPARSE_CATEGORICAL_CROSSENTROPY),
    squared = LOSS("MeanSquaredError", knn_plain_loss, NULL, MEAN_SQUARED_ERROR),
    absolute = LOSS("MeanAbsoluteError", knn_plain_loss, NULL, MEAN_ABSOLUTE_ERROR);

const knn__kind *const knn__loss_kinds[] = {&binary.kind, &categorical.kind, &sparse.kind,
                                            &squared.kind, &absolute.kind, NULL};

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
    loss->op = ((const loss_kind *)loss->kind)->op;
    if (loss->kind->size == sizeof(knn_crossentropy_loss)) {
        const knn_crossentropy_loss *options = copy;
        loss->from_logits = options->from_logits;
        loss->label_smoothing = options->label_smoothing;
    }
    if (loss->kind == &sparse.kind && loss->label_smoothing != 0.0) {
        knn__loss_release(loss);
        return knn__fail(KNN_ERROR_ARGUMENT, "SparseCategoricalCrossentropy: label_smoothing is for one-hot labels");
    }
    return KNN_OK;
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
    if (loss->kind == &binary.kind)
        return last == KNN_SIGMOID;
    return last == KNN_SOFTMAX && (loss->kind == &categorical.kind || loss->kind == &sparse.kind);
}

size_t knn__loss_target_length(const knn__loss *loss, const knn_shape *output)
{
    size_t length = knn__shape_length(output);
    return loss->kind == &sparse.kind ? length / (size_t)output->size[output->rank - 1] : length;
}
