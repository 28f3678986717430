/* The backend "cuda": its kernels, fastest first, its losses and optimizers, on devices (device.c). Computes nothing itself. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

unsigned knn__cuda_grid_cap = 1u << 16;     /* blocks: enough for every GPU to be busy */

static const knn_kernel *const cuda_kernels[] = {
    &knn__cuda_conv2d_pooled,
    &knn__cuda_conv2d_implicit,
    &knn__cuda_conv2d_im2col,
    &knn__cuda_dense,
    &knn__cuda_max_pooling2d,
    &knn__cuda_average_pooling2d,
    &knn__cuda_activation,
    &knn__cuda_softmax_rows,
    &knn__cuda_dropout,
    &knn__cuda_gaussian,
    &knn__cuda_rescaling,
    &knn__cuda_batch_normalization,
    &knn__cuda_rectifiers,
    &knn__cuda_padding,
    &knn__cuda_permutation,
    &knn__cuda_up_sampling,
    &knn__cuda_group_normalization,
    &knn__cuda_normalization,
    &knn__cuda_embedding,
    &knn__cuda_conv2d_transpose,
    &knn__cuda_image_map,
    &knn__cuda_random_color,
    NULL
};

static const knn_kernel *const *kernels(int list) { return list == 0 ? cuda_kernels : NULL; }

static const char *instruction_set(void) { return ""; }

/* After a failure what these read may never have come there, and is no bool or no enum. */
static void loss(const knn__loss_call *call)
{
    if (!call->device->failed)
        knn__cuda_did(call->device, knn__cuda_loss(call->device->stream, call), "a loss");
}

static void pictures(const knn__pictures_call *call)
{
    if (!call->device->failed)
        knn__cuda_did(call->device, knn__cuda_feed(call->device->stream, call), "pictures");
}

const knn_backend knn__cuda_backend = {
    .name = "cuda",
    .kernels = kernels,
    .instruction_set = instruction_set,
    .loss = loss,
    .describe_step = knn__cuda_describe_step,
    .step = knn__cuda_optimizer_step,
    .most_numbers = KNN_CUDA_MOST_NUMBERS,
    .pictures = pictures,
    .devices = &knn__cuda_devices,
};
