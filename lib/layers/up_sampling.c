/* UpSampling2D and UpSampling1D: each row and column several times, or interpolated between. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_up_sampling2d_layer up_sampling2d;
typedef knn_up_sampling1d_layer up_sampling1d;

static const knn_field fields2d[] = {
    FIELD(up_sampling2d, "size", PAIR, size_height, COUNT, .normal = 2),
    FIELD(up_sampling2d, "interpolation", ENUM, interpolation, .nested = knn__interpolation_names), FIELDS_END};
static const knn_field fields1d[] = {FIELD(up_sampling1d, "size", INT, size, COUNT, .normal = 2), FIELDS_END};

static const up_sampling2d *as_2d(const knn_layer *layer) { return (const up_sampling2d *)(const void *)layer; }
static const up_sampling1d *as_1d(const knn_layer *layer) { return (const up_sampling1d *)(const void *)layer; }

static knn_status multiply(int *length, int times)
{
    if (*length > INT_MAX / times)
        return knn__fail(KNN_ERROR_SHAPE, "%d times %d is too long", *length, times);
    *length *= times;
    return KNN_OK;
}

static knn_status shape2d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn_status status = knn__expect_rank3(in);

    *out = *in;
    if (status == KNN_OK)
        status = multiply(&out->size[0], as_2d(layer)->size_height);
    return status == KNN_OK ? multiply(&out->size[1], as_2d(layer)->size_width) : status;
}

static knn_status shape1d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn_status status = knn__expect_rank2(in);

    *out = *in;
    return status == KNN_OK ? multiply(&out->size[0], as_1d(layer)->size) : status;
}

static int nodes2d(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    bool linear = as_2d(layer)->interpolation == KNN_RESIZE_BILINEAR;

    knn__node_init(&made[0], linear ? KNN_OP_UP_SAMPLING_BILINEAR : KNN_OP_UP_SAMPLING_NEAREST, in, out);
    made[0].stride_height = as_2d(layer)->size_height;
    made[0].stride_width = as_2d(layer)->size_width;
    return 1;
}

static int nodes1d(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_UP_SAMPLING_NEAREST, in, out);
    made[0].stride_width = as_1d(layer)->size;
    return 1;
}

const knn__layer_kind knn__up_sampling2d_kind = {
    .kind = {.class_name = "UpSampling2D", .size = sizeof(up_sampling2d), .fields = fields2d, .name_offset = offsetof(up_sampling2d, name)},
    .shape = shape2d, .nodes = nodes2d};

const knn__layer_kind knn__up_sampling1d_kind = {
    .kind = {.class_name = "UpSampling1D", .size = sizeof(up_sampling1d), .fields = fields1d, .name_offset = offsetof(up_sampling1d, name)},
    .shape = shape1d, .nodes = nodes1d};
