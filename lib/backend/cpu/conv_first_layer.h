/* dW of conv2d + relu + max_pooling2d for very few input channels, as a net's first layer has: lists of live positions would be longer
 * than the work. `positions` are the bytes of pool2x2.h, in the step's saved blocks. There is no dX here: a first layer needs none. */
#ifndef KNN_BACKEND_CPU_CONV_FIRST_LAYER_H
#define KNN_BACKEND_CPU_CONV_FIRST_LAYER_H

#include "backend/cpu/conv_shape.h"

#define first_layer_scratch KNN_ISA_NAME(knn__first_layer_scratch)
#define first_layer_partial KNN_ISA_NAME(knn__first_layer_partial)
#define first_layer_weights KNN_ISA_NAME(knn__first_layer_weights)

/* More channels fill the lists' vectors. Without a fast choice of one of four floats (baseline) the lists are always better. */
enum { FIRST_LAYER_CHANNELS = VL == 4 ? 0 : 4 };

/* What the plan must provide, in floats: scratch and partial sums of a slice. */
long first_layer_scratch(const conv_shape *c);
long first_layer_partial(const conv_shape *c);

/* Adds the part's gradients of kernel and bias to the slice's partial sums: [taps channels][padded filters], then the bias'. */
void first_layer_weights(const knn_step *step, const conv_shape *c, knn_part part, float *scratch);

#endif
