/* One step of an optimizer: accumulate or clip the gradients, one sweep of the backend over the arenas, the average of the weights.
 * Knows no optimizer's formula and no options' names. */
#include "core/parallel.h"
#include "learning/learning.h"

#include <math.h>
#include <string.h>

enum { SWEEP = 1 << 14 };                   /* elements that one slice updates: its arrays stay in the L2 cache */

typedef struct sweep {
    const knn__optimizer *optimizer;
    const knn_backend *backend;
    knn__update_call call;
    int threads;
    size_t length;
    const knn__stretch *stretches;
    int count;
    float *gradients, *sum, *average;       /* sum, average: the slots of accumulation and EMA; NULL: not in use */
    float kept;                             /* share of the average that stays */
    bool overwrite;                         /* the weights become the average */
} sweep;

static void each_part(const sweep *s, knn__body body)
{
    knn__parallel((int)((s->length + SWEEP - 1) / SWEEP), s->threads, body, (void *)(uintptr_t)s);
}

static size_t part_end(const sweep *s, size_t first) { return first + SWEEP < s->length ? first + SWEEP : s->length; }

static double sum_of_squares(const float *g, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    return sum;
}

/* Keras' g * c / max(norm, c). */
static void limit_norm(float *g, size_t n, double norm, double most)
{
    if (!(norm > most))
        return;
    float factor = (float)(most / norm);
    for (size_t i = 0; i < n; i++)
        g[i] *= factor;
}

static void limit_array(int slice, void *context)
{
    const sweep *s = context;
    const knn__stretch *stretch = &s->stretches[slice];
    float *g = s->gradients + stretch->offset;
    limit_norm(g, stretch->length, sqrt(sum_of_squares(g, stretch->length)), s->optimizer->clipnorm);
}

static void limit_values(float *g, size_t n, float most)
{
    for (size_t i = 0; i < n; i++)
        g[i] = g[i] > most ? most : g[i] < -most ? -most : g[i];
}

static void update_part(int slice, void *context)
{
    const sweep *s = context;
    size_t first = (size_t)slice * SWEEP, last = part_end(s, first);
    if (s->optimizer->clipvalue > 0.0)
        limit_values(s->gradients + first, last - first, (float)s->optimizer->clipvalue);
    s->backend->update(&s->call, first, last);
}

/* For what needs a whole array at once; its last two sizes are a matrix. */
static void update_array(int slice, void *context)
{
    const sweep *s = context;
    const knn__stretch *stretch = &s->stretches[slice];
    knn__update_call call = s->call;
    if (s->optimizer->clipvalue > 0.0)
        limit_values(s->gradients + stretch->offset, stretch->length, (float)s->optimizer->clipvalue);
    if (stretch->rank >= 2) {
        call.rows = stretch->shape[stretch->rank - 2];
        call.columns = stretch->shape[stretch->rank - 1];
    }
    s->backend->update(&call, stretch->offset, stretch->offset + stretch->length);
}

static void update(const sweep *s)
{
    void *context = (void *)(uintptr_t)s;
    double most = s->optimizer->global_clipnorm;
    if (s->optimizer->clipnorm > 0.0)
        knn__parallel(s->count, s->threads, limit_array, context);
    if (most > 0.0)
        limit_norm(s->gradients, s->length, sqrt(sum_of_squares(s->gradients, s->length)), most);
    if (s->call.op == KNN_UPDATE_LAMB || s->call.op == KNN_UPDATE_ADAFACTOR)
        knn__parallel(s->count, s->threads, update_array, context);
    else
        each_part(s, update_part);
}

/* ---- Accumulated gradients ---- */

static void add_part(int slice, void *context)
{
    const sweep *s = context;
    size_t first = (size_t)slice * SWEEP, last = part_end(s, first);
    for (size_t i = first; i < last; i++)
        s->sum[i] += s->gradients[i];
}

/* The last of the batches: the gradients become the mean, the sum starts anew. */
static void take_part(int slice, void *context)
{
    const sweep *s = context;
    size_t first = (size_t)slice * SWEEP, last = part_end(s, first);
    float count = (float)s->optimizer->accumulation_steps;
    for (size_t i = first; i < last; i++) {
        s->gradients[i] = (s->gradients[i] + s->sum[i]) / count;
        s->sum[i] = 0.0f;
    }
}

/* ---- The average of the weights ---- */

static void average_part(int slice, void *context)
{
    const sweep *s = context;
    size_t first = (size_t)slice * SWEEP, last = part_end(s, first);
    float *w = s->call.weights, kept = s->kept;
    for (size_t i = first; i < last; i++)
        s->average[i] = kept * s->average[i] + (1.0f - kept) * w[i];
    if (s->overwrite)
        memcpy(w + first, s->average + first, (last - first) * sizeof *w);
}

/* ---- A step ---- */

/* Nadam's beta_1 (1 - 0.96^i / 2), multiplied over steps 1 to t; 0.96^i is nothing beyond double's precision after a thousand steps. */
static double momentum_product(double beta_1, uint64_t t)
{
    double product = pow(beta_1, (double)t);
    for (uint64_t i = 1; i <= t && i < 1000; i++)
        product *= 1 - 0.5 * pow(0.96, (double)i);
    return product;
}

static uint64_t batches_of(const knn__optimizer *o) { return o->accumulation_steps > 0 ? (uint64_t)o->accumulation_steps : 1; }

/* Whether the step changes the weights, and not only adds up gradients. */
static bool is_last(const knn__optimizer *optimizer, uint64_t step) { return (step + 1) % batches_of(optimizer) == 0; }

/* Keras counts updates, not batches: with accumulation several steps make one. The schedule goes by batches. */
static sweep sweep_of(const knn__optimizer *optimizer, uint64_t step, size_t length, float *weights, float *gradients, float *const *slots)
{
    uint64_t batches = batches_of(optimizer), done = step / batches;
    int frequency = optimizer->ema_overwrite_frequency;
    sweep s = {.optimizer = optimizer, .call = optimizer->update, .length = length, .gradients = gradients,
        .sum = batches > 1 ? slots[optimizer->own_slots] : NULL, .average = optimizer->use_ema ? slots[optimizer->slots - 1] : NULL,
        .kept = done > 0 ? (float)optimizer->ema_momentum : 0.0f,
        .overwrite = frequency > 0 && (done + 1) % (uint64_t)frequency == 0};
    s.call.rate = knn__optimizer_rate(optimizer, step);
    s.call.decay = optimizer->weight_decay * s.call.rate;
    s.call.step = done + 1;
    s.call.weights = weights;
    s.call.gradients = gradients;
    if (s.call.op == KNN_UPDATE_NADAM)
        s.call.momentum_product = momentum_product(s.call.beta_1, s.call.step);
    for (int slot = 0; slot < optimizer->own_slots; slot++)
        s.call.slot[slot] = slots[slot];
    return s;
}

void knn__optimizer_step(const knn__optimizer *optimizer, const knn_backend *backend, int threads, uint64_t step, size_t length,
                         const knn__stretch *stretches, int count, float *weights, float *gradients, float *const *slots)
{
    sweep s = sweep_of(optimizer, step, length, weights, gradients, slots);
    s.backend = backend;
    s.threads = threads;
    s.stretches = stretches;
    s.count = count;
    if (s.sum != NULL)
        each_part(&s, is_last(optimizer, step) ? take_part : add_part);
    if (is_last(optimizer, step))
        update(&s);
    if (s.average != NULL)
        each_part(&s, average_part);
}

/* ---- On a device ---- */

void knn__weight_arrays(const knn__stretch *stretches, int count, knn__weight_array *arrays)
{
    size_t vectors = 0;
    for (int i = 0; i < count; i++) {
        const knn__stretch *s = &stretches[i];
        bool matrix = s->rank >= 2;
        arrays[i] = (knn__weight_array){.offset = s->offset, .length = s->length, .rows = matrix ? s->shape[s->rank - 2] : 0,
            .columns = matrix ? s->shape[s->rank - 1] : 0, .constraint = knn__constraint_of(s), .first_vector = vectors};
        knn__describe_penalty(s, &arrays[i]);
        vectors += arrays[i].constraint.across.length;
    }
}

knn__step_call knn__optimizer_step_there(const knn__optimizer *o, const knn__device_step *there, uint64_t step, size_t length, int count,
                                         float *weights, float *gradients, float *const *slots)
{
    const sweep s = sweep_of(o, step, length, weights, gradients, slots);
    knn__step_call call = {.update = s.call, .length = length, .arrays = there->arrays, .arrays_here = there->arrays_here, .count = count,
        .workspace = there->workspace, .clipnorm = o->clipnorm, .clipvalue = o->clipvalue, .global_clipnorm = o->global_clipnorm, .sum = s.sum,
        .batches = (double)batches_of(o), .last = is_last(o, step), .average = s.average, .kept = (double)s.kept, .overwrite = s.overwrite,
        .penalty = there->penalty};
    call.update.device = there->device;
    return call;
}

/* ---- Before the first one, and behind the last ---- */

void knn__optimizer_finish(const knn__optimizer *optimizer, size_t length, float *weights, float *const *slots)
{
    if (optimizer->use_ema)
        memcpy(weights, slots[optimizer->slots - 1], length * sizeof *weights);
}

void knn__optimizer_start(const knn__optimizer *optimizer, int slot, const knn__stretch *stretches, int count, float *array)
{
    if (slot != 0 || optimizer->initial_accumulator == 0.0)
        return;
    for (int s = 0; s < count; s++)
        for (size_t i = 0; i < stretches[s].length; i++)
            array[stretches[s].offset + i] = (float)optimizer->initial_accumulator;
}
