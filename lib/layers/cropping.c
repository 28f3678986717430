/* Cropping2D and Cropping1D: rows and columns cut off at the edges. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_cropping2d_layer cropping2d;
typedef knn_cropping1d_layer cropping1d;

static const knn_field fields2d[] = {FIELD(cropping2d, "cropping", QUAD, top, .least = 0, .most = INT_MAX), FIELDS_END};
static const knn_field fields1d[] = {FIELD(cropping1d, "cropping", PAIR, left, .normal = 1, .least = 0, .most = INT_MAX), FIELDS_END};

static const cropping2d *as_2d(const knn_layer *layer) { return (const cropping2d *)(const void *)layer; }
static const cropping1d *as_1d(const knn_layer *layer) { return (const cropping1d *)(const void *)layer; }

/* *length without both ends. */
static knn_status cut(int *length, int before, int after)
{
    if ((long)before + after >= *length)
        return knn__fail(KNN_ERROR_SHAPE, "nothing is left of %d after cropping %d and %d", *length, before, after);
    *length -= before + after;
    return KNN_OK;
}

static knn_status shape2d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const cropping2d *crop = as_2d(layer);
    knn_status status = knn__expect_rank3(in);

    *out = *in;
    if (status == KNN_OK)
        status = cut(&out->size[0], crop->top, crop->bottom);
    return status == KNN_OK ? cut(&out->size[1], crop->left, crop->right) : status;
}

static knn_status shape1d(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn_status status = knn__expect_rank2(in);

    *out = *in;
    return status == KNN_OK ? cut(&out->size[0], as_1d(layer)->left, as_1d(layer)->right) : status;
}

static int nodes2d(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const cropping2d *crop = as_2d(layer);

    knn__node_init(&made[0], KNN_OP_CROPPING2D, in, out);
    made[0].pad_top = crop->top;
    made[0].pad_bottom = crop->bottom;
    made[0].pad_left = crop->left;
    made[0].pad_right = crop->right;
    return 1;
}

static int nodes1d(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_CROPPING2D, in, out);
    made[0].pad_left = as_1d(layer)->left;
    made[0].pad_right = as_1d(layer)->right;
    return 1;
}

const knn__layer_kind knn__cropping2d_kind = {
    .kind = {.class_name = "Cropping2D", .size = sizeof(cropping2d), .fields = fields2d, .name_offset = offsetof(cropping2d, name)},
    .shape = shape2d, .nodes = nodes2d};

const knn__layer_kind knn__cropping1d_kind = {
    .kind = {.class_name = "Cropping1D", .size = sizeof(cropping1d), .fields = fields1d, .name_offset = offsetof(cropping1d, name)},
    .shape = shape1d, .nodes = nodes1d};
