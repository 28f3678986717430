/* Dropout: in training, elements become 0 with probability `rate`, the others are divided by 1 - rate. Spatial dropout does so with whole
 * channels of an image. */
#include "core/status.h"
#include "layers/kinds.h"

static const knn_field fields[] = {FIELD(knn_dropout_layer, "rate", REAL, rate, .least = 0, .most = 1), FIELDS_END};

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[2])
{
    knn__node_init(&made[0], KNN_OP_DROPOUT, in, out);
    made[0].rate = ((const knn_dropout_layer *)(const void *)layer)->rate;
    return 1;
}

static int spatial_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[2])
{
    int count = nodes(layer, in, out, made);

    made[0].whole_channels = true;
    return count;
}

static knn_status shape_2d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn_status status = knn__expect_rank3(in);

    (void)layer;
    *out = *in;
    return status;
}

static knn_status shape_1d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    char text[64];

    (void)layer;
    *out = *in;
    if (in->rank == 2)
        return KNN_OK;
    knn__shape_text(in, text, sizeof text);
    return knn__fail(KNN_ERROR_SHAPE, "expected an input of (length, channels), got %s", text);
}

#define DROPOUT(symbol, label, shape_rule, nodes_rule) \
    const knn__layer_kind symbol = { \
        .kind = {.class_name = label, .size = sizeof(knn_dropout_layer), .fields = fields, \
            .name_offset = offsetof(knn_dropout_layer, name)}, \
        .shape = shape_rule, .nodes = nodes_rule}
DROPOUT(knn__dropout_kind, "Dropout", knn__shape_same, nodes);
DROPOUT(knn__spatial_dropout2d_kind, "SpatialDropout2D", shape_2d, spatial_nodes);
DROPOUT(knn__spatial_dropout1d_kind, "SpatialDropout1D", shape_1d, spatial_nodes);
