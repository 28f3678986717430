/* Gaussian noise, y = x + s n, and Gaussian dropout, y = x (1 + s n), with counter-based normal numbers n, which backward draws again.
 * Runs in training only. */
#include "backend/reference/reference.h"

#include "core/random.h"

#include <string.h>

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->in_place = true;
}

/* The sum, or the product, of the elements and their numbers; to may be from. */
static void disturb(const knn_step *step, int image, const knn_real *from, knn_real *to)
{
    const knn_node *n = &step->nodes[0];
    const knn_run *run = step->run;
    knn__stream stream = {.seed = run->seed, .stream = (uint32_t)(KNN__STREAM_DROPOUT + 16 * n->layer), .epoch = run->iteration,
                          .index = (uint32_t)image};
    for (size_t i = 0; i < step->y.length; i++) {
        double noise = n->rate * knn__normal(&stream, (uint32_t)i);
        to[i] = (knn_real)(n->op == KNN_OP_GAUSSIAN_NOISE ? from[i] + noise : from[i] * (1 + noise));
    }
}

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        disturb(step, image, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
}

static void backward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        if (step->nodes[0].op == KNN_OP_GAUSSIAN_DROPOUT)
            disturb(step, image, dy, dx);
        else if (dx != dy)
            memcpy(dx, dy, step->dx.length * sizeof *dx);
    }
}

const knn_kernel knn__reference_gaussian = {
    .name = "gaussian noise, reference",
    .ops = {KNN_OP_GAUSSIAN_NOISE, KNN_OP_GAUSSIAN_DROPOUT}, .measure = measure, .forward = forward, .backward = backward,
};
