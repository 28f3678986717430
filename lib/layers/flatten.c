/* Flatten: the same numbers as a vector. */
#include "core/status.h"
#include "layers/kinds.h"

static const knn_field fields[] = {FIELDS_END};

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    size_t length = knn__shape_length(in);

    (void)layer;
    if (length > INT_MAX)
        return knn__fail(KNN_ERROR_SHAPE, "%zu numbers are too many for a vector", length);
    *out = (knn_shape){1, {(int)length}};
    return KNN_OK;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    (void)layer;
    knn__node_init(&made[0], KNN_OP_FLATTEN, in, out);
    return 1;
}

const knn__layer_kind knn__flatten_kind = {
    .kind = {.class_name = "Flatten", .size = sizeof(knn_flatten_layer), .fields = fields,
        .name_offset = offsetof(knn_flatten_layer, name)},
    .shape = shape, .nodes = nodes};
