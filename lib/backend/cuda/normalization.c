/* Normalization by statistics that are known: the layer's weights, or given with its description. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

/* Packed: what was given, [mean, variance][statistics]. */
static void measure(const knn_step *step, knn_needs *needs)
{
    needs->packed = 2 * (size_t)step->nodes[0].statistics * sizeof(double);
    needs->in_place = true;
}

/* The description's arrays stay as they are for as long as the model. */
static void prepare(const knn_step *step, int slice)
{
    const knn_node *n = &step->nodes[0];
    size_t bytes = (size_t)n->statistics * sizeof(double);
    (void)slice;
    if (bytes == 0)
        return;
    knn__cuda_devices.write(step->device, step->packed, n->mean, bytes);
    knn__cuda_devices.write(step->device, step->packed + bytes, n->variance, bytes);
}

static knn__cuda_known describe(const knn_step *step)
{
    const knn_node *n = &step->nodes[0];
    bool given = n->statistics > 0;
    return (knn__cuda_known){.channels = (unsigned)n->in.channels, .given = given ? (const double *)(void *)step->packed : NULL,
        .statistics = (unsigned)n->statistics, .mean = given ? NULL : knn__weight(step, 0, KNN_KNOWN_MEAN),
        .variance = given ? NULL : knn__weight(step, 0, KNN_KNOWN_VARIANCE), .invert = n->invert};
}

static void forward(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_normalize_known(step->device->stream, describe(step), knn__cuda_numbers(part, step->y.length),
                                                          knn__image(&step->x, part.first, 0), knn__image(&step->y, part.first, 0)),
                  "normalization");
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    knn__cuda_did(step->device, knn__cuda_normalize_known_backward(step->device->stream, describe(step),
                                                                   knn__cuda_numbers(part, step->dx.length),
                                                                   knn__image(&step->dy, part.first, 0), knn__image(&step->dx, part.first, 0)),
                  "normalization, backward");
}

const knn_kernel knn__cuda_normalization = {
    .name = "normalization, cuda",
    .ops = {KNN_OP_NORMALIZATION}, .measure = measure, .prepare = prepare, .forward = forward, .backward = backward,
};
