/* Dense: y = activation(x W + b) on the last axis. */
#include "layers/kinds.h"

typedef knn_dense_layer dense;

static const knn_field fields[] = {
    FIELD(dense, "units", INT, units, COUNT),
    FIELD_ACTIVATION(dense),
    FIELD(dense, "use_bias", NOT, no_bias, .normal = 1),
    FIELD_INITIALIZER(dense, kernel_initializer),
    FIELD_INITIALIZER(dense, bias_initializer),
    FIELD_REGULARIZER(dense, kernel_regularizer),
    FIELD_REGULARIZER(dense, bias_regularizer),
    FIELD_CONSTRAINT(dense, kernel_constraint),
    FIELD_CONSTRAINT(dense, bias_constraint),
    FIELD_TRAINABLE(dense),
    FIELDS_END};

static const dense *as_dense(const knn_layer *layer) { return (const dense *)(const void *)layer; }

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    *out = *in;
    out->size[in->rank - 1] = as_dense(layer)->units;
    return KNN_OK;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const dense *d = as_dense(layer);
    return knn__kernel_or_bias(KERNEL_AND_BIAS(d, d->units, 2, {in->size[in->rank - 1], d->units}), index, spec);
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_DENSE, in, out);
    return knn__node_activation(made, 1, as_dense(layer)->activation, out);
}

const knn__layer_kind knn__dense_kind = {
    .kind = {.class_name = "Dense", .size = sizeof(dense), .fields = fields,
        .name_offset = offsetof(dense, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
