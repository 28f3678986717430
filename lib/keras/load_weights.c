/* Loads weights, or a training that goes on, into a model that exists. All or nothing. Whole models: load.c. */
#include "keras/keras.h"
#include "keras/source.h"
#include "keras/weights.h"

#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"

#include <string.h>

/* ---- Weights for a model: read beside its own, then copied ---- */

typedef struct incoming {
    knn__source source;
    cJSON *state_json;
    knn__state state;
    float *arena;                           /* as model->weights */
    size_t bytes;
} incoming;

static void close_incoming(incoming *in)
{
    knn__arena_free(in->arena, in->bytes);
    knn__state_free(&in->state);
    knn__json_delete(in->state_json);
    knn__source_close(&in->source);
}

static knn_status read_paired(incoming *in, knn_model *model, const knn__stored *stored, const knn__pairing *pairing)
{
    knn_status status = knn__model_build(model);

    if (status != KNN_OK)
        return status;
    in->bytes = model->weights_length * sizeof(float);
    in->arena = knn__arena_alloc(in->bytes);
    if (in->arena == NULL)
        return KNN_ERROR_MEMORY;
    memcpy(in->arena, model->weights, in->bytes);
    return knn__read_weights(in->source.file, model, stored, pairing, in->arena);
}

/* In Keras 3's own layout: by classes and places, or by the names that the file says. */
static knn_status read_nested(const incoming *in, const knn_model *model, bool by_name, knn__stored *stored)
{
    size_t count = 0;
    knn__place *places = NULL;
    knn_status status = by_name ? KNN_OK : knn__places_of(model, &places, &count);

    if (status == KNN_OK)
        status = knn__stored_read_nested(in->source.file, places, count, stored);
    knn__places_free(places, count);
    return status;
}

static knn_status list_stored(const incoming *in, const knn_model *model, knn__pair_by *by, knn__unit **units, size_t *count,
                              knn__stored *stored)
{
    knn_status status;

    if (knn__source_is_nested(&in->source)) {
        status = knn__layers_of(model, units, count);
        if (status == KNN_OK)
            status = read_nested(in, model, *by == KNN__BY_NAME, stored);
        *by = *by == KNN__BY_NAME ? KNN__BY_NAME : KNN__BY_ORDER;     /* the places have been found */
        return status;
    }
    const char *group = knn__source_weights(&in->source);
    status = group != NULL ? knn__stored_read(in->source.file, group, stored) : KNN_ERROR_FORMAT;
    return status == KNN_OK ? knn__units_for(model, stored, units, count) : status;
}

static knn_status read_incoming(incoming *in, knn_model *model, knn__pair_by by, bool skip_mismatch)
{
    knn__stored stored = {0};
    knn__pairing pairing = {0};
    knn__unit *units = NULL;
    size_t count = 0;
    knn_status status = list_stored(in, model, &by, &units, &count, &stored);

    if (status == KNN_OK)
        status = knn__pair(model, units, count, &stored, by, skip_mismatch, &pairing);
    if (status == KNN_OK)
        status = read_paired(in, model, &stored, &pairing);
    knn__pairing_free(&pairing);
    knn__stored_free(&stored);
    knn__units_free(units, count);
    return status;
}

static knn_status take(incoming *in, knn_model *model)
{
    knn_status status = knn__state_give_classes(&in->state, model);

    if (status != KNN_OK)
        return status;
    memcpy(model->weights, in->arena, in->bytes);
    knn__weights_changed(model);
    return KNN_OK;
}

/* ---- knn_load_weights ---- */

static knn_status load_weights(knn_model *model, const knn_load_weights_options *options)
{
    incoming in = {0};
    knn_status status = knn__source_open(&in.source, options->path, NULL, 0);

    if (status != KNN_OK)
        return status;
    status = knn__source_state(&in.source, &in.state_json, &in.state);
    if (status == KNN_OK)
        status = read_incoming(&in, model, options->by_name ? KNN__BY_NAME : KNN__BY_ORDER, options->skip_mismatch);
    if (status == KNN_OK)
        status = take(&in, model);
    if (status != KNN_OK)
        knn__context(status, "%s", options->path);
    close_incoming(&in);
    return status;
}

knn_status knn_load_weights_with(knn_model *model, const knn_load_weights_options *given)
{
    knn_load_weights_options options;
    knn_status status = knn__model_write(model, "knn_load_weights");

    if (status != KNN_OK)
        return status;
    status =
        knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_load_weights options");
    if (status == KNN_OK && (options.path == NULL || options.path[0] == '\0'))
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_load_weights: a path is required");
    if (status == KNN_OK)
        status = load_weights(model, &options);
    knn__model_write_end(model);
    return status;
}

/* ---- knn__restore ---- */

static int line_length(const char *line)
{
    return (int)strcspn(line, "\n");
}

/* Names the first line that differs. */
static knn_status compare_fingerprints(const char *expected, const char *got)
{
    if (expected == NULL || got == NULL)
        return knn__fail(KNN_ERROR_STATE, "it is not known which training it belongs to");
    while (*expected != '\0' || *got != '\0') {
        int a = line_length(expected), b = line_length(got);
        if (a != b || strncmp(expected, got, (size_t)a) != 0)
            return knn__fail(KNN_ERROR_STATE, "it belongs to another training: expected \"%.*s\", got \"%.*s\"",
                             a < 300 ? a : 300, expected, b < 300 ? b : 300, got);
        expected += a + (expected[a] != '\0');
        got += b + (got[b] != '\0');
    }
    return KNN_OK;
}

static knn_status expect_training(const knn__source *source, const knn__state *state, const char *fingerprint)
{
    knn_status status = knn__source_expect_model(source);

    if (status == KNN_OK && !state->has_training)
        status = knn__fail(KNN_ERROR_FORMAT, "expected a model with the state of its training, got one without");
    return status == KNN_OK ? compare_fingerprints(fingerprint, state->training.fingerprint) : status;
}

static knn_status restore(incoming *in, knn_model *model, const char *fingerprint)
{
    knn_status status = knn__source_state(&in->source, &in->state_json, &in->state);

    if (status == KNN_OK)
        status = expect_training(&in->source, &in->state, fingerprint);
    if (status == KNN_OK)
        status = read_incoming(in, model, KNN__BY_OWN_NAME, false);
    if (status == KNN_OK)
        status = knn__state_read_arrays(in->source.file, model, &in->state);
    if (status == KNN_OK)
        status = take(in, model);
    if (status == KNN_OK)
        knn__state_give_training(&in->state, model);
    return status;
}

knn_status knn__restore(knn_model *model, const char *path, const char *fingerprint)
{
    incoming in = {0};
    knn_status status = knn__source_open(&in.source, path, NULL, 0);

    if (status != KNN_OK)
        return status;
    status = restore(&in, model, fingerprint);
    if (status != KNN_OK)
        knn__context(status, "%s", path);
    close_incoming(&in);
    return status;
}
