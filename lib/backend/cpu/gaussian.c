/* Gaussian noise, y = x + s n, and Gaussian dropout, y = x (1 + s n): the reference's normal numbers n, drawn by the block, in float. */
#include "backend/cpu/isa.h"
#include "core/random.h"

#include <math.h>
#include <string.h>

enum { NORMALS = 128 };                     /* at a time */

static const float TWO_PI = 6.28318530717958648f;

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->in_place = true;
    needs->depth_first = true;
}

/* Number i by Box and Muller from the uniform numbers 2 i and 2 i + 1, as knn__normal does it. */
static void normals(const knn__stream *stream, size_t first, float *n, size_t count)
{
    float u[2 * NORMALS];
    knn__uniform_fill(stream, (uint32_t)(2 * first), u, 2 * count);
    for (size_t i = 0; i < count; i++)
        n[i] = sqrtf(-2 * logf(1 - u[2 * i])) * cosf(TWO_PI * u[2 * i + 1]);
}

/* The sum, or the product, of the elements and their numbers; to may be from. */
static void disturb(const knn_step *step, int image, const float *from, float *to)
{
    const knn_node *node = &step->nodes[0];
    const knn_run *run = step->run;
    const knn__stream stream = {.seed = run->seed, .stream = (uint32_t)(KNN__STREAM_DROPOUT + 16 * node->layer), .epoch = run->iteration,
                                .index = (uint32_t)image};
    float deviation = (float)node->rate, n[NORMALS];
    for (size_t first = 0; first < step->y.length; first += NORMALS) {
        size_t count = step->y.length - first < NORMALS ? step->y.length - first : NORMALS;
        normals(&stream, first, n, count);
        if (node->op == KNN_OP_GAUSSIAN_NOISE)
            for (size_t i = 0; i < count; i++)
                to[first + i] = from[first + i] + deviation * n[i];
        else
            for (size_t i = 0; i < count; i++)
                to[first + i] = from[first + i] * (1 + deviation * n[i]);
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
        const float *dy = knn__image(&step->dy, image, part.slice);
        float *dx = knn__image(&step->dx, image, part.slice);
        if (step->nodes[0].op == KNN_OP_GAUSSIAN_DROPOUT)
            disturb(step, image, dy, dx);
        else if (dx != dy)
            memcpy(dx, dy, step->dx.length * sizeof *dx);
    }
}

const knn_kernel KNN_ISA_NAME(knn__gaussian) = {
    .name = "gaussian noise, " KNN_ISA_TEXT,
    .ops = {KNN_OP_GAUSSIAN_NOISE, KNN_OP_GAUSSIAN_DROPOUT}, .measure = measure, .forward = forward, .backward = backward,
};
