/* The activations over rows: softmax, log_softmax, sparsemax. A row is `length` numbers, `step` floats apart: the channels, or, for the layer
 * Softmax, whatever its axes span. */
#include "backend/reference/reference.h"

#include <math.h>

typedef struct row { int length, step; } row;

/* ln of the sum of e^x, shifted by the maximum so that nothing overflows. */
static double log_sum(const knn_real *x, row r)
{
    double most = x[0], sum = 0;
    for (int i = 1; i < r.length; i++)
        most = x[i * r.step] > most ? x[i * r.step] : most;
    for (int i = 0; i < r.length; i++)
        sum += exp(x[i * r.step] - most);
    return most + log(sum);
}

/* What sparsemax takes from each number before it cuts off what is negative, so that the rest sums to 1 (Martins and Astudillo 2016): the
 * support shrinks from all numbers until none of it lies below its own threshold (Michelot 1986), which needs no sorting. */
static double sparsemax_threshold(const knn_real *x, row r)
{
    double threshold = -INFINITY;
    int count = r.length + 1, before;                           /* of the support; before the last turn */
    do {
        double sum = 0, above = threshold;
        before = count;
        count = 0;
        for (int i = 0; i < r.length; i++)
            if (x[i * r.step] > above) {
                sum += x[i * r.step];
                count++;
            }
        threshold = (sum - 1) / count;
    } while (count < before);
    return threshold;
}

/* y may be x. */
static void row_forward(knn_activation f, const knn_real *x, knn_real *y, row r)
{
    double shift = f == KNN_SPARSEMAX ? sparsemax_threshold(x, r) : log_sum(x, r);
    for (int i = 0; i < r.length; i++) {
        double shifted = x[i * r.step] - shift;
        y[i * r.step] = (knn_real)(f == KNN_SOFTMAX ? exp(shifted) : f == KNN_LOG_SOFTMAX ? shifted : shifted > 0 ? shifted : 0);
    }
}

/* softmax: dx = y (dy - sum of y dy). log_softmax: dx = dy - e^y sum of dy. sparsemax: dx = dy - mean of dy on the support, 0 elsewhere.
 * dx may be dy. */
static void row_backward(knn_activation f, const knn_real *y, const knn_real *dy, knn_real *dx, row r)
{
    double sum = 0, support = 0;
    for (int i = 0; i < r.length; i++) {
        double share = f == KNN_SOFTMAX ? y[i * r.step] : f == KNN_LOG_SOFTMAX ? 1 : y[i * r.step] > 0;
        sum += share * dy[i * r.step];
        support += share;
    }
    for (int i = 0; i < r.length; i++) {
        double value = y[i * r.step], gradient = dy[i * r.step];
        if (f == KNN_SOFTMAX)
            gradient = value * (gradient - sum);
        else if (f == KNN_LOG_SOFTMAX)
            gradient -= exp(value) * sum;
        else
            gradient = value > 0 ? gradient - sum / support : 0;
        dx[i * r.step] = (knn_real)gradient;
    }
}

static knn_activation function_of(const knn_node *n) { return n->op == KNN_OP_SOFTMAX ? KNN_SOFTMAX : n->activation; }

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request;
    return knn__reference_covers(knn__is_over_rows(&nodes[0]), reason);
}

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->output = true;
    needs->in_place = true;
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
                        knn__image(&step->y, image, part.slice) + row_start(n, i), (row){n->length, n->step});
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        for (size_t i = 0; i < step->y.length / (size_t)n->length; i++)
            row_backward(function_of(n), knn__image(&step->y, image, part.slice) + row_start(n, i),
                         knn__image(&step->dy, image, part.slice) + row_start(n, i),
                         knn__image(&step->dx, image, part.slice) + row_start(n, i), (row){n->length, n->step});
}

const knn_kernel knn__reference_softmax = {
    .name = "softmax, reference",
    .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
