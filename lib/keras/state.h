/* What a file of ours holds beside Keras' items: the root attribute `libknn` (JSON) and the root group `libknn`
 * (arrays). Keras ignores both. */
#ifndef KNN_KERAS_STATE_H
#define KNN_KERAS_STATE_H

#include "keras/hdf5.h"
#include "keras/json.h"
#include "keras/keras.h"

#define KNN__STATE "libknn"                 /* the name of both */
#define KNN__WHITENING KNN__STATE "/whitening"          /* the matrix of zca_whitening */

/* What was read, before the model takes it. Zero-initialised is empty. */
typedef struct knn__state {
    bool has_preprocessing, has_whitening;
    knn__preprocessing preprocessing;
    knn__names class_names;
    knn__history *history;                  /* NULL: none */
    bool has_training;                      /* the members below */
    knn__training_state training;
    uint64_t seed;
    double rate;                            /* of the optimizer now, */
    bool scheduled;                         /* unless its schedule is in force */
    bool has_slots;
    float *slots[KNN_MAX_SLOTS];            /* arenas as model->slots, made by knn__state_read_arrays */
    size_t slot_bytes;
} knn__state;

/* From the attribute's JSON, then the matrix of the preprocessing, where it has one, then slots and callbacks' weights for a built and compiled model. */
knn_status knn__state_read(const cJSON *json, knn__state *state);
knn_status knn__state_read_whitening(knn__h5 *file, knn__state *state);
knn_status knn__state_read_arrays(knn__h5 *file, const knn_model *model, knn__state *state);
void       knn__state_free(knn__state *state);

/* The model takes preprocessing and class names, where there are any. */
knn_status knn__state_give_classes(const knn__state *state, knn_model *model);
/* The model takes history, seed excepted all of the training, and slots; cannot fail. */
void knn__state_give_training(knn__state *state, knn_model *model);

knn_status knn__state_write_whitening(knn__h5 *file, const knn_model *model);
void       knn__state_write(const knn_model *model, knn__save_what what, knn__text *text);
knn_status knn__state_write_arrays(knn__h5 *file, const knn_model *model);

#endif
