/* Losses, metrics, optimizers, schedules, initializers, regularizers: resolved from descriptions, applied to arrays.
 * Knows backends, but no model and no file. */
#ifndef KNN_LEARNING_LEARNING_H
#define KNN_LEARNING_LEARNING_H

#include "backend/backend.h"
#include "layers/layer.h"

#include <knn/extend.h>

/* Kinds by Keras' class names; each table ends with NULL. Schedules are nested in optimizers. */
extern const knn__kind *const knn__loss_kinds[];
extern const knn__kind *const knn__metric_kinds[];
extern const knn__kind *const knn__optimizer_kinds[];
extern const knn__kind *const knn__schedule_kinds[];

/* ---- losses.c ---- */

typedef struct knn__loss {
    const knn__kind *kind;                  /* NULL: a user's loss */
    knn_loss *description;                  /* owned */
    knn__loss_call call;                    /* op and options; logits as the user said: the model adds fused activations */
    knn_reduction reduction;
} knn__loss;
knn_status knn__loss_resolve(const knn_loss *description, knn__loss *loss);
void       knn__loss_release(knn__loss *loss);
/* KNN_ERROR_UNSUPPORTED where the backend does not have the loss: a user's is only the host's. */
knn_status knn__loss_runs_on(const knn__loss *loss, const knn_backend *backend);
/* Whether the loss can start before this last activation (sigmoid with binary, softmax with categorical cross-entropy). */
bool       knn__loss_takes_logits_of(const knn__loss *loss, knn_activation last);
/* How many numbers a label has for an output of this shape: 1 a row for the sparse one, else as many as outputs. */
size_t     knn__loss_target_length(const knn__loss *loss, const knn_shape *output);

/* The losses of a batch made one number. values: one a sample; weight NULL: all 1. Gradients are of sum(weight * value) / divisor. */
double     knn__loss_divisor(const knn__loss *loss, const float *weight, int images, int positions);
double     knn__loss_reduce(const knn__loss *loss, const double *values, const float *weight, int images, int positions);
/* Whether all labels of a batch are 0 or 1: the hinges then take them for -1 and 1. Of no interest, and false, for the other losses. */
bool       knn__zero_one(knn__loss_op op, const float *target, size_t length);

/* ---- metrics.c, metric_means.c, metric_counts.c ---- */

typedef enum knn__metric_op {
    KNN_METRIC_BINARY_ACCURACY, KNN_METRIC_CATEGORICAL_ACCURACY, KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY,
    KNN_METRIC_TOP_K, KNN_METRIC_SPARSE_TOP_K, KNN_METRIC_LOSS, KNN_METRIC_ROOT_OF_LOSS, KNN_METRIC_NEGATIVE_LOSS,
    KNN_METRIC_PRECISION, KNN_METRIC_RECALL, KNN_METRIC_TRUE_POSITIVES, KNN_METRIC_TRUE_NEGATIVES, KNN_METRIC_FALSE_POSITIVES,
    KNN_METRIC_FALSE_NEGATIVES, KNN_METRIC_AUC, KNN_METRIC_F_SCORE
} knn__metric_op;
typedef struct knn__metric {
    const knn__kind *kind;
    knn_metric *description;                /* owned */
    const char *key;                        /* in logs; belongs to the description or is constant */
    knn__metric_op op;
    bool weighted;                          /* weights of samples count */
    knn__loss_call loss;                    /* of those that are a loss: op and options */
    double *state;                          /* owned: sums since the last reset; what they are of: metric_means.c, metric_counts.c */
    size_t state_length;
} knn__metric;
/* "accuracy" is resolved by the shapes of output and label. */
knn_status knn__metric_resolve(const knn_metric *description, const knn_shape *output, bool sparse_labels, knn__metric *metric);
void       knn__metric_release(knn__metric *metric);
/* The same metric with sums of its own, all 0; `from` must outlive it. Freed by knn__metric_unfork. */
knn_status knn__metric_fork(const knn__metric *from, knn__metric *to);
void       knn__metric_unfork(knn__metric *metric);
void       knn__metric_reset(knn__metric *metric);
/* prediction: [images][positions][outputs], after the last activation; target as the loss takes it; weight: [images], NULL: all 1,
 * ignored where the metric is not weighted. */
void       knn__metric_add(knn__metric *metric, const float *prediction, const float *target, const float *weight, int images,
                           int positions, int outputs);
double     knn__metric_value(const knn__metric *metric);        /* 0 before the first sample */

/* ---- optimizers.c, optimizer_step.c, schedules.c ---- */

enum { KNN_MAX_SLOTS = KNN_OWN_SLOTS + 2 };     /* behind an optimizer's own: sum of gradients, average of weights */

typedef struct knn__optimizer {
    const knn__kind *kind;
    knn_optimizer *description;             /* owned */
    knn__update_call update;                /* op and numbers; rate, step, arrays are filled in for each step */
    int slots;                              /* arenas of state, each as long as the trainable weights: the formula's own, then, */
    int own_slots;                          /* where in use, the sum of gradients and, last, the average of the weights */
    double rate;                            /* without a schedule */
    const knn_schedule *schedule;           /* NULL: none, or replaced by knn_set_learning_rate */
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    bool use_ema;
    double ema_momentum;
    int ema_overwrite_frequency;            /* 0: never */
    int accumulation_steps;                 /* 0: none */
    double initial_accumulator;             /* what slot 0 begins with */
} knn__optimizer;
knn_status  knn__optimizer_resolve(const knn_optimizer *description, knn__optimizer *optimizer);
void        knn__optimizer_release(knn__optimizer *optimizer);
const char *knn__optimizer_slot_name(const knn__optimizer *optimizer, int slot);        /* "velocity" */
/* The rate of step `step` (from 0: finished steps). */
double      knn__optimizer_rate(const knn__optimizer *optimizer, uint64_t step);
double      knn__schedule_rate(const knn_schedule *schedule, uint64_t step);

/* One weight array of the arenas, for what goes by arrays: clipping by norm, penalties, constraints. */
typedef struct knn__stretch {
    size_t offset, length;
    const knn_regularizer *regularizer;     /* NULL: none */
    const knn_constraint *constraint;       /* NULL: none */
    int rank, shape[4];
} knn__stretch;

/* What a step on a device wants: the device, and what lies in its memory for it: see knn__step_call. */
typedef struct knn__device_step {
    knn_device *device;
    const knn__weight_array *arrays, *arrays_here;
    double *workspace;
    double *penalty;
} knn__device_step;
/* The stretches as a device sees them. */
void knn__weight_arrays(const knn__stretch *stretches, int count, knn__weight_array *arrays);

/* Gives a new slot, all zeros, the values that it begins with. */
void knn__optimizer_start(const knn__optimizer *optimizer, int slot, const knn__stretch *stretches, int count, float *array);
/* One step, `step` of which are finished: clips the gradients, updates weights and slots [0, length), in parallel. */
void knn__optimizer_step(const knn__optimizer *optimizer, const knn_backend *backend, int threads, uint64_t step, size_t length,
                         const knn__stretch *stretches, int count, float *weights, float *gradients, float *const *slots);
/* The same, with the penalties' gradients and the constraints, as a call for a device that the arrays, of this number of stretches, are on. */
knn__step_call knn__optimizer_step_there(const knn__optimizer *optimizer, const knn__device_step *there, uint64_t step, size_t length,
                                         int count, float *weights, float *gradients, float *const *slots);
/* The end of a training: the weights become their average, where the optimizer keeps one. */
void knn__optimizer_finish(const knn__optimizer *optimizer, size_t length, float *weights, float *const *slots);

/* ---- initializers.c, regularizers.c, constraints.c ---- */

/* Fills a weight array. `weight` is its index in the model: its stream of random numbers. Conv kernels: (h, w, in, out). */
void   knn__initialize(const knn_initializer *initializer, const int *shape, int rank, uint64_t seed, uint32_t weight, float *values);

double knn__penalty(const knn__stretch *stretches, int count, const float *weights);                    /* of all regularizers */
void   knn__penalty_gradient(const knn__stretch *stretches, int count, const float *weights, float *gradients);   /* added */
void   knn__constrain(const knn__stretch *stretches, int count, float *weights);                        /* each by its constraint */
/* The same as numbers: a stretch's regularizer for a device, and its constraint. */
void   knn__describe_penalty(const knn__stretch *stretch, knn__weight_array *array);
knn__constraint knn__constraint_of(const knn__stretch *stretch);

#endif
