/* Conv1D: Conv2D on a picture of one row, with a kernel of (size, in / groups, filters). */
#include "layers/kinds.h"

typedef knn_conv1d_layer conv1d;

static const knn_field fields[] = {
    FIELD(conv1d, "filters", INT, filters, COUNT),
    FIELD(conv1d, "kernel_size", INT, kernel_size, COUNT),
    FIELD(conv1d, "strides", INT, strides, COUNT, .normal = 1),
    FIELD(conv1d, "padding", ENUM, padding, .nested = knn__causal_padding_names),
    FIELD(conv1d, "dilation_rate", INT, dilation_rate, COUNT, .normal = 1),
    FIELD(conv1d, "groups", INT, groups, COUNT, .normal = 1),
    FIELD_ACTIVATION(conv1d),
    FIELD(conv1d, "use_bias", NOT, no_bias, .normal = 1),
    FIELD_INITIALIZER(conv1d, kernel_initializer),
    FIELD_INITIALIZER(conv1d, bias_initializer),
    FIELD_REGULARIZER(conv1d, kernel_regularizer),
    FIELD_REGULARIZER(conv1d, bias_regularizer),
    FIELD_CONSTRAINT(conv1d, kernel_constraint),
    FIELD_CONSTRAINT(conv1d, bias_constraint),
    FIELD_TRAINABLE(conv1d),
    FIELDS_END};

static const conv1d *as_conv1d(const knn_layer *layer) { return (const conv1d *)(const void *)layer; }

static knn__window window_of(const conv1d *conv)
{
    return (knn__window){1, conv->kernel_size, 1, conv->strides, 1, conv->dilation_rate, conv->padding};
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const conv1d *conv = as_conv1d(layer);
    const knn__window window = window_of(conv);
    knn_status status = knn__expect_rank2(in);

    if (status == KNN_OK)
        status = knn__expect_groups(conv->groups, in, conv->filters);
    if (status == KNN_OK)
        status = knn__expect_strides_or_dilation(&window);
    return status == KNN_OK ? knn__window_shape("kernel", &window, in, conv->filters, out) : status;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const conv1d *conv = as_conv1d(layer);
    return knn__kernel_or_bias(KERNEL_AND_BIAS(conv, conv->filters, 3,
        {conv->kernel_size, in->size[1] / conv->groups, conv->filters}), index, spec);
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const conv1d *conv = as_conv1d(layer);
    const knn__window window = window_of(conv);

    knn__window_node(&made[0], KNN_OP_CONV2D, &window, in, out);
    made[0].groups = conv->groups;
    return knn__node_activation(made, 1, conv->activation, out);
}

const knn__layer_kind knn__conv1d_kind = {
    .kind = {.class_name = "Conv1D", .size = sizeof(conv1d), .fields = fields, .name_offset = offsetof(conv1d, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
