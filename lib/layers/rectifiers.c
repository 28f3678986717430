/* ReLU, LeakyReLU and ELU: what an activation of the same name computes becomes one, so that kernels that fuse activations take it. */
#include "layers/kinds.h"

#include <float.h>
#include <math.h>

#define NOT_NEGATIVE .least = 0, .most = FLT_MAX

static int rectifier_node(knn_node *node, double slope, double max_value, double threshold, const knn_shape *shape)
{
    knn__node_init(node, KNN_OP_RECTIFIER, shape, shape);
    node->alpha = slope;
    node->max_value = max_value;
    node->threshold = threshold;
    return 1;
}

/* ---- ReLU ---- */

static const knn_field relu_fields[] = {
    FIELD(knn_relu_layer, "max_value", REAL, max_value, .normal = INFINITY, .least = 0, .most = INFINITY),
    FIELD(knn_relu_layer, "negative_slope", REAL, negative_slope, NOT_NEGATIVE),
    FIELD(knn_relu_layer, "threshold", REAL, threshold, NOT_NEGATIVE),
    FIELDS_END};

static int relu_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const knn_relu_layer *relu = (const knn_relu_layer *)(const void *)layer;
    bool plain = relu->negative_slope == 0 && relu->threshold == 0;

    if (plain && relu->max_value == INFINITY)
        return knn__node_activation(made, 0, KNN_RELU, out);
    if (plain && relu->max_value == 6)
        return knn__node_activation(made, 0, KNN_RELU6, out);
    return rectifier_node(&made[0], relu->negative_slope, relu->max_value, relu->threshold, in);
}

const knn__layer_kind knn__relu_kind = {
    .kind = {.class_name = "ReLU", .size = sizeof(knn_relu_layer), .fields = relu_fields, .name_offset = offsetof(knn_relu_layer, name)},
    .shape = knn__shape_same, .nodes = relu_nodes};

/* ---- LeakyReLU. Files have Keras 2's name of the slope, which Keras 3 reads, too. ---- */

static const knn_field leaky_relu_fields[] = {
    FIELD(knn_leaky_relu_layer, "alpha", REAL, negative_slope, .normal = 0.3, NOT_NEGATIVE), FIELDS_END};

static int leaky_relu_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    double slope = ((const knn_leaky_relu_layer *)(const void *)layer)->negative_slope;

    if (slope == 0.2)
        return knn__node_activation(made, 0, KNN_LEAKY_RELU, out);
    return rectifier_node(&made[0], slope, INFINITY, 0, in);
}

const knn__layer_kind knn__leaky_relu_kind = {
    .kind = {.class_name = "LeakyReLU", .size = sizeof(knn_leaky_relu_layer), .fields = leaky_relu_fields,
        .name_offset = offsetof(knn_leaky_relu_layer, name)},
    .shape = knn__shape_same, .nodes = leaky_relu_nodes};

/* ---- ELU ---- */

static const knn_field elu_fields[] = {FIELD(knn_elu_layer, "alpha", REAL, alpha, .normal = 1), FIELDS_END};

static int elu_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    double alpha = ((const knn_elu_layer *)(const void *)layer)->alpha;

    if (alpha == 1)
        return knn__node_activation(made, 0, KNN_ELU, out);
    knn__node_init(&made[0], KNN_OP_SCALED_ELU, in, out);
    made[0].alpha = alpha;
    return 1;
}

const knn__layer_kind knn__elu_kind = {
    .kind = {.class_name = "ELU", .size = sizeof(knn_elu_layer), .fields = elu_fields, .name_offset = offsetof(knn_elu_layer, name)},
    .shape = knn__shape_same, .nodes = elu_nodes};
