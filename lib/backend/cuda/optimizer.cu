/* One optimizer step over all weight arrays, in one launch: penalties, accumulation, clipping, the formulas of updates.h, the average of the
 * weights. What needs sums over arrays is in optimizer_arrays.cu. */
#include "backend/cuda/optimizer_step.h"

/* What the arenas have of an element; 0 where there is no arena. */
typedef struct element { float weight, gradient, sum, average, slot[KNN_OWN_SLOTS]; } element;

/* Slots in Keras' order: backend.h. RMSprop has its mean in the second one where it has no velocity. */
static __device__ float updated(const knn__cuda_step &s, float weight, float gradient, float (&slot)[KNN_OWN_SLOTS])
{
    const knn__update_constants *c = &s.now->constants;
    float *a = &slot[0], *b = &slot[1], *third = &slot[2];
    switch (s.op) {
    case KNN_UPDATE_SGD:
        return c->momentum > 0 ? knn__sgd_with_momentum(c, weight, gradient, a) : knn__sgd(c, weight, gradient);
    case KNN_UPDATE_RMSPROP:
        return c->momentum > 0 ? knn__rmsprop_with_options(c, weight, gradient, a, b, third)
             : c->centered     ? knn__rmsprop_with_options(c, weight, gradient, a, third, b) : knn__rmsprop(c, weight, gradient, a);
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

static __device__ float clipped(const knn__cuda_step &s, size_t i, float gradient)
{
    if (s.by_norm)
        gradient *= s.factors[knn__array_of(s, i)];
    if (s.clipvalue > 0)
        gradient = gradient > s.clipvalue ? s.clipvalue : gradient < -s.clipvalue ? -s.clipvalue : gradient;
    return gradient;
}

static __device__ void keep_average(const knn__cuda_step &s, float &average, float &weight)
{
    average = s.now->kept * average + (1 - s.now->kept) * weight;
    if (s.now->overwrite)
        weight = average;
}

/* Element number i. */
static __device__ element changed(const knn__cuda_step &s, size_t i, element e)
{
    float gradient = knn__gradient_of(s, i, e.weight, e.gradient, e.sum);
    if (s.last) {
        e.gradient = clipped(s, i, gradient);
        e.weight = updated(s, knn__decayed(&s.now->constants, e.weight), e.gradient, e.slot);
    }
    e.sum = s.last ? 0 : e.sum + gradient;
    if (s.average != NULL && !s.by_arrays)
        keep_average(s, e.average, e.weight);
    return e;
}

/* ---- Four elements at a time ---- */

enum { WEIGHT, GRADIENT, SUM, AVERAGE, SLOT, ARENAS = SLOT + KNN_OWN_SLOTS };

typedef struct arena { float *numbers; bool read, written; } arena;

static __device__ arena slot_of(const knn__cuda_step &s, unsigned k)
{
    bool used = s.last && !s.by_arrays && s.slot[k] != NULL;
    return {s.slot[k], used, used};
}

/* Returns whether all are aligned. */
static __device__ bool find_arenas(const knn__cuda_step &s, arena (&found)[ARENAS])
{
    bool aligned = true;
    found[WEIGHT] = {s.weights, true, true};
    found[GRADIENT] = {s.gradients, true, s.last && s.by_arrays};
    found[SUM] = {s.sum, s.sum != NULL, s.sum != NULL};
    found[AVERAGE] = {s.average, s.average != NULL && !s.by_arrays, s.average != NULL && !s.by_arrays};
    KNN_UNROLL
    for (unsigned k = 0; k < KNN_OWN_SLOTS; k++)
        found[SLOT + k] = slot_of(s, k);
    KNN_UNROLL
    for (unsigned k = 0; k < ARENAS; k++)
        aligned = aligned && is_aligned(found[k].numbers);
    return aligned;
}

static __device__ element element_of(const four<float> (&numbers)[ARENAS], unsigned j)
{
    element e = {numbers[WEIGHT].values[j], numbers[GRADIENT].values[j], numbers[SUM].values[j], numbers[AVERAGE].values[j], {}};
    KNN_UNROLL
    for (unsigned k = 0; k < KNN_OWN_SLOTS; k++)
        e.slot[k] = numbers[SLOT + k].values[j];
    return e;
}

static __device__ void put_element(four<float> (&numbers)[ARENAS], unsigned j, const element &e)
{
    numbers[WEIGHT].values[j] = e.weight;
    numbers[GRADIENT].values[j] = e.gradient;
    numbers[SUM].values[j] = e.sum;
    numbers[AVERAGE].values[j] = e.average;
    KNN_UNROLL
    for (unsigned k = 0; k < KNN_OWN_SLOTS; k++)
        numbers[SLOT + k].values[j] = e.slot[k];
}

KNN_KERNEL update(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_NOW(s);
    arena arenas[ARENAS];
    bool aligned = find_arenas(s, arenas);
    KNN_NOT_UNROLLED
    KNN_EACH (four_elements, (count + 3) / 4) {
        unsigned i = 4 * four_elements;
        four<float> numbers[ARENAS] = {};
        KNN_UNROLL
        for (unsigned k = 0; k < ARENAS; k++)
            if (arenas[k].read)
                numbers[k] = load_four(arenas[k].numbers + first, i, count, aligned);
        KNN_UNROLL
        for (unsigned j = 0; j < 4; j++)
            put_element(numbers, j, changed(s, first + i + j, element_of(numbers, j)));
        KNN_UNROLL
        for (unsigned k = 0; k < ARENAS; k++)
            if (arenas[k].written)
                store_four(arenas[k].numbers + first, i, count, aligned, numbers[k]);
    }
}

KNN_KERNEL average(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_NOW(s);
    KNN_EACH (k, count)
        keep_average(s, s.average[first + k], s.weights[first + k]);
}

cudaError_t knn__cuda_update(cudaStream_t stream, knn__cuda_step s)
{
    for (size_t first = 0; first < s.length; first += KNN_ELEMENTS_A_LAUNCH) {
        unsigned count = knn__elements_from(first, s.length);
        KNN_LAUNCH_FOURS(count, stream, update, s, first, count);
    }
    return cudaGetLastError();
}

cudaError_t knn__cuda_average(cudaStream_t stream, knn__cuda_step s)
{
    KNN_LAUNCH_ELEMENTS(s.length, stream, average, s);
    return cudaGetLastError();
}
