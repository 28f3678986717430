/* SeparableConv2D: a depthwise convolution without bias, then one of 1x1 with bias, then the activation: three nodes. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_separable_conv2d_layer separable_conv2d;

static const knn_field fields[] = {
    FIELD(separable_conv2d, "filters", INT, filters, COUNT),
    FIELD(separable_conv2d, "kernel_size", PAIR, kernel_height, COUNT),
    FIELD(separable_conv2d, "strides", PAIR, stride_height, COUNT, .normal = 1),
    FIELD_PADDING(separable_conv2d),
    FIELD(separable_conv2d, "dilation_rate", PAIR, dilation_height, COUNT, .normal = 1),
    FIELD(separable_conv2d, "depth_multiplier", INT, depth_multiplier, COUNT, .normal = 1),
    FIELD_ACTIVATION(separable_conv2d),
    FIELD(separable_conv2d, "use_bias", NOT, no_bias, .normal = 1),
    FIELD_INITIALIZER(separable_conv2d, depthwise_initializer),
    FIELD_INITIALIZER(separable_conv2d, pointwise_initializer),
    FIELD_INITIALIZER(separable_conv2d, bias_initializer),
    FIELD_REGULARIZER(separable_conv2d, depthwise_regularizer),
    FIELD_REGULARIZER(separable_conv2d, pointwise_regularizer),
    FIELD_REGULARIZER(separable_conv2d, bias_regularizer),
    FIELD_CONSTRAINT(separable_conv2d, depthwise_constraint),
    FIELD_CONSTRAINT(separable_conv2d, pointwise_constraint),
    FIELD_CONSTRAINT(separable_conv2d, bias_constraint),
    FIELD_TRAINABLE(separable_conv2d),
    FIELDS_END};

static const separable_conv2d *as_separable(const knn_layer *layer) { return (const separable_conv2d *)(const void *)layer; }

static knn__window window_of(const separable_conv2d *conv)
{
    return (knn__window){conv->kernel_height, conv->kernel_width, conv->stride_height, conv->stride_width, conv->dilation_height,
                         conv->dilation_width, conv->padding};
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const separable_conv2d *conv = as_separable(layer);
    const knn__window window = window_of(conv);
    knn_status status = knn__expect_rank3(in);
    int between = 0;

    if (status == KNN_OK)
        status = knn__expect_filters(in->size[2], conv->depth_multiplier, &between);
    return status == KNN_OK ? knn__window_shape("kernel", &window, in, conv->filters, out) : status;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const separable_conv2d *conv = as_separable(layer);

    if (index == 0)
        *spec = (knn__weight_spec){.name = "depthwise_kernel", .rank = 4,
            .shape = {conv->kernel_height, conv->kernel_width, in->size[2], conv->depth_multiplier},
            .initializer = conv->depthwise_initializer != NULL ? conv->depthwise_initializer : knn__default_kernel,
            .regularizer = conv->depthwise_regularizer, .trainable = !conv->frozen, .node = 0, .place = KNN_KERNEL};
    else if (index == 1)
        *spec = (knn__weight_spec){.name = "pointwise_kernel", .rank = 4,
            .shape = {1, 1, in->size[2] * conv->depth_multiplier, conv->filters},
            .initializer = conv->pointwise_initializer != NULL ? conv->pointwise_initializer : knn__default_kernel,
            .regularizer = conv->pointwise_regularizer, .trainable = !conv->frozen, .node = 1, .place = KNN_KERNEL};
    else if (index == 2 && !conv->no_bias) {
        *spec = knn__weight_vector("bias", conv->filters, conv->bias_initializer, knn__default_zeros, conv->bias_regularizer,
                                   !conv->frozen);
        spec->node = 1;
        spec->place = KNN_BIAS;
    } else
        return false;
    spec->constraint = index == 0 ? conv->depthwise_constraint : index == 1 ? conv->pointwise_constraint : conv->bias_constraint;
    return true;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const separable_conv2d *conv = as_separable(layer);
    const knn__window window = window_of(conv);
    const knn_shape between = {3, {out->size[0], out->size[1], in->size[2] * conv->depth_multiplier}};

    knn__window_node(&made[0], KNN_OP_CONV2D, &window, in, &between);
    made[0].groups = in->size[2];
    knn__node_init(&made[1], KNN_OP_CONV2D, &between, out);
    return knn__node_activation(made, 2, conv->activation, out);
}

const knn__layer_kind knn__separable_conv2d_kind = {
    .kind = {.class_name = "SeparableConv2D", .size = sizeof(separable_conv2d), .fields = fields,
        .name_offset = offsetof(separable_conv2d, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
