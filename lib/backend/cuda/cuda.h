/* The kernels of the CUDA backend, one or two a file, listed in backend.c. Their functions queue work on the step's device: a kernel has one
 * slice, and its range is the whole batch. */
#ifndef KNN_BACKEND_CUDA_CUDA_H
#define KNN_BACKEND_CUDA_CUDA_H

#include "backend/cuda/device.h"

extern const knn_kernel knn__cuda_conv2d_pooled, knn__cuda_conv2d_implicit, knn__cuda_conv2d_im2col, knn__cuda_dense,
    knn__cuda_max_pooling2d, knn__cuda_average_pooling2d, knn__cuda_activation, knn__cuda_dropout, knn__cuda_rescaling,
    knn__cuda_batch_normalization, knn__cuda_rectifiers, knn__cuda_padding, knn__cuda_permutation, knn__cuda_up_sampling,
    knn__cuda_softmax_rows, knn__cuda_gaussian, knn__cuda_group_normalization, knn__cuda_normalization, knn__cuda_embedding,
    knn__cuda_conv2d_transpose, knn__cuda_image_map, knn__cuda_random_color;

/* optimizer.c */
void knn__cuda_describe_step(const knn__step_call *call, void *now);
void knn__cuda_optimizer_step(const knn__step_call *call);

#endif
