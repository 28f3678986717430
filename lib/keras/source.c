/* Opens what is to be loaded, and tells by its contents, not by its name, what it is. Does not build anything: see
 * load.c. */
#include "keras/source.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"
#include "keras/archive.h"
#include "keras/limits.h"
#include "keras/weights.h"

#include <stdlib.h>
#include <string.h>

static const size_t FILE_LIMIT = (size_t)8 << 30;

static bool begins(const void *data, size_t size, const char *with, size_t length)
{
    return size >= length && memcmp(data, with, length) == 0;
}

#define BEGINS(text) begins(data, size, text, sizeof(text) - 1)

static knn_status expect_hdf5(const void *data, size_t size)
{
    if (BEGINS("\x89HDF\r\n\x1a\n"))
        return KNN_OK;
    if (size == 0)
        return knn__fail(KNN_ERROR_FORMAT, "an empty file, expected a Keras file (HDF5)");
    if (BEGINS("version https://git-lfs.github.com/"))
        return knn__fail(KNN_ERROR_FORMAT, "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`");
    if (BEGINS("{"))
        return knn__fail(KNN_ERROR_FORMAT,
                         "a JSON text (perhaps layers without weights), expected a Keras file (HDF5)");
    return knn__fail(KNN_ERROR_FORMAT, "not a Keras file: expected HDF5, got %zu bytes of something else", size);
}

static knn_status read_json(const knn__archive *archive, const char *name, cJSON **json)
{
    void *text;
    size_t length;
    knn_status status = knn__archive_read(archive, name, KNN__JSON_LIMIT, &text, &length);

    if (status == KNN_OK)
        status = knn__json_parse(text, name, json);
    knn__free(text);
    return status;
}

/* Of a .keras archive all that counts is taken out; *data and *size become its weights'. Keras' compile_config is a member of config.json. */
static knn_status open_archive(knn__source *source, const void **data, size_t *size)
{
    knn__archive *archive;
    size_t most = knn__unpacked_limit(*size);
    void *image = NULL;
    knn_status status = knn__archive_open(*data, *size, &archive);

    if (status != KNN_OK)
        return status;
    source->is_archive = true;
    status = read_json(archive, "config.json", &source->model);
    if (status == KNN_OK)
        status = read_json(archive, "metadata.json", &source->metadata);
    if (status == KNN_OK)
        status = knn__archive_read(archive, "model.weights.h5", most, &image, size);
    knn__archive_close(archive);
    if (status == KNN_OK) {
        source->training = cJSON_DetachItemFromObjectCaseSensitive(source->model, "compile_config");
        knn__free(source->bytes);
        *data = source->bytes = image;
    }
    return status;
}

static knn_status open_data(knn__source *source, const void *data, size_t size)
{
    knn_status status = KNN_OK;

    if (BEGINS("PK\x03\x04") || BEGINS("PK\x05\x06"))
        status = open_archive(source, &data, &size);
    if (status == KNN_OK) {
        status = expect_hdf5(data, size);
        if (status == KNN_OK)
            status = knn__h5_open(data, size, &source->file);
        if (status != KNN_OK && source->is_archive)
            knn__context(status, "model.weights.h5");
    }
    return status;
}

knn_status knn__source_open(knn__source *source, const char *path, const void *data, size_t size)
{
    *source = (knn__source){.name = data != NULL ? "data" : path};
    if (data == NULL && (path == NULL || path[0] == '\0'))
        return knn__fail(KNN_ERROR_ARGUMENT, "a path is required");
    if (data == NULL) {
        knn_status status = knn__read_file(path, FILE_LIMIT, &source->bytes, &size);
        if (status != KNN_OK)
            return status;                  /* which names the file */
        data = source->bytes;
    }
    knn_status status = open_data(source, data, size);
    if (status != KNN_OK) {
        knn__context(status, "%s", source->name);
        knn__source_close(source);
    }
    return status;
}

void knn__source_close(knn__source *source)
{
    knn__h5_close(source->file);
    knn__free(source->bytes);
    knn__json_delete(source->model);
    knn__json_delete(source->training);
    knn__json_delete(source->metadata);
    *source = (knn__source){0};
}

static bool is_empty(knn__h5 *file)
{
    knn__names names = {0};
    bool empty = knn__h5_list(file, "", &names) == KNN_OK && names.count == 0;

    knn__names_free(&names);
    return empty;
}

/* What an HDF5 file is that has not got what was looked for. */
static knn_status not_found(const knn__source *source, const char *expected)
{
    knn__h5 *file = source->file;

    if (knn__h5_has_attribute(file, "", "layer_names") || knn__h5_has_attribute(file, "", "layer_names0"))
        return knn__fail(KNN_ERROR_FORMAT,
                         "expected %s, got a weights file without layers; add the layers and use knn_load_weights",
                         expected);
    if (knn__is_nested(file))
        return knn__fail(KNN_ERROR_FORMAT,
                         "expected %s, got a .weights.h5 of Keras 3 without layers; add the layers and use knn_load_weights", expected);
    if (knn__h5_has_attribute(file, "", KNN__NUMBERED))
        return knn__fail(KNN_ERROR_FORMAT, "expected %s, got a weights file of Keras 0 without layers; add the layers and use knn_load_weights",
                         expected);
    return knn__fail(KNN_ERROR_FORMAT, "expected %s, got an HDF5 file %s", expected, is_empty(file) ? "with nothing in it" : "that Keras did not write");
}

bool knn__source_is_nested(const knn__source *source)
{
    return !knn__h5_has_attribute(source->file, "", "layer_names") && !knn__h5_has_attribute(source->file, "", "layer_names0") &&
           !knn__h5_has(source->file, "model_weights") && knn__is_nested(source->file);
}

const char *knn__source_weights(const knn__source *source)
{
    if (knn__h5_has_attribute(source->file, "", "layer_names") ||
        knn__h5_has_attribute(source->file, "", "layer_names0") || knn__h5_has_attribute(source->file, "", KNN__NUMBERED))
        return "";
    if (knn__h5_has(source->file, "model_weights"))
        return "model_weights";
    not_found(source, "weights");
    return NULL;
}

knn_status knn__source_expect_model(const knn__source *source)
{
    return source->is_archive || knn__h5_has_attribute(source->file, "", "model_config") ? KNN_OK : not_found(source, "a whole model");
}

static cJSON *take(cJSON **json)
{
    cJSON *taken = *json;
    *json = NULL;
    return taken;
}

knn_status knn__source_json(knn__source *source, const char *attribute, cJSON **json)
{
    char *text = NULL;
    knn_status status = KNN_OK;
    bool is_model = strcmp(attribute, "model_config") == 0;

    *json = NULL;
    if (source->is_archive && (is_model || strcmp(attribute, "training_config") == 0)) {
        *json = take(is_model ? &source->model : &source->training);
        return KNN_OK;
    }
    if (knn__h5_has_attribute(source->file, "", attribute))
        status = knn__h5_read_text(source->file, "", attribute, &text);
    if (text != NULL)
        status = knn__json_parse(text, attribute, json);
    knn__free(text);
    return status;
}

knn_status knn__source_state(knn__source *source, cJSON **json, knn__state *state)
{
    knn_status status = knn__source_json(source, KNN__STATE, json);
    if (status == KNN_OK && *json != NULL)
        status = knn__state_read(*json, state);
    return status == KNN_OK ? knn__state_read_whitening(source->file, state) : status;
}

knn_status knn__source_text(const knn__source *source, const char *attribute, char **text)
{
    const char *said = knn__json_text(knn__json_get(source->metadata, attribute));

    *text = NULL;
    if (!source->is_archive && knn__h5_has_attribute(source->file, "", attribute))
        return knn__h5_read_text(source->file, "", attribute, text);
    if (said != NULL)
        *text = knn__copy_text(said);
    return *text != NULL || said == NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

knn_status knn__source_is_old(const knn__source *source, bool *old)
{
    char *version;
    knn_status status = knn__source_text(source, "keras_version", &version);

    *old = version == NULL || strtol(version, NULL, 10) < 3;
    knn__free(version);
    return status;
}
