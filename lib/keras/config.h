/* model_config, both ways: Keras' JSON and the layers of a model. Knows no weights. */
#ifndef KNN_KERAS_CONFIG_H
#define KNN_KERAS_CONFIG_H

#include "keras/description.h"
#include "model/model.h"

#include <knn/files.h>

/* A layer of a file, in running order. Texts and configs belong to the JSON tree. */
typedef struct knn__config_layer {
    const char *class_name, *name;
    const cJSON *config;
    const char *inside;                     /* "features/block": the models inside the model that it is in; NULL: none */
    const char *container;                  /* of the innermost of them, "layers/sequential/"; "": none: see weights.h */
    knn_layer *description;                 /* NULL: not supported */
} knn__config_layer;

typedef struct knn__config {
    const char *name;                       /* the model's; NULL: none */
    knn_shape input;                        /* rank 0: the file has none */
    const char *input_name;
    knn__config_layer *layers;
    size_t count, capacity;
    int nameless;                           /* models inside without a name, so far */
    knn__text problems;                     /* all that is not supported, joined by "; " */
} knn__config;

/* Everything is looked at first: KNN_ERROR_UNSUPPORTED names all layers that cannot be had. `classes`: users' own,
 * NULL-terminated or NULL. The JSON becomes one of Keras 2 or 3 (earlier.h). */
knn_status knn__config_read(knn__config *config, knn__reading *reading, cJSON *json,
                            const knn_layer_class *const *classes);
void       knn__config_free(knn__config *config);

/* Adds its layers to a new model, channels_first ones with Permute layers around them (layout.h), which the config has afterwards, too: layer i
 * of the config becomes layer i of the model. */
knn_status knn__config_build(knn__config *config, knn__reading *reading, knn_model *model);

#endif
