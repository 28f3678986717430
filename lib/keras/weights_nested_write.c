/* Where Keras 3's own layout has the layers of a model, and writing it. Reads none: see weights_nested.c. */
#include "keras/weights.h"

#include "core/memory.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* ---- Places ---- */

enum { KEY_SIZE = 128 };

/* A model, or one inside: it begins with layer `first`, and its layers' names behind `depth` characters. */
typedef struct stretch { size_t first, depth; } stretch;

static void class_of(const knn_model *model, size_t i, size_t depth, char class_name[KEY_SIZE])
{
    int length;
    bool is_model;

    knn__unit_name(model, i, depth, &length, &is_model);
    knn__snake_case(is_model ? "Sequential" : model->layers[i].description->class_name, class_name, KEY_SIZE);
}

/* "dense", "dense_1", ..: the class of what begins with layer i, and its place among those of the class in one model. */
static void make_key(const knn_model *model, stretch in, size_t i, char key[KEY_SIZE])
{
    char other[KEY_SIZE];
    int before = 0;

    class_of(model, i, in.depth, key);
    for (size_t k = in.first; k < i; k = knn__unit_end(model, k, in.depth)) {
        class_of(model, k, in.depth, other);
        before += strcmp(other, key) == 0;
    }
    size_t length = strlen(key);
    if (before > 0)
        snprintf(key + length, KEY_SIZE - length, "_%d", before);
}

/* The model inside `in` that layer `index` is in; false: the layer is one of `in` itself. *key: what the file calls what was found. */
static bool go_inside(const knn_model *model, size_t index, stretch *in, char key[KEY_SIZE])
{
    size_t i = in->first;
    int length;
    bool is_model;

    while (knn__unit_end(model, i, in->depth) <= index)
        i = knn__unit_end(model, i, in->depth);
    make_key(model, *in, i, key);
    knn__unit_name(model, i, in->depth, &length, &is_model);
    *in = (stretch){i, in->depth + (size_t)length + 1};
    return is_model;
}

/* NULL: no memory. */
static char *container_of(const knn_model *model, size_t index)
{
    char key[KEY_SIZE];
    stretch in = {0, 0};
    knn__text container = {0};

    knn__text_append(&container, "", 0);
    while (go_inside(model, index, &in, key))
        knn__text_add(&container, "layers/%s/", key);
    if (!container.failed)
        return container.data;
    knn__text_free(&container);
    return NULL;
}

knn_status knn__places_of(const knn_model *model, knn__place **places, size_t *count)
{
    *count = 0;
    *places = knn__alloc(model->layer_count, sizeof **places);
    if (*places == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++) {
        const knn__model_layer *layer = &model->layers[i];
        if (layer->weight_count == 0)
            continue;
        char *container = container_of(model, i);
        if (container == NULL)
            return KNN_ERROR_MEMORY;
        (*places)[(*count)++] = (knn__place){layer->name, layer->description->class_name, container};
    }
    return KNN_OK;
}

void knn__places_free(knn__place *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        knn__free((void *)(uintptr_t)places[i].container);
    knn__free(places);
}

/* ---- Writing ---- */

/* The group of arrays of PATH, which has the name of the layer, or model, as an attribute; Keras up to 3.5 wants it also where it is
 * empty. */
static knn_status write_group(knn__h5 *file, const char *path, const char *name, size_t length)
{
    char *group = knn__h5_path(path, "vars", ""), *text = knn__copy_bytes(name, length);
    knn_status status = group != NULL && text != NULL ? knn__h5_write_group(file, group) : KNN_ERROR_MEMORY;

    if (status == KNN_OK)
        status = knn__h5_write_text(file, group, "name", text, true);
    knn__free(group);
    knn__free(text);
    return status;
}

static knn_status write_arrays(knn__h5 *file, const char *path, const knn_model *model, const knn__model_layer *layer)
{
    char index[24];
    knn_status status = KNN_OK;

    for (int i = 0; i < layer->weight_count && status == KNN_OK; i++) {
        const knn__model_weight *weight = &model->weights_table[layer->first_weight + i];
        snprintf(index, sizeof index, "%d", i);
        char *array = knn__h5_path(path, "vars", index);
        status = array != NULL ? knn__h5_write(file, array, weight->spec.rank, weight->spec.shape, model->weights + weight->offset)
                               : KNN_ERROR_MEMORY;
        knn__free(array);
    }
    return status;
}

static knn_status write_model(knn__h5 *file, const char *path, const knn_model *model, stretch in, size_t end);

/* What begins with layer i of a model at PATH: a layer, or a model that ends before `end`. */
static knn_status write_unit(knn__h5 *file, const char *path, const knn_model *model, stretch in, size_t i, size_t end)
{
    char key[KEY_SIZE];
    int length;
    bool is_model;
    const char *name = knn__unit_name(model, i, in.depth, &length, &is_model);

    make_key(model, in, i, key);
    char *below = knn__h5_path(path, "layers", key);
    knn_status status = below != NULL ? write_group(file, below, name, (size_t)length) : KNN_ERROR_MEMORY;
    if (status == KNN_OK)
        status = is_model ? write_model(file, below, model, (stretch){i, in.depth + (size_t)length + 1}, end)
                          : write_arrays(file, below, model, &model->layers[i]);
    knn__free(below);
    return status;
}

static knn_status write_model(knn__h5 *file, const char *path, const knn_model *model, stretch in, size_t end)
{
    knn_status status = KNN_OK;

    for (size_t i = in.first, next; i < end && status == KNN_OK; i = next) {
        next = knn__unit_end(model, i, in.depth);
        status = write_unit(file, path, model, in, i, next);
    }
    return status;
}

knn_status knn__write_weights_nested(knn__h5 *file, const knn_model *model)
{
    knn_status status = write_group(file, "", model->name, strlen(model->name));
    return status == KNN_OK ? write_model(file, "", model, (stretch){0, 0}, model->layer_count) : status;
}
