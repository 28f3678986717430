/* Descriptions (layers, initializers, optimizers, losses, ..) and Keras' configs, both ways, by field tables. Knows no
 * single class. */
#ifndef KNN_KERAS_DESCRIPTION_H
#define KNN_KERAS_DESCRIPTION_H

#include "keras/json.h"
#include "layers/fields.h"

/* Reading a file's descriptions. They point to each other and to the JSON tree; the model copies them. Zero-initialised
 * is ready. */
typedef struct knn__reading {
    bool old;                               /* written by Keras 1 or 2 */
    bool no_memory;                         /* an allocation failed */
    char reason[160];                       /* what the last failed call does not support */
    void **blocks;                          /* memory of the descriptions */
    size_t count, capacity;
} knn__reading;
void *knn__reading_alloc(knn__reading *reading, size_t count, size_t size);
void  knn__reading_free(knn__reading *reading);

/* Fails with reading->reason; returns false. */
bool knn__unsupported(knn__reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether two names mean the same class: "RMSprop", "rmsprop", "Custom>RMSprop"; "mse", "MeanSquaredError". */
bool knn__same_class(const char *a, const char *b);
const char *knn__without_package(const char *name);          /* "RMSprop" of "Custom>RMSprop" */
const knn__kind *knn__find_class(const knn__kind *const *kinds, const char *name);
/* A member of a config by Keras 2's key, or by what other versions call it; NULL: not there, or null. */
const cJSON *knn__config_get(const cJSON *config, const char *key);

/* A description of a kind; what the config lacks stays at its default. NULL on failure. */
void *knn__read_description(knn__reading *reading, const knn__kind *kind, const cJSON *config);

/* The members of a config, in the portable profile: options that old Keras does not know are left out where they have
 * their default. */
void knn__write_fields(knn__text *text, const knn_field *fields, const void *description);
/* Whether every option has its default. */
bool knn__all_normal(const knn_field *fields, const void *description);
/* {"class_name": .., "config": {..}} as member `key`; with "module" where it is not NULL. */
void knn__write_object(knn__text *text, const char *key, const char *module, const char *class_name, const knn_field *fields,
                       const void *description);

#endif
