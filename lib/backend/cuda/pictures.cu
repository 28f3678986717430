/* Pictures of 8 bits made a network's input: moved, mirrored, in other colours, rescaled (backend/pictures.h), one number a thread. */
#include "backend/cuda/knn_cu.h"

#include <float.h>

typedef struct pictures {
    unsigned height, width, channels, length;               /* length: numbers of a picture */
    float rescale;
    const uint8_t *bytes;
    knn__picture_change *changes;
} pictures;

/* Number (row, column, channel) of a picture. */
static __device__ float number_at(const pictures &p, const uint8_t *bytes, int row, int column, unsigned channel)
{
    return (float)bytes[((unsigned)row * p.width + (unsigned)column) * p.channels + channel];
}

static __device__ float mirrored(const pictures &p, const knn__picture_change &change, const uint8_t *bytes, int i, int j, unsigned channel)
{
    return number_at(p, bytes, change.flips_rows ? (int)p.height - 1 - i : i, change.flips_columns ? (int)p.width - 1 - j : j, channel);
}

static __device__ float moved(const pictures &p, const knn__picture_change &change, const uint8_t *bytes, int i, int j, unsigned channel)
{
    const knn__affine &from = change.from;
    int height = (int)p.height, width = (int)p.width;
    if (change.fill_mode == KNN_FILL_CONSTANT && (knn__is_outside(from.row, i, j, height) || knn__is_outside(from.column, i, j, width)))
        return change.cval;
    float row = knn__picture_place(knn__picture_start(from.row, i), (float)from.row[1], j, height, change.fill_mode);
    float column = knn__picture_place(knn__picture_start(from.column, i), (float)from.column[1], j, width, change.fill_mode);
    int upper = (int)row, left = (int)column;
    int lower = upper + 1 < height ? upper + 1 : upper, right = left + 1 < width ? left + 1 : left;
    return knn__picture_blend(number_at(p, bytes, upper, left, channel), number_at(p, bytes, upper, right, channel),
                              number_at(p, bytes, lower, left, channel), number_at(p, bytes, lower, right, channel), row - (float)upper,
                              column - (float)left);
}

/* Number `place` of picture `image`, in its place but with its old colours. */
static __device__ float placed(const pictures &p, unsigned image, unsigned place)
{
    const knn__picture_change &change = p.changes[image];
    const uint8_t *bytes = p.bytes + image * p.length;
    unsigned pixel = place / p.channels, channel = place % p.channels;
    int i = (int)(pixel / p.width), j = (int)(pixel % p.width);
    return change.moves ? moved(p, change, bytes, i, j, channel) : mirrored(p, change, bytes, i, j, channel);
}

KNN_KERNEL feed(pictures p, unsigned n, float *x)
{
    KNN_EACH (i, n) {
        unsigned image = i / p.length;
        x[i] = knn__recolored(&p.changes[image], placed(p, image, i % p.length)) * p.rescale;
    }
}

/* A picture for each block. */
KNN_KERNEL find_ranges(pictures p, unsigned images)
{
    __shared__ float least[KNN_THREADS], most[KNN_THREADS];
    unsigned thread = threadIdx.x;
    for (unsigned image = blockIdx.x; image < images; image += gridDim.x) {
        least[thread] = FLT_MAX;
        most[thread] = -FLT_MAX;
        for (unsigned place = thread; place < p.length; place += KNN_THREADS) {
            float x = placed(p, image, place);
            least[thread] = x < least[thread] ? x : least[thread];
            most[thread] = x > most[thread] ? x : most[thread];
        }
        for (unsigned half = KNN_THREADS / 2; half > 0; half /= 2) {
            __syncthreads();
            if (thread < half) {
                least[thread] = least[thread + half] < least[thread] ? least[thread + half] : least[thread];
                most[thread] = most[thread + half] > most[thread] ? most[thread + half] : most[thread];
            }
        }
        if (thread == 0) {
            p.changes[image].least = least[0];
            p.changes[image].most = most[0];
        }
        __syncthreads();
    }
}

cudaError_t knn__cuda_feed(cudaStream_t stream, const knn__pictures_call *call)
{
    const knn__picture_form &f = call->form;
    const unsigned images = (unsigned)call->images, length = (unsigned)f.height * (unsigned)f.width * (unsigned)f.channels;
    const pictures p = {(unsigned)f.height, (unsigned)f.width, (unsigned)f.channels, length, f.rescale, call->pictures.bytes,
                        call->pictures.changes};
    if (call->wants_ranges)
        KNN_LAUNCH(find_ranges, images < knn__cuda_grid_cap ? images : knn__cuda_grid_cap, KNN_THREADS, stream, p, images);
    KNN_LAUNCH_EACH(images * length, stream, feed, p, images * length, call->x);
    return cudaGetLastError();
}
