/* LearningRateScheduler: a user's function sets the learning rate at the beginning of each epoch. */
#include "core/status.h"
#include "training/callbacks.h"

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_learning_rate_scheduler_callback *options = callback->description;
    (void)training;
    return options->function != NULL ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "the function is NULL");
}

static knn_status epoch_begin(knn__callback *callback, knn__training *training)
{
    const knn_learning_rate_scheduler_callback *options = callback->description;
    double rate = knn_learning_rate(training->model);
    return knn_set_learning_rate(training->model, options->function(training->epoch, rate, options->user));
}

const knn__callback_kind knn__learning_rate_scheduler_kind = {
    .kind = {.class_name = "LearningRateScheduler", .size = sizeof(knn_learning_rate_scheduler_callback)},
    .logs_rate = true, .create = create, .on = {[KNN_EPOCH_BEGIN] = epoch_begin}};
