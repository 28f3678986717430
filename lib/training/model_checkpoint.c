/* ModelCheckpoint: saves the model, or its weights, after each epoch, each n-th batch, or each better one. How a file
 * looks is lib/keras'. */
#include "core/file.h"
#include "core/options.h"
#include "core/status.h"
#include "keras/keras.h"
#include "training/callbacks.h"

#include <limits.h>

typedef struct checkpoint {
    knn__monitor monitor;
    double best;
    double batches;                         /* since the last one, with a save_freq */
} checkpoint;

/* The path of now; the folders that it is in are made. */
static knn_status make_path(const knn_model_checkpoint_callback *options, const knn__training *training, knn__text *path)
{
    knn_status status = knn__expand_path(options->path, training, options->save_freq > 0, path);
    return status == KNN_OK ? knn__make_directories_above(path->data) : status;
}

/* A full disk or an unwritable folder is found now, not after the first epoch. */
static knn_status try_path(const knn_model_checkpoint_callback *options, const knn__training *training)
{
    knn__text path = {0};
    knn_status status = make_path(options, training, &path);
    if (status == KNN_OK)
        status = knn__try_path(path.data);
    knn__text_free(&path);
    return status;
}

static knn_status resolve_monitor(knn__callback *callback, const knn__training *training)
{
    const knn_model_checkpoint_callback *options = callback->description;
    checkpoint *state = callback->state;
    knn_status status = knn__monitor_resolve(training, options->monitor, options->mode, &state->monitor);
    if (status != KNN_OK)
        return status;
    if (options->save_freq > 0 && state->monitor.log >= training->logs.training)
        return knn__fail(KNN_ERROR_ARGUMENT, "monitor \"%s\" is not known within an epoch: save_freq wants a number of the training",
                         training->logs.names[state->monitor.log]);
    state->best = options->initial_value_threshold != 0.0 ? knn__real_or(options->initial_value_threshold, 0.0)
                                                          : knn__monitor_worst(&state->monitor);
    return KNN_OK;
}

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_model_checkpoint_callback *options = callback->description;
    knn_status status = KNN_OK;
    callback->only_watches = options->save_freq == 0;
    if (options->path == NULL || options->path[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "the path is %s", options->path == NULL ? "NULL" : "empty");
    if (options->save_best_only || options->monitor != NULL)
        status = resolve_monitor(callback, training);
    return status == KNN_OK ? try_path(options, training) : status;
}

static knn_status save(knn__callback *callback, const knn__training *training)
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
    knn_status status = make_path(options, training, &path);
    if (status == KNN_OK)
        status = knn__save(training->model, path.data, options->save_weights_only ? KNN__SAVE_WEIGHTS : KNN__SAVE_MODEL);
    knn__text_free(&path);
    return status;
}

static knn_status batch_end(knn__callback *callback, knn__training *training)
{
    const knn_model_checkpoint_callback *options = callback->description;
    checkpoint *state = callback->state;
    if (options->save_freq == 0 || ++state->batches < options->save_freq)
        return KNN_OK;
    state->batches = 0.0;
    return save(callback, training);
}

static knn_status epoch_end(knn__callback *callback, knn__training *training)
{
    const knn_model_checkpoint_callback *options = callback->description;
    return options->save_freq == 0 ? save(callback, training) : KNN_OK;
}

#define FIELD(member) .offset = offsetof(knn_model_checkpoint_callback, member), .name = #member
static const knn_field fields[] = {
    {FIELD(mode), .kind = KNN_FIELD_ENUM, .nested = knn__mode_names},
    {FIELD(save_freq), .kind = KNN_FIELD_INT, .least = 0, .most = INT_MAX}, {0}};

static const knn__state_number numbers[] = {
    {"best", offsetof(checkpoint, best)}, {"batches", offsetof(checkpoint, batches)}, {NULL, 0}};

const knn__callback_kind knn__model_checkpoint_kind = {
    .kind = {.class_name = "ModelCheckpoint", .size = sizeof(knn_model_checkpoint_callback), .fields = fields},
    .state_size = sizeof(checkpoint), .numbers = numbers, .create = create,
    .on = {[KNN_BATCH_END] = batch_end, [KNN_EPOCH_END] = epoch_end}};
