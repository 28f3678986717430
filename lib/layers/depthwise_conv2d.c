/* DepthwiseConv2D: each channel has filters of its own, `depth_multiplier` of them. That is Conv2D with as many groups as channels: a
 * kernel of (height, width, channels, multiplier) lies in memory as one of (height, width, 1, channels * multiplier). */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_depthwise_conv2d_layer depthwise_conv2d;

static const knn_field fields[] = {
    FIELD(depthwise_conv2d, "kernel_size", PAIR, kernel_height, COUNT),
    FIELD(depthwise_conv2d, "strides", PAIR, stride_height, COUNT, .normal = 1),
    FIELD_PADDING(depthwise_conv2d),
    FIELD(depthwise_conv2d, "depth_multiplier", INT, depth_multiplier, COUNT, .normal = 1),
    FIELD(depthwise_conv2d, "dilation_rate", PAIR, dilation_height, COUNT, .normal = 1),
    FIELD_ACTIVATION(depthwise_conv2d),
    FIELD(depthwise_conv2d, "use_bias", NOT, no_bias, .normal = 1),
    FIELD_INITIALIZER(depthwise_conv2d, depthwise_initializer),
    FIELD_INITIALIZER(depthwise_conv2d, bias_initializer),
    FIELD_REGULARIZER(depthwise_conv2d, depthwise_regularizer),
    FIELD_REGULARIZER(depthwise_conv2d, bias_regularizer),
    FIELD_CONSTRAINT(depthwise_conv2d, depthwise_constraint),
    FIELD_CONSTRAINT(depthwise_conv2d, bias_constraint),
    FIELD_TRAINABLE(depthwise_conv2d),
    FIELDS_END};

static const depthwise_conv2d *as_depthwise(const knn_layer *layer) { return (const depthwise_conv2d *)(const void *)layer; }

static knn__window window_of(const depthwise_conv2d *conv)
{
    return (knn__window){conv->kernel_height, conv->kernel_width, conv->stride_height, conv->stride_width, conv->dilation_height,
                         conv->dilation_width, conv->padding};
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const depthwise_conv2d *conv = as_depthwise(layer);
    const knn__window window = window_of(conv);
    knn_status status = knn__expect_rank3(in);
    int filters = 0;

    if (status == KNN_OK)
        status = knn__expect_filters(in->size[2], conv->depth_multiplier, &filters);
    return status == KNN_OK ? knn__window_shape("kernel", &window, in, filters, out) : status;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const depthwise_conv2d *conv = as_depthwise(layer);

    if (index == 0)
        *spec = (knn__weight_spec){.name = "depthwise_kernel", .rank = 4,
            .shape = {conv->kernel_height, conv->kernel_width, in->size[2], conv->depth_multiplier},
            .initializer = conv->depthwise_initializer != NULL ? conv->depthwise_initializer : knn__default_kernel,
            .regularizer = conv->depthwise_regularizer, .trainable = !conv->frozen};
    else if (index == 1 && !conv->no_bias)
        *spec = knn__weight_vector("bias", in->size[2] * conv->depth_multiplier, conv->bias_initializer, knn__default_zeros,
                                   conv->bias_regularizer, !conv->frozen);
    else
        return false;
    spec->constraint = index == 0 ? conv->depthwise_constraint : conv->bias_constraint;
    spec->place = index;
    return true;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const depthwise_conv2d *conv = as_depthwise(layer);
    const knn__window window = window_of(conv);

    knn__window_node(&made[0], KNN_OP_CONV2D, &window, in, out);
    made[0].groups = in->size[2];
    return knn__node_activation(made, 1, conv->activation, out);
}

const knn__layer_kind knn__depthwise_conv2d_kind = {
    .kind = {.class_name = "DepthwiseConv2D", .size = sizeof(depthwise_conv2d), .fields = fields,
        .name_offset = offsetof(depthwise_conv2d, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
