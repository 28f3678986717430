/* The activations over rows: softmax, log_softmax, sparsemax. A row is `length` numbers, `step` floats apart: the channels, or, for the layer
 * Softmax, whatever its axes span. */
#include "backend/reference/reference.h"
#include "backend/sparsemax.h"

#include <math.h>

/* ln of the sum of e^x, shifted by the maximum so that nothing overflows. */
static double log_sum(const knn_real *x, knn__row r)
{
    double most = x[0], sum = 0;
    for (int i = 1; i < r.length; i++)
        most = x[i * r.step] > most ? x[i * r.step] : most;
    for (int i = 0; i < r.length; i++)
        sum += exp(x[i * r.step] - most);
    return most + log(sum);
}

/* ---- A row ---- */

/* y may be x. */
static void row_forward(knn_activation f, const knn_real *x, knn_real *y, knn__row r)
{
    double shift = f == KNN_SPARSEMAX ? knn__sparsemax_threshold(x, r) : log_sum(x, r);
    for (int i = 0; i < r.length; i++) {
        double shifted = x[i * r.step] - shift;
        y[i * r.step] = (knn_real)(f == KNN_SOFTMAX ? exp(shifted) : f == KNN_LOG_SOFTMAX ? shifted : shifted > 0 ? shifted : 0);
    }
}

/* softmax: dx = y (dy - sum of y dy); log_softmax: dx = dy - e^y sum of dy. dx may be dy. */
static void row_backward(knn_activation f, const knn_real *y, const knn_real *dy, knn_real *dx, knn__row r)
{
    double sum = 0;
    for (int i = 0; i < r.length; i++)
        sum += f == KNN_SOFTMAX ? (double)y[i * r.step] * dy[i * r.step] : dy[i * r.step];
    for (int i = 0; i < r.length; i++) {
        double value = y[i * r.step], gradient = dy[i * r.step];
        dx[i * r.step] = (knn_real)(f == KNN_SOFTMAX ? value * (gradient - sum) : gradient - exp(value) * sum);
    }
}

static knn_activation function_of(const knn_node *n) { return n->op == KNN_OP_SOFTMAX ? KNN_SOFTMAX : n->activation; }

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request, (void)reason;
    return knn__is_over_rows(&nodes[0]);
}

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->output = true;
    needs->input = step->nodes[0].activation == KNN_SPARSEMAX;
    needs->in_place = !needs->input || !step->request.training;
}

/* Where row number `index` of an image begins: [blocks][length][step]. */
static size_t row_start(const knn_node *n, size_t index)
{
    size_t step = (size_t)n->step;
    return index / step * (size_t)n->length * step + index % step;
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++)
        for (size_t i = 0; i < step->y.length / (size_t)n->length; i++)
            row_forward(function_of(n), knn__image(&step->x, image, part.slice) + row_start(n, i),
                        knn__image(&step->y, image, part.slice) + row_start(n, i), (knn__row){n->length, n->step});
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    const knn__row r = {n->length, n->step};
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        for (size_t i = 0; i < step->y.length / (size_t)n->length; i++) {
            const knn_real *y = knn__image(&step->y, image, part.slice) + row_start(n, i);
            const knn_real *dy = knn__image(&step->dy, image, part.slice) + row_start(n, i);
            knn_real *dx = knn__image(&step->dx, image, part.slice) + row_start(n, i);
            if (n->activation == KNN_SPARSEMAX)
                knn__sparsemax_backward(knn__image(&step->x, image, part.slice) + row_start(n, i), y, dy, dx, r);
            else
                row_backward(function_of(n), y, dy, dx, r);
        }
}

const knn_kernel knn__reference_softmax = {
    .name = "softmax, reference",
    .ops = {KNN_OP_ACTIVATION, KNN_OP_SOFTMAX}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
