/* GlobalAveragePooling2D and GlobalMaxPooling2D: a number a channel. */
#include "layers/kinds.h"

typedef knn_global_pooling2d_layer global_pooling2d;

static const knn_field fields[] = {FIELD(global_pooling2d, "keepdims", BOOL, keepdims, .normal = 0), FIELDS_END};

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const global_pooling2d *pool = (const global_pooling2d *)(const void *)layer;
    knn_status status = knn__expect_rank3(in);

    *out = pool->keepdims ? (knn_shape){3, {1, 1, in->size[2]}} : (knn_shape){1, {in->size[2]}};
    return status;
}

static int average_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[2])
{
    (void)layer;
    knn__node_init(&made[0], KNN_OP_GLOBAL_AVERAGE_POOLING2D, in, out);
    return 1;
}

static int max_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[2])
{
    (void)layer;
    knn__node_init(&made[0], KNN_OP_GLOBAL_MAX_POOLING2D, in, out);
    return 1;
}

const knn__layer_kind knn__global_average_pooling2d_kind = {
    .kind = {.class_name = "GlobalAveragePooling2D", .size = sizeof(global_pooling2d), .fields = fields,
        .name_offset = offsetof(global_pooling2d, name)},
    .shape = shape, .nodes = average_nodes};

const knn__layer_kind knn__global_max_pooling2d_kind = {
    .kind = {.class_name = "GlobalMaxPooling2D", .size = sizeof(global_pooling2d), .fields = fields,
        .name_offset = offsetof(global_pooling2d, name)},
    .shape = shape, .nodes = max_nodes};
