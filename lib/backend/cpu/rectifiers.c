/* The activations with parameters, of the layers ReLU, LeakyReLU and ELU. PReLU, which has weights, is in prelu.c. */
#include "backend/cpu/isa.h"

#include <math.h>

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = step->request.training;
    needs->in_place = !step->request.training;
    needs->depth_first = true;
}

/* ---- The rectifier: min(x, max_value) above the threshold, alpha (x - threshold) below it ---- */

static void rectify(const knn_node *n, const float *x, float *y, size_t length)
{
    float alpha = (float)n->alpha, most = (float)n->max_value, threshold = (float)n->threshold;
    for (size_t i = 0; i < length; i++) {
        float cut = x[i] > most ? most : x[i];
        y[i] = x[i] > threshold ? cut : alpha * (x[i] - threshold);
    }
}

/* As Keras composes it of what TensorFlow has: the slope is 0 at the threshold (not in the plain leaky one), and 1 at the maximum (not in
 * ReLU6, which is an operation of its own). */
static void rectify_backward(const knn_node *n, const float *x, const float *dy, float *dx, size_t length)
{
    bool leaky = n->threshold == 0 && n->max_value == INFINITY, relu6 = n->threshold == 0 && n->max_value == 6;
    float alpha = (float)n->alpha, most = (float)n->max_value, threshold = (float)n->threshold;
    float at_threshold = leaky ? alpha : 0, at_most = relu6 ? 0 : 1;
    for (size_t i = 0; i < length; i++) {
        float above = x[i] < most ? 1 : x[i] == most ? at_most : 0, below = x[i] < threshold ? alpha : at_threshold;
        dx[i] = dy[i] * (x[i] > threshold ? above : below);
    }
}

/* ---- ELU with an alpha ---- */

static void scaled_elu(float alpha, const float *x, float *y, size_t length)
{
    for (size_t i = 0; i < length; i++)
        y[i] = x[i] > 0 ? x[i] : alpha * expm1f(x[i]);
}

static void scaled_elu_backward(float alpha, const float *x, const float *dy, float *dx, size_t length)
{
    for (size_t i = 0; i < length; i++)
        dx[i] = x[i] > 0 ? dy[i] : dy[i] * alpha * expf(x[i]);
}

/* ---- The kernel ---- */

static void forward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        if (n->op == KNN_OP_RECTIFIER)
            rectify(n, x, y, step->y.length);
        else
            scaled_elu((float)n->alpha, x, y, step->y.length);
    }
}

static void backward(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const float *x = knn__image(&step->x, image, part.slice), *dy = knn__image(&step->dy, image, part.slice);
        float *dx = knn__image(&step->dx, image, part.slice);
        if (n->op == KNN_OP_RECTIFIER)
            rectify_backward(n, x, dy, dx, step->dx.length);
        else
            scaled_elu_backward((float)n->alpha, x, dy, dx, step->dx.length);
    }
}

const knn_kernel KNN_ISA_NAME(knn__rectifiers) = {
    .name = "rectifiers, " KNN_ISA_TEXT,
    .ops = {KNN_OP_RECTIFIER, KNN_OP_SCALED_ELU}, .measure = measure, .forward = forward, .backward = backward,
};
