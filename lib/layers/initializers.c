/* The kinds of initializers and regularizers that layers nest, and the names of enums in files. Draws nothing: see lib/learning. */
#include "layers/fields.h"

#include <float.h>

#define PLAIN(symbol, label) \
    static const knn__kind symbol = {.class_name = label, .size = sizeof(knn_plain_initializer)}
PLAIN(glorot_uniform, "GlorotUniform");
PLAIN(glorot_normal, "GlorotNormal");
PLAIN(he_uniform, "HeUniform");
PLAIN(he_normal, "HeNormal");
PLAIN(lecun_uniform, "LecunUniform");
PLAIN(lecun_normal, "LecunNormal");
PLAIN(zeros, "Zeros");
PLAIN(ones, "Ones");

static const knn_field constant_fields[] = {
    {.name = "value", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_constant_initializer, value)}, {0}};
static const knn__kind constant = {
    .class_name = "Constant", .size = sizeof(knn_constant_initializer), .fields = constant_fields};

/* The range is one argument: only if both ends are 0 it is Keras' default. */
static void settle_range(void *description)
{
    knn_random_uniform_initializer *range = description;
    if (range->minval == 0 && range->maxval == 0) {
        range->minval = -0.05;
        range->maxval = 0.05;
    }
}
static const knn_field random_uniform_fields[] = {
    {.name = "minval", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_random_uniform_initializer, minval)},
    {.name = "maxval", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_random_uniform_initializer, maxval)}, {0}};
static const knn__kind random_uniform = {.class_name = "RandomUniform", .size = sizeof(knn_random_uniform_initializer),
    .fields = random_uniform_fields, .settle = settle_range};

static const knn_field random_normal_fields[] = {
    {.name = "mean", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_random_normal_initializer, mean)},
    {.name = "stddev", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_random_normal_initializer, stddev), .normal = 0.05,
        .least = 0, .most = FLT_MAX}, {0}};
static const knn__kind random_normal = {
    .class_name = "RandomNormal", .size = sizeof(knn_random_normal_initializer), .fields = random_normal_fields};
static const knn__kind truncated_normal = {
    .class_name = "TruncatedNormal", .size = sizeof(knn_random_normal_initializer), .fields = random_normal_fields};

static const knn_field gain_fields[] = {
    {.name = "gain", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_gain_initializer, gain), .normal = 1}, {0}};
static const knn__kind identity = {.class_name = "Identity", .size = sizeof(knn_gain_initializer), .fields = gain_fields};
static const knn__kind orthogonal = {.class_name = "Orthogonal", .size = sizeof(knn_gain_initializer), .fields = gain_fields};

const char *const knn__fan_names[] = {"fan_in", "fan_out", "fan_avg", NULL};
const char *const knn__distribution_names[] = {"truncated_normal", "untruncated_normal", "uniform", NULL};
static const knn_field variance_scaling_fields[] = {
    {.name = "scale", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_variance_scaling_initializer, scale), .normal = 1,
        .least = FLT_MIN, .most = FLT_MAX},
    {.name = "mode", .kind = KNN_FIELD_ENUM, .offset = offsetof(knn_variance_scaling_initializer, mode), .nested = knn__fan_names},
    {.name = "distribution", .kind = KNN_FIELD_ENUM, .offset = offsetof(knn_variance_scaling_initializer, distribution),
        .nested = knn__distribution_names}, {0}};
static const knn__kind variance_scaling = {
    .class_name = "VarianceScaling", .size = sizeof(knn_variance_scaling_initializer), .fields = variance_scaling_fields};

const knn__kind *const knn__initializer_kinds[] = {&glorot_uniform, &glorot_normal, &he_uniform, &he_normal, &lecun_uniform,
    &lecun_normal, &zeros, &ones, &constant, &random_uniform, &random_normal, &truncated_normal, &variance_scaling, &identity,
    &orthogonal, NULL};

static const knn_field l1l2_fields[] = {
    {.name = "l1", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_l1l2_regularizer, l1), .least = 0, .most = FLT_MAX},
    {.name = "l2", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_l1l2_regularizer, l2), .least = 0, .most = FLT_MAX}, {0}};
static const knn__kind l1l2 = {.class_name = "L1L2", .size = sizeof(knn_l1l2_regularizer), .fields = l1l2_fields};

static const char *const orthogonal_modes[] = {"rows", "columns", NULL};
static const knn_field orthogonality_fields[] = {
    {.name = "factor", .kind = KNN_FIELD_REAL, .offset = offsetof(knn_orthogonality_regularizer, factor), .normal = 0.01, .least = 0,
        .most = FLT_MAX},
    {.name = "mode", .kind = KNN_FIELD_ENUM, .offset = offsetof(knn_orthogonality_regularizer, mode), .nested = orthogonal_modes}, {0}};
static const knn__kind orthogonality = {
    .class_name = "OrthogonalRegularizer", .size = sizeof(knn_orthogonality_regularizer), .fields = orthogonality_fields};

const knn__kind *const knn__regularizer_kinds[] = {&l1l2, &orthogonality, NULL};

const char *const knn__activation_names[] = {"linear", "relu", "sigmoid", "softmax", "tanh", "elu", "selu", "softplus", "swish",
    "gelu", "hard_sigmoid", "softsign", "exponential", "relu6", "leaky_relu", "mish", "celu", "log_sigmoid", "log_softmax", "hard_silu",
    "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "sparsemax", NULL};
const char *const knn__padding_names[] = {"valid", "same", NULL};
const char *const knn__causal_padding_names[] = {"valid", "same", "causal", NULL};
const char *const knn__interpolation_names[] = {"nearest", "bilinear", NULL};
