/* training_config, both ways: Keras' JSON and what knn_compile takes. */
#ifndef KNN_KERAS_TRAINING_CONFIG_H
#define KNN_KERAS_TRAINING_CONFIG_H

#include "keras/description.h"
#include "model/model.h"

/* training_config, or Keras 3's compile_config. False: something is not understood (reading->reason) or there is no memory.
 * `ours`: the JSON of the attribute libknn, or NULL. */
bool knn__training_config_read(knn__reading *reading, const cJSON *json, const cJSON *ours, knn_compile_options *options);

/* Whether there is one to write: a compiled model with a loss that files know. */
bool knn__has_training_config(const knn_model *model);
void knn__training_config_write(const knn_model *model, knn__text *text);
void knn__compile_config_write(const knn_model *model, knn__text *text);        /* as Keras 3 has it in archives */

/* The options of the optimizer that no Keras knows, for the attribute libknn. */
void knn__write_optimizer_extras(const knn_model *model, knn__text *text);

/* Single parts, as elements of a list: also for fingerprints. `modules`: objects say theirs, as Keras 3's archives want it. */
void knn__write_loss(const knn__loss *loss, const char *key, bool modules, knn__text *text);
void knn__write_metric(const knn__metric *metric, bool modules, knn__text *text);
/* `with_rate`: with the learning rate or schedule in force. */
void knn__write_optimizer(const knn__optimizer *optimizer, const char *key, bool modules, bool with_rate, knn__text *text);

#endif
