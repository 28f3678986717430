/* knn/files.h: Keras' files, both ways: .h5, .keras, .weights.h5, JSON.
 *
 * Read, by contents, whatever the name is: whole models and weights files of Keras 0.3 to 3. Written, by the name's end: .keras archives and
 * .weights.h5 in Keras 3's layout, all else in the legacy one; tf.keras and Keras 3 load either. Besides Keras' items a file of ours holds class
 * names, preprocessing, history and the optimizer's state; Keras ignores them. */
#ifndef KNN_FILES_H
#define KNN_FILES_H

#include <knn/model.h>

#ifdef __cplusplus
extern "C" {
#endif

struct knn_layer_class;

typedef struct knn_load_options {           /* by position: path */
    size_t size;
    const char *path;
    const char *backend;                    /* as in knn_model_options */
    int threads;
    uint64_t seed;
    bool no_compile;                        /* for prediction only: the file's training configuration is not looked at */
    const struct knn_layer_class *const *layers;    /* NULL-terminated: classes of users' own layers in the file */
    const void *data;                       /* instead of path: the file's bytes, */
    size_t data_size;                       /* and their number */
    knn_float32 float32;                    /* as in knn_model_options */
} knn_load_options;
/* A model from a file: layers, weights, and, where the file has them, compilation, class names, preprocessing, training state. NULL on failure; all
 * that is unsupported is named at once. A training configuration that is not understood leaves the model uncompiled. */
#define knn_load_model(...) knn_load_model_with(KNN_OPTIONS(knn_load_options, __VA_ARGS__))
KNN_API knn_model *knn_load_model_with(const knn_load_options *options);
KNN_API knn_model *knn_load_model_file(const char *path);       /* the same without options, for C++ and bindings */

typedef struct knn_save_options {           /* by position: path */
    size_t size;
    const char *path;                       /* required */
    bool no_optimizer;                      /* without the optimizer's state: a smaller file */
} knn_save_options;
/* The whole model: "x.keras" becomes an archive, everything else HDF5. Atomic: the old file or the new one. */
#define knn_save_model(model, ...) knn_save_model_with(model, KNN_OPTIONS(knn_save_options, __VA_ARGS__))
KNN_API knn_status knn_save_model_with(const knn_model *model, const knn_save_options *options);
/* The weights alone, with class names and preprocessing; "x.weights.h5" has Keras 3's layout. Atomic. */
#define knn_save_weights(model, ...) knn_save_weights_with(model, KNN_OPTIONS(knn_save_options, __VA_ARGS__))
KNN_API knn_status knn_save_weights_with(const knn_model *model, const knn_save_options *options);

typedef struct knn_load_weights_options {   /* by position: path */
    size_t size;
    const char *path;                       /* required */
    bool by_name;                           /* pair layers by name, leave the others; default: by order, all */
    bool skip_mismatch;                     /* leave arrays of other shapes, and, with by_name, layers with another number of arrays */
} knn_load_weights_options;
/* All or nothing. Reads weights files and whole models. Not resuming: the optimizer's state stays. */
#define knn_load_weights(model, ...) knn_load_weights_with(model, KNN_OPTIONS(knn_load_weights_options, __VA_ARGS__))
KNN_API knn_status knn_load_weights_with(knn_model *model, const knn_load_weights_options *options);

/* The layers alone, as Keras' JSON text, which tf.keras and Keras 3 read (model_from_json). *json is freed by knn_json_free; NULL on failure. */
KNN_API knn_status knn_model_to_json(const knn_model *model, char **json);
KNN_API void       knn_json_free(char *json);                   /* NULL is fine */
KNN_API knn_status knn_save_json(const knn_model *model, const char *path);     /* the text into a file. Atomic */

typedef struct knn_json_options {           /* by position: json */
    size_t size;
    const char *json;                       /* a JSON text of any Keras' to_json, or */
    const char *backend;                    /* as in knn_model_options */
    int threads;
    uint64_t seed;
    const struct knn_layer_class *const *layers;    /* NULL-terminated: classes of users' own layers in the text */
    const char *path;                       /* the file that holds it */
    knn_float32 float32;                    /* as in knn_model_options */
} knn_json_options;
/* A new model with fresh weights, not compiled; knn_load_weights goes with it. NULL on failure; all that is unsupported is named at once. */
#define knn_model_from_json(...) knn_model_from_json_with(KNN_OPTIONS(knn_json_options, __VA_ARGS__))
KNN_API knn_model *knn_model_from_json_with(const knn_json_options *options);

/* ---- What a file is, before it is loaded ---- */

typedef enum knn_file_kind {                /* told by contents, not by name */
    KNN_FILE_H5 = 0,                        /* a whole model, legacy layout */
    KNN_FILE_KERAS = 1,                     /* a whole model, Keras 3's archive */
    KNN_FILE_H5_WEIGHTS = 2,                /* weights alone, legacy layout */
    KNN_FILE_WEIGHTS_H5 = 3,                /* weights alone, Keras 3's layout */
    KNN_FILE_JSON = 4                       /* layers alone */
} knn_file_kind;

typedef struct knn_file_info {
    size_t size;                            /* set by the caller: knn_file_info info = {.size = sizeof info}; */
    knn_file_kind kind;
    char keras_version[32], backend[32];    /* "2.6.0", "tensorflow"; "": the file does not say */
    char libknn_version[32];                /* that wrote it; "": Keras did */
} knn_file_info;
/* Looks at no layer and no weight, so that it answers also for files with layers that libknn has not. FORMAT: no file of Keras, it says what
 * else. */
KNN_API knn_status knn_inspect(const char *path, knn_file_info *info);

/* Called for an array of weights: its path in the file, "dense/dense/kernel:0", and its shape there. */
typedef void knn_array_fn(const char *path, int rank, const int *shape, void *user);
/* All arrays of weights that a file lists, in its order; none of a JSON text. No values are read, no layers are wanted. When it fails, nothing
 * has been called. */
KNN_API knn_status knn_inspect_weights(const char *path, knn_array_fn *each, void *user);

#ifdef __cplusplus
}
#endif
#endif
