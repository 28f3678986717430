/* The gradient of a convolution's input: a row of the product for each of its positions, a column for each channel; depth: the kernel's row and
 * column, filter. */
#include "backend/cuda/conv2d_operands.h"

/* What each position of x gave to. */
template <class Gradient> struct receivers {
    static const bool ALONG_DEPTH = true;
    Gradient dz;
    unsigned lines, height, width, pad_top, pad_left;       /* height and width of x */
    knn__digits sizes;

    struct line { unsigned image, row, column; };

    __device__ line begin(unsigned number) const
    {
        knn__digits at = digits_of(number, {0, height, width});
        return {at.high, number < lines ? at.middle + pad_top : OUTSIDE, at.low + pad_left};
    }

    __device__ float at(const line &l, knn__digits tap, unsigned) const
    {
        return dz.at(l.image, l.row - tap.high, l.column - tap.middle, tap.low);
    }
};

/* Keras' kernel: a column for each channel. */
struct channels {
    static const bool ALONG_DEPTH = true;
    const float *w;
    unsigned lines, filters;
    knn__digits sizes;

    typedef unsigned line;

    __device__ line begin(unsigned number) const { return number; }
    __device__ float at(line channel, knn__digits tap, unsigned) const
    {
        return channel < lines ? w[((tap.high * sizes.middle + tap.middle) * lines + channel) * filters + tap.low] : 0;
    }
};

template <class Gradient>
static cudaError_t launch(cudaStream_t stream, const knn__cuda_conv &c, const Gradient &dz, const float *w, float *dx)
{
    const knn__cuda_window &at = c.window;
    tile_shape shape = {c.images * at.in_height * at.in_width, at.channels, at.kernel_height * at.kernel_width * c.filters, 1};
    knn__digits sizes = {0, at.kernel_width, c.filters};
    receivers<Gradient> left = {dz, shape.rows, at.in_height, at.in_width, at.pad_top, at.pad_left, sizes};
    tile_matrix to = {dx, shape.rows, at.channels, rows_are_aligned(dx, at.channels)};
    return launch_product(stream, c.tensor, left, channels{w, at.channels, c.filters, sizes}, to, shape);
}

cudaError_t knn__cuda_conv_input(cudaStream_t stream, knn__cuda_conv c, const float *dy, const float *y, knn__cuda_cells cells, const float *w,
                                 float *dx)
{
    return c.pooled ? launch(stream, c, pooled_gradient_of(c, dy, cells), w, dx) : launch(stream, c, flat_gradient_of(c, dy, y), w, dx);
}
