/* Activation: an elementwise function, or softmax over the last axis. */
#include "layers/kinds.h"

static const knn_field fields[] = {FIELD_ACTIVATION(knn_activation_layer), FIELDS_END};

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    (void)in;
    return knn__node_activation(made, 0, ((const knn_activation_layer *)(const void *)layer)->activation, out);
}

const knn__layer_kind knn__activation_kind = {
    .kind = {.class_name = "Activation", .size = sizeof(knn_activation_layer), .fields = fields,
        .name_offset = offsetof(knn_activation_layer, name)},
    .shape = knn__shape_same, .nodes = nodes};
