/* The gradients of a convolution's weights: a row of the product for each number of a filter's kernel, and one more for the bias; a column for
 * each filter; depth: images, their rows and columns. That is long, and is cut into parts, which are summed in order. */
#include "backend/cuda/conv2d_operands.h"

enum { DEPTH_OF_A_PART = 256 };             /* at least: else its sums are more than what it reads */

/* What each number of the kernel was multiplied by; the last line is that of the bias: 1. */
struct seen {
    pictures x;
    unsigned lines, kernel_width, pad_top, pad_left;
    knn__digits sizes;

    struct line { unsigned row, column, channel; float outside; };

    __device__ line begin(unsigned number) const
    {
        if (number + 1 >= lines)
            return {OUTSIDE, 0, 0, number + 1 == lines ? 1.0f : 0.0f};
        knn__digits tap = digits_of(number, {0, kernel_width, x.channels});
        return {tap.high - pad_top, tap.middle - pad_left, tap.low, 0};
    }

    __device__ float at(const line &l, knn__digits at, unsigned) const { return x.at(at.high, at.middle + l.row, at.low + l.column, l.channel, l.outside); }
};

template <class Gradient> struct gradients {
    Gradient dz;
    unsigned lines;
    knn__digits sizes;

    typedef unsigned line;

    __device__ line begin(unsigned number) const { return number; }
    __device__ float at(line filter, knn__digits at, unsigned) const { return filter < lines ? dz.at(at.high, at.middle, at.low, filter) : 0; }
};

/* n numbers of the kernel, then those of the bias. */
KNN_KERNEL sum_parts(const float *partial, unsigned parts, unsigned n, unsigned filters, float *dw, float *db)
{
    KNN_EACH (i, n + filters) {
        float sum = 0, *to = i < n ? dw : db;
        for (unsigned part = 0; part < parts; part++)
            sum += partial[part * (n + filters) + i];
        if (to != NULL)
            to[i < n ? i : i - n] = sum;
    }
}

/* If pooled, without the rows and columns that no window has. */
static knn__digits places(const knn__cuda_conv &c)
{
    if (c.pooled)
        return {c.images, 2 * pooled_rows(c), 2 * pooled_columns(c)};
    return {c.images, c.window.out_height, c.window.out_width};
}

static tile_shape shape_of(const knn__cuda_conv &c)
{
    knn__digits at = places(c);
    tile_shape s = {c.window.kernel_height * c.window.kernel_width * c.window.channels + 1, c.filters, at.high * at.middle * at.low, 1};
    unsigned most = (s.depth - 1) / DEPTH_OF_A_PART + 1, enough = (ENOUGH_TILES - 1) / tiles_of(2, s) + 1;
    s.parts = most < enough ? most : enough;
    return s;
}

size_t knn__cuda_conv_partial(knn__cuda_conv c)
{
    tile_shape s = shape_of(c);
    return (size_t)s.parts * s.rows * s.columns;
}

template <class Gradient>
static cudaError_t launch(cudaStream_t stream, const knn__cuda_conv &c, const float *x, const Gradient &dz, float *partial)
{
    tile_shape shape = shape_of(c);
    seen left = {input_of(c, x), shape.rows, c.window.kernel_width, c.window.pad_top, c.window.pad_left, places(c)};
    return launch_product(stream, left, gradients<Gradient>{dz, c.filters, places(c)}, tile_matrix_of(partial, shape.rows, c.filters), shape);
}

cudaError_t knn__cuda_conv_weights(cudaStream_t stream, knn__cuda_conv c, const float *x, const float *dy, const float *y, knn__cuda_cells cells,
                                   float *partial, float *dw, float *db)
{
    tile_shape s = shape_of(c);
    unsigned n = (s.rows - 1) * s.columns;
    cudaError_t error = c.pooled ? launch(stream, c, x, pooled_gradient_of(c, dy, cells), partial)
                                 : launch(stream, c, x, flat_gradient_of(c, dy, y), partial);
    KNN_LAUNCH_EACH(n + c.filters, stream, sum_parts, partial, s.parts, n, c.filters, dw, db);
    return error != cudaSuccess ? error : cudaGetLastError();
}
