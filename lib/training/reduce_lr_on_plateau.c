/* ReduceLROnPlateau: a smaller learning rate when the monitored number stops improving (Keras' rules). */
#include "core/status.h"
#include "training/callbacks.h"

#include <float.h>
#include <limits.h>
#include <math.h>

typedef struct plateau {
    knn__monitor monitor;
    double best, wait, cooldown;            /* cooldown: epochs left in which nothing counts */
} plateau;

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_reduce_lr_callback *options = callback->description;
    plateau *state = callback->state;
    if (!(options->factor < 1.0))
        return knn__fail(KNN_ERROR_ARGUMENT, "factor is %g, expected below 1", options->factor);
    knn_status status = knn__monitor_resolve(training, options->monitor, options->mode, &state->monitor);
    if (status == KNN_OK)
        state->best = knn__monitor_worst(&state->monitor);
    return status;
}

static knn_status epoch_end(knn__callback *callback, knn__training *training)
{
    const knn_reduce_lr_callback *options = callback->description;
    plateau *state = callback->state;
    double value = knn__monitor_value(&state->monitor, training), rate = knn_learning_rate(training->model);
    if (state->cooldown > 0.0) {
        state->cooldown--;
        state->wait = 0.0;
    }
    if (knn__monitor_improved(&state->monitor, value, state->best, fabs(options->min_delta))) {
        state->best = value;
        state->wait = 0.0;
        return KNN_OK;
    }
    if (state->cooldown > 0.0)
        return KNN_OK;
    state->wait++;
    if (state->wait < options->patience || rate <= options->min_lr)
        return KNN_OK;
    state->cooldown = options->cooldown;
    state->wait = 0.0;
    return knn_set_learning_rate(training->model, fmax(rate * options->factor, options->min_lr));
}

#define FIELD(member) .offset = offsetof(knn_reduce_lr_callback, member), .name = #member
static const knn_field fields[] = {
    {FIELD(factor), .kind = KNN_FIELD_REAL, .normal = 0.1, .least = 0, .most = DBL_MAX},
    {FIELD(patience), .kind = KNN_FIELD_INT, .normal = 10, .least = 0, .most = INT_MAX},
    {FIELD(min_delta), .kind = KNN_FIELD_REAL, .normal = 1e-4, .least = 0, .most = DBL_MAX},
    {FIELD(cooldown), .kind = KNN_FIELD_INT, .least = 0, .most = INT_MAX},
    {FIELD(min_lr), .kind = KNN_FIELD_REAL, .least = 0, .most = DBL_MAX},
    {FIELD(mode), .kind = KNN_FIELD_ENUM, .nested = knn__mode_names}, {0}};

static const knn__state_number numbers[] = {
    {"best", offsetof(plateau, best)}, {"wait", offsetof(plateau, wait)}, {"cooldown", offsetof(plateau, cooldown)}, {NULL, 0}};

const knn__callback_kind knn__reduce_lr_kind = {
    .kind = {.class_name = "ReduceLROnPlateau", .size = sizeof(knn_reduce_lr_callback), .fields = fields},
    .state_size = sizeof(plateau), .numbers = numbers, .logs_rate = true, .create = create,
    .on = {[KNN_EPOCH_END] = epoch_end}};
