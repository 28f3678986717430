/* Batch normalization over the channels, with ReLU behind it: y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy
 * 2015). In training mean and (biased) variance are the batch's; a frozen layer, and inference, take the moving statistics. ReLU's mask is
 * computed again from x. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

static bool by_batch(const knn_step *step) { return step->request.training && !step->nodes[0].frozen && step->run->training; }
static size_t channels_of(const knn_step *step) { return (size_t)step->nodes[0].in.channels; }

/* The batch's statistics wait for the backward pass with image 0: [mean, variance][channels]. */
static float *saved_statistics(const knn_step *step) { return knn__saved(step, 0); }

/* Scratch: the sums of parts, then those of all: each two a channel. */
static float *partial_of(const knn_step *step) { return knn__scratch(step, 0); }
static float *sums_of(const knn_step *step) { return partial_of(step) + 2 * KNN_CUDA_SUM_PARTS * channels_of(step); }

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request, (void)reason;
    return count > 1 && nodes[1].op == KNN_OP_ACTIVATION && nodes[1].activation == KNN_RELU ? 2 : 1;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    if (!step->request.training)
        return;
    needs->saved = 2 * channels_of(step) * sizeof(float);
    needs->scratch = 2 * (KNN_CUDA_SUM_PARTS + 1) * channels_of(step) * sizeof(float);
}

static knn__cuda_batch describe(const knn_step *step, knn_part part)
{
    unsigned rows = knn__cuda_rows(part, step->nodes[0].in), most = KNN_CUDA_SUM_PARTS;
    const float *mean = knn__weight(step, 0, KNN_MOVING_MEAN), *variance = knn__weight(step, 0, KNN_MOVING_VARIANCE);
    if (by_batch(step)) {
        mean = saved_statistics(step);
        variance = mean + channels_of(step);
    }
    return (knn__cuda_batch){.rows = rows, .channels = (unsigned)channels_of(step), .parts = rows < most ? rows : most,
        .relu = step->count == 2, .epsilon = (float)step->nodes[0].epsilon, .mean = mean, .variance = variance,
        .gamma = knn__weight(step, 0, KNN_GAMMA), .beta = knn__weight(step, 0, KNN_BETA)};
}

static void forward(const knn_step *step, knn_part part)
{
    knn__cuda_batch n = describe(step, part);
    cudaStream_t stream = step->device->stream;
    const float *x = knn__image(&step->x, part.first, 0);
    if (by_batch(step))
        knn__cuda_did(step->device, knn__cuda_batch_statistics(stream, n, x, (float)step->nodes[0].momentum, partial_of(step),
                                                               saved_statistics(step), saved_statistics(step) + channels_of(step),
                                                               knn__weight(step, 0, KNN_MOVING_MEAN),
                                                               knn__weight(step, 0, KNN_MOVING_VARIANCE)), "a batch's statistics");
    knn__cuda_did(step->device, knn__cuda_normalize(stream, n, x, knn__image(&step->y, part.first, 0)), "batch normalization");
}

static void backward(const knn_step *step, knn_part part)
{
    knn__cuda_batch n = describe(step, part);
    cudaStream_t stream = step->device->stream;
    const float *x = knn__image(&step->x, part.first, 0), *dy = knn__image(&step->dy, part.first, 0);
    knn__cuda_did(step->device, knn__cuda_normalization_gradients(stream, n, x, dy, partial_of(step), sums_of(step),
                                                                  knn__gradient(step, 0, KNN_GAMMA), knn__gradient(step, 0, KNN_BETA)),
                  "gradients of gamma and beta");
    if (step->dx.data != NULL)
        knn__cuda_did(step->device, knn__cuda_normalize_backward(stream, n, x, dy, by_batch(step) ? sums_of(step) : NULL,
                                                                 knn__image(&step->dx, part.first, 0)), "batch normalization, backward");
}

const knn_kernel knn__cuda_batch_normalization = {
    .name = "batch_normalization, cuda",
    .ops = {KNN_OP_BATCH_NORMALIZATION}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
