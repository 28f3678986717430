/* Layer and group normalization of blocks of [rows][groups][columns], seen as matrices of rows and width = groups x columns: sums over the
 * rows, column by column, which are vector loops; then sums over the columns of a group.
 *
 * Sums of numbers are kept in float within 64 rows, then in double. Mean and variance wait for the backward pass. */
#include "backend/cpu/isa.h"
#include "core/parallel.h"

#include <math.h>

enum { ROWS_A_BLOCK = 64 };

/* ---- Memory ---- */

static long width_of(const knn_step *step) { return (long)step->nodes[0].groups * step->nodes[0].columns; }
static long block_of(const knn_step *step) { return step->nodes[0].rows * width_of(step); }
static long blocks_of(const knn_step *step) { return (long)step->x.length / block_of(step); }

/* Scratch: rows of `width` numbers. MEAN and INVERSE (1 / deviation) are those of a column's group. */
enum { MEAN, INVERSE, SCALE, SHIFT, FIRST, SECOND, FLOAT_ROWS };
enum { FIRST_TOTAL, SECOND_TOTAL, DOUBLE_ROWS };
static double *total_of(const knn_step *step, int slice, int which)
{
    return (double *)knn__scratch(step, slice) + which * width_of(step);
}
static float *row_of(const knn_step *step, int slice, int row)
{
    return (float *)(total_of(step, slice, DOUBLE_ROWS)) + row * width_of(step);
}

/* Saved: [blocks][groups] of mean and 1 / deviation. */
typedef struct statistics { float mean, inverse; } statistics;
static statistics *saved_of(const knn_step *step, int image, long block)
{
    return (statistics *)knn__saved(step, image) + block * step->nodes[0].groups;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    size_t width = (size_t)width_of(step);
    needs->scratch = width * (DOUBLE_ROWS * sizeof(double) + FLOAT_ROWS * sizeof(float));
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->depth_first = true;
    if (step->request.training) {
        needs->saved = (size_t)(blocks_of(step) * step->nodes[0].groups) * sizeof(statistics);
        needs->partial = 2 * width * sizeof(double);            /* dgamma, dbeta */
    }
}

/* ---- Forward ---- */

static void clear(double *total, long width)
{
    for (long j = 0; j < width; j++)
        total[j] = 0;
}

/* total += row; row = 0 */
static void carry(float *restrict row, double *restrict total, long width)
{
    for (long j = 0; j < width; j++) {
        total[j] += (double)row[j];
        row[j] = 0;
    }
}

/* The mean over the group of a column's total. */
static double group_mean(const knn_node *n, const double *total, long group)
{
    double sum = 0;
    for (long j = group * n->columns; j < (group + 1) * n->columns; j++)
        sum += total[j];
    return sum / ((double)n->rows * n->columns);
}

/* total[j] = sum over the rows of x - mean (once: mean 0), and of its square in the second pass. */
static void sum_columns(const float *restrict x, long rows, long width, const float *restrict mean, bool squared, float *restrict row,
                        double *restrict total)
{
    clear(total, width);
    for (long j = 0; j < width; j++)
        row[j] = 0;
    for (long i = 0; i < rows; i++, x += width) {
        if (squared)
            for (long j = 0; j < width; j++)
                row[j] += (x[j] - mean[j]) * (x[j] - mean[j]);
        else
            for (long j = 0; j < width; j++)
                row[j] += x[j];
        if (i % ROWS_A_BLOCK == ROWS_A_BLOCK - 1 || i == rows - 1)
            carry(row, total, width);
    }
}

/* Fills MEAN and INVERSE from a block. */
static void find_statistics(const knn_step *step, int slice, const float *x)
{
    const knn_node *n = &step->nodes[0];
    float *mean = row_of(step, slice, MEAN), *inverse = row_of(step, slice, INVERSE), *row = row_of(step, slice, FIRST);
    double *total = total_of(step, slice, FIRST_TOTAL);
    sum_columns(x, n->rows, width_of(step), mean, false, row, total);
    for (long group = 0; group < n->groups; group++) {
        float value = (float)group_mean(n, total, group);
        for (long j = group * n->columns; j < (group + 1) * n->columns; j++)
            mean[j] = value;
    }
    sum_columns(x, n->rows, width_of(step), mean, true, row, total);
    for (long group = 0; group < n->groups; group++) {
        float value = (float)(1 / sqrt(group_mean(n, total, group) + n->epsilon));
        for (long j = group * n->columns; j < (group + 1) * n->columns; j++)
            inverse[j] = value;
    }
}

/* Fills SCALE and SHIFT: y = (x - mean) scale + shift. */
static void find_scale(const knn_step *step, int slice)
{
    const float *gamma = knn__weight(step, 0, KNN_GAMMA), *beta = knn__weight(step, 0, KNN_BETA), *inverse = row_of(step, slice, INVERSE);
    float *scale = row_of(step, slice, SCALE), *shift = row_of(step, slice, SHIFT);
    for (long j = 0; j < width_of(step); j++) {
        scale[j] = gamma != NULL ? gamma[j] * inverse[j] : inverse[j];
        shift[j] = beta != NULL ? beta[j] : 0;
    }
}

static void save_statistics(const knn_step *step, int slice, statistics *saved)
{
    for (long group = 0; group < step->nodes[0].groups; group++) {
        long j = group * step->nodes[0].columns;
        saved[group] = (statistics){row_of(step, slice, MEAN)[j], row_of(step, slice, INVERSE)[j]};
    }
}

/* y may be x. */
static void normalize(const float *x, long rows, long width, const float *restrict mean, const float *restrict scale,
                      const float *restrict shift, float *y)
{
    for (long i = 0; i < rows; i++, x += width, y += width)
        for (long j = 0; j < width; j++)
            y[j] = (x[j] - mean[j]) * scale[j] + shift[j];
}

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        for (long block = 0; block < blocks_of(step); block++, x += block_of(step), y += block_of(step)) {
            find_statistics(step, part.slice, x);
            find_scale(step, part.slice);
            if (step->request.training)
                save_statistics(step, part.slice, saved_of(step, image, block));
            normalize(x, step->nodes[0].rows, width_of(step), row_of(step, part.slice, MEAN), row_of(step, part.slice, SCALE),
                      row_of(step, part.slice, SHIFT), y);
        }
    }
}

/* ---- Backward. With m = (x - mean) / deviation and dz = gamma dy: dgamma = sum of dy m, dbeta = sum of dy,
 * dx = (dz - mean of dz - m * mean of dz m) / deviation. ---- */

static void recall_statistics(const knn_step *step, int slice, const statistics *saved)
{
    const knn_node *n = &step->nodes[0];
    float *mean = row_of(step, slice, MEAN), *inverse = row_of(step, slice, INVERSE);
    for (long j = 0; j < width_of(step); j++) {
        mean[j] = saved[j / n->columns].mean;
        inverse[j] = saved[j / n->columns].inverse;
    }
}

/* product_total[j] = sum over the rows of dy m, sum_total[j] of dy. */
static void sum_gradients(const knn_step *step, int slice, const float *restrict x, const float *restrict dy)
{
    const float *restrict mean = row_of(step, slice, MEAN), *restrict inverse = row_of(step, slice, INVERSE);
    float *restrict product = row_of(step, slice, FIRST), *restrict sum = row_of(step, slice, SECOND);
    double *product_total = total_of(step, slice, FIRST_TOTAL), *sum_total = total_of(step, slice, SECOND_TOTAL);
    long width = width_of(step), rows = step->nodes[0].rows;
    clear(product_total, width);
    clear(sum_total, width);
    for (long j = 0; j < width; j++)
        product[j] = sum[j] = 0;
    for (long i = 0; i < rows; i++, x += width, dy += width) {
        for (long j = 0; j < width; j++) {
            product[j] += dy[j] * (x[j] - mean[j]) * inverse[j];
            sum[j] += dy[j];
        }
        if (i % ROWS_A_BLOCK == ROWS_A_BLOCK - 1 || i == rows - 1) {
            carry(product, product_total, width);
            carry(sum, sum_total, width);
        }
    }
}

static void add_weight_gradients(const knn_step *step, int slice)
{
    long width = width_of(step);
    double *dgamma = knn__partial(step, slice), *dbeta = dgamma + width;
    const double *product = total_of(step, slice, FIRST_TOTAL), *sum = total_of(step, slice, SECOND_TOTAL);
    for (long j = 0; j < width; j++) {
        dgamma[j] += product[j];
        dbeta[j] += sum[j];
    }
}

/* FIRST[j] = mean of dz m over j's group / deviation, SECOND[j] = mean of dz. */
static void find_means(const knn_step *step, int slice)
{
    const knn_node *n = &step->nodes[0];
    const float *gamma = knn__weight(step, 0, KNN_GAMMA), *inverse = row_of(step, slice, INVERSE);
    double *product = total_of(step, slice, FIRST_TOTAL), *sum = total_of(step, slice, SECOND_TOTAL);
    for (long j = 0; j < width_of(step) && gamma != NULL; j++) {
        product[j] *= (double)gamma[j];
        sum[j] *= (double)gamma[j];
    }
    for (long group = 0; group < n->groups; group++) {
        float mean_product = (float)group_mean(n, product, group), mean_sum = (float)group_mean(n, sum, group);
        for (long j = group * n->columns; j < (group + 1) * n->columns; j++) {
            row_of(step, slice, FIRST)[j] = mean_product * inverse[j];
            row_of(step, slice, SECOND)[j] = mean_sum;
        }
    }
}

/* dx may be dy. */
static void input_gradient(const knn_step *step, int slice, const float *x, const float *dy, float *dx)
{
    const float *restrict mean = row_of(step, slice, MEAN), *restrict inverse = row_of(step, slice, INVERSE);
    const float *restrict mean_product = row_of(step, slice, FIRST), *restrict mean_sum = row_of(step, slice, SECOND);
    float *restrict gamma = row_of(step, slice, SCALE);
    const float *weight = knn__weight(step, 0, KNN_GAMMA);
    long width = width_of(step);
    for (long j = 0; j < width; j++)
        gamma[j] = weight != NULL ? weight[j] : 1;
    for (long i = 0; i < step->nodes[0].rows; i++, x += width, dy += width, dx += width)
        for (long j = 0; j < width; j++)
            dx[j] = (gamma[j] * dy[j] - mean_sum[j] - (x[j] - mean[j]) * mean_product[j]) * inverse[j];
}

static void backward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        for (long block = 0; block < blocks_of(step); block++) {
            const float *x = knn__image(&step->x, image, part.slice) + block * block_of(step);
            const float *dy = knn__image(&step->dy, image, part.slice) + block * block_of(step);
            recall_statistics(step, part.slice, saved_of(step, image, block));
            sum_gradients(step, part.slice, x, dy);
            add_weight_gradients(step, part.slice);
            if (step->dx.data == NULL)
                continue;
            find_means(step, part.slice);
            input_gradient(step, part.slice, x, dy, knn__image(&step->dx, image, part.slice) + block * block_of(step));
        }
}

/* gradient[first..last) = the slices' sums, from number `from` of their partial blocks on. */
static void add_slices(const knn_step *step, float *gradient, long from, long first, long last)
{
    for (long j = first; j < last && gradient != NULL; j++) {
        double sum = 0;
        for (int s = 0; s < step->request.slices; s++)
            sum += ((const double *)knn__partial(step, s))[from + j];
        gradient[j] = (float)sum;
    }
}

static void finish(const knn_step *step, int slice)
{
    long first, last;
    knn__share(width_of(step), slice, step->request.slices, &first, &last);
    add_slices(step, knn__gradient(step, 0, KNN_GAMMA), 0, first, last);
    add_slices(step, knn__gradient(step, 0, KNN_BETA), width_of(step), first, last);
}

const knn_kernel KNN_ISA_NAME(knn__group_normalization) = {
    .name = "group_normalization, " KNN_ISA_TEXT,
    .ops = {KNN_OP_GROUP_NORMALIZATION}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
