/* y = scale x + offset, in training and inference. Has no weights. */
#include "backend/reference/reference.h"

static void measure(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->in_place = true;
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (size_t i = 0; i < step->y.length; i++)
            y[i] = (knn_real)(n->scale * x[i] + n->offset);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        for (size_t i = 0; i < step->dx.length; i++)
            dx[i] = (knn_real)(n->scale * dy[i]);
    }
}

const knn_kernel knn__reference_rescaling = {
    .name = "rescaling, reference",
    .ops = {KNN_OP_RESCALING}, .measure = measure, .forward = forward, .backward = backward,
};
