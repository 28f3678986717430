/* What TensorBoard shows, as values of a Summary message, as TensorFlow 2's tf.summary writes them. Knows no files and no models. */
#ifndef KNN_TRAINING_SUMMARY_H
#define KNN_TRAINING_SUMMARY_H

#include "core/text.h"

#include <stdint.h>

/* Each appends one value under `tag` to a summary; a failure sticks in the text. */
void knn__summary_scalar(knn__text *summary, const char *tag, float value);
/* 30 buckets of equal width from the least to the largest value. What is not finite is left out. */
void knn__summary_histogram(knn__text *summary, const char *tag, const float *values, size_t n);
/* pixels[count][height][width][channels]: grey, RGB or RGBA. */
void knn__summary_images(knn__text *summary, const char *tag, const uint8_t *pixels, int count, int height, int width, int channels);
/* The layers of a model as Keras' JSON, which the graphs page draws. */
void knn__summary_keras_model(knn__text *summary, const char *tag, const char *json);

#endif
