/* What the kernels of an optimizer's step share: launches over all elements, which array an element is in, its gradient. For .cu files. */
#ifndef KNN_BACKEND_CUDA_OPTIMIZER_STEP_H
#define KNN_BACKEND_CUDA_OPTIMIZER_STEP_H

#include "backend/cuda/knn_cu.h"

#include <math.h>

static const size_t KNN_ELEMENTS_A_LAUNCH = (size_t)1 << 30;        /* kernels index with 32 bits, from `first` on */

static inline unsigned knn__elements_from(size_t first, size_t length)
{
    return (unsigned)(length - first < KNN_ELEMENTS_A_LAUNCH ? length - first : KNN_ELEMENTS_A_LAUNCH);
}

/* Launches kernel(s, first, count) so that all of [0, length) are covered. */
#define KNN_LAUNCH_ELEMENTS(length, stream, kernel, s) \
    for (size_t first = 0; first < (length); first += KNN_ELEMENTS_A_LAUNCH) \
        KNN_LAUNCH_EACH(knn__elements_from(first, length), stream, kernel, s, first, knn__elements_from(first, length))

/* What changes from step to step, read once by each thread, not after each store. */
#define KNN_NOW(s) \
    const knn__cuda_now now = *(s).now; \
    (s).now = &now

/* The last array that does not begin behind i. */
template <size_t knn__weight_array::*BEGIN> static __device__ inline unsigned knn__last_array(const knn__cuda_step &s, size_t i)
{
    unsigned low = 0, high = s.count;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (s.arrays[middle].*BEGIN <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The array of element i. What lies between two arrays is zeros, and counts to the first. */
static __device__ inline unsigned knn__array_of(const knn__cuda_step &s, size_t i) { return knn__last_array<&knn__weight_array::offset>(s, i); }

/* With the penalty's; the mean over the batches that make this update. Not clipped. */
static __device__ inline float knn__gradient_of(const knn__cuda_step &s, size_t i, float weight, float gradient, float sum)
{
    if (s.penalized) {
        const knn__weight_array &array = s.arrays[knn__array_of(s, i)];
        float sign = (float)((weight > 0) - (weight < 0));
        gradient += (float)array.l1 * sign + (float)(2 * array.l2) * weight;
    }
    return s.sum != NULL && s.last ? (gradient + sum) / s.batches : gradient;
}

#endif
