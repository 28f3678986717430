/* TensorBoard: what Keras' callback of this name writes: LOG_DIR/train and LOG_DIR/validation with curves, and, where asked for, the
 * weights as histograms and pictures. How events look in a file is event_file.c's and summary.c's. */
#include "core/memory.h"
#include "core/status.h"
#include "keras/keras.h"
#include "training/callbacks.h"
#include "training/event_file.h"
#include "training/summary.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <time.h>

typedef struct board {
    knn__event_file train, validation;      /* the latter where fit validates */
    double batch_began, epoch_began;        /* seconds */
} board;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- Before the first epoch ---- */

static knn_status open_file(const knn_tensorboard_callback *options, const char *part, knn__event_file *file)
{
    knn__text directory = {0};
    knn__text_add(&directory, "%s/%s", options->log_dir != NULL ? options->log_dir : "logs", part);
    knn_status status = directory.failed ? KNN_ERROR_MEMORY : knn__event_file_open(directory.data, file);
    knn__text_free(&directory);
    return status;
}

/* The events of one moment, which are freed. */
static knn_status write_summary(const knn__event_file *file, int64_t step, knn__text *summary)
{
    knn_status status = summary->length == 0 && !summary->failed ? KNN_OK : knn__event_file_add(file, step, summary);
    knn__text_free(summary);
    return status;
}

static knn_status write_model(const board *state, const knn_model *model)
{
    knn__text json = {0}, summary = {0};
    knn__config_write(model, &json);
    if (!json.failed)
        knn__summary_keras_model(&summary, "keras", json.data);
    summary.failed = summary.failed || json.failed;
    knn__text_free(&json);
    return write_summary(&state->train, 0, &summary);
}

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_tensorboard_callback *options = callback->description;
    board *state = callback->state;
    if (options->log_dir != NULL && options->log_dir[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "log_dir is empty");
    knn_status status = open_file(options, "train", &state->train);
    if (status == KNN_OK && training->options.validation_data != NULL)
        status = open_file(options, "validation", &state->validation);
    return status != KNN_OK || options->no_graph ? status : write_model(state, training->model);
}

/* ---- Curves ---- */

static void add_scalar(knn__text *summary, const char *prefix, const char *key, const char *suffix, double value)
{
    knn__text tag = {0};
    knn__text_add(&tag, "%s%s%s", prefix, key, suffix);
    if (!tag.failed)
        knn__summary_scalar(summary, tag.data, (float)value);
    summary->failed = summary->failed || tag.failed;
    knn__text_free(&tag);
}

static knn_status batch_begin(knn__callback *callback, knn__training *training)
{
    (void)training;
    ((board *)callback->state)->batch_began = now();
    return KNN_OK;
}

/* Each update_freq-th batch of the training, counted from 1. */
static knn_status batch_end(knn__callback *callback, knn__training *training)
{
    const knn_tensorboard_callback *options = callback->description;
    const board *state = callback->state;
    const knn__logs *logs = &training->logs;
    int64_t batch = (int64_t)training->epoch * (int64_t)training->batches + (int64_t)training->batch + 1;
    knn__text summary = {0};
    if (options->update_freq == 0 || batch % options->update_freq != 0)
        return KNN_OK;
    if (options->write_steps_per_second)
        knn__summary_scalar(&summary, "batch_steps_per_second", (float)(1.0 / (now() - state->batch_began)));
    for (int i = 0; i < logs->training; i++)
        add_scalar(&summary, "batch_", logs->names[i], "", logs->values[i]);
    return write_summary(&state->train, batch, &summary);
}

static knn_status epoch_begin(knn__callback *callback, knn__training *training)
{
    (void)training;
    ((board *)callback->state)->epoch_began = now();
    return KNN_OK;
}

static knn_status write_training(const knn__callback *callback, const knn__training *training)
{
    const knn_tensorboard_callback *options = callback->description;
    const board *state = callback->state;
    const knn__logs *logs = &training->logs;
    knn__text summary = {0};
    for (int i = 0; i < logs->training; i++)
        add_scalar(&summary, "epoch_", logs->names[i], "", logs->values[i]);
    knn__summary_scalar(&summary, "epoch_learning_rate", (float)knn_learning_rate(training->model));
    if (options->write_steps_per_second)
        knn__summary_scalar(&summary, "epoch_steps_per_second", (float)((double)training->batches / (now() - state->epoch_began)));
    return write_summary(&state->train, training->epoch, &summary);
}

/* The same numbers twice, as Keras does it: by epoch, and by finished steps. */
static knn_status write_validation(const board *state, const knn__training *training)
{
    const knn__logs *logs = &training->logs;
    knn__text by_epoch = {0}, by_step = {0};
    for (int i = logs->training; i < logs->rate; i++) {
        const char *key = logs->names[i] + strlen("val_");
        add_scalar(&by_step, "evaluation_", key, "_vs_iterations", logs->values[i]);
        add_scalar(&by_epoch, "epoch_", key, "", logs->values[i]);
    }
    knn_status status = write_summary(&state->validation, (int64_t)training->model->training.iteration, &by_step);
    if (status == KNN_OK)
        return write_summary(&state->validation, training->epoch, &by_epoch);
    knn__text_free(&by_epoch);
    return status;
}

/* ---- Weights ---- */

/* A weight seen as a stack of pictures, and how far apart its numbers lie; count 0: it cannot be shown. */
typedef struct stack {
    int count, height, width, channels;
    ptrdiff_t next_picture, next_row, next_column, next_channel;
} stack;

/* Keras' rule: without the sides of 1, a vector stands upright, a matrix lies, of three sides the last one counts grey pictures, and
 * a kernel of 3 or 4 filters has colours. */
static stack stack_of(const knn__weight_spec *spec)
{
    int n[4] = {1, 1, 1, 1}, rank = 0;
    for (int i = 0; i < spec->rank; i++)
        if (spec->shape[i] != 1)
            n[rank++] = spec->shape[i];
    ptrdiff_t last = n[3], last_two = last * n[2], inner = n[1];
    switch (rank) {
    case 1: return (stack){1, n[0], 1, 1, 0, 1, 0, 0};
    case 2: return n[0] > n[1] ? (stack){1, n[1], n[0], 1, 0, 1, n[1], 0} : (stack){1, n[0], n[1], 1, 0, n[1], 1, 0};
    case 3: return (stack){n[2], n[0], n[1], 1, 1, inner * n[2], n[2], 0};
    case 4: return (stack){n[3] == 3 || n[3] == 4 ? n[0] : 0, n[1], n[2], n[3], inner * last_two, last_two, last, 1};
    default: return (stack){0};
    }
}

/* [0, 1] to 0..255 as tf.image.convert_image_dtype; what is outside is clipped. */
static uint8_t level_of(float value)
{
    return value > 0.0f ? (uint8_t)fminf(value * 255.5f, 255.0f) : 0;
}

static void draw(const float *values, const stack *s, int count, uint8_t *pixel)
{
    for (int i = 0; i < count; i++)
        for (int row = 0; row < s->height; row++)
            for (int column = 0; column < s->width; column++) {
                const float *first = values + i * s->next_picture + row * s->next_row + column * s->next_column;
                for (int channel = 0; channel < s->channels; channel++)
                    *pixel++ = level_of(first[channel * s->next_channel]);
            }
}

static knn_status add_images(knn__text *summary, const char *tag, const float *values, const knn__weight_spec *spec)
{
    enum { MOST_PICTURES = 3 };             /* tf.summary.image's max_outputs */
    stack s = stack_of(spec);
    int count = s.count < MOST_PICTURES ? s.count : MOST_PICTURES;
    if (count == 0)
        return KNN_OK;
    uint8_t *pixels = knn__alloc((size_t)count * (size_t)s.height, (size_t)s.width * (size_t)s.channels);
    if (pixels == NULL)
        return KNN_ERROR_MEMORY;
    draw(values, &s, count, pixels);
    knn__summary_images(summary, tag, pixels, count, s.height, s.width, s.channels);
    knn__free(pixels);
    return KNN_OK;
}

/* "conv2d/kernel_0/histogram" and "../image": tf.keras' name of the weight, without its colon. */
static knn_status write_weight(const board *state, const knn__training *training, const knn__model_weight *weight, bool as_image)
{
    const float *values = training->model->weights + weight->offset;
    knn__text summary = {0}, tag = {0};
    knn_status status = KNN_OK;
    knn__text_add(&tag, "%s_0/%s", weight->name, "histogram");
    if (!tag.failed)
        knn__summary_histogram(&summary, tag.data, values, weight->length);
    knn__text_free(&tag);
    knn__text_add(&tag, "%s_0/%s", weight->name, "image");
    if (as_image && !tag.failed)
        status = add_images(&summary, tag.data, values, &weight->spec);
    summary.failed = summary.failed || tag.failed;
    knn__text_free(&tag);
    if (status == KNN_OK)
        return write_summary(&state->train, training->epoch, &summary);
    knn__text_free(&summary);
    return status;
}

static knn_status epoch_end(knn__callback *callback, knn__training *training)
{
    const knn_tensorboard_callback *options = callback->description;
    const board *state = callback->state;
    const knn_model *model = training->model;
    knn_status status = write_training(callback, training);
    if (status == KNN_OK && state->validation.path != NULL)
        status = write_validation(state, training);
    if (options->histogram_freq == 0 || training->epoch % options->histogram_freq != 0)
        return status;
    for (size_t i = 0; i < model->weight_count && status == KNN_OK; i++)
        status = write_weight(state, training, &model->weights_table[i], options->write_images);
    return status;
}

static void destroy(knn__callback *callback)
{
    board *state = callback->state;
    knn__event_file_close(&state->train);
    knn__event_file_close(&state->validation);
}

#define FIELD(member) .offset = offsetof(knn_tensorboard_callback, member), .name = #member
static const knn_field fields[] = {
    {FIELD(histogram_freq), .kind = KNN_FIELD_INT, .least = 0, .most = INT_MAX},
    {FIELD(update_freq), .kind = KNN_FIELD_INT, .least = 0, .most = INT_MAX}, {0}};

const knn__callback_kind knn__tensorboard_kind = {
    .kind = {.class_name = "TensorBoard", .size = sizeof(knn_tensorboard_callback), .fields = fields},
    .state_size = sizeof(board), .only_watches = true, .create = create,
    .on = {[KNN_EPOCH_BEGIN] = epoch_begin, [KNN_BATCH_BEGIN] = batch_begin, [KNN_BATCH_END] = batch_end, [KNN_EPOCH_END] = epoch_end},
    .destroy = destroy};
