/* From a file to a model that is ready for a verb. */
#ifndef MODEL_H
#define MODEL_H

#include "options.h"
#include "output.h"

#include <knn/knn.h>

/* A model of any kind of file; with --config, of those layers and the file's weights. `weights`: layers alone will not do. NULL: why has
 * been said. The caller frees it. */
knn_model *open_model(const options *o, const knn_file_info *file, bool weights, output *to);

/* A model that can take pictures and tells classes: with the preprocessing and names of the file or of the options, or usual ones. */
knn_model *open_classifier(const options *o, output *to);

/* Of a classifier: how many classes it tells apart, and what one is called: by its name, or its number, for which there is room. */
enum { NUMBER_TEXT = 24 };
size_t      class_count(const knn_model *model);
const char *class_label(const knn_model *model, size_t index, char number[NUMBER_TEXT]);

/* The probability of each class from one sample's outputs: a single output is that of class 1. */
void class_probabilities(const knn_model *model, bool logits, const float *y, double *p);
/* The first of the largest. */
size_t likeliest(const double *p, size_t count);

/* "whole model, .h5" */
const char *kind_name(knn_file_kind kind);

/* The list "layers" and both numbers of parameters. */
void put_layers(const knn_model *model, output *to);

#endif
