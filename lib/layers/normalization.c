/* Normalization: by the mean and variance of data seen before, over the last axis. These are options, or weights that knn_adapt fills. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_normalization_layer normalization;

static const knn_field_length length = {offsetof(normalization, count), 0};
static const knn_field fields[] = {
    FIELD(normalization, "mean", REALS, mean, .nested = &length),
    FIELD(normalization, "variance", REALS, variance, .nested = &length),
    FIELD(normalization, "invert", BOOL, invert, .normal = 0),
    FIELDS_END};

static const normalization *as_normalization(const knn_layer *layer) { return (const normalization *)(const void *)layer; }

static int channels_of(const knn_shape *in) { return in->size[in->rank - 1]; }

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const normalization *n = as_normalization(layer);

    *out = *in;
    if (n->count != 0 && n->count != 1 && n->count != channels_of(in))
        return knn__fail(KNN_ERROR_SHAPE, "mean and variance of %d channels, expected 1 or %d", n->count, channels_of(in));
    for (int i = 0; i < n->count; i++)
        if (!(n->variance[i] >= 0))
            return knn__fail(KNN_ERROR_ARGUMENT, "variance is %g, expected at least 0", n->variance[i]);
    return KNN_OK;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    static const char *const names[] = {"mean", "variance"};

    if (as_normalization(layer)->count > 0 || index > KNN_KNOWN_COUNT)
        return false;
    if (index == KNN_KNOWN_COUNT)                  /* a single number: how many went into the others */
        *spec = (knn__weight_spec){.name = "count", .rank = 0, .initializer = knn__default_zeros};
    else
        *spec = knn__weight_vector(names[index], channels_of(in), NULL, index == KNN_KNOWN_VARIANCE ? knn__default_ones : knn__default_zeros,
                                   NULL, false);
    spec->place = index;
    return true;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const normalization *n = as_normalization(layer);

    knn__node_init(&made[0], KNN_OP_NORMALIZATION, in, out);
    made[0].mean = n->mean;
    made[0].variance = n->variance;
    made[0].statistics = n->count;
    made[0].invert = n->invert;
    return 1;
}

const knn__layer_kind knn__normalization_kind = {
    .kind = {.class_name = "Normalization", .size = sizeof(normalization), .fields = fields, .name_offset = offsetof(normalization, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
