/* What an optimizer's step needs of whole weight arrays: their penalties, norms to clip by, Lamb and Adafactor. Sums are made in two stages,
 * KNN_STEP_PARTS of each array and then these in order, in double. */
#include "backend/cuda/optimizer_step.h"

/* Two sums of an array. */
typedef struct pair { double first, second; } pair;

typedef enum sums { SUMS_OF_PENALTIES, SUMS_OF_GRADIENTS, SUMS_OF_LAMB } sums;

/* The change that Lamb wants, before its rate. */
static __device__ float lamb_step(const knn__cuda_step &s, size_t i)
{
    return s.slot[0][i] / s.now->share_1 / (sqrtf(s.slot[1][i] / s.now->share_2) + s.now->constants.epsilon);
}

/* What element i of an array adds. */
static __device__ pair term(const knn__cuda_step &s, sums of, const knn__weight_array &array, size_t i)
{
    double weight = s.weights[i], step;
    switch (of) {
    case SUMS_OF_PENALTIES:
        return {array.l1 * fabs(weight) + array.l2 * weight * weight, 0};
    case SUMS_OF_GRADIENTS:
        step = knn__gradient_of(s, i, s.weights[i], s.gradients[i], s.sum != NULL ? s.sum[i] : 0);
        return {step * step, 0};
    default:
        step = lamb_step(s, i);
        return {weight * weight, step * step};
    }
}

/* Neighbouring threads read neighbouring elements. */
KNN_KERNEL sum_parts(knn__cuda_step s, sums of)
{
    KNN_NOW(s);
    KNN_EACH (k, s.count * KNN_STEP_PARTS) {
        const knn__weight_array &array = s.arrays[k / KNN_STEP_PARTS];
        pair sum = {0, 0};
        for (size_t i = k % KNN_STEP_PARTS; i < array.length; i += KNN_STEP_PARTS) {
            pair more = term(s, of, array, array.offset + i);
            sum.first += more.first;
            sum.second += more.second;
        }
        s.partial[2 * k] = sum.first;
        s.partial[2 * k + 1] = sum.second;
    }
}

KNN_KERNEL add_parts(knn__cuda_step s)
{
    KNN_EACH (k, 2 * s.count) {
        const double *partial = s.partial + (size_t)(k / 2) * 2 * KNN_STEP_PARTS;
        double sum = 0;
        for (unsigned part = 0; part < KNN_STEP_PARTS; part++)
            sum += partial[2 * part + k % 2];
        s.totals[k] = sum;
    }
}

static __device__ double total_of_all(const knn__cuda_step &s)
{
    double sum = 0;
    for (unsigned array = 0; array < s.count; array++)
        sum += s.totals[2 * array];
    return sum;
}

KNN_KERNEL add_arrays(knn__cuda_step s)
{
    KNN_ONCE
        *s.penalty = total_of_all(s);
}

/* ---- Norms: Keras' g * c / max(norm, c) ---- */

static __device__ double limit(double norm, double most) { return most > 0 && norm > most ? most / norm : 1; }

KNN_KERNEL clip_factors(knn__cuda_step s)
{
    KNN_EACH (array, s.count)
        s.factors[array] = (float)(limit(sqrt(s.totals[2 * array]), s.clipnorm) *
                                   (s.global_clipnorm > 0 ? limit(sqrt(total_of_all(s)), s.global_clipnorm) : 1));
}

/* ---- Lamb ---- */

KNN_KERNEL lamb_means(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_NOW(s);
    KNN_EACH (k, count) {
        size_t i = first + k;
        float gradient = s.gradients[i];
        knn__average(&s.slot[0][i], s.now->constants.fresh_1, gradient);
        knn__average(&s.slot[1][i], s.now->constants.fresh_2, gradient * gradient);
    }
}

KNN_KERNEL lamb_factors(knn__cuda_step s)
{
    KNN_NOW(s);
    KNN_EACH (array, s.count) {
        double weights = s.totals[2 * array], steps = s.totals[2 * array + 1];
        s.factors[array] = (float)(s.now->constants.rate * (weights > 0 && steps > 0 ? sqrt(weights / steps) : 1));
    }
}

KNN_KERNEL lamb(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_NOW(s);
    KNN_EACH (k, count) {
        size_t i = first + k;
        s.weights[i] -= s.factors[knn__array_of(s, i)] * lamb_step(s, i);
    }
}

/* ---- Adafactor. An array is matrices of rows x columns, one behind another, or a vector. Slots: of a matrix one mean a row and one a
 * column, of a vector one an element ---- */

static __device__ float squared(const knn__cuda_step &s, size_t i) { return s.gradients[i] * s.gradients[i] + s.now->constants.epsilon; }

/* The mean of `count` squares, `step` elements apart. */
static __device__ float mean_square(const knn__cuda_step &s, size_t i, unsigned count, unsigned step)
{
    float sum = 0;
    for (unsigned k = 0; k < count; k++)
        sum += squared(s, i + (size_t)k * step);
    return sum / (float)count;
}

/* A mean, or a mean of a row and one of a column, for each element that there is one for. */
KNN_KERNEL adafactor_means(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_NOW(s);
    KNN_EACH (k, count) {
        size_t i = first + k;
        const knn__weight_array &array = s.arrays[knn__array_of(s, i)];
        unsigned at = (unsigned)(i - array.offset), rows = (unsigned)array.rows, columns = (unsigned)array.columns;
        if (at >= array.length)
            continue;
        if (rows == 0) {
            knn__average(&s.slot[0][i], s.now->fresh, squared(s, i));
            continue;
        }
        unsigned matrices = (unsigned)array.length / (rows * columns);
        if (at < matrices * rows)
            knn__average(&s.slot[0][i], s.now->fresh, mean_square(s, array.offset + (size_t)at * columns, columns, 1));
        if (at < matrices * columns)
            knn__average(&s.slot[1][i], s.now->fresh,
                         mean_square(s, array.offset + (size_t)(at / columns) * rows * columns + at % columns, rows, columns));
    }
}

static __device__ float mean_of_rows(const knn__cuda_step &s, const knn__weight_array &array, unsigned matrix)
{
    const float *means = s.slot[0] + array.offset + matrix * (unsigned)array.rows;
    float sum = 0;
    for (unsigned row = 0; row < (unsigned)array.rows; row++)
        sum += means[row];
    return sum / (float)array.rows;
}

/* Goes through an array as sum_parts does, and adds up the squares of the weights and of the steps g / sqrt(v); to change, it takes
 * the steps, times the factors, from the weights. */
KNN_KERNEL adafactor_walk(knn__cuda_step s, int change)
{
    KNN_EACH (k, s.count * KNN_STEP_PARTS) {
        const knn__weight_array &array = s.arrays[k / KNN_STEP_PARTS];
        unsigned rows = (unsigned)array.rows, columns = (unsigned)array.columns, size = rows * columns, last = ~0u;
        pair sum = {0, 0};
        float middle = 1;
        for (unsigned i = k % KNN_STEP_PARTS; i < array.length; i += KNN_STEP_PARTS) {
            float *weight = s.weights + array.offset + i, v;
            if (rows == 0)
                v = s.slot[0][array.offset + i];
            else {
                unsigned matrix = i / size, within = i % size;
                middle = matrix != last ? mean_of_rows(s, array, matrix) : middle;
                last = matrix;
                v = s.slot[0][array.offset + matrix * rows + within / columns] / middle *
                    s.slot[1][array.offset + matrix * columns + within % columns];
            }
            float step = s.gradients[array.offset + i] / sqrtf(v);
            sum.first += (double)*weight * *weight;
            sum.second += (double)step * step;
            if (change)
                *weight -= s.factors[k / KNN_STEP_PARTS] * step;
        }
        s.partial[2 * k] = sum.first;
        s.partial[2 * k + 1] = sum.second;
    }
}

KNN_KERNEL adafactor_factors(knn__cuda_step s)
{
    KNN_NOW(s);
    KNN_EACH (array, s.count) {
        double length = (double)s.arrays[array].length, weights = sqrt(s.totals[2 * array] / length);
        double steps = sqrt(s.totals[2 * array + 1] / length) / s.clip_threshold;
        s.factors[array] = (float)((weights > s.epsilon_2 ? weights : s.epsilon_2) * s.now->most_rate / (steps > 1 ? steps : 1));
    }
}

/* ---- Launches. An error stays until it is asked for ---- */

cudaError_t knn__cuda_penalties(cudaStream_t stream, knn__cuda_step s)
{
    KNN_LAUNCH_EACH(s.count * KNN_STEP_PARTS, stream, sum_parts, s, SUMS_OF_PENALTIES);
    KNN_LAUNCH_EACH(2 * s.count, stream, add_parts, s);
    KNN_LAUNCH_EACH(1u, stream, add_arrays, s);
    return cudaGetLastError();
}

cudaError_t knn__cuda_clip_factors(cudaStream_t stream, knn__cuda_step s)
{
    KNN_LAUNCH_EACH(s.count * KNN_STEP_PARTS, stream, sum_parts, s, SUMS_OF_GRADIENTS);
    KNN_LAUNCH_EACH(2 * s.count, stream, add_parts, s);
    KNN_LAUNCH_EACH(s.count, stream, clip_factors, s);
    return cudaGetLastError();
}

static void update_lamb(cudaStream_t stream, knn__cuda_step s)
{
    KNN_LAUNCH_ELEMENTS(s.length, stream, lamb_means, s);
    KNN_LAUNCH_EACH(s.count * KNN_STEP_PARTS, stream, sum_parts, s, SUMS_OF_LAMB);
    KNN_LAUNCH_EACH(2 * s.count, stream, add_parts, s);
    KNN_LAUNCH_EACH(s.count, stream, lamb_factors, s);
    KNN_LAUNCH_ELEMENTS(s.length, stream, lamb, s);
}

static void update_adafactor(cudaStream_t stream, knn__cuda_step s)
{
    KNN_LAUNCH_ELEMENTS(s.length, stream, adafactor_means, s);
    KNN_LAUNCH_EACH(s.count * KNN_STEP_PARTS, stream, adafactor_walk, s, 0);
    KNN_LAUNCH_EACH(2 * s.count, stream, add_parts, s);
    KNN_LAUNCH_EACH(s.count, stream, adafactor_factors, s);
    KNN_LAUNCH_EACH(s.count * KNN_STEP_PARTS, stream, adafactor_walk, s, 1);
}

cudaError_t knn__cuda_update_arrays(cudaStream_t stream, knn__cuda_step s)
{
    (s.op == KNN_UPDATE_LAMB ? update_lamb : update_adafactor)(stream, s);
    return cudaGetLastError();
}
