/* Dropout: in training, elements become 0 with probability `rate`, the others are divided by 1 - rate. */
#include "layers/kinds.h"

static const knn_field fields[] = {FIELD(knn_dropout_layer, "rate", REAL, rate, .least = 0, .most = 1), FIELDS_END};

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[2])
{
    knn__node_init(&made[0], KNN_OP_DROPOUT, in, out);
    made[0].rate = ((const knn_dropout_layer *)(const void *)layer)->rate;
    return 1;
}

const knn__layer_kind knn__dropout_kind = {
    .kind = {.class_name = "Dropout", .size = sizeof(knn_dropout_layer), .fields = fields,
        .name_offset = offsetof(knn_dropout_layer, name)},
    .shape = knn__shape_same, .nodes = nodes};
