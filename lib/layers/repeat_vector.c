/* RepeatVector: a vector n times, as a sequence. Upsampling of a sequence of one does it. */
#include "layers/kinds.h"

#include "core/status.h"

typedef knn_repeat_vector_layer repeat_vector;

static const knn_field fields[] = {FIELD(repeat_vector, "n", INT, n, COUNT), FIELDS_END};

static const repeat_vector *as_repeat(const knn_layer *layer) { return (const repeat_vector *)(const void *)layer; }

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    if (in->rank != 1)
        return knn__fail(KNN_ERROR_SHAPE, "expected an input of (channels), got one of rank %d", in->rank);
    *out = (knn_shape){2, {as_repeat(layer)->n, in->size[0]}};
    return KNN_OK;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_UP_SAMPLING_NEAREST, in, out);
    made[0].stride_width = as_repeat(layer)->n;
    return 1;
}

const knn__layer_kind knn__repeat_vector_kind = {
    .kind = {.class_name = "RepeatVector", .size = sizeof(repeat_vector), .fields = fields, .name_offset = offsetof(repeat_vector, name)},
    .shape = shape, .nodes = nodes};
