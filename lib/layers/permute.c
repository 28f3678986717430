/* Permute: axes in another order. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_permute_layer permute;

static const knn_field fields[] = {FIELD(permute, "dims", TRIPLE, first, .normal = 0), FIELDS_END};

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const int *dims = &((const permute *)(const void *)layer)->first;
    unsigned seen = 0;

    *out = *in;
    for (int i = 0; i < 3; i++) {
        if (i >= in->rank ? dims[i] != 0 : dims[i] < 1 || dims[i] > in->rank)
            return knn__fail(KNN_ERROR_ARGUMENT, "dims (%d, %d, %d): expected the numbers 1 to %d", dims[0], dims[1], dims[2], in->rank);
        if (i >= in->rank)
            break;
        out->size[i] = in->size[dims[i] - 1];
        seen |= 1u << dims[i];
    }
    if (seen == (1u << (in->rank + 1)) - 2)
        return KNN_OK;
    return knn__fail(KNN_ERROR_ARGUMENT, "dims (%d, %d, %d): expected each of 1 to %d once", dims[0], dims[1], dims[2], in->rank);
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const int *dims = &((const permute *)(const void *)layer)->first;
    int leading = 3 - in->rank;             /* axes of an extent that the shape does not have */

    knn__node_init(&made[0], KNN_OP_PERMUTE, in, out);
    for (int i = 0; i < 3; i++)
        made[0].axes[i] = i < leading ? i : dims[i - leading] - 1 + leading;
    return 1;
}

const knn__layer_kind knn__permute_kind = {
    .kind = {.class_name = "Permute", .size = sizeof(permute), .fields = fields, .name_offset = offsetof(permute, name)},
    .shape = shape, .nodes = nodes};
