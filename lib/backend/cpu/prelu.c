/* PReLU (He and others 2015): y = x above 0, else alpha x, position by position; alpha has the input's sizes, or 1 on shared axes. */
#include "backend/cpu/isa.h"
#include "core/parallel.h"

static size_t alphas(const knn_step *step) { return step->nodes[0].weight[KNN_ALPHA].length; }

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->depth_first = true;
    needs->partial = alphas(step) * sizeof(double);                 /* dalpha */
}

/* Number of the alpha of a position's channel 0; those of the other channels follow, or it is the one of all. */
static size_t first_alpha(const knn_node *n, long position)
{
    long row = position / n->in.width, column = position % n->in.width;
    long index = n->shared.height > 1 ? row : 0;
    index = index * n->shared.width + (n->shared.width > 1 ? column : 0);
    return (size_t)(index * n->shared.channels);
}

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    long channels = n->in.channels, positions = (long)n->in.height * n->in.width;
    bool shared = n->shared.channels == 1;
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        for (long p = 0; p < positions; p++, x += channels, y += channels) {
            const float *alpha = knn__weight(step, 0, KNN_ALPHA) + first_alpha(n, p);
            if (shared)
                for (long c = 0; c < channels; c++)
                    y[c] = x[c] > 0 ? x[c] : alpha[0] * x[c];
            else
                for (long c = 0; c < channels; c++)
                    y[c] = x[c] > 0 ? x[c] : alpha[c] * x[c];
        }
    }
}

/* dalpha = sum of dy x where x < 0. */
static void add_alpha_gradients(const knn_node *n, const float *x, const float *dy, double *dalpha)
{
    long channels = n->in.channels, positions = (long)n->in.height * n->in.width;
    bool shared = n->shared.channels == 1;
    for (long p = 0; p < positions; p++, x += channels, dy += channels) {
        double *sum = dalpha + first_alpha(n, p);
        if (shared)
            for (long c = 0; c < channels; c++)
                sum[0] += (double)(x[c] < 0 ? dy[c] * x[c] : 0);
        else
            for (long c = 0; c < channels; c++)
                sum[c] += (double)(x[c] < 0 ? dy[c] * x[c] : 0);
    }
}

/* The slope at 0 is 0: Keras has relu(x) - alpha relu(-x). */
static void input_gradient(const knn_node *n, const float *alpha, const float *x, const float *dy, float *dx)
{
    long channels = n->in.channels, positions = (long)n->in.height * n->in.width;
    bool shared = n->shared.channels == 1;
    for (long p = 0; p < positions; p++, x += channels, dy += channels, dx += channels) {
        const float *own = alpha + first_alpha(n, p);
        if (shared)
            for (long c = 0; c < channels; c++)
                dx[c] = x[c] > 0 ? dy[c] : x[c] < 0 ? dy[c] * own[0] : 0;
        else
            for (long c = 0; c < channels; c++)
                dx[c] = x[c] > 0 ? dy[c] : x[c] < 0 ? dy[c] * own[c] : 0;
    }
}

static void backward(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        add_alpha_gradients(&step->nodes[0], x, dy, knn__partial(step, part.slice));
        if (step->dx.data != NULL)
            input_gradient(&step->nodes[0], knn__weight(step, 0, KNN_ALPHA), x, dy, knn__image(&step->dx, image, part.slice));
    }
}

static void finish(const knn_step *step, int slice)
{
    float *dalpha = knn__gradient(step, 0, KNN_ALPHA);
    long first, last;
    knn__share((long)alphas(step), slice, step->request.slices, &first, &last);
    for (long i = first; i < last && dalpha != NULL; i++) {
        double sum = 0;
        for (int s = 0; s < step->request.slices; s++)
            sum += ((const double *)knn__partial(step, s))[i];
        dalpha[i] = (float)sum;
    }
}

const knn_kernel KNN_ISA_NAME(knn__prelu) = {
    .name = "prelu, " KNN_ISA_TEXT,
    .ops = {KNN_OP_PRELU}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
