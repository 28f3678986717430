/* Dense layers by matrix products, with the activation behind them where its slope follows from its output. A sample is [positions][inputs],
 * mostly of one position.
 *
 * Bias, ReLU and the bias's gradient are part of a product, where cuBLASLt has an algorithm for it; else a launch of their own, as all other
 * activations are: cuBLASLt's GELU takes tanh for erf, which Keras' does not. ReLU's slope follows from y, so that the bit mask of
 * cuBLASLt's RELU_AUX is not needed; its DRELU_BGRAD would be part of the product of the layer behind, from which dropout parts it. */
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
    needs->tensor = step->device->tensor;
    needs->scratch = (partial_length(step) + (activated ? (size_t)step->request.capacity * step->y.length : 0)) * sizeof(float);
}

static void forward(const knn_step *step, knn_part part)
{
    sizes s = sizes_of(step, part);
    knn_activation f = activation_of(step->nodes, step->count);
    const knn__cuda_finish finish = {.bias = knn__weight(step, 0, KNN_BIAS), .relu = f == KNN_RELU};
    float *y = knn__image(&step->y, part.first, 0);
    knn__cuda_matrix x = {knn__image(&step->x, part.first, 0), s.inputs, false}, w = {knn__weight(step, 0, KNN_KERNEL), s.units, false};
    bool plain = finish.bias == NULL && f == KNN_LINEAR, finishes = !plain && (f == KNN_LINEAR || f == KNN_RELU);
    if (finishes && knn__cuda_gemm_and(step->device, s.rows, s.units, s.inputs, x, w, y, s.units, finish))
        return;
    knn__cuda_gemm(step->device, s.rows, s.units, s.inputs, x, w, false, y, s.units);
    if (!plain)
        knn__cuda_did(step->device, knn__cuda_add_to_rows(step->device->stream, finish.bias, f, (unsigned)s.rows, (unsigned)s.units, y),
                      "adding a bias");
}

static const float *gradient_before_activation(const knn_step *step, knn_part part)
{
    const float *dy = knn__image(&step->dy, part.first, 0);
    float *dz = (float *)knn__scratch(step, 0) + partial_length(step);
    if (step->count == 1)
        return dy;
    knn__cuda_did(step->device, knn__cuda_activate_backward(step->device->stream, step->nodes[1].activation, knn__image(&step->y, part.first, 0),
                                                            dy, knn__cuda_numbers(part, step->y.length), dz), "an activation, backward");
    return dz;
}

static void weight_gradients(const knn_step *step, knn_part part, knn__cuda_matrix dz)
{
    sizes s = sizes_of(step, part);
    float *dw = knn__gradient(step, 0, KNN_KERNEL), *db = knn__gradient(step, 0, KNN_BIAS);
    knn__cuda_matrix transposed_x = {knn__image(&step->x, part.first, 0), s.inputs, true};
    if (dw != NULL && db != NULL &&
        knn__cuda_gemm_and(step->device, s.inputs, s.units, s.rows, transposed_x, dz, dw, s.units, (knn__cuda_finish){.sums = db}))
        return;
    if (dw != NULL)
        knn__cuda_gemm(step->device, s.inputs, s.units, s.rows, transposed_x, dz, false, dw, s.units);
    if (db != NULL)
        knn__cuda_did(step->device, knn__cuda_sum_rows(step->device->stream, dz.data, (unsigned)s.rows, (unsigned)s.units, knn__scratch(step, 0),
                                                       db), "summing a bias's gradient");
}

static void backward(const knn_step *step, knn_part part)
{
    sizes s = sizes_of(step, part);
    knn__cuda_matrix transposed_w = {knn__weight(step, 0, KNN_KERNEL), s.units, true};
    knn__cuda_matrix dz = {gradient_before_activation(step, part), s.units, false};
    weight_gradients(step, part, dz);
    if (step->dx.data != NULL)
        knn__cuda_gemm(step->device, s.rows, s.inputs, s.units, dz, transposed_w, false, knn__image(&step->dx, part.first, 0), s.inputs);
}

const knn_kernel knn__cuda_dense = {
    .name = "dense+activation, gemm, cuda",
    .ops = {KNN_OP_DENSE}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
