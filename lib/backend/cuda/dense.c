/* Dense layers by matrix products, with the activation behind them where its slope follows from its output. A sample is [positions][inputs],
 * mostly of one position. */
#include "backend/activations.h"
#include "backend/cuda/blas.h"
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

typedef struct sizes { size_t rows, inputs, units; } sizes;

static sizes sizes_of(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    return (sizes){knn__cuda_rows(part, n->in), (size_t)n->in.channels, (size_t)n->out.channels};
}

/* Of the node behind it; linear: none that is covered. */
static knn_activation activation_of(const knn_node *nodes, int count)
{
    bool is_taken = count > 1 && nodes[1].op == KNN_OP_ACTIVATION && knn__slope_from_output(nodes[1].activation);
    return is_taken ? nodes[1].activation : KNN_LINEAR;
}

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request, (void)reason;
    return activation_of(nodes, count) != KNN_LINEAR ? 2 : 1;
}

/* Scratch: parts of the bias's gradient, then the gradient before the activation. */
static size_t partial_length(const knn_step *step) { return KNN_CUDA_SUM_PARTS * (size_t)step->nodes[0].out.channels; }

static void measure(const knn_step *step, knn_needs *needs)
{
    bool activated = step->count > 1;
    needs->input = true;
    needs->output = activated;
    needs->scratch = (partial_length(step) + (activated ? (size_t)step->request.capacity * step->y.length : 0)) * sizeof(float);
}

static void forward(const knn_step *step, knn_part part)
{
    sizes s = sizes_of(step, part);
    knn_activation f = activation_of(step->nodes, step->count);
    const float *bias = knn__weight(step, 0, KNN_BIAS);
    float *y = knn__image(&step->y, part.first, 0);
    knn__cuda_matrix x = {knn__image(&step->x, part.first, 0), s.inputs, false}, w = {knn__weight(step, 0, KNN_KERNEL), s.units, false};
    knn__cuda_gemm(step->device, s.rows, s.units, s.inputs, x, w, false, y, s.units);
    if (bias != NULL || f != KNN_LINEAR)
        knn__cuda_did(step->device, knn__cuda_add_to_rows(step->device->stream, bias, f, (unsigned)s.rows, (unsigned)s.units, y),
                      "adding a bias");
}

/* The gradient before the activation. Sums the bias's, too. */
static const float *gradient_before_activation(const knn_step *step, knn_part part, sizes s)
{
    const float *dy = knn__image(&step->dy, part.first, 0);
    float *db = knn__gradient(step, 0, KNN_BIAS), *partial = knn__scratch(step, 0), *dz = partial + partial_length(step);
    cudaStream_t stream = step->device->stream;
    if (step->count == 1) {
        if (db != NULL)
            knn__cuda_did(step->device, knn__cuda_sum_rows(stream, dy, (unsigned)s.rows, (unsigned)s.units, partial, db),
                          "summing a bias's gradient");
        return dy;
    }
    knn__cuda_did(step->device, knn__cuda_sum_slopes(stream, step->nodes[1].activation, knn__image(&step->y, part.first, 0), dy,
                                                     (unsigned)s.rows, (unsigned)s.units, partial, dz, db), "an activation, backward");
    return dz;
}

static void backward(const knn_step *step, knn_part part)
{
    sizes s = sizes_of(step, part);
    float *dw = knn__gradient(step, 0, KNN_KERNEL);
    knn__cuda_matrix transposed_x = {knn__image(&step->x, part.first, 0), s.inputs, true};
    knn__cuda_matrix transposed_w = {knn__weight(step, 0, KNN_KERNEL), s.units, true};
    knn__cuda_matrix dz = {gradient_before_activation(step, part, s), s.units, false};
    if (dw != NULL)
        knn__cuda_gemm(step->device, s.inputs, s.units, s.rows, transposed_x, dz, false, dw, s.units);
    if (step->dx.data != NULL)
        knn__cuda_gemm(step->device, s.rows, s.inputs, s.units, dz, transposed_w, false, knn__image(&step->dx, part.first, 0), s.inputs);
}

const knn_kernel knn__cuda_dense = {
    .name = "dense+activation, gemm, cuda",
    .ops = {KNN_OP_DENSE}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
