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

/* Cosines that begin again: the first one over first_decay_steps, each next one t_mul times as long, from m_mul times its height. */
typedef struct knn_cosine_decay_restarts_schedule {
    knn_schedule schedule;
    double initial_learning_rate, first_decay_steps;            /* required */
    double t_mul;                                               /* 0: 2 */
    double m_mul;                                               /* 0: 1 */
    double alpha;                                               /* the lowest rate, as a share of the initial one */
} knn_cosine_decay_restarts_schedule;
#define knn_cosine_decay_restarts(...) \
    KNN_DESCRIBE(knn_cosine_decay_restarts_schedule, schedule, "CosineDecayRestarts", __VA_ARGS__)

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
 * (w -= w * weight_decay * rate), update. At most one of clipnorm (per weight array), global_clipnorm, clipvalue.
 * Defaults, where nothing else is said: rate 0.001, epsilon 1e-7, the other options off.
 * use_ema: keeps a = ema_momentum a + (1 - ema_momentum) w after each step; w = a each ema_overwrite_frequency steps (0: never) and at
 * the end of knn_fit. gradient_accumulation_steps n >= 2: the mean gradient of n batches makes one update. ---- */

typedef struct knn_optimizer { const char *class_name; size_t size; const void *custom; } knn_optimizer;

/* momentum 0: w -= rate g. Else v = momentum v - rate g, w += v; nesterov: w += momentum v - rate g. */
typedef struct knn_sgd_optimizer {
    knn_optimizer optimizer;
    double learning_rate;                   /* 0: 0.01 */
    double momentum;
    bool nesterov;
    double weight_decay, clipnorm, clipvalue, global_clipnorm;  /* 0: off */
    const knn_schedule *schedule;           /* instead of learning_rate */
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
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
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
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
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
} knn_adam_optimizer;
#define knn_adam(...)  KNN_DESCRIBE(knn_adam_optimizer, optimizer, "Adam", __VA_ARGS__)
#define knn_adamw(...) KNN_DESCRIBE(knn_adam_optimizer, optimizer, "AdamW", __VA_ARGS__)

/* Adamax: u = max(beta_2 u, |g|); w -= rate / (1 - beta_1^t) m / (u + epsilon). (Kingma and Ba 2015)
 * Nadam: as Adam, with Nesterov's momentum beta_1 (1 - 0.96^t / 2) for step t. (Dozat 2015)
 * Lamb: the step of Adam, both means corrected, times |w| / |step| of the weight array. (You et al. 2019) */
typedef struct knn_adamax_optimizer {
    knn_optimizer optimizer;
    double learning_rate;
    double beta_1, beta_2;                  /* 0: 0.9, 0.999 */
    double epsilon;
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
} knn_adamax_optimizer;
#define knn_adamax(...) KNN_DESCRIBE(knn_adamax_optimizer, optimizer, "Adamax", __VA_ARGS__)
#define knn_nadam(...)  KNN_DESCRIBE(knn_adamax_optimizer, optimizer, "Nadam", __VA_ARGS__)
#define knn_lamb(...)   KNN_DESCRIBE(knn_adamax_optimizer, optimizer, "Lamb", __VA_ARGS__)

/* w -= rate sign(beta_1 m + (1 - beta_1) g), then m = beta_2 m + (1 - beta_2) g. (Chen et al. 2023) */
typedef struct knn_lion_optimizer {
    knn_optimizer optimizer;
    double learning_rate;
    double beta_1, beta_2;                  /* 0: 0.9, 0.99 */
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
} knn_lion_optimizer;
#define knn_lion(...) KNN_DESCRIBE(knn_lion_optimizer, optimizer, "Lion", __VA_ARGS__)

/* a += g^2; w -= rate g / sqrt(a + epsilon). (Duchi et al. 2011) */
typedef struct knn_adagrad_optimizer {
    knn_optimizer optimizer;
    double learning_rate;
    double initial_accumulator_value;       /* of a; 0: 0.1 */
    double epsilon;
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
} knn_adagrad_optimizer;
#define knn_adagrad(...) KNN_DESCRIBE(knn_adagrad_optimizer, optimizer, "Adagrad", __VA_ARGS__)

/* a = rho a + (1 - rho) g^2; u = g sqrt((d + epsilon) / (a + epsilon)); w -= rate u; d = rho d + (1 - rho) u^2. (Zeiler 2012) */
typedef struct knn_adadelta_optimizer {
    knn_optimizer optimizer;
    double learning_rate;
    double rho;                             /* 0: 0.95 */
    double epsilon;
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
} knn_adadelta_optimizer;
#define knn_adadelta(...) KNN_DESCRIBE(knn_adadelta_optimizer, optimizer, "Adadelta", __VA_ARGS__)

/* Follow the regularized leader (McMahan et al. 2013), n the sum of g^2: z += g + 2 shrinkage w - (n'^-power - n^-power) / rate w;
 * w = (z cut to [-l1, l1] - z) / (n'^-power / rate + 2 l2 + beta / rate). */
typedef struct knn_ftrl_optimizer {
    knn_optimizer optimizer;
    double learning_rate;
    double learning_rate_power;             /* <= 0; 0: -0.5 */
    double initial_accumulator_value;       /* of n; 0: 0.1 */
    double l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength, beta;
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
} knn_ftrl_optimizer;
#define knn_ftrl(...) KNN_DESCRIBE(knn_ftrl_optimizer, optimizer, "Ftrl", __VA_ARGS__)

/* Adam's velocity as a product of its means over rows and columns (the last two axes), no momentum; the step is scaled by the weights'
 * root mean square, at least epsilon_2, and cut where its own exceeds clip_threshold; the rate is at most 1 / sqrt(t).
 * (Shazeer and Stern 2018) */
typedef struct knn_adafactor_optimizer {
    knn_optimizer optimizer;
    double learning_rate;
    double beta_2_decay;                    /* of step t: 1 - t^beta_2_decay; < 0; 0: -0.8 */
    double epsilon_1, epsilon_2;            /* 0: 1e-30, 0.001 */
    double clip_threshold;                  /* 0: 1 */
    bool no_relative_step;                  /* relative_step=False; in Keras 3's formula it changes nothing */
    double weight_decay, clipnorm, clipvalue, global_clipnorm;
    const knn_schedule *schedule;
    bool use_ema;
    double ema_momentum;                    /* 0: 0.99 */
    int ema_overwrite_frequency, gradient_accumulation_steps;
} knn_adafactor_optimizer;
#define knn_adafactor(...) KNN_DESCRIBE(knn_adafactor_optimizer, optimizer, "Adafactor", __VA_ARGS__)

/* ---- Losses: one value a sample (the mean over the last axis, and over the rows of an output of rank 2 or 3), then a reduction over the
 * batch, weights applied. p: prediction, t: label, e = 1e-7. ---- */

typedef enum knn_reduction {
    KNN_SUM_OVER_BATCH_SIZE = 0, KNN_SUM = 1,
    KNN_MEAN = 2,                           /* another name of the first */
    KNN_MEAN_WITH_SAMPLE_WEIGHT = 3,        /* divides by the sum of the weights */
    KNN_REDUCTION_NONE = 4                  /* refused: a training needs one number */
} knn_reduction;

typedef struct knn_loss { const char *class_name; size_t size; const struct knn_loss_class *custom; } knn_loss;

/* Binary: -[t ln p + (1 - t) ln(1 - p)]. Categorical: -sum t ln(p / sum p), t one-hot. Sparse categorical: t the number of the class.
 * Computed from the logits where the last activation is sigmoid or softmax; else p is clipped to [1e-7, 1 - 1e-7].
 * from_logits: the model's outputs are logits. label_smoothing a: t (1 - a) + a / (number of classes, binary: 2). */
typedef struct knn_crossentropy_loss {
    knn_loss loss;
    double label_smoothing;                 /* 0 to 1; not for the sparse one */
    bool from_logits;
    knn_reduction reduction;
} knn_crossentropy_loss;
#define knn_binary_crossentropy(...)             KNN_DESCRIBE(knn_crossentropy_loss, loss, "BinaryCrossentropy", __VA_ARGS__)
#define knn_categorical_crossentropy(...)        KNN_DESCRIBE(knn_crossentropy_loss, loss, "CategoricalCrossentropy", __VA_ARGS__)
#define knn_sparse_categorical_crossentropy(...) KNN_DESCRIBE(knn_crossentropy_loss, loss, "SparseCategoricalCrossentropy", __VA_ARGS__)

/* The cross-entropies times (1 - p)^gamma, p the probability of the label (Lin et al. 2017). Categorical: times alpha, too; binary only
 * with apply_class_balancing: times t alpha + (1 - t)(1 - alpha). */
typedef struct knn_focal_loss {
    knn_loss loss;
    double alpha;                           /* 0: 0.25 */
    double gamma;                           /* 0: 2 */
    bool apply_class_balancing;             /* not for the categorical one */
    double label_smoothing;
    bool from_logits;
    knn_reduction reduction;
} knn_focal_loss;
#define knn_binary_focal_crossentropy(...)      KNN_DESCRIBE(knn_focal_loss, loss, "BinaryFocalCrossentropy", __VA_ARGS__)
#define knn_categorical_focal_crossentropy(...) KNN_DESCRIBE(knn_focal_loss, loss, "CategoricalFocalCrossentropy", __VA_ARGS__)

/* Means over the last axis, but for the ones that sum: CategoricalHinge, KLDivergence, CosineSimilarity. Dice is of the whole batch. */
typedef struct knn_plain_loss { knn_loss loss; knn_reduction reduction; } knn_plain_loss;
#define knn_mean_squared_error(...)  KNN_DESCRIBE(knn_plain_loss, loss, "MeanSquaredError", __VA_ARGS__)      /* (p - t)^2 */
#define knn_mean_absolute_error(...) KNN_DESCRIBE(knn_plain_loss, loss, "MeanAbsoluteError", __VA_ARGS__)     /* |p - t| */
/* 100 |p - t| / max(|t|, e) */
#define knn_mean_absolute_percentage_error(...) KNN_DESCRIBE(knn_plain_loss, loss, "MeanAbsolutePercentageError", __VA_ARGS__)
/* (ln(max(p, e) + 1) - ln(max(t, e) + 1))^2 */
#define knn_mean_squared_logarithmic_error(...) KNN_DESCRIBE(knn_plain_loss, loss, "MeanSquaredLogarithmicError", __VA_ARGS__)
#define knn_log_cosh(...)            KNN_DESCRIBE(knn_plain_loss, loss, "LogCosh", __VA_ARGS__)               /* ln cosh(p - t) */
#define knn_poisson(...)             KNN_DESCRIBE(knn_plain_loss, loss, "Poisson", __VA_ARGS__)               /* p - t ln(p + e) */
/* max(1 - t p, 0), its square; labels -1 and 1, or 0 and 1 if the whole batch has only these. */
#define knn_hinge(...)               KNN_DESCRIBE(knn_plain_loss, loss, "Hinge", __VA_ARGS__)
#define knn_squared_hinge(...)       KNN_DESCRIBE(knn_plain_loss, loss, "SquaredHinge", __VA_ARGS__)
/* max(largest (1 - t) p - sum of t p + 1, 0) */
#define knn_categorical_hinge(...)   KNN_DESCRIBE(knn_plain_loss, loss, "CategoricalHinge", __VA_ARGS__)
/* sum of t ln(t / p), both clipped to [e, 1] */
#define knn_kl_divergence(...)       KNN_DESCRIBE(knn_plain_loss, loss, "KLDivergence", __VA_ARGS__)
/* minus the cosine of the angle between p and t */
#define knn_cosine_similarity(...)   KNN_DESCRIBE(knn_plain_loss, loss, "CosineSimilarity", __VA_ARGS__)
/* 1 - 2 sum of t p / (sum of t + sum of p + e), over all numbers of the batch */
#define knn_dice(...)                KNN_DESCRIBE(knn_plain_loss, loss, "Dice", __VA_ARGS__)

/* d = p - t: d^2 / 2 where |d| <= delta, else delta |d| - delta^2 / 2. */
typedef struct knn_huber_loss {
    knn_loss loss;
    double delta;                           /* 0: 1 */
    knn_reduction reduction;
} knn_huber_loss;
#define knn_huber(...) KNN_DESCRIBE(knn_huber_loss, loss, "Huber", __VA_ARGS__)

/* 1 - b / (b + alpha sum of t (1 - p) + beta sum of (1 - t) p + e), b the sum of t p, over all numbers of the batch. */
typedef struct knn_tversky_loss {
    knn_loss loss;
    double alpha, beta;                     /* 0: 0.5 */
    knn_reduction reduction;
} knn_tversky_loss;
#define knn_tversky(...) KNN_DESCRIBE(knn_tversky_loss, loss, "Tversky", __VA_ARGS__)

/* ---- Metrics: of all samples of an epoch. `name` is the key in logs ("acc" -> acc, val_acc); NULL: Keras' name of the metric.
 * p: prediction, t: label. Weights of samples count for those in knn_compile's .weighted_metrics only. ---- */

typedef struct knn_metric { const char *class_name; size_t size; const void *custom; } knn_metric;

/* "accuracy" is resolved by the output: one output: p > 0.5 equals the label (binary); labels that are class numbers: argmax p equals
 * the label (sparse categorical); else argmax p equals argmax t (categorical). */
typedef struct knn_named_metric { knn_metric metric; const char *name; } knn_named_metric;
#define knn_accuracy(...)                    KNN_DESCRIBE(knn_named_metric, metric, "accuracy", __VA_ARGS__)
#define knn_categorical_accuracy(...)        KNN_DESCRIBE(knn_named_metric, metric, "CategoricalAccuracy", __VA_ARGS__)
#define knn_sparse_categorical_accuracy(...) KNN_DESCRIBE(knn_named_metric, metric, "SparseCategoricalAccuracy", __VA_ARGS__)
/* The formulas of the losses; of the cosine similarity the opposite sign. */
#define knn_mean_squared_error_metric(...)   KNN_DESCRIBE(knn_named_metric, metric, "MeanSquaredError", __VA_ARGS__)
#define knn_mean_absolute_error_metric(...)  KNN_DESCRIBE(knn_named_metric, metric, "MeanAbsoluteError", __VA_ARGS__)
#define knn_mean_absolute_percentage_error_metric(...) \
    KNN_DESCRIBE(knn_named_metric, metric, "MeanAbsolutePercentageError", __VA_ARGS__)
#define knn_mean_squared_logarithmic_error_metric(...) \
    KNN_DESCRIBE(knn_named_metric, metric, "MeanSquaredLogarithmicError", __VA_ARGS__)
#define knn_root_mean_squared_error(...)     KNN_DESCRIBE(knn_named_metric, metric, "RootMeanSquaredError", __VA_ARGS__)
#define knn_cosine_similarity_metric(...)    KNN_DESCRIBE(knn_named_metric, metric, "CosineSimilarity", __VA_ARGS__)
#define knn_log_cosh_error(...)              KNN_DESCRIBE(knn_named_metric, metric, "LogCoshError", __VA_ARGS__)
#define knn_poisson_metric(...)              KNN_DESCRIBE(knn_named_metric, metric, "Poisson", __VA_ARGS__)
#define knn_kl_divergence_metric(...)        KNN_DESCRIBE(knn_named_metric, metric, "KLDivergence", __VA_ARGS__)
#define knn_hinge_metric(...)                KNN_DESCRIBE(knn_named_metric, metric, "Hinge", __VA_ARGS__)
#define knn_squared_hinge_metric(...)        KNN_DESCRIBE(knn_named_metric, metric, "SquaredHinge", __VA_ARGS__)
#define knn_categorical_hinge_metric(...)    KNN_DESCRIBE(knn_named_metric, metric, "CategoricalHinge", __VA_ARGS__)

/* The share of outputs whose answer, p > threshold, equals the label. */
typedef struct knn_binary_accuracy_metric {
    knn_metric metric;
    const char *name;
    double threshold;                       /* 0: 0.5 */
} knn_binary_accuracy_metric;
#define knn_binary_accuracy(...) KNN_DESCRIBE(knn_binary_accuracy_metric, metric, "BinaryAccuracy", __VA_ARGS__)

typedef struct knn_crossentropy_metric {
    knn_metric metric;
    const char *name;
    bool from_logits;
    double label_smoothing;                 /* not for the sparse one */
} knn_crossentropy_metric;
#define knn_binary_crossentropy_metric(...)      KNN_DESCRIBE(knn_crossentropy_metric, metric, "BinaryCrossentropy", __VA_ARGS__)
#define knn_categorical_crossentropy_metric(...) KNN_DESCRIBE(knn_crossentropy_metric, metric, "CategoricalCrossentropy", __VA_ARGS__)
#define knn_sparse_categorical_crossentropy_metric(...) \
    KNN_DESCRIBE(knn_crossentropy_metric, metric, "SparseCategoricalCrossentropy", __VA_ARGS__)

/* The share of samples whose class is among the k largest predictions (fewer than k others are larger). */
typedef struct knn_top_k_metric {
    knn_metric metric;
    int k;                                  /* 0: 5 */
    const char *name;
} knn_top_k_metric;
#define knn_top_k_categorical_accuracy(...)        KNN_DESCRIBE(knn_top_k_metric, metric, "TopKCategoricalAccuracy", __VA_ARGS__)
#define knn_sparse_top_k_categorical_accuracy(...) KNN_DESCRIBE(knn_top_k_metric, metric, "SparseTopKCategoricalAccuracy", __VA_ARGS__)

/* Counts of outputs, all of them or those of one class: positive is what is greater than the threshold, and with top_k only the top_k
 * largest of a sample. Precision: right ones among the positive. Recall: positive ones among the labels that are not 0. */
typedef struct knn_confusion_metric {
    knn_metric metric;
    double thresholds;                      /* 0: 0.5, with top_k: none. One number */
    int top_k;                              /* 0: off; Precision and Recall only, as the next */
    int class_id;                           /* 0: all classes; KNN_NONE: class 0 */
    const char *name;
} knn_confusion_metric;
#define knn_precision(...)       KNN_DESCRIBE(knn_confusion_metric, metric, "Precision", __VA_ARGS__)
#define knn_recall(...)          KNN_DESCRIBE(knn_confusion_metric, metric, "Recall", __VA_ARGS__)
#define knn_true_positives(...)  KNN_DESCRIBE(knn_confusion_metric, metric, "TruePositives", __VA_ARGS__)
#define knn_true_negatives(...)  KNN_DESCRIBE(knn_confusion_metric, metric, "TrueNegatives", __VA_ARGS__)
#define knn_false_positives(...) KNN_DESCRIBE(knn_confusion_metric, metric, "FalsePositives", __VA_ARGS__)
#define knn_false_negatives(...) KNN_DESCRIBE(knn_confusion_metric, metric, "FalseNegatives", __VA_ARGS__)

/* The area under the curve of recall over the rate of false positives (ROC) or of precision over recall (PR; interpolated after Davis and
 * Goadrich 2006), at evenly spaced thresholds in [0, 1]; all outputs count alike. */
typedef enum knn_auc_curve { KNN_ROC = 0, KNN_PR = 1 } knn_auc_curve;
typedef enum knn_auc_summation { KNN_INTERPOLATION = 0, KNN_MAJORING = 1, KNN_MINORING = 2 } knn_auc_summation;
typedef struct knn_auc_metric {
    knn_metric metric;
    int num_thresholds;                     /* 0: 200; at least 3 */
    knn_auc_curve curve;
    knn_auc_summation summation_method;
    bool from_logits;                       /* p = sigmoid of the output */
    const char *name;
} knn_auc_metric;
#define knn_auc(...) KNN_DESCRIBE(knn_auc_metric, metric, "AUC", __VA_ARGS__)

/* (1 + beta^2) P R / (beta^2 P + R) of each class's precision P and recall R; F1: beta 1. A class is positive above the threshold, or
 * without one where it is the largest. Logs take one number: with several classes an average is required. */
typedef enum knn_average { KNN_NO_AVERAGE = 0, KNN_MICRO = 1, KNN_MACRO = 2, KNN_WEIGHTED = 3 } knn_average;
typedef struct knn_f_score_metric {
    knn_metric metric;
    knn_average average;
    double threshold;                       /* 0: none */
    double beta;                            /* 0: 1; FBetaScore only */
    const char *name;
} knn_f_score_metric;
#define knn_f1_score(...)    KNN_DESCRIBE(knn_f_score_metric, metric, "F1Score", __VA_ARGS__)
#define knn_fbeta_score(...) KNN_DESCRIBE(knn_f_score_metric, metric, "FBetaScore", __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
