/* A file or an image to load from: its bytes, what it is, and its HDF5 handle. */
#ifndef KNN_KERAS_SOURCE_H
#define KNN_KERAS_SOURCE_H

#include "keras/description.h"
#include "keras/hdf5.h"
#include "keras/state.h"

typedef struct knn__source {
    const char *name;                       /* for errors: the path, or "data" */
    void *bytes;                            /* of a file or of an archive's weights; NULL: the caller's */
    knn__h5 *file;
    bool is_archive;
    cJSON *model, *training, *metadata;     /* of a .keras archive: its configurations, until they are taken, and who wrote it */
} knn__source;

/* From a path, or, where `data` is not NULL, from memory that the caller keeps until knn__source_close. Says what other
 * files are; on failure there is nothing to close. */
knn_status knn__source_open(knn__source *source, const char *path, const void *data, size_t size);
void       knn__source_close(knn__source *source);

/* Whether the weights lie in Keras 3's own layout. */
bool        knn__source_is_nested(const knn__source *source);
/* "" or "model_weights": where the weights in the legacy layout lie; NULL with an error that says what the file is instead. */
const char *knn__source_weights(const knn__source *source);
/* Nothing, or an error that says what the file is instead of a whole model. */
knn_status knn__source_expect_model(const knn__source *source);

/* A JSON text at the root, or what an archive has for "model_config" and "training_config", which is given away; *json is NULL where there
 * is none. */
knn_status knn__source_json(knn__source *source, const char *attribute, cJSON **json);
/* The part of it that is ours, where there is one. */
knn_status knn__source_state(knn__source *source, cJSON **json, knn__state *state);
/* "keras_version" or "backend" as the file has it, in memory of the caller's; NULL: it has not. */
knn_status knn__source_text(const knn__source *source, const char *attribute, char **text);
/* Whether Keras 1 or 2 wrote it, by its version. */
knn_status knn__source_is_old(const knn__source *source, bool *old);

#endif
