/* fit: Keras' training loop. What a step is: a batch of samples (fit_batch.c). Around it: the order of the samples, epochs, validation, history,
 * callbacks. Knows no single callback, loss or optimizer; which data: fit_data.c. */
#include "core/memory.h"
#include "core/options.h"
#include "core/random.h"
#include "core/status.h"
#include "model/history.h"
#include "training/callbacks.h"

#include <math.h>
#include <string.h>

enum { BATCH_SIZE = 32 };

/* What an epoch needs beside the model: made once, before the first one. */
typedef struct buffers {
    size_t *order;                          /* [samples]: the epoch's order */
    knn__batches batches;
    knn__fit_parts parts;
} buffers;

/* ---- One epoch ---- */

/* Logs within an epoch are running means over samples, so that a short last batch counts by its size. */
static knn_status train_batches(knn__training *training, buffers *b)
{
    knn__metric *metrics = training->model->compiled.metrics;
    double *logs = training->logs.values, loss = 0.0, samples = 0.0;
    for (int i = 0; i < training->model->compiled.metric_count; i++)
        knn__metric_reset(&metrics[i]);

    for (; training->batch < training->batches && !training->stop; training->batch++) {
        int images;
        knn_status status = knn__callbacks_notify(training, KNN_BATCH_BEGIN);
        if (status != KNN_OK)
            return status;
        status = knn__train_batch(training, &b->batches, b->order, &images);
        if (status != KNN_OK)
            return knn__context(status, "epoch %d, batch %zu", training->epoch + 1, training->batch + 1);
        loss += training->batch_loss * images;
        samples += images;
        logs[0] = loss / samples;
        for (int i = 0; i < training->model->compiled.metric_count; i++)
            logs[1 + i] = knn__metric_value(&metrics[i]);
        status = knn__callbacks_notify(training, KNN_BATCH_END);
        if (status != KNN_OK)
            return status;
    }
    return KNN_OK;
}

static knn_status validate(knn__training *training)
{
    const knn_fit_options *options = &training->options;
    knn__evaluation result;
    if (options->validation_data == NULL)
        return KNN_OK;
    knn_status status = knn__callbacks_notify(training, KNN_TEST_BEGIN);
    if (status == KNN_OK)
        status = knn__evaluate(training->model, options->validation_data, options->validation_batch_size, &result);
    for (int i = 0; status == KNN_OK && i < result.count; i++)
        training->logs.values[training->logs.training + i] = result.values[i];
    return status == KNN_OK ? knn__callbacks_notify(training, KNN_TEST_END) : status;
}

/* The numbers of a whole epoch: into the history, then to the callbacks. */
static knn_status end_epoch(knn__training *training)
{
    knn_model *model = training->model;
    knn__logs *logs = &training->logs;
    knn_status status = validate(training);
    if (status != KNN_OK)
        return status;
    if (logs->rate < logs->count)
        logs->values[logs->rate] = knn_learning_rate(model);
    status = knn__history_append(model->history, training->epoch, logs->values);
    if (status != KNN_OK)
        return status;
    model->training.epoch = training->epoch + 1;
    return knn__callbacks_notify(training, KNN_EPOCH_END);
}

static knn_status train_epoch(knn__training *training, buffers *b)
{
    const knn_dataset *data = training->options.data;
    training->batch = 0;
    if (!training->options.no_shuffle)
        knn__shuffle(training->model->seed, training->epoch, b->order, data->samples);
    knn_status status = knn__callbacks_notify(training, KNN_EPOCH_BEGIN);
    if (status == KNN_OK)
        status = train_batches(training, b);
    return status != KNN_OK || training->interrupted ? status : end_epoch(training);
}

static knn_status train(knn__training *training, buffers *b)
{
    training->epoch = training->options.initial_epoch;
    knn_status status = knn__callbacks_notify(training, KNN_TRAIN_BEGIN);
    for (; status == KNN_OK && training->epoch < training->options.epochs && !training->stop; training->epoch++)
        status = train_epoch(training, b);
    if (status == KNN_OK && !training->interrupted)
        knn__train_finish(training->model);
    return status == KNN_OK ? knn__callbacks_notify(training, KNN_TRAIN_END) : status;
}

/* ---- Before the first epoch ---- */

static knn_status check_number(const char *name, int value, int least)
{
    return value >= least ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "%s is %d, expected at least %d", name, value, least);
}

static knn_status read_options(const knn_fit_options *given, knn_fit_options *options)
{
    size_t size = given != NULL ? given->size : 0;
    knn_status status = knn__copy_options(options, sizeof *options, given, size, "knn_fit options");
    if (status == KNN_OK)
        status = check_number("epochs", options->epochs, 0);
    if (status == KNN_OK)
        status = check_number("initial_epoch", options->initial_epoch, 0);
    if (status == KNN_OK)
        status = check_number("batch_size", options->batch_size, 0);
    if (status == KNN_OK)
        status = check_number("steps_per_epoch", options->steps_per_epoch, 0);
    if (status == KNN_OK)
        status = check_number("validation_batch_size", options->validation_batch_size, 0);
    if (status == KNN_OK)
        status = check_number("validation_steps", options->validation_steps, 0);
    for (size_t i = 0; status == KNN_OK && options->class_weight != NULL && i < options->class_weight_count; i++)
        if (!isfinite(options->class_weight[i]))
            status = knn__fail(KNN_ERROR_ARGUMENT, "class_weight[%zu] is %g", i, options->class_weight[i]);
    options->epochs = options->epochs == 0 ? 1 : options->epochs;
    options->batch_size = options->batch_size == 0 ? BATCH_SIZE : options->batch_size;
    options->validation_batch_size = options->validation_batch_size == 0 ? options->batch_size : options->validation_batch_size;
    return status;
}

/* What knn_classify_file needs travels with the model from now on. */
static knn_status take_from_data(knn_model *model, const knn_dataset *data)
{
    knn_status status = data->has_preprocessing ? knn__set_preprocessing(model, &data->preprocessing) : KNN_OK;
    if (data->class_names == NULL || status != KNN_OK)
        return status;
    return knn__set_class_names(model, (const char *const *)data->class_names, data->class_count);
}

static knn_status make_buffers(knn__training *training, buffers *b)
{
    knn_fit_options *options = &training->options;
    const knn_dataset *data = options->data;
    size_t batch = (size_t)options->batch_size < data->samples ? (size_t)options->batch_size : data->samples;
    training->batches = options->steps_per_epoch > 0 ? (size_t)options->steps_per_epoch
                                                     : (data->samples - 1) / (size_t)options->batch_size + 1;
    b->order = knn__alloc(data->samples, sizeof *b->order);
    if (b->order == NULL || knn__batches_make(training, batch, &b->batches) != KNN_OK)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < data->samples; i++)
        b->order[i] = i;
    return knn__training_ready(training->model, (int)batch);
}

/* Callbacks come last: a backup restores into what is there. */
static knn_status prepare(knn__training *training, buffers *b)
{
    bool with_rate;
    knn_status status = make_buffers(training, b);
    if (status == KNN_OK)
        status = take_from_data(training->model, training->options.data);
    if (status == KNN_OK)
        status = knn__callbacks_describe(training, &with_rate);
    if (status == KNN_OK)
        status = knn__logs_name(training, with_rate);
    if (status == KNN_OK)
        status = knn__callbacks_create(training);
    return status;
}

static knn_status begin_history(knn__training *training)
{
    knn__history *history;
    if (training->resumed)
        return KNN_OK;
    history = knn__history_new((const char *const *)training->logs.names, (size_t)training->logs.count);
    if (history == NULL)
        return KNN_ERROR_MEMORY;
    knn__history_free(training->model->history);
    training->model->history = history;
    return KNN_OK;
}

static knn_status fit(knn_model *model, const knn_fit_options *given)
{
    knn__training training = {.model = model};
    buffers b = {0};
    knn_status status = read_options(given, &training.options);
    if (status == KNN_OK)
        status = knn__expect_compiled(model, "knn_fit");
    if (status == KNN_OK)
        status = knn__fit_data(&training.options, &b.parts);
    if (status == KNN_OK)
        status = knn__check_fit_data(training.model, &training.options);
    if (status == KNN_OK)
        status = prepare(&training, &b);
    if (status == KNN_OK)
        status = begin_history(&training);
    if (status == KNN_OK)
        status = train(&training, &b);
    knn__batches_free(&training, &b.batches);
    knn__callbacks_free(&training);
    knn__logs_free(&training.logs);
    knn__free(b.order);
    return status;
}

knn_status knn_fit_with(knn_model *model, const knn_fit_options *options)
{
    knn_status status = knn__model_write_alone(model, "knn_fit");
    if (status != KNN_OK)
        return status;
    status = fit(model, options);
    knn__model_write_end(model);
    return status != KNN_OK ? knn__context(status, "knn_fit") : KNN_OK;
}
