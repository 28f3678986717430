/* From nodes to what kernels want to know: windows, sizes that fit into 32 bits. */
#ifndef KNN_BACKEND_CUDA_WINDOW_H
#define KNN_BACKEND_CUDA_WINDOW_H

#include "backend/cuda/kernels.h"

/* Kernels index with 32 bits, and step over what they have done once more: what they can work on at once. */
#define KNN_CUDA_MOST_NUMBERS ((size_t)1 << 31)
static inline bool knn__cuda_fits(size_t images, size_t length) { return length == 0 || images < KNN_CUDA_MOST_NUMBERS / length; }

static inline unsigned knn__cuda_images(knn_part part) { return (unsigned)(part.last - part.first); }

/* Numbers of a batch of images of this length. */
static inline unsigned knn__cuda_numbers(knn_part part, size_t length) { return knn__cuda_images(part) * (unsigned)length; }

/* Rows of a node that works on the channels of each position. */
static inline unsigned knn__cuda_rows(knn_part part, knn_extent extent)
{
    return knn__cuda_images(part) * (unsigned)extent.height * (unsigned)extent.width;
}

static inline knn__cuda_window knn__cuda_window_of(const knn_node *n)
{
    bool global = n->op == KNN_OP_GLOBAL_AVERAGE_POOLING2D || n->op == KNN_OP_GLOBAL_MAX_POOLING2D;
    knn__cuda_window w = {(unsigned)n->in.height, (unsigned)n->in.width, (unsigned)n->in.channels, (unsigned)n->out.height,
        (unsigned)n->out.width, (unsigned)n->kernel_height, (unsigned)n->kernel_width, (unsigned)n->stride_height,
        (unsigned)n->stride_width, (unsigned)n->dilation_height, (unsigned)n->dilation_width, (unsigned)n->pad_top, (unsigned)n->pad_left};
    if (global) {
        w.kernel_height = w.in_height, w.kernel_width = w.in_width;
        w.stride_height = w.stride_width = 1;
        w.pad_top = w.pad_left = 0;
    }
    return w;
}

#endif
