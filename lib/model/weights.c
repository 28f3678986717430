/* The model's weights: their place in the arenas, first values, reading and writing single arrays. */
#include "core/memory.h"
#include "core/status.h"
#include "model/model.h"

#include <string.h>

enum { ARRAY_ALIGNMENT = 16 };          /* floats: each array begins on a cache line. The gaps stay zero whatever an optimizer does */

static size_t place_arrays(knn_model *model, bool trainable, size_t offset)
{
    for (size_t i = 0; i < model->weight_count; i++) {
        knn__model_weight *weight = &model->weights_table[i];
        if (weight->spec.trainable != trainable)
            continue;
        weight->offset = offset;
        offset += (weight->length + ARRAY_ALIGNMENT - 1) / ARRAY_ALIGNMENT * ARRAY_ALIGNMENT;
    }
    return offset;
}

static knn_status list_stretches(knn_model *model)
{
    knn__stretch *list = knn__alloc(model->weight_count + 1, sizeof *list);

    if (list == NULL)
        return KNN_ERROR_MEMORY;
    model->stretch_count = 0;
    for (size_t i = 0; i < model->weight_count; i++) {
        const knn__model_weight *weight = &model->weights_table[i];
        if (!weight->spec.trainable)
            continue;
        knn__stretch *stretch = &list[model->stretch_count++];
        *stretch = (knn__stretch){weight->offset, weight->length, weight->spec.regularizer, weight->spec.constraint,
                                  weight->spec.rank, {0}};
        memcpy(stretch->shape, weight->spec.shape, sizeof stretch->shape);
    }
    knn__free(model->stretches);
    model->stretches = list;
    return KNN_OK;
}

knn_status knn__model_allocate(knn_model *model)
{
    if (model->layer_count == 0)
        return knn__fail(KNN_ERROR_STATE, "%s: the model has no layers", model->name);
    size_t trainable = place_arrays(model, true, 0), length = place_arrays(model, false, trainable);
    knn_status status = list_stretches(model);
    if (status != KNN_OK)
        return status;
    model->weights = knn__arena_alloc((length + 1) * sizeof(float));    /* a model without weights has an arena, too */
    if (model->weights == NULL)
        return KNN_ERROR_MEMORY;
    model->trainable_length = trainable;
    model->weights_length = length + 1;
    model->weights_version = 1;
    return KNN_OK;
}

static knn_status build(knn_model *model)
{
    knn_status status = knn__model_allocate(model);
    for (size_t i = 0; status == KNN_OK && i < model->weight_count; i++) {
        knn__model_weight *weight = &model->weights_table[i];
        float *values = model->weights + weight->offset;
        if (weight->kept != NULL)
            memcpy(values, weight->kept, weight->length * sizeof *values);
        else
            knn__initialize(weight->spec.initializer, weight->spec.shape, weight->spec.rank, model->seed, (uint32_t)i, values);
        knn__free(weight->kept);
        weight->kept = NULL;
    }
    return status;
}

knn_status knn__model_build(knn_model *model)
{
    knn_status status = KNN_OK;

    pthread_mutex_lock(&model->lock);
    if (model->weights == NULL)
        status = build(model);
    pthread_mutex_unlock(&model->lock);
    return status;
}

void knn__weights_changed(knn_model *model) { model->weights_version++; }

size_t knn_weight_count(const knn_model *model) { return model != NULL ? model->weight_count : 0; }

/* NULL with an error text: no such weight. */
static const knn__model_weight *find(const knn_model *model, const char *function, size_t index)
{
    if (index < model->weight_count)
        return &model->weights_table[index];
    knn__fail(KNN_ERROR_ARGUMENT, "%s: weight %zu of %zu", function, index, model->weight_count);
    return NULL;
}

knn_status knn_weight_info(const knn_model *model, size_t index, const char **name, int *rank, int shape[4], bool *trainable)
{
    knn_status status = knn__model_read(model, "knn_weight_info");

    if (status != KNN_OK)
        return status;
    const knn__model_weight *weight = find(model, "knn_weight_info", index);
    if (weight == NULL)
        status = KNN_ERROR_ARGUMENT;
    else {
        if (name != NULL)
            *name = weight->name;
        if (rank != NULL)
            *rank = weight->spec.rank;
        if (shape != NULL)
            memcpy(shape, weight->spec.shape, sizeof weight->spec.shape);
        if (trainable != NULL)
            *trainable = weight->spec.trainable;
    }
    knn__model_read_end(model);
    return status;
}

/* The array in the arena, after the checks that get and set share; NULL with *status and text. */
static float *locate(const knn_model *model, const char *function, size_t index, const float *values, size_t length, knn_status *status)
{
    const knn__model_weight *weight = find(model, function, index);

    *status = KNN_ERROR_ARGUMENT;
    if (weight == NULL)
        return NULL;
    if (values == NULL || length != weight->length)
        *status = knn__fail(KNN_ERROR_SHAPE, "%s: %s has %zu floats, got %zu", function, weight->name, weight->length,
                            values == NULL ? (size_t)0 : length);
    else
        *status = knn__model_build((knn_model *)(uintptr_t)model);
    return *status == KNN_OK ? model->weights + weight->offset : NULL;
}

knn_status knn_get_weight(const knn_model *model, size_t index, float *values, size_t length)
{
    knn_status status = knn__model_read(model, "knn_get_weight");

    if (status != KNN_OK)
        return status;
    const float *array = locate(model, "knn_get_weight", index, values, length, &status);
    if (array != NULL)
        memcpy(values, array, length * sizeof(float));
    knn__model_read_end(model);
    return status;
}

knn_status knn_set_weight(knn_model *model, size_t index, const float *values, size_t length)
{
    knn_status status = knn__model_write(model, "knn_set_weight");

    if (status != KNN_OK)
        return status;
    float *array = locate(model, "knn_set_weight", index, values, length, &status);
    if (array != NULL) {
        memcpy(array, values, length * sizeof(float));
        knn__weights_changed(model);
    }
    knn__model_write_end(model);
    return status;
}
