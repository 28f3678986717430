/* The names of an epoch's numbers, as Keras chooses them. Does not compute the numbers. */
#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"
#include "training/training.h"

#include <string.h>

static const char VALIDATION[] = "val_";
static const char RATE[] = "lr";

static bool add(knn__logs *logs, const char *prefix, const char *key)
{
    knn__text name = {0};
    knn__text_add(&name, "%s%s", prefix, key);
    if (!name.failed)
        logs->names[logs->count++] = name.data;
    return !name.failed;
}

/* loss and the metrics, as compiled */
static bool add_results(knn__logs *logs, const knn__compiled *compiled, const char *prefix)
{
    bool added = add(logs, prefix, "loss");
    for (int i = 0; i < compiled->metric_count && added; i++)
        added = add(logs, prefix, compiled->metrics[i].key);
    return added;
}

knn_status knn__logs_name(knn__training *training, bool with_rate)
{
    knn__logs *logs = &training->logs;
    const knn__compiled *compiled = &training->model->compiled;
    if (!add_results(logs, compiled, ""))
        return KNN_ERROR_MEMORY;
    logs->training = logs->count;
    if (training->options.validation_data != NULL && !add_results(logs, compiled, VALIDATION))
        return KNN_ERROR_MEMORY;
    logs->rate = logs->count;
    return with_rate && !add(logs, "", RATE) ? KNN_ERROR_MEMORY : KNN_OK;
}

void knn__logs_free(knn__logs *logs)
{
    for (int i = 0; i < logs->count; i++)
        knn__free(logs->names[i]);
    *logs = (knn__logs){0};
}

static int find_exactly(const knn__logs *logs, const char *prefix, const char *key)
{
    size_t skipped = strlen(prefix);
    for (int i = 0; i < logs->count; i++)
        if (strncmp(logs->names[i], prefix, skipped) == 0 && strcmp(logs->names[i] + skipped, key) == 0)
            return i;
    return -1;
}

int knn__logs_find(const knn__logs *logs, const char *key)
{
    int found = find_exactly(logs, "", key);
    if (found >= 0)
        return found;
    const char *prefix = strncmp(key, VALIDATION, sizeof VALIDATION - 1) == 0 ? VALIDATION : "";
    key += strlen(prefix);
    if (strcmp(key, "acc") == 0)
        return find_exactly(logs, prefix, "accuracy");
    return strcmp(key, "accuracy") == 0 ? find_exactly(logs, prefix, "acc") : -1;
}

knn_status knn__logs_unknown(const knn__logs *logs, const char *what, const char *key)
{
    knn__text keys = {0};
    for (int i = 0; i < logs->count; i++)
        knn__text_add(&keys, "%s%s", i > 0 ? ", " : "", logs->names[i]);
    knn_status status = keys.failed ? KNN_ERROR_MEMORY
        : knn__fail(KNN_ERROR_ARGUMENT, "%s \"%s\" is no key of this training, expected one of %s", what, key, keys.data);
    knn__text_free(&keys);
    return status;
}
