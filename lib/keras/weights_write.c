/* Writes a model's weights in Keras' legacy layout. Reads none: see weights.c. */
#include "keras/weights.h"

#include "core/memory.h"

#include <stdio.h>

/* The version that files of ours claim, so that every Keras takes them for what they are: the legacy layout of
 * tf.keras 2. */
#define KERAS_VERSION "2.15.0"

static knn_status write_arrays(knn__h5 *file, const char *group, const knn_model *model, const knn__model_layer *layer,
                               char (*names)[256])
{
    knn_status status = KNN_OK;

    for (int i = 0; i < layer->weight_count && status == KNN_OK; i++) {
        const knn__model_weight *weight = &model->weights_table[layer->first_weight + i];
        char *path = knn__h5_path(group, names[i], "");
        status = path != NULL
                     ? knn__h5_write(file, path, weight->spec.rank, weight->spec.shape, model->weights + weight->offset)
                     : KNN_ERROR_MEMORY;
        knn__free(path);
    }
    return status;
}

static knn_status write_layer(knn__h5 *file, const char *root, const knn_model *model, const knn__model_layer *layer)
{
    char names[KNN_NODE_WEIGHTS][256];
    const char *list[KNN_NODE_WEIGHTS];
    char *group = knn__h5_path(root, layer->name, "");

    if (group == NULL)
        return KNN_ERROR_MEMORY;
    for (int i = 0; i < layer->weight_count; i++) {
        snprintf(names[i], sizeof names[i], "%.200s/%.40s:0", layer->name,
                 model->weights_table[layer->first_weight + i].short_name);
        list[i] = names[i];
    }
    knn_status status = knn__h5_write_group(file, group);
    if (status == KNN_OK)
        status = knn__h5_write_texts(file, group, "weight_names", list, (size_t)layer->weight_count);
    if (status == KNN_OK)
        status = write_arrays(file, group, model, layer, names);
    knn__free(group);
    return status;
}

static knn_status write_names(knn__h5 *file, const char *group, const knn_model *model)
{
    const char **names = knn__alloc(model->layer_count, sizeof *names);

    if (names == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++)
        names[i] = model->layers[i].name;
    knn_status status = knn__h5_write_texts(file, group, "layer_names", names, model->layer_count);
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
    knn_status status = write_names(file, group, model);

    if (status == KNN_OK)
        status = write_version(file, group);
    for (size_t i = 0; i < model->layer_count && status == KNN_OK; i++)
        status = write_layer(file, group, model, &model->layers[i]);
    return status;
}
