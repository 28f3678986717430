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

/* ---- Sparsemax (Martins and Astudillo 2016), as Keras 3.15 has it on all its backends: its threshold sums the partial sums of the sorted
 * support instead of the support. Only where that is a single number both are the same, and the outputs sum to 1. ---- */

typedef struct support { double above; int count; } support;       /* the numbers above `above` */

/* It shrinks from all numbers until none of it lies below its own threshold (Michelot 1986), which needs no sorting. */
static support support_of(const knn_real *x, row r)
{
    support s = {-INFINITY, r.length + 1};
    int before;
    do {
        double sum = 0, above = s.above;
        before = s.count;
        s.count = 0;
        for (int i = 0; i < r.length; i++)
            if (x[i * r.step] > above) {
                sum += x[i * r.step];
                s.count++;
            }
        s.above = s.count < before ? (sum - 1) / s.count : above;
    } while (s.count < before);
    return s;
}

/* How many partial sums number i of the support is in: those of itself and of all that are sorted behind it. 0: not in the support. */
static int partial_sums(const knn_real *x, row r, support s, int i)
{
    int count = 0;
    for (int j = 0; j < r.length && x[i * r.step] > s.above; j++)
        count += x[j * r.step] > s.above && (x[j * r.step] < x[i * r.step] || (x[j * r.step] == x[i * r.step] && j >= i));
    return count;
}

static double sparsemax_threshold(const knn_real *x, row r)
{
    support s = support_of(x, r);
    double sum = 0;
    for (int i = 0; i < r.length; i++)
        sum += partial_sums(x, r, s, i) * (double)x[i * r.step];
    return (sum - 1) / s.count;
}

/* The threshold's gradient reaches all of the support, whatever of it is cut off. */
static void sparsemax_backward(const knn_real *x, const knn_real *y, const knn_real *dy, knn_real *dx, row r)
{
    support s = support_of(x, r);
    double sum = 0;
    for (int i = 0; i < r.length; i++)
        sum += y[i * r.step] > 0 ? dy[i * r.step] : 0;
    for (int i = 0; i < r.length; i++) {
        double own = y[i * r.step] > 0 ? dy[i * r.step] : 0;
        dx[i * r.step] = (knn_real)(own - sum * partial_sums(x, r, s, i) / s.count);
    }
}

/* ---- A row ---- */

/* y may be x. */
static void row_forward(knn_activation f, const knn_real *x, knn_real *y, row r)
{
    double shift = f == KNN_SPARSEMAX ? sparsemax_threshold(x, r) : log_sum(x, r);
    for (int i = 0; i < r.length; i++) {
        double shifted = x[i * r.step] - shift;
        y[i * r.step] = (knn_real)(f == KNN_SOFTMAX ? exp(shifted) : f == KNN_LOG_SOFTMAX ? shifted : shifted > 0 ? shifted : 0);
    }
}

/* softmax: dx = y (dy - sum of y dy); log_softmax: dx = dy - e^y sum of dy. dx may be dy. */
static void row_backward(knn_activation f, const knn_real *y, const knn_real *dy, knn_real *dx, row r)
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
    (void)count, (void)request;
    return knn__reference_covers(knn__is_over_rows(&nodes[0]), reason);
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
                        knn__image(&step->y, image, part.slice) + row_start(n, i), (row){n->length, n->step});
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    const row r = {n->length, n->step};
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        for (size_t i = 0; i < step->y.length / (size_t)n->length; i++) {
            const knn_real *y = knn__image(&step->y, image, part.slice) + row_start(n, i);
            const knn_real *dy = knn__image(&step->dy, image, part.slice) + row_start(n, i);
            knn_real *dx = knn__image(&step->dx, image, part.slice) + row_start(n, i);
            if (n->activation == KNN_SPARSEMAX)
                sparsemax_backward(knn__image(&step->x, image, part.slice) + row_start(n, i), y, dy, dx, r);
            else
                row_backward(function_of(n), y, dy, dx, r);
        }
}

const knn_kernel knn__reference_softmax = {
    .name = "softmax, reference",
    .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
