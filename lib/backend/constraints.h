/* What weight arrays are made after each step, with Keras 3's formulas, for host and GPU. Knows no constraint by name. */
#ifndef KNN_BACKEND_CONSTRAINTS_H
#define KNN_BACKEND_CONSTRAINTS_H

#include "core/everywhere.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* Some axes of an array: how many elements they span, and how far apart these are. Neighbouring axes are one, so that of four at most two are left:
 * the inner one, of `inner` elements, 1 where there is one axis only, and the outer one. */
typedef struct knn__axes { size_t length, inner_stride, outer_stride; unsigned inner; } knn__axes;

/* Of vectors: each spans the axes `within`, and there is one for each element that the axes `across` span. */
typedef struct knn__constraint {
    bool non_negative;                      /* that, and nothing else: vectors of one number */
    float least, most, rate;                /* what norms should be: within [least, most], `rate` of the way to it */
    knn__axes within, across;               /* across.length 0: no constraint */
} knn__constraint;

/* Where the i-th of these elements is. Divides by 32 bits, which two axes have room in. */
KNN_EVERYWHERE size_t knn__axes_place(const knn__axes *of, size_t i)
{
    if (of->inner == 1)
        return i * of->outer_stride;
    unsigned within = (unsigned)i % of->inner, outside = (unsigned)i / of->inner;
    return within * of->inner_stride + outside * of->outer_stride;
}

/* In float as Keras: next to a norm of 1 its epsilon rounds to a bit, which adds up over the steps. */
KNN_EVERYWHERE float knn__norm_factor(const knn__constraint *c, float norm)
{
    const float epsilon = 1e-7f;            /* keras.config.epsilon() */
    float cut = fminf(fmaxf(norm, c->least), c->most);
    return (c->rate * cut + (1 - c->rate) * norm) / (epsilon + norm);
}

KNN_EVERYWHERE void knn__constrain_vector(const knn__constraint *c, float *array, size_t vector)
{
    float *w = array + knn__axes_place(&c->across, vector);
    double sum = 0;
    if (c->non_negative) {
        *w = *w < 0 ? 0 : *w;
        return;
    }
    for (size_t i = 0; i < c->within.length; i++) {
        double value = w[knn__axes_place(&c->within, i)];
        sum += value * value;
    }
    float factor = knn__norm_factor(c, (float)sqrt(sum));
    for (size_t i = 0; i < c->within.length; i++)
        w[knn__axes_place(&c->within, i)] *= factor;
}

#endif
