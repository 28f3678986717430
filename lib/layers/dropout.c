/* Dropout: in training, elements become 0 with probability `rate`, the others are divided by 1 - rate. Spatial dropout does so with whole
 * channels of an image. */
#include "layers/kinds.h"

static const knn_field fields[] = {FIELD(knn_dropout_layer, "rate", REAL, rate, .least = 0, .most = 1), FIELDS_END};

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_DROPOUT, in, out);
    made[0].rate = ((const knn_dropout_layer *)(const void *)layer)->rate;
    made[0].training_only = true;
    return made[0].rate > 0;
}

static int spatial_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    int count = nodes(layer, in, out, made);

    made[0].whole_channels = true;
    return count;
}

#define DROPOUT(symbol, label, shape_rule, nodes_rule) \
    const knn__layer_kind symbol = { \
        .kind = {.class_name = label, .size = sizeof(knn_dropout_layer), .fields = fields, \
            .name_offset = offsetof(knn_dropout_layer, name)}, \
        .shape = shape_rule, .nodes = nodes_rule}
DROPOUT(knn__dropout_kind, "Dropout", knn__shape_same, nodes);
DROPOUT(knn__spatial_dropout2d_kind, "SpatialDropout2D", knn__shape_same_picture, spatial_nodes);
DROPOUT(knn__spatial_dropout1d_kind, "SpatialDropout1D", knn__shape_same_sequence, spatial_nodes);
