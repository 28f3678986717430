/* The gradients of a convolution's weights: a row of the product for each number of a filter's kernel, and one more for the bias; a column for
 * each filter; depth: images, their rows and columns. If that is long, it is cut into parts, which are summed in order. */
#include "backend/cuda/conv2d_operands.h"

enum { DEPTH_OF_A_PART = 512 };             /* at least */

/* What each number of the kernel was multiplied by; the last line is that of the bias: 1. */
struct seen {
    static const bool ALONG_DEPTH = false;
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

    __device__ float at(const line &l, knn__digits at, unsigned) const
    {
        return x.at(at.high, at.middle + l.row, at.low + l.column, l.channel, l.outside);
    }
};

template <class Gradient> struct gradients {
    static const bool ALONG_DEPTH = false;
    Gradient dz;
    unsigned lines;
    knn__digits sizes;

    typedef unsigned line;

    __device__ line begin(unsigned number) const { return number; }
    __device__ float at(line filter, knn__digits at, unsigned) const
    {
        return filter < lines ? dz.at(at.high, at.middle, at.low, filter) : 0;
    }
};

/* Where the sums go: the last row is the bias's. NULL: it is not wanted. */
struct weight_sums {
    float *dw, *db;
    unsigned rows, columns, stride;         /* of dw; from one part's to the next one's */
    bool aligned;

    __device__ void store(unsigned part, unsigned row, unsigned column, const float (&square)[4][4]) const
    {
        KNN_UNROLL
        for (unsigned i = 0; i < 4; i++) {
            float *to = row + i < rows ? dw : row + i == rows ? db : NULL;
            unsigned at = row + i < rows ? (row + i) * columns : 0;
            if (to != NULL)
                store_four(to + part * stride + at, column, columns, aligned, row_of(square, i));
        }
    }
};

static weight_sums weight_sums_of(float *dw, float *db, unsigned rows, unsigned columns, unsigned stride)
{
    return {dw, db, rows, columns, stride, rows_are_aligned(dw, columns) && rows_are_aligned(db, columns)};
}

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
    return s.parts > 1 ? (size_t)s.parts * s.rows * s.columns : 0;
}

template <class Gradient>
static cudaError_t launch(cudaStream_t stream, const knn__cuda_conv &c, const float *x, const Gradient &dz, const weight_sums &to)
{
    tile_shape shape = shape_of(c);
    seen left = {input_of(c, x), shape.rows, c.window.kernel_width, c.window.pad_top, c.window.pad_left, places(c)};
    return launch_product(stream, c.tensor, left, gradients<Gradient>{dz, c.filters, places(c)}, to, shape);
}

cudaError_t knn__cuda_conv_weights(cudaStream_t stream, knn__cuda_conv c, const float *x, const float *dy, const float *y, knn__cuda_cells cells,
                                   float *partial, float *dw, float *db)
{
    tile_shape s = shape_of(c);
    unsigned rows = s.rows - 1, n = rows * s.columns;
    weight_sums to = s.parts > 1 ? weight_sums_of(partial, partial + n, rows, s.columns, n + s.columns)
                                 : weight_sums_of(dw, db, rows, s.columns, 0);
    cudaError_t error = c.pooled ? launch(stream, c, x, pooled_gradient_of(c, dy, cells), to)
                                 : launch(stream, c, x, flat_gradient_of(c, dy, y), to);
    if (s.parts > 1)
        KNN_LAUNCH_EACH(n + s.columns, stream, sum_parts, partial, s.parts, n, s.columns, dw, db);
    return error != cudaSuccess ? error : cudaGetLastError();
}
