/* EarlyStopping, by Keras 3's rules: the best weights come back at the end of training, however it ends by itself. */
#include "core/memory.h"
#include "core/options.h"
#include "training/callbacks.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

typedef struct early_stopping {
    knn__monitor monitor;
    bool has_baseline;
    double baseline;
    double best, wait, stopped, kept;       /* stopped: training has ended; kept: callback->weights are the best ones */
} early_stopping;

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_early_stopping_callback *options = callback->description;
    early_stopping *state = callback->state;
    knn_status status = knn__monitor_resolve(training, options->monitor, options->mode, &state->monitor);
    if (status != KNN_OK)
        return status;
    state->has_baseline = options->baseline != 0.0;
    state->baseline = knn__real_or(options->baseline, 0.0);
    state->best = knn__monitor_worst(&state->monitor);
    if (options->restore_best_weights)
        callback->weights = knn__alloc(training->model->weights_length, sizeof *callback->weights);
    return options->restore_best_weights && callback->weights == NULL ? KNN_ERROR_MEMORY : KNN_OK;
}

/* A training that was stopped, but killed before it ended, stays stopped. */
static knn_status train_begin(knn__callback *callback, knn__training *training)
{
    const early_stopping *state = callback->state;
    training->stop = training->stop || state->stopped > 0.0;
    return KNN_OK;
}

static void keep_weights(knn__callback *callback, const knn__training *training)
{
    if (callback->weights == NULL)
        return;
    memcpy(callback->weights, training->model->weights, training->model->weights_length * sizeof *callback->weights);
    ((early_stopping *)callback->state)->kept = 1.0;
}

static knn_status epoch_end(knn__callback *callback, knn__training *training)
{
    const knn_early_stopping_callback *options = callback->description;
    early_stopping *state = callback->state;
    double value = knn__monitor_value(&state->monitor, training), delta = fabs(options->min_delta);
    if (training->epoch < options->start_from_epoch)
        return KNN_OK;
    if (state->kept == 0.0)
        keep_weights(callback, training);
    state->wait++;
    if (knn__monitor_improved(&state->monitor, value, state->best, delta)) {
        state->best = value;
        keep_weights(callback, training);
        if (!state->has_baseline || knn__monitor_improved(&state->monitor, value, state->baseline, delta))
            state->wait = 0.0;
    } else if (state->wait >= options->patience && training->epoch > 0) {
        state->stopped = 1.0;
        training->stop = true;
    }
    return KNN_OK;
}

static knn_status train_end(knn__callback *callback, knn__training *training)
{
    const early_stopping *state = callback->state;
    if (state->kept > 0.0) {
        memcpy(training->model->weights, callback->weights, training->model->weights_length * sizeof *callback->weights);
        knn__weights_changed(training->model);
    }
    return KNN_OK;
}

#define FIELD(member) .offset = offsetof(knn_early_stopping_callback, member), .name = #member
static const knn_field fields[] = {
    {FIELD(patience), .kind = KNN_FIELD_INT, .least = 0, .most = INT_MAX},
    {FIELD(min_delta), .kind = KNN_FIELD_REAL, .least = -DBL_MAX, .most = DBL_MAX},
    {FIELD(start_from_epoch), .kind = KNN_FIELD_INT, .least = 0, .most = INT_MAX},
    {FIELD(mode), .kind = KNN_FIELD_ENUM, .nested = knn__mode_names}, {0}};

static const knn__state_number numbers[] = {
    {"best", offsetof(early_stopping, best)}, {"wait", offsetof(early_stopping, wait)},
    {"stopped", offsetof(early_stopping, stopped)}, {"kept", offsetof(early_stopping, kept)}, {NULL, 0}};

const knn__callback_kind knn__early_stopping_kind = {
    .kind = {.class_name = "EarlyStopping", .size = sizeof(knn_early_stopping_callback), .fields = fields},
    .state_size = sizeof(early_stopping), .numbers = numbers, .create = create,
    .on = {[KNN_TRAIN_BEGIN] = train_begin, [KNN_EPOCH_END] = epoch_end, [KNN_TRAIN_END] = train_end}};
