/* The chains: each kernel's own pattern and its neighbours, on shapes that are odd in every respect. Data only. */
#include "cases.h"

#define SHAPE(h, w, c) {3, {h, w, c}}

/* What the fused kernels look for, and what they must leave to others. */
#define POOLED(h, w, c, f, n, pad) \
    {"convolution", "conv2d relu max_pooling2d, " #pad, SHAPE(h, w, c), n, false, \
     {knn_conv2d(f, 3, .padding = pad, .activation = KNN_RELU), knn_max_pooling2d(2)}},
#define ACTIVATED(h, w, c, f, n, pad) \
    {"convolution", "conv2d relu, " #pad, SHAPE(h, w, c), n, false, {knn_conv2d(f, 3, .padding = pad, .activation = KNN_RELU)}},
#define POOLED_LINEAR(h, w, c, f, n, pad) \
    {"convolution", "conv2d max_pooling2d, " #pad, SHAPE(h, w, c), n, false, {knn_conv2d(f, 3, .padding = pad), knn_max_pooling2d(2)}},
#define PLAIN(h, w, c, f, n, pad) \
    {"convolution", "conv2d, " #pad, SHAPE(h, w, c), n, false, {knn_conv2d(f, 3, .padding = pad, .no_bias = true)}},

/* height, width, channels, filters, images: channels and filters around the widths of vectors, one image and 31, odd sizes */
#define SHAPES(FORM, pad) \
    FORM(8, 8, 1, 8, 1, pad) FORM(9, 7, 3, 16, 31, pad) FORM(13, 12, 5, 33, 2, pad) FORM(10, 11, 16, 32, 5, pad) \
    FORM(12, 12, 32, 64, 3, pad) FORM(11, 14, 33, 20, 4, pad) FORM(5, 6, 64, 64, 31, pad) FORM(4, 5, 160, 96, 2, pad) \
    FORM(20, 37, 3, 32, 2, pad) FORM(6, 6, 48, 1, 7, pad)

/* Kernels that are not 3x3: both pairs above, without and with pool. */
#define KERNEL(h, w, c, f, n, kh, kw, pad) \
    {"convolution", "conv2d relu, " #kh "x" #kw ", " #pad, SHAPE(h, w, c), n, false, \
     {knn_conv2d(f, kh, kw, .padding = pad, .activation = KNN_RELU)}}, \
    {"convolution", "conv2d relu max_pooling2d, " #kh "x" #kw ", " #pad, SHAPE(h, w, c), n, false, \
     {knn_conv2d(f, kh, kw, .padding = pad, .activation = KNN_RELU), knn_max_pooling2d(2)}}, \
    {"convolution", "conv2d max_pooling2d, " #kh "x" #kw ", " #pad, SHAPE(h, w, c), n, false, \
     {knn_conv2d(f, kh, kw, .padding = pad, .no_bias = true), knn_max_pooling2d(2)}},
#define KERNELS(h, w, c, f, n, kh, kw) KERNEL(h, w, c, f, n, kh, kw, KNN_VALID) KERNEL(h, w, c, f, n, kh, kw, KNN_SAME)
#define CHANNELS(h, w, n, kh, kw) \
    KERNELS(h, w, 1, 8, n, kh, kw) KERNELS(h, w, 3, 33, n, kh, kw) KERNELS(h, w, 5, 2, n, kh, kw) KERNELS(h, w, 33, 8, n, kh, kw)

#define CONV(h, w, c, n, ...) {"convolution", "conv2d(" #__VA_ARGS__ ")", SHAPE(h, w, c), n, false, {knn_conv2d(__VA_ARGS__)}},
#define DEPTHWISE(h, w, c, n, ...) \
    {"convolution", "depthwise_conv2d(" #__VA_ARGS__ ")", SHAPE(h, w, c), n, false, {knn_depthwise_conv2d(__VA_ARGS__)}},
#define SEPARABLE(h, w, c, n, ...) \
    {"convolution", "separable_conv2d(" #__VA_ARGS__ ")", SHAPE(h, w, c), n, false, {knn_separable_conv2d(__VA_ARGS__)}},
#define TRANSPOSE(h, w, c, n, ...) \
    {"convolution", "conv2d_transpose(" #__VA_ARGS__ ")", SHAPE(h, w, c), n, false, {knn_conv2d_transpose(__VA_ARGS__)}},
#define CONV1D(length, c, n, ...) {"convolution", "conv1d(" #__VA_ARGS__ ")", {2, {length, c}}, n, false, {knn_conv1d(__VA_ARGS__)}},
#define POOL1D(length, c, n, kind, ...) {"pooling", #kind "(" #__VA_ARGS__ ")", {2, {length, c}}, n, false, {knn_##kind(__VA_ARGS__)}},
#define POOL(h, w, c, n, kind, ...) {"pooling", #kind "(" #__VA_ARGS__ ")", SHAPE(h, w, c), n, false, {knn_##kind(__VA_ARGS__)}},
#define POOLS(kind) \
    POOL(8, 6, 16, 3, kind, 2) POOL(9, 7, 3, 31, kind, 2) POOL(9, 7, 33, 1, kind, 2, .padding = KNN_SAME) \
    POOL(11, 10, 5, 4, kind, 3, .stride_height = 2) POOL(11, 10, 8, 4, kind, 3, .stride_height = 2, .padding = KNN_SAME) \
    POOL(7, 8, 17, 2, kind, 2, 3, .stride_height = 1, .stride_width = 2) POOL(12, 13, 1, 2, kind, 4, .padding = KNN_SAME) \
    POOL(5, 5, 64, 5, kind, 5) POOL(11, 12, 3, 2, kind, 7, .stride_height = 1)
/* Rescaling makes the arguments large enough for every branch. */
#define ACTIVATION(f) \
    {"elementwise", #f, SHAPE(5, 7, 13), 3, false, {knn_rescaling(3), knn_activation(f)}}, \
    {"elementwise", #f ", one output", {1, {1}}, 31, false, {knn_activation(f)}},
#define BENT(layer, ...) {"elementwise", #layer "(" #__VA_ARGS__ ")", SHAPE(5, 7, 13), 3, false, {knn_rescaling(3), knn_##layer(__VA_ARGS__)}},
#define DENSE(inputs, units, n, ...) \
    {"dense", "dense(" #inputs " -> " #units ", " #__VA_ARGS__ ")", {1, {inputs}}, n, false, {knn_dense(units, __VA_ARGS__)}},

const chain_case chain_cases[] = {
    SHAPES(POOLED, KNN_VALID)
    SHAPES(POOLED, KNN_SAME)
    SHAPES(ACTIVATED, KNN_VALID)
    SHAPES(ACTIVATED, KNN_SAME)
    SHAPES(POOLED_LINEAR, KNN_VALID)
    SHAPES(POOLED_LINEAR, KNN_SAME)
    SHAPES(PLAIN, KNN_VALID)
    SHAPES(PLAIN, KNN_SAME)

    CHANNELS(11, 14, 3, 5, 5)
    CHANNELS(9, 8, 1, 4, 3)
    CHANNELS(12, 11, 2, 7, 7)
    CHANNELS(7, 9, 4, 2, 2)
    KERNELS(9, 7, 3, 16, 31, 5, 5)
    KERNELS(8, 8, 33, 12, 31, 2, 2)
    KERNELS(10, 9, 5, 8, 31, 4, 3)
    KERNELS(9, 9, 1, 16, 31, 7, 7)
    KERNELS(9, 10, 4, 9, 2, 1, 3)
    KERNELS(9, 10, 17, 9, 2, 7, 1)
    KERNELS(9, 11, 16, 32, 2, 6, 4)
    KERNELS(8, 12, 2, 16, 2, 3, 6)
    KERNELS(30, 26, 32, 64, 1, 5, 5)
    KERNELS(10, 9, 33, 40, 5, 5, 5)
    KERNELS(13, 12, 5, 16, 3, 5, 5)
    KERNELS(9, 9, 3, 4, 2, 8, 2)

    CONV(9, 8, 16, 3, 24, 1)
    CONV(9, 8, 5, 31, 7, 1, .activation = KNN_RELU)
    CONV(8, 9, 16, 3, 8, 1, .stride_height = 2)
    CONV(11, 12, 3, 2, 16, 5)
    CONV(11, 12, 16, 2, 33, 5, .padding = KNN_SAME, .activation = KNN_TANH)
    CONV(12, 13, 8, 4, 16, 3, .stride_height = 2)
    CONV(12, 13, 8, 4, 16, 3, .stride_height = 2, .padding = KNN_SAME, .activation = KNN_RELU)
    CONV(13, 12, 33, 1, 5, 4, .stride_height = 3, .padding = KNN_SAME)
    CONV(11, 13, 5, 3, 12, 3, .dilation_height = 2)
    CONV(11, 13, 16, 3, 12, 3, .dilation_height = 2, .padding = KNN_SAME)
    CONV(9, 14, 4, 5, 9, 2, 5, .stride_height = 1, .stride_width = 2, .padding = KNN_SAME)
    CONV(3, 3, 64, 31, 10, 3)
    CONV(2, 2, 6, 3, 10, 7, .padding = KNN_SAME)
    CONV(9, 9, 16, 3, 16, 3, .activation = KNN_SWISH)
    CONV(9, 9, 16, 3, 16, 3, .frozen = true)

    CONV(9, 8, 6, 3, 4, 3, .groups = 2)
    CONV(9, 7, 33, 31, 3, 3, .groups = 3, .padding = KNN_SAME, .activation = KNN_RELU)
    CONV(11, 10, 10, 2, 15, 5, .groups = 5, .stride_height = 2, .padding = KNN_SAME)
    CONV(9, 9, 8, 1, 16, 3, .groups = 4, .dilation_height = 2, .activation = KNN_TANH)
    CONV(7, 8, 64, 2, 32, 1, .groups = 2, .no_bias = true)
    CONV(9, 8, 5, 3, 5, 3, .groups = 5)
    CONV(5, 5, 16, 2, 16, 3, .groups = 16, .frozen = true)
    {"convolution", "conv2d(8, 3, .groups = 2) relu max_pooling2d", SHAPE(9, 8, 6), 3, false,
     {knn_conv2d(8, 3, .groups = 2, .activation = KNN_RELU), knn_max_pooling2d(2)}},

    DEPTHWISE(8, 8, 1, 1, 3)
    DEPTHWISE(9, 7, 3, 31, 3, .padding = KNN_SAME, .activation = KNN_RELU)
    DEPTHWISE(13, 12, 5, 2, 3, .stride_height = 2)
    DEPTHWISE(12, 13, 33, 4, 3, .stride_height = 2, .padding = KNN_SAME, .activation = KNN_TANH)
    DEPTHWISE(6, 21, 64, 3, 5, .padding = KNN_SAME, .no_bias = true)
    DEPTHWISE(7, 7, 16, 5, 3, 2, .stride_height = 3, .stride_width = 1, .padding = KNN_SAME)
    DEPTHWISE(11, 13, 17, 2, 3, .dilation_height = 2, .dilation_width = 3)
    DEPTHWISE(11, 12, 9, 2, 3, .dilation_height = 2, .stride_height = 2, .padding = KNN_SAME)
    DEPTHWISE(3, 2, 8, 31, 7, .padding = KNN_SAME)
    DEPTHWISE(5, 9, 12, 2, 1, .stride_height = 2)
    DEPTHWISE(8, 9, 5, 3, 3, .depth_multiplier = 2)
    DEPTHWISE(9, 8, 11, 31, 3, .depth_multiplier = 3, .stride_height = 2, .padding = KNN_SAME)
    DEPTHWISE(6, 6, 1, 2, 3, .depth_multiplier = 33)
    DEPTHWISE(6, 6, 24, 2, 3, .frozen = true)
    {"convolution", "depthwise_conv2d(3), batch_normalization, relu", SHAPE(8, 9, 24), 4, false,
     {knn_depthwise_conv2d(3, .padding = KNN_SAME, .no_bias = true), knn_batch_normalization(), knn_activation(KNN_RELU)}},

    SEPARABLE(9, 8, 3, 31, 16, 3, .activation = KNN_TANH)
    SEPARABLE(10, 11, 33, 2, 5, 3, .stride_height = 2, .padding = KNN_SAME)
    SEPARABLE(8, 8, 5, 1, 1, 2, 3, .depth_multiplier = 2, .no_bias = true)
    SEPARABLE(9, 9, 8, 3, 8, 3, .dilation_height = 2, .activation = KNN_SWISH)

    CONV1D(17, 3, 31, 16, 5)
    CONV1D(20, 33, 2, 5, 3, .padding = KNN_SAME, .activation = KNN_RELU)
    CONV1D(19, 5, 3, 8, 4, .padding = KNN_CAUSAL, .dilation_rate = 2)
    CONV1D(300, 1, 1, 32, 7, .strides = 3, .padding = KNN_CAUSAL)
    CONV1D(15, 6, 4, 9, 3, .groups = 3, .padding = KNN_SAME)
    CONV1D(15, 7, 4, 7, 3, .groups = 7, .no_bias = true)
    CONV1D(12, 64, 5, 64, 1, .activation = KNN_TANH)

    TRANSPOSE(5, 4, 3, 31, 8, 3)
    TRANSPOSE(4, 5, 33, 2, 5, 3, .stride_height = 2, .padding = KNN_SAME, .activation = KNN_TANH)
    TRANSPOSE(4, 3, 8, 3, 1, 4, .stride_height = 2, .padding = KNN_SAME)
    TRANSPOSE(5, 5, 1, 1, 33, 2, .stride_height = 3)
    TRANSPOSE(5, 5, 5, 2, 6, 5, 2, .stride_height = 2, .stride_width = 1, .no_bias = true)
    TRANSPOSE(4, 4, 3, 2, 4, 3, .stride_height = 3, .output_padding_height = 2, .output_padding_width = 1)
    TRANSPOSE(4, 6, 3, 2, 4, 3, .stride_height = 2, .output_padding_height = KNN_NONE, .padding = KNN_SAME)
    TRANSPOSE(6, 5, 7, 2, 3, 3, .dilation_height = 2, .padding = KNN_SAME)
    TRANSPOSE(6, 5, 7, 2, 3, 3, 2, .dilation_height = 1, .dilation_width = 3, .frozen = true)
    TRANSPOSE(24, 40, 16, 1, 32, 3, .stride_height = 2, .padding = KNN_SAME)

    {"chain", "pooling of 3x3 by 2", SHAPE(13, 13, 8), 3, false,
     {knn_conv2d(16, 3, .activation = KNN_RELU), knn_max_pooling2d(3, .stride_height = 2)}},
    {"chain", "average pooling", SHAPE(10, 10, 8), 3, false,
     {knn_conv2d(16, 3, .activation = KNN_RELU), knn_average_pooling2d(2)}},
    {"chain", "tanh and pooling", SHAPE(10, 10, 8), 3, false,
     {knn_conv2d(16, 3, .activation = KNN_TANH), knn_max_pooling2d(2)}},
    {"chain", "a relu layer and pooling", SHAPE(10, 10, 8), 3, false, {knn_conv2d(16, 3), knn_relu(), knn_max_pooling2d(2)}},
    {"chain", "two blocks", SHAPE(14, 13, 3), 5, false,
     {knn_conv2d(8, 3, .activation = KNN_RELU), knn_max_pooling2d(2), knn_conv2d(16, 3, .activation = KNN_RELU), knn_max_pooling2d(2)}},
    {"chain", "two blocks, frozen first", SHAPE(14, 13, 3), 3, false,
     {knn_conv2d(8, 3, .activation = KNN_RELU, .frozen = true), knn_max_pooling2d(2), knn_conv2d(16, 3, .activation = KNN_RELU),
      knn_max_pooling2d(2)}},
    {"chain", "three blocks, SAME, one image", SHAPE(16, 16, 3), 1, false,
     {knn_conv2d(8, 3, .padding = KNN_SAME, .activation = KNN_RELU), knn_max_pooling2d(2),
      knn_conv2d(16, 3, .padding = KNN_SAME, .activation = KNN_RELU), knn_max_pooling2d(2),
      knn_conv2d(32, 3, .padding = KNN_SAME, .activation = KNN_RELU), knn_max_pooling2d(2)}},
    {"chain", "VGG's pair", SHAPE(12, 12, 3), 2, false,
     {knn_conv2d(16, 3, .padding = KNN_SAME, .activation = KNN_RELU), knn_conv2d(16, 3, .padding = KNN_SAME, .activation = KNN_RELU),
      knn_max_pooling2d(2)}},
    {"chain", "block, flatten, dropout, dense, sigmoid", SHAPE(10, 9, 3), 6, false,
     {knn_conv2d(8, 3, .activation = KNN_TANH), knn_average_pooling2d(2), knn_flatten(), knn_dropout(0.5),
      knn_dense(20, .activation = KNN_TANH), knn_dense(1, .activation = KNN_SIGMOID)}},
    {"chain", "block, flatten, dense, softmax", SHAPE(10, 9, 3), 6, false,
     {knn_conv2d(8, 3, .activation = KNN_ELU), knn_flatten(), knn_dense(10, .activation = KNN_SOFTMAX)}},
    {"chain", "rescaling, padding, block, global mean", SHAPE(9, 11, 3), 4, false,
     {knn_rescaling(2, .offset = -1), knn_zero_padding2d(1), knn_conv2d(8, 3, .activation = KNN_TANH), knn_global_average_pooling2d()}},

    {"normalization", "alone", SHAPE(5, 7, 16), 6, false, {knn_batch_normalization()}},
    {"normalization", "odd channels, 31 images", SHAPE(3, 2, 33), 31, false, {knn_batch_normalization(.momentum = 0.9)}},
    {"normalization", "one channel, one image", SHAPE(6, 5, 1), 1, false, {knn_batch_normalization(.epsilon = 0.1)}},
    {"normalization", "of vectors", {1, {19}}, 12, false, {knn_batch_normalization()}},
    {"normalization", "without gamma and beta", SHAPE(5, 4, 8), 4, false, {knn_batch_normalization(.no_center = true, .no_scale = true)}},
    {"normalization", "many rows", SHAPE(20, 19, 3), 31, false, {knn_batch_normalization()}},
    {"normalization", "many rows, then relu", SHAPE(20, 19, 2), 31, false,
     {knn_batch_normalization(.no_center = true), knn_activation(KNN_RELU)}},
    {"normalization", "without gamma, then relu", SHAPE(5, 4, 9), 4, false,
     {knn_batch_normalization(.no_scale = true), knn_activation(KNN_RELU)}},
    {"normalization", "frozen", SHAPE(5, 4, 8), 4, false, {knn_batch_normalization(.frozen = true)}},
    {"normalization", "then relu", SHAPE(5, 4, 24), 4, false, {knn_batch_normalization(), knn_activation(KNN_RELU)}},
    {"normalization", "of a convolution", SHAPE(8, 9, 3), 4, false,
     {knn_conv2d(16, 3, .no_bias = true), knn_batch_normalization(), knn_activation(KNN_RELU)}},
    {"normalization", "of a convolution, then pooling", SHAPE(9, 8, 5), 4, false,
     {knn_conv2d(16, 3, .no_bias = true, .padding = KNN_SAME), knn_batch_normalization(), knn_activation(KNN_RELU), knn_max_pooling2d(2)}},
    {"normalization", "frozen, of a convolution", SHAPE(9, 8, 5), 4, false,
     {knn_conv2d(16, 3), knn_batch_normalization(.frozen = true), knn_activation(KNN_RELU)}},
    {"normalization", "of a convolution with bias, then pooling", SHAPE(12, 8, 32), 4, true,
     {knn_conv2d(32, 3), knn_batch_normalization(), knn_activation(KNN_RELU), knn_max_pooling2d(2)}},
    {"normalization", "of a convolution with bias, frozen, then pooling", SHAPE(12, 8, 32), 3, false,
     {knn_conv2d(32, 3), knn_batch_normalization(.frozen = true), knn_activation(KNN_RELU), knn_max_pooling2d(2)}},
    {"normalization", "of dense", {1, {12}}, 9, false,
     {knn_dense(20, .no_bias = true), knn_batch_normalization(), knn_activation(KNN_TANH), knn_dense(3)}},

    {"normalization", "layer", SHAPE(5, 7, 33), 5, false, {knn_layer_normalization()}},
    {"normalization", "layer, 31 vectors", {1, {37}}, 31, false, {knn_layer_normalization(.epsilon = 0.1)}},
    {"normalization", "layer, of two axes", SHAPE(5, 7, 3), 4, false, {knn_layer_normalization(KNN_AXIS(2) | KNN_AXIS(3))}},
    {"normalization", "layer, of all axes", SHAPE(9, 8, 5), 3, false, {knn_layer_normalization(KNN_AXIS(-3) | KNN_AXIS(-2) | KNN_AXIS(-1))}},
    {"normalization", "layer, of sequences, without beta", {2, {9, 16}}, 3, false, {knn_layer_normalization(.no_center = true)}},
    {"normalization", "layer, between dense layers", {1, {12}}, 9, false,
     {knn_dense(20), knn_layer_normalization(), knn_activation(KNN_TANH), knn_dense(3)}},
    {"normalization", "group", SHAPE(5, 7, 33), 5, false, {knn_group_normalization(3)}},
    {"normalization", "group, 32 of 64 channels, many positions", SHAPE(13, 12, 64), 2, false, {knn_group_normalization()}},
    {"normalization", "group, instances, 31 images", SHAPE(3, 5, 5), 31, false, {knn_group_normalization(-1)}},
    {"normalization", "group, one channel", SHAPE(6, 5, 1), 1, false, {knn_group_normalization(1, .epsilon = 0.1)}},
    {"normalization", "group, without gamma", SHAPE(5, 4, 8), 4, false, {knn_group_normalization(2, .no_scale = true)}},
    {"normalization", "group, bare, of vectors", {1, {18}}, 4, false, {knn_group_normalization(6, .no_center = true, .no_scale = true)}},
    {"normalization", "group, of a convolution, frozen", SHAPE(9, 8, 5), 4, false,
     {knn_conv2d(16, 3), knn_group_normalization(4, .frozen = true), knn_activation(KNN_TANH)}},

    {"normalization", "by known statistics", SHAPE(5, 7, 3), 31, false, {knn_normalization()}},
    {"normalization", "by known statistics, one channel", SHAPE(5, 6, 1), 1, false, {knn_normalization(.invert = true)}},
    {"normalization", "by known statistics, between dense layers", {1, {12}}, 9, false, {knn_dense(33), knn_normalization(), knn_dense(3)}},
    {"normalization", "by given statistics, of sequences", {2, {9, 5}}, 3, false,
     {knn_normalization((const double[]){0.5, -1, 0, 100, 1}, (const double[]){1, 2, 0.01, 9, 1e-20}, 5)}},
    {"normalization", "by the same statistics for all, inverted", SHAPE(3, 2, 70), 2, false,
     {knn_dense(70), knn_normalization((const double[]){3}, (const double[]){2}, 1, .invert = true)}},

    POOLS(max_pooling2d)
    POOLS(average_pooling2d)
    POOL(7, 5, 33, 3, global_average_pooling2d, .keepdims = true)
    POOL(7, 5, 16, 31, global_max_pooling2d, .keepdims = false)
    POOL(6, 6, 1, 1, global_max_pooling2d, .keepdims = true)

    POOL1D(13, 5, 31, max_pooling1d, 2) POOL1D(14, 33, 1, max_pooling1d, 3, .strides = 2, .padding = KNN_SAME)
    POOL1D(9, 1, 3, max_pooling1d, 4, .strides = 1)
    POOL1D(13, 3, 31, average_pooling1d, 2) POOL1D(14, 33, 2, average_pooling1d, 3, .strides = 2, .padding = KNN_SAME)
    POOL1D(9, 17, 3, global_average_pooling1d, .keepdims = true) POOL1D(9, 17, 3, global_max_pooling1d, .keepdims = false)

    ACTIVATION(KNN_RELU) ACTIVATION(KNN_SIGMOID) ACTIVATION(KNN_SOFTMAX) ACTIVATION(KNN_TANH) ACTIVATION(KNN_ELU) ACTIVATION(KNN_SELU)
    ACTIVATION(KNN_SOFTPLUS) ACTIVATION(KNN_SWISH) ACTIVATION(KNN_GELU) ACTIVATION(KNN_HARD_SIGMOID) ACTIVATION(KNN_SOFTSIGN)
    ACTIVATION(KNN_EXPONENTIAL)
    ACTIVATION(KNN_RELU6) ACTIVATION(KNN_LEAKY_RELU) ACTIVATION(KNN_MISH) ACTIVATION(KNN_CELU) ACTIVATION(KNN_LOG_SIGMOID)
    ACTIVATION(KNN_LOG_SOFTMAX) ACTIVATION(KNN_HARD_SILU) ACTIVATION(KNN_HARD_TANH) ACTIVATION(KNN_HARD_SHRINK)
    ACTIVATION(KNN_SOFT_SHRINK) ACTIVATION(KNN_TANH_SHRINK) ACTIVATION(KNN_SPARSE_PLUS) ACTIVATION(KNN_SPARSE_SIGMOID)
    ACTIVATION(KNN_SQUAREPLUS) ACTIVATION(KNN_SPARSEMAX)
    {"elementwise", "relu6 of large numbers", SHAPE(5, 3, 33), 5, false, {knn_rescaling(5), knn_activation(KNN_RELU6)}},
    {"elementwise", "log_softmax of 100", {1, {100}}, 31, false, {knn_activation(KNN_LOG_SOFTMAX)}},
    {"elementwise", "sparsemax of small numbers", {1, {33}}, 3, false, {knn_rescaling(0.1), knn_activation(KNN_SPARSEMAX)}},
    BENT(relu, 0) BENT(relu, 2) BENT(relu, 6, .negative_slope = 0.1) BENT(relu, 2, .threshold = 1) BENT(relu, 0, 0.1, 1) BENT(relu, 1, 0.25, 2)
    BENT(leaky_relu, 0) BENT(leaky_relu, 0.2) BENT(elu, 1) BENT(elu, 0.5)
    {"elementwise", "prelu", SHAPE(5, 7, 3), 31, false, {knn_prelu()}},
    {"elementwise", "prelu, an alpha a channel", SHAPE(5, 7, 33), 5, false, {knn_rescaling(3), knn_prelu(.shared_axes = KNN_AXIS(1) | KNN_AXIS(2))}},
    {"elementwise", "prelu, an alpha a row", SHAPE(5, 7, 5), 5, false, {knn_prelu(.shared_axes = KNN_AXIS(2) | KNN_AXIS(3))}},
    {"elementwise", "prelu, an alpha a column and channel", SHAPE(3, 2, 16), 5, false, {knn_prelu(.shared_axes = KNN_AXIS(1))}},
    {"elementwise", "prelu, one alpha, frozen", SHAPE(4, 3, 1), 1, false, {knn_prelu(.shared_axes = KNN_AXIS(1) | KNN_AXIS(2) | KNN_AXIS(3), .frozen = true)}},
    {"elementwise", "prelu, one alpha", SHAPE(5, 7, 11), 3, false, {knn_prelu(.shared_axes = KNN_AXIS(1) | KNN_AXIS(2) | KNN_AXIS(3))}},
    {"elementwise", "prelu of vectors", {1, {21}}, 31, false, {knn_dense(20), knn_prelu(), knn_dense(3)}},
    {"elementwise", "prelu of sequences", {2, {9, 5}}, 3, false, {knn_prelu(.shared_axes = KNN_AXIS(1))}},
    {"elementwise", "softmax over rows", SHAPE(5, 7, 13), 3, false, {knn_softmax(KNN_AXIS(1))}},
    {"elementwise", "softmax over rows and columns", SHAPE(5, 7, 3), 31, false, {knn_softmax(KNN_AXIS(1) | KNN_AXIS(2))}},
    {"elementwise", "softmax over columns and channels", SHAPE(5, 7, 3), 2, false, {knn_softmax(KNN_AXIS(-2) | KNN_AXIS(-1))}},
    {"elementwise", "softmax over the length", {2, {9, 5}}, 3, false, {knn_softmax(KNN_AXIS(1))}},
    {"elementwise", "spatial dropout", SHAPE(5, 7, 33), 9, false, {knn_spatial_dropout2d(0.3)}},
    {"elementwise", "spatial dropout of many channels", SHAPE(3, 2, 300), 2, false, {knn_spatial_dropout2d(0.5)}},
    {"elementwise", "spatial dropout of sequences", {2, {9, 5}}, 3, false, {knn_spatial_dropout1d(0.5), knn_dense(2)}},
    {"elementwise", "gaussian noise", SHAPE(5, 7, 11), 9, false, {knn_gaussian_noise(0.5)}},
    {"elementwise", "gaussian noise, then dense", {1, {33}}, 5, false, {knn_gaussian_noise(1), knn_dense(4)}},
    {"elementwise", "gaussian dropout", SHAPE(5, 7, 11), 9, false, {knn_gaussian_dropout(0.3)}},
    {"elementwise", "gaussian dropout, twice", {1, {77}}, 5, false, {knn_gaussian_dropout(0.1), knn_gaussian_dropout(0.5)}},
    {"elementwise", "softmax of 1", {1, {1}}, 5, true, {knn_activation(KNN_SOFTMAX)}},
    {"elementwise", "softmax of 7", {1, {7}}, 31, false, {knn_activation(KNN_SOFTMAX)}},
    {"elementwise", "softmax of many rows", SHAPE(5, 7, 3), 31, false, {knn_activation(KNN_SOFTMAX)}},
    {"elementwise", "softmax of 1000", {1, {1000}}, 3, false, {knn_activation(KNN_SOFTMAX)}},
    {"elementwise", "dropout", SHAPE(5, 7, 11), 9, false, {knn_dropout(0.3)}},
    {"elementwise", "dropout of all", {1, {21}}, 2, false, {knn_dropout(1)}},
    {"elementwise", "dropout, then dropout", {1, {77}}, 5, false, {knn_dropout(0.5), knn_dropout(0.2)}},
    {"elementwise", "rescaling", SHAPE(3, 5, 7), 4, false, {knn_rescaling(1.0 / 255, .offset = -0.5)}},
    {"elementwise", "embedding", {1, {9}}, 31, false, {knn_rescaling(3, .offset = 5), knn_embedding(11, 3)}},
    {"elementwise", "embedding of rows, numbers out of range", {2, {5, 4}}, 3, false, {knn_rescaling(3, .offset = 2), knn_embedding(4, 33)}},
    {"elementwise", "embedding, frozen", {1, {7}}, 1, false, {knn_embedding(2, 1, .frozen = true), knn_dense(5)}},
    {"elementwise", "zero padding", SHAPE(4, 5, 3), 4, false, {knn_zero_padding2d(1, 2, 3, 0)}},
    {"elementwise", "zero padding of one channel", SHAPE(1, 1, 1), 1, false, {knn_zero_padding2d()}},
    {"elementwise", "zero padding of sequences", {2, {5, 3}}, 4, false, {knn_zero_padding1d(2, KNN_NONE)}},
    {"elementwise", "cropping", SHAPE(7, 6, 5), 31, false, {knn_cropping2d(1, 2, 0, 3)}},
    {"elementwise", "cropping of sequences, then of one side", {2, {9, 3}}, 4, false, {knn_cropping1d(), knn_cropping1d(3, KNN_NONE)}},
    {"elementwise", "reshape, then conv2d", SHAPE(4, 6, 5), 3, false, {knn_reshape(6, 4, -1), knn_conv2d(3, 3)}},
    {"elementwise", "permute of pictures", SHAPE(4, 3, 5), 31, false, {knn_permute(3, 1, 2)}},
    {"elementwise", "permute of pictures, the other way", SHAPE(4, 3, 33), 2, false, {knn_permute(2, 3, 1)}},
    {"elementwise", "permute of sequences", {2, {7, 5}}, 3, false, {knn_permute(2, 1)}},
    {"elementwise", "up sampling", SHAPE(3, 4, 5), 31, false, {knn_up_sampling2d()}},
    {"elementwise", "up sampling by 1x3", SHAPE(3, 4, 33), 1, false, {knn_up_sampling2d(1, 3)}},
    {"elementwise", "up sampling of sequences", {2, {5, 3}}, 3, false, {knn_up_sampling1d(3)}},
    {"elementwise", "a vector several times", {1, {33}}, 31, false, {knn_repeat_vector(5)}},
    {"elementwise", "bilinear up sampling", SHAPE(4, 5, 3), 31, false, {knn_up_sampling2d(.interpolation = KNN_RESIZE_BILINEAR)}},
    {"elementwise", "bilinear up sampling by 3x4", SHAPE(1, 5, 17), 2, false,
     {knn_up_sampling2d(3, 4, .interpolation = KNN_RESIZE_BILINEAR)}},
    {"elementwise", "zero padding, then pooling", SHAPE(5, 5, 8), 2, false, {knn_zero_padding2d(2), knn_max_pooling2d(2)}},

    {"pictures", "resizing, larger", SHAPE(5, 4, 3), 31, false, {knn_resizing(9, 11)}},
    {"pictures", "resizing, smaller", SHAPE(9, 7, 5), 2, false, {knn_resizing(4, 3)}},
    {"pictures", "resizing, nearest", SHAPE(7, 5, 33), 1, false, {knn_resizing(4, 9, .interpolation = KNN_SAMPLING_NEAREST)}},
    {"pictures", "resizing, cut", SHAPE(9, 5, 1), 3, false, {knn_resizing(5, 7, .crop_to_aspect_ratio = true)}},
    {"pictures", "resizing, padded", SHAPE(9, 5, 3), 3, false, {knn_resizing(5, 9, .pad_to_aspect_ratio = true, .fill_value = 0.5)}},
    {"pictures", "center crop", SHAPE(9, 8, 5), 31, false, {knn_center_crop(4, 3)}},
    {"pictures", "center crop of a smaller one", SHAPE(5, 8, 3), 1, false, {knn_center_crop(7, 7)}},
    {"pictures", "flip", SHAPE(5, 7, 33), 31, false, {knn_random_flip()}},
    {"pictures", "translation, wrapped", SHAPE(9, 7, 5), 31, false, {knn_random_translation(0.4, 0.9, .fill_mode = KNN_OUTSIDE_WRAP)}},
    {"pictures", "translation, constant, nearest", SHAPE(9, 7, 1), 3, false,
     {knn_random_translation(0.4, 0.9, .fill_mode = KNN_OUTSIDE_CONSTANT, .interpolation = KNN_SAMPLING_NEAREST, .fill_value = 0.3)}},
    {"pictures", "rotation, reflected", SHAPE(8, 5, 3), 31, false, {knn_random_rotation(0.5)}},
    {"pictures", "rotation, constant", SHAPE(1, 1, 1), 1, false, {knn_random_rotation(1, .fill_mode = KNN_OUTSIDE_CONSTANT)}},
    {"pictures", "zoom, nearest pixel", SHAPE(5, 9, 3), 5, false, {knn_random_zoom(0.7, 0.5, .fill_mode = KNN_OUTSIDE_NEAREST)}},
    {"pictures", "contrast", SHAPE(5, 7, 3), 31, false, {knn_random_contrast(0.9, 0.9, .value_low = -0.8, .value_high = 0.7)}},
    {"pictures", "contrast of 33 channels", SHAPE(3, 3, 33), 1, false, {knn_random_contrast(0.5, .value_low = -9, .value_high = 9)}},
    {"pictures", "brightness", SHAPE(5, 7, 5), 31, false, {knn_random_brightness(0.4, .value_low = -0.8, .value_high = 0.7)}},
    {"pictures", "augmented, then a block", SHAPE(9, 9, 3), 4, false,
     {knn_rescaling(0.5), knn_random_flip(), knn_random_rotation(0.2), knn_resizing(12, 11), knn_conv2d(8, 3, .activation = KNN_TANH),
      knn_average_pooling2d(2)}},

    DENSE(37, 16, 31, .activation = KNN_RELU)
    DENSE(1, 1, 1, .activation = KNN_LINEAR)
    DENSE(64, 33, 2, .no_bias = true)
    DENSE(1024, 512, 7, .activation = KNN_RELU)
    DENSE(512, 1, 32, .activation = KNN_SIGMOID)
    DENSE(100, 10, 5, .activation = KNN_SOFTMAX)
    DENSE(30, 20, 4, .activation = KNN_GELU)
    DENSE(9, 7, 5, .activation = KNN_TANH) DENSE(9, 7, 5, .activation = KNN_ELU) DENSE(9, 7, 5, .activation = KNN_SELU)
    DENSE(9, 7, 5, .activation = KNN_EXPONENTIAL) DENSE(9, 7, 5, .activation = KNN_RELU6) DENSE(9, 7, 5, .activation = KNN_LEAKY_RELU)
    DENSE(9, 7, 5, .activation = KNN_CELU) DENSE(9, 300, 2, .activation = KNN_SIGMOID)
    {"dense", "of sequences", {2, {9, 7}}, 5, false, {knn_dense(11, .activation = KNN_TANH)}},
    {"dense", "of pictures", SHAPE(4, 3, 6), 5, false, {knn_dense(5)}},

    {"catdog", "block 1", SHAPE(150, 150, 3), 2, false, {knn_conv2d(32, 3, .activation = KNN_RELU), knn_max_pooling2d(2)}},
    {"catdog", "block 2", SHAPE(74, 74, 32), 1, false, {knn_conv2d(64, 3, .activation = KNN_RELU), knn_max_pooling2d(2)}},
    {"catdog", "block 3", SHAPE(36, 36, 64), 1, false, {knn_conv2d(128, 3, .activation = KNN_RELU), knn_max_pooling2d(2)}},
    {"catdog", "block 4", SHAPE(17, 17, 128), 3, false, {knn_conv2d(128, 3, .activation = KNN_RELU), knn_max_pooling2d(2)}},
    {"catdog", "block 5", SHAPE(7, 7, 128), 9, false, {knn_conv2d(256, 3, .activation = KNN_RELU), knn_max_pooling2d(2)}},
    {NULL, NULL, {0}, 0, false, {NULL}}};

const char *const chain_groups[] = {"convolution", "chain", "normalization", "pooling", "elementwise", "pictures", "dense", "catdog", NULL};
