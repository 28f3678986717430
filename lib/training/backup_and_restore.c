/* BackupAndRestore: the state of the training after each epoch, in a file from which the next fit goes on bit for bit. It is
 * called behind all other callbacks, because it keeps their states, too. How the file is written is lib/keras'.
 *
 * The file goes when training ends by itself: all epochs done, or ended by a built-in callback. It stays when a user's function
 * ended it (KNN_STOP, say, after Ctrl-C) or it failed: the next fit goes on. An epoch that was cut short is done again from its
 * beginning. */
#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"
#include "keras/keras.h"
#include "training/callbacks.h"

#include <errno.h>
#include <unistd.h>

/* All that must be the same for a training to go on: the model's share, then what fit was called with. */
static void add_fingerprint(const knn__training *training, knn__text *text)
{
    const knn_fit_options *options = &training->options;
    const knn_dataset *data = options->data;
    knn__fingerprint(training->model, text);
    knn__text_add(text, "batch size: %d\n", options->batch_size);
    knn__text_add(text, "shuffled: %s\n", options->no_shuffle ? "no" : "yes");
    knn__text_add(text, "training samples: %zu\n", data->samples);
    if (options->validation_data != NULL)
        knn__text_add(text, "validation samples: %zu\n", options->validation_data->samples);
    knn__text_add(text, "steps per epoch: %zu\n", training->batches);
    knn__text_add(text, "class weights:");
    for (size_t i = 0; i < options->class_weight_count; i++)
        knn__text_add(text, " %.17g", options->class_weight[i]);
    knn__text_add(text, "\nclasses:");
    for (size_t i = 0; i < data->class_count; i++)
        knn__text_add(text, " %s", data->class_names[i]);
    knn__text_add(text, "\nlogs:");
    for (int i = 0; i < training->logs.count; i++)
        knn__text_add(text, " %s", training->logs.names[i]);
    knn__text_add(text, "\n");
}

static knn_status restore(const char *path, knn__training *training)
{
    knn_model *model = training->model;
    knn_status status = knn__restore(model, path, model->training.fingerprint);
    if (status != KNN_OK)
        return status;
    knn__callbacks_restore_state(training);
    knn__training_state_forget_callbacks(&model->training);
    training->options.initial_epoch = model->training.epoch;
    training->resumed = true;
    return KNN_OK;
}

/* The others exist by now: a file that is there gives them their states back. */
static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_backup_callback *options = callback->description;
    knn__training_state *state = &training->model->training;
    knn__text fingerprint = {0};
    if (options->path == NULL || options->path[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "the path is %s", options->path == NULL ? "NULL" : "empty");
    for (int i = 0; i < training->callback_count; i++)
        if (training->callbacks[i].kind == callback->kind && &training->callbacks[i] != callback)
            return knn__fail(KNN_ERROR_ARGUMENT, "a training has one backup, not two");
    knn_status status = knn__try_path(options->path);
    if (status != KNN_OK)
        return status;
    add_fingerprint(training, &fingerprint);
    if (fingerprint.failed) {
        knn__text_free(&fingerprint);
        return KNN_ERROR_MEMORY;
    }
    knn__free(state->fingerprint);
    state->fingerprint = fingerprint.data;
    return access(options->path, F_OK) == 0 ? restore(options->path, training) : KNN_OK;
}

static knn_status epoch_end(knn__callback *callback, knn__training *training)
{
    const knn_backup_callback *options = callback->description;
    knn_status status = knn__callbacks_save_state(training);
    if (status == KNN_OK)
        status = knn__save(training->model, options->path, KNN__SAVE_MODEL);
    knn__training_state_forget_callbacks(&training->model->training);
    return status;
}

static knn_status train_end(knn__callback *callback, knn__training *training)
{
    const knn_backup_callback *options = callback->description;
    if (options->no_delete || training->interrupted || unlink(options->path) == 0 || errno == ENOENT)
        return KNN_OK;
    return knn__system_error(options->path, "delete", errno);
}

const knn__callback_kind knn__backup_kind = {
    .kind = {.class_name = "BackupAndRestore", .size = sizeof(knn_backup_callback)}, .last = true, .create = create,
    .on = {[KNN_EPOCH_END] = epoch_end, [KNN_TRAIN_END] = train_end}};
