/* The kinds of layers, one a file, and the pieces that several of them use. For lib/layers only. */
#ifndef KNN_LAYERS_KINDS_H
#define KNN_LAYERS_KINDS_H

#include "layers/layer.h"

#include <limits.h>

extern const knn__layer_kind knn__input_kind, knn__conv2d_kind, knn__max_pooling2d_kind, knn__average_pooling2d_kind,
    knn__global_average_pooling2d_kind, knn__global_max_pooling2d_kind, knn__flatten_kind, knn__dropout_kind, knn__dense_kind,
    knn__activation_kind, knn__batch_normalization_kind, knn__zero_padding2d_kind, knn__rescaling_kind, knn__custom_kind;
extern const knn__layer_kind knn__conv1d_kind, knn__depthwise_conv2d_kind, knn__separable_conv2d_kind, knn__conv2d_transpose_kind,
    knn__max_pooling1d_kind, knn__average_pooling1d_kind, knn__global_average_pooling1d_kind, knn__global_max_pooling1d_kind,
    knn__reshape_kind, knn__permute_kind, knn__cropping2d_kind, knn__cropping1d_kind, knn__zero_padding1d_kind,
    knn__up_sampling2d_kind, knn__up_sampling1d_kind, knn__repeat_vector_kind;
extern const knn__layer_kind knn__relu_kind, knn__leaky_relu_kind, knn__prelu_kind, knn__elu_kind, knn__softmax_kind,
    knn__spatial_dropout2d_kind, knn__spatial_dropout1d_kind, knn__gaussian_noise_kind, knn__gaussian_dropout_kind,
    knn__layer_normalization_kind, knn__group_normalization_kind, knn__embedding_kind, knn__normalization_kind;
extern const knn__layer_kind knn__center_crop_kind, knn__resizing_kind, knn__random_flip_kind, knn__random_translation_kind,
    knn__random_rotation_kind, knn__random_zoom_kind, knn__random_contrast_kind, knn__random_brightness_kind;

/* A line of a field table: FIELD(knn_conv2d_layer, "filters", INT, filters, .least = 1, .most = INT_MAX) */
#define FIELD(type, key, what, member, ...) {.name = key, .kind = KNN_FIELD_##what, .offset = offsetof(type, member), __VA_ARGS__}
#define FIELDS_END {.name = NULL}
#define COUNT .least = 1, .most = INT_MAX               /* a number of things, at least one */

#define FIELD_ACTIVATION(type)          FIELD(type, "activation", ENUM, activation, .nested = knn__activation_names)
#define FIELD_PADDING(type)             FIELD(type, "padding", ENUM, padding, .nested = knn__padding_names)
#define FIELD_TRAINABLE(type)           FIELD(type, "trainable", NOT, frozen, .normal = 1)
#define FIELD_INITIALIZER(type, member) FIELD(type, #member, NESTED, member, .nested = knn__initializer_kinds)
#define FIELD_REGULARIZER(type, member) FIELD(type, #member, NESTED, member, .nested = knn__regularizer_kinds)
#define FIELD_CONSTRAINT(type, member)  FIELD(type, #member, NESTED, member, .nested = knn__constraint_kinds)

/* FIELD_RANGE(type, "factor", factor, factor_upper, .least = -1, .most = 1) */
#define FIELD_RANGE(type, key, lower, upper, ...) \
    FIELD(type, key, RANGE, lower, .nested = &(const knn_field_length){.offset = offsetof(type, upper)}, __VA_ARGS__)

/* Names in files, in the order of the enums. */
extern const char *const knn__sampling_names[];
extern const char *const knn__outside_names[];

knn_status knn__expect_rank3(const knn_shape *in);
knn_status knn__expect_rank2(const knn_shape *in);
/* Shape rules: out = in, of any rank, of a picture, of a sequence. */
knn_status knn__shape_same(const knn_layer *layer, const knn_shape *in, knn_shape *out);
knn_status knn__shape_same_picture(const knn_layer *layer, const knn_shape *in, knn_shape *out);
knn_status knn__shape_same_sequence(const knn_layer *layer, const knn_shape *in, knn_shape *out);

/* A window that slides over a picture, or, with height 1, over a sequence: window.c. */
typedef struct knn__window {
    int height, width, stride_height, stride_width, dilation_height, dilation_width;
    knn_padding padding;
} knn__window;
/* The output's shape, of the input's rank; `what` is for the error: "kernel". */
knn_status knn__window_shape(const char *what, const knn__window *w, const knn_shape *in, int channels, knn_shape *out);
/* Keras refuses both at once, but for depthwise convolutions. */
knn_status knn__expect_strides_or_dilation(const knn__window *w);
/* Channels and filters fall into equal groups; each channel has `depth_multiplier` filters of its own. */
knn_status knn__expect_groups(int groups, const knn_shape *in, int filters);
knn_status knn__expect_filters(int channels, int depth_multiplier, int *filters);
void knn__window_node(knn_node *node, knn_op op, const knn__window *w, const knn_shape *in, const knn_shape *out);

/* Keras' defaults where a description names no initializer. */
extern const knn_initializer *const knn__default_kernel, *const knn__default_zeros, *const knn__default_ones;

/* The weights of layers with a kernel and a bias, from what their descriptions have in common: the index-th; false: no more. `d` is the
 * description, `units` how long the bias is; then the kernel's rank and its shape in braces. */
typedef struct knn__kernel_and_bias {
    int units, rank, shape[4];
    bool no_bias, frozen;
    const knn_initializer *kernel_initializer, *bias_initializer;
    const knn_regularizer *kernel_regularizer, *bias_regularizer;
    const knn_constraint *kernel_constraint, *bias_constraint;
} knn__kernel_and_bias;
#define KERNEL_AND_BIAS(d, units_, rank_, ...) \
    &(const knn__kernel_and_bias){.units = units_, .rank = rank_, .shape = __VA_ARGS__, .no_bias = (d)->no_bias, .frozen = (d)->frozen, \
        .kernel_initializer = (d)->kernel_initializer, .bias_initializer = (d)->bias_initializer, \
        .kernel_regularizer = (d)->kernel_regularizer, .bias_regularizer = (d)->bias_regularizer, \
        .kernel_constraint = (d)->kernel_constraint, .bias_constraint = (d)->bias_constraint}
bool knn__kernel_or_bias(const knn__kernel_and_bias *of, int index, knn__weight_spec *spec);

knn__weight_spec knn__weight_vector(const char *name, int length, const knn_initializer *given, const knn_initializer *normal,
                                    const knn_regularizer *regularizer, bool trainable);

#endif
