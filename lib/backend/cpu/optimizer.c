/* One optimizer step over a stretch of the arenas, in one pass: a vector loop for each formula of updates.h, the options being the same for
 * all elements. Does not clip or schedule: gradients and rate come ready. */
#include "backend/cpu/isa.h"
#include "backend/updates.h"

static void sgd(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights;
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__sgd(&c, knn__decayed(&c, w[i]), g[i]);
}

static void sgd_with_momentum(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict velocity = call->slot[0];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__sgd_with_momentum(&c, knn__decayed(&c, w[i]), g[i], &velocity[i]);
}

static void rmsprop(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict square = call->slot[0];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__rmsprop(&c, knn__decayed(&c, w[i]), g[i], &square[i]);
}

/* Slots: mean square, then momentum and mean gradient, where they are in use; else they stand for others. */
static void rmsprop_with_options(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    int most = (call->momentum > 0) + call->centered;
    float *w = call->weights, *square = call->slot[0], *velocity = call->slot[1], *mean = call->slot[most];
    for (size_t i = first; i < last; i++)
        w[i] = knn__rmsprop_with_options(&c, knn__decayed(&c, w[i]), call->gradients[i], &square[i], &velocity[i], &mean[i]);
}

static void adam(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict velocity = call->slot[1];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__adam(&c, knn__decayed(&c, w[i]), g[i], &momentum[i], &velocity[i]);
}

static void amsgrad(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict velocity = call->slot[1], *restrict most = call->slot[2];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__amsgrad(&c, knn__decayed(&c, w[i]), g[i], &momentum[i], &velocity[i], &most[i]);
}

static void adagrad(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict sum = call->slot[0];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__adagrad(&c, knn__decayed(&c, w[i]), g[i], &sum[i]);
}

static void adadelta(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict square = call->slot[0], *restrict steps = call->slot[1];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__adadelta(&c, knn__decayed(&c, w[i]), g[i], &square[i], &steps[i]);
}

static void adamax(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict norm = call->slot[1];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__adamax(&c, knn__decayed(&c, w[i]), g[i], &momentum[i], &norm[i]);
}

static void nadam(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict momentum = call->slot[0], *restrict velocity = call->slot[1];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__nadam(&c, knn__decayed(&c, w[i]), g[i], &momentum[i], &velocity[i]);
}

static void ftrl(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict sum = call->slot[0], *restrict linear = call->slot[1];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__ftrl(&c, knn__decayed(&c, w[i]), g[i], &sum[i], &linear[i]);
}

static void lion(const knn__update_call *call, size_t first, size_t last)
{
    const knn__update_constants c = knn__update_constants_of(call);
    float *restrict w = call->weights, *restrict momentum = call->slot[0];
    const float *restrict g = call->gradients;
    for (size_t i = first; i < last; i++)
        w[i] = knn__lion(&c, knn__decayed(&c, w[i]), g[i], &momentum[i]);
}

void KNN_ISA_NAME(knn__update)(const knn__update_call *call, size_t first, size_t last)
{
    switch (call->op) {
    case KNN_UPDATE_SGD:
        (call->momentum == 0 ? sgd : sgd_with_momentum)(call, first, last);
        break;
    case KNN_UPDATE_RMSPROP:
        (call->momentum > 0 || call->centered ? rmsprop_with_options : rmsprop)(call, first, last);
        break;
    case KNN_UPDATE_ADAM:
        (call->amsgrad ? amsgrad : adam)(call, first, last);
        break;
    case KNN_UPDATE_ADAGRAD:
        adagrad(call, first, last);
        break;
    case KNN_UPDATE_ADADELTA:
        adadelta(call, first, last);
        break;
    case KNN_UPDATE_ADAMAX:
        adamax(call, first, last);
        break;
    case KNN_UPDATE_NADAM:
        nadam(call, first, last);
        break;
    case KNN_UPDATE_FTRL:
        ftrl(call, first, last);
        break;
    case KNN_UPDATE_LION:
        lion(call, first, last);
        break;
    case KNN_UPDATE_LAMB:                       /* the reference's, as backend.c has it */
    case KNN_UPDATE_ADAFACTOR:
        break;
    }
}
