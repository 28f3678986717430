/* A user's function as a callback: hands it the event, and its answer to fit. */
#include "core/status.h"
#include "training/callbacks.h"

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_function_callback *options = callback->description;
    (void)training;
    return options->function != NULL ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "the function is NULL");
}

/* The function's own error text, where it left one, goes behind ours. */
static knn_status refuse(knn_status answer)
{
    char reason[512];
    knn__save_error(reason, sizeof reason);
    return knn__fail(KNN_ERROR_CALLBACK, "the user's function returned %s (%d)%s%s", knn_status_name(answer), (int)answer,
                     reason[0] != '\0' ? ": " : "", reason);
}

/* Behind the last of the logs that have values at this point. */
static int logs_end(knn_event_kind kind, const knn__logs *logs)
{
    switch (kind) {
    case KNN_BATCH_END: return logs->training;
    case KNN_TEST_END: return logs->rate;
    case KNN_EPOCH_END: return logs->count;
    default: return 0;
    }
}

static knn_status call(knn__callback *callback, knn__training *training, knn_event_kind kind)
{
    const knn_function_callback *options = callback->description;
    const knn__logs *logs = &training->logs;
    const int first = kind == KNN_TEST_END ? logs->training : 0;
    knn_event event = {
        .size = sizeof event, .kind = kind, .model = training->model,
        .epoch = training->epoch, .epochs = training->options.epochs,
        .batch = training->batch, .batches = training->batches,
        .log_count = (size_t)(logs_end(kind, logs) - first),
        .log_names = (const char *const *)logs->names + first, .log_values = logs->values + first};
    knn__clear_error();
    knn_status answer = options->function(&event, options->user);
    if (answer != KNN_OK && answer != KNN_STOP)
        return refuse(answer);
    if (answer == KNN_STOP && kind != KNN_TRAIN_END) {
        training->stop = true;
        training->interrupted = true;
    }
    return KNN_OK;
}

static knn_status train_begin(knn__callback *c, knn__training *t) { return call(c, t, KNN_TRAIN_BEGIN); }
static knn_status epoch_begin(knn__callback *c, knn__training *t) { return call(c, t, KNN_EPOCH_BEGIN); }
static knn_status batch_begin(knn__callback *c, knn__training *t) { return call(c, t, KNN_BATCH_BEGIN); }
static knn_status batch_end(knn__callback *c, knn__training *t) { return call(c, t, KNN_BATCH_END); }
static knn_status test_begin(knn__callback *c, knn__training *t) { return call(c, t, KNN_TEST_BEGIN); }
static knn_status test_end(knn__callback *c, knn__training *t) { return call(c, t, KNN_TEST_END); }
static knn_status epoch_end(knn__callback *c, knn__training *t) { return call(c, t, KNN_EPOCH_END); }
static knn_status train_end(knn__callback *c, knn__training *t) { return call(c, t, KNN_TRAIN_END); }

const knn__callback_kind knn__function_kind = {
    .kind = {.class_name = "LambdaCallback", .size = sizeof(knn_function_callback)}, .create = create,
    .on = {[KNN_TRAIN_BEGIN] = train_begin, [KNN_EPOCH_BEGIN] = epoch_begin, [KNN_BATCH_BEGIN] = batch_begin,
           [KNN_BATCH_END] = batch_end, [KNN_TEST_BEGIN] = test_begin, [KNN_TEST_END] = test_end,
           [KNN_EPOCH_END] = epoch_end, [KNN_TRAIN_END] = train_end}};
