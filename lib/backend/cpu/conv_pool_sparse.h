/* Backward pass of conv2d 3x3 + relu + max_pooling2d: after pooling at most one position of four has a gradient, and ReLU kills about
 * half of those, so only the live ones are multiplied. `positions` are the bytes of pool2x2.h, in the step's saved blocks. */
#ifndef KNN_BACKEND_CPU_CONV_POOL_SPARSE_H
#define KNN_BACKEND_CPU_CONV_POOL_SPARSE_H

#include "backend/cpu/conv3x3.h"

#define sparse_packed KNN_ISA_NAME(knn__sparse_packed)
#define sparse_scratch KNN_ISA_NAME(knn__sparse_scratch)
#define sparse_partial KNN_ISA_NAME(knn__sparse_partial)
#define sparse_pack KNN_ISA_NAME(knn__sparse_pack)
#define sparse_weights KNN_ISA_NAME(knn__sparse_weights)
#define sparse_input KNN_ISA_NAME(knn__sparse_input)
#define sparse_finish KNN_ISA_NAME(knn__sparse_finish)

/* What the plan must provide, in floats: packed weights, scratch and partial sums of a slice. */
long sparse_packed(const conv3x3 *c);
long sparse_scratch(const conv3x3 *c);
long sparse_partial(const conv3x3 *c);

/* Packs the filters first .. last - 1 (multiples of VL) for sparse_input. */
void sparse_pack(const knn_step *step, const conv3x3 *c, int first, int last, float *packed);

/* Adds the part's gradients of kernel and bias to the slice's partial sums. */
void sparse_weights(const knn_step *step, const conv3x3 *c, knn_part part, float *scratch);

/* Writes the part's dx. */
void sparse_input(const knn_step *step, const conv3x3 *c, knn_part part, const float *packed, float *scratch);

/* The slice's share of the gradients, in Keras' layout. */
void sparse_finish(const knn_step *step, const conv3x3 *c, int slice);

#endif
