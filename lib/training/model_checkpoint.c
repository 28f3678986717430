/* ModelCheckpoint: saves the model, or its weights, after each epoch or each better one. How a file looks is lib/keras'. */
#include "core/file.h"
#include "core/status.h"
#include "keras/keras.h"
#include "training/callbacks.h"

typedef struct checkpoint {
    knn__monitor monitor;
    double best;
} checkpoint;

/* A full disk or an unwritable folder is found now, not after the first epoch. */
static knn_status try_path(const knn_model_checkpoint_callback *options, const knn__training *training)
{
    knn__text path = {0};
    knn_status status = knn__expand_path(options->path, training, &path);
    if (status == KNN_OK)
        status = knn__try_path(path.data);
    knn__text_free(&path);
    return status;
}

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_model_checkpoint_callback *options = callback->description;
    checkpoint *state = callback->state;
    if (options->path == NULL || options->path[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "the path is %s", options->path == NULL ? "NULL" : "empty");
    if (options->save_best_only || options->monitor != NULL) {
        knn_status status = knn__monitor_resolve(training, options->monitor, options->mode, &state->monitor);
        if (status != KNN_OK)
            return status;
        state->best = knn__monitor_worst(&state->monitor);
    }
    return try_path(options, training);
}

static knn_status epoch_end(knn__callback *callback, knn__training *training)
{
    const knn_model_checkpoint_callback *options = callback->description;
    checkpoint *state = callback->state;
    if (options->save_best_only) {
        double value = knn__monitor_value(&state->monitor, training);
        if (!knn__monitor_improved(&state->monitor, value, state->best, 0.0))
            return KNN_OK;
        state->best = value;
    }
    knn__text path = {0};
    knn_status status = knn__expand_path(options->path, training, &path);
    if (status == KNN_OK)
        status = knn__save(training->model, path.data, options->save_weights_only ? KNN__SAVE_WEIGHTS : KNN__SAVE_MODEL);
    knn__text_free(&path);
    return status;
}

static const knn_field fields[] = {
    {.name = "mode", .kind = KNN_FIELD_ENUM, .offset = offsetof(knn_model_checkpoint_callback, mode),
        .nested = knn__mode_names}, {0}};

static const knn__state_number numbers[] = {{"best", offsetof(checkpoint, best)}, {NULL, 0}};

const knn__callback_kind knn__model_checkpoint_kind = {
    .kind = {.class_name = "ModelCheckpoint", .size = sizeof(knn_model_checkpoint_callback), .fields = fields},
    .state_size = sizeof(checkpoint), .numbers = numbers, .create = create, .on = {[KNN_EPOCH_END] = epoch_end}};
