/* MaxPooling2D and AveragePooling2D: the maximum or mean of each window. */
#include "core/status.h"
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

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const pooling2d *pool = (const pooling2d *)(const void *)layer;
    int before, after;
    knn_status status = knn__expect_rank3(in);

    if (status != KNN_OK)
        return status;
    *out = *in;
    if (!knn__window_length(in->size[0], pool->pool_height, pool->stride_height, 1, pool->padding, &out->size[0], &before, &after) ||
        !knn__window_length(in->size[1], pool->pool_width, pool->stride_width, 1, pool->padding, &out->size[1], &before, &after))
        return knn__fail(KNN_ERROR_SHAPE, "pool %dx%d is larger than its input %dx%d (padding valid)", pool->pool_height,
                         pool->pool_width, in->size[0], in->size[1]);
    return KNN_OK;
}

static int window_node(knn_op op, const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node *node)
{
    const pooling2d *pool = (const pooling2d *)(const void *)layer;
    int length;

    knn__node_init(node, op, in, out);
    node->kernel_height = pool->pool_height;
    node->kernel_width = pool->pool_width;
    node->stride_height = pool->stride_height;
    node->stride_width = pool->stride_width;
    knn__window_length(in->size[0], pool->pool_height, pool->stride_height, 1, pool->padding, &length, &node->pad_top,
                       &node->pad_bottom);
    knn__window_length(in->size[1], pool->pool_width, pool->stride_width, 1, pool->padding, &length, &node->pad_left,
                       &node->pad_right);
    return 1;
}

static int max_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[2])
{
    return window_node(KNN_OP_MAX_POOLING2D, layer, in, out, made);
}

static int average_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[2])
{
    return window_node(KNN_OP_AVERAGE_POOLING2D, layer, in, out, made);
}

const knn__layer_kind knn__max_pooling2d_kind = {
    .kind = {.class_name = "MaxPooling2D", .size = sizeof(pooling2d), .fields = fields, .name_offset = offsetof(pooling2d, name),
        .settle = strides_as_the_pool},
    .shape = shape, .nodes = max_nodes};

const knn__layer_kind knn__average_pooling2d_kind = {
    .kind = {.class_name = "AveragePooling2D", .size = sizeof(pooling2d), .fields = fields, .name_offset = offsetof(pooling2d, name),
        .settle = strides_as_the_pool},
    .shape = shape, .nodes = average_nodes};
