/* PReLU: a rectifier whose slope below 0, alpha, is trained: one for each number of the input, or shared along axes. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_prelu_layer prelu;

static const knn_field fields[] = {
    FIELD_INITIALIZER(prelu, alpha_initializer),
    FIELD_REGULARIZER(prelu, alpha_regularizer),
    FIELD_CONSTRAINT(prelu, alpha_constraint),
    FIELD(prelu, "shared_axes", AXES, shared_axes, .normal = 0),
    FIELD_TRAINABLE(prelu),
    FIELDS_END};

static const prelu *as_prelu(const knn_layer *layer) { return (const prelu *)(const void *)layer; }

/* The input's shape with 1 on the shared axes. */
static knn_status alpha_shape(const prelu *p, const knn_shape *in, knn_shape *alpha)
{
    int places[3], count;
    knn_status status = knn__resolve_axes(p->shared_axes, in, places, &count);

    *alpha = *in;
    for (int i = 0; i < count && status == KNN_OK; i++)
        alpha->size[places[i]] = 1;
    return status;
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn_shape alpha;
    knn_status status = alpha_shape(as_prelu(layer), in, &alpha);

    *out = *in;
    return status == KNN_OK ? KNN_OK : knn__context(status, "shared_axes");
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    const prelu *p = as_prelu(layer);
    knn_shape alpha;

    if (index > 0)
        return false;
    alpha_shape(p, in, &alpha);
    *spec = (knn__weight_spec){.name = "alpha", .rank = alpha.rank, .shape = {alpha.size[0], alpha.size[1], alpha.size[2]},
        .initializer = p->alpha_initializer != NULL ? p->alpha_initializer : knn__default_zeros, .regularizer = p->alpha_regularizer,
        .constraint = p->alpha_constraint, .trainable = !p->frozen, .place = KNN_ALPHA};
    return true;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn_shape alpha;

    alpha_shape(as_prelu(layer), in, &alpha);
    knn__node_init(&made[0], KNN_OP_PRELU, in, out);
    made[0].shared = knn__shape_extent(&alpha);
    return 1;
}

const knn__layer_kind knn__prelu_kind = {
    .kind = {.class_name = "PReLU", .size = sizeof(prelu), .fields = fields, .name_offset = offsetof(prelu, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
