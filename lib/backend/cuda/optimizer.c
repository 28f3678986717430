/* An optimizer's step on a device: which launches it is made of. One does it for most; norms, penalties and optimizers that look at whole
 * arrays need more. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

static bool by_arrays(const knn__update_call *call) { return call->op == KNN_UPDATE_LAMB || call->op == KNN_UPDATE_ADAFACTOR; }

/* The numbers that Lamb and Adafactor need beside the constants. */
static void describe_arrays(const knn__update_call *call, knn__cuda_step *s)
{
    double t = (double)call->step;
    if (call->op == KNN_UPDATE_LAMB) {
        s->share_1 = (float)knn__fresh_share(call->beta_1, call->step);
        s->share_2 = (float)knn__fresh_share(call->beta_2, call->step);
        return;
    }
    s->epsilon_2 = (float)call->epsilon_2;
    s->clip_threshold = (float)call->clip_threshold;
    s->fresh = (float)pow(t, call->beta_2_decay);
    s->most_rate = (float)fmin(call->rate, 1 / sqrt(t));
}

/* workspace: the penalty, [count][2] totals, [count] factors in doubles' places, [count][KNN_STEP_PARTS][2] parts. */
static void place_sums(const knn__step_call *call, knn__cuda_step *s)
{
    s->penalty = call->workspace;
    s->totals = s->penalty + 1;
    s->factors = (float *)(s->totals + 2 * call->count);
    s->partial = s->totals + 3 * call->count;
}

static knn__cuda_step describe(const knn__step_call *call)
{
    const knn__update_call *update = &call->update;
    knn__cuda_step s = {.op = update->op, .constants = knn__update_constants_of(update), .weights = update->weights,
        .gradients = (float *)(uintptr_t)update->gradients, .sum = call->sum, .average = call->average, .length = call->length,
        .arrays = call->arrays, .count = (unsigned)call->count, .by_arrays = by_arrays(update), .penalized = call->penalty != NULL,
        .by_norm = call->clipnorm > 0 || call->global_clipnorm > 0, .last = call->last, .overwrite = call->overwrite,
        .batches = (float)call->batches, .clipnorm = (float)call->clipnorm, .clipvalue = (float)call->clipvalue,
        .global_clipnorm = (float)call->global_clipnorm, .kept = (float)call->kept};
    for (int i = 0; i < KNN_OWN_SLOTS; i++)
        s.slot[i] = update->slot[i] != NULL ? update->slot[i] : update->weights;
    place_sums(call, &s);
    if (s.by_arrays)
        describe_arrays(update, &s);
    return s;
}

void knn__cuda_optimizer_step(const knn__step_call *call)
{
    knn_device *device = call->update.device;
    knn__cuda_step s = describe(call);
    if (s.penalized) {
        knn__cuda_did(device, knn__cuda_penalties(device->stream, s), "the penalties");
        knn__cuda_devices.read(device, call->penalty, s.penalty, sizeof *s.penalty);
    }
    if (s.by_norm && s.last)
        knn__cuda_did(device, knn__cuda_clip_factors(device->stream, s), "norms of gradients");
    if (device->failed)                                     /* weights do not change by what was not made */
        return;
    knn__cuda_did(device, knn__cuda_update(device->stream, s), "an optimizer step");
    if (s.by_arrays && s.last)
        knn__cuda_did(device, knn__cuda_update_arrays(device->stream, s), "an optimizer step");
    if (s.by_arrays && s.average != NULL)
        knn__cuda_did(device, knn__cuda_average(device->stream, s), "the average of the weights");
}
