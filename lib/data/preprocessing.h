/* What is done to every picture before a network sees it, as the files of this floor use it (dataset.h has the rest).
 * Knows nothing of augmentation. */
#ifndef KNN_DATA_PREPROCESSING_H
#define KNN_DATA_PREPROCESSING_H

#include "data/dataset.h"
#include "data/image.h"

enum { KNN__NORMAL_MAX_PIXELS = 64000000 };

/* Decodes a file to pixels[height][width][channels] of 8 bits: what a cache may keep. */
knn_status knn__decode_file(const knn__preprocessing *preprocessing, const char *path, uint8_t *pixels);

/* height * width * channels */
size_t knn__preprocessed_length(const knn__preprocessing *preprocessing);

knn__picture_wish knn__wish_of(const knn__preprocessing *preprocessing);

/* x = x * rescale, minus its mean, divided by its standard deviation + 1e-6, minus and divided by its channels', whitened, as far as
 * asked for. */
void knn__standardize(const knn__preprocessing *preprocessing, float *x, size_t n);

/* Whether it is no more than rescale. */
bool knn__only_rescales(const knn__preprocessing *preprocessing);

/* A checked copy of a user's generator (NULL: no changes at all) with its defaults filled in: rescale 1, zoom_lower and
 * zoom_upper, .._center where the deviation is normalized. In augmentation.c. */
knn_status knn__complete_generator(const knn_generator_options *given, knn_generator_options *generator);

/* A share of [0, 1) for validation; a subset only with such a share. `where` begins the error text. */
knn_status knn__check_split(double validation_split, knn_subset subset, const char *where);

/* The part of a completed generator that is no augmentation, for pictures of preprocessing's sizes, which statistics must have, too. */
knn_status knn__set_standardization(knn__preprocessing *preprocessing, const knn_generator_options *generator);

#endif
