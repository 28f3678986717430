/* Layer and group normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ba, Kiros and Hinton 2016; Wu and He 2018).
 * An image is blocks of [rows][groups][columns]; mean and (biased) variance are those of a group of a block, over its rows and columns.
 * gamma and beta are [groups][columns]. The same in training and outside. */
#include "backend/reference/reference.h"

#include <math.h>

typedef struct statistics { double mean, deviation; } statistics;       /* deviation: sqrt(variance + epsilon) */

static size_t width_of(const knn_node *n) { return (size_t)n->groups * (size_t)n->columns; }
static size_t block_length(const knn_node *n) { return (size_t)n->rows * width_of(n); }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->partial = 2 * width_of(&step->nodes[0]) * sizeof(double);        /* dgamma, dbeta */
}

/* Of a group whose first number in the block is x[0]; its rows are width_of(n) apart. */
static statistics statistics_of(const knn_node *n, const knn_real *x)
{
    double count = (double)n->rows * n->columns, sum = 0, squares = 0;
    for (int row = 0; row < n->rows; row++)
        for (int c = 0; c < n->columns; c++)
            sum += x[(size_t)row * width_of(n) + (size_t)c];
    double mean = sum / count;
    for (int row = 0; row < n->rows; row++)
        for (int c = 0; c < n->columns; c++) {
            double distance = x[(size_t)row * width_of(n) + (size_t)c] - mean;
            squares += distance * distance;
        }
    return (statistics){mean, sqrt(squares / count + n->epsilon)};
}

/* gamma of column c of a group. */
static double gamma_of(const knn_step *step, int group, int c)
{
    const knn_real *gamma = knn__weight(step, 0, KNN_GAMMA);
    return gamma != NULL ? (double)gamma[group * step->nodes[0].columns + c] : 1;
}

static void group_forward(const knn_step *step, int group, const knn_real *x, knn_real *y)
{
    const knn_node *n = &step->nodes[0];
    const knn_real *beta = knn__weight(step, 0, KNN_BETA);
    statistics s = statistics_of(n, x);
    for (int row = 0; row < n->rows; row++)
        for (int c = 0; c < n->columns; c++) {
            size_t i = (size_t)row * width_of(n) + (size_t)c;
            double shift = beta != NULL ? (double)beta[group * n->columns + c] : 0;
            y[i] = (knn_real)(gamma_of(step, group, c) * (x[i] - s.mean) / s.deviation + shift);
        }
}

/* With m = (x - mean) / deviation and dz = gamma dy: dx = (dz - mean of dz - m * mean of dz m) / deviation; dgamma = sum of dy m,
 * dbeta = sum of dy. dx NULL: not wanted. */
static void group_backward(const knn_step *step, int group, const knn_real *x, const knn_real *dy, knn_real *dx, double *dgamma, double *dbeta)
{
    const knn_node *n = &step->nodes[0];
    statistics s = statistics_of(n, x);
    double sum = 0, product = 0, count = (double)n->rows * n->columns;
    for (int row = 0; row < n->rows; row++)
        for (int c = 0; c < n->columns; c++) {
            size_t i = (size_t)row * width_of(n) + (size_t)c;
            double m = (x[i] - s.mean) / s.deviation, dz = gamma_of(step, group, c) * dy[i];
            sum += dz;
            product += dz * m;
            dgamma[group * n->columns + c] += dy[i] * m;
            dbeta[group * n->columns + c] += dy[i];
        }
    for (int row = 0; row < n->rows && dx != NULL; row++)
        for (int c = 0; c < n->columns; c++) {
            size_t i = (size_t)row * width_of(n) + (size_t)c;
            double m = (x[i] - s.mean) / s.deviation, dz = gamma_of(step, group, c) * dy[i];
            dx[i] = (knn_real)((dz - sum / count - m * product / count) / s.deviation);
        }
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++)
        for (size_t block = 0; block < step->x.length; block += block_length(n))
            for (int group = 0; group < n->groups; group++) {
                size_t at = block + (size_t)group * (size_t)n->columns;
                group_forward(step, group, knn__image(&step->x, image, part.slice) + at, knn__image(&step->y, image, part.slice) + at);
            }
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    double *dgamma = knn__partial(step, part.slice), *dbeta = dgamma + width_of(n);
    for (int image = part.first; image < part.last; image++)
        for (size_t block = 0; block < step->x.length; block += block_length(n))
            for (int group = 0; group < n->groups; group++) {
                size_t at = block + (size_t)group * (size_t)n->columns;
                knn_real *dx = step->dx.data != NULL ? knn__image(&step->dx, image, part.slice) + at : NULL;
                group_backward(step, group, knn__image(&step->x, image, part.slice) + at, knn__image(&step->dy, image, part.slice) + at,
                               dx, dgamma, dbeta);
            }
}

static void finish(const knn_step *step, int slice)
{
    size_t width = width_of(&step->nodes[0]);
    knn__reference_add_slices(step, 0, knn__gradient(step, 0, KNN_GAMMA), width, slice);
    knn__reference_add_slices(step, width, knn__gradient(step, 0, KNN_BETA), width, slice);
}

const knn_kernel knn__reference_group_normalization = {
    .name = "group_normalization, reference",
    .ops = {KNN_OP_GROUP_NORMALIZATION}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
