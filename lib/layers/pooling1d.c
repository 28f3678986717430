/* MaxPooling1D and AveragePooling1D: pooling of a picture of one row. */
#include "layers/kinds.h"

typedef knn_pooling1d_layer pooling1d;

static const knn_field fields[] = {
    FIELD(pooling1d, "pool_size", INT, pool_size, COUNT, .normal = 2),
    FIELD(pooling1d, "strides", INT, strides, COUNT),
    FIELD_PADDING(pooling1d),
    FIELDS_END};

static void strides_as_the_pool(void *description)
{
    pooling1d *pool = description;
    if (pool->strides == 0)
        pool->strides = pool->pool_size;
}

static knn__window window_of(const knn_layer *layer)
{
    const pooling1d *pool = (const pooling1d *)(const void *)layer;
    return (knn__window){1, pool->pool_size, 1, pool->strides, 1, 1, pool->padding};
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const knn__window window = window_of(layer);
    knn_status status = knn__expect_rank2(in);
    return status == KNN_OK ? knn__window_shape("pool", &window, in, in->size[1], out) : status;
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

const knn__layer_kind knn__max_pooling1d_kind = {
    .kind = {.class_name = "MaxPooling1D", .size = sizeof(pooling1d), .fields = fields, .name_offset = offsetof(pooling1d, name),
        .settle = strides_as_the_pool},
    .shape = shape, .nodes = max_nodes};

const knn__layer_kind knn__average_pooling1d_kind = {
    .kind = {.class_name = "AveragePooling1D", .size = sizeof(pooling1d), .fields = fields, .name_offset = offsetof(pooling1d, name),
        .settle = strides_as_the_pool},
    .shape = shape, .nodes = average_nodes};
