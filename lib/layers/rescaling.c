/* Rescaling: y = scale x + offset. */
#include "layers/kinds.h"

static const knn_field fields[] = {
    FIELD(knn_rescaling_layer, "scale", REAL, scale, .normal = 0),
    FIELD(knn_rescaling_layer, "offset", REAL, offset, .normal = 0), FIELDS_END};

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const knn_rescaling_layer *rescaling = (const knn_rescaling_layer *)(const void *)layer;

    knn__node_init(&made[0], KNN_OP_RESCALING, in, out);
    made[0].scale = rescaling->scale;
    made[0].offset = rescaling->offset;
    return 1;
}

const knn__layer_kind knn__rescaling_kind = {
    .kind = {.class_name = "Rescaling", .size = sizeof(knn_rescaling_layer), .fields = fields,
        .name_offset = offsetof(knn_rescaling_layer, name)},
    .shape = knn__shape_same, .nodes = nodes};
