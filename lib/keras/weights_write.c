/* Writes a model's weights in Keras' legacy layout. Reads none: see weights.c. */
#include "keras/weights.h"

#include "core/memory.h"
#include "core/text.h"

/* The version that files of ours claim, so that every Keras takes them for what they are: the legacy layout of
 * tf.keras 2. */
#define KERAS_VERSION "2.15.0"

/* A unit's arrays, and their names in its group. */
typedef struct listing {
    const knn__model_weight **weights;
    char **names;                           /* "dense/kernel:0", "features/dense/kernel:0" */
    size_t count;
} listing;

static knn_status list_array(listing *list, const knn__model_weight *weight)
{
    knn__text name = {0};

    knn__text_add(&name, "%s:0", weight->name);
    list->weights[list->count] = weight;
    list->names[list->count++] = name.data;
    return name.failed ? KNN_ERROR_MEMORY : KNN_OK;
}

/* Keras lists those that are trained before the others: over all layers of a model inside. */
static knn_status list_arrays(const knn_model *model, const knn__unit *unit, listing *list)
{
    size_t first = (size_t)model->layers[unit->first].first_weight, end = first;
    knn_status status = KNN_OK;

    for (size_t i = 0; i < unit->count; i++)
        end += (size_t)model->layers[unit->first + i].weight_count;
    list->weights = knn__alloc(end - first, sizeof *list->weights);
    list->names = knn__alloc(end - first, sizeof *list->names);
    if (list->weights == NULL || list->names == NULL)
        return KNN_ERROR_MEMORY;
    for (int trainable = 1; trainable >= 0; trainable--)
        for (size_t i = first; i < end && status == KNN_OK; i++)
            if (model->weights_table[i].spec.trainable == (trainable == 1))
                status = list_array(list, &model->weights_table[i]);
    return status;
}

static void forget_arrays(listing *list)
{
    for (size_t i = 0; i < list->count; i++)
        knn__free(list->names[i]);
    knn__free(list->names);
    knn__free(list->weights);
}

static knn_status write_array(knn__h5 *file, const char *group, const knn_model *model, const knn__model_weight *weight,
                              const char *name)
{
    char *path = knn__h5_path(group, name, "");
    knn_status status =
        path != NULL ? knn__h5_write(file, path, weight->spec.rank, weight->spec.shape, model->weights + weight->offset)
                     : KNN_ERROR_MEMORY;
    knn__free(path);
    return status;
}

static knn_status write_unit(knn__h5 *file, const char *root, const knn_model *model, const knn__unit *unit)
{
    listing list = {0};
    char *group = knn__h5_path(root, unit->name, "");
    knn_status status = group != NULL ? list_arrays(model, unit, &list) : KNN_ERROR_MEMORY;

    if (status == KNN_OK)
        status = knn__h5_write_group(file, group);
    if (status == KNN_OK)
        status = knn__h5_write_texts(file, group, "weight_names", (const char *const *)list.names, list.count);
    for (size_t i = 0; i < list.count && status == KNN_OK; i++)
        status = write_array(file, group, model, list.weights[i], list.names[i]);
    forget_arrays(&list);
    knn__free(group);
    return status;
}

static knn_status write_names(knn__h5 *file, const char *group, const knn__unit *units, size_t count)
{
    const char **names = knn__alloc(count, sizeof *names);

    if (names == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        names[i] = units[i].name;
    knn_status status = knn__h5_write_texts(file, group, "layer_names", names, count);
    knn__free(names);
    return status;
}

static knn_status write_version(knn__h5 *file, const char *group)
{
    knn_status status = knn__h5_write_text(file, group, "backend", "tensorflow", true);
    return status == KNN_OK ? knn__h5_write_text(file, group, "keras_version", KERAS_VERSION, true) : status;
}

knn_status knn__write_version(knn__h5 *file)
{
    return write_version(file, "");
}

knn_status knn__write_weights(knn__h5 *file, const char *group, const knn_model *model)
{
    knn__unit *units;
    size_t count;
    knn_status status = knn__units_of(model, &units, &count);

    if (status == KNN_OK)
        status = write_names(file, group, units, count);
    if (status == KNN_OK)
        status = write_version(file, group);
    for (size_t i = 0; i < count && status == KNN_OK; i++)
        status = write_unit(file, group, model, &units[i]);
    knn__units_free(units, count);
    return status;
}
