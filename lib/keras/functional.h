/* Functional models: which of their layers follows which. */
#ifndef KNN_KERAS_FUNCTIONAL_H
#define KNN_KERAS_FUNCTIONAL_H

#include "keras/description.h"

/* The layers in running order, or, where they are no straight chain from one input to one output, as the file has them. The list is the
 * reading's, the layers belong to the JSON tree. */
typedef struct knn__functional { const cJSON **layers; size_t count; bool straight; } knn__functional;

/* `config`: the model's. */
knn_status knn__functional_read(knn__reading *reading, const cJSON *config, knn__functional *functional);

/* What a layer, or a model, is called; NULL: nothing. */
const char *knn__layer_name(const cJSON *layer);

#endif
