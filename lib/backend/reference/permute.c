/* Axes in another order. */
#include "backend/reference/reference.h"

/* Output axis k advances by step[k] numbers in the input. */
typedef struct walk { long step[3]; } walk;

static walk make_walk(const knn_node *n)
{
    const long steps[3] = {(long)n->in.width * n->in.channels, n->in.channels, 1};
    return (walk){{steps[n->axes[0]], steps[n->axes[1]], steps[n->axes[2]]}};
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    const walk w = make_walk(n);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *x = knn__image(&step->x, image, part.slice);
        knn_real *y = knn__image(&step->y, image, part.slice);
        for (int i = 0; i < n->out.height; i++)
            for (int j = 0; j < n->out.width; j++)
                for (int k = 0; k < n->out.channels; k++)
                    *y++ = x[i * w.step[0] + j * w.step[1] + k * w.step[2]];
    }
}

static void backward(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    const knn_node *n = &step->nodes[0];
    const walk w = make_walk(n);
    for (int image = part.first; image < part.last; image++) {
        const knn_real *dy = knn__image(&step->dy, image, part.slice);
        knn_real *dx = knn__image(&step->dx, image, part.slice);
        for (int i = 0; i < n->out.height; i++)
            for (int j = 0; j < n->out.width; j++)
                for (int k = 0; k < n->out.channels; k++)
                    dx[i * w.step[0] + j * w.step[1] + k * w.step[2]] = *dy++;
    }
}

const knn_kernel knn__reference_permute = {
    .name = "permute, reference",
    .ops = {KNN_OP_PERMUTE}, .forward = forward, .backward = backward,
};
