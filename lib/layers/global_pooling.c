/* GlobalAveragePooling2D and GlobalMaxPooling2D, and the same of sequences: a number a channel. */
#include "layers/kinds.h"

typedef knn_global_pooling2d_layer global_pooling2d;
typedef knn_global_pooling1d_layer global_pooling1d;

static const knn_field fields2d[] = {FIELD(global_pooling2d, "keepdims", BOOL, keepdims, .normal = 0), FIELDS_END};
static const knn_field fields1d[] = {FIELD(global_pooling1d, "keepdims", BOOL, keepdims, .normal = 0), FIELDS_END};

static knn_status shape2d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const global_pooling2d *pool = (const global_pooling2d *)(const void *)layer;
    knn_status status = knn__expect_rank3(in);

    *out = pool->keepdims ? (knn_shape){3, {1, 1, in->size[2]}} : (knn_shape){1, {in->size[2]}};
    return status;
}

static knn_status shape1d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const global_pooling1d *pool = (const global_pooling1d *)(const void *)layer;
    knn_status status = knn__expect_rank2(in);

    *out = pool->keepdims ? (knn_shape){2, {1, in->size[1]}} : (knn_shape){1, {in->size[1]}};
    return status;
}

static int average_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    (void)layer;
    knn__node_init(&made[0], KNN_OP_GLOBAL_AVERAGE_POOLING2D, in, out);
    return 1;
}

static int max_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    (void)layer;
    knn__node_init(&made[0], KNN_OP_GLOBAL_MAX_POOLING2D, in, out);
    return 1;
}

#define KIND(its_name, type, its_fields, its_shape, its_nodes) \
    {.kind = {.class_name = its_name, .size = sizeof(type), .fields = its_fields, .name_offset = offsetof(type, name)}, \
     .shape = its_shape, .nodes = its_nodes}

const knn__layer_kind knn__global_average_pooling2d_kind = KIND("GlobalAveragePooling2D", global_pooling2d, fields2d, shape2d, average_nodes);
const knn__layer_kind knn__global_max_pooling2d_kind = KIND("GlobalMaxPooling2D", global_pooling2d, fields2d, shape2d, max_nodes);
const knn__layer_kind knn__global_average_pooling1d_kind = KIND("GlobalAveragePooling1D", global_pooling1d, fields1d, shape1d, average_nodes);
const knn__layer_kind knn__global_max_pooling1d_kind = KIND("GlobalMaxPooling1D", global_pooling1d, fields1d, shape1d, max_nodes);
