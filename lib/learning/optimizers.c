/* The optimizers: their options and their state arrays. A step is optimizer_step.c; the update formulas are the backends'. */
#include "core/status.h"
#include "core/text.h"
#include "learning/learning.h"

#include <float.h>
#include <limits.h>

typedef struct optimizer_kind {
    knn__kind kind;
    knn__update_op op;
    const char *slots[KNN_OWN_SLOTS];       /* Keras' names */
    const char *slot_options[KNN_OWN_SLOTS];        /* without this option there is no such slot; NULL: it is always there */
} optimizer_kind;

#define REAL(type, member, normal, most) {#member, KNN_FIELD_REAL, offsetof(type, member), normal, 0, most, NULL}
#define FLAG(type, member)               {#member, KNN_FIELD_BOOL, offsetof(type, member), 0, 0, 0, NULL}
#define COUNT(type, member)              {#member, KNN_FIELD_INT, offsetof(type, member), 0, 0, INT_MAX, NULL}
#define END                              {NULL, KNN_FIELD_INT, 0, 0, 0, 0, NULL}
/* In files a schedule takes the number's place: both fields have the same key, and a schedule that is given goes first. */
#define COMMON(type, rate, decay) \
    {"learning_rate", KNN_FIELD_NESTED, offsetof(type, schedule), 0, 0, 0, knn__schedule_kinds}, \
    REAL(type, learning_rate, rate, DBL_MAX), REAL(type, weight_decay, decay, DBL_MAX), \
    REAL(type, clipnorm, 0, DBL_MAX), REAL(type, clipvalue, 0, DBL_MAX), REAL(type, global_clipnorm, 0, DBL_MAX), \
    FLAG(type, use_ema), REAL(type, ema_momentum, 0.99, 1), COUNT(type, ema_overwrite_frequency), \
    COUNT(type, gradient_accumulation_steps)

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

static const knn_field adamax_fields[] = {
    COMMON(knn_adamax_optimizer, 0.001, 0), REAL(knn_adamax_optimizer, beta_1, 0.9, 1),
    REAL(knn_adamax_optimizer, beta_2, 0.999, 1), REAL(knn_adamax_optimizer, epsilon, 1e-7, DBL_MAX), END};

static const knn_field lion_fields[] = {
    COMMON(knn_lion_optimizer, 0.001, 0), REAL(knn_lion_optimizer, beta_1, 0.9, 1), REAL(knn_lion_optimizer, beta_2, 0.99, 1), END};

static const knn_field adagrad_fields[] = {
    COMMON(knn_adagrad_optimizer, 0.001, 0), REAL(knn_adagrad_optimizer, initial_accumulator_value, 0.1, DBL_MAX),
    REAL(knn_adagrad_optimizer, epsilon, 1e-7, DBL_MAX), END};

static const knn_field adadelta_fields[] = {
    COMMON(knn_adadelta_optimizer, 0.001, 0), REAL(knn_adadelta_optimizer, rho, 0.95, 1),
    REAL(knn_adadelta_optimizer, epsilon, 1e-7, DBL_MAX), END};

static const knn_field ftrl_fields[] = {
    COMMON(knn_ftrl_optimizer, 0.001, 0),
    {"learning_rate_power", KNN_FIELD_REAL, offsetof(knn_ftrl_optimizer, learning_rate_power), -0.5, -DBL_MAX, 0, NULL},
    REAL(knn_ftrl_optimizer, initial_accumulator_value, 0.1, DBL_MAX), REAL(knn_ftrl_optimizer, l1_regularization_strength, 0, DBL_MAX),
    REAL(knn_ftrl_optimizer, l2_regularization_strength, 0, DBL_MAX),
    REAL(knn_ftrl_optimizer, l2_shrinkage_regularization_strength, 0, DBL_MAX), REAL(knn_ftrl_optimizer, beta, 0, DBL_MAX), END};

static const knn_field adafactor_fields[] = {
    COMMON(knn_adafactor_optimizer, 0.001, 0),
    {"beta_2_decay", KNN_FIELD_REAL, offsetof(knn_adafactor_optimizer, beta_2_decay), -0.8, -DBL_MAX, 0, NULL},
    REAL(knn_adafactor_optimizer, epsilon_1, 1e-30, DBL_MAX), REAL(knn_adafactor_optimizer, epsilon_2, 1e-3, DBL_MAX),
    REAL(knn_adafactor_optimizer, clip_threshold, 1, DBL_MAX),
    {"relative_step", KNN_FIELD_NOT, offsetof(knn_adafactor_optimizer, no_relative_step), 0, 0, 0, NULL}, END};

#define OPTIMIZER(name, type, fields, op, ...) {{name, sizeof(type), fields, 0, NULL}, KNN_UPDATE_##op, __VA_ARGS__}

static const optimizer_kind
    sgd = OPTIMIZER("SGD", knn_sgd_optimizer, sgd_fields, SGD, {"momentum"}, {"momentum"}),
    rmsprop = OPTIMIZER("RMSprop", knn_rmsprop_optimizer, rmsprop_fields, RMSPROP, {"velocity", "momentum", "average_gradient"},
                        {NULL, "momentum", "centered"}),
    adam = OPTIMIZER("Adam", knn_adam_optimizer, adam_fields, ADAM, {"momentum", "velocity", "velocity_hat"}, {NULL, NULL, "amsgrad"}),
    adamw = OPTIMIZER("AdamW", knn_adam_optimizer, adamw_fields, ADAM, {"momentum", "velocity", "velocity_hat"}, {NULL, NULL, "amsgrad"}),
    adamax = OPTIMIZER("Adamax", knn_adamax_optimizer, adamax_fields, ADAMAX, {"momentum", "norm"}, {NULL}),
    nadam = OPTIMIZER("Nadam", knn_adamax_optimizer, adamax_fields, NADAM, {"momentum", "velocity"}, {NULL}),
    lamb = OPTIMIZER("Lamb", knn_adamax_optimizer, adamax_fields, LAMB, {"momentum", "velocity"}, {NULL}),
    lion = OPTIMIZER("Lion", knn_lion_optimizer, lion_fields, LION, {"momentum"}, {NULL}),
    adagrad = OPTIMIZER("Adagrad", knn_adagrad_optimizer, adagrad_fields, ADAGRAD, {"accumulator"}, {NULL}),
    adadelta = OPTIMIZER("Adadelta", knn_adadelta_optimizer, adadelta_fields, ADADELTA, {"accumulated_grad", "accumulated_delta_var"},
                         {NULL}),
    ftrl = OPTIMIZER("Ftrl", knn_ftrl_optimizer, ftrl_fields, FTRL, {"accumulator", "linear"}, {NULL}),
    adafactor = OPTIMIZER("Adafactor", knn_adafactor_optimizer, adafactor_fields, ADAFACTOR, {"velocity", "column"}, {NULL});

const knn__kind *const knn__optimizer_kinds[] = {
    &sgd.kind, &rmsprop.kind, &adam.kind, &adamw.kind, &adamax.kind, &nadam.kind, &lamb.kind, &lion.kind, &adagrad.kind, &adadelta.kind,
    &ftrl.kind, &adafactor.kind, NULL};

/* What any optimizer may keep behind its own arrays. */
static const struct shared_slot { const char *name, *option; } shared_slots[] = {
    {"gradient_accumulator", "gradient_accumulation_steps"}, {"average", "use_ema"}};

static double option(const knn__optimizer *optimizer, const char *name)
{
    return knn__option(optimizer->kind, optimizer->description, name);
}

static const knn_schedule *schedule_of(const knn__optimizer *optimizer)
{
    for (const knn_field *field = optimizer->kind->fields; field->name != NULL; field++)
        if (field->kind == KNN_FIELD_NESTED)
            return *(const knn_schedule *const *)knn__member(optimizer->description, field);
    return NULL;
}

/* Name of one of the KNN_MAX_SLOTS arrays that there may be; NULL: not with these options. */
static const char *slot_name(const knn__optimizer *optimizer, int slot)
{
    const optimizer_kind *kind = (const optimizer_kind *)optimizer->kind;
    const struct shared_slot *shared = slot >= KNN_OWN_SLOTS ? &shared_slots[slot - KNN_OWN_SLOTS] : NULL;
    const char *needed = shared != NULL ? shared->option : kind->slot_options[slot];
    if (needed != NULL && !(option(optimizer, needed) > 0.0))
        return NULL;
    return shared != NULL ? shared->name : kind->slots[slot];
}

/* What a table of fields cannot say. */
static knn_status check(const knn__optimizer *optimizer)
{
    const char *name = optimizer->kind->class_name;
    if ((optimizer->clipnorm > 0.0) + (optimizer->clipvalue > 0.0) + (optimizer->global_clipnorm > 0.0) > 1)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: more than one of clipnorm, clipvalue, global_clipnorm is set", name);
    if (optimizer->accumulation_steps == 1)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: gradient_accumulation_steps is 1, expected 0 or at least 2", name);
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
        .epsilon = option(optimizer, "epsilon"), .epsilon_outside = option(optimizer, "epsilon_outside") > 0.0,
        .power = -option(optimizer, "learning_rate_power"), .l1 = option(optimizer, "l1_regularization_strength"),
        .l2 = option(optimizer, "l2_regularization_strength"), .beta = option(optimizer, "beta"),
        .shrinkage = option(optimizer, "l2_shrinkage_regularization_strength"),
        .epsilon_2 = option(optimizer, "epsilon_2"), .beta_2_decay = option(optimizer, "beta_2_decay"),
        .clip_threshold = option(optimizer, "clip_threshold")};
    if (optimizer->update.op == KNN_UPDATE_ADAFACTOR)
        optimizer->update.epsilon = option(optimizer, "epsilon_1");
    optimizer->use_ema = option(optimizer, "use_ema") > 0.0;
    optimizer->ema_momentum = option(optimizer, "ema_momentum");
    optimizer->ema_overwrite_frequency = (int)option(optimizer, "ema_overwrite_frequency");
    optimizer->accumulation_steps = (int)option(optimizer, "gradient_accumulation_steps");
    optimizer->initial_accumulator = option(optimizer, "initial_accumulator_value");
    for (int slot = 0; slot < KNN_MAX_SLOTS; slot++) {
        optimizer->slots += slot_name(optimizer, slot) != NULL;
        optimizer->own_slots += slot < KNN_OWN_SLOTS && slot_name(optimizer, slot) != NULL;
    }
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
        if (slot_name(optimizer, i) != NULL && slot-- == 0)
            return slot_name(optimizer, i);
    return NULL;
}

double knn__optimizer_rate(const knn__optimizer *optimizer, uint64_t step)
{
    return optimizer->schedule != NULL ? knn__schedule_rate(optimizer->schedule, step) : optimizer->rate;
}
