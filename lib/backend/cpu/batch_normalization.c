/* Batch normalization over the channels, with ReLU behind it: y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy
 * 2015). Behind a convolution, inference does not come here: it is folded into the weights (im2col.c).
 *
 * In training mean and (biased) variance are the batch's, so that both passes have two phases, with one sweep over the numbers each:
 * every slice sums over its images, then all slices add these sums in the same order and compute their images. Sums are floats over a
 * few positions, then doubles; the forward ones are of x - pivot and its square, with a number of each channel as the pivot, so that a
 * mean far from 0 costs no digits. ReLU's mask is computed again from x. */
#include "backend/cpu/isa.h"
#include "core/parallel.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 64 };                        /* positions that are summed in float */

/* ---- Memory. A slice's partial block and its scratch, in order: ---- */

/* Forward: sum[0] the pivots, sum[1] of x - pivot, sum[2] of its square. Backward: sum[0] of dz, sum[1] of dz (x - mean) / deviation. */
enum { SUMS = 3 };
static double *sums_of(const knn_step *step, int slice, int which)
{
    return (double *)knn__partial(step, slice) + which * step->nodes[0].in.channels;
}

/* Numbers a channel that the loops over positions read; [ROWS][channels] of scratch. */
enum { MEAN, SCALE, SHIFT, INVERSE, MEAN_GRADIENT, MEAN_PRODUCT, BLOCK_SUM, BLOCK_PRODUCT, ROWS };
static float *row_of(const knn_step *step, int slice, int row)
{
    return (float *)knn__scratch(step, slice) + row * step->nodes[0].in.channels;
}

/* The batch's statistics wait for the backward pass with image 0: [mean, 1 / deviation][channels]. */
static float *saved_statistics(const knn_step *step) { return knn__saved(step, 0); }

/* ---- What is covered ---- */

static bool by_batch(const knn_step *step) { return step->needs.phases == 2 && step->run->training; }
static bool has_relu(const knn_step *step) { return step->count == 2; }
static int channels_of(const knn_step *step) { return step->nodes[0].in.channels; }
static long positions_of(const knn_step *step) { return (long)step->nodes[0].in.height * step->nodes[0].in.width; }

static int covers(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)request, (void)reason;
    return count > 1 && nodes[1].op == KNN_OP_ACTIVATION && nodes[1].activation == KNN_RELU ? 2 : 1;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    size_t channels = (size_t)channels_of(step);
    needs->scratch = ROWS * channels * sizeof(float);
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->phases = step->request.training && !step->nodes[0].frozen ? 2 : 1;
    needs->depth_first = needs->phases == 1;
    if (step->request.training) {
        needs->saved = 2 * channels * sizeof(float);
        needs->partial = SUMS * channels * sizeof(double);
    }
}

/* ---- Forward, phase 0: a slice's sums ---- */

static void sum_block(const float *restrict x, long positions, int channels, const double *restrict pivot, float *restrict sum,
                      float *restrict square)
{
    for (int c = 0; c < channels; c++)
        sum[c] = square[c] = 0;
    for (long p = 0; p < positions; p++, x += channels)
        for (int c = 0; c < channels; c++) {
            float difference = x[c] - (float)pivot[c];
            sum[c] += difference;
            square[c] += difference * difference;
        }
}

static void add_block(const float *restrict block, int channels, double *restrict sums)
{
    for (int c = 0; c < channels; c++)
        sums[c] += (double)block[c];
}

static void collect(const knn_step *step, knn_part part)
{
    int channels = channels_of(step);
    double *pivot = sums_of(step, part.slice, 0), *sum = sums_of(step, part.slice, 1), *square = sums_of(step, part.slice, 2);
    float *block_sum = row_of(step, part.slice, BLOCK_SUM), *block_square = row_of(step, part.slice, BLOCK_PRODUCT);
    memset(pivot, 0, SUMS * (size_t)channels * sizeof *pivot);
    for (int c = 0; c < channels && part.first < part.last; c++)
        pivot[c] = knn__image(&step->x, part.first, part.slice)[c];
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        for (long p = 0; p < positions_of(step); p += BLOCK) {
            long left = positions_of(step) - p;
            sum_block(x + p * channels, left < BLOCK ? left : BLOCK, channels, pivot, block_sum, block_square);
            add_block(block_sum, channels, sum);
            add_block(block_square, channels, square);
        }
    }
}

/* ---- Forward, phase 1 ---- */

typedef struct statistics { double mean, variance; } statistics;

/* Numbers of a channel that a slice has summed. */
static double count_of(const knn_step *step, int slice)
{
    long first, last;
    knn__share(step->run->images, slice, step->request.slices, &first, &last);
    return (double)((last - first) * positions_of(step));
}

/* The slices' sums, in order, put together by Chan, Golub and LeVeque's rule: Updating formulae and a pairwise algorithm for computing
 * sample variances, 1979. */
static statistics batch_statistics(const knn_step *step, int channel)
{
    double count = 0, mean = 0, squares = 0;                    /* of the slices so far; squares: of the distances from their mean */
    for (int s = 0; s < step->request.slices; s++) {
        double more = count_of(step, s);
        if (more == 0)
            continue;
        double sum = sums_of(step, s, 1)[channel], own_mean = sums_of(step, s, 0)[channel] + sum / more;
        double own_squares = sums_of(step, s, 2)[channel] - sum * sum / more, distance = own_mean - mean;
        squares += own_squares + distance * distance * count * more / (count + more);
        mean += distance * more / (count + more);
        count += more;
    }
    return (statistics){mean, squares > 0 ? squares / count : 0};
}

static statistics moving_statistics(const knn_step *step, int channel)
{
    return (statistics){knn__weight(step, 0, KNN_MOVING_MEAN)[channel], knn__weight(step, 0, KNN_MOVING_VARIANCE)[channel]};
}

/* Fills MEAN, INVERSE, SCALE, SHIFT of the slice's scratch. Whoever has image 0 keeps the batch's statistics and moves the averages. */
static void describe_channels(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    const float *gamma = knn__weight(step, 0, KNN_GAMMA), *beta = knn__weight(step, 0, KNN_BETA);
    bool keeper = by_batch(step) && part.first == 0;
    for (int c = 0; c < channels_of(step); c++) {
        statistics s = by_batch(step) ? batch_statistics(step, c) : moving_statistics(step, c);
        float inverse = (float)(1 / sqrt(s.variance + n->epsilon));
        row_of(step, part.slice, MEAN)[c] = (float)s.mean;
        row_of(step, part.slice, INVERSE)[c] = inverse;
        row_of(step, part.slice, SCALE)[c] = gamma != NULL ? gamma[c] * inverse : inverse;
        row_of(step, part.slice, SHIFT)[c] = beta != NULL ? beta[c] : 0;
        if (!keeper)
            continue;
        float *mean = knn__weight(step, 0, KNN_MOVING_MEAN) + c, *variance = knn__weight(step, 0, KNN_MOVING_VARIANCE) + c;
        *mean = (float)(*mean * n->momentum + s.mean * (1 - n->momentum));
        *variance = (float)(*variance * n->momentum + s.variance * (1 - n->momentum));
        saved_statistics(step)[c] = (float)s.mean;
        saved_statistics(step)[channels_of(step) + c] = inverse;
    }
}

/* One expression for both passes, so that both agree on what ReLU lets through. */
static inline float normalized(float x, float mean, float scale, float shift) { return (x - mean) * scale + shift; }

static void normalize(const float *x, long positions, int channels, const float *restrict mean, const float *restrict scale,
                      const float *restrict shift, bool relu, float *y)
{
    for (long p = 0; p < positions; p++, x += channels, y += channels) {
        if (relu)
            for (int c = 0; c < channels; c++) {
                float value = normalized(x[c], mean[c], scale[c], shift[c]);
                y[c] = value <= 0 ? 0 : value;
            }
        else
            for (int c = 0; c < channels; c++)
                y[c] = normalized(x[c], mean[c], scale[c], shift[c]);
    }
}

static void forward(const knn_step *step, knn_part part)
{
    if (by_batch(step) && part.phase == 0) {
        collect(step, part);
        return;
    }
    if (part.first == part.last || part.phase < step->needs.phases - 1)
        return;
    describe_channels(step, part);
    for (int image = part.first; image < part.last; image++)
        normalize(knn__image(&step->x, image, part.slice), positions_of(step), channels_of(step), row_of(step, part.slice, MEAN),
                  row_of(step, part.slice, SCALE), row_of(step, part.slice, SHIFT), has_relu(step),
                  knn__image(&step->y, image, part.slice));
}

/* ---- Backward. With n = (x - mean) / deviation: dgamma = sum of dz n, dbeta = sum of dz, where dz is dy behind ReLU's mask. ---- */

/* The slice's scratch as forward had it. */
static void recall_channels(const knn_step *step, int slice)
{
    int channels = channels_of(step);
    const float *gamma = knn__weight(step, 0, KNN_GAMMA), *beta = knn__weight(step, 0, KNN_BETA);
    for (int c = 0; c < channels; c++) {
        float mean = saved_statistics(step)[c], inverse = saved_statistics(step)[channels + c];
        if (step->needs.phases < 2) {
            mean = (float)moving_statistics(step, c).mean;
            inverse = (float)(1 / sqrt(moving_statistics(step, c).variance + step->nodes[0].epsilon));
        }
        row_of(step, slice, MEAN)[c] = mean;
        row_of(step, slice, INVERSE)[c] = inverse;
        row_of(step, slice, SCALE)[c] = gamma != NULL ? gamma[c] * inverse : inverse;
        row_of(step, slice, SHIFT)[c] = beta != NULL ? beta[c] : 0;
    }
}

/* The rows of the loops below. */
typedef struct channel_rows { const float *mean, *scale, *shift, *inverse, *mean_gradient, *mean_product; } channel_rows;

static channel_rows rows_of(const knn_step *step, int slice)
{
    return (channel_rows){row_of(step, slice, MEAN), row_of(step, slice, SCALE), row_of(step, slice, SHIFT), row_of(step, slice, INVERSE),
                          row_of(step, slice, MEAN_GRADIENT), row_of(step, slice, MEAN_PRODUCT)};
}

/* `cut`: 0 with ReLU, minus infinity without. */
static inline float masked(float dy, float x, float mean, float scale, float shift, float cut)
{
    return normalized(x, mean, scale, shift) > cut ? dy : 0;
}

static float cut_of(const knn_step *step) { return has_relu(step) ? 0 : -INFINITY; }

static void sum_gradient_block(const float *restrict x, const float *restrict dy, long positions, int channels, channel_rows r, float cut,
                               float *restrict sum, float *restrict product)
{
    const float *restrict mean = r.mean, *restrict scale = r.scale, *restrict shift = r.shift;
    for (int c = 0; c < channels; c++)
        sum[c] = product[c] = 0;
    for (long p = 0; p < positions; p++, x += channels, dy += channels)
        for (int c = 0; c < channels; c++) {
            float dz = masked(dy[c], x[c], mean[c], scale[c], shift[c], cut);
            sum[c] += dz;
            product[c] += dz * (x[c] - mean[c]);
        }
    for (int c = 0; c < channels; c++)
        product[c] *= r.inverse[c];
}

/* Phase 0: the slice's part of dbeta and dgamma. */
static void collect_gradients(const knn_step *step, knn_part part)
{
    int channels = channels_of(step);
    channel_rows rows = rows_of(step, part.slice);
    float *block_sum = row_of(step, part.slice, BLOCK_SUM), *block_product = row_of(step, part.slice, BLOCK_PRODUCT);
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        for (long p = 0; p < positions_of(step); p += BLOCK) {
            long left = positions_of(step) - p;
            sum_gradient_block(x + p * channels, dy + p * channels, left < BLOCK ? left : BLOCK, channels, rows, cut_of(step), block_sum,
                               block_product);
            add_block(block_sum, channels, sums_of(step, part.slice, 0));
            add_block(block_product, channels, sums_of(step, part.slice, 1));
        }
    }
}

static double total(const knn_step *step, int which, int channel)
{
    double sum = 0;
    for (int s = 0; s < step->request.slices; s++)
        sum += sums_of(step, s, which)[channel];
    return sum;
}

/* dx = scale (dz - mean of dz - n * mean of dz n): mean and variance depend on x, too. Moving statistics do not: the means are then 0. */
static void input_gradient(const float *x, const float *dy, long positions, int channels, channel_rows r, float cut, float *dx)
{
    const float *restrict mean = r.mean, *restrict scale = r.scale, *restrict shift = r.shift;
    const float *restrict mean_gradient = r.mean_gradient, *restrict mean_product = r.mean_product;
    for (long p = 0; p < positions; p++, x += channels, dy += channels, dx += channels)
        for (int c = 0; c < channels; c++) {
            float dz = masked(dy[c], x[c], mean[c], scale[c], shift[c], cut);
            dx[c] = scale[c] * (dz - mean_gradient[c] - (x[c] - mean[c]) * mean_product[c]);
        }
}

/* Phase 1; 1 / deviation is in MEAN_PRODUCT already. */
static void input_gradients(const knn_step *step, knn_part part)
{
    float *mean_gradient = row_of(step, part.slice, MEAN_GRADIENT), *mean_product = row_of(step, part.slice, MEAN_PRODUCT);
    double numbers = (double)step->run->images * (double)positions_of(step);
    for (int c = 0; c < channels_of(step); c++) {
        mean_gradient[c] = step->needs.phases == 2 ? (float)(total(step, 0, c) / numbers) : 0;
        mean_product[c] = step->needs.phases == 2 ? (float)(total(step, 1, c) / numbers) * row_of(step, part.slice, INVERSE)[c] : 0;
    }
    for (int image = part.first; image < part.last; image++)
        input_gradient(knn__image(&step->x, image, part.slice), knn__image(&step->dy, image, part.slice), positions_of(step),
                       channels_of(step), rows_of(step, part.slice), cut_of(step), knn__image(&step->dx, image, part.slice));
}

static void backward(const knn_step *step, knn_part part)
{
    if (part.first == part.last)
        return;
    recall_channels(step, part.slice);
    if (part.phase == 0)
        collect_gradients(step, part);
    if (step->dx.data != NULL && part.phase == step->needs.phases - 1)
        input_gradients(step, part);
}

static void finish(const knn_step *step, int slice)
{
    float *dgamma = knn__gradient(step, 0, KNN_GAMMA), *dbeta = knn__gradient(step, 0, KNN_BETA);
    long first, last;
    knn__share(channels_of(step), slice, step->request.slices, &first, &last);
    for (long c = first; c < last; c++) {
        if (dbeta != NULL)
            dbeta[c] = (float)total(step, 0, (int)c);
        if (dgamma != NULL)
            dgamma[c] = (float)total(step, 1, (int)c);
    }
}

const knn_kernel KNN_ISA_NAME(knn__batch_normalization) = {
    .name = "batch_normalization, " KNN_ISA_TEXT,
    .ops = {KNN_OP_BATCH_NORMALIZATION}, .covers = covers, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
