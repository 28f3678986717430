/* CSVLogger: the log of each epoch as a line of a CSV file. The lines are the history's (which also knows how they look), so
 * that a resumed fit begins with the restored epochs. */
#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"
#include "model/history.h"
#include "training/callbacks.h"

#include <unistd.h>

typedef struct csv_logger {
    void *before;                           /* append: what stood in the file before this training, */
    size_t length;
    double begin;                           /* and its length, so that a resumed fit finds it again; -1: not known yet */
} csv_logger;

static knn_status create(knn__callback *callback, knn__training *training)
{
    const knn_csv_logger_callback *options = callback->description;
    csv_logger *state = callback->state;
    (void)training;
    state->begin = -1.0;
    if (options->separator != NULL && options->separator[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "the separator is empty");
    return options->path != NULL ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "the path is NULL");
}

/* The whole file, atomically: it is small, and no killed run leaves half a line. */
static knn_status write_all(knn__callback *callback, knn__training *training)
{
    const knn_csv_logger_callback *options = callback->description;
    const csv_logger *state = callback->state;
    knn__text text = {0};
    if (state->length > 0)
        knn__text_append(&text, state->before, state->length);
    const char *separator = options->separator != NULL ? options->separator : ",";
    knn__history_add_csv(training->model->history, separator, state->length == 0, true, &text);
    knn_status status = text.failed ? KNN_ERROR_MEMORY : knn__write_file(options->path, text.data, text.length);
    knn__text_free(&text);
    return status;
}

static knn_status train_begin(knn__callback *callback, knn__training *training)
{
    const knn_csv_logger_callback *options = callback->description;
    csv_logger *state = callback->state;
    if (options->append && access(options->path, F_OK) == 0) {
        knn_status status = knn__read_file(options->path, 0, &state->before, &state->length);
        if (status != KNN_OK)
            return status;
    }
    if (state->begin >= 0.0 && state->begin < (double)state->length)
        state->length = (size_t)state->begin;
    state->begin = (double)state->length;
    return write_all(callback, training);
}

static void destroy(knn__callback *callback)
{
    knn__free(((csv_logger *)callback->state)->before);
}

static const knn__state_number numbers[] = {{"begin", offsetof(csv_logger, begin)}, {NULL, 0}};

const knn__callback_kind knn__csv_logger_kind = {
    .kind = {.class_name = "CSVLogger", .size = sizeof(knn_csv_logger_callback)}, .state_size = sizeof(csv_logger),
    .numbers = numbers, .create = create, .on = {[KNN_TRAIN_BEGIN] = train_begin, [KNN_EPOCH_END] = write_all},
    .destroy = destroy};
