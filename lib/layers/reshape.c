/* Reshape: the same numbers in another shape. One of its sizes may be -1: what is left. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_reshape_layer reshape;

static const knn_field fields[] = {FIELD(reshape, "target_shape", TRIPLE, first, .normal = 0), FIELDS_END};

static knn_status does_not_hold(const int *size, const knn_shape *in)
{
    char text[64];
    knn__shape_text(in, text, sizeof text);
    return knn__fail(KNN_ERROR_SHAPE, "target_shape (%d, %d, %d) does not hold the numbers of %s", size[0], size[1], size[2], text);
}

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const int *size = &((const reshape *)(const void *)layer)->first;
    size_t given = 1, length = knn__shape_length(in);
    int open = -1;                          /* the axis that is -1 */

    *out = (knn_shape){0};
    for (int i = 0; i < 3; i++) {
        if (size[i] < -1 || (size[i] == -1 && open >= 0) || (size[i] != 0 && i > out->rank))
            return knn__fail(KNN_ERROR_ARGUMENT, "target_shape (%d, %d, %d): expected positive sizes and at most one -1", size[0], size[1],
                             size[2]);
        if (size[i] == 0)
            continue;
        if (size[i] == -1)
            open = i;
        else if ((size_t)size[i] > length / given)
            return does_not_hold(size, in);
        else
            given *= (size_t)size[i];
        out->size[out->rank++] = size[i];
    }
    if (open >= 0 && length % given == 0 && length / given <= INT_MAX) {
        out->size[open] = (int)(length / given);
        given = length;
    }
    return out->rank > 0 && given == length ? KNN_OK : does_not_hold(size, in);
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    (void)layer;
    knn__node_init(&made[0], KNN_OP_FLATTEN, in, out);
    return 1;
}

const knn__layer_kind knn__reshape_kind = {
    .kind = {.class_name = "Reshape", .size = sizeof(reshape), .fields = fields, .name_offset = offsetof(reshape, name)},
    .shape = shape, .nodes = nodes};
