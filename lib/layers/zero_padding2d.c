/* ZeroPadding2D: rows and columns of zeros around. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_zero_padding2d_layer zero_padding2d;

static const knn_field fields[] = {FIELD(zero_padding2d, "padding", QUAD, top, .normal = 1, .least = 0, .most = 1 << 20), FIELDS_END};

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const zero_padding2d *pad = (const zero_padding2d *)(const void *)layer;
    knn_status status = knn__expect_rank3(in);

    if (status == KNN_OK)
        *out = (knn_shape){3, {pad->top + in->size[0] + pad->bottom, pad->left + in->size[1] + pad->right, in->size[2]}};
    return status;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const zero_padding2d *pad = (const zero_padding2d *)(const void *)layer;

    knn__node_init(&made[0], KNN_OP_ZERO_PADDING2D, in, out);
    made[0].pad_top = pad->top;
    made[0].pad_bottom = pad->bottom;
    made[0].pad_left = pad->left;
    made[0].pad_right = pad->right;
    return 1;
}

const knn__layer_kind knn__zero_padding2d_kind = {
    .kind = {.class_name = "ZeroPadding2D", .size = sizeof(zero_padding2d), .fields = fields,
        .name_offset = offsetof(zero_padding2d, name)},
    .shape = shape, .nodes = nodes};
