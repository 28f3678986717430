/* Opens what is to be loaded, and tells by its contents, not by its name, what it is. Does not build anything: see
 * load.c. */
#include "keras/source.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"

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
    if (BEGINS("PK\x03\x04"))
        return knn__fail(KNN_ERROR_UNSUPPORTED,
                         "a zip archive (Keras 3's .keras format), which is not supported; save it as .h5 in Keras");
    if (BEGINS("{"))
        return knn__fail(KNN_ERROR_FORMAT,
                         "a JSON text (perhaps layers without weights), expected a Keras file (HDF5)");
    return knn__fail(KNN_ERROR_FORMAT, "not a Keras file: expected HDF5, got %zu bytes of something else", size);
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
    knn_status status = expect_hdf5(data, size);
    if (status == KNN_OK)
        status = knn__h5_open(data, size, &source->file);
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
    *source = (knn__source){0};
}

/* What an HDF5 file is that has not got what was looked for. */
static knn_status not_found(const knn__source *source, const char *expected)
{
    knn__h5 *file = source->file;

    if (knn__h5_has_attribute(file, "", "layer_names") || knn__h5_has_attribute(file, "", "layer_names0"))
        return knn__fail(KNN_ERROR_FORMAT,
                         "expected %s, got a weights file without layers; add the layers and use knn_load_weights",
                         expected);
    if (knn__h5_has(file, "layers") || knn__h5_has(file, "_layer_checkpoint_dependencies"))
        return knn__fail(KNN_ERROR_UNSUPPORTED,
                         "expected %s, got a .weights.h5 of Keras 3, whose layout is not supported", expected);
    if (knn__h5_has_attribute(file, "", "nb_layers"))
        return knn__fail(KNN_ERROR_UNSUPPORTED, "expected %s, got a file of Keras 0, which is not supported", expected);
    return knn__fail(KNN_ERROR_FORMAT, "expected %s, got an HDF5 file that Keras did not write", expected);
}

const char *knn__source_weights(const knn__source *source)
{
    if (knn__h5_has_attribute(source->file, "", "layer_names") ||
        knn__h5_has_attribute(source->file, "", "layer_names0"))
        return "";
    if (knn__h5_has(source->file, "model_weights"))
        return "model_weights";
    not_found(source, "weights");
    return NULL;
}

knn_status knn__source_expect_model(const knn__source *source)
{
    return knn__h5_has_attribute(source->file, "", "model_config") ? KNN_OK : not_found(source, "a whole model");
}

knn_status knn__source_json(const knn__source *source, const char *attribute, cJSON **json)
{
    char *text = NULL;
    knn_status status = KNN_OK;

    *json = NULL;
    if (knn__h5_has_attribute(source->file, "", attribute))
        status = knn__h5_read_text(source->file, "", attribute, &text);
    if (text != NULL)
        status = knn__json_parse(text, attribute, json);
    knn__free(text);
    return status;
}

knn_status knn__source_state(const knn__source *source, cJSON **json, knn__state *state)
{
    knn_status status = knn__source_json(source, KNN__STATE, json);
    if (status == KNN_OK && *json != NULL)
        status = knn__state_read(*json, state);
    return status == KNN_OK ? knn__state_read_whitening(source->file, state) : status;
}

knn_status knn__source_is_old(const knn__source *source, bool *old)
{
    char *version = NULL;
    knn_status status = KNN_OK;

    *old = true;
    if (knn__h5_has_attribute(source->file, "", "keras_version"))
        status = knn__h5_read_text(source->file, "", "keras_version", &version);
    if (version != NULL)
        *old = strtol(version, NULL, 10) < 3;
    knn__free(version);
    return status;
}
