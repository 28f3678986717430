/* Normalization by statistics that are known: y = (x - mean) / deviation, or, inverted, y = x deviation + mean; deviation =
 * max(sqrt(variance), 1e-7). Batch normalization is batch_normalization.c. */
#include "backend/cpu/isa.h"

#include <math.h>

/* Means and factors are packed for a run of whole positions, so that loops over few channels are long enough for vectors. */
enum { RUN = 64 };                          /* at least */

static size_t run_of(const knn_step *step)
{
    size_t channels = (size_t)step->nodes[0].in.channels;
    return (RUN + channels - 1) / channels * channels;
}

static float *means_of(const knn_step *step) { return (float *)(void *)step->packed; }
static float *factors_of(const knn_step *step) { return means_of(step) + run_of(step); }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->packed = 2 * run_of(step) * sizeof(float);
    needs->in_place = true;
    needs->depth_first = true;
}

static void prepare(const knn_step *step, int slice)
{
    const knn_node *n = &step->nodes[0];
    const float *mean = knn__weight(step, 0, KNN_KNOWN_MEAN), *variance = knn__weight(step, 0, KNN_KNOWN_VARIANCE);
    for (size_t i = 0, c = 0; slice == 0 && i < run_of(step); i++, c = i % (size_t)n->in.channels) {
        size_t given = n->statistics > 1 ? c : 0;
        double deviation = fmax(sqrt(n->statistics > 0 ? n->variance[given] : (double)variance[c]), 1e-7);
        means_of(step)[i] = n->statistics > 0 ? (float)n->mean[given] : mean[c];
        factors_of(step)[i] = (float)(n->invert ? deviation : 1 / deviation);
    }
}

static void forward(const knn_step *step, knn_part part)
{
    size_t length = step->y.length, run = run_of(step);
    const float *mean = means_of(step), *factor = factors_of(step);
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        for (size_t first = 0; first < length; first += run) {
            size_t count = length - first < run ? length - first : run;
            if (step->nodes[0].invert)
                for (size_t i = 0; i < count; i++)
                    y[first + i] = x[first + i] * factor[i] + mean[i];
            else
                for (size_t i = 0; i < count; i++)
                    y[first + i] = (x[first + i] - mean[i]) * factor[i];
        }
    }
}

static void backward(const knn_step *step, knn_part part)
{
    size_t length = step->dx.length, run = run_of(step);
    const float *factor = factors_of(step);
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice);
        float *dx = knn__image(&step->dx, image, part.slice);
        for (size_t first = 0; first < length; first += run)
            for (size_t i = 0; i < run && first + i < length; i++)
                dx[first + i] = dy[first + i] * factor[i];
    }
}

const knn_kernel KNN_ISA_NAME(knn__normalization) = {
    .name = "normalization, " KNN_ISA_TEXT,
    .ops = {KNN_OP_NORMALIZATION}, .measure = measure, .prepare = prepare, .forward = forward, .backward = backward,
};
