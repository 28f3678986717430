/* knn/extend.h: users' own layers, losses and data sets. Not in knn.h; may change between minor versions. */
#ifndef KNN_EXTEND_H
#define KNN_EXTEND_H

#include <knn/knn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The shape of a sample, without the batch. */
typedef struct knn_shape { int rank, size[3]; } knn_shape;

/* One option of a description, as files, checks and copies know it. */
typedef enum knn_field_kind {
    KNN_FIELD_INT = 0,          /* int */
    KNN_FIELD_PAIR = 1,         /* int[2]; second 0: as the first */
    KNN_FIELD_QUAD = 2,         /* int[4]: ((top, bottom), (left, right)); if any is set, the others are real zeros */
    KNN_FIELD_BOOL = 3,         /* bool */
    KNN_FIELD_NOT = 4,          /* bool that has the opposite meaning in files: no_bias is use_bias */
    KNN_FIELD_REAL = 5,         /* double */
    KNN_FIELD_ENUM = 6,         /* an enum; `nested` is a NULL-terminated array of its names in files, in order */
    KNN_FIELD_NESTED = 7,       /* pointer to a description; the library's own, e.g. initializers */
    KNN_FIELD_REALS = 8,        /* const double *, an array; NULL where its length is 0; `nested` is a knn_field_length */
    KNN_FIELD_TRIPLE = 9,       /* int[3]: a list of 1 to 3 numbers; trailing zeros are no part of it */
    KNN_FIELD_AXES = 10,        /* int, KNN_AXIS(i) or'ed together; 0: `normal`; in files a number or a list of numbers */
    KNN_FIELD_RANGE = 11        /* double, the lower bound; `nested` is the knn_field_length of another, the upper one. Upper 0: the number
                                 * f alone, from -|f| (but not below `least`) to |f|; both 0: from 0 to `normal`. Ends are put in order */
} knn_field_kind;

/* Where the length of a KNN_FIELD_REALS is: offset of an int in the same description; the array has `more` numbers beyond it. */
typedef struct knn_field_length { size_t offset; int more; } knn_field_length;

typedef struct knn_field {
    const char *name;           /* Keras' key in files; NULL ends a table */
    knn_field_kind kind;
    size_t offset;              /* offsetof(description, member) */
    double normal;              /* Keras' default: what 0 stands for */
    double least, most;         /* legal range of numbers, after defaults; both 0: any */
    const void *nested;
} knn_field;

/* What a user's layer is called with; all memory is the library's. */
typedef struct knn_layer_call {
    size_t size;
    int images;
    knn_shape in, out;
    const float *x;
    float *y;                                   /* backward: y as forward left it (const then) */
    const float *dy;
    float *dx;                                  /* backward only; dx NULL: not wanted */
    const float *const *weights;
    float *const *gradients;                    /* backward adds to them */
    bool training;
    uint64_t seed, first_sample;                /* for counter-based random numbers */
} knn_layer_call;

/* Serial, must not fail; several threads at once on different images. */
typedef struct knn_layer_class {
    size_t size;
    const char *class_name;                     /* as in files: "Package>Name" */
    size_t description_size;                    /* of the description that begins with a knn_layer */
    const knn_field *fields;                    /* options that go to files; NULL: none */
    knn_status (*shape)(const knn_layer *layer, const knn_shape *in, knn_shape *out);
    int        (*weights)(const knn_layer *layer, const knn_shape *in, int index, int shape[4]);      /* its rank; 0: no more */
    void       (*forward)(const knn_layer *layer, const knn_layer_call *call);
    void       (*backward)(const knn_layer *layer, const knn_layer_call *call);
} knn_layer_class;

/* One sample: returns its loss, writes d loss / d y_pred. */
typedef struct knn_loss_class {
    size_t size;
    const char *class_name;
    double (*value)(const knn_loss *loss, const float *y_true, const float *y_pred, size_t outputs, float *gradient);
} knn_loss_class;

/* A data set that a user's functions answer. load may run in several threads at once. */
typedef struct knn_dataset_class {
    size_t size;
    knn_shape input;
    int outputs;                                /* floats a label; 0: none */
    size_t     (*samples)(void *user);
    knn_status (*load)(void *user, uint64_t seed, int epoch, size_t index, bool augment,
                       float *x, float *y, float *weight);      /* y, weight NULL: not wanted; weight is 1 before the call */
    void       (*release)(void *user);          /* NULL: nothing to do; called by knn_dataset_free */
} knn_dataset_class;
KNN_API knn_dataset *knn_custom_dataset(const knn_dataset_class *dataset_class, void *user);   /* copies the struct; NULL on failure */

/* A message for knn_last_error from a user's function; returns `status`. */
KNN_API knn_status knn_set_error(knn_status status, const char *message);

#ifdef __cplusplus
}
#endif
#endif
