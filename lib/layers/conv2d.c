/* Conv2D: cross-correlation with a kernel of (height, width, in / groups, filters), bias, activation. */
#include "layers/kinds.h"

typedef knn_conv2d_layer conv2d;

static const knn_field fields[] = {
    FIELD(conv2d, "filters", INT, filters, COUNT),
    FIELD(conv2d, "kernel_size", PAIR, kernel_height, COUNT),
    FIELD(conv2d, "strides", PAIR, stride_height, COUNT, .normal = 1),
    FIELD_PADDING(conv2d),
    FIELD(conv2d, "dilation_rate", PAIR, dilation_height, COUNT, .normal = 1),
    FIELD(conv2d, "groups", INT, groups, COUNT, .normal = 1),
    FIELD_ACTIVATION(conv2d),
    FIELD(conv2d, "use_bias", NOT, no_bias, .normal = 1),
    FIELD_INITIALIZER(conv2d, kernel_initializer),
    FIELD_INITIALIZER(conv2d, bias_initializer),
    FIELD_REGULARIZER(conv2d, kernel_regularizer),
    FIELD_REGULARIZER(conv2d, bias_regularizer),
    FIELD_CONSTRAINT(conv2d, kernel_constraint),
    FIELD_CONSTRAINT(conv2d, bias_constraint),
    FIELD_TRAINABLE(conv2d),
    FIELDS_END};

static const conv2d *as_conv2d(const knn_layer *layer) { return (const conv2d *)(const void *)layer; }

static knn__window window_of(const conv2d *conv)
{
    return (knn__window){conv->kernel_height, conv->kernel_width, conv->stride_height, conv->stride_width, conv->dilation_height,
                         conv->dilation_width, conv->padding};
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const conv2d *conv = as_conv2d(layer);
    const knn__window window = window_of(conv);
    knn_status status = knn__expect_rank3(in);

    if (status == KNN_OK)
        status = knn__expect_groups(conv->groups, in, conv->filters);
    if (status == KNN_OK)
        status = knn__expect_strides_or_dilation(&window);
    return status == KNN_OK ? knn__window_shape("kernel", &window, in, conv->filters, out) : status;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const conv2d *conv = as_conv2d(layer);
    return knn__kernel_or_bias(KERNEL_AND_BIAS(conv, conv->filters, 4,
        {conv->kernel_height, conv->kernel_width, in->size[2] / conv->groups, conv->filters}), index, spec);
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const conv2d *conv = as_conv2d(layer);
    const knn__window window = window_of(conv);

    knn__window_node(&made[0], KNN_OP_CONV2D, &window, in, out);
    made[0].groups = conv->groups;
    return knn__node_activation(made, 1, conv->activation, out);
}

const knn__layer_kind knn__conv2d_kind = {
    .kind = {.class_name = "Conv2D", .size = sizeof(conv2d), .fields = fields,
        .name_offset = offsetof(conv2d, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
