/* Maximum and mean over windows, and over whole pictures. For the backward pass of a maximum, forward keeps which cell was the largest. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

enum { MOST_CELLS = UINT16_MAX };

static int covers_maximum(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    const knn__cuda_window w = knn__cuda_window_of(&nodes[0]);
    (void)count;
    *reason = "a window of more than 65535 cells";
    return request->training && (size_t)w.kernel_height * w.kernel_width > MOST_CELLS ? 0 : 1;
}

static void measure_maximum(const knn_step *step, knn_needs *needs)
{
    needs->saved = step->request.training ? step->y.length * sizeof(uint16_t) : 0;
}

static void forward_maximum(const knn_step *step, knn_part part)
{
    unsigned char *which = step->request.training ? knn__saved(step, part.first) : NULL;
    knn__cuda_did(step->device, knn__cuda_maximum(step->device->stream, knn__cuda_window_of(&step->nodes[0]), knn__cuda_images(part),
                                                  knn__image(&step->x, part.first, 0), knn__image(&step->y, part.first, 0), which,
                                                  step->saved_stride), "max-pooling");
}

static void backward_maximum(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    knn__cuda_did(step->device, knn__cuda_maximum_backward(step->device->stream, knn__cuda_window_of(&step->nodes[0]), knn__cuda_images(part),
                                                           knn__image(&step->dy, part.first, 0), knn__saved(step, part.first),
                                                           step->saved_stride, knn__image(&step->dx, part.first, 0)),
                  "max-pooling, backward");
}

static void forward_mean(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_mean(step->device->stream, knn__cuda_window_of(&step->nodes[0]), knn__cuda_images(part),
                                               knn__image(&step->x, part.first, 0), knn__image(&step->y, part.first, 0)),
                  "average pooling");
}

static void backward_mean(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    knn__cuda_did(step->device, knn__cuda_mean_backward(step->device->stream, knn__cuda_window_of(&step->nodes[0]), knn__cuda_images(part),
                                                        knn__image(&step->dy, part.first, 0), knn__image(&step->dx, part.first, 0)),
                  "average pooling, backward");
}

const knn_kernel knn__cuda_max_pooling2d = {
    .name = "max_pooling2d, cuda",
    .ops = {KNN_OP_MAX_POOLING2D, KNN_OP_GLOBAL_MAX_POOLING2D}, .covers = covers_maximum,
    .measure = measure_maximum, .forward = forward_maximum, .backward = backward_maximum,
};

const knn_kernel knn__cuda_average_pooling2d = {
    .name = "average_pooling2d, cuda",
    .ops = {KNN_OP_AVERAGE_POOLING2D, KNN_OP_GLOBAL_AVERAGE_POOLING2D}, .forward = forward_mean, .backward = backward_mean,
};
