/* knn/training.h: fit, history, callbacks: Keras' rules. */
#ifndef KNN_TRAINING_H
#define KNN_TRAINING_H

#include <knn/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Callbacks: given to knn_fit, called in the order given ---- */

typedef struct knn_callback { const char *class_name; size_t size; const void *custom; } knn_callback;

/* Keras' progress bar (of tf.keras 2.6). On a terminal the line is redrawn, elsewhere one finished line is written an epoch. */
typedef struct knn_progress_bar_callback {
    knn_callback callback;
    FILE *stream;                           /* required; stays the caller's */
    bool every_line;                        /* redraw with backspaces even where the stream is no terminal, as Keras does */
} knn_progress_bar_callback;
#define knn_progress_bar(...) KNN_DESCRIBE(knn_progress_bar_callback, callback, "ProgbarLogger", __VA_ARGS__)

/* Columns epoch (from 0) and the log keys, sorted; lines end in LF; flushed each epoch. */
typedef struct knn_csv_logger_callback {
    knn_callback callback;
    const char *path;
    bool append;
    const char *separator;                  /* NULL: "," */
} knn_csv_logger_callback;
#define knn_csv_logger(...) KNN_DESCRIBE(knn_csv_logger_callback, callback, "CSVLogger", __VA_ARGS__)

/* `mode` of a callback that monitors: auto: min for losses and for metrics that are errors, max for the others (accuracies, AUC,
 * ..). "acc" and "accuracy" are the same key; an unknown one is an error before the first epoch that lists the keys. */
typedef enum knn_mode { KNN_MODE_AUTO = 0, KNN_MODE_MIN = 1, KNN_MODE_MAX = 2 } knn_mode;

/* Saves after each epoch, or each n-th batch, atomically. `path` may hold {epoch} {epoch:02d} {val_loss:.2f} .. as in Keras; with a
 * save_freq {batch}, too, and of the logs those of the training only. Tried before the first epoch; folders are made. */
typedef struct knn_model_checkpoint_callback {
    knn_callback callback;
    const char *path;
    const char *monitor;                    /* NULL: val_loss */
    bool save_best_only, save_weights_only;
    knn_mode mode;
    int save_freq;                          /* batches, counted over all epochs; 0: each epoch */
    double initial_value_threshold;         /* save_best_only: the number to beat first; 0: none; KNN_ZERO: 0 */
} knn_model_checkpoint_callback;
#define knn_model_checkpoint(...) KNN_DESCRIBE(knn_model_checkpoint_callback, callback, "ModelCheckpoint", __VA_ARGS__)

/* Writes model and training state after each epoch. Where the file exists when fit begins, training goes on behind its last epoch, bit for
 * bit as if it had not stopped (all built-in callbacks included); a file that does not fit is an error that names the difference.
 * The file is deleted when training ends by itself (all epochs, or a built-in callback's decision), as in Keras, unless .no_delete;
 * it stays when a user's function ended it with KNN_STOP, or an error: the next fit goes on, at the beginning of an epoch that was
 * cut short. */
typedef struct knn_backup_callback {
    knn_callback callback;
    const char *path;
    bool no_delete;                         /* delete_checkpoint=False */
} knn_backup_callback;
#define knn_backup_and_restore(...) KNN_DESCRIBE(knn_backup_callback, callback, "BackupAndRestore", __VA_ARGS__)

/* Ends training when `monitor` has not improved by more than min_delta for `patience` epochs (0: the first bad one). */
typedef struct knn_early_stopping_callback {
    knn_callback callback;
    const char *monitor;                    /* NULL: val_loss */
    int patience;
    double min_delta, baseline;             /* baseline 0: none; KNN_ZERO: 0 */
    bool restore_best_weights;              /* at the end of training, always */
    int start_from_epoch;
    knn_mode mode;
} knn_early_stopping_callback;
#define knn_early_stopping(...) KNN_DESCRIBE(knn_early_stopping_callback, callback, "EarlyStopping", __VA_ARGS__)

/* rate = max(rate * factor, min_lr) when `monitor` has not improved for `patience` epochs. */
typedef struct knn_reduce_lr_callback {
    knn_callback callback;
    const char *monitor;                    /* NULL: val_loss */
    double factor;                          /* 0: 0.1; below 1 */
    int patience;                           /* 0: 10; KNN_NONE: 0 */
    double min_delta;                       /* 0: 1e-4; KNN_ZERO: 0 */
    int cooldown;
    double min_lr;
    knn_mode mode;
} knn_reduce_lr_callback;
#define knn_reduce_lr_on_plateau(...) KNN_DESCRIBE(knn_reduce_lr_callback, callback, "ReduceLROnPlateau", __VA_ARGS__)

/* rate = function(epoch, rate, user) at the beginning of each epoch. */
typedef double knn_schedule_fn(int epoch, double rate, void *user);
typedef struct knn_learning_rate_scheduler_callback {
    knn_callback callback;
    knn_schedule_fn *function;
    void *user;                             /* must outlive fit */
} knn_learning_rate_scheduler_callback;
#define knn_learning_rate_scheduler(...) \
    KNN_DESCRIBE(knn_learning_rate_scheduler_callback, callback, "LearningRateScheduler", __VA_ARGS__)

/* Validates with the average of the weights that an optimizer with .use_ema keeps: it takes the weights' place meanwhile. With swap_on_epoch
 * later callbacks (knn_model_checkpoint) see the average at the end of an epoch, too. Keras' rule: when callbacks end such a training before
 * its last epoch, the model is left with its weights, else with the average. */
typedef struct knn_swap_ema_weights_callback {
    knn_callback callback;
    bool swap_on_epoch;
} knn_swap_ema_weights_callback;
#define knn_swap_ema_weights(...) KNN_DESCRIBE(knn_swap_ema_weights_callback, callback, "SwapEMAWeights", __VA_ARGS__)

/* Ends training when a batch's loss is NaN or infinite. */
typedef struct knn_terminate_on_nan_callback { knn_callback callback; } knn_terminate_on_nan_callback;
#define knn_terminate_on_nan(...) KNN_DESCRIBE(knn_terminate_on_nan_callback, callback, "TerminateOnNaN", __VA_ARGS__)

/* Writes what TensorBoard shows: curves of each epoch in LOG_DIR/train and LOG_DIR/validation (epoch_loss, epoch_learning_rate, ..), the
 * layers as a graph, and what is asked for below. The directories are made; a file of its own a fit, opened before the first epoch.
 * Tags are tf.keras 2's. Not there: profile_batch, embeddings_freq. */
typedef struct knn_tensorboard_callback {
    knn_callback callback;
    const char *log_dir;                    /* NULL: "logs" */
    int histogram_freq;                     /* each n-th epoch, from the first, all weights as histograms; 0: never */
    bool no_graph;                          /* write_graph=False */
    bool write_images;                      /* .. and, where they can be shown, as pictures: Keras clips them to [0, 1] */
    bool write_steps_per_second;
    int update_freq;                        /* n: also each n-th batch, counted from 1 (batch_loss, ..); 0: epochs only */
} knn_tensorboard_callback;
#define knn_tensorboard(...) KNN_DESCRIBE(knn_tensorboard_callback, callback, "TensorBoard", __VA_ARGS__)

/* A function of the user's, called at these points; return KNN_OK, KNN_STOP (training ends after this batch or epoch; an epoch cut short
 * is neither validated nor logged nor saved), or an error (training ends; knn_fit returns KNN_ERROR_CALLBACK). */
typedef enum knn_event_kind {
    KNN_TRAIN_BEGIN = 0, KNN_EPOCH_BEGIN = 1, KNN_BATCH_END = 2, KNN_EPOCH_END = 3, KNN_TRAIN_END = 4,
    KNN_BATCH_BEGIN = 5, KNN_TEST_BEGIN = 6, KNN_TEST_END = 7       /* test: the validation at the end of an epoch */
} knn_event_kind;
typedef struct knn_event {
    size_t size;
    knn_event_kind kind;
    knn_model *model;                       /* may be saved, predicted with, given another learning rate */
    int epoch, epochs;                      /* from 0; the number of the last epoch + 1 */
    size_t batch, batches;                  /* KNN_BATCH_BEGIN, .._END: from 0; number of batches of an epoch */
    size_t log_count;                       /* running means in an epoch; with val_* at its end; KNN_TEST_END: val_* alone */
    const char *const *log_names;
    const double *log_values;
} knn_event;
typedef knn_status knn_callback_fn(const knn_event *event, void *user);
typedef struct knn_function_callback {
    knn_callback callback;
    knn_callback_fn *function;
    void *user;
} knn_function_callback;
#define knn_call(...) KNN_DESCRIBE(knn_function_callback, callback, "LambdaCallback", __VA_ARGS__)

/* ---- Fit ---- */

typedef struct knn_fit_options {            /* by position: data */
    size_t size;
    const knn_dataset *data;                /* required */
    int epochs;                             /* 0: 1; the number of the last epoch + 1, not a count */
    int initial_epoch;
    int batch_size;                         /* 0: 32; the last batch of an epoch may be shorter */
    int steps_per_epoch;                    /* 0: all samples once; larger: wraps around */
    const knn_dataset *validation_data;     /* NULL: none. Its preprocessing must be the training data's */
    bool no_shuffle;
    const double *class_weight;             /* factor on the loss of each class's samples; NULL: all 1 */
    size_t class_weight_count;              /* missing classes count 1 */
    const knn_callback *callbacks[KNN_MAX_CALLBACKS];
    double validation_split;                /* without validation_data: this share of data, its last samples, validates instead */
    int validation_batch_size;              /* 0: batch_size */
    int validation_steps;                   /* only the first so many batches validate; 0: all */
} knn_fit_options;
/* Trains. After an error in an epoch the model is as after the last step that succeeded. Copies class names and preprocessing of the data
 * to the model. Errors: STATE (not compiled), SHAPE (data do not fit the model), DATA (a picture, named), ARGUMENT, IO, MEMORY, CALLBACK. */
#define knn_fit(model, ...) knn_fit_with(model, KNN_OPTIONS(knn_fit_options, __VA_ARGS__))
KNN_API knn_status knn_fit_with(knn_model *model, const knn_fit_options *options);

/* ---- History: belongs to the model; of its last fit (also a failed one), or of the file that it was loaded from ---- */

typedef struct knn_history knn_history;
KNN_API const knn_history *knn_model_history(const knn_model *model);            /* NULL: none yet */
KNN_API size_t             knn_history_epochs(const knn_history *history);
KNN_API size_t             knn_history_key_count(const knn_history *history);
KNN_API const char        *knn_history_key(const knn_history *history, size_t index);
KNN_API const double      *knn_history_values(const knn_history *history, const char *key);   /* [epochs]; NULL: no such key */
KNN_API knn_status         knn_history_save_csv(const knn_history *history, const char *path);

#ifdef __cplusplus
}
#endif
#endif
