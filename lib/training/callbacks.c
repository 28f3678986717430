/* The callbacks of a fit: copied, created, called in the order given, their states saved and restored. Knows no single one
 * of them but their table. */
#include "training/callbacks.h"

#include "core/memory.h"
#include "core/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const knn__kind *const kinds[] = {
    &knn__progress_bar_kind.kind, &knn__csv_logger_kind.kind, &knn__model_checkpoint_kind.kind, &knn__backup_kind.kind,
    &knn__early_stopping_kind.kind, &knn__reduce_lr_kind.kind, &knn__learning_rate_scheduler_kind.kind,
    &knn__terminate_on_nan_kind.kind, &knn__tensorboard_kind.kind, &knn__swap_ema_weights_kind.kind, &knn__function_kind.kind, NULL};

/* ---- From descriptions to running callbacks ---- */

static knn_status describe(knn__training *training, int place, knn__callback *callback)
{
    const knn__kind *kind = NULL;
    const knn_callback *given = training->options.callbacks[place];
    knn_status status = knn__describe_any(kinds, given, "callback", &kind, &callback->description);
    if (status != KNN_OK)
        return status;
    callback->kind = (const knn__callback_kind *)kind;
    callback->place = place + 1;
    callback->only_watches = callback->kind->only_watches;
    callback->state = knn__alloc(1, callback->kind->state_size);
    return callback->state != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

/* Those that come last change places with the ones behind them. */
static void move_last_ones(knn__training *training)
{
    int moved = 0;
    for (int i = training->callback_count - 1; i >= 0; i--) {
        if (!training->callbacks[i].kind->last)
            continue;
        knn__callback last = training->callbacks[i];
        for (int k = i; k + 1 < training->callback_count - moved; k++)
            training->callbacks[k] = training->callbacks[k + 1];
        training->callbacks[training->callback_count - ++moved] = last;
    }
}

knn_status knn__callbacks_describe(knn__training *training, bool *logs_rate)
{
    *logs_rate = false;
    training->callbacks = knn__alloc(KNN_MAX_CALLBACKS, sizeof *training->callbacks);
    if (training->callbacks == NULL)
        return KNN_ERROR_MEMORY;
    for (int place = 0; place < KNN_MAX_CALLBACKS; place++) {
        if (training->options.callbacks[place] == NULL)
            continue;
        knn__callback *callback = &training->callbacks[training->callback_count++];
        knn_status status = describe(training, place, callback);
        if (status != KNN_OK)
            return status;
        *logs_rate = *logs_rate || callback->kind->logs_rate;
    }
    move_last_ones(training);
    return KNN_OK;
}

knn_status knn__callbacks_create(knn__training *training)
{
    knn_status status = KNN_OK;
    for (int i = 0; i < training->callback_count && status == KNN_OK; i++) {
        knn__callback *callback = &training->callbacks[i];
        if (callback->kind->create != NULL)
            status = callback->kind->create(callback, training);
        if (status != KNN_OK)
            knn__context(status, "%s", callback->kind->kind.class_name);
    }
    return status;
}

void knn__callbacks_free(knn__training *training)
{
    for (int i = 0; i < training->callback_count; i++) {
        knn__callback *callback = &training->callbacks[i];
        if (callback->state != NULL && callback->kind->destroy != NULL)
            callback->kind->destroy(callback);
        if (callback->description != NULL)
            knn__forget(&callback->kind->kind, callback->description);
        knn__free(callback->state);
        knn__free(callback->weights);
    }
    knn__free(training->callbacks);
}

knn_status knn__callbacks_notify(knn__training *training, knn_event_kind event)
{
    /* Within an epoch callbacks read weights by functions that see to it themselves. */
    bool within = event == KNN_BATCH_BEGIN || event == KNN_BATCH_END;
    knn_status status = within ? KNN_OK : knn__arrays_return(training->model);
    for (int i = 0; i < training->callback_count && status == KNN_OK; i++) {
        knn__callback *callback = &training->callbacks[i];
        knn__callback_function *function = callback->kind->on[event];
        if (function != NULL)
            status = function(callback, training);
        if (status != KNN_OK)
            knn__context(status, "%s", callback->kind->kind.class_name);
    }
    return status;
}

bool knn__callbacks_only_watch(const knn__training *training)
{
    for (int i = 0; i < training->callback_count; i++) {
        const knn__callback *callback = &training->callbacks[i];
        bool told = callback->kind->on[KNN_BATCH_BEGIN] != NULL || callback->kind->on[KNN_BATCH_END] != NULL;
        if (told && !callback->only_watches)
            return false;
    }
    return true;
}

/* ---- States ---- */

static void state_name(const knn__callback *callback, char *name, size_t size)
{
    snprintf(name, size, "%s %d", callback->kind->kind.class_name, callback->place);
}

static double *number_of(const knn__callback *callback, const knn__state_number *number)
{
    return (double *)(void *)((char *)callback->state + number->offset);
}

/* A number that is not finite is the one that create begins with: it needs no place in a file. */
static knn_status save_numbers(const knn__callback *callback, knn__callback_state *saved)
{
    size_t count = 0;
    while (callback->kind->numbers[count].key != NULL)
        count++;
    saved->keys = knn__alloc(count, sizeof *saved->keys);
    saved->values = knn__alloc(count, sizeof *saved->values);
    if (saved->keys == NULL || saved->values == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const knn__state_number *number = &callback->kind->numbers[i];
        if (!isfinite(*number_of(callback, number)))
            continue;
        saved->keys[saved->count] = knn__copy_text(number->key);
        if (saved->keys[saved->count] == NULL)
            return KNN_ERROR_MEMORY;
        saved->values[saved->count++] = *number_of(callback, number);
    }
    return KNN_OK;
}

static knn_status save_one(const knn__callback *callback, size_t weights_length, knn__callback_state *saved)
{
    char name[64];
    state_name(callback, name, sizeof name);
    saved->name = knn__copy_text(name);
    if (saved->name == NULL)
        return KNN_ERROR_MEMORY;
    if (callback->weights != NULL) {
        saved->weights = knn__alloc(weights_length, sizeof *saved->weights);
        if (saved->weights == NULL)
            return KNN_ERROR_MEMORY;
        memcpy(saved->weights, callback->weights, weights_length * sizeof *saved->weights);
    }
    return save_numbers(callback, saved);
}

knn_status knn__callbacks_save_state(const knn__training *training)
{
    knn_model *model = training->model;
    knn_status status = KNN_OK;
    knn__training_state_forget_callbacks(&model->training);
    model->training.callbacks = knn__alloc((size_t)training->callback_count, sizeof *model->training.callbacks);
    if (model->training.callbacks == NULL)
        return KNN_ERROR_MEMORY;
    for (int i = 0; i < training->callback_count && status == KNN_OK; i++)
        if (training->callbacks[i].kind->numbers != NULL)
            status = save_one(&training->callbacks[i], model->weights_length,
                              &model->training.callbacks[model->training.callback_count++]);
    return status;
}

static void restore_one(const knn__callback_state *saved, size_t weights_length, knn__callback *callback)
{
    for (const knn__state_number *number = callback->kind->numbers; number->key != NULL; number++)
        for (size_t i = 0; i < saved->count; i++)
            if (strcmp(saved->keys[i], number->key) == 0)
                *number_of(callback, number) = saved->values[i];
    if (saved->weights != NULL && callback->weights != NULL)
        memcpy(callback->weights, saved->weights, weights_length * sizeof *saved->weights);
}

void knn__callbacks_restore_state(knn__training *training)
{
    const knn__training_state *state = &training->model->training;
    for (int i = 0; i < training->callback_count; i++) {
        char name[64];
        state_name(&training->callbacks[i], name, sizeof name);
        for (size_t k = 0; k < state->callback_count; k++)
            if (training->callbacks[i].kind->numbers != NULL && strcmp(state->callbacks[k].name, name) == 0)
                restore_one(&state->callbacks[k], training->model->weights_length, &training->callbacks[i]);
    }
}
