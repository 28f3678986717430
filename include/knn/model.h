/* knn/model.h: a Sequential model: building, looking at it, running it. Training is in knn/training.h, files in knn/files.h.
 *
 * Thread rule of the whole library: functions of a const knn_model * may run in several threads at once; one that takes a knn_model * needs
 * it alone. Breaking it is KNN_ERROR_STATE, not a crash. A NULL model is an error that quotes the thread's last error. */
#ifndef KNN_MODEL_H
#define KNN_MODEL_H

#include <knn/data.h>
#include <knn/layers.h>
#include <knn/learning.h>
#include <knn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct knn_model knn_model;

typedef enum knn_float32 {                   /* what a product of two matrices of fp32 is: in Dense layers and convolutions */
    KNN_FLOAT32_STRICT = 0,                 /* sums of products of fp32 */
    KNN_FLOAT32_TENSOR = 1                  /* of numbers rounded to 11 binary digits (TF32), on a GPU with tensor cores for it (compute
                                               capability 8.0 or newer): faster, a thousandth off. Elsewhere as strict */
} knn_float32;

typedef struct knn_model_options {
    size_t size;
    const char *name;                       /* NULL: "sequential" */
    const char *backend;                    /* NULL: "auto"; "cpu" "reference"; "cuda" "cuda:1" where built and there is a GPU; one
                                               that cannot be had is an error */
    int threads;                            /* 0: all cores that the process may use */
    uint64_t seed;                          /* of weights, order, dropout, augmentation; 0 is a seed, too */
    knn_float32 float32;                    /* 0: KNN_FLOAT32_STRICT. Not in files */
} knn_model_options;
#define knn_sequential(...) knn_sequential_with(KNN_OPTIONS(knn_model_options, __VA_ARGS__))
KNN_API knn_model *knn_sequential_with(const knn_model_options *options);       /* NULL on failure */
KNN_API knn_model *knn_sequential_new(void);                                    /* the same without options, for C++ and bindings */
KNN_API void       knn_model_free(knn_model *model);                            /* NULL is fine */

/* Appends a layer; shapes are checked now. The first failure sticks: every later call on the model returns it. A model that has been used
 * keeps its weights, and must be compiled again.
 * Errors: ARGUMENT (a field out of range, a name twice), SHAPE (does not fit its input), STATE (in a callback), UNSUPPORTED, MEMORY. */
KNN_API knn_status knn_add(knn_model *model, const knn_layer *layer);

/* ---- Transfer learning: an old body, a new head. Weights stay; each of these calls wants knn_compile again before training ----
 *
 *     knn_model *old = knn_load_model("old.h5"), *model = knn_sequential();
 *     knn_add_layers(model, old, "flatten", .frozen = true);
 *     knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX));
 */

typedef struct knn_add_layers_options {     /* by position: from, up_to */
    size_t size;
    const knn_model *from;                  /* required; may be freed afterwards */
    const char *up_to;                      /* the name of the last layer (or model inside) wanted; NULL: all */
    bool frozen;                            /* trainable=False for all of them; else as they are */
} knn_add_layers_options;
/* Appends copies of another model's first layers, with their names and weights. A model without an input takes that one's, too; with
 * another input the weights must keep their shapes. Failures stick, as knn_add's. */
#define knn_add_layers(model, ...) knn_add_layers_with(model, KNN_OPTIONS(knn_add_layers_options, __VA_ARGS__))
KNN_API knn_status knn_add_layers_with(knn_model *model, const knn_add_layers_options *options);

typedef struct knn_add_model_options {      /* by position: from, name */
    size_t size;
    const knn_model *from;                  /* required; may be freed afterwards */
    const char *name;                       /* NULL: its own, numbered (sequential_1) where a layer is called so */
    bool frozen;                            /* trainable=False for all of its layers; else as they are */
} knn_add_model_options;
/* Appends another model as one layer, as Keras' model.add(model). It is a copy: layers and weights are this model's from now on, what the
 * other one is compiled with does not matter. Its layers and weights are called "features/conv2d", "features/conv2d/kernel"; knn_summary,
 * knn_pop and files take it for one layer. Input and failures are as with knn_add_layers. */
#define knn_add_model(model, ...) knn_add_model_with(model, KNN_OPTIONS(knn_add_model_options, __VA_ARGS__))
KNN_API knn_status knn_add_model_with(knn_model *model, const knn_add_model_options *options);
/* Removes the last layer, as in Keras; the names of classes go with it. STATE: there is none. */
KNN_API knn_status knn_pop(knn_model *model);
/* Keras' layer.trainable, of the layer of that name, or of all layers of a model inside; NULL: of all layers. A frozen layer is not updated and has no penalty; a frozen
 * BatchNormalization normalizes by its moving statistics, in training, too. */
KNN_API knn_status knn_set_trainable(knn_model *model, const char *layer, bool trainable);

typedef struct knn_compile_options {
    size_t size;
    const knn_optimizer *optimizer;         /* NULL: knn_rmsprop(), as in Keras */
    const knn_loss *loss;                   /* required */
    const knn_metric *metrics[KNN_MAX_METRICS];
    const knn_metric *weighted_metrics[KNN_MAX_METRICS];        /* take the weights of samples; with the others at most KNN_MAX_METRICS */
} knn_compile_options;
/* Sets how to train; may be called again (the optimizer then starts anew, the weights stay). Failures stick, as knn_add's. */
#define knn_compile(model, ...) knn_compile_with(model, KNN_OPTIONS(knn_compile_options, __VA_ARGS__))
KNN_API knn_status knn_compile_with(knn_model *model, const knn_compile_options *options);

/* Keras' layer.adapt(data): the mean and variance of each channel of a data set (never augmented) become those of the Normalization of that
 * name; NULL: of the first one. The data are what the layer sees: samples with as many channels. ARGUMENT: no such layer; SHAPE; the data set's failure. */
KNN_API knn_status knn_adapt(knn_model *model, const char *layer, const knn_dataset *data);

/* ---- Looking at it ---- */

KNN_API knn_status  knn_summary(const knn_model *model, FILE *stream);           /* Keras' table, as tf.keras 2.6 prints it */
KNN_API knn_status  knn_explain(const knn_model *model, FILE *stream);           /* kernel of each layer, why not a faster one, bytes */
/* Bytes that running `batch_size` samples needs beside the weights, training or inference. */
KNN_API knn_status  knn_memory(const knn_model *model, int batch_size, bool training, size_t *bytes);
KNN_API const char *knn_backend_name(const knn_model *model);                   /* "cpu"; "" for a NULL model */
KNN_API size_t      knn_input_length(const knn_model *model);                   /* floats a sample; 0 while unknown */
KNN_API size_t      knn_output_length(const knn_model *model);
KNN_API size_t      knn_layer_count(const knn_model *model);                    /* without InputLayer; those of a model inside one by one */
KNN_API const char *knn_layer_name(const knn_model *model, size_t index);       /* NULL: no such layer */
/* Each of class_name ("Conv2D"), rank and shape (of its output, without the batch), weights (how many arrays it has; they lie layer by layer
 * in knn_weight_info's order) may be NULL. */
KNN_API knn_status  knn_layer_info(const knn_model *model, size_t index, const char **class_name, int *rank, int shape[3], size_t *weights);
KNN_API int         knn_input_shape(const knn_model *model, int shape[3]);      /* its rank, without the batch; 0 while unknown */

/* What it is compiled with, by Keras' class names ("RMSprop", "BinaryCrossentropy"); NULL: it is not compiled. */
KNN_API const char *knn_optimizer_name(const knn_model *model);
KNN_API const char *knn_loss_name(const knn_model *model);
KNN_API const char *knn_value_name(const knn_model *model, size_t index);       /* of knn_evaluate's values: "loss", "accuracy", ..; NULL: no more */
KNN_API uint64_t    knn_iterations(const knn_model *model);                     /* steps of the optimizer so far, those that a file tells of included */

/* ---- Running it ---- */

/* y[samples][output_length] from x[samples][input_length]; batches of up to 32 inside, no training behaviour. y_length counts floats. */
KNN_API knn_status knn_predict(const knn_model *model, const float *x, size_t samples, float *y, size_t y_length);
typedef struct knn_predict_options {        /* by position: data, y, y_length */
    size_t size;
    const knn_dataset *data;                /* row i of y belongs to sample i; never augmented */
    float *y;
    size_t y_length;
    int batch_size;                         /* 0: 32 */
} knn_predict_options;
#define knn_predict_dataset(model, ...) knn_predict_dataset_with(model, KNN_OPTIONS(knn_predict_options, __VA_ARGS__))
KNN_API knn_status knn_predict_dataset_with(const knn_model *model, const knn_predict_options *options);
/* All outputs for one picture, by the preprocessing that travels with the model. A model of a channels_first file takes (channels, height,
 * width) of knn_predict; pictures, and data sets of (height, width, channels), are turned for it. */
KNN_API knn_status knn_predict_file(const knn_model *model, const char *path, float *y, size_t y_length);

typedef struct knn_evaluate_options {       /* by position: data, values, count */
    size_t size;
    const knn_dataset *data;                /* required, with labels */
    double *values;                         /* values[0]: the loss, then the metrics as compiled */
    size_t count;                           /* how many are wanted, at most 1 + metrics */
    int batch_size;                         /* 0: 32 */
} knn_evaluate_options;
/* Loss and metrics over a data set, weighted by samples; wants a compiled model. */
#define knn_evaluate(model, ...) knn_evaluate_with(model, KNN_OPTIONS(knn_evaluate_options, __VA_ARGS__))
KNN_API knn_status knn_evaluate_with(const knn_model *model, const knn_evaluate_options *options);

/* One optimizer step on `samples` samples; `count` values as in knn_evaluate, of before the step. */
KNN_API knn_status knn_train_on_batch(knn_model *model, const float *x, const float *y, size_t samples, double *values, size_t count);

/* The likeliest class of a picture and its probability, by the preprocessing and class names that travel with the model (from the training
 * data, a file of ours, or knn_set_preprocessing). One sigmoid output: class 1 if above 0.5, else class 0 with 1 - p.
 * class_name and probability may be NULL. Errors: STATE (the model knows no preprocessing or no names), DATA, IO. */
KNN_API knn_status knn_classify_file(const knn_model *model, const char *path, const char **class_name, double *probability);
KNN_API knn_status knn_classify_bytes(const knn_model *model, const void *data, size_t size,          /* an encoded picture */
                                      const char **class_name, double *probability);
KNN_API knn_status knn_classify_pixels(const knn_model *model, const uint8_t *rgb, int width, int height, size_t row_bytes,
                                       const char **class_name, double *probability);                 /* row_bytes 0: 3 * width */
KNN_API size_t      knn_class_count(const knn_model *model);
KNN_API const char *knn_class_name(const knn_model *model, size_t index);
/* What knn_classify_* do with a picture: size, colours, interpolation, rescale, centring as in knn_pictures(..), and the class names in
 * label order (NULL-terminated; NULL: keeps those there are). */
KNN_API knn_status  knn_set_preprocessing(knn_model *model, const knn_directory_options *as, const char *const *class_names);
/* The way back, into options as knn_pictures() makes them: how this model's pictures are prepared, for knn_set_preprocessing of another one
 * or, with a directory, for a data set that suits it. as->generator becomes `generator`; a whitening matrix stays the model's. STATE: it
 * knows none.
 *
 *     knn_generator_options generator = *knn_image_data_generator();
 *     knn_directory_options as = *knn_pictures(.directory = "test");
 *     if (knn_get_preprocessing(model, &as, &generator) == KNN_OK)
 *         test = knn_flow_from_directory_with(&as);
 */
KNN_API knn_status  knn_get_preprocessing(const knn_model *model, knn_directory_options *as, knn_generator_options *generator);

/* ---- Its weights: per layer in Keras' order, kernel shapes as in Keras ---- */

KNN_API size_t     knn_weight_count(const knn_model *model);
/* Each of name ("conv2d/kernel"), rank, shape, trainable may be NULL. */
KNN_API knn_status knn_weight_info(const knn_model *model, size_t index, const char **name, int *rank, int shape[4], bool *trainable);
KNN_API knn_status knn_get_weight(const knn_model *model, size_t index, float *values, size_t length);        /* length in floats, exact */
KNN_API knn_status knn_set_weight(knn_model *model, size_t index, const float *values, size_t length);

/* The rate that the next step will use; setting it replaces a schedule. Both want a compiled model. */
KNN_API double     knn_learning_rate(const knn_model *model);                        /* NaN: not compiled */
KNN_API knn_status knn_set_learning_rate(knn_model *model, double rate);

#ifdef __cplusplus
}
#endif
#endif
