/* Data sets as the floors above see them: a sample or a batch by number, and the preprocessing that travels with a model.
 * Does not know models, batches' order or epochs' ends: that is fit's. */
#ifndef KNN_DATA_DATASET_H
#define KNN_DATA_DATASET_H

#include "backend/pictures.h"

#include <knn/data.h>
#include <knn/extend.h>

enum { KNN__STATISTICS = 4 };               /* channels that may have them */

/* What is done to every picture, training or not: it must be the same at prediction. Augmentation is no part of it. */
typedef struct knn__preprocessing {
    int height, width, channels;            /* target size; channels 1 or 3 */
    knn_interpolation interpolation;
    bool apply_orientation;
    double rescale;                         /* 1: none */
    bool samplewise_center, samplewise_std_normalization;
    bool featurewise_center, featurewise_std_normalization;
    double mean[KNN__STATISTICS], std[KNN__STATISTICS];                 /* of the channels, where one of these is set */
    const float *whitening;                 /* [numbers of a picture] squared; borrowed of who opened a data set, but a model's is its own; NULL: none */
    size_t max_pixels;
} knn__preprocessing;

/* Floats of `whitening`; 0: none. */
size_t knn__whitening_size(const knn__preprocessing *preprocessing);

/* From the public options, defaults filled in and checked (`where` begins the error text). */
knn_status knn__preprocessing_from_options(const knn_directory_options *options, knn__preprocessing *preprocessing);

/* The way back; what is no preprocessing stays. The matrix is the preprocessing's. */
void knn__preprocessing_to_options(const knn__preprocessing *preprocessing, knn_directory_options *options, knn_generator_options *generator);

/* Empty if both are the same; else names the first difference in `text` ("rescale 0.00392157 and 1"). */
bool knn__preprocessing_equal(const knn__preprocessing *a, const knn__preprocessing *b, char *text, size_t size);

/* One picture to x[height][width][channels], as prediction sees it. `name` stands in error texts. */
knn_status knn__load_picture_file(const knn__preprocessing *preprocessing, const char *path, float *x);
knn_status knn__load_picture_bytes(const knn__preprocessing *preprocessing, const void *data, size_t size, const char *name, float *x);
knn_status knn__load_picture_pixels(const knn__preprocessing *preprocessing, const uint8_t *rgb, int width, int height, size_t row_bytes, float *x);

/* What a kind of data set does; all are const and run in several threads at once. */
typedef struct knn__dataset_kind {
    const char *name;                       /* "directory", "arrays", "custom" */
    /* Writes x; y and weight where they are not NULL (weight is 1 before the call). */
    knn_status (*load)(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, float *x, float *y, float *weight);
    /* The same of a data set that gives pictures: x is the picture, changed, times rescale. NULL: it never does. */
    knn_status (*load_picture)(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, uint8_t *bytes,
                               knn__picture_change *change, float *y, float *weight);
    const char *(*path)(const knn_dataset *dataset, size_t index);      /* NULL: has none */
    int (*class_of)(const knn_dataset *dataset, size_t index);          /* the number of its class, NULL: has none */
    void (*release)(knn_dataset *dataset);                              /* of what `state` holds */
    bool by_class;                          /* samples lie class by class: no stretch of them stands for all */
} knn__dataset_kind;

struct knn_dataset {
    const knn__dataset_kind *kind;
    void *state;                            /* the kind's own */
    knn_shape input;                        /* of a sample */
    int outputs;                            /* floats a label; 0: none */
    size_t samples;
    bool sparse_labels;                     /* y is the number of a class */
    char **class_names;                     /* NULL without */
    size_t class_count;
    bool has_preprocessing;
    bool gives_pictures;                    /* besides floats: 8-bit pictures that are changed and rescaled, no more */
    knn__preprocessing preprocessing;
    char **skipped;                         /* paths of bad files left out */
    size_t skipped_count;
};

/* x[n][input], y[n][outputs], weights[n] of samples indices[0..n), one parallel loop over the samples. y and weights may be NULL.
 * The first failing sample (in order) decides the error. */
knn_status knn__dataset_batch(const knn_dataset *dataset, uint64_t seed, int epoch, const size_t *indices, int n, bool augment,
                              int threads, float *x, float *y, float *weights);

/* The same of a data set that gives pictures. */
knn_status knn__dataset_pictures(const knn_dataset *dataset, uint64_t seed, int epoch, const size_t *indices, int n, bool augment,
                                 int threads, const knn__pictures *to, float *y, float *weights);

/* Samples [first, first + view.samples) of another data set, which must outlive it. Nothing to free; must not be moved. */
typedef struct knn__dataset_part { const knn_dataset *whole; size_t first; knn_dataset view; } knn__dataset_part;
void knn__dataset_take_part(const knn_dataset *whole, size_t first, size_t samples, knn__dataset_part *part);

/* Index of the class a label belongs to: its number, round for one column, argmax for one-hot. */
int knn__label_class(const knn_dataset *dataset, const float *y);

#endif
