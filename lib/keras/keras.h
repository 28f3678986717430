/* Keras files for the floor above: what callbacks need while fit holds the model. Knows no callback. */
#ifndef KNN_KERAS_KERAS_H
#define KNN_KERAS_KERAS_H

#include "core/text.h"
#include "model/model.h"

typedef enum knn__save_what {
    KNN__SAVE_MODEL,                        /* layers, weights, compilation, slots, training state, history */
    KNN__SAVE_MODEL_WITHOUT_OPTIMIZER,      /* the same without slots and training state */
    KNN__SAVE_WEIGHTS                       /* weights, class names, preprocessing */
} knn__save_what;

/* knn_save_model and knn_save_weights without their lock: the caller holds the model. Builds it if that has not
 * happened. Atomic. */
knn_status knn__save(const knn_model *model, const char *path, knn__save_what what);

/* Weights, slots, training state (model->training), history and learning rate of a whole model that knn__save wrote,
 * into a built and compiled model: afterwards both go on bit for bit alike. Without lock. All or nothing. `fingerprint`
 * is compared with the file's: texts of lines "what: value"; the error names the first line that differs, with both
 * values. */
knn_status knn__restore(knn_model *model, const char *path, const char *fingerprint);

/* The model's share of such a fingerprint: a line for the seed, each layer, the loss, each metric, the optimizer
 * (without its learning rate, which callbacks change). Ends with a line end. */
void knn__fingerprint(const knn_model *model, knn__text *text);

/* Its layers as Keras' JSON: the model_config of files. */
void knn__config_write(const knn_model *model, knn__text *text);
/* The same as Keras 3 wants it in texts of their own. */
void knn__layers_write(const knn_model *model, knn__text *text);
/* That with the compilation: config.json of a .keras archive. */
void knn__archive_config_write(const knn_model *model, knn__text *text);

#endif
