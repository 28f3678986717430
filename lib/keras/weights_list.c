/* Lists the weights of a file in the legacy layout, and in that of Keras 0. Reads no numbers; Keras 3's own layout: weights_nested.c. */
#include "keras/weights.h"

#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"
#include "keras/limits.h"

#include <stdio.h>
#include <string.h>

char *knn__h5_path(const char *root, const char *a, const char *b)
{
    knn__text path = {0};

    knn__text_add(&path, "%s%s%s%s%s", root, root[0] != '\0' && a[0] != '\0' ? "/" : "", a, b[0] != '\0' ? "/" : "", b);
    if (!path.failed)
        return path.data;
    knn__text_free(&path);
    return NULL;
}

knn_status knn__stored_add_array(knn__h5 *file, const char *group, const char *name, knn__stored *stored)
{
    if (stored->array_count >= KNN__ARRAYS_LIMIT)
        return knn__fail(KNN_ERROR_FORMAT, "/%s/%s: at most %d arrays are supported", group, name, KNN__ARRAYS_LIMIT);
    if (!knn__reserve((void **)&stored->arrays, &stored->array_capacity, stored->array_count + 1,
                      sizeof *stored->arrays))
        return KNN_ERROR_MEMORY;
    knn__stored_array *array = &stored->arrays[stored->array_count];
    array->path = knn__h5_path(group, name, "");
    if (array->path == NULL)
        return KNN_ERROR_MEMORY;
    array->name = array->path + strlen(array->path) - strlen(name);
    stored->array_count++;
    return knn__h5_shape_of(file, array->path, &array->shape);
}

knn_status knn__stored_add_layer(const char *name, size_t count, knn__stored *stored)
{
    if (stored->layer_count >= KNN__LAYERS_LIMIT)
        return knn__fail(KNN_ERROR_FORMAT, "%s: at most %d layers are supported", name, KNN__LAYERS_LIMIT);
    if (!knn__reserve((void **)&stored->layers, &stored->layer_capacity, stored->layer_count + 1,
                      sizeof *stored->layers))
        return KNN_ERROR_MEMORY;
    knn__stored_layer *layer = &stored->layers[stored->layer_count];
    *layer = (knn__stored_layer){knn__copy_text(name), stored->array_count, count};
    if (layer->name == NULL)
        return KNN_ERROR_MEMORY;
    stored->layer_count++;
    return KNN_OK;
}

static knn_status read_layer(knn__h5 *file, const char *root, const char *name, knn__stored *stored)
{
    knn__names weights = {0};
    char *group = knn__h5_path(root, name, "");
    knn_status status = group != NULL ? knn__h5_read_texts(file, group, "weight_names", &weights) : KNN_ERROR_MEMORY;

    if (status == KNN_OK)
        status = knn__stored_add_layer(name, weights.count, stored);
    for (size_t i = 0; i < weights.count && status == KNN_OK; i++)
        status = knn__stored_add_array(file, group, weights.name[i], stored);
    knn__names_free(&weights);
    knn__free(group);
    return status;
}

/* Keras on Theano says so, or, up to 1.2, can be told by weight names without ":0"; Keras 3's have none either, but it
 * names its backend. */
static knn_status find_theano(knn__h5 *file, const char *root, knn__stored *stored)
{
    char *backend = NULL;
    knn_status status = KNN_OK;

    if (knn__h5_has_attribute(file, root, "backend"))
        status = knn__h5_read_text(file, root, "backend", &backend);
    if (backend != NULL)
        stored->flipped = strcmp(backend, "theano") == 0;
    else if (stored->array_count > 0)
        stored->flipped = !knn__text_ends_with(stored->arrays[0].path, ":0", false);
    knn__free(backend);
    return status;
}

static knn_status read_listed(knn__h5 *file, const char *group, knn__stored *stored)
{
    knn__names names = {0};
    knn_status status = knn__h5_read_texts(file, group, "layer_names", &names);

    for (size_t i = 0; i < names.count && status == KNN_OK; i++)
        status = read_layer(file, group, names.name[i], stored);
    if (status == KNN_OK)
        status = find_theano(file, group, stored);
    knn__names_free(&names);
    return status;
}

/* Keras 0 ran on Theano alone for long, and says neither versions nor names. */
static knn_status read_numbered(knn__h5 *file, knn__stored *stored)
{
    char layer[32], array[64];
    knn_status status = KNN_OK;

    for (int i = 0; snprintf(layer, sizeof layer, "layer_%d", i), status == KNN_OK && knn__h5_is_group(file, layer); i++) {
        size_t count = 0;
        while (snprintf(array, sizeof array, "%s/param_%zu", layer, count), knn__h5_has(file, array))
            count++;
        status = knn__stored_add_layer(layer, count, stored);
        for (size_t p = 0; p < count && status == KNN_OK; p++) {
            snprintf(array, sizeof array, "param_%zu", p);
            status = knn__stored_add_array(file, layer, array, stored);
        }
    }
    stored->flipped = stored->numbered = true;
    return status;
}

/* Keras says its version in files of weights since 2.0, in whole models since 1.1. */
static knn_status find_version(knn__h5 *file, knn__stored *stored)
{
    char *version = NULL;
    int part[3] = {0};
    knn_status status = KNN_OK;

    if (knn__h5_has_attribute(file, "", "keras_version"))
        status = knn__h5_read_text(file, "", "keras_version", &version);
    if (version != NULL && sscanf(version, "%3d.%2d.%2d", &part[0], &part[1], &part[2]) > 0)
        stored->version = part[0] * 10000 + part[1] * 100 + part[2];
    stored->earlier = stored->version < 20000;
    knn__free(version);
    return status;
}

knn_status knn__stored_read(knn__h5 *file, const char *group, knn__stored *stored)
{
    *stored = (knn__stored){0};
    knn_status status = find_version(file, stored);

    if (status == KNN_OK)
        status = knn__h5_has_attribute(file, group, KNN__NUMBERED) ? read_numbered(file, stored) : read_listed(file, group, stored);
    return status;
}

void knn__stored_free(knn__stored *stored)
{
    for (size_t i = 0; i < stored->layer_count; i++)
        knn__free(stored->layers[i].name);
    for (size_t i = 0; i < stored->array_count; i++)
        knn__free(stored->arrays[i].path);
    knn__free(stored->layers);
    knn__free(stored->arrays);
    *stored = (knn__stored){0};
}
