/* What only moves numbers: padding and cropping, axes in another order, enlarged pictures. Each number of the result gathers. */
#include "backend/cuda/knn_cu.h"

#include "backend/up_sampling.h"

KNN_KERNELS_ARE_TEMPLATES

/* to[row][column] = from[row - top][column - left], zeros where there is none; COUNT neighbouring channels for each thread. */
template <unsigned COUNT> KNN_KERNEL shift(knn__cuda_shift s, unsigned n, const float *from, float *to)
{
    KNN_EACH (k, n / COUNT) {
        unsigned i = COUNT * k, channel = i % s.channels, pixel = i / s.channels, image = pixel / s.to_width / s.to_height;
        unsigned row = pixel / s.to_width % s.to_height - s.top, column = pixel % s.to_width - s.left;     /* what lies outside wraps */
        bool inside = row < s.from_height && column < s.from_width;
        const float *place = from + ((image * s.from_height + row) * s.from_width + column) * s.channels + channel;
        store(to + i, inside ? load<COUNT>(place) : pack<float, COUNT>{});
    }
}

KNN_KERNEL permute(knn__cuda_axes a, unsigned n, const float *from, float *to)
{
    unsigned length = a.size[0] * a.size[1] * a.size[2];
    KNN_EACH (i, n) {
        unsigned within = i % length, k = within % a.size[2], j = within / a.size[2] % a.size[1], h = within / a.size[2] / a.size[1];
        to[i] = from[i - within + h * a.step[0] + j * a.step[1] + k * a.step[2]];
    }
}

/* ---- Up-sampling: an output position is a weighted sum of up to two input positions along each axis ---- */

/* The share that input cell `cell` has in output index `at`, along one axis. */
static __device__ float share_of(knn_op op, unsigned at, unsigned cell, unsigned times, unsigned cells)
{
    knn__source s = knn__source_of(op, (int)at, (int)times, (int)cells);
    float low = s.low == (int)cell ? (float)(1 - s.share) : 0, high = s.high == (int)cell ? (float)s.share : 0;
    return low + high;
}

KNN_KERNEL enlarge(knn__cuda_enlargement e, unsigned n, const float *x, float *y)
{
    KNN_EACH (i, n) {
        unsigned channel = i % e.channels, pixel = i / e.channels, width = e.in_width * e.columns, height = e.in_height * e.rows;
        knn__source row = knn__source_of(e.op, (int)(pixel / width % height), (int)e.rows, (int)e.in_height);
        knn__source column = knn__source_of(e.op, (int)(pixel % width), (int)e.columns, (int)e.in_width);
        const float *from = x + pixel / width / height * e.in_height * e.in_width * e.channels + channel;
        const float *above = from + row.low * e.in_width * e.channels, *below = from + row.high * e.in_width * e.channels;
        unsigned left = column.low * e.channels, right = column.high * e.channels;
        float down = (float)row.share, across = (float)column.share;
        float upper = above[left] + (above[right] - above[left]) * across, lower = below[left] + (below[right] - below[left]) * across;
        y[i] = upper + (lower - upper) * down;
    }
}

/* The outputs that a cell can reach along one axis: its own, and those of its neighbours where numbers are blended. */
typedef struct range { unsigned first, last; } range;

static __device__ range reach(knn_op op, unsigned cell, unsigned times, unsigned cells)
{
    unsigned beside = op == KNN_OP_UP_SAMPLING_NEAREST ? 0 : 1;
    unsigned first = cell > beside ? cell - beside : 0, last = cell + beside + 1;
    return {first * times, (last < cells ? last : cells) * times};
}

KNN_KERNEL enlarge_backward(knn__cuda_enlargement e, unsigned n, const float *dy, float *dx)
{
    KNN_EACH (i, n) {
        unsigned channel = i % e.channels, pixel = i / e.channels, width = e.in_width * e.columns, height = e.in_height * e.rows;
        unsigned row = pixel / e.in_width % e.in_height, column = pixel % e.in_width;
        const float *from = dy + pixel / e.in_width / e.in_height * height * width * e.channels + channel;
        range rows = reach(e.op, row, e.rows, e.in_height), columns = reach(e.op, column, e.columns, e.in_width);
        float sum = 0;
        for (unsigned y = rows.first; y < rows.last; y++) {
            float line = 0;
            for (unsigned x = columns.first; x < columns.last; x++)
                line += from[(y * width + x) * e.channels] * share_of(e.op, x, column, e.columns, e.in_width);
            sum += line * share_of(e.op, y, row, e.rows, e.in_height);
        }
        dx[i] = sum;
    }
}

cudaError_t knn__cuda_shift_pictures(cudaStream_t stream, knn__cuda_shift s, unsigned images, const float *from, float *to)
{
    unsigned n = images * s.to_height * s.to_width * s.channels;
    KNN_LAUNCH_FOURS_IF(s.channels % 4 == 0 && is_aligned(from) && is_aligned(to), n, stream, shift, s, n, from, to);
    return cudaGetLastError();
}

cudaError_t knn__cuda_permute(cudaStream_t stream, knn__cuda_axes a, unsigned images, const float *from, float *to)
{
    unsigned n = images * a.size[0] * a.size[1] * a.size[2];
    KNN_LAUNCH_EACH(n, stream, permute, a, n, from, to);
    return cudaGetLastError();
}

cudaError_t knn__cuda_enlarge(cudaStream_t stream, knn__cuda_enlargement e, unsigned images, const float *x, float *y)
{
    unsigned n = images * e.in_height * e.rows * e.in_width * e.columns * e.channels;
    KNN_LAUNCH_EACH(n, stream, enlarge, e, n, x, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_enlarge_backward(cudaStream_t stream, knn__cuda_enlargement e, unsigned images, const float *dy, float *dx)
{
    unsigned n = images * e.in_height * e.in_width * e.channels;
    KNN_LAUNCH_EACH(n, stream, enlarge_backward, e, n, dy, dx);
    return cudaGetLastError();
}
