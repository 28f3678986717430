/* ZeroPadding1D: zeros before and behind a sequence. */
#include "layers/kinds.h"

typedef knn_zero_padding1d_layer zero_padding1d;

static const knn_field fields[] = {FIELD(zero_padding1d, "padding", PAIR, left, .normal = 1, .least = 0, .most = 1 << 20), FIELDS_END};

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const zero_padding1d *pad = (const zero_padding1d *)(const void *)layer;
    knn_status status = knn__expect_rank2(in);

    if (status == KNN_OK)
        *out = (knn_shape){2, {pad->left + in->size[0] + pad->right, in->size[1]}};
    return status;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const zero_padding1d *pad = (const zero_padding1d *)(const void *)layer;

    knn__node_init(&made[0], KNN_OP_ZERO_PADDING2D, in, out);
    made[0].pad_left = pad->left;
    made[0].pad_right = pad->right;
    return 1;
}

const knn__layer_kind knn__zero_padding1d_kind = {
    .kind = {.class_name = "ZeroPadding1D", .size = sizeof(zero_padding1d), .fields = fields, .name_offset = offsetof(zero_padding1d, name)},
    .shape = shape, .nodes = nodes};
