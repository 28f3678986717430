/* Batch normalization over the channels: y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy 2015).
 * In training mean and (biased) variance are the batch's, so forward and backward have two phases: each slice sums over its images, then
 * all slices add the sums in the same order. A frozen layer, and inference, take the moving statistics. */
#include "backend/reference/reference.h"

#include <math.h>
#include <string.h>

typedef struct statistics { double mean, deviation; } statistics;       /* of a channel; deviation: sqrt(variance + epsilon) */

/* Whether the batch's own statistics are taken. */
static bool by_batch(const knn_step *step) { return step->request.training && !step->nodes[0].frozen; }

static int channels_of(const knn_step *step) { return step->nodes[0].in.channels; }

static void measure(const knn_step *step, knn_needs *needs)
{
    size_t channels = (size_t)channels_of(step);
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->partial = 2 * channels * sizeof(double);                             /* two sums a channel */
    if (by_batch(step)) {
        needs->saved = channels * sizeof(statistics);                           /* the batch's, with each image */
        needs->phases = 2;
    }
}

/* A sum of the slices' partial sums: number `which` of the channel's two. */
static double total(const knn_step *step, int which, int channel)
{
    double sum = 0;
    for (int s = 0; s < step->request.slices; s++) {
        const double *partial = knn__partial(step, s);
        sum += partial[which * channels_of(step) + channel];
    }
    return sum;
}

/* Numbers of a channel in the batch. */
static double count(const knn_step *step) { return (double)step->run->images * knn__positions(step->nodes[0].in); }

/* ---- Forward ---- */

/* Phase 0: the slice's sums of x and of x^2. */
static void sum_inputs(const knn_step *step, knn_part part)
{
    int channels = channels_of(step);
    double *sum = knn__partial(step, part.slice), *squares = sum + channels;
    memset(sum, 0, 2 * (size_t)channels * sizeof *sum);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        for (int p = 0; p < knn__positions(step->nodes[0].in); p++, x += channels)
            for (int c = 0; c < channels; c++) {
                sum[c] += x[c];
                squares[c] += (double)x[c] * x[c];
            }
    }
}

static double batch_mean(const knn_step *step, int channel) { return total(step, 0, channel) / count(step); }

static double batch_variance(const knn_step *step, int channel)
{
    double mean = batch_mean(step, channel), variance = total(step, 1, channel) / count(step) - mean * mean;
    return variance < 0 ? 0 : variance;                                         /* rounding only */
}

static void move_statistics(const knn_step *step)
{
    double momentum = step->nodes[0].momentum;
    knn_real *mean = knn__weight(step, 0, KNN_MOVING_MEAN), *variance = knn__weight(step, 0, KNN_MOVING_VARIANCE);
    for (int c = 0; c < channels_of(step); c++) {
        mean[c] = (knn_real)(mean[c] * momentum + batch_mean(step, c) * (1 - momentum));
        variance[c] = (knn_real)(variance[c] * momentum + batch_variance(step, c) * (1 - momentum));
    }
}

/* Phase 1: each image keeps the batch's statistics until its backward pass. */
static void save_statistics(const knn_step *step, int image)
{
    statistics *saved = knn__saved(step, image);
    for (int c = 0; c < channels_of(step); c++)
        saved[c] = (statistics){batch_mean(step, c), sqrt(batch_variance(step, c) + step->nodes[0].epsilon)};
}

static statistics statistics_of(const knn_step *step, int image, int channel)
{
    if (by_batch(step))
        return ((const statistics *)knn__saved(step, image))[channel];
    const knn_real *mean = knn__weight(step, 0, KNN_MOVING_MEAN), *variance = knn__weight(step, 0, KNN_MOVING_VARIANCE);
    return (statistics){mean[channel], sqrt(variance[channel] + step->nodes[0].epsilon)};
}

static void normalize(const knn_step *step, int image, const knn_real *x, knn_real *y)
{
    int channels = channels_of(step), positions = knn__positions(step->nodes[0].in);
    const knn_real *gamma = knn__weight(step, 0, KNN_GAMMA), *beta = knn__weight(step, 0, KNN_BETA);
    for (int c = 0; c < channels; c++) {
        statistics s = statistics_of(step, image, c);
        double scale = gamma != NULL ? gamma[c] : 1, shift = beta != NULL ? beta[c] : 0;
        for (long i = c; i < (long)positions * channels; i += channels)
            y[i] = (knn_real)(scale * (x[i] - s.mean) / s.deviation + shift);
    }
}

static void forward(const knn_step *step, knn_part part)
{
    if (by_batch(step) && part.phase == 0) {
        sum_inputs(step, part);
        return;
    }
    if (by_batch(step) && part.slice == 0)
        move_statistics(step);
    for (int image = part.first; image < part.last; image++) {
        if (by_batch(step))
            save_statistics(step, image);
        normalize(step, image, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
    }
}

/* ---- Backward. With n = (x - mean) / deviation: dgamma = sum of dy n, dbeta = sum of dy. ---- */

/* Phase 0: the slice's part of dgamma and dbeta. */
static void sum_gradients(const knn_step *step, knn_part part)
{
    int channels = channels_of(step), positions = knn__positions(step->nodes[0].in);
    double *dgamma = knn__partial(step, part.slice), *dbeta = dgamma + channels;
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        for (int c = 0; c < channels; c++) {
            statistics s = statistics_of(step, image, c);
            for (long i = c; i < (long)positions * channels; i += channels) {
                dgamma[c] += dy[i] * (x[i] - s.mean) / s.deviation;
                dbeta[c] += dy[i];
            }
        }
    }
}

/* Phase 1: dx = gamma / deviation (dy - (dbeta + n dgamma) / N): mean and variance depend on x, too. Moving statistics do not, and leave
 * gamma / deviation dy. dx may be dy. */
static void input_gradient(const knn_step *step, int image, const knn_real *x, const knn_real *dy, knn_real *dx)
{
    int channels = channels_of(step), positions = knn__positions(step->nodes[0].in);
    const knn_real *gamma = knn__weight(step, 0, KNN_GAMMA);
    for (int c = 0; c < channels; c++) {
        statistics s = statistics_of(step, image, c);
        double scale = (gamma != NULL ? gamma[c] : 1) / s.deviation;
        double dgamma = by_batch(step) ? total(step, 0, c) / count(step) : 0;
        double dbeta = by_batch(step) ? total(step, 1, c) / count(step) : 0;
        for (long i = c; i < (long)positions * channels; i += channels)
            dx[i] = (knn_real)(scale * (dy[i] - dbeta - (x[i] - s.mean) / s.deviation * dgamma));
    }
}

static void backward(const knn_step *step, knn_part part)
{
    if (part.phase == 0)
        sum_gradients(step, part);
    if (step->dx.data == NULL || (by_batch(step) && part.phase == 0))
        return;
    for (int image = part.first; image < part.last; image++)
        input_gradient(step, image, knn__image(&step->x, image, part.slice), knn__image(&step->dy, image, part.slice),
                       knn__image(&step->dx, image, part.slice));
}

static void finish(const knn_step *step, int slice)
{
    size_t channels = (size_t)channels_of(step);
    knn__reference_add_slices(step, 0, knn__gradient(step, 0, KNN_GAMMA), channels, slice);
    knn__reference_add_slices(step, channels, knn__gradient(step, 0, KNN_BETA), channels, slice);
}

const knn_kernel knn__reference_batch_normalization = {
    .name = "batch_normalization, reference",
    .ops = {KNN_OP_BATCH_NORMALIZATION}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
