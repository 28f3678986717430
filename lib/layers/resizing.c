/* Resizing and CenterCrop: a window of the picture, stretched to a given size. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_resizing_layer resizing;
typedef knn_center_crop_layer center_crop;

const char *const knn__sampling_names[] = {"bilinear", "nearest", NULL};

static const knn_field resizing_fields[] = {
    FIELD(resizing, "height", INT, height, COUNT),
    FIELD(resizing, "width", INT, width, COUNT),
    FIELD(resizing, "interpolation", ENUM, interpolation, .nested = knn__sampling_names),
    FIELD(resizing, "crop_to_aspect_ratio", BOOL, crop_to_aspect_ratio, .normal = 0),
    FIELD(resizing, "pad_to_aspect_ratio", BOOL, pad_to_aspect_ratio, .normal = 0),
    FIELD(resizing, "fill_value", REAL, fill_value, .normal = 0), FIELDS_END};

static const knn_field center_crop_fields[] = {
    FIELD(center_crop, "height", INT, height, COUNT), FIELD(center_crop, "width", INT, width, COUNT), FIELDS_END};

static knn_status shape_of(const knn_shape *in, int height, int width, knn_shape *out)
{
    knn_status status = knn__expect_rank3(in);

    if (status == KNN_OK)
        *out = (knn_shape){3, {height, width, in->size[2]}};
    return status;
}

static knn_status resizing_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const resizing *r = (const resizing *)(const void *)layer;

    if (r->crop_to_aspect_ratio && r->pad_to_aspect_ratio)
        return knn__fail(KNN_ERROR_ARGUMENT, "crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other");
    return shape_of(in, r->height, r->width, out);
}

static knn_status center_crop_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const center_crop *crop = (const center_crop *)(const void *)layer;
    return shape_of(in, crop->height, crop->width, out);
}

/* How long one side would be if the picture had the aspect ratio of the output, the other side being `other`; as Keras in float, cut. */
static int length_by_ratio(int other, int target, int other_target)
{
    return (int)((float)((long)other * target) / (float)other_target);
}

static void crop_to_aspect_ratio(knn_node *node)
{
    int height = length_by_ratio(node->in.width, node->out.height, node->out.width);
    int width = length_by_ratio(node->in.height, node->out.width, node->out.height);

    if (height < node->in.height)
        node->map.height = height > 1 ? height : 1;
    if (width < node->in.width)
        node->map.width = width > 1 ? width : 1;
    node->map.top = (node->in.height - node->map.height) / 2;
    node->map.left = (node->in.width - node->map.width) / 2;
}

/* As much on both sides: an odd row or column is left out, as in Keras. */
static void pad_to_aspect_ratio(knn_node *node)
{
    int rows = (length_by_ratio(node->in.width, node->out.height, node->out.width) - node->in.height) / 2;
    int columns = (length_by_ratio(node->in.height, node->out.width, node->out.height) - node->in.width) / 2;

    if (rows > 0) {
        node->map.top = -rows;
        node->map.height += 2 * rows;
    }
    if (columns > 0) {
        node->map.left = -columns;
        node->map.width += 2 * columns;
    }
}

static int resizing_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const resizing *r = (const resizing *)(const void *)layer;

    knn__node_init(&made[0], KNN_OP_IMAGE_MAP, in, out);
    made[0].map = (knn_image_map){.map = KNN_MAP_WINDOW, .height = in->size[0], .width = in->size[1], .interpolation = r->interpolation,
        .fill_value = r->fill_value};
    if (r->crop_to_aspect_ratio)
        crop_to_aspect_ratio(&made[0]);
    else if (r->pad_to_aspect_ratio)
        pad_to_aspect_ratio(&made[0]);
    return 1;
}

static int center_crop_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const center_crop *crop = (const center_crop *)(const void *)layer;
    int rows = in->size[0] - crop->height, columns = in->size[1] - crop->width;

    knn__node_init(&made[0], KNN_OP_IMAGE_MAP, in, out);
    made[0].map = (knn_image_map){.map = KNN_MAP_WINDOW, .height = in->size[0], .width = in->size[1]};
    if (rows < 0 || columns < 0)
        crop_to_aspect_ratio(&made[0]);
    else {
        made[0].map = (knn_image_map){.map = KNN_MAP_WINDOW, .top = rows / 2, .left = columns / 2, .height = crop->height,
            .width = crop->width, .interpolation = KNN_SAMPLING_NEAREST};
    }
    return 1;
}

const knn__layer_kind knn__resizing_kind = {
    .kind = {.class_name = "Resizing", .size = sizeof(resizing), .fields = resizing_fields, .name_offset = offsetof(resizing, name)},
    .shape = resizing_shape, .nodes = resizing_nodes};

const knn__layer_kind knn__center_crop_kind = {
    .kind = {.class_name = "CenterCrop", .size = sizeof(center_crop), .fields = center_crop_fields,
        .name_offset = offsetof(center_crop, name)},
    .shape = center_crop_shape, .nodes = center_crop_nodes};
