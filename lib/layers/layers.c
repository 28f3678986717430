/* The table of layers, and what all of them share: shapes, windows, nodes. A new layer is a file of its own and a line here. */
#include "layers/layer.h"

#include "core/status.h"
#include "layers/kinds.h"

#include <stdio.h>
#include <string.h>
#include <string.h>

const knn__kind *const knn__layer_kinds[] = {
    &knn__input_kind.kind, &knn__conv2d_kind.kind, &knn__max_pooling2d_kind.kind, &knn__average_pooling2d_kind.kind,
    &knn__global_average_pooling2d_kind.kind, &knn__global_max_pooling2d_kind.kind, &knn__flatten_kind.kind, &knn__dropout_kind.kind,
    &knn__dense_kind.kind, &knn__activation_kind.kind, &knn__batch_normalization_kind.kind, &knn__zero_padding2d_kind.kind,
    &knn__rescaling_kind.kind, &knn__conv1d_kind.kind, &knn__depthwise_conv2d_kind.kind, &knn__separable_conv2d_kind.kind,
    &knn__conv2d_transpose_kind.kind, &knn__max_pooling1d_kind.kind, &knn__average_pooling1d_kind.kind,
    &knn__global_average_pooling1d_kind.kind, &knn__global_max_pooling1d_kind.kind, &knn__reshape_kind.kind, &knn__permute_kind.kind,
    &knn__cropping2d_kind.kind, &knn__cropping1d_kind.kind, &knn__zero_padding1d_kind.kind, &knn__up_sampling2d_kind.kind,
    &knn__up_sampling1d_kind.kind, &knn__repeat_vector_kind.kind, &knn__relu_kind.kind, &knn__leaky_relu_kind.kind,
    &knn__prelu_kind.kind, &knn__elu_kind.kind, &knn__softmax_kind.kind, &knn__spatial_dropout2d_kind.kind,
    &knn__spatial_dropout1d_kind.kind, &knn__gaussian_noise_kind.kind,
    &knn__gaussian_dropout_kind.kind, &knn__layer_normalization_kind.kind, &knn__group_normalization_kind.kind,
    &knn__embedding_kind.kind, &knn__normalization_kind.kind, &knn__center_crop_kind.kind, &knn__resizing_kind.kind, &knn__random_flip_kind.kind,
    &knn__random_translation_kind.kind, &knn__random_rotation_kind.kind, &knn__random_zoom_kind.kind, &knn__random_contrast_kind.kind,
    &knn__random_brightness_kind.kind, NULL};

const knn__layer_kind *knn__layer_kind_of(const knn_layer *layer)
{
    if (layer == NULL || layer->class_name == NULL) {
        knn__fail(KNN_ERROR_ARGUMENT, "layer: NULL");
        return NULL;
    }
    if (layer->custom != NULL)
        return &knn__custom_kind;
    const knn__kind *kind = knn__find_kind(knn__layer_kinds, layer->class_name);
    if (kind == NULL)
        knn__fail(KNN_ERROR_UNSUPPORTED, "layer: unknown class %s", layer->class_name);
    return (const knn__layer_kind *)(const void *)kind;
}

/* A user's class seen as a kind of description. */
static knn__kind custom_description(const knn_layer *layer)
{
    return (knn__kind){.class_name = layer->custom->class_name, .size = layer->custom->description_size, .fields = layer->custom->fields};
}

knn_status knn__layer_copy(const knn_layer *layer, knn_layer **copy)
{
    const knn__layer_kind *kind = knn__layer_kind_of(layer);
    void *made = NULL;

    *copy = NULL;
    if (kind == NULL)
        return layer == NULL || layer->class_name == NULL ? KNN_ERROR_ARGUMENT : KNN_ERROR_UNSUPPORTED;
    if (layer->custom == NULL) {
        knn_status status = knn__describe(&kind->kind, layer, &made);
        *copy = made;
        return status;
    }
    if (layer->custom->description_size < sizeof(knn_layer) || layer->custom->class_name == NULL || layer->custom->shape == NULL ||
        layer->custom->forward == NULL || layer->custom->backward == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "layer class %s: name, description_size, shape, forward and backward are required",
                         layer->class_name);
    knn__kind own = custom_description(layer);
    knn_status status = knn__describe(&own, layer, &made);
    *copy = made;
    return status;
}

knn_status knn__layer_duplicate(const knn_layer *layer, knn_layer **copy)
{
    void *made = NULL;
    knn__kind own = layer->custom != NULL ? custom_description(layer) : *knn__find_kind(knn__layer_kinds, layer->class_name);
    knn_status status = knn__duplicate(&own, layer, &made);

    *copy = made;
    return status;
}

void knn__layer_forget(knn_layer *copy)
{
    if (copy == NULL)
        return;
    if (copy->custom != NULL) {
        knn__kind own = custom_description(copy);
        knn__forget(&own, copy);
    } else
        knn__forget(knn__find_kind(knn__layer_kinds, copy->class_name), copy);
}

const knn_field *knn__layer_fields(const knn_layer *layer)
{
    static const knn_field none = {.name = NULL};
    const knn_field *fields = layer->custom != NULL ? layer->custom->fields : knn__find_kind(knn__layer_kinds, layer->class_name)->fields;
    return fields != NULL ? fields : &none;
}

bool *knn__layer_frozen(const knn_layer *layer)
{
    for (const knn_field *field = knn__layer_fields(layer); field->name != NULL; field++)
        if (field->kind == KNN_FIELD_NOT && strcmp(field->name, "trainable") == 0)
            return knn__member(layer, field);
    return NULL;
}

const char *knn__layer_given_name(const knn__layer_kind *kind, const knn_layer *layer)
{
    if (kind->kind.name_offset == 0)
        return NULL;
    return *(const char *const *)(const void *)((const char *)layer + kind->kind.name_offset);
}

bool knn__window_length(int length, int kernel, int stride, int dilation, knn_padding padding, int *out, int *before, int *after)
{
    long extent = ((long)kernel - 1) * dilation + 1;

    *out = *before = *after = 0;
    if (extent > INT_MAX)
        return false;
    if (padding == KNN_CAUSAL) {
        *out = (length - 1) / stride + 1;
        *before = (int)(extent - 1);
        return true;
    }
    if (padding == KNN_SAME) {
        *out = (length - 1) / stride + 1;
        long missing = ((long)*out - 1) * stride + extent - length;
        if (missing > 0) {
            *before = (int)(missing / 2);
            *after = (int)(missing - missing / 2);
        }
        return true;
    }
    *out = length < extent ? 0 : (int)((length - extent) / stride + 1);
    return *out > 0;
}

size_t knn__shape_length(const knn_shape *shape)
{
    size_t length = shape->rank > 0;
    for (int i = 0; i < shape->rank; i++)
        length *= (size_t)shape->size[i];
    return length;
}

knn_extent knn__shape_extent(const knn_shape *shape)
{
    int size[3] = {1, 1, 1};
    for (int i = 0; i < shape->rank; i++)
        size[3 - shape->rank + i] = shape->size[i];
    return (knn_extent){size[0], size[1], size[2]};
}

void knn__shape_text(const knn_shape *shape, char *to, size_t size)
{
    const int *n = shape->size;
    if (shape->rank == 1)
        snprintf(to, size, "(%d)", n[0]);
    else if (shape->rank == 2)
        snprintf(to, size, "(%d, %d)", n[0], n[1]);
    else
        snprintf(to, size, "(%d, %d, %d)", n[0], n[1], n[2]);
}

void knn__node_init(knn_node *node, knn_op op, const knn_shape *in, const knn_shape *out)
{
    *node = (knn_node){.op = op, .in = knn__shape_extent(in), .out = knn__shape_extent(out), .in_shape = *in, .out_shape = *out,
        .kernel_height = 1, .kernel_width = 1, .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1,
        .groups = 1, .scale = 1, .length = knn__shape_extent(in).channels, .step = 1};
}

int knn__node_activation(knn_node *nodes, int at, knn_activation activation, const knn_shape *shape)
{
    if (activation == KNN_LINEAR)
        return at;
    knn__node_init(&nodes[at], KNN_OP_ACTIVATION, shape, shape);
    nodes[at].activation = activation;
    return at + 1;
}

knn_status knn__expect_rank3(const knn_shape *in)
{
    char text[64];
    if (in->rank == 3)
        return KNN_OK;
    knn__shape_text(in, text, sizeof text);
    return knn__fail(KNN_ERROR_SHAPE, "expected an input of (height, width, channels), got %s", text);
}

knn_status knn__expect_rank2(const knn_shape *in)
{
    char text[64];
    if (in->rank == 2)
        return KNN_OK;
    knn__shape_text(in, text, sizeof text);
    return knn__fail(KNN_ERROR_SHAPE, "expected an input of (length, channels), got %s", text);
}

knn_status knn__resolve_axes(int axes, const knn_shape *shape, int places[3], int *count)
{
    bool taken[3] = {false, false, false};

    for (int axis = -8; axis < 8; axis++) {
        int place = axis < 0 ? axis + shape->rank : axis - 1;
        if ((axes & KNN_AXIS(axis)) == 0)
            continue;
        if (place < 0 || place >= shape->rank || taken[place])
            return knn__fail(KNN_ERROR_ARGUMENT, "axis %d: expected different ones of 1 to %d, or -1 to -%d", axis, shape->rank, shape->rank);
        taken[place] = true;
    }
    *count = 0;
    for (int place = 0; place < shape->rank; place++)
        if (taken[place])
            places[(*count)++] = place;
    return KNN_OK;
}

knn_status knn__shape_same(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    (void)layer;
    *out = *in;
    return KNN_OK;
}

knn_status knn__shape_same_picture(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn__shape_same(layer, in, out);
    return knn__expect_rank3(in);
}

knn_status knn__shape_same_sequence(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn__shape_same(layer, in, out);
    return knn__expect_rank2(in);
}

static const knn_plain_initializer glorot_uniform = {{"GlorotUniform", sizeof(knn_plain_initializer), NULL}};
static const knn_plain_initializer zeros = {{"Zeros", sizeof(knn_plain_initializer), NULL}};
static const knn_plain_initializer ones = {{"Ones", sizeof(knn_plain_initializer), NULL}};
const knn_initializer *const knn__default_kernel = &glorot_uniform.initializer;
const knn_initializer *const knn__default_zeros = &zeros.initializer;
const knn_initializer *const knn__default_ones = &ones.initializer;

knn__weight_spec knn__weight_vector(const char *name, int length, const knn_initializer *given, const knn_initializer *normal,
                                    const knn_regularizer *regularizer, bool trainable)
{
    return (knn__weight_spec){
        .name = name, .rank = 1, .shape = {length}, .initializer = given != NULL ? given : normal, .regularizer = regularizer,
        .trainable = trainable};
}

bool knn__kernel_or_bias(const knn__kernel_and_bias *of, int index, knn__weight_spec *spec)
{
    if (index == 0) {
        *spec = (knn__weight_spec){.name = "kernel", .rank = of->rank,
            .initializer = of->kernel_initializer != NULL ? of->kernel_initializer : knn__default_kernel,
            .regularizer = of->kernel_regularizer, .trainable = !of->frozen};
        memcpy(spec->shape, of->shape, sizeof spec->shape);
    } else if (index == 1 && !of->no_bias)
        *spec = knn__weight_vector("bias", of->units, of->bias_initializer, knn__default_zeros, of->bias_regularizer, !of->frozen);
    else
        return false;
    spec->constraint = index == 0 ? of->kernel_constraint : of->bias_constraint;
    spec->place = index;
    return true;
}
