/* Users' own layers (knn/extend.h) as a kind. Their functions are called, never trusted with the library's memory layout. */
#include "core/status.h"
#include "layers/kinds.h"

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    knn_status status = layer->custom->shape(layer, in, out);

    if (status != KNN_OK)
        return knn__fail(status < 0 ? status : KNN_ERROR_SHAPE, "%s does not take this input", layer->class_name);
    bool legal = out->rank >= 1 && out->rank <= 3;
    for (int i = 0; legal && i < out->rank; i++)
        legal = out->size[i] >= 1;
    if (!legal)
        return knn__fail(KNN_ERROR_SHAPE, "%s gives an output shape that is not of 1 to 3 positive sizes", layer->class_name);
    return KNN_OK;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    static const char *const names[KNN_NODE_WEIGHTS] = {"w0", "w1", "w2", "w3"};

    if (layer->custom->weights == NULL || index >= KNN_NODE_WEIGHTS)
        return false;
    const bool *frozen = knn__layer_frozen(layer);
    *spec = (knn__weight_spec){.name = names[index], .trainable = frozen == NULL || !*frozen, .place = index};
    spec->rank = layer->custom->weights(layer, in, index, spec->shape);
    spec->initializer = spec->rank > 1 ? knn__default_kernel : knn__default_zeros;
    return spec->rank >= 1 && spec->rank <= 4;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_CUSTOM, in, out);
    made[0].description = layer;
    return 1;
}

const knn__layer_kind knn__custom_kind = {
    .kind = {.class_name = "", .size = sizeof(knn_layer)}, .shape = shape, .weights = weights, .nodes = nodes};
