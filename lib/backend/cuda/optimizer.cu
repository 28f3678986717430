/* One optimizer step over all weight arrays, in one launch: penalties, accumulation, clipping, the formulas of updates.h, the average of the
 * weights. What needs sums over arrays is in optimizer_arrays.cu. */
#include "backend/cuda/optimizer_step.h"

/* Slots in Keras' order: backend.h. RMSprop's optional ones stand for others where they are not in use. */
static __device__ float updated(const knn__cuda_step &s, size_t i, float weight, float gradient)
{
    const knn__update_constants *c = &s.now->constants;
    float *a = s.slot[0] + i, *b = s.slot[1] + i, *third = s.slot[2] + i;
    switch (s.op) {
    case KNN_UPDATE_SGD:
        return c->momentum > 0 ? knn__sgd_with_momentum(c, weight, gradient, a) : knn__sgd(c, weight, gradient);
    case KNN_UPDATE_RMSPROP:
        return c->momentum > 0 || c->centered ? knn__rmsprop_with_options(c, weight, gradient, a, b, c->momentum > 0 ? third : b)
                                              : knn__rmsprop(c, weight, gradient, a);
    case KNN_UPDATE_ADAM:
        return c->amsgrad ? knn__amsgrad(c, weight, gradient, a, b, third) : knn__adam(c, weight, gradient, a, b);
    case KNN_UPDATE_ADAGRAD:  return knn__adagrad(c, weight, gradient, a);
    case KNN_UPDATE_ADADELTA: return knn__adadelta(c, weight, gradient, a, b);
    case KNN_UPDATE_ADAMAX:   return knn__adamax(c, weight, gradient, a, b);
    case KNN_UPDATE_NADAM:    return knn__nadam(c, weight, gradient, a, b);
    case KNN_UPDATE_FTRL:     return knn__ftrl(c, weight, gradient, a, b);
    case KNN_UPDATE_LION:     return knn__lion(c, weight, gradient, a);
    default:                  return weight;                    /* by arrays: only decayed */
    }
}

static __device__ float clipped(const knn__cuda_step &s, size_t i)
{
    float gradient = knn__gradient_of(s, i);
    if (s.by_norm)
        gradient *= s.factors[knn__array_of(s, i)];
    if (s.clipvalue > 0)
        gradient = gradient > s.clipvalue ? s.clipvalue : gradient < -s.clipvalue ? -s.clipvalue : gradient;
    return gradient;
}

static __device__ void keep_average(const knn__cuda_step &s, size_t i)
{
    s.average[i] = s.now->kept * s.average[i] + (1 - s.now->kept) * s.weights[i];
    if (s.now->overwrite)
        s.weights[i] = s.average[i];
}

KNN_KERNEL update(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_NOW(s);
    KNN_EACH (k, count) {
        size_t i = first + k;
        if (s.last) {
            float gradient = clipped(s, i);
            s.weights[i] = updated(s, i, knn__decayed(&s.now->constants, s.weights[i]), gradient);
            if (s.sum != NULL)
                s.sum[i] = 0;
            if (s.by_arrays)
                s.gradients[i] = gradient;
        } else
            s.sum[i] += knn__gradient_of(s, i);
        if (s.average != NULL && !s.by_arrays)
            keep_average(s, i);
    }
}

KNN_KERNEL average(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_NOW(s);
    KNN_EACH (k, count)
        keep_average(s, first + k);
}

cudaError_t knn__cuda_update(cudaStream_t stream, knn__cuda_step s)
{
    KNN_LAUNCH_ELEMENTS(s.length, stream, update, s);
    return cudaGetLastError();
}

cudaError_t knn__cuda_average(cudaStream_t stream, knn__cuda_step s)
{
    KNN_LAUNCH_ELEMENTS(s.length, stream, average, s);
    return cudaGetLastError();
}
