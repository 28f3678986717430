/* GaussianNoise and GaussianDropout: in training, normal numbers are added to the elements, or multiplied with them. */
#include "core/status.h"
#include "layers/kinds.h"

#include <float.h>
#include <math.h>

/* ---- GaussianNoise ---- */

static const knn_field noise_fields[] = {FIELD(knn_gaussian_noise_layer, "stddev", REAL, stddev, .least = 0, .most = FLT_MAX), FIELDS_END};

static int noise_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_GAUSSIAN_NOISE, in, out);
    made[0].rate = ((const knn_gaussian_noise_layer *)(const void *)layer)->stddev;
    made[0].training_only = true;
    return made[0].rate > 0;
}

const knn__layer_kind knn__gaussian_noise_kind = {
    .kind = {.class_name = "GaussianNoise", .size = sizeof(knn_gaussian_noise_layer), .fields = noise_fields,
        .name_offset = offsetof(knn_gaussian_noise_layer, name)},
    .shape = knn__shape_same, .nodes = noise_nodes};

/* ---- GaussianDropout ---- */

static const knn_field dropout_fields[] = {FIELD(knn_dropout_layer, "rate", REAL, rate, .least = 0, .most = 1), FIELDS_END};

static double rate_of(const knn_layer *layer) { return ((const knn_dropout_layer *)(const void *)layer)->rate; }

static knn_status dropout_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    *out = *in;
    return rate_of(layer) < 1 ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "rate is 1: the variance rate / (1 - rate) is not finite");
}

/* Srivastava and others 2014, section 10: the variance that dropout of that rate has. */
static int dropout_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_GAUSSIAN_DROPOUT, in, out);
    made[0].rate = sqrt(rate_of(layer) / (1 - rate_of(layer)));
    made[0].training_only = true;
    return made[0].rate > 0;
}

const knn__layer_kind knn__gaussian_dropout_kind = {
    .kind = {.class_name = "GaussianDropout", .size = sizeof(knn_dropout_layer), .fields = dropout_fields,
        .name_offset = offsetof(knn_dropout_layer, name)},
    .shape = dropout_shape, .nodes = dropout_nodes};
