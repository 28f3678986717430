/* The activations with parameters, of the layers ReLU, LeakyReLU, ELU and PReLU. Those without are elementwise.c's. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

static bool is_prelu(const knn_step *step) { return step->nodes[0].op == KNN_OP_PRELU; }
static size_t alphas_of(const knn_step *step) { return step->nodes[0].weight[KNN_ALPHA].length; }

/* Scratch: a sum for each image and alpha, then the parts of their sums. */
static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    if (step->request.training && is_prelu(step))
        needs->scratch = ((size_t)step->request.capacity + KNN_CUDA_SUM_PARTS) * alphas_of(step) * sizeof(float);
}

static knn__cuda_rectifier describe(const knn_step *step)
{
    const knn_node *n = &step->nodes[0];
    return (knn__cuda_rectifier){.op = n->op, .length = (unsigned)step->x.length, .width = (unsigned)n->in.width,
        .channels = (unsigned)n->in.channels, .alpha_height = (unsigned)n->shared.height, .alpha_width = (unsigned)n->shared.width,
        .alpha_channels = (unsigned)n->shared.channels, .alphas = is_prelu(step) ? knn__weight(step, 0, KNN_ALPHA) : NULL,
        .alpha = (float)n->alpha, .max_value = (float)n->max_value, .threshold = (float)n->threshold};
}

static void forward(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_rectify(step->device->stream, describe(step), knn__cuda_images(part),
                                                  knn__image(&step->x, part.first, 0), knn__image(&step->y, part.first, 0)), "a rectifier");
}

static void alpha_gradient(const knn_step *step, knn_part part, const float *x, const float *dy)
{
    cudaStream_t stream = step->device->stream;
    float *products = knn__scratch(step, 0), *partial = products + (size_t)step->request.capacity * alphas_of(step);
    knn__cuda_did(step->device, knn__cuda_alpha_products(stream, describe(step), knn__cuda_images(part), x, dy, products), "alpha's gradient");
    knn__cuda_did(step->device, knn__cuda_sum_rows(stream, products, knn__cuda_images(part), (unsigned)alphas_of(step), partial,
                                                   knn__gradient(step, 0, KNN_ALPHA)), "alpha's gradient");
}

static void backward(const knn_step *step, knn_part part)
{
    const float *x = knn__image(&step->x, part.first, 0), *dy = knn__image(&step->dy, part.first, 0);
    if (is_prelu(step) && knn__gradient(step, 0, KNN_ALPHA) != NULL)
        alpha_gradient(step, part, x, dy);
    if (step->dx.data != NULL)
        knn__cuda_did(step->device, knn__cuda_rectify_backward(step->device->stream, describe(step), knn__cuda_images(part), x, dy,
                                                               knn__image(&step->dx, part.first, 0)), "a rectifier, backward");
}

const knn_kernel knn__cuda_rectifiers = {
    .name = "rectifiers, cuda",
    .ops = {KNN_OP_RECTIFIER, KNN_OP_SCALED_ELU, KNN_OP_PRELU}, .measure = measure, .forward = forward, .backward = backward,
};
