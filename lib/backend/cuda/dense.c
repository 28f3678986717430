/* Dense layers by matrix products. A sample is [positions][inputs], mostly of one position. */
#include "backend/cuda/blas.h"
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

typedef struct sizes { size_t rows, inputs, units; } sizes;

static sizes sizes_of(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    return (sizes){knn__cuda_rows(part, n->in), (size_t)n->in.channels, (size_t)n->out.channels};
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count;
    return knn__cuda_covers(nodes[0].op == KNN_OP_DENSE, &nodes[0], request, reason);
}

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = true;
    needs->scratch = KNN_CUDA_SUM_PARTS * (size_t)step->nodes[0].out.channels * sizeof(float);
}

static void forward(const knn_step *step, knn_part part)
{
    sizes s = sizes_of(step, part);
    const float *bias = knn__weight(step, 0, KNN_BIAS);
    float *y = knn__image(&step->y, part.first, 0);
    knn__cuda_matrix x = {knn__image(&step->x, part.first, 0), s.inputs, false}, w = {knn__weight(step, 0, KNN_KERNEL), s.units, false};
    knn__cuda_gemm(step->device, s.rows, s.units, s.inputs, x, w, false, y, s.units);
    if (bias != NULL)
        knn__cuda_did(step->device, knn__cuda_add_to_rows(step->device->stream, bias, (unsigned)s.rows, (unsigned)s.units, y), "adding a bias");
}

static void backward(const knn_step *step, knn_part part)
{
    sizes s = sizes_of(step, part);
    float *dw = knn__gradient(step, 0, KNN_KERNEL), *db = knn__gradient(step, 0, KNN_BIAS);
    knn__cuda_matrix transposed_x = {knn__image(&step->x, part.first, 0), s.inputs, true};
    knn__cuda_matrix transposed_w = {knn__weight(step, 0, KNN_KERNEL), s.units, true};
    knn__cuda_matrix dy = {knn__image(&step->dy, part.first, 0), s.units, false};
    if (dw != NULL)
        knn__cuda_gemm(step->device, s.inputs, s.units, s.rows, transposed_x, dy, false, dw, s.units);
    if (db != NULL)
        knn__cuda_did(step->device, knn__cuda_sum_rows(step->device->stream, dy.data, (unsigned)s.rows, (unsigned)s.units,
                                                       knn__scratch(step, 0), db), "summing a bias's gradient");
    if (step->dx.data != NULL)
        knn__cuda_gemm(step->device, s.rows, s.inputs, s.units, dy, transposed_w, false, knn__image(&step->dx, part.first, 0), s.inputs);
}

const knn_kernel knn__cuda_dense = {
    .name = "dense, gemm, cuda",
    .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
