/* The optimizers: their options, their state arrays, and one step: clip the gradients, then one sweep of the backend over
 * the arenas. The update formulas themselves are the backends'. */
#include "core/parallel.h"
#include "core/status.h"
#include "core/text.h"
#include "learning/learning.h"

#include <float.h>
#include <math.h>

enum { SWEEP = 1 << 14 };                   /* elements that one slice updates: its arrays stay in the L2 cache */

typedef struct optimizer_kind {
    knn__kind kind;
    knn__update_op op;
    const char *slots[KNN_MAX_SLOTS];       /* Keras' names */
    const char *slot_options[KNN_MAX_SLOTS];        /* without this option there is no such slot; NULL: it is always there */
} optimizer_kind;

#define REAL(type, member, normal, most) {#member, KNN_FIELD_REAL, offsetof(type, member), normal, 0, most, NULL}
#define FLAG(type, member)               {#member, KNN_FIELD_BOOL, offsetof(type, member), 0, 0, 0, NULL}
#define END                              {NULL, KNN_FIELD_INT, 0, 0, 0, 0, NULL}
/* In files a schedule takes the number's place: both fields have the same key, and a schedule that is given goes first. */
#define COMMON(type, rate, decay) \
    {"learning_rate", KNN_FIELD_NESTED, offsetof(type, schedule), 0, 0, 0, knn__schedule_kinds}, \
    REAL(type, learning_rate, rate, DBL_MAX), REAL(type, weight_decay, decay, DBL_MAX), \
    REAL(type, clipnorm, 0, DBL_MAX), REAL(type, clipvalue, 0, DBL_MAX), REAL(type, global_clipnorm, 0, DBL_MAX)

static const knn_field sgd_fields[] = {
    COMMON(knn_sgd_optimizer, 0.01, 0), REAL(knn_sgd_optimizer, momentum, 0, 1), FLAG(knn_sgd_optimizer, nesterov), END};

static const knn_field rmsprop_fields[] = {
    COMMON(knn_rmsprop_optimizer, 0.001, 0), REAL(knn_rmsprop_optimizer, rho, 0.9, 1),
    REAL(knn_rmsprop_optimizer, momentum, 0, 1), REAL(knn_rmsprop_optimizer, epsilon, 1e-7, DBL_MAX),
    FLAG(knn_rmsprop_optimizer, centered), FLAG(knn_rmsprop_optimizer, epsilon_outside), END};

#define ADAM_FIELDS(decay) { \
    COMMON(knn_adam_optimizer, 0.001, decay), REAL(knn_adam_optimizer, beta_1, 0.9, 1), \
    REAL(knn_adam_optimizer, beta_2, 0.999, 1), REAL(knn_adam_optimizer, epsilon, 1e-7, DBL_MAX), \
    FLAG(knn_adam_optimizer, amsgrad), END}

static const knn_field adam_fields[] = ADAM_FIELDS(0);
static const knn_field adamw_fields[] = ADAM_FIELDS(0.004);

static const optimizer_kind
    sgd = {{"SGD", sizeof(knn_sgd_optimizer), sgd_fields, 0, NULL}, KNN_UPDATE_SGD, {"momentum"}, {"momentum"}},
    rmsprop = {{"RMSprop", sizeof(knn_rmsprop_optimizer), rmsprop_fields, 0, NULL}, KNN_UPDATE_RMSPROP,
               {"velocity", "momentum", "average_gradient"}, {NULL, "momentum", "centered"}},
    adam = {{"Adam", sizeof(knn_adam_optimizer), adam_fields, 0, NULL}, KNN_UPDATE_ADAM,
            {"momentum", "velocity", "velocity_hat"}, {NULL, NULL, "amsgrad"}},
    adamw = {{"AdamW", sizeof(knn_adam_optimizer), adamw_fields, 0, NULL}, KNN_UPDATE_ADAM,
             {"momentum", "velocity", "velocity_hat"}, {NULL, NULL, "amsgrad"}};

const knn__kind *const knn__optimizer_kinds[] = {&sgd.kind, &rmsprop.kind, &adam.kind, &adamw.kind, NULL};

/* An option by its name: a number, or 1 for a flag that is set; 0 where this optimizer has no such option. */
static double option(const knn__optimizer *optimizer, const char *name)
{
    for (const knn_field *field = optimizer->kind->fields; field->name != NULL; field++) {
        const void *member = knn__member(optimizer->description, field);
        if (knn__text_equal(field->name, name) && field->kind == KNN_FIELD_REAL)
            return *(const double *)member;
        if (knn__text_equal(field->name, name) && field->kind == KNN_FIELD_BOOL)
            return *(const bool *)member ? 1.0 : 0.0;
    }
    return 0.0;
}

static const knn_schedule *schedule_of(const knn__optimizer *optimizer)
{
    for (const knn_field *field = optimizer->kind->fields; field->name != NULL; field++)
        if (field->kind == KNN_FIELD_NESTED)
            return *(const knn_schedule *const *)knn__member(optimizer->description, field);
    return NULL;
}

static bool has_slot(const knn__optimizer *optimizer, int slot)
{
    const optimizer_kind *kind = (const optimizer_kind *)optimizer->kind;
    const char *needed = kind->slot_options[slot];
    return kind->slots[slot] != NULL && (needed == NULL || option(optimizer, needed) > 0.0);
}

/* What a table of fields cannot say. */
static knn_status check(const knn__optimizer *optimizer)
{
    const char *name = optimizer->kind->class_name;
    if ((optimizer->clipnorm > 0.0) + (optimizer->clipvalue > 0.0) + (optimizer->global_clipnorm > 0.0) > 1)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: more than one of clipnorm, clipvalue, global_clipnorm is set", name);
    const knn_schedule *schedule = optimizer->schedule;
    if (schedule == NULL || !knn__text_equal(schedule->class_name, "PiecewiseConstantDecay"))
        return KNN_OK;
    const knn_piecewise_constant_decay_schedule *pieces = (const knn_piecewise_constant_decay_schedule *)schedule;
    if (pieces->count < 1)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: PiecewiseConstantDecay has %d boundaries, expected at least 1", name,
                         pieces->count);
    for (int i = 1; i < pieces->count; i++)
        if (!(pieces->boundaries[i - 1] < pieces->boundaries[i]))
            return knn__fail(KNN_ERROR_ARGUMENT, "%s: PiecewiseConstantDecay's boundaries %g and %g do not ascend", name,
                             pieces->boundaries[i - 1], pieces->boundaries[i]);
    return KNN_OK;
}

knn_status knn__optimizer_resolve(const knn_optimizer *description, knn__optimizer *optimizer)
{
    *optimizer = (knn__optimizer){0};
    void *copy = NULL;
    knn_status status = knn__describe_any(knn__optimizer_kinds, description, "optimizer", &optimizer->kind, &copy);
    if (status != KNN_OK)
        return status;

    optimizer->description = copy;
    optimizer->rate = option(optimizer, "learning_rate");
    optimizer->schedule = schedule_of(optimizer);
    optimizer->weight_decay = option(optimizer, "weight_decay");
    optimizer->clipnorm = option(optimizer, "clipnorm");
    optimizer->clipvalue = option(optimizer, "clipvalue");
    optimizer->global_clipnorm = option(optimizer, "global_clipnorm");
    optimizer->update = (knn__update_call){
        .op = ((const optimizer_kind *)optimizer->kind)->op,
        .momentum = option(optimizer, "momentum"), .nesterov = option(optimizer, "nesterov") > 0.0,
        .rho = option(optimizer, "rho"), .centered = option(optimizer, "centered") > 0.0,
        .beta_1 = option(optimizer, "beta_1"), .beta_2 = option(optimizer, "beta_2"),
        .amsgrad = option(optimizer, "amsgrad") > 0.0,
        .epsilon = option(optimizer, "epsilon"), .epsilon_outside = option(optimizer, "epsilon_outside") > 0.0};
    for (int slot = 0; slot < KNN_MAX_SLOTS; slot++)
        optimizer->slots += has_slot(optimizer, slot);
    status = check(optimizer);
    if (status != KNN_OK)
        knn__optimizer_release(optimizer);
    return status;
}

void knn__optimizer_release(knn__optimizer *optimizer)
{
    if (optimizer->kind != NULL)
        knn__forget(optimizer->kind, optimizer->description);
    *optimizer = (knn__optimizer){0};
}

const char *knn__optimizer_slot_name(const knn__optimizer *optimizer, int slot)
{
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        if (has_slot(optimizer, i) && slot-- == 0)
            return ((const optimizer_kind *)optimizer->kind)->slots[i];
    return NULL;
}

double knn__optimizer_rate(const knn__optimizer *optimizer, uint64_t step)
{
    return optimizer->schedule != NULL ? knn__schedule_rate(optimizer->schedule, step) : optimizer->rate;
}

/* ---- One step ---- */

typedef struct sweep {
    const knn__optimizer *optimizer;
    const knn_backend *backend;
    knn__update_call call;
    size_t length;
    const knn__stretch *stretches;
    float *gradients;
} sweep;

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
    size_t first = (size_t)slice * SWEEP, last = first + SWEEP < s->length ? first + SWEEP : s->length;
    if (s->optimizer->clipvalue > 0.0)
        limit_values(s->gradients + first, last - first, (float)s->optimizer->clipvalue);
    s->backend->update(&s->call, first, last);
}

void knn__optimizer_step(const knn__optimizer *optimizer, const knn_backend *backend, int threads, uint64_t step,
                         size_t length, const knn__stretch *stretches, int count, float *weights, float *gradients,
                         float *const *slots)
{
    sweep s = {optimizer, backend, optimizer->update, length, stretches, gradients};
    s.call.rate = knn__optimizer_rate(optimizer, step);
    s.call.decay = optimizer->weight_decay * s.call.rate;
    s.call.step = step + 1;
    s.call.weights = weights;
    s.call.gradients = gradients;
    for (int slot = 0; slot < optimizer->slots; slot++)
        s.call.slot[slot] = slots[slot];

    if (optimizer->clipnorm > 0.0)
        knn__parallel(count, threads, limit_array, &s);
    if (optimizer->global_clipnorm > 0.0)
        limit_norm(gradients, length, sqrt(sum_of_squares(gradients, length)), optimizer->global_clipnorm);
    knn__parallel((int)((length + SWEEP - 1) / SWEEP), threads, update_part, &s);
}
