/* Convolution forward: a row of the product for each position, a column for each filter. Bias, ReLU and pooling are done with the sums. */
#include "backend/activations.h"
#include "backend/cuda/conv2d_operands.h"

/* What each position of the output sees; depth: the kernel's row and column, channel. If pooled, the four positions of a window are
 * neighbours, row by row, so that a thread has their sums; those that no window has are left out. */
template <bool POOLED> struct patches {
    static const bool ALONG_DEPTH = true;
    pictures x;
    unsigned lines, height, width, pad_top, pad_left;       /* height and width of y */
    knn__digits sizes;

    struct line { unsigned image, row, column; };

    __device__ line begin(unsigned number) const
    {
        if (number >= lines)
            return {0, OUTSIDE, 0};
        knn__digits at = digits_of(POOLED ? number / 4 : number, {0, height, width});
        unsigned row = POOLED ? 2 * at.middle + number % 4 / 2 : at.middle, column = POOLED ? 2 * at.low + number % 2 : at.low;
        return {at.high, row - pad_top, column - pad_left};
    }

    __device__ float at(const line &l, knn__digits tap, unsigned) const
    {
        return x.at(l.image, l.row + tap.high, l.column + tap.middle, tap.low, 0);
    }
};

/* Keras' kernel: a column for each filter. */
struct filters {
    static const bool ALONG_DEPTH = false;
    const float *w;
    unsigned lines;
    knn__digits sizes;

    typedef unsigned line;

    __device__ line begin(unsigned number) const { return number; }
    __device__ float at(line filter, knn__digits, unsigned depth) const { return filter < lines ? w[depth * lines + filter] : 0; }
};

struct output {
    float *y;
    const float *bias;
    unsigned rows, columns;
    bool relu, aligned;

    __device__ float finished(float sum, unsigned column) const
    {
        float z = bias != NULL && column < columns ? sum + bias[column] : sum;
        return relu ? knn__relu(z) : z;
    }
};

struct flat_output : output {
    __device__ void store(unsigned, unsigned row, unsigned column, const float (&square)[4][4]) const
    {
        KNN_UNROLL
        for (unsigned i = 0; i < 4; i++) {
            four<float> values;
            KNN_UNROLL
            for (unsigned j = 0; j < 4; j++)
                values.values[j] = finished(square[i][j], column + j);
            if (row + i < rows)
                store_four(y + (row + i) * columns, column, columns, aligned, values);
        }
    }
};

/* The four rows of a square are a window. Rounding keeps order: the largest sum is the largest after the bias, too. */
struct pooled_output : output {
    unsigned windows;                       /* an image */
    knn__cuda_cells cells;

    __device__ void store(unsigned, unsigned row, unsigned column, const float (&square)[4][4]) const
    {
        four<float> values;
        four<unsigned char> which;
        if (row >= rows)
            return;
        KNN_UNROLL
        for (unsigned j = 0; j < 4; j++) {
            float best = square[0][j];
            unsigned cell = 0, dead = KNN_CUDA_DEAD;
            KNN_UNROLL
            for (unsigned i = 1; i < 4; i++) {
                cell = square[i][j] > best ? i : cell;
                best = square[i][j] > best ? square[i][j] : best;
            }
            values.values[j] = finished(best, column + j);
            which.values[j] = (unsigned char)(relu && !(values.values[j] > 0) ? dead : cell);
        }
        unsigned window = row / 4;
        store_four(y + window * columns, column, columns, aligned, values);
        if (cells.which != NULL)
            store_four(cells.which + window / windows * cells.stride + window % windows * columns, column, columns, aligned, which);
    }
};

template <bool POOLED>
static patches<POOLED> patches_of(const knn__cuda_conv &c, const float *x, unsigned lines)
{
    const knn__cuda_window &w = c.window;
    return {input_of(c, x), lines, POOLED ? pooled_rows(c) : w.out_height, POOLED ? pooled_columns(c) : w.out_width, w.pad_top, w.pad_left,
            {0, w.kernel_width, w.channels}};
}

static unsigned positions(const knn__cuda_conv &c)
{
    return c.images * (c.pooled ? 4 * pooled_rows(c) * pooled_columns(c) : c.window.out_height * c.window.out_width);
}

cudaError_t knn__cuda_has_tensor_cores(bool *has)
{
    cudaFuncAttributes kernel;
    void (*any)(patches<false>, filters, flat_output, tile_shape) = product<1, in_tf32, patches<false>, filters, flat_output>;
    cudaError_t error = cudaFuncGetAttributes(&kernel, (const void *)any);
    *has = error == cudaSuccess && kernel.ptxVersion >= KNN_TENSOR_CAPABILITY;
    return error;
}

cudaError_t knn__cuda_conv_forward(cudaStream_t stream, knn__cuda_conv c, const float *x, const float *w, const float *bias, float *y,
                                   knn__cuda_cells cells)
{
    tile_shape shape = {positions(c), c.filters, c.window.kernel_height * c.window.kernel_width * c.window.channels, 1};
    filters kernels = {w, c.filters, {0, c.window.kernel_width, c.window.channels}};
    output all = {y, bias, shape.rows, c.filters, c.relu, rows_are_aligned(y, c.filters) && cells.stride % 4 == 0};
    if (c.pooled)
        return launch_product(stream, c.tensor, patches_of<true>(c, x, shape.rows), kernels,
                              pooled_output{all, pooled_rows(c) * pooled_columns(c), cells}, shape);
    return launch_product(stream, c.tensor, patches_of<false>(c, x, shape.rows), kernels, flat_output{all}, shape);
}
