/* An activation of a number, and its gradient, in kernels. */
#ifndef KNN_BACKEND_CUDA_ACTIVATE_H
#define KNN_BACKEND_CUDA_ACTIVATE_H

#include "backend/activations.h"
#include "backend/cuda/knn_cu.h"

static __device__ inline float activated(knn_activation f, float x) { return f == KNN_RELU ? knn__relu(x) : knn__activation_value(f, x); }

/* kept: x, or y where knn__slope_from_output. */
static __device__ inline float activation_gradient(knn_activation f, float kept, float dy)
{
    return f == KNN_RELU ? (kept > 0 ? dy : 0) : dy * knn__activation_slope(f, kept);
}

#endif
