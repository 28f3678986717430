/* Constraints: what weight arrays are made after each step, with Keras 3's formulas. Knows no layers. */
#include "core/text.h"
#include "learning/learning.h"

#include <math.h>

static const float EPSILON = 1e-7f;         /* keras.config.epsilon() */

/* Some axes of an array: how many elements they span, and where the i-th of these is. */
typedef struct axes { int count, size[4]; size_t stride[4], length; } axes;

static void add_axis(axes *to, int size, size_t stride)
{
    to->size[to->count] = size;
    to->stride[to->count++] = stride;
    to->length *= (size_t)size;
}

static size_t place(const axes *of, size_t i)
{
    size_t at = 0;
    for (int k = 0; k < of->count; k++) {
        at += i % (size_t)of->size[k] * of->stride[k];
        i /= (size_t)of->size[k];
    }
    return at;
}

/* What a norm should be: within [least, most], `rate` of the way to it. */
typedef struct norms { float least, most, rate; int axis; } norms;

/* In float as Keras: next to a norm of 1 EPSILON rounds to a bit, which adds up over the steps. */
static void constrain_norms(const knn__stretch *stretch, const norms *to, float *w)
{
    axes within = {.length = 1}, across = {.length = 1};
    size_t stride = 1;
    for (int i = stretch->rank - 1; i >= 0; stride *= (size_t)stretch->shape[i--]) {
        bool inside = (to->axis & (KNN_AXIS(i) | KNN_AXIS(i - stretch->rank))) != 0;
        add_axis(inside ? &within : &across, stretch->shape[i], stride);
    }
    for (size_t vector = 0; vector < across.length; vector++) {
        float *first = w + place(&across, vector);
        double sum = 0.0;
        for (size_t i = 0; i < within.length; i++)
            sum += (double)first[place(&within, i)] * (double)first[place(&within, i)];
        float norm = (float)sqrt(sum), cut = fminf(fmaxf(norm, to->least), to->most);
        float factor = (to->rate * cut + (1.0f - to->rate) * norm) / (EPSILON + norm);
        for (size_t i = 0; i < within.length; i++)
            first[place(&within, i)] *= factor;
    }
}

static void constrain(const knn__stretch *stretch, float *w)
{
    const char *name = stretch->constraint->class_name;
    norms to;
    if (knn__text_equal(name, "NonNeg")) {
        for (size_t i = 0; i < stretch->length; i++)
            w[i] = w[i] < 0.0f ? 0.0f : w[i];
        return;
    }
    if (knn__text_equal(name, "MaxNorm")) {
        const knn_max_norm_constraint *c = (const knn_max_norm_constraint *)stretch->constraint;
        to = (norms){0.0f, (float)c->max_value, 1.0f, c->axis};
    } else if (knn__text_equal(name, "UnitNorm")) {
        to = (norms){1.0f, 1.0f, 1.0f, ((const knn_unit_norm_constraint *)stretch->constraint)->axis};
    } else {
        const knn_min_max_norm_constraint *c = (const knn_min_max_norm_constraint *)stretch->constraint;
        to = (norms){(float)c->min_value, (float)c->max_value, (float)c->rate, c->axis};
    }
    constrain_norms(stretch, &to, w);
}

void knn__constrain(const knn__stretch *stretches, int count, float *weights)
{
    for (int i = 0; i < count; i++)
        if (stretches[i].constraint != NULL)
            constrain(&stretches[i], weights + stretches[i].offset);
}
