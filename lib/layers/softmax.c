/* Softmax over one axis, or over several that lie side by side: over all numbers that differ only in these. */
#include "core/status.h"
#include "layers/kinds.h"

static const knn_field fields[] = {FIELD(knn_softmax_layer, "axis", AXES, axis, .normal = KNN_AXIS(-1)), FIELDS_END};

static knn_status axes_of(const knn_layer *layer, const knn_shape *in, int places[3], int *count)
{
    return knn__resolve_axes(((const knn_softmax_layer *)(const void *)layer)->axis, in, places, count);
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    int places[3], count;
    knn_status status = axes_of(layer, in, places, &count);

    *out = *in;
    if (status == KNN_OK && places[count - 1] - places[0] != count - 1)
        status = knn__fail(KNN_ERROR_UNSUPPORTED, "axes %d and %d, which are not side by side", places[0] + 1, places[1] + 1);
    return status;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    int places[3], count, length = 1, step = 1;

    axes_of(layer, in, places, &count);
    for (int i = 0; i < count; i++)
        length *= in->size[places[i]];
    for (int place = places[count - 1] + 1; place < in->rank; place++)
        step *= in->size[place];
    if (count == 1 && step == 1)
        return knn__node_activation(made, 0, KNN_SOFTMAX, out);
    knn__node_init(&made[0], KNN_OP_SOFTMAX, in, out);
    made[0].length = length;
    made[0].step = step;
    return 1;
}

const knn__layer_kind knn__softmax_kind = {
    .kind = {.class_name = "Softmax", .size = sizeof(knn_softmax_layer), .fields = fields,
        .name_offset = offsetof(knn_softmax_layer, name)},
    .shape = shape, .nodes = nodes};
