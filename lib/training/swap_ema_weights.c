/* SwapEMAWeights: the weights and their average change places for the validation, or from the end of an epoch to the next one's begin.
 * Keeps no average: that is the optimizer's (.use_ema). */
#include "core/status.h"
#include "training/callbacks.h"

#include <string.h>

typedef struct swap {
    knn_model *model;
    double swapped;                         /* 1: the model has the average now; a number, since a backup keeps it */
} swap;

/* The last one in use. */
static float *average_of(const knn_model *model) { return model->slots[model->compiled.optimizer.slots - 1]; }

static void change_places(swap *state)
{
    knn_model *model = state->model;
    float *weights = model->weights, *average = average_of(model);
    for (size_t i = 0; i < model->trainable_length; i++) {
        float kept = weights[i];
        weights[i] = average[i];
        average[i] = kept;
    }
    knn__weights_changed(model);
    state->swapped = 1 - state->swapped;
}

static knn_status create(knn__callback *callback, knn__training *training)
{
    swap *state = callback->state;
    state->model = training->model;
    return training->model->compiled.optimizer.use_ema
               ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "expected an optimizer with .use_ema, got one without");
}

static bool on_epoch(const knn__callback *callback) { return ((const knn_swap_ema_weights_callback *)callback->description)->swap_on_epoch; }

static knn_status to_average(knn__callback *callback, knn__training *training)
{
    swap *state = callback->state;
    (void)training;
    if (state->swapped < 1)
        change_places(state);
    return KNN_OK;
}

static knn_status to_weights(knn__callback *callback, knn__training *training)
{
    swap *state = callback->state;
    (void)training;
    if (state->swapped > 0)
        change_places(state);
    return KNN_OK;
}

static knn_status epoch_begin(knn__callback *callback, knn__training *training)
{
    return on_epoch(callback) ? to_weights(callback, training) : KNN_OK;
}

/* The end of a training makes the average the weights: behind the last epoch, as in Keras, both are the average. */
static knn_status epoch_end(knn__callback *callback, knn__training *training)
{
    const knn_model *model = training->model;
    if (!on_epoch(callback))
        return KNN_OK;
    to_average(callback, training);
    if (training->epoch == training->options.epochs - 1)
        memcpy(average_of(model), model->weights, model->trainable_length * sizeof(float));
    return KNN_OK;
}

/* Where a failure ended the training in between, the model is as after its last step. */
static void destroy(knn__callback *callback) { to_weights(callback, NULL); }

static const knn_field fields[] = {
    {.name = "swap_on_epoch", .kind = KNN_FIELD_BOOL, .offset = offsetof(knn_swap_ema_weights_callback, swap_on_epoch)}, {0}};
static const knn__state_number numbers[] = {{"swapped", offsetof(swap, swapped)}, {NULL, 0}};

const knn__callback_kind knn__swap_ema_weights_kind = {
    .kind = {.class_name = "SwapEMAWeights", .size = sizeof(knn_swap_ema_weights_callback), .fields = fields},
    .state_size = sizeof(swap), .numbers = numbers, .create = create, .destroy = destroy,
    .on = {[KNN_EPOCH_BEGIN] = epoch_begin, [KNN_EPOCH_END] = epoch_end, [KNN_TEST_BEGIN] = to_average, [KNN_TEST_END] = to_weights}};
