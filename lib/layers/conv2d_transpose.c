/* Conv2DTranspose: the gradient of a convolution as a layer, with a kernel of (height, width, filters, in).
 *
 * Along one axis: full[i * stride + a * dilation] += x[i] w[a]; the output is a stretch of `full`, from `start` on, zeros beyond its end. Its
 * length is such that the convolution of the same padding leads from it back to the input's. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_conv2d_transpose_layer conv2d_transpose;

enum { NO_OUTPUT_PADDING = -1 };            /* Keras' None: another length than 0 gives */

static const knn_field fields[] = {
    FIELD(conv2d_transpose, "filters", INT, filters, COUNT),
    FIELD(conv2d_transpose, "kernel_size", PAIR, kernel_height, COUNT),
    FIELD(conv2d_transpose, "strides", PAIR, stride_height, COUNT, .normal = 1),
    FIELD_PADDING(conv2d_transpose),
    FIELD(conv2d_transpose, "output_padding", PAIR, output_padding_height, .normal = NO_OUTPUT_PADDING, .least = NO_OUTPUT_PADDING,
          .most = INT_MAX),
    FIELD(conv2d_transpose, "dilation_rate", PAIR, dilation_height, COUNT, .normal = 1),
    FIELD_ACTIVATION(conv2d_transpose),
    FIELD(conv2d_transpose, "use_bias", NOT, no_bias, .normal = 1),
    FIELD_INITIALIZER(conv2d_transpose, kernel_initializer),
    FIELD_INITIALIZER(conv2d_transpose, bias_initializer),
    FIELD_REGULARIZER(conv2d_transpose, kernel_regularizer),
    FIELD_REGULARIZER(conv2d_transpose, bias_regularizer),
    FIELD_CONSTRAINT(conv2d_transpose, kernel_constraint),
    FIELD_CONSTRAINT(conv2d_transpose, bias_constraint),
    FIELD_TRAINABLE(conv2d_transpose),
    FIELDS_END};

static const conv2d_transpose *as_transpose(const knn_layer *layer) { return (const conv2d_transpose *)(const void *)layer; }

/* One of the two set: the other is a real zero. */
static void settle_output_padding(void *description)
{
    conv2d_transpose *conv = description;
    if (conv->output_padding_height == NO_OUTPUT_PADDING && conv->output_padding_width != NO_OUTPUT_PADDING)
        conv->output_padding_height = 0;
}

static knn__window window_of(const conv2d_transpose *conv)
{
    return (knn__window){conv->kernel_height, conv->kernel_width, conv->stride_height, conv->stride_width, conv->dilation_height,
                         conv->dilation_width, conv->padding};
}

typedef struct axis { int kernel, stride, dilation, output_padding; } axis;

static axis rows_of(const conv2d_transpose *conv)
{
    return (axis){conv->kernel_height, conv->stride_height, conv->dilation_height, conv->output_padding_height};
}

static axis columns_of(const conv2d_transpose *conv)
{
    return (axis){conv->kernel_width, conv->stride_width, conv->dilation_width, conv->output_padding_width};
}

static knn_status measure(axis a, knn_padding padding, int length, int *out, int *start)
{
    long reach = ((long)a.kernel - 1) * a.dilation + 1, full = ((long)length - 1) * a.stride + reach, made;
    int back, before, after;

    if (a.output_padding == NO_OUTPUT_PADDING)
        made = padding == KNN_SAME || reach < a.stride ? (long)length * a.stride : full;
    else
        made = full + a.output_padding - (padding == KNN_SAME ? 2 * (reach / 2) : 0);
    if (made < 1 || made > INT_MAX)
        return knn__fail(KNN_ERROR_SHAPE, "an output of length %ld", made);
    *out = (int)made;
    if (!knn__window_length(*out, a.kernel, a.stride, a.dilation, padding, &back, &before, &after) || back != length)
        return knn__fail(KNN_ERROR_SHAPE, "output padding %d does not fit: a convolution leads from length %d to %d, not to %d",
                         a.output_padding, *out, back, length);
    *start = before;
    return KNN_OK;
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const conv2d_transpose *conv = as_transpose(layer);
    const knn__window window = window_of(conv);
    int start;
    knn_status status = knn__expect_rank3(in);

    if (status == KNN_OK)
        status = knn__expect_strides_or_dilation(&window);
    if (status != KNN_OK)
        return status;
    if (conv->output_padding_height >= conv->stride_height || conv->output_padding_width >= conv->stride_width)
        return knn__fail(KNN_ERROR_ARGUMENT, "output padding %dx%d, expected less than the strides %dx%d", conv->output_padding_height,
                         conv->output_padding_width, conv->stride_height, conv->stride_width);
    *out = (knn_shape){3, {0, 0, conv->filters}};
    status = measure(rows_of(conv), conv->padding, in->size[0], &out->size[0], &start);
    return status == KNN_OK ? measure(columns_of(conv), conv->padding, in->size[1], &out->size[1], &start) : status;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const conv2d_transpose *conv = as_transpose(layer);
    return knn__kernel_or_bias(KERNEL_AND_BIAS(conv, conv->filters, 4,
        {conv->kernel_height, conv->kernel_width, conv->filters, in->size[2]}), index, spec);
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const conv2d_transpose *conv = as_transpose(layer);
    const knn__window window = window_of(conv);
    knn_node *node = &made[0];
    int length;

    knn__window_node(node, KNN_OP_CONV2D_TRANSPOSE, &window, in, out);
    node->pad_bottom = node->pad_right = 0;             /* a convolution's; here `full` ends where it ends */
    measure(rows_of(conv), conv->padding, in->size[0], &length, &node->pad_top);
    measure(columns_of(conv), conv->padding, in->size[1], &length, &node->pad_left);
    return knn__node_activation(made, 1, conv->activation, out);
}

const knn__layer_kind knn__conv2d_transpose_kind = {
    .kind = {.class_name = "Conv2DTranspose", .size = sizeof(conv2d_transpose), .fields = fields,
        .name_offset = offsetof(conv2d_transpose, name), .settle = settle_output_padding},
    .shape = shape, .weights = weights, .nodes = nodes};
