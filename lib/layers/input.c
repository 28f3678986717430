/* InputLayer: the shape of a sample. Becomes no node. */
#include "core/status.h"
#include "layers/kinds.h"

static const knn_field fields[] = {FIELDS_END};

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const knn_input_layer *input = (const knn_input_layer *)(const void *)layer;
    const int size[3] = {input->height, input->width, input->channels};

    (void)in;
    *out = (knn_shape){0};
    while (out->rank < 3 && size[out->rank] > 0) {
        out->size[out->rank] = size[out->rank];
        out->rank++;
    }
    for (int i = 0; i < 3; i++)
        if (i >= out->rank ? size[i] != 0 : size[i] < 1)
            out->rank = 0;
    if (out->rank == 0)
        return knn__fail(KNN_ERROR_SHAPE, "expected an input of 1 to 3 positive sizes, got (%d, %d, %d)", size[0], size[1], size[2]);
    return KNN_OK;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    (void)layer, (void)in, (void)out, (void)made;
    return 0;
}

const knn__layer_kind knn__input_kind = {
    .kind = {.class_name = "InputLayer", .size = sizeof(knn_input_layer), .fields = fields,
        .name_offset = offsetof(knn_input_layer, name)},
    .shape = shape, .nodes = nodes};
