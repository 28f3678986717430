/* A running fit as its parts see it: options, place, logs. The loop is fit.c; callbacks are callbacks.h. */
#ifndef KNN_TRAINING_TRAINING_H
#define KNN_TRAINING_TRAINING_H

#include "core/text.h"
#include "model/model.h"

#include <knn/training.h>

enum { KNN__MAX_LOGS = 2 * (1 + KNN_MAX_METRICS) + 1 };

/* The numbers of an epoch under Keras' names: loss, metrics; the same of the validation; the learning rate, where a callback
 * changes it. The names stand before the first epoch; within an epoch only those of the training have values. */
typedef struct knn__logs {
    char *names[KNN__MAX_LOGS];             /* owned */
    double values[KNN__MAX_LOGS];
    int training, count;                    /* numbers within an epoch, and at its end */
    int rate;                               /* place of "lr"; count: there is none */
} knn__logs;

typedef struct knn__training {
    knn_model *model;
    knn_fit_options options;                /* defaults filled in; initial_epoch behind what a backup restored */
    int epoch;                              /* from 0 */
    size_t batch, batches;                  /* in the epoch */
    double batch_loss;                      /* of the last batch alone */
    knn__logs logs;
    bool stop;                              /* no more batches and epochs */
    bool interrupted;                       /* .. because a user's function said so: an epoch begun stays unfinished */
    bool resumed;                           /* a backup restored the history, too */
    struct knn__callback *callbacks;        /* [callback_count] */
    int callback_count;
} knn__training;

/* ---- fit_data.c ---- */

/* Of the data, with a validation_split; of the validation data, with validation_steps. Must not be moved while they are in use. */
typedef struct knn__fit_parts { knn__dataset_part training, validation, first_steps; } knn__fit_parts;
/* Puts the parts that these options ask for in the place of the data. */
knn_status knn__fit_data(knn_fit_options *options, knn__fit_parts *parts);
/* Whether the data fit the model, and one another. */
knn_status knn__check_fit_data(const knn_model *model, const knn_fit_options *options);

/* ---- fit_batch.c ---- */

typedef enum knn__batch_state { KNN__BATCH_EMPTY, KNN__BATCH_LOADED, KNN__BATCH_BEGUN } knn__batch_state;
typedef struct knn__batch {
    knn__batch_state state;
    knn_status status;                      /* of loading and beginning */
    char error[512];
    int images;
    float *y, *weight;                      /* x is staged in the training plan */
    knn__train_step step;
} knn__batch;
/* On a device two take turns. */
typedef struct knn__batches { knn__batch batch[2]; int count; } knn__batches;

knn_status knn__batches_make(const knn__training *training, size_t size, knn__batches *batches);
void       knn__batches_free(const knn__training *training, knn__batches *batches);
/* Trains on the batch training->batch of the epoch's order: training->batch_loss, and *images: how many samples it had. */
knn_status knn__train_batch(knn__training *training, knn__batches *batches, const size_t *order, int *images);

/* ---- logs.c ---- */

knn_status knn__logs_name(knn__training *training, bool with_rate);
void       knn__logs_free(knn__logs *logs);
/* The place of a key; -1: there is none. "acc" and "accuracy" are the same key, with and without "val_". */
int        knn__logs_find(const knn__logs *logs, const char *key);
/* KNN_ERROR_ARGUMENT: no such key, and those there are. */
knn_status knn__logs_unknown(const knn__logs *logs, const char *what, const char *key);

/* ---- path_template.c ---- */

/* A path with Keras' fields {epoch} (from 1) {epoch:02d} {val_loss:.2f} filled in from the epoch and the logs. Within an epoch there
 * is {batch} (from 1), too, and of the logs only those of the training. */
knn_status knn__expand_path(const char *path, const knn__training *training, bool within_epoch, knn__text *expanded);

#endif
