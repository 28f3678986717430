/* Pictures to columns and back, for convolutions of any stride, dilation, padding and number of groups. Multiplies nothing: blas.c. */
#include "backend/cuda/knn_cu.h"

KNN_KERNELS_ARE_TEMPLATES

static __device__ unsigned columns_length(knn__cuda_window w, unsigned count) { return w.kernel_height * w.kernel_width * count; }

/* COUNT numbers of the columns for each thread, of neighbouring channels. */
template <unsigned COUNT>
KNN_KERNEL im2col(knn__cuda_window w, unsigned n, unsigned first, unsigned count, const float *x, float *columns)
{
    unsigned length = columns_length(w, count);
    KNN_EACH (turn, n / COUNT) {
        unsigned i = COUNT * turn, position = i / length, k = i % length, tap = k / count;
        unsigned row = position / w.out_width % w.out_height, column = position % w.out_width;
        unsigned image = position / w.out_width / w.out_height;
        /* Above and left of the picture these wrap to large numbers: outside, too. */
        unsigned in_row = row * w.stride_height + tap / w.kernel_width * w.dilation_height - w.pad_top;
        unsigned in_column = column * w.stride_width + tap % w.kernel_width * w.dilation_width - w.pad_left;
        bool inside = in_row < w.in_height && in_column < w.in_width;
        const float *from = x + ((image * w.in_height + in_row) * w.in_width + in_column) * w.channels + first + k % count;
        store(columns + i, inside ? load<COUNT>(from) : pack<float, COUNT>{});
    }
}

/* A number of dx for each i: the sum over the taps that see it. */
KNN_KERNEL col2im(knn__cuda_window w, unsigned n, unsigned first, unsigned count, const float *columns, float *dx)
{
    unsigned length = columns_length(w, count);
    KNN_EACH (i, n) {
        unsigned place = i / count, channel = i % count;
        unsigned in_row = place / w.in_width % w.in_height, in_column = place % w.in_width, image = place / w.in_width / w.in_height;
        float sum = 0;
        for (unsigned y = 0; y < w.kernel_height; y++) {
            unsigned from_row = in_row + w.pad_top - y * w.dilation_height, row = from_row / w.stride_height;
            if (in_row + w.pad_top < y * w.dilation_height || from_row % w.stride_height != 0 || row >= w.out_height)
                continue;
            for (unsigned x = 0; x < w.kernel_width; x++) {
                unsigned from_column = in_column + w.pad_left - x * w.dilation_width, column = from_column / w.stride_width;
                if (in_column + w.pad_left < x * w.dilation_width || from_column % w.stride_width != 0 || column >= w.out_width)
                    continue;
                unsigned position = (image * w.out_height + row) * w.out_width + column;
                sum += columns[position * length + (y * w.kernel_width + x) * count + channel];
            }
        }
        dx[place * w.channels + first + channel] = sum;
    }
}

cudaError_t knn__cuda_im2col(cudaStream_t stream, knn__cuda_window w, unsigned images, unsigned first, unsigned count, const float *x,
                             float *columns)
{
    unsigned n = images * w.out_height * w.out_width * w.kernel_height * w.kernel_width * count;
    bool fours = w.channels % 4 == 0 && first % 4 == 0 && count % 4 == 0 && is_aligned(x) && is_aligned(columns);
    KNN_LAUNCH_FOURS_IF(fours, n, stream, im2col, w, n, first, count, x, columns);
    return cudaGetLastError();
}

cudaError_t knn__cuda_col2im(cudaStream_t stream, knn__cuda_window w, unsigned images, unsigned first, unsigned count,
                             const float *columns, float *dx)
{
    unsigned n = images * w.in_height * w.in_width * count;
    KNN_LAUNCH_EACH(n, stream, col2im, w, n, first, count, columns, dx);
    return cudaGetLastError();
}
