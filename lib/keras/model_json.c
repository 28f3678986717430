/* A model's layers as Keras' JSON text, both ways, without weights: to_json and model_from_json. Files are load.c's and save.c's. */
#include "keras/config.h"
#include "keras/keras.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"

#include <stdlib.h>
#include <string.h>

/* ---- To JSON ---- */

knn_status knn_model_to_json(const knn_model *model, char **json)
{
    knn__text text = {0};
    knn_status status = knn__model_read(model, "knn_model_to_json");

    if (json != NULL)
        *json = NULL;
    if (status != KNN_OK)
        return status;
    if (json == NULL)
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_model_to_json: json: expected a place for the text, got NULL");
    else if (model->input.rank == 0 || model->layer_count == 0)
        status = knn__fail(KNN_ERROR_STATE, "knn_model_to_json: the model has no layers, or no input shape");
    if (status == KNN_OK)
        knn__layers_write(model, &text);
    if (status == KNN_OK && text.failed)
        status = KNN_ERROR_MEMORY;
    knn__model_read_end(model);
    if (status == KNN_OK)
        *json = text.data;
    else
        knn__text_free(&text);
    return status;
}

void knn_json_free(char *json)
{
    knn__free(json);
}

knn_status knn_save_json(const knn_model *model, const char *path)
{
    char *json = NULL;

    if (path == NULL || path[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_save_json: a path is required");
    knn_status status = knn_model_to_json(model, &json);
    if (status == KNN_OK)
        status = knn__write_file(path, json, strlen(json));
    knn_json_free(json);
    return status;
}

/* ---- From JSON ---- */

/* Keras 2 says its version; Keras 3 says modules. */
static bool is_old(const cJSON *json)
{
    const char *version = knn__json_text(knn__json_get(json, "keras_version"));
    return version != NULL ? strtol(version, NULL, 10) < 3 : knn__json_get(json, "module") == NULL;
}

static knn_model *build(const knn_json_options *o, knn__config *config, knn__reading *reading, cJSON *json)
{
    reading->old = is_old(json);
    if (knn__config_read(config, reading, json, o->layers) != KNN_OK)
        return NULL;
    const knn_model_options options = {.size = sizeof options, .name = config->name, .backend = o->backend, .threads = o->threads,
                                       .seed = o->seed, .float32 = o->float32};
    knn_model *model = knn_sequential_with(&options);
    if (model != NULL && knn__config_build(config, reading, model) != KNN_OK) {
        knn_model_free(model);
        model = NULL;
    }
    return model;
}

knn_model *knn_model_from_json_with(const knn_json_options *given)
{
    knn_json_options options;
    knn__config config = {0};
    knn__reading reading = {0};
    cJSON *json = NULL;
    knn_model *model = NULL;
    knn_status status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_model_from_json options");

    if (status == KNN_OK && (options.json == NULL) == (options.path == NULL))
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_model_from_json: json: expected a text, or path a file's name; got %s",
                           options.json == NULL ? "neither" : "both");
    if (status == KNN_OK)
        status = options.json != NULL ? knn__json_parse(options.json, "json", &json) : knn__json_parse_file(options.path, &json);
    if (status == KNN_OK)
        model = build(&options, &config, &reading, json);
    if (status == KNN_OK && model == NULL && options.path != NULL)
        knn__context(KNN_ERROR_UNSUPPORTED, "%s", options.path);
    if (model != NULL)
        knn__clear_error();
    knn__config_free(&config);
    knn__reading_free(&reading);
    knn__json_delete(json);
    return model;
}
