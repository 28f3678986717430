/* How convolution kernels lie in files of Keras 0 and 1, and of Keras on Theano. Reads no file. */
#ifndef KNN_KERAS_KERNELS_H
#define KNN_KERAS_KERNELS_H

#include "keras/hdf5.h"
#include "layers/layer.h"

/* Whether a weight is a convolution's kernel, (.., in, out) or, transposed, (.., out, in): Keras turned no others, not the depthwise ones. */
bool knn__is_kernel(const knn__weight_spec *spec);

/* Whether a stored array is this kernel as Keras 0 and 1 had it: (rows, columns, in, out) or, `filters_first`, (out, in, rows, columns); those of
 * one dimension with 1 column. */
bool knn__kernel_fits(const knn__weight_spec *spec, const knn__h5_shape *shape, bool filters_first);

/* Brings (out, in, rows, columns) to our order. */
knn_status knn__kernel_reorder(const knn__weight_spec *spec, float *kernel);
/* Turns it by 180 degrees: what Theano and we call a convolution differs so. */
void       knn__kernel_flip(const knn__weight_spec *spec, float *kernel);

#endif
