/* The activations over rows: softmax, log_softmax, sparsemax. A row is the channels, or, for the layer Softmax, whatever its axes span. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request, (void)reason;
    return knn__is_over_rows(&nodes[0]);
}

static bool is_sparsemax(const knn_step *step) { return step->nodes[0].activation == KNN_SPARSEMAX; }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->output = true;
    needs->input = is_sparsemax(step);
    needs->in_place = !is_sparsemax(step);
}

static knn__cuda_row row_of(const knn_node *n)
{
    return (knn__cuda_row){n->op == KNN_OP_SOFTMAX ? KNN_SOFTMAX : n->activation, (unsigned)n->length, (unsigned)n->step};
}

static void forward(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_softmax(step->device->stream, row_of(&step->nodes[0]), knn__cuda_numbers(part, step->y.length),
                                                  knn__image(&step->x, part.first, 0), knn__image(&step->y, part.first, 0)), "softmax");
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    knn__cuda_did(step->device, knn__cuda_softmax_backward(step->device->stream, row_of(&step->nodes[0]),
                                                           knn__cuda_numbers(part, step->dx.length),
                                                           is_sparsemax(step) ? knn__image(&step->x, part.first, 0) : NULL,
                                                           knn__image(&step->y, part.first, 0), knn__image(&step->dy, part.first, 0),
                                                           knn__image(&step->dx, part.first, 0)), "softmax, backward");
}

const knn_kernel knn__cuda_softmax_rows = {
    .name = "softmax, cuda",
    .ops = {KNN_OP_ACTIVATION, KNN_OP_SOFTMAX}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
