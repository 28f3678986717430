/* ProgbarLogger: the progress bar of tf.keras 2.6, to the byte. Does not fail: what cannot be written is dropped, a closed
 * stream ends no training. */
#include "training/progress_bar.h"

#include "core/status.h"
#include "training/callbacks.h"

#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 30 };                        /* of the bar, in characters */
static const double INTERVAL = 0.05;        /* seconds between two redraws, at least */

/* ---- The text ---- */

void knn__bar_begin(knn__bar *bar, size_t target, bool redraws, double now)
{
    *bar = (knn__bar){.target = target, .redraws = redraws, .start = now, .last = -1.0, .first_step = -1.0};
}

/* The first batch is left out once there are others: it is the slow one. */
static double seconds_a_step(knn__bar *bar, size_t current, double now)
{
    double seconds = bar->first_step >= 0.0 && current > 1 ? (now - bar->first_step) / (double)(current - 1)
                                                           : (now - bar->start) / (double)current;
    if (current == 1)
        bar->first_step = now;
    return seconds;
}

/* " 7/63 [==>...]" */
static void add_bar(const knn__bar *bar, size_t current, knn__text *text)
{
    int digits = snprintf(NULL, 0, "%zu", bar->target);
    int filled = (int)(WIDTH * (double)current / (double)bar->target);
    knn__text_add(text, "%*zu/%zu [", digits, current, bar->target);
    for (int i = 0; i < WIDTH; i++)
        knn__text_add(text, "%c", i >= filled ? '.' : i == filled - 1 && current < bar->target ? '>' : '=');
    knn__text_add(text, "]");
}

static void add_remaining(double seconds, knn__text *text)
{
    long s = (long)seconds;
    if (seconds > 3600.0)
        knn__text_add(text, " - ETA: %ld:%02ld:%02ld", s / 3600, s % 3600 / 60, s % 60);
    else if (seconds > 60.0)
        knn__text_add(text, " - ETA: %ld:%02ld", s / 60, s % 60);
    else
        knn__text_add(text, " - ETA: %lds", s);
}

static void add_elapsed(double seconds, double step, knn__text *text)
{
    knn__text_add(text, " - %.0fs", seconds);
    if (step >= 1.0 || step == 0.0)
        knn__text_add(text, " %.0fs/step", step);
    else if (step >= 1e-3)
        knn__text_add(text, " %.0fms/step", step * 1e3);
    else
        knn__text_add(text, " %.0fus/step", step * 1e6);
}

static void add_value(const char *name, double value, knn__text *text)
{
    char number[512];
    knn__format_as(number, sizeof number, fabs(value) > 1e-3 ? 'f' : 'e', 4, value);
    knn__text_add(text, " - %s: %s", name, number);
}

static void add_repeated(char c, size_t count, knn__text *text)
{
    for (size_t i = 0; i < count; i++)
        knn__text_append(text, &c, 1);
}

void knn__bar_update(knn__bar *bar, size_t current, bool final, double now, const char *const *names, const double *values,
                     int count, knn__text *text)
{
    if (!final && (!bar->redraws || (bar->last >= 0.0 && now - bar->last < INTERVAL)))
        return;
    size_t before = bar->width;
    if (bar->redraws) {
        add_repeated('\b', before, text);
        add_repeated('\r', 1, text);
    }
    size_t begin = text->length;
    double step = seconds_a_step(bar, current, now);
    add_bar(bar, current, text);
    if (final)
        add_elapsed(now - bar->start, step, text);
    else
        add_remaining(step * (double)(bar->target - current), text);
    for (int i = 0; i < count; i++)
        add_value(names[i], values[i], text);
    bar->width = text->length - begin;
    if (bar->redraws && before > bar->width)
        add_repeated(' ', before - bar->width, text);
    add_repeated('\n', final ? 1 : 0, text);
    bar->last = now;
}

/* ---- The callback ---- */

typedef struct progress_bar {
    knn__bar bar;
    bool line_open;                         /* the cursor stands behind a redrawn line */
} progress_bar;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static knn_status write_text(const knn__callback *callback, knn__text *text)
{
    const knn_progress_bar_callback *options = callback->description;
    knn_status status = text->failed ? KNN_ERROR_MEMORY : KNN_OK;
    if (status == KNN_OK && text->length > 0) {
        fwrite(text->data, 1, text->length, options->stream);
        fflush(options->stream);
    }
    knn__text_free(text);
    return status;
}

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_progress_bar_callback *options = callback->description;
    (void)training;
    return options->stream != NULL ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "the stream is NULL");
}

static knn_status epoch_begin(knn__callback *callback, knn__training *training)
{
    const knn_progress_bar_callback *options = callback->description;
    progress_bar *state = callback->state;
    knn__text text = {0};
    if (training->options.epochs > 1)
        knn__text_add(&text, "Epoch %d/%d\n", training->epoch + 1, training->options.epochs);
    knn__bar_begin(&state->bar, training->batches, options->every_line || isatty(fileno(options->stream)), seconds_now());
    return write_text(callback, &text);
}

/* Not the learning rate: in Keras 2.6 the bar is drawn before a callback puts that into the logs. */
static knn_status draw(knn__callback *callback, knn__training *training, bool final)
{
    progress_bar *state = callback->state;
    const knn__logs *logs = &training->logs;
    knn__text text = {0};
    size_t current = final ? training->batches : training->batch + 1;
    knn__bar_update(&state->bar, current, final, seconds_now(), (const char *const *)logs->names, logs->values,
                    final ? logs->rate : logs->training, &text);
    state->line_open = !final && (state->line_open || text.length > 0);
    return write_text(callback, &text);
}

static knn_status batch_end(knn__callback *callback, knn__training *training) { return draw(callback, training, false); }
static knn_status epoch_end(knn__callback *callback, knn__training *training) { return draw(callback, training, true); }

/* A training that ended within an epoch leaves the cursor at the beginning of a line. */
static void destroy(knn__callback *callback)
{
    const knn_progress_bar_callback *options = callback->description;
    if (((progress_bar *)callback->state)->line_open) {
        fputc('\n', options->stream);
        fflush(options->stream);
    }
}

const knn__callback_kind knn__progress_bar_kind = {
    .kind = {.class_name = "ProgbarLogger", .size = sizeof(knn_progress_bar_callback)},
    .state_size = sizeof(progress_bar), .only_watches = true, .create = create,
    .on = {[KNN_EPOCH_BEGIN] = epoch_begin, [KNN_BATCH_END] = batch_end, [KNN_EPOCH_END] = epoch_end},
    .destroy = destroy};
