/* knn/learning.h: what knn_compile() takes: losses, metrics, optimizers and learning-rate schedules, with Keras 3's formulas. */
#ifndef KNN_LEARNING_H
#define KNN_LEARNING_H

#include <knn/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct knn_loss_class;          /* knn/extend.h */

/* ---- Learning-rate schedules: functions of the number of finished steps. Given as an optimizer's .schedule. ---- */

typedef struct knn_schedule { const char *class_name; size_t size; const void *custom; } knn_schedule;

/* rate * decay_rate^(step / decay_steps); staircase: the exponent's floor. */
typedef struct knn_exponential_decay_schedule {
    knn_schedule schedule;
    double initial_learning_rate, decay_steps, decay_rate;      /* required */
    bool staircase;
} knn_exponential_decay_schedule;
#define knn_exponential_decay(...) KNN_DESCRIBE(knn_exponential_decay_schedule, schedule, "ExponentialDecay", __VA_ARGS__)
/* rate / (1 + decay_rate * step / decay_steps) */
#define knn_inverse_time_decay(...) KNN_DESCRIBE(knn_exponential_decay_schedule, schedule, "InverseTimeDecay", __VA_ARGS__)

/* rate * ((1 - alpha) * (1 + cos(pi * min(step, n) / n)) / 2 + alpha) over decay_steps n, after a linear warm-up from the initial
 * rate to warmup_target during warmup_steps, where given. */
typedef struct knn_cosine_decay_schedule {
    knn_schedule schedule;
    double initial_learning_rate, decay_steps;                  /* required */
    double alpha, warmup_target;
    int warmup_steps;
} knn_cosine_decay_schedule;
#define knn_cosine_decay(...) KNN_DESCRIBE(knn_cosine_decay_schedule, schedule, "CosineDecay", __VA_ARGS__)

/* (rate - end) * (1 - min(step, n) / n)^power + end; cycle: n grows in multiples of decay_steps. */
typedef struct knn_polynomial_decay_schedule {
    knn_schedule schedule;
    double initial_learning_rate, decay_steps;                  /* required */
    double end_learning_rate;                                   /* 0: 0.0001 */
    double power;                                               /* 0: 1 */
    bool cycle;
} knn_polynomial_decay_schedule;
#define knn_polynomial_decay(...) KNN_DESCRIBE(knn_polynomial_decay_schedule, schedule, "PolynomialDecay", __VA_ARGS__)

/* values[i] while step <= boundaries[i]; values[count] after the last. Both arrays are copied by knn_compile. */
typedef struct knn_piecewise_constant_decay_schedule {
    knn_schedule schedule;
    const double *boundaries, *values;                          /* count, count + 1 numbers */
    int count;
} knn_piecewise_constant_decay_schedule;
#define knn_piecewise_constant_decay(...) \
    KNN_DESCRIBE(knn_piecewise_constant_decay_schedule, schedule, "PiecewiseConstantDecay", __VA_ARGS__)

/* ---- Optimizers. g: gradient, w: weight, t: number of the step from 1. Order in a step: clipping, weight decay
 * (w -= w * weight_decay * rate), update. At most one of clipnorm (per weight array), global_clipnorm, clipvalue. ---- */

typedef struct knn_optimizer { const char *class_name; size_t size; const void *custom; } knn_optimizer;

/* momentum 0: w -= rate g. Else v = momentum v - rate g, w += v; nesterov: w += momentum v - rate g. */
typedef struct knn_sgd_optimizer {
    knn_optimizer optimizer;
    double learning_rate;                   /* 0: 0.01 */
    double momentum;
    bool nesterov;
    double weight_decay, clipnorm, clipvalue, global_clipnorm;  /* 0: off */
    const knn_schedule *schedule;           /* instead of learning_rate */
} knn_sgd_optimizer;
#define knn_sgd(...) KNN_DESCRIBE(knn_sgd_optimizer, optimizer, "SGD", __VA_ARGS__)

/* a = rho a + (1 - rho) g^2; w -= rate g / sqrt(a + epsilon); centered: a - m^2 for a, m the mean gradient; momentum: of the increments.
 * epsilon_outside: g / (sqrt(a) + epsilon), as Keras before 2.11. */
typedef struct knn_rmsprop_optimizer {
    knn_optimizer optimizer;
    double learning_rate;                   /* 0: 0.001 */
    double rho;                             /* 0: 0.9 */
    double momentum;
    double epsilon;                         /* 0: 1e-7 */
    bool centered, epsilon_outside;
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
} knn_rmsprop_optimizer;
#define knn_rmsprop(...) KNN_DESCRIBE(knn_rmsprop_optimizer, optimizer, "RMSprop", __VA_ARGS__)

/* m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2;
 * w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon); amsgrad: the largest v so far. (Kingma and Ba 2015) */
typedef struct knn_adam_optimizer {
    knn_optimizer optimizer;
    double learning_rate;                   /* 0: 0.001 */
    double beta_1, beta_2;                  /* 0: 0.9, 0.999 */
    double epsilon;                         /* 0: 1e-7 */
    bool amsgrad;
    double weight_decay;                    /* Adam 0: off; AdamW 0: 0.004 */
    double clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
} knn_adam_optimizer;
#define knn_adam(...)  KNN_DESCRIBE(knn_adam_optimizer, optimizer, "Adam", __VA_ARGS__)
#define knn_adamw(...) KNN_DESCRIBE(knn_adam_optimizer, optimizer, "AdamW", __VA_ARGS__)

/* ---- Losses: one value a sample (the mean over the last axis), then the mean over the batch, weights applied. ---- */

typedef struct knn_loss { const char *class_name; size_t size; const struct knn_loss_class *custom; } knn_loss;

/* Binary: -[t ln p + (1 - t) ln(1 - p)]. Categorical: -sum t ln(p / sum p), t one-hot. Sparse categorical: t the number of the class.
 * Computed from the logits where the last activation is sigmoid or softmax; else p is clipped to [1e-7, 1 - 1e-7].
 * from_logits: the model's outputs are logits. label_smoothing a: t (1 - a) + a / (number of classes, binary: 2). */
typedef struct knn_crossentropy_loss {
    knn_loss loss;
    double label_smoothing;                 /* 0 to 1; not for the sparse one */
    bool from_logits;
} knn_crossentropy_loss;
#define knn_binary_crossentropy(...)             KNN_DESCRIBE(knn_crossentropy_loss, loss, "BinaryCrossentropy", __VA_ARGS__)
#define knn_categorical_crossentropy(...)        KNN_DESCRIBE(knn_crossentropy_loss, loss, "CategoricalCrossentropy", __VA_ARGS__)
#define knn_sparse_categorical_crossentropy(...) KNN_DESCRIBE(knn_crossentropy_loss, loss, "SparseCategoricalCrossentropy", __VA_ARGS__)

typedef struct knn_plain_loss { knn_loss loss; } knn_plain_loss;
#define knn_mean_squared_error(...)  KNN_DESCRIBE(knn_plain_loss, loss, "MeanSquaredError", __VA_ARGS__)      /* (p - t)^2 */
#define knn_mean_absolute_error(...) KNN_DESCRIBE(knn_plain_loss, loss, "MeanAbsoluteError", __VA_ARGS__)     /* |p - t| */

/* ---- Metrics: means over the samples of an epoch. `name` is the key in logs ("acc" -> acc, val_acc). ---- */

typedef struct knn_metric { const char *class_name; size_t size; const void *custom; } knn_metric;

/* "accuracy" is resolved by the output: one output: p > 0.5 equals the label (binary); labels that are class numbers: argmax p equals
 * the label (sparse categorical); else argmax p equals argmax t (categorical). */
typedef struct knn_named_metric { knn_metric metric; const char *name; } knn_named_metric;
#define knn_accuracy(...)                    KNN_DESCRIBE(knn_named_metric, metric, "accuracy", __VA_ARGS__)
#define knn_binary_accuracy(...)             KNN_DESCRIBE(knn_named_metric, metric, "BinaryAccuracy", __VA_ARGS__)
#define knn_categorical_accuracy(...)        KNN_DESCRIBE(knn_named_metric, metric, "CategoricalAccuracy", __VA_ARGS__)
#define knn_sparse_categorical_accuracy(...) KNN_DESCRIBE(knn_named_metric, metric, "SparseCategoricalAccuracy", __VA_ARGS__)
#define knn_mean_squared_error_metric(...)   KNN_DESCRIBE(knn_named_metric, metric, "MeanSquaredError", __VA_ARGS__)
#define knn_mean_absolute_error_metric(...)  KNN_DESCRIBE(knn_named_metric, metric, "MeanAbsoluteError", __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
