/* Inverted dropout with counter-based random numbers: backward draws the mask again. It runs in training only.
 * With whole channels the number of an element is that of its channel. */
#include "backend/reference/reference.h"

#include "core/random.h"

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->in_place = true;
}

/* to[i] = from[i] / keep where the element's uniform number lies below keep = 1 - rate, else 0; to may be from.
 * Both are compared as floats: every backend then has the same mask, in the double build, too. */
static void drop(const knn_step *step, int image, const knn_real *from, knn_real *to)
{
    const knn_node *n = &step->nodes[0];
    const knn_run *run = step->run;
    double keep = 1 - n->rate;
    knn__stream stream = {.seed = run->seed, .stream = (uint32_t)(KNN__STREAM_DROPOUT + 16 * n->layer), .epoch = run->iteration,
                          .index = (uint32_t)image};
    for (size_t i = 0; i < knn__extent_length(n->in); i++) {
        size_t position = n->whole_channels ? i % (size_t)n->in.channels : i;
        bool kept = (float)knn__uniform(&stream, (uint32_t)position) < (float)keep;
        to[i] = kept ? (knn_real)(from[i] / keep) : 0;
    }
}

static void forward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        drop(step, image, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    for (int image = part.first; image < part.last; image++)
        drop(step, image, knn__image(&step->dy, image, part.slice), knn__image(&step->dx, image, part.slice));
}

const knn_kernel knn__reference_dropout = {
    .name = "dropout, reference",
    .ops = {KNN_OP_DROPOUT}, .measure = measure, .forward = forward, .backward = backward,
};
