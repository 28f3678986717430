/* Embedding: rows of a table. There is no gradient towards class numbers. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request;
    *reason = "a table of more than 2^31 numbers";
    return knn__cuda_fits(1, nodes[0].weight[KNN_KERNEL].length) ? 1 : 0;
}

static void measure(const knn_step *step, knn_needs *needs) { needs->input = step->request.training; }

static knn__cuda_table table_of(const knn_node *n)
{
    size_t width = (size_t)n->out.channels;
    return (knn__cuda_table){(unsigned)(n->weight[KNN_KERNEL].length / width), (unsigned)width};
}

static void forward(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_embed(step->device->stream, table_of(&step->nodes[0]), knn__cuda_numbers(part, step->x.length),
                                                knn__image(&step->x, part.first, 0), knn__weight(step, 0, KNN_KERNEL),
                                                knn__image(&step->y, part.first, 0)), "an embedding");
}

static void backward(const knn_step *step, knn_part part)
{
    float *gradient = knn__gradient(step, 0, KNN_KERNEL);
    size_t bytes = (size_t)knn__cuda_images(part) * step->dx.length * sizeof(float);
    if (gradient != NULL)
        knn__cuda_did(step->device, knn__cuda_embed_backward(step->device->stream, table_of(&step->nodes[0]),
                                                             knn__cuda_numbers(part, step->x.length), knn__image(&step->x, part.first, 0),
                                                             knn__image(&step->dy, part.first, 0), gradient), "an embedding, backward");
    if (step->dx.data != NULL)
        knn__cuda_devices.zero(step->device, knn__image(&step->dx, part.first, 0), bytes);
}

const knn_kernel knn__cuda_embedding = {
    .name = "embedding, cuda",
    .ops = {KNN_OP_EMBEDDING}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
