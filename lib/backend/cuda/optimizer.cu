/* One optimizer step over the arenas, in one launch, with Keras 3's formulas. What is the same for all elements is worked out on the host.
 * Does not clip or schedule: gradients and rate come ready. */
#include "backend/cuda/knn_cu.h"

#include <math.h>

typedef struct step {
    knn__update_op op;
    float rate, decay, momentum, epsilon;
    float fresh_1, fresh_2;                 /* shares of the new value in running means: of the gradient, and of its square */
    bool nesterov, epsilon_outside;
    float *weights;
    const float *gradients;
    float *mean, *square, *velocity, *most; /* NULL: not in use */
} step;

/* A running mean. */
static __device__ float average(float *mean, float fresh, float value) { return *mean += (value - *mean) * fresh; }

/* Each of these returns what is subtracted from weight i. */

static __device__ float sgd(const step &s, size_t i, float gradient)
{
    if (s.velocity == NULL)
        return s.rate * gradient;
    float velocity = s.velocity[i] = s.momentum * s.velocity[i] - s.rate * gradient;
    return s.nesterov ? s.rate * gradient - s.momentum * velocity : -velocity;
}

static __device__ float rmsprop(const step &s, size_t i, float gradient)
{
    float variance = average(&s.square[i], s.fresh_2, gradient * gradient);
    if (s.mean != NULL) {
        float mean = average(&s.mean[i], s.fresh_2, gradient);
        variance = fmaxf(variance - mean * mean, 0);            /* below 0 by rounding only */
    }
    float root = s.epsilon_outside ? sqrtf(variance) + s.epsilon : sqrtf(variance + s.epsilon);
    float step_back = s.rate * gradient / root;
    if (s.velocity != NULL)
        step_back = s.velocity[i] = s.momentum * s.velocity[i] + step_back;
    return step_back;
}

static __device__ float adam(const step &s, size_t i, float gradient)
{
    float mean = average(&s.mean[i], s.fresh_1, gradient), square = average(&s.square[i], s.fresh_2, gradient * gradient);
    if (s.most != NULL)
        square = s.most[i] = fmaxf(s.most[i], square);
    return s.rate * mean / (sqrtf(square) + s.epsilon);
}

static __device__ float change(const step &s, size_t i, float gradient)
{
    return s.op == KNN_UPDATE_SGD ? sgd(s, i, gradient) : s.op == KNN_UPDATE_RMSPROP ? rmsprop(s, i, gradient) : adam(s, i, gradient);
}

KNN_KERNEL update(step s, size_t first, unsigned count)
{
    KNN_EACH (k, count) {
        size_t i = first + k;
        float gradient = s.gradients[i], weight = s.weights[i];
        s.weights[i] = weight - weight * s.decay - change(s, i, gradient);
    }
}

/* Slots in Keras' order: backend.h. */
static step describe(const knn__update_call *call)
{
    step s = {};
    s.op = call->op;
    s.rate = (float)call->rate;
    s.decay = (float)call->decay;
    s.momentum = (float)call->momentum;
    s.epsilon = (float)call->epsilon;
    s.nesterov = call->nesterov;
    s.epsilon_outside = call->epsilon_outside;
    s.weights = call->weights;
    s.gradients = call->gradients;
    if (call->op == KNN_UPDATE_SGD)
        s.velocity = call->momentum > 0 ? call->slot[0] : NULL;
    else if (call->op == KNN_UPDATE_RMSPROP) {
        int next = 1;
        s.fresh_2 = (float)(1 - call->rho);
        s.square = call->slot[0];
        s.velocity = call->momentum > 0 ? call->slot[next++] : NULL;
        s.mean = call->centered ? call->slot[next] : NULL;
    } else {                                                    /* Adam: Kingma and Ba, 2015, end of section 2 */
        s.rate = (float)(call->rate * sqrt(knn__fresh_share(call->beta_2, call->step)) / knn__fresh_share(call->beta_1, call->step));
        s.fresh_1 = (float)(1 - call->beta_1);
        s.fresh_2 = (float)(1 - call->beta_2);
        s.mean = call->slot[0];
        s.square = call->slot[1];
        s.most = call->amsgrad ? call->slot[2] : NULL;
    }
    return s;
}

cudaError_t knn__cuda_update(cudaStream_t stream, const knn__update_call *call, size_t first, size_t count)
{
    KNN_LAUNCH_EACH((unsigned)count, stream, update, describe(call), first, (unsigned)count);
    return cudaGetLastError();
}
