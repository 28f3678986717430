/* MaxPooling2D and AveragePooling2D: the maximum or mean of each window. */
#include "layers/kinds.h"

typedef knn_pooling2d_layer pooling2d;

static const knn_field fields[] = {
    FIELD(pooling2d, "pool_size", PAIR, pool_height, COUNT, .normal = 2),
    FIELD(pooling2d, "strides", PAIR, stride_height, COUNT),
    FIELD_PADDING(pooling2d),
    FIELDS_END};

static void strides_as_the_pool(void *description)
{
    pooling2d *pool = description;
    if (pool->stride_height == 0) {
        pool->stride_height = pool->pool_height;
        pool->stride_width = pool->pool_width;
    }
}

static knn__window window_of(const knn_layer *layer)
{
    const pooling2d *pool = (const pooling2d *)(const void *)layer;
    return (knn__window){pool->pool_height, pool->pool_width, pool->stride_height, pool->stride_width, 1, 1, pool->padding};
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const knn__window window = window_of(layer);
    knn_status status = knn__expect_rank3(in);
    return status == KNN_OK ? knn__window_shape("pool", &window, in, in->size[2], out) : status;
}

static int max_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const knn__window window = window_of(layer);
    knn__window_node(made, KNN_OP_MAX_POOLING2D, &window, in, out);
    return 1;
}

static int average_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const knn__window window = window_of(layer);
    knn__window_node(made, KNN_OP_AVERAGE_POOLING2D, &window, in, out);
    return 1;
}

const knn__layer_kind knn__max_pooling2d_kind = {
    .kind = {.class_name = "MaxPooling2D", .size = sizeof(pooling2d), .fields = fields, .name_offset = offsetof(pooling2d, name),
        .settle = strides_as_the_pool},
    .shape = shape, .nodes = max_nodes};

const knn__layer_kind knn__average_pooling2d_kind = {
    .kind = {.class_name = "AveragePooling2D", .size = sizeof(pooling2d), .fields = fields, .name_offset = offsetof(pooling2d, name),
        .settle = strides_as_the_pool},
    .shape = shape, .nodes = average_nodes};
