/* What convolutions multiply and sum, made up while it is loaded (tile.h): pieces of x, kernels, and the gradient before ReLU and pooling,
 * which is nowhere stored. Stride and dilation are 1, and there is one group. */
#ifndef KNN_BACKEND_CUDA_CONV2D_OPERANDS_H
#define KNN_BACKEND_CUDA_CONV2D_OPERANDS_H

#include "backend/cuda/tile.h"

static const unsigned OUTSIDE = 0x80000000u;                /* a row that no picture has, nor with a kernel's rows added or taken off */

static inline unsigned pooled_rows(const knn__cuda_conv &c) { return c.window.out_height / 2; }
static inline unsigned pooled_columns(const knn__cuda_conv &c) { return c.window.out_width / 2; }

/* A batch of pictures, NHWC. Places above and left of a picture wrap to large numbers: outside, too. */
struct pictures {
    const float *x;
    unsigned height, width, channels;

    __device__ float at(unsigned image, unsigned row, unsigned column, unsigned channel, float outside) const
    {
        return row < height && column < width ? x[((image * height + row) * width + column) * channels + channel] : outside;
    }
};

static inline pictures input_of(const knn__cuda_conv &c, const float *x)
{
    return {x, c.window.in_height, c.window.in_width, c.window.channels};
}

/* The gradient before ReLU. y: NULL without ReLU. */
struct flat_gradient {
    pictures dy;
    const float *y;

    __device__ float at(unsigned image, unsigned row, unsigned column, unsigned filter) const
    {
        float gradient = dy.at(image, row, column, filter, 0);
        return y == NULL || pictures{y, dy.height, dy.width, dy.channels}.at(image, row, column, filter, 0) > 0 ? gradient : 0;
    }
};

/* The gradient before ReLU and pooling: it is where the largest number was. */
struct pooled_gradient {
    pictures dy;
    knn__cuda_cells cells;

    __device__ float at(unsigned image, unsigned row, unsigned column, unsigned filter) const
    {
        unsigned i = ((row / 2) * dy.width + column / 2) * dy.channels + filter;
        bool inside = row / 2 < dy.height && column / 2 < dy.width;
        return inside && cells.which[image * cells.stride + i] == row % 2 * 2 + column % 2 ? dy.at(image, row / 2, column / 2, filter, 0) : 0;
    }
};

static inline flat_gradient flat_gradient_of(const knn__cuda_conv &c, const float *dy, const float *y)
{
    return {{dy, c.window.out_height, c.window.out_width, c.filters}, c.relu ? y : NULL};
}

static inline pooled_gradient pooled_gradient_of(const knn__cuda_conv &c, const float *dy, knn__cuda_cells cells)
{
    return {{dy, pooled_rows(c), pooled_columns(c), c.filters}, cells};
}

#endif
