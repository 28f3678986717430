/* Layer and group normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ba, Kiros and Hinton 2016; Wu and He 2018), mean and
 * variance of a group of a block. The same in training and outside; the statistics are computed again on the way back. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

static size_t width_of(const knn_node *n) { return (size_t)n->groups * (size_t)n->columns; }

/* Numbers of a batch, and its groups. */
static size_t numbers_of(const knn_step *step) { return (size_t)step->request.capacity * knn__extent_length(step->nodes[0].in); }
static size_t groups_of(const knn_step *step)
{
    return numbers_of(step) / ((size_t)step->nodes[0].rows * (size_t)step->nodes[0].columns);
}

/* Scratch, in order. */
typedef struct work { float *statistics, *sums, *products, *partial; } work;

static work work_of(const knn_step *step)
{
    float *at = knn__scratch(step, 0);
    work w = {.statistics = at, .sums = at + 2 * groups_of(step)};
    w.products = w.sums + 2 * groups_of(step);
    w.partial = w.products + numbers_of(step);
    return w;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    size_t backward = 2 * groups_of(step) + numbers_of(step) + KNN_CUDA_SUM_PARTS * width_of(&step->nodes[0]);
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->scratch = (2 * groups_of(step) + (step->request.training ? backward : 0)) * sizeof(float);
}

static knn__cuda_groups describe(const knn_step *step)
{
    const knn_node *n = &step->nodes[0];
    return (knn__cuda_groups){(unsigned)n->rows, (unsigned)n->groups, (unsigned)n->columns, (float)n->epsilon,
                              knn__weight(step, 0, KNN_GAMMA), knn__weight(step, 0, KNN_BETA)};
}

static void forward(const knn_step *step, knn_part part)
{
    cudaStream_t stream = step->device->stream;
    const float *x = knn__image(&step->x, part.first, 0);
    unsigned n = knn__cuda_numbers(part, step->x.length);
    work w = work_of(step);
    knn__cuda_did(step->device, knn__cuda_group_statistics(stream, describe(step), n, x, w.statistics), "statistics of groups");
    knn__cuda_did(step->device, knn__cuda_normalize_groups(stream, describe(step), n, x, w.statistics, knn__image(&step->y, part.first, 0)),
                  "group normalization");
}

/* The sum over all blocks and rows; to NULL: not wanted. */
static void sum_rows(const knn_step *step, const float *from, unsigned n, float *partial, float *to)
{
    unsigned width = (unsigned)width_of(&step->nodes[0]);
    if (to != NULL)
        knn__cuda_did(step->device, knn__cuda_sum_rows(step->device->stream, from, n / width, width, partial, to),
                      "gradients of gamma and beta");
}

static void backward(const knn_step *step, knn_part part)
{
    cudaStream_t stream = step->device->stream;
    const float *x = knn__image(&step->x, part.first, 0), *dy = knn__image(&step->dy, part.first, 0);
    unsigned n = knn__cuda_numbers(part, step->x.length);
    knn__cuda_groups g = describe(step);
    work w = work_of(step);
    knn__cuda_did(step->device, knn__cuda_group_statistics(stream, g, n, x, w.statistics), "statistics of groups");
    knn__cuda_did(step->device, knn__cuda_group_products(stream, g, n, x, dy, w.statistics, w.products), "group normalization, backward");
    sum_rows(step, w.products, n, w.partial, knn__gradient(step, 0, KNN_GAMMA));
    sum_rows(step, dy, n, w.partial, knn__gradient(step, 0, KNN_BETA));
    if (step->dx.data == NULL)
        return;
    knn__cuda_did(step->device, knn__cuda_group_sums(stream, g, n, dy, w.products, w.sums), "group normalization, backward");
    knn__cuda_did(step->device, knn__cuda_normalize_groups_backward(stream, g, n, x, dy, w.statistics, w.sums,
                                                                    knn__image(&step->dx, part.first, 0)), "group normalization, backward");
}

const knn_kernel knn__cuda_group_normalization = {
    .name = "group_normalization, cuda",
    .ops = {KNN_OP_GROUP_NORMALIZATION}, .measure = measure, .forward = forward, .backward = backward,
};
