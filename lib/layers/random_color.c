/* RandomContrast and RandomBrightness: in training, the numbers of each picture are spread or shifted by what is drawn for it. */
#include "layers/kinds.h"

typedef knn_random_contrast_layer contrast;
typedef knn_random_brightness_layer brightness;

#define FIELD_VALUE_RANGE(type) FIELD_RANGE(type, "value_range", value_low, value_high, .normal = 255)

static const knn_field contrast_fields[] = {
    FIELD_RANGE(contrast, "factor", factor, factor_upper, .least = 0, .most = 1), FIELD_VALUE_RANGE(contrast), FIELDS_END};
static const knn_field brightness_fields[] = {
    FIELD_RANGE(brightness, "factor", factor, factor_upper, .least = -1, .most = 1), FIELD_VALUE_RANGE(brightness), FIELDS_END};

static int color_node(knn_op op, const knn_shape *in, const knn_shape *out, double lower, double upper, double low, double high,
                      knn_node *node)
{
    knn__node_init(node, op, in, out);
    node->factor[0] = lower;
    node->factor[1] = upper;
    node->value_range[0] = low;
    node->value_range[1] = high;
    node->training_only = true;
    return 1;
}

static int contrast_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const contrast *c = (const contrast *)(const void *)layer;
    return color_node(KNN_OP_RANDOM_CONTRAST, in, out, 1 - c->factor, 1 + c->factor_upper, c->value_low, c->value_high, made);
}

static int brightness_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const brightness *b = (const brightness *)(const void *)layer;
    double length = b->value_high - b->value_low;
    return color_node(KNN_OP_RANDOM_BRIGHTNESS, in, out, b->factor * length, b->factor_upper * length, b->value_low, b->value_high, made);
}

const knn__layer_kind knn__random_contrast_kind = {
    .kind = {.class_name = "RandomContrast", .size = sizeof(contrast), .fields = contrast_fields, .name_offset = offsetof(contrast, name)},
    .shape = knn__shape_same_picture, .nodes = contrast_nodes};

const knn__layer_kind knn__random_brightness_kind = {
    .kind = {.class_name = "RandomBrightness", .size = sizeof(brightness), .fields = brightness_fields,
        .name_offset = offsetof(brightness, name)},
    .shape = knn__shape_same_picture, .nodes = brightness_nodes};
