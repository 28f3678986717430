/* Reads what files of ours hold beside Keras' items: preprocessing, class names, history, and the state of the
 * training. Writes nothing: see state_write.c. */
#include "keras/state.h"

#include "core/memory.h"
#include "core/status.h"
#include "data/whitening.h"
#include "keras/weights.h"
#include "model/history.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FORMAT = 1, SIDE_LIMIT = 1 << 16 };

static knn_status damaged(const char *what)
{
    return knn__fail(KNN_ERROR_FORMAT, "attribute %s: its %s is missing or damaged", KNN__STATE, what);
}

/* ---- The JSON ---- */

static bool read_interpolation(const cJSON *item, knn_interpolation *interpolation)
{
    static const char *const names[] = {"nearest", "bilinear", "area"};

    for (int i = 0; i < 3; i++)
        if (knn__text_equal(knn__json_text(item), names[i])) {
            *interpolation = (knn_interpolation)i;
            return true;
        }
    return false;
}

static bool read_side(const cJSON *item, int *side)
{
    return knn__json_int(item, side) && *side >= 1 && *side <= SIDE_LIMIT;
}

/* `count` finite numbers; none where the file has no such list. */
static bool read_reals(const cJSON *list, int count, double *values, bool *there)
{
    *there = list != NULL;
    for (int i = 0; list != NULL && i < count; i++)
        if (!knn__json_real(cJSON_GetArrayItem(list, i), &values[i]) || !isfinite(values[i]))
            return false;
    return true;
}

static knn_status read_preprocessing(const cJSON *json, knn__state *state)
{
    knn__preprocessing *p = &state->preprocessing;
    uint64_t pixels = 0;

    if (json == NULL)
        return KNN_OK;
    state->has_preprocessing =
        read_side(knn__json_get(json, "height"), &p->height) && read_side(knn__json_get(json, "width"), &p->width) &&
        read_side(knn__json_get(json, "channels"), &p->channels) && (p->channels == 1 || p->channels == 3) &&
        read_interpolation(knn__json_get(json, "interpolation"), &p->interpolation) &&
        knn__json_bool(knn__json_get(json, "apply_orientation"), &p->apply_orientation) &&
        knn__json_real(knn__json_get(json, "rescale"), &p->rescale) && isfinite(p->rescale) &&
        knn__json_bool(knn__json_get(json, "samplewise_center"), &p->samplewise_center) &&
        knn__json_bool(knn__json_get(json, "samplewise_std_normalization"), &p->samplewise_std_normalization) &&
        read_reals(knn__json_get(json, "mean"), p->channels, p->mean, &p->featurewise_center) &&
        read_reals(knn__json_get(json, "std"), p->channels, p->std, &p->featurewise_std_normalization) &&
        knn__json_count(knn__json_get(json, "max_pixels"), &pixels);
    p->max_pixels = (size_t)pixels;
    knn__json_bool(knn__json_get(json, "zca_whitening"), &state->has_whitening);
    return state->has_preprocessing ? KNN_OK : damaged("preprocessing");
}

static knn_status read_texts(const cJSON *list, const char *what, knn__names *texts)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list) {
        const char *text = knn__json_text(item);
        if (text == NULL)
            return damaged(what);
        if (!knn__reserve((void **)&texts->name, &texts->capacity, texts->count + 1, sizeof *texts->name))
            return KNN_ERROR_MEMORY;
        texts->name[texts->count] = knn__copy_text(text);
        if (texts->name[texts->count] == NULL)
            return KNN_ERROR_MEMORY;
        texts->count++;
    }
    return KNN_OK;
}

/* A row: the epoch's number, then a value for each key. */
static knn_status read_row(const cJSON *row, knn__history *history, double *values)
{
    int epoch;
    const cJSON *item = row != NULL ? row->child : NULL;

    if (!cJSON_IsArray(row) || !knn__json_int(item, &epoch))
        return damaged("history");
    for (size_t i = 0; i < history->key_count; i++) {
        item = item->next;
        if (!knn__json_real(item, &values[i]))
            return damaged("history");
    }
    return knn__history_append(history, epoch, values);
}

static knn_status read_history(const cJSON *json, knn__state *state)
{
    knn__names keys = {0};
    const cJSON *row;

    if (json == NULL)
        return KNN_OK;
    knn_status status = read_texts(knn__json_get(json, "keys"), "history", &keys);
    double *values = status == KNN_OK ? knn__alloc(keys.count, sizeof *values) : NULL;
    if (values != NULL)
        state->history = knn__history_new((const char *const *)keys.name, keys.count);
    if (status == KNN_OK && state->history == NULL)
        status = KNN_ERROR_MEMORY;
    cJSON_ArrayForEach(row, knn__json_get(json, "rows"))
        if (status == KNN_OK)
            status = read_row(row, state->history, values);
    knn__free(values);
    knn__names_free(&keys);
    return status;
}

static knn_status read_callback(const cJSON *json, knn__callback_state *callback)
{
    const cJSON *values = knn__json_get(json, "values"), *item;
    const char *name = knn__json_text(knn__json_get(json, "name"));
    size_t count = (size_t)cJSON_GetArraySize(values);

    if (name == NULL || !cJSON_IsObject(values))
        return damaged("callbacks");
    callback->name = knn__copy_text(name);
    callback->keys = knn__alloc(count, sizeof *callback->keys);
    callback->values = knn__alloc(count, sizeof *callback->values);
    if (callback->name == NULL || callback->keys == NULL || callback->values == NULL)
        return KNN_ERROR_MEMORY;
    cJSON_ArrayForEach(item, values) {
        if (!knn__json_real(item, &callback->values[callback->count]))
            return damaged("callbacks");
        callback->keys[callback->count] = knn__copy_text(item->string);
        if (callback->keys[callback->count++] == NULL)
            return KNN_ERROR_MEMORY;
    }
    return KNN_OK;
}

static knn_status read_callbacks(const cJSON *list, knn__training_state *training)
{
    const cJSON *item;
    knn_status status = KNN_OK;

    training->callbacks = knn__alloc((size_t)cJSON_GetArraySize(list), sizeof *training->callbacks);
    if (training->callbacks == NULL)
        return KNN_ERROR_MEMORY;
    cJSON_ArrayForEach(item, list)
        if (status == KNN_OK)
            status = read_callback(item, &training->callbacks[training->callback_count++]);
    return status;
}

static knn_status read_training(const cJSON *json, knn__state *state)
{
    knn__training_state *training = &state->training;
    const char *fingerprint = knn__json_text(knn__json_get(json, "fingerprint"));

    if (json == NULL)
        return KNN_OK;
    if (!knn__json_int(knn__json_get(json, "epoch"), &training->epoch) || training->epoch < 0 ||
        !knn__json_count(knn__json_get(json, "iteration"), &training->iteration) ||
        !knn__json_count(knn__json_get(json, "seed"), &state->seed) ||
        !knn__json_real(knn__json_get(json, "learning_rate"), &state->rate) ||
        !knn__json_bool(knn__json_get(json, "scheduled"), &state->scheduled) ||
        !knn__json_bool(knn__json_get(json, "slots"), &state->has_slots))
        return damaged("training");
    state->has_training = true;
    if (fingerprint != NULL && (training->fingerprint = knn__copy_text(fingerprint)) == NULL)
        return KNN_ERROR_MEMORY;
    return read_callbacks(knn__json_get(json, "callbacks"), training);
}

knn_status knn__state_read(const cJSON *json, knn__state *state)
{
    int format = 0;

    if (!knn__json_int(knn__json_get(json, "format"), &format))
        return damaged("format");
    if (format != FORMAT)
        return knn__fail(KNN_ERROR_VERSION, "attribute %s: format %d, this version of libknn knows format %d",
                         KNN__STATE, format, FORMAT);
    knn_status status = read_preprocessing(knn__json_get(json, "preprocessing"), state);
    if (status == KNN_OK)
        status = read_texts(knn__json_get(json, "class_names"), "class_names", &state->class_names);
    if (status == KNN_OK)
        status = read_history(knn__json_get(json, "history"), state);
    if (status == KNN_OK)
        status = read_training(knn__json_get(json, "training"), state);
    return status;
}

void knn__state_free(knn__state *state)
{
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        knn__arena_free(state->slots[i], state->slot_bytes);
    knn__training_state_clear(&state->training);
    knn__history_free(state->history);
    knn__names_free(&state->class_names);
    knn__free((void *)(uintptr_t)state->preprocessing.whitening);
    *state = (knn__state){0};
}

knn_status knn__state_read_whitening(knn__h5 *file, knn__state *state)
{
    const knn__preprocessing *p = &state->preprocessing;
    double length = (double)p->height * p->width * p->channels;

    if (!state->has_whitening)
        return KNN_OK;
    if (length > KNN__WHITENING_LIMIT)
        return damaged("zca_whitening");
    size_t count = (size_t)length * (size_t)length;
    float *matrix = knn__alloc(count, sizeof *matrix);
    state->preprocessing.whitening = matrix;
    return matrix != NULL ? knn__h5_read(file, KNN__WHITENING, matrix, count) : KNN_ERROR_MEMORY;
}

/* ---- The arrays: libknn/NAME/INDEX, one a weight ---- */

static knn_status read_arrays(knn__h5 *file, const knn_model *model, const char *name, bool trainable_only,
                              float *arena)
{
    knn_status status = KNN_OK;
    char index[24];

    for (size_t i = 0; i < model->weight_count && status == KNN_OK; i++) {
        const knn__model_weight *weight = &model->weights_table[i];
        if (trainable_only && !weight->spec.trainable)
            continue;
        snprintf(index, sizeof index, "%zu", i);
        char *path = knn__h5_path(KNN__STATE, name, index);
        status = path != NULL ? knn__h5_read(file, path, arena + weight->offset, weight->length) : KNN_ERROR_MEMORY;
        knn__free(path);
    }
    return status;
}

static knn_status read_slots(knn__h5 *file, const knn_model *model, knn__state *state)
{
    const knn__optimizer *optimizer = &model->compiled.optimizer;
    knn_status status = KNN_OK;

    state->slot_bytes = model->trainable_length * sizeof(float);
    for (int i = 0; i < optimizer->slots && status == KNN_OK; i++) {
        state->slots[i] = knn__arena_alloc(state->slot_bytes);
        status = state->slots[i] != NULL
                     ? read_arrays(file, model, knn__optimizer_slot_name(optimizer, i), true, state->slots[i])
                     : KNN_ERROR_MEMORY;
    }
    return status;
}

knn_status knn__state_read_arrays(knn__h5 *file, const knn_model *model, knn__state *state)
{
    knn_status status = state->has_slots && model->trainable_length > 0 ? read_slots(file, model, state) : KNN_OK;
    char name[48];

    for (size_t i = 0; i < state->training.callback_count && status == KNN_OK; i++) {
        snprintf(name, sizeof name, "%s/callback_%zu", KNN__STATE, i);
        if (!knn__h5_has(file, name))
            continue;
        float **weights = &state->training.callbacks[i].weights;
        *weights = knn__alloc(model->weights_length, sizeof **weights);
        status = *weights != NULL ? read_arrays(file, model, name + strlen(KNN__STATE) + 1, false, *weights)
                                  : KNN_ERROR_MEMORY;
    }
    return status;
}

/* ---- To the model ---- */

knn_status knn__state_give_classes(const knn__state *state, knn_model *model)
{
    knn_status status = KNN_OK;

    if (state->class_names.count > 0)
        status = knn__set_class_names(model, (const char *const *)state->class_names.name, state->class_names.count);
    if (status == KNN_OK && state->has_preprocessing)
        status = knn__set_preprocessing(model, &state->preprocessing);
    return status;
}

void knn__state_give_training(knn__state *state, knn_model *model)
{
    knn__optimizer *optimizer = &model->compiled.optimizer;

    knn__history_free(model->history);
    model->history = state->history;
    state->history = NULL;
    if (!state->has_training)
        return;
    knn__training_state_clear(&model->training);
    model->training = state->training;
    state->training = (knn__training_state){0};
    optimizer->rate = state->rate;
    if (!state->scheduled)
        optimizer->schedule = NULL;
    for (int i = 0; i < KNN_MAX_SLOTS; i++) {
        knn__arena_free(model->slots[i], model->trainable_length * sizeof(float));
        model->slots[i] = state->slots[i];
        state->slots[i] = NULL;
    }
}
