/* BatchNormalization over the last axis. Weights in Keras' order; the node has a place for each, used or not. */
#include "layers/kinds.h"

#include <float.h>

typedef knn_batch_normalization_layer batch_normalization;

static const knn_field fields[] = {
    FIELD(batch_normalization, "momentum", REAL, momentum, .normal = 0.99, .least = 0, .most = 1),
    FIELD(batch_normalization, "epsilon", REAL, epsilon, .normal = 1e-3, .least = 0, .most = FLT_MAX),
    FIELD(batch_normalization, "center", NOT, no_center, .normal = 1),
    FIELD(batch_normalization, "scale", NOT, no_scale, .normal = 1),
    FIELD_INITIALIZER(batch_normalization, beta_initializer),
    FIELD_INITIALIZER(batch_normalization, gamma_initializer),
    FIELD_INITIALIZER(batch_normalization, moving_mean_initializer),
    FIELD_INITIALIZER(batch_normalization, moving_variance_initializer),
    FIELD_REGULARIZER(batch_normalization, beta_regularizer),
    FIELD_REGULARIZER(batch_normalization, gamma_regularizer),
    FIELD_CONSTRAINT(batch_normalization, beta_constraint),
    FIELD_CONSTRAINT(batch_normalization, gamma_constraint),
    FIELD_TRAINABLE(batch_normalization),
    FIELDS_END};

static const batch_normalization *as_normalization(const knn_layer *layer) { return (const batch_normalization *)(const void *)layer; }

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const batch_normalization *n = as_normalization(layer);
    int channels = in->size[in->rank - 1];

    if (n->no_scale)
        index++;
    if (n->no_center && index >= 1)
        index++;
    switch (index) {
    case KNN_GAMMA:
        *spec = knn__weight_vector("gamma", channels, n->gamma_initializer, knn__default_ones, n->gamma_regularizer, !n->frozen);
        spec->constraint = n->gamma_constraint;
        break;
    case KNN_BETA:
        *spec = knn__weight_vector("beta", channels, n->beta_initializer, knn__default_zeros, n->beta_regularizer, !n->frozen);
        spec->constraint = n->beta_constraint;
        break;
    case KNN_MOVING_MEAN:
        *spec = knn__weight_vector("moving_mean", channels, n->moving_mean_initializer, knn__default_zeros, NULL, false);
        break;
    case KNN_MOVING_VARIANCE:
        *spec = knn__weight_vector("moving_variance", channels, n->moving_variance_initializer, knn__default_ones, NULL, false);
        break;
    default:
        return false;
    }
    spec->place = index;
    return true;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const batch_normalization *n = as_normalization(layer);

    knn__node_init(&made[0], KNN_OP_BATCH_NORMALIZATION, in, out);
    made[0].momentum = n->momentum;
    made[0].epsilon = n->epsilon;
    made[0].frozen = n->frozen;
    return 1;
}

const knn__layer_kind knn__batch_normalization_kind = {
    .kind = {.class_name = "BatchNormalization", .size = sizeof(batch_normalization), .fields = fields,
        .name_offset = offsetof(batch_normalization, name)},
    .shape = knn__shape_same, .weights = weights, .nodes = nodes};
