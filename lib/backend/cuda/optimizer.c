/* An optimizer's step on a device: which launches it is made of. One does it for most; norms, penalties, constraints and optimizers that look
 * at whole arrays need more. */
#include "backend/cuda/blas.h"
#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

static bool by_arrays(const knn__update_call *call) { return call->op == KNN_UPDATE_LAMB || call->op == KNN_UPDATE_ADAFACTOR; }

/* The numbers that Lamb and Adafactor need beside the constants. */
static void describe_arrays(const knn__update_call *call, knn__cuda_now *now)
{
    double t = (double)call->step;
    if (call->op == KNN_UPDATE_LAMB) {
        now->share_1 = (float)knn__fresh_share(call->beta_1, call->step);
        now->share_2 = (float)knn__fresh_share(call->beta_2, call->step);
        return;
    }
    now->fresh = (float)pow(t, call->beta_2_decay);
    now->most_rate = (float)fmin(call->rate, 1 / sqrt(t));
}

void knn__cuda_describe_step(const knn__step_call *call, void *to)
{
    _Static_assert(sizeof(knn__cuda_now) <= KNN_STEP_NOW, "no room for what changes from step to step");
    knn__cuda_now now = {.constants = knn__update_constants_of(&call->update), .kept = (float)call->kept, .overwrite = call->overwrite};
    if (by_arrays(&call->update))
        describe_arrays(&call->update, &now);
    memcpy(to, &now, sizeof now);
}

/* workspace: [count][2] totals, [count] factors in doubles' places, [count][KNN_STEP_PARTS][2] parts. */
static void place_sums(const knn__step_call *call, knn__cuda_step *s)
{
    s->totals = call->workspace;
    s->factors = (float *)(s->totals + 2 * call->count);
    s->partial = s->totals + 3 * call->count;
}

static knn__cuda_step arguments(const knn__step_call *call)
{
    const knn__update_call *update = &call->update;
    knn__cuda_step s = {.op = update->op, .now = call->now, .epsilon_2 = (float)update->epsilon_2,
        .clip_threshold = (float)update->clip_threshold, .weights = update->weights,
        .gradients = (float *)(uintptr_t)update->gradients, .sum = call->sum, .average = call->average, .length = call->length,
        .arrays = call->arrays, .count = (unsigned)call->count, .by_arrays = by_arrays(update), .penalized = call->penalty != NULL,
        .by_norm = call->clipnorm > 0 || call->global_clipnorm > 0, .last = call->last, .batches = (float)call->batches,
        .clipnorm = (float)call->clipnorm, .clipvalue = (float)call->clipvalue, .global_clipnorm = (float)call->global_clipnorm,
        .penalty = call->penalty};
    for (int i = 0; i < KNN_OWN_SLOTS; i++)
        s.slot[i] = update->slot[i];
    place_sums(call, &s);
    return s;
}

/* ---- Penalties ---- */

/* The penalty on cosines of the rows or columns of a matrix: with the matrix of their products W W^T, a gradient is a product with W, too. */
static void penalize_cosines(const knn__step_call *call, const knn__weight_array *array, double *penalty)
{
    knn_device *device = call->update.device;
    size_t n = knn__penalized_vectors(array), columns = (size_t)array->columns, length = array->length / n;
    const float *w = call->update.weights + array->offset;
    float *gradient = (float *)(uintptr_t)call->update.gradients + array->offset;
    double *room = call->workspace + (size_t)call->count * KNN_STEP_WORKSPACE;
    knn__cuda_cosines c = {(unsigned)n, (float *)(room + 2 * n), room, room + n, array->cosines};
    knn__cuda_matrix plain = {w, columns, false}, turned = {w, columns, true};
    knn__cuda_gemm(device, n, n, length, array->of_columns ? turned : plain, array->of_columns ? plain : turned, false, c.products, n);
    knn__cuda_did(device, knn__cuda_cosine_slopes(device->stream, c), "a penalty on cosines");
    knn__cuda_did(device, knn__cuda_add_cosines(device->stream, c, penalty), "a penalty on cosines");
    if (array->of_columns)
        knn__cuda_gemm(device, length, n, n, plain, (knn__cuda_matrix){c.products, n, false}, true, gradient, columns);
    else
        knn__cuda_gemm(device, n, length, n, (knn__cuda_matrix){c.products, n, true}, plain, true, gradient, columns);
}

static void penalize(const knn__step_call *call, const knn__cuda_step *s)
{
    knn_device *device = call->update.device;
    knn__cuda_did(device, knn__cuda_penalties(device->stream, *s), "the penalties");
    for (int i = 0; i < call->count; i++)
        if (knn__penalized_vectors(&call->arrays_here[i]) > 0)
            penalize_cosines(call, &call->arrays_here[i], s->penalty);
}

/* ---- The step ---- */

static size_t constrained_vectors(const knn__step_call *call)
{
    const knn__weight_array *last = &call->arrays_here[call->count - 1];
    return last->first_vector + last->constraint.across.length;
}

void knn__cuda_optimizer_step(const knn__step_call *call)
{
    knn_device *device = call->update.device;
    knn__cuda_step s = arguments(call);
    if (s.penalized)
        penalize(call, &s);
    if (s.by_norm && s.last)
        knn__cuda_did(device, knn__cuda_clip_factors(device->stream, s), "norms of gradients");
    if (device->failed)                                     /* weights do not change by what was not made */
        return;
    knn__cuda_did(device, knn__cuda_update(device->stream, s), "an optimizer step");
    if (s.by_arrays && s.last)
        knn__cuda_did(device, knn__cuda_update_arrays(device->stream, s), "an optimizer step");
    if (s.by_arrays && s.average != NULL)
        knn__cuda_did(device, knn__cuda_average(device->stream, s), "the average of the weights");
    knn__cuda_did(device, knn__cuda_constrain(device->stream, s, constrained_vectors(call)), "constraints");
}
