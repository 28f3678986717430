/* knn/layers.h: the layers, as descriptions for knn_add(). Names, options and defaults are Keras'.
 *
 * Each macro takes the leading members by position and any others by name: knn_conv2d(32, 3, .activation = KNN_RELU).
 * `name` NULL: Keras' automatic name (conv2d, conv2d_1, ..), counted per model. Shapes below leave out the batch. */
#ifndef KNN_LAYERS_H
#define KNN_LAYERS_H

#include <knn/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Formulas: Keras 3 (keras.activations). KNN_HARD_SIGMOID is Keras 3's clip(x / 6 + 1 / 2, 0, 1). Softmax, log_softmax and sparsemax
 * are over the last axis, the others elementwise. Of those with a parameter these are Keras' defaults: layers have the others. */
typedef enum knn_activation {
    KNN_LINEAR = 0, KNN_RELU = 1, KNN_SIGMOID = 2, KNN_SOFTMAX = 3, KNN_TANH = 4, KNN_ELU = 5, KNN_SELU = 6,
    KNN_SOFTPLUS = 7, KNN_SWISH = 8, KNN_GELU = 9, KNN_HARD_SIGMOID = 10, KNN_SOFTSIGN = 11, KNN_EXPONENTIAL = 12,
    KNN_RELU6 = 13, KNN_LEAKY_RELU = 14,    /* min(max(x, 0), 6); slope 0.2 below 0 */
    KNN_MISH = 15, KNN_CELU = 16, KNN_LOG_SIGMOID = 17, KNN_LOG_SOFTMAX = 18,
    KNN_HARD_SILU = 19, KNN_HARD_TANH = 20, /* x hard_sigmoid(x), also called hard_swish; x cut to -1 .. 1 */
    KNN_HARD_SHRINK = 21, KNN_SOFT_SHRINK = 22, KNN_TANH_SHRINK = 23,       /* 0 up to 1/2; the same, moved towards 0; x - tanh(x) */
    KNN_SPARSE_PLUS = 24, KNN_SPARSE_SIGMOID = 25, KNN_SQUAREPLUS = 26,
    KNN_SPARSEMAX = 27                      /* as Keras 3.15 computes it: does not always sum to 1 */
} knn_activation;

typedef enum knn_padding {
    KNN_VALID = 0,              /* no padding: output length floor((n - k) / s) + 1 */
    KNN_SAME = 1,               /* zeros (max-pooling: nothing) around: ceil(n / s); the odd row goes to bottom and right */
    KNN_CAUSAL = 2              /* knn_conv1d only: zeros before, none behind, so that no output sees what comes later: ceil(n / s) */
} knn_padding;

/* A set of axes: KNN_AXIS(1) | KNN_AXIS(2). Counted as Keras does: from 0, or from -1 backwards. Of a layer's input axis 0 is the batch's. */
#define KNN_AXIS(i) (1 << ((i) + 8))    /* -8 to 7 */

struct knn_layer_class;         /* knn/extend.h */

/* What all descriptions begin with; the macros fill it. */
typedef struct knn_layer {
    const char *class_name;     /* Keras' class name: "Conv2D" */
    size_t size;                /* of the whole description */
    const struct knn_layer_class *custom;       /* a user's own layer; else NULL */
} knn_layer;

/* ---- Initializers. n = fan_in, fan_out or their mean; a truncated normal is cut at two standard deviations. ---- */

typedef struct knn_initializer {
    const char *class_name;
    size_t size;
    const void *custom;         /* NULL */
} knn_initializer;

/* Glorot and Bengio 2010; He et al. 2015; LeCun 1998: VarianceScaling of scale 1 (fan_avg), 2 (fan_in), 1 (fan_in). */
typedef struct knn_plain_initializer { knn_initializer initializer; } knn_plain_initializer;
#define knn_glorot_uniform(...) KNN_DESCRIBE(knn_plain_initializer, initializer, "GlorotUniform", __VA_ARGS__)
#define knn_glorot_normal(...)  KNN_DESCRIBE(knn_plain_initializer, initializer, "GlorotNormal", __VA_ARGS__)
#define knn_he_uniform(...)     KNN_DESCRIBE(knn_plain_initializer, initializer, "HeUniform", __VA_ARGS__)
#define knn_he_normal(...)      KNN_DESCRIBE(knn_plain_initializer, initializer, "HeNormal", __VA_ARGS__)
#define knn_lecun_uniform(...)  KNN_DESCRIBE(knn_plain_initializer, initializer, "LecunUniform", __VA_ARGS__)
#define knn_lecun_normal(...)   KNN_DESCRIBE(knn_plain_initializer, initializer, "LecunNormal", __VA_ARGS__)
#define knn_zeros(...)          KNN_DESCRIBE(knn_plain_initializer, initializer, "Zeros", __VA_ARGS__)
#define knn_ones(...)           KNN_DESCRIBE(knn_plain_initializer, initializer, "Ones", __VA_ARGS__)

typedef struct knn_constant_initializer { knn_initializer initializer; double value; } knn_constant_initializer;
#define knn_constant(...)       KNN_DESCRIBE(knn_constant_initializer, initializer, "Constant", __VA_ARGS__)

typedef struct knn_random_uniform_initializer {
    knn_initializer initializer;
    double minval, maxval;      /* both 0: -0.05, 0.05 */
} knn_random_uniform_initializer;
#define knn_random_uniform(...) KNN_DESCRIBE(knn_random_uniform_initializer, initializer, "RandomUniform", __VA_ARGS__)

typedef struct knn_random_normal_initializer {
    knn_initializer initializer;
    double mean, stddev;        /* stddev 0: 0.05 */
} knn_random_normal_initializer;
#define knn_random_normal(...)    KNN_DESCRIBE(knn_random_normal_initializer, initializer, "RandomNormal", __VA_ARGS__)
#define knn_truncated_normal(...) KNN_DESCRIBE(knn_random_normal_initializer, initializer, "TruncatedNormal", __VA_ARGS__)

/* gain times the identity; for weights of rank 2. gain times an orthogonal matrix (Saxe et al. 2014): of a weight seen as rows of its last
 * axis the columns are orthonormal, or the rows where there are fewer of them; from rank 2 on. */
typedef struct knn_gain_initializer {
    knn_initializer initializer;
    double gain;                /* 0: 1 */
} knn_gain_initializer;
#define knn_identity(...)   KNN_DESCRIBE(knn_gain_initializer, initializer, "Identity", __VA_ARGS__)
#define knn_orthogonal(...) KNN_DESCRIBE(knn_gain_initializer, initializer, "Orthogonal", __VA_ARGS__)

typedef enum knn_fan { KNN_FAN_IN = 0, KNN_FAN_OUT = 1, KNN_FAN_AVG = 2 } knn_fan;
typedef enum knn_distribution { KNN_TRUNCATED_NORMAL = 0, KNN_UNTRUNCATED_NORMAL = 1, KNN_UNIFORM = 2 } knn_distribution;
typedef struct knn_variance_scaling_initializer {
    knn_initializer initializer;
    double scale;               /* 0: 1 */
    knn_fan mode;
    knn_distribution distribution;
} knn_variance_scaling_initializer;
#define knn_variance_scaling(...) KNN_DESCRIBE(knn_variance_scaling_initializer, initializer, "VarianceScaling", __VA_ARGS__)

/* ---- Regularizers: added to the loss once a batch: l1 * sum |w| + l2 * sum w^2. ---- */

typedef struct knn_regularizer {
    const char *class_name;
    size_t size;
    const void *custom;         /* NULL */
} knn_regularizer;

typedef struct knn_l1l2_regularizer { knn_regularizer regularizer; double l1, l2; } knn_l1l2_regularizer;
#define knn_l1(...)   KNN_DESCRIBE(knn_l1l2_regularizer, regularizer, "L1L2", .l1 = __VA_ARGS__)     /* knn_l1(0.01) */
#define knn_l2(...)   KNN_DESCRIBE(knn_l1l2_regularizer, regularizer, "L1L2", .l2 = __VA_ARGS__)     /* knn_l2(0.01) */
#define knn_l1l2(...) KNN_DESCRIBE(knn_l1l2_regularizer, regularizer, "L1L2", __VA_ARGS__)           /* l1, l2 */

/* factor times the mean of |cosine| over all pairs of rows (or columns) of a weight of rank 2. */
typedef enum knn_orthogonal_mode { KNN_ROWS = 0, KNN_COLUMNS = 1 } knn_orthogonal_mode;
typedef struct knn_orthogonality_regularizer {
    knn_regularizer regularizer;
    double factor;              /* 0: 0.01 */
    knn_orthogonal_mode mode;
} knn_orthogonality_regularizer;
#define knn_orthogonal_regularizer(...) KNN_DESCRIBE(knn_orthogonality_regularizer, regularizer, "OrthogonalRegularizer", __VA_ARGS__)

/* ---- Constraints: what a weight array is made after each step. Norms are over the axes in `axis`, e.g. KNN_AXIS(0) | KNN_AXIS(1) |
 * KNN_AXIS(2) for each filter of a convolution; 0: KNN_AXIS(0), for each unit of a dense layer. Negative axes count from the last. ---- */

typedef struct knn_constraint {
    const char *class_name;
    size_t size;
    const void *custom;         /* NULL */
} knn_constraint;

typedef struct knn_max_norm_constraint {
    knn_constraint constraint;
    double max_value;           /* 0: 2 */
    int axis;
} knn_max_norm_constraint;
#define knn_max_norm(...) KNN_DESCRIBE(knn_max_norm_constraint, constraint, "MaxNorm", __VA_ARGS__)

/* Goes the part `rate` of the way to a norm between min_value and max_value. */
typedef struct knn_min_max_norm_constraint {
    knn_constraint constraint;
    double min_value;
    double max_value, rate;     /* 0: 1 */
    int axis;
} knn_min_max_norm_constraint;
#define knn_min_max_norm(...) KNN_DESCRIBE(knn_min_max_norm_constraint, constraint, "MinMaxNorm", __VA_ARGS__)

typedef struct knn_unit_norm_constraint { knn_constraint constraint; int axis; } knn_unit_norm_constraint;
#define knn_unit_norm(...) KNN_DESCRIBE(knn_unit_norm_constraint, constraint, "UnitNorm", __VA_ARGS__)

typedef struct knn_plain_constraint { knn_constraint constraint; } knn_plain_constraint;
#define knn_non_neg(...) KNN_DESCRIBE(knn_plain_constraint, constraint, "NonNeg", __VA_ARGS__)    /* max(w, 0) */

/* ---- Layers ---- */

/* The first layer of every model: the shape of a sample. knn_input(150, 150, 3) pictures, knn_input(128, 64) sequences, knn_input(784) vectors. */
typedef struct knn_input_layer {
    knn_layer layer;
    int height, width, channels;            /* height required; trailing zeros lower the rank */
    const char *name;
} knn_input_layer;
#define knn_input(...) KNN_DESCRIBE(knn_input_layer, layer, "InputLayer", __VA_ARGS__)

/* (h, w, c) -> (h', w', filters): y = activation(x * kernel + bias), a cross-correlation.
 * Weights: kernel (kernel_height, kernel_width, c / groups, filters), bias (filters). */
typedef struct knn_conv2d_layer {
    knn_layer layer;
    int filters;                            /* required, >= 1 */
    int kernel_height, kernel_width;        /* required; width 0: as the height */
    int stride_height, stride_width;        /* 0: 1; width 0: as the height */
    int dilation_height, dilation_width;    /* likewise; not together with strides */
    int groups;                             /* 0: 1; filters of group g see channels of group g; divides both counts */
    knn_padding padding;
    knn_activation activation;
    bool no_bias, frozen;                   /* use_bias=False, trainable=False */
    const knn_initializer *kernel_initializer;      /* NULL: knn_glorot_uniform() */
    const knn_initializer *bias_initializer;        /* NULL: zeros */
    const knn_regularizer *kernel_regularizer, *bias_regularizer;
    const char *name;
    const knn_constraint *kernel_constraint, *bias_constraint;          /* NULL: none */
} knn_conv2d_layer;
#define knn_conv2d(...) KNN_DESCRIBE(knn_conv2d_layer, layer, "Conv2D", __VA_ARGS__)

/* (n, c) -> (n', filters): the same along one axis. Weights: kernel (kernel_size, c / groups, filters), bias (filters). */
typedef struct knn_conv1d_layer {
    knn_layer layer;
    int filters, kernel_size;               /* required, >= 1 */
    int strides, dilation_rate;             /* 0: 1; not both above 1 */
    int groups;                             /* 0: 1 */
    knn_padding padding;                    /* KNN_CAUSAL, too */
    knn_activation activation;
    bool no_bias, frozen;
    const knn_initializer *kernel_initializer, *bias_initializer;       /* NULL: knn_glorot_uniform(), zeros */
    const knn_regularizer *kernel_regularizer, *bias_regularizer;
    const char *name;
    const knn_constraint *kernel_constraint, *bias_constraint;          /* NULL: none */
} knn_conv1d_layer;
#define knn_conv1d(...) KNN_DESCRIBE(knn_conv1d_layer, layer, "Conv1D", __VA_ARGS__)

/* (h, w, c) -> (h', w', c * depth_multiplier): each channel is convolved with depth_multiplier filters of its own; those of channel i are the
 * outputs i * depth_multiplier and on. Weights: depthwise_kernel (kernel_height, kernel_width, c, depth_multiplier), bias. */
typedef struct knn_depthwise_conv2d_layer {
    knn_layer layer;
    int kernel_height, kernel_width;        /* required; width 0: as the height */
    int stride_height, stride_width;        /* 0: 1; width 0: as the height */
    int dilation_height, dilation_width;    /* likewise */
    int depth_multiplier;                   /* 0: 1 */
    knn_padding padding;
    knn_activation activation;
    bool no_bias, frozen;
    const knn_initializer *depthwise_initializer, *bias_initializer;    /* NULL: knn_glorot_uniform(), zeros */
    const knn_regularizer *depthwise_regularizer, *bias_regularizer;
    const char *name;
    const knn_constraint *depthwise_constraint, *bias_constraint;       /* NULL: none */
} knn_depthwise_conv2d_layer;
#define knn_depthwise_conv2d(...) KNN_DESCRIBE(knn_depthwise_conv2d_layer, layer, "DepthwiseConv2D", __VA_ARGS__)

/* (h, w, c) -> (h', w', filters): a depthwise convolution, which has the strides, dilation and padding, then one of 1x1, bias, activation.
 * Weights: depthwise_kernel (kernel_height, kernel_width, c, depth_multiplier), pointwise_kernel (1, 1, c * depth_multiplier, filters), bias. */
typedef struct knn_separable_conv2d_layer {
    knn_layer layer;
    int filters;                            /* required, >= 1 */
    int kernel_height, kernel_width;        /* required; width 0: as the height */
    int stride_height, stride_width;        /* 0: 1; width 0: as the height */
    int dilation_height, dilation_width;    /* likewise */
    int depth_multiplier;                   /* 0: 1 */
    knn_padding padding;
    knn_activation activation;
    bool no_bias, frozen;
    const knn_initializer *depthwise_initializer, *pointwise_initializer, *bias_initializer;    /* NULL: knn_glorot_uniform() twice, zeros */
    const knn_regularizer *depthwise_regularizer, *pointwise_regularizer, *bias_regularizer;
    const char *name;
    const knn_constraint *depthwise_constraint, *pointwise_constraint, *bias_constraint;        /* NULL: none */
} knn_separable_conv2d_layer;
#define knn_separable_conv2d(...) KNN_DESCRIBE(knn_separable_conv2d_layer, layer, "SeparableConv2D", __VA_ARGS__)

/* (h, w, c) -> (h', w', filters): the gradient of a convolution. With K = (kernel - 1) * dilation + 1, h' is for KNN_VALID
 * h * stride + max(K - stride, 0), or with output padding p (h - 1) * stride + K + p; for KNN_SAME h * stride, or (h - 1) * stride + K % 2 + p.
 * Weights: kernel (kernel_height, kernel_width, filters, c), bias (filters). */
typedef struct knn_conv2d_transpose_layer {
    knn_layer layer;
    int filters;                            /* required, >= 1 */
    int kernel_height, kernel_width;        /* required; width 0: as the height */
    int stride_height, stride_width;        /* 0: 1; width 0: as the height */
    int output_padding_height, output_padding_width;        /* 0: none; KNN_NONE: 0, which is not the same; width 0: as the height. < strides */
    int dilation_height, dilation_width;    /* 0: 1; width 0: as the height; not together with strides */
    knn_padding padding;
    knn_activation activation;
    bool no_bias, frozen;
    const knn_initializer *kernel_initializer, *bias_initializer;       /* NULL: knn_glorot_uniform(), zeros */
    const knn_regularizer *kernel_regularizer, *bias_regularizer;
    const char *name;
    const knn_constraint *kernel_constraint, *bias_constraint;          /* NULL: none */
} knn_conv2d_transpose_layer;
#define knn_conv2d_transpose(...) KNN_DESCRIBE(knn_conv2d_transpose_layer, layer, "Conv2DTranspose", __VA_ARGS__)

/* (h, w, c) -> (h', w', c): maximum or mean of each window; the mean of a window at the border leaves padding out. */
typedef struct knn_pooling2d_layer {
    knn_layer layer;
    int pool_height, pool_width;            /* 0: 2; width 0: as the height */
    int stride_height, stride_width;        /* 0: the pool; width 0: as the height */
    knn_padding padding;
    const char *name;
} knn_pooling2d_layer;
#define knn_max_pooling2d(...)     KNN_DESCRIBE(knn_pooling2d_layer, layer, "MaxPooling2D", __VA_ARGS__)
#define knn_average_pooling2d(...) KNN_DESCRIBE(knn_pooling2d_layer, layer, "AveragePooling2D", __VA_ARGS__)

/* (n, c) -> (n', c): the same along one axis. */
typedef struct knn_pooling1d_layer {
    knn_layer layer;
    int pool_size;                          /* 0: 2 */
    int strides;                            /* 0: the pool */
    knn_padding padding;
    const char *name;
} knn_pooling1d_layer;
#define knn_max_pooling1d(...)     KNN_DESCRIBE(knn_pooling1d_layer, layer, "MaxPooling1D", __VA_ARGS__)
#define knn_average_pooling1d(...) KNN_DESCRIBE(knn_pooling1d_layer, layer, "AveragePooling1D", __VA_ARGS__)

/* (h, w, c) -> (c), or (1, 1, c) with keepdims. */
typedef struct knn_global_pooling2d_layer {
    knn_layer layer;
    bool keepdims;
    const char *name;
} knn_global_pooling2d_layer;
#define knn_global_average_pooling2d(...) \
    KNN_DESCRIBE(knn_global_pooling2d_layer, layer, "GlobalAveragePooling2D", __VA_ARGS__)
#define knn_global_max_pooling2d(...) KNN_DESCRIBE(knn_global_pooling2d_layer, layer, "GlobalMaxPooling2D", __VA_ARGS__)

/* (n, c) -> (c), or (1, c) with keepdims. */
typedef struct knn_global_pooling1d_layer {
    knn_layer layer;
    bool keepdims;
    const char *name;
} knn_global_pooling1d_layer;
#define knn_global_average_pooling1d(...) \
    KNN_DESCRIBE(knn_global_pooling1d_layer, layer, "GlobalAveragePooling1D", __VA_ARGS__)
#define knn_global_max_pooling1d(...) KNN_DESCRIBE(knn_global_pooling1d_layer, layer, "GlobalMaxPooling1D", __VA_ARGS__)

/* (.., c) -> (.., units): y = activation(x W + b) on the last axis. Weights: kernel (c, units), bias (units). */
typedef struct knn_dense_layer {
    knn_layer layer;
    int units;                              /* required, >= 1 */
    knn_activation activation;
    bool no_bias, frozen;
    const knn_initializer *kernel_initializer, *bias_initializer;       /* NULL: knn_glorot_uniform(), zeros */
    const knn_regularizer *kernel_regularizer, *bias_regularizer;
    const char *name;
    const knn_constraint *kernel_constraint, *bias_constraint;          /* NULL: none */
} knn_dense_layer;
#define knn_dense(...) KNN_DESCRIBE(knn_dense_layer, layer, "Dense", __VA_ARGS__)

/* In training: each element is kept with probability 1 - rate and divided by it, else 0. Otherwise the identity. */
typedef struct knn_dropout_layer {
    knn_layer layer;
    double rate;                            /* 0 to 1 */
    const char *name;
} knn_dropout_layer;
#define knn_dropout(...) KNN_DESCRIBE(knn_dropout_layer, layer, "Dropout", __VA_ARGS__)

/* The same with whole channels: of pictures (h, w, c), of sequences (n, c). */
#define knn_spatial_dropout2d(...) KNN_DESCRIBE(knn_dropout_layer, layer, "SpatialDropout2D", __VA_ARGS__)
#define knn_spatial_dropout1d(...) KNN_DESCRIBE(knn_dropout_layer, layer, "SpatialDropout1D", __VA_ARGS__)

/* In training: y = x + n, n normal with mean 0. Otherwise the identity. */
typedef struct knn_gaussian_noise_layer {
    knn_layer layer;
    double stddev;                          /* >= 0; Keras 3 takes up to 1 */
    const char *name;
} knn_gaussian_noise_layer;
#define knn_gaussian_noise(...) KNN_DESCRIBE(knn_gaussian_noise_layer, layer, "GaussianNoise", __VA_ARGS__)

/* In training: y = x n, n normal with mean 1 and variance rate / (1 - rate). Otherwise the identity. */
#define knn_gaussian_dropout(...) KNN_DESCRIBE(knn_dropout_layer, layer, "GaussianDropout", __VA_ARGS__)

/* (n) -> (n, output_dim), (n, m) -> (n, m, output_dim): row x of a table for each class number x, 0 .. input_dim - 1; zeros for other
 * numbers. Mostly the first layer: numbers have no gradient. Weight: embeddings (input_dim, output_dim). */
typedef struct knn_embedding_layer {
    knn_layer layer;
    int input_dim, output_dim;              /* required, >= 1 */
    bool frozen;
    const knn_initializer *embeddings_initializer;          /* NULL: knn_random_uniform() */
    const knn_regularizer *embeddings_regularizer;
    const char *name;
    const knn_constraint *embeddings_constraint;            /* NULL: none */
} knn_embedding_layer;
#define knn_embedding(...) KNN_DESCRIBE(knn_embedding_layer, layer, "Embedding", __VA_ARGS__)

/* (h, w, c) -> (h * w * c), in C order. */
typedef struct knn_flatten_layer {
    knn_layer layer;
    const char *name;
} knn_flatten_layer;
#define knn_flatten(...) KNN_DESCRIBE(knn_flatten_layer, layer, "Flatten", __VA_ARGS__)

/* The same numbers, in C order, in another shape: knn_reshape(4, -1), target_shape=(4, -1). */
typedef struct knn_reshape_layer {
    knn_layer layer;
    int first, second, third;               /* first required; trailing zeros lower the rank; one may be -1: what is left */
    const char *name;
} knn_reshape_layer;
#define knn_reshape(...) KNN_DESCRIBE(knn_reshape_layer, layer, "Reshape", __VA_ARGS__)

/* Axes in another order: output axis i is the input's axis number i of dims, counted from 1. knn_permute(3, 1, 2): (h, w, c) -> (c, h, w). */
typedef struct knn_permute_layer {
    knn_layer layer;
    int first, second, third;               /* dims: as many as the input has axes */
    const char *name;
} knn_permute_layer;
#define knn_permute(...) KNN_DESCRIBE(knn_permute_layer, layer, "Permute", __VA_ARGS__)

/* y = activation(x), elementwise, or over the last axis. */
typedef struct knn_activation_layer {
    knn_layer layer;
    knn_activation activation;
    const char *name;
} knn_activation_layer;
#define knn_activation(...) KNN_DESCRIBE(knn_activation_layer, layer, "Activation", __VA_ARGS__)

/* y = min(x, max_value) above the threshold, negative_slope (x - threshold) below it. knn_relu() is knn_activation(KNN_RELU). */
typedef struct knn_relu_layer {
    knn_layer layer;
    double max_value;                       /* 0: none; KNN_ZERO for 0 */
    double negative_slope, threshold;       /* >= 0 */
    const char *name;
} knn_relu_layer;
#define knn_relu(...) KNN_DESCRIBE(knn_relu_layer, layer, "ReLU", __VA_ARGS__)

/* y = x above 0, else negative_slope x. */
typedef struct knn_leaky_relu_layer {
    knn_layer layer;
    double negative_slope;                  /* 0: 0.3; Keras 2 calls it alpha */
    const char *name;
} knn_leaky_relu_layer;
#define knn_leaky_relu(...) KNN_DESCRIBE(knn_leaky_relu_layer, layer, "LeakyReLU", __VA_ARGS__)

/* y = x above 0, else alpha x, with a trained alpha. Weight: alpha, of the input's shape with 1 on the shared axes. */
typedef struct knn_prelu_layer {
    knn_layer layer;
    int shared_axes;                        /* 0: none; KNN_AXIS(1) | KNN_AXIS(2) leaves an alpha a channel */
    bool frozen;
    const knn_initializer *alpha_initializer;       /* NULL: zeros */
    const knn_regularizer *alpha_regularizer;
    const char *name;
    const knn_constraint *alpha_constraint; /* NULL: none */
} knn_prelu_layer;
#define knn_prelu(...) KNN_DESCRIBE(knn_prelu_layer, layer, "PReLU", __VA_ARGS__)

/* y = x above 0, else alpha (e^x - 1). */
typedef struct knn_elu_layer {
    knn_layer layer;
    double alpha;                           /* 0: 1 */
    const char *name;
} knn_elu_layer;
#define knn_elu(...) KNN_DESCRIBE(knn_elu_layer, layer, "ELU", __VA_ARGS__)

/* y = e^x / sum of e^x over one axis or several neighbouring ones. */
typedef struct knn_softmax_layer {
    knn_layer layer;
    int axis;                               /* 0: KNN_AXIS(-1); axes of the input count from 1 (height) */
    const char *name;
} knn_softmax_layer;
#define knn_softmax(...) KNN_DESCRIBE(knn_softmax_layer, layer, "Softmax", __VA_ARGS__)

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta, per channel (the last axis). Training takes the batch's mean and biased
 * variance and moves moving_mean and moving_variance by them; otherwise (and frozen) the moving ones are taken.
 * Weights: gamma, beta (trainable), moving_mean, moving_variance. */
typedef struct knn_batch_normalization_layer {
    knn_layer layer;
    double momentum;                        /* 0: 0.99 */
    double epsilon;                         /* 0: 0.001 */
    bool no_center, no_scale, frozen;       /* without beta, without gamma */
    const knn_initializer *beta_initializer, *gamma_initializer;        /* NULL: zeros, ones */
    const knn_initializer *moving_mean_initializer, *moving_variance_initializer;
    const knn_regularizer *beta_regularizer, *gamma_regularizer;
    const char *name;
    const knn_constraint *beta_constraint, *gamma_constraint;           /* NULL: none */
} knn_batch_normalization_layer;
#define knn_batch_normalization(...) \
    KNN_DESCRIBE(knn_batch_normalization_layer, layer, "BatchNormalization", __VA_ARGS__)

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and biased variance being those of a sample over the last axis or axes.
 * Weights: gamma, beta, both of the sizes of these axes. */
typedef struct knn_layer_normalization_layer {
    knn_layer layer;
    int axis;                               /* 0: KNN_AXIS(-1); the last ones, e.g. KNN_AXIS(2) | KNN_AXIS(3) of a picture */
    double epsilon;                         /* 0: 0.001 */
    bool no_center, no_scale, frozen;       /* without beta, without gamma */
    const knn_initializer *beta_initializer, *gamma_initializer;        /* NULL: zeros, ones */
    const knn_regularizer *beta_regularizer, *gamma_regularizer;
    const char *name;
    const knn_constraint *beta_constraint, *gamma_constraint;           /* NULL: none */
} knn_layer_normalization_layer;
#define knn_layer_normalization(...) \
    KNN_DESCRIBE(knn_layer_normalization_layer, layer, "LayerNormalization", __VA_ARGS__)

/* The same, mean and variance being those of a sample over all positions of a group of neighbouring channels. Weights: gamma (c), beta (c). */
typedef struct knn_group_normalization_layer {
    knn_layer layer;
    int groups;                             /* 0: 32; a divisor of the channels; -1: as many as channels (instance normalization) */
    double epsilon;                         /* 0: 0.001 */
    bool no_center, no_scale, frozen;
    const knn_initializer *beta_initializer, *gamma_initializer;        /* NULL: zeros, ones */
    const knn_regularizer *beta_regularizer, *gamma_regularizer;
    const char *name;
    const knn_constraint *beta_constraint, *gamma_constraint;           /* NULL: none */
} knn_group_normalization_layer;
#define knn_group_normalization(...) \
    KNN_DESCRIBE(knn_group_normalization_layer, layer, "GroupNormalization", __VA_ARGS__)

/* y = (x - mean) / max(sqrt(variance), 1e-7) per channel (the last axis), in training, too; invert: y = x max(..) + mean. Mean and variance
 * are given, or weights that knn_adapt fills: mean (c), variance (c), count (how many numbers of a channel they come from); never trained. */
typedef struct knn_normalization_layer {
    knn_layer layer;
    const double *mean, *variance;          /* [count]; NULL: knn_adapt's */
    int count;                              /* a number a channel, or 1 for all of them */
    bool invert;
    const char *name;
} knn_normalization_layer;
#define knn_normalization(...) KNN_DESCRIBE(knn_normalization_layer, layer, "Normalization", __VA_ARGS__)

/* (h, w, c) -> (top + h + bottom, left + w + right, c). All zero: 1 on each side; if any is set, the others are real zeros. */
typedef struct knn_zero_padding2d_layer {
    knn_layer layer;
    int top, bottom, left, right;
    const char *name;
} knn_zero_padding2d_layer;
#define knn_zero_padding2d(...) KNN_DESCRIBE(knn_zero_padding2d_layer, layer, "ZeroPadding2D", __VA_ARGS__)

/* (n, c) -> (left + n + right, c). */
typedef struct knn_zero_padding1d_layer {
    knn_layer layer;
    int left, right;                        /* left 0: 1; right 0: as the left; KNN_NONE: 0 */
    const char *name;
} knn_zero_padding1d_layer;
#define knn_zero_padding1d(...) KNN_DESCRIBE(knn_zero_padding1d_layer, layer, "ZeroPadding1D", __VA_ARGS__)

/* (h, w, c) -> (h - top - bottom, w - left - right, c). */
typedef struct knn_cropping2d_layer {
    knn_layer layer;
    int top, bottom, left, right;
    const char *name;
} knn_cropping2d_layer;
#define knn_cropping2d(...) KNN_DESCRIBE(knn_cropping2d_layer, layer, "Cropping2D", __VA_ARGS__)

/* (n, c) -> (n - left - right, c). */
typedef struct knn_cropping1d_layer {
    knn_layer layer;
    int left, right;                        /* left 0: 1; right 0: as the left; KNN_NONE: 0 */
    const char *name;
} knn_cropping1d_layer;
#define knn_cropping1d(...) KNN_DESCRIBE(knn_cropping1d_layer, layer, "Cropping1D", __VA_ARGS__)

/* (h, w, c) -> (h * size_height, w * size_width, c): each row and column several times, or linearly between the centres of their cells. */
typedef struct knn_up_sampling2d_layer {
    knn_layer layer;
    int size_height, size_width;            /* 0: 2; width 0: as the height */
    knn_interpolation interpolation;        /* KNN_RESIZE_NEAREST or KNN_RESIZE_BILINEAR */
    const char *name;
} knn_up_sampling2d_layer;
#define knn_up_sampling2d(...) KNN_DESCRIBE(knn_up_sampling2d_layer, layer, "UpSampling2D", __VA_ARGS__)

/* (n, c) -> (n * size, c): each row several times. */
typedef struct knn_up_sampling1d_layer {
    knn_layer layer;
    int size;                               /* 0: 2 */
    const char *name;
} knn_up_sampling1d_layer;
#define knn_up_sampling1d(...) KNN_DESCRIBE(knn_up_sampling1d_layer, layer, "UpSampling1D", __VA_ARGS__)

/* (c) -> (n, c): a vector n times. */
typedef struct knn_repeat_vector_layer {
    knn_layer layer;
    int n;                                  /* required, >= 1 */
    const char *name;
} knn_repeat_vector_layer;
#define knn_repeat_vector(...) KNN_DESCRIBE(knn_repeat_vector_layer, layer, "RepeatVector", __VA_ARGS__)

/* y = scale x + offset, in training and inference. */
typedef struct knn_rescaling_layer {
    knn_layer layer;
    double scale;                           /* required; KNN_ZERO for 0 */
    double offset;
    const char *name;
} knn_rescaling_layer;
#define knn_rescaling(...) KNN_DESCRIBE(knn_rescaling_layer, layer, "Rescaling", __VA_ARGS__)

/* ---- Preprocessing of pictures: (h, w, c). The random layers draw anew for each picture and step of a training, and are the identity
 * outside. Where a factor has an `_upper`, the factor alone is Keras' number f (from -|f| to |f|), with its upper one Keras' pair: from the
 * factor to the upper one, of which the latter takes KNN_ZERO for 0. ---- */

typedef enum knn_sampling { KNN_SAMPLING_BILINEAR = 0, KNN_SAMPLING_NEAREST = 1 } knn_sampling;

/* What lies outside a picture abcd: reflect dcba|abcd|dcba, wrap abcd|abcd|abcd, constant kkkk|abcd|kkkk, nearest aaaa|abcd|dddd. */
typedef enum knn_outside {
    KNN_OUTSIDE_REFLECT = 0, KNN_OUTSIDE_WRAP = 1, KNN_OUTSIDE_CONSTANT = 2, KNN_OUTSIDE_NEAREST = 3
} knn_outside;

/* -> (height, width, c): the middle of the picture. A smaller picture: its largest window of that aspect ratio, resized bilinearly. */
typedef struct knn_center_crop_layer {
    knn_layer layer;
    int height, width;                      /* required */
    const char *name;
} knn_center_crop_layer;
#define knn_center_crop(...) KNN_DESCRIBE(knn_center_crop_layer, layer, "CenterCrop", __VA_ARGS__)

/* -> (height, width, c), in training and inference; pixels are areas, without antialiasing (TensorFlow 2's resize). The aspect ratio of
 * the output is kept by cutting the picture to the largest window of it, or by putting fill_value around; else it is stretched. */
typedef struct knn_resizing_layer {
    knn_layer layer;
    int height, width;                      /* required */
    knn_sampling interpolation;
    bool crop_to_aspect_ratio, pad_to_aspect_ratio;         /* not both */
    double fill_value;
    const char *name;
} knn_resizing_layer;
#define knn_resizing(...) KNN_DESCRIBE(knn_resizing_layer, layer, "Resizing", __VA_ARGS__)

typedef enum knn_flip { KNN_FLIP_HORIZONTAL_AND_VERTICAL = 0, KNN_FLIP_HORIZONTAL = 1, KNN_FLIP_VERTICAL = 2 } knn_flip;

/* Every second picture is mirrored: left and right, top and bottom, or, as in Keras 3, both ways at once. */
typedef struct knn_random_flip_layer {
    knn_layer layer;
    knn_flip mode;
    const char *name;
} knn_random_flip_layer;
#define knn_random_flip(...) KNN_DESCRIBE(knn_random_flip_layer, layer, "RandomFlip", __VA_ARGS__)

/* Shifted down by height_factor of the height and right by width_factor of the width. */
typedef struct knn_random_translation_layer {
    knn_layer layer;
    double height_factor, width_factor;     /* -1 to 1 */
    double height_upper, width_upper;
    knn_outside fill_mode;
    knn_sampling interpolation;
    double fill_value;                      /* of KNN_OUTSIDE_CONSTANT */
    const char *name;
} knn_random_translation_layer;
#define knn_random_translation(...) KNN_DESCRIBE(knn_random_translation_layer, layer, "RandomTranslation", __VA_ARGS__)

/* Turned about its middle, counter-clockwise by factor of a full turn. */
typedef struct knn_random_rotation_layer {
    knn_layer layer;
    double factor, factor_upper;            /* -1 to 1 */
    knn_outside fill_mode;
    knn_sampling interpolation;
    double fill_value;
    const char *name;
} knn_random_rotation_layer;
#define knn_random_rotation(...) KNN_DESCRIBE(knn_random_rotation_layer, layer, "RandomRotation", __VA_ARGS__)

/* What is seen is 1 + height_factor times as high and 1 + width_factor times as wide: positive factors zoom out. */
typedef struct knn_random_zoom_layer {
    knn_layer layer;
    double height_factor, width_factor;     /* above -1, to 1; width 0: as the height, which keeps the aspect ratio; KNN_ZERO: none */
    double height_upper, width_upper;
    knn_outside fill_mode;
    knn_sampling interpolation;
    double fill_value;
    const char *name;
} knn_random_zoom_layer;
#define knn_random_zoom(...) KNN_DESCRIBE(knn_random_zoom_layer, layer, "RandomZoom", __VA_ARGS__)

/* y = (x - mean) r + mean, cut to the range; mean: of each channel; r from 1 - factor to 1 + factor_upper. A factor alone is the upper one,
 * as in Keras 3: contrast then only grows. */
typedef struct knn_random_contrast_layer {
    knn_layer layer;
    double factor, factor_upper;            /* 0 to 1 */
    double value_low, value_high;           /* both 0: 0 to 255 */
    const char *name;
} knn_random_contrast_layer;
#define knn_random_contrast(...) KNN_DESCRIBE(knn_random_contrast_layer, layer, "RandomContrast", __VA_ARGS__)

/* y = x + r (value_high - value_low), cut to the range; r from factor to factor_upper. */
typedef struct knn_random_brightness_layer {
    knn_layer layer;
    double factor, factor_upper;            /* -1 to 1 */
    double value_low, value_high;           /* both 0: 0 to 255 */
    const char *name;
} knn_random_brightness_layer;
#define knn_random_brightness(...) KNN_DESCRIBE(knn_random_brightness_layer, layer, "RandomBrightness", __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
