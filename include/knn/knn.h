/* libknn: Keras-like neural networks in C (not k-nearest neighbours). This header includes all others but knn/extend.h.
 *
 *     knn_model *model = knn_sequential();
 *     knn_add(model, knn_input(28, 28, 1));
 *     knn_add(model, knn_conv2d(32, 3, .activation = KNN_RELU));
 *     knn_add(model, knn_flatten());
 *     knn_add(model, knn_dense(10, .activation = KNN_SOFTMAX));
 *     knn_compile(model, .optimizer = knn_adam(), .loss = knn_categorical_crossentropy(), .metrics = {knn_accuracy()});
 *     if (knn_fit(model, data, .epochs = 5) != KNN_OK)
 *         fprintf(stderr, "%s\n", knn_last_error());
 *     knn_model_free(model);
 *
 * Rules that hold everywhere
 *   Zero in a field is Keras' default; KNN_ZERO and KNN_NONE are real zeros.
 *   Arguments are borrowed for the call, unless a comment says otherwise; a `const` pointer returned is borrowed from the handle.
 *   Functions return KNN_OK or an error, and knn_last_error() tells what it was. Nothing exits, prints, or keeps global state.
 *   A `const knn_model *` or `const knn_dataset *` may be used by several threads at once, a `knn_model *` by one at a time.
 *   Arrays are float32, row-major, NHWC: [sample][height][width][channel]; convolution kernels [height][width][in][out].
 */
#ifndef KNN_KNN_H
#define KNN_KNN_H

#include <knn/base.h>
#include <knn/data.h>
#include <knn/files.h>
#include <knn/layers.h>
#include <knn/learning.h>
#include <knn/model.h>
#include <knn/status.h>
#include <knn/training.h>
#include <knn/version.h>

#endif
