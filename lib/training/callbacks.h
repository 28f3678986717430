/* Callbacks inside: one kind each, in one table; a running one is its description and its state. */
#ifndef KNN_TRAINING_CALLBACKS_H
#define KNN_TRAINING_CALLBACKS_H

#include "core/text.h"
#include "training/training.h"

enum { KNN__EVENTS = KNN_TEST_END + 1 };

typedef struct knn__callback knn__callback;
typedef knn_status knn__callback_function(knn__callback *callback, knn__training *training);

/* A number (a double) of a callback's state that a resumed training goes on with. */
typedef struct knn__state_number {
    const char *key;
    size_t offset;
} knn__state_number;

typedef struct knn__callback_kind {
    knn__kind kind;                         /* first: the table of kinds holds &callback_kind.kind */
    size_t state_size;
    const knn__state_number *numbers;       /* ends with a NULL key; NULL: none */
    bool logs_rate;                         /* it changes the learning rate, so that the logs show it */
    bool only_watches;                      /* see knn__callback */
    bool last;                              /* created and called after all others: it reads and writes their states */
    knn__callback_function *create;         /* before the first epoch: checks, resolves keys, tries paths; NULL: nothing to do */
    knn__callback_function *on[KNN__EVENTS];            /* by event; NULL: not interested */
    void (*destroy)(knn__callback *callback);           /* of what the state holds; NULL: nothing */
} knn__callback_kind;

struct knn__callback {
    const knn__callback_kind *kind;
    int place;                              /* in the user's list, from 1 */
    bool only_watches;                      /* of its kind, or set by create: within an epoch it looks at the logs at most, not at the model */
    void *description;                      /* owned, defaults filled in; its texts and pointers are the caller's */
    void *state;                            /* zeroed before create */
    float *weights;                         /* NULL, or all weights, as a part of the state; owned */
};

extern const knn__callback_kind knn__progress_bar_kind, knn__csv_logger_kind, knn__model_checkpoint_kind,
    knn__backup_kind, knn__early_stopping_kind, knn__reduce_lr_kind, knn__learning_rate_scheduler_kind,
    knn__terminate_on_nan_kind, knn__tensorboard_kind, knn__swap_ema_weights_kind, knn__function_kind;

/* ---- callbacks.c ---- */

/* Copies the callbacks of the options and says whether one of them logs the learning rate. */
knn_status knn__callbacks_describe(knn__training *training, bool *logs_rate);
/* Creates them; the logs have names by now. */
knn_status knn__callbacks_create(knn__training *training);
void       knn__callbacks_free(knn__training *training);

/* Tells all of them; the first error ends it. */
knn_status knn__callbacks_notify(knn__training *training, knn_event_kind event);

/* Whether nobody who is told of a batch's beginning or end may look at the model, or change the training. */
bool knn__callbacks_only_watch(const knn__training *training);

/* All states, to model->training and from there. A callback that the file does not know begins anew. */
knn_status knn__callbacks_save_state(const knn__training *training);
void       knn__callbacks_restore_state(knn__training *training);

/* ---- monitor.c: what callbacks that watch a number share ---- */

typedef struct knn__monitor {
    int log;                                /* its place in the logs */
    bool maximize;
} knn__monitor;

/* key NULL: "val_loss". */
knn_status knn__monitor_resolve(const knn__training *training, const char *key, knn_mode mode, knn__monitor *monitor);
double     knn__monitor_worst(const knn__monitor *monitor);
double     knn__monitor_value(const knn__monitor *monitor, const knn__training *training);
/* Better than `best` by more than `delta`; never where one is NaN. */
bool       knn__monitor_improved(const knn__monitor *monitor, double value, double best, double delta);

extern const char *const knn__mode_names[];

#endif
