/* Softmax and log_softmax over rows of `length` numbers, `step` floats apart: the channels, or whatever the axes of a layer Softmax span.
 * Sparsemax is left to the reference. */
#include "backend/cpu/isa.h"

#include <math.h>

typedef struct row { long length, step; } row;

/* ---- A row forward; y may be x ---- */

static float maximum(const float *x, row r)
{
    float most = x[0];
    for (long i = 1; i < r.length; i++)
        most = x[i * r.step] > most ? x[i * r.step] : most;
    return most;
}

/* y = e^x / sum of e^x, shifted by the maximum so that nothing overflows. */
static void softmax(const float *x, float *y, row r)
{
    float most = maximum(x, r), sum = 0;
    for (long i = 0; i < r.length; i++) {
        y[i * r.step] = expf(x[i * r.step] - most);
        sum += y[i * r.step];
    }
    for (long i = 0; i < r.length; i++)
        y[i * r.step] /= sum;
}

/* y = x - ln of the sum of e^x. */
static void log_softmax(const float *x, float *y, row r)
{
    float most = maximum(x, r), sum = 0;
    for (long i = 0; i < r.length; i++)
        sum += expf(x[i * r.step] - most);
    float shift = logf(sum);
    for (long i = 0; i < r.length; i++)
        y[i * r.step] = x[i * r.step] - most - shift;
}

/* ---- A row backward; dx may be dy ---- */

/* dx = y (dy - sum of y dy) */
static void softmax_gradient(const float *y, const float *dy, float *dx, row r)
{
    float sum = 0;
    for (long i = 0; i < r.length; i++)
        sum += y[i * r.step] * dy[i * r.step];
    for (long i = 0; i < r.length; i++)
        dx[i * r.step] = y[i * r.step] * (dy[i * r.step] - sum);
}

/* dx = dy - e^y sum of dy */
static void log_softmax_gradient(const float *y, const float *dy, float *dx, row r)
{
    float sum = 0;
    for (long i = 0; i < r.length; i++)
        sum += dy[i * r.step];
    for (long i = 0; i < r.length; i++)
        dx[i * r.step] = dy[i * r.step] - expf(y[i * r.step]) * sum;
}

/* ---- The kernel ---- */

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request, (void)reason;
    return knn__is_over_rows(&nodes[0]) && nodes[0].activation != KNN_SPARSEMAX;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->output = true;
    needs->in_place = true;
}

static long rows_of(const knn_step *step) { return (long)step->y.length / step->nodes[0].length; }

/* Where row number `index` of an image begins: [blocks][length][step]. */
static long row_start(const knn_node *n, long index) { return index / n->step * n->length * n->step + index % n->step; }

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    const row r = {n->length, n->step};
    void (*function)(const float *x, float *y, row r) = n->activation == KNN_LOG_SOFTMAX ? log_softmax : softmax;
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        for (long i = 0; i < rows_of(step); i++)
            function(x + row_start(n, i), y + row_start(n, i), r);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    const row r = {n->length, n->step};
    void (*function)(const float *y, const float *dy, float *dx, row r) =
        n->activation == KNN_LOG_SOFTMAX ? log_softmax_gradient : softmax_gradient;
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const float *y = knn__image(&step->y, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        float *dx = knn__image(&step->dx, image, part.slice);
        for (long i = 0; i < rows_of(step); i++)
            function(y + row_start(n, i), dy + row_start(n, i), dx + row_start(n, i), r);
    }
}

const knn_kernel KNN_ISA_NAME(knn__softmax) = {
    .name = "softmax, " KNN_ISA_TEXT,
    .ops = {KNN_OP_ACTIVATION, KNN_OP_SOFTMAX}, .covers = covers, .measure = measure, .forward = forward, .backward = backward,
};
