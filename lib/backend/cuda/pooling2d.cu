/* Maximum and mean over windows of any size, stride and padding. Padding takes no part: windows are clipped to the picture. Backward each
 * number of dx gathers from the windows that see it, so that no two threads add to one number. A thread does COUNT neighbouring channels: four
 * where they are a multiple of that. */
#include "backend/cuda/knn_cu.h"

KNN_KERNELS_ARE_TEMPLATES

typedef uint16_t place;

/* Rows and columns of an image: [top, bottom) x [left, right), never empty. */
typedef struct clipped { unsigned top, bottom, left, right; } clipped;

static __device__ unsigned clip_low(unsigned at, unsigned pad) { return at > pad ? at - pad : 0; }
static __device__ unsigned clip_high(unsigned at, unsigned pad, unsigned end) { return at - pad < end ? at - pad : end; }

static __device__ clipped window_at(knn__cuda_window w, unsigned row, unsigned column)
{
    unsigned top = row * w.stride_height, left = column * w.stride_width;       /* with the padding */
    return {clip_low(top, w.pad_top), clip_high(top + w.kernel_height, w.pad_top, w.in_height),
            clip_low(left, w.pad_left), clip_high(left + w.kernel_width, w.pad_left, w.in_width)};
}

/* The windows along one axis that see the number `at`: [first, last). */
typedef struct range { unsigned first, last; } range;

static __device__ range windows_of(unsigned at, unsigned pad, unsigned kernel, unsigned stride, unsigned out)
{
    unsigned padded = at + pad, first = padded >= kernel ? (padded - kernel) / stride + 1 : 0, last = padded / stride + 1;
    return {first, last < out ? last : out};
}

/* Where number i of [images][height][width][channels] stands. */
typedef struct spot { unsigned image, row, column, channel; } spot;

static __device__ spot spot_of(unsigned i, unsigned height, unsigned width, unsigned channels)
{
    unsigned pixel = i / channels;
    return {pixel / width / height, pixel / width % height, pixel % width, i % channels};
}

static __device__ unsigned input_at(knn__cuda_window w, spot s, unsigned row, unsigned column)
{
    return ((s.image * w.in_height + row) * w.in_width + column) * w.channels + s.channel;
}

/* Within an image. */
static __device__ unsigned output_at(knn__cuda_window w, spot s, unsigned row, unsigned column)
{
    return (row * w.out_width + column) * w.channels + s.channel;
}

template <unsigned COUNT>
KNN_KERNEL maximum(knn__cuda_window w, unsigned n, const float *x, float *y, unsigned char *which, size_t which_stride)
{
    KNN_EACH (k, n / COUNT) {
        spot s = spot_of(COUNT * k, w.out_height, w.out_width, w.channels);
        clipped c = window_at(w, s.row, s.column);
        pack<float, COUNT> best = load<COUNT>(x + input_at(w, s, c.top, c.left));
        pack<place, COUNT> chosen = {};
        unsigned number = 0;
        for (unsigned row = c.top; row < c.bottom; row++)
            for (unsigned column = c.left; column < c.right; column++, number++) {
                pack<float, COUNT> values = load<COUNT>(x + input_at(w, s, row, column));
                KNN_UNROLL
                for (unsigned j = 0; j < COUNT; j++) {
                    chosen.values[j] = values.values[j] > best.values[j] ? (place)number : chosen.values[j];
                    best.values[j] = values.values[j] > best.values[j] ? values.values[j] : best.values[j];
                }
            }
        store(y + COUNT * k, best);
        if (which != NULL)
            store((place *)(which + s.image * which_stride) + output_at(w, s, s.row, s.column), chosen);
    }
}

template <unsigned COUNT>
KNN_KERNEL maximum_backward(knn__cuda_window w, unsigned n, const float *dy, const unsigned char *which, size_t which_stride, float *dx)
{
    KNN_EACH (k, n / COUNT) {
        spot s = spot_of(COUNT * k, w.in_height, w.in_width, w.channels);
        range rows = windows_of(s.row, w.pad_top, w.kernel_height, w.stride_height, w.out_height);
        range columns = windows_of(s.column, w.pad_left, w.kernel_width, w.stride_width, w.out_width);
        const float *from = dy + s.image * w.out_height * w.out_width * w.channels;
        pack<float, COUNT> sum = {};
        for (unsigned row = rows.first; row < rows.last; row++)
            for (unsigned column = columns.first; column < columns.last; column++) {
                clipped c = window_at(w, row, column);
                unsigned number = (s.row - c.top) * (c.right - c.left) + s.column - c.left, at = output_at(w, s, row, column);
                pack<place, COUNT> chosen = load<COUNT>((const place *)(which + s.image * which_stride) + at);
                pack<float, COUNT> gradients = load<COUNT>(from + at);
                KNN_UNROLL
                for (unsigned j = 0; j < COUNT; j++)
                    sum.values[j] += chosen.values[j] == number ? gradients.values[j] : 0;
            }
        store(dx + COUNT * k, sum);
    }
}

static __device__ float share_of(clipped c) { return 1.0f / ((float)(c.bottom - c.top) * (float)(c.right - c.left)); }

/* sum += share * values */
template <unsigned COUNT> static __device__ void add(pack<float, COUNT> &sum, float share, const pack<float, COUNT> &values)
{
    KNN_UNROLL
    for (unsigned j = 0; j < COUNT; j++)
        sum.values[j] += share * values.values[j];
}

template <unsigned COUNT> KNN_KERNEL mean(knn__cuda_window w, unsigned n, const float *x, float *y)
{
    KNN_EACH (k, n / COUNT) {
        spot s = spot_of(COUNT * k, w.out_height, w.out_width, w.channels);
        clipped c = window_at(w, s.row, s.column);
        pack<float, COUNT> sum = {}, result = {};
        for (unsigned row = c.top; row < c.bottom; row++)
            for (unsigned column = c.left; column < c.right; column++)
                add(sum, 1, load<COUNT>(x + input_at(w, s, row, column)));
        add(result, share_of(c), sum);
        store(y + COUNT * k, result);
    }
}

template <unsigned COUNT> KNN_KERNEL mean_backward(knn__cuda_window w, unsigned n, const float *dy, float *dx)
{
    KNN_EACH (k, n / COUNT) {
        spot s = spot_of(COUNT * k, w.in_height, w.in_width, w.channels);
        range rows = windows_of(s.row, w.pad_top, w.kernel_height, w.stride_height, w.out_height);
        range columns = windows_of(s.column, w.pad_left, w.kernel_width, w.stride_width, w.out_width);
        const float *from = dy + s.image * w.out_height * w.out_width * w.channels;
        pack<float, COUNT> sum = {};
        for (unsigned row = rows.first; row < rows.last; row++)
            for (unsigned column = columns.first; column < columns.last; column++)
                add(sum, share_of(window_at(w, row, column)), load<COUNT>(from + output_at(w, s, row, column)));
        store(dx + COUNT * k, sum);
    }
}

static unsigned inputs(knn__cuda_window w, unsigned images) { return images * w.in_height * w.in_width * w.channels; }
static unsigned outputs(knn__cuda_window w, unsigned images) { return images * w.out_height * w.out_width * w.channels; }

static bool by_fours(knn__cuda_window w, const float *x, const float *y) { return w.channels % 4 == 0 && is_aligned(x) && is_aligned(y); }

static bool cells_are_aligned(const unsigned char *which, size_t stride)
{
    return is_aligned((const place *)which) && stride % sizeof(four<place>) == 0;
}

cudaError_t knn__cuda_maximum(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *x, float *y, unsigned char *which,
                              size_t which_stride)
{
    unsigned n = outputs(w, images);
    bool fours = by_fours(w, x, y) && cells_are_aligned(which, which_stride);
    KNN_LAUNCH_FOURS_IF(fours, n, stream, maximum, w, n, x, y, which, which_stride);
    return cudaGetLastError();
}

cudaError_t knn__cuda_maximum_backward(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *dy,
                                       const unsigned char *which, size_t which_stride, float *dx)
{
    unsigned n = inputs(w, images);
    bool fours = by_fours(w, dx, dy) && cells_are_aligned(which, which_stride);
    KNN_LAUNCH_FOURS_IF(fours, n, stream, maximum_backward, w, n, dy, which, which_stride, dx);
    return cudaGetLastError();
}

cudaError_t knn__cuda_mean(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *x, float *y)
{
    unsigned n = outputs(w, images);
    KNN_LAUNCH_FOURS_IF(by_fours(w, x, y), n, stream, mean, w, n, x, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_mean_backward(cudaStream_t stream, knn__cuda_window w, unsigned images, const float *dy, float *dx)
{
    unsigned n = inputs(w, images);
    KNN_LAUNCH_FOURS_IF(by_fours(w, dx, dy), n, stream, mean_backward, w, n, dy, dx);
    return cudaGetLastError();
}
