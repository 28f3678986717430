/* The history of a training: a row an epoch, a column a key of the logs. Knows no callbacks; files of Keras' are lib/keras'. */
#include "model/history.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"

#include <knn/training.h>

#include <string.h>

knn__history *knn__history_new(const char *const *keys, size_t count)
{
    knn__history *history = knn__alloc(1, sizeof *history);
    if (history == NULL)
        return NULL;
    history->keys = knn__alloc(count, sizeof *history->keys);
    history->values = knn__alloc(count, sizeof *history->values);
    bool made = history->keys != NULL && history->values != NULL;
    for (; made && history->key_count < count; history->key_count += made) {
        history->keys[history->key_count] = knn__copy_text(keys[history->key_count]);
        made = history->keys[history->key_count] != NULL;
    }
    if (made)
        return history;
    knn__history_free(history);
    return NULL;
}

void knn__history_free(knn__history *history)
{
    if (history == NULL)
        return;
    for (size_t i = 0; i < history->key_count; i++) {
        knn__free(history->keys[i]);
        knn__free(history->values[i]);
    }
    knn__free(history->keys);
    knn__free(history->values);
    knn__free(history->epoch_numbers);
    knn__free(history);
}

/* Room for one more row in each column. */
static bool grow(knn__history *history)
{
    size_t wanted = history->epochs + 1, capacity = history->capacity;
    if (wanted <= capacity)
        return true;
    if (!knn__reserve((void **)&history->epoch_numbers, &capacity, wanted, sizeof *history->epoch_numbers))
        return false;
    for (size_t i = 0; i < history->key_count; i++) {
        double *column = knn__realloc(history->values[i], capacity, sizeof *column);
        if (column == NULL)
            return false;
        history->values[i] = column;
    }
    history->capacity = capacity;
    return true;
}

knn_status knn__history_append(knn__history *history, int epoch, const double *values)
{
    if (!grow(history))
        return KNN_ERROR_MEMORY;
    history->epoch_numbers[history->epochs] = epoch;
    for (size_t i = 0; i < history->key_count; i++)
        history->values[i][history->epochs] = values[i];
    history->epochs++;
    return KNN_OK;
}

/* ---- CSV ---- */

/* A key is quoted only where it must be. */
static void add_key(knn__text *text, const char *separator, const char *key)
{
    if (strstr(key, separator) == NULL && strpbrk(key, "\"\n\r") == NULL) {
        knn__text_add(text, "%s%s", separator, key);
        return;
    }
    knn__text_add(text, "%s\"", separator);
    for (; *key != '\0'; key++)
        knn__text_add(text, *key == '"' ? "\"\"" : "%c", *key);
    knn__text_add(text, "\"");
}

/* The column behind the one with `after` in sorted order, or the first; the count of keys where there is none. */
static size_t next_sorted(const knn__history *history, const char *after)
{
    size_t next = history->key_count;
    for (size_t i = 0; i < history->key_count; i++)
        if ((after == NULL || strcmp(history->keys[i], after) > 0) &&
            (next == history->key_count || strcmp(history->keys[i], history->keys[next]) < 0))
            next = i;
    return next;
}

/* The columns in order: 0, 1, .. or sorted; begins with column == key_count, ends there again. */
static size_t next_column(const knn__history *history, bool sorted, size_t column)
{
    bool first = column == history->key_count;
    if (sorted)
        return next_sorted(history, first ? NULL : history->keys[column]);
    return first ? 0 : column + 1;
}

void knn__history_add_csv(const knn__history *history, const char *separator, bool header, bool sorted, knn__text *text)
{
    size_t end = history->key_count;
    if (header) {
        knn__text_add(text, "epoch");
        for (size_t i = next_column(history, sorted, end); i < end; i = next_column(history, sorted, i))
            add_key(text, separator, history->keys[i]);
        knn__text_add(text, "\n");
    }
    for (size_t row = 0; row < history->epochs; row++) {
        knn__text_add(text, "%d", history->epoch_numbers[row]);
        for (size_t i = next_column(history, sorted, end); i < end; i = next_column(history, sorted, i)) {
            char number[40];
            knn__format_real(number, sizeof number, history->values[i][row]);
            knn__text_add(text, "%s%s", separator, number);
        }
        knn__text_add(text, "\n");
    }
}

/* ---- The public view ---- */

const knn_history *knn_model_history(const knn_model *model)
{
    return model != NULL ? model->history : NULL;
}

size_t knn_history_epochs(const knn_history *history)
{
    return history != NULL ? history->epochs : 0;
}

size_t knn_history_key_count(const knn_history *history)
{
    return history != NULL ? history->key_count : 0;
}

const char *knn_history_key(const knn_history *history, size_t index)
{
    return history != NULL && index < history->key_count ? history->keys[index] : NULL;
}

const double *knn_history_values(const knn_history *history, const char *key)
{
    for (size_t i = 0; key != NULL && i < knn_history_key_count(history); i++)
        if (strcmp(history->keys[i], key) == 0)
            return history->values[i];
    return NULL;
}

knn_status knn_history_save_csv(const knn_history *history, const char *path)
{
    if (history == NULL || path == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_history_save_csv: the %s is NULL", history == NULL ? "history" : "path");
    knn__text text = {0};
    knn__history_add_csv(history, ",", true, false, &text);
    knn_status status = text.failed ? KNN_ERROR_MEMORY : knn__write_file(path, text.data, text.length);
    knn__text_free(&text);
    return status;
}
