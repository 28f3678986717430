/* Windows that slide over pictures and sequences: what convolutions and pooling have in common. Knows no layer. */
#include "core/status.h"
#include "layers/kinds.h"

#include <stdio.h>

/* Where a shape has its rows and columns; a sequence is one row. */
static int rows_of(const knn_shape *shape) { return shape->rank == 3 ? shape->size[0] : 1; }
static int columns_of(const knn_shape *shape) { return shape->size[shape->rank - 2]; }

static knn_status too_large(const char *what, const knn__window *w, const knn_shape *in)
{
    char dilation[48] = "";
    if (w->dilation_height > 1 || w->dilation_width > 1)
        snprintf(dilation, sizeof dilation, " (dilation %dx%d)", w->dilation_height, w->dilation_width);
    return knn__fail(KNN_ERROR_SHAPE, "%s %dx%d%s is larger than its input %dx%d%s", what, w->height, w->width, dilation,
                     rows_of(in), columns_of(in), w->padding == KNN_VALID ? " (padding valid)" : "");
}

knn_status knn__expect_strides_or_dilation(const knn__window *w)
{
    if ((w->stride_height == 1 && w->stride_width == 1) || (w->dilation_height == 1 && w->dilation_width == 1))
        return KNN_OK;
    return knn__fail(KNN_ERROR_ARGUMENT, "strides %dx%d together with dilation %dx%d", w->stride_height, w->stride_width,
                     w->dilation_height, w->dilation_width);
}

knn_status knn__window_shape(const char *what, const knn__window *w, const knn_shape *in, int channels, knn_shape *out)
{
    int rows, columns, before, after;

    if (!knn__window_length(rows_of(in), w->height, w->stride_height, w->dilation_height, w->padding, &rows, &before, &after) ||
        !knn__window_length(columns_of(in), w->width, w->stride_width, w->dilation_width, w->padding, &columns, &before, &after))
        return too_large(what, w, in);
    *out = in->rank == 3 ? (knn_shape){3, {rows, columns, channels}} : (knn_shape){2, {columns, channels}};
    return KNN_OK;
}

knn_status knn__expect_groups(int groups, const knn_shape *in, int filters)
{
    int channels = in->size[in->rank - 1];
    if (channels % groups == 0 && filters % groups == 0)
        return KNN_OK;
    return knn__fail(KNN_ERROR_ARGUMENT, "%d groups do not divide %d channels and %d filters", groups, channels, filters);
}

knn_status knn__expect_filters(int channels, int depth_multiplier, int *filters)
{
    if (depth_multiplier > INT_MAX / channels)
        return knn__fail(KNN_ERROR_ARGUMENT, "%d filters for each of %d channels are too many", depth_multiplier, channels);
    *filters = channels * depth_multiplier;
    return KNN_OK;
}

void knn__window_node(knn_node *node, knn_op op, const knn__window *w, const knn_shape *in, const knn_shape *out)
{
    int length;

    knn__node_init(node, op, in, out);
    node->kernel_height = w->height;
    node->kernel_width = w->width;
    node->stride_height = w->stride_height;
    node->stride_width = w->stride_width;
    node->dilation_height = w->dilation_height;
    node->dilation_width = w->dilation_width;
    knn__window_length(node->in.height, w->height, w->stride_height, w->dilation_height, w->padding, &length, &node->pad_top,
                       &node->pad_bottom);
    knn__window_length(node->in.width, w->width, w->stride_width, w->dilation_width, w->padding, &length, &node->pad_left,
                       &node->pad_right);
}
