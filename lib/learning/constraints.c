/* Constraints: what they make of which axes of an array. The formulas: backend/constraints.h. Knows no layers. */
#include "core/text.h"
#include "learning/learning.h"

static const knn__axes no_axes = {.length = 1, .inner = 1};

/* The next one outwards. */
static void add_axis(knn__axes *to, size_t size, size_t stride)
{
    bool first = to->outer_stride == 0, neighbour = !first && to->length / to->inner * to->outer_stride == stride;
    if (!first && !neighbour) {
        to->inner = (unsigned)to->length;
        to->inner_stride = to->outer_stride;
    }
    if (!neighbour)
        to->outer_stride = stride;
    to->length *= size;
}

/* Each number by itself. */
static void split_numbers(const knn__stretch *stretch, knn__constraint *c)
{
    c->non_negative = true;
    c->across = (knn__axes){.length = stretch->length, .outer_stride = 1, .inner = 1};
}

static void split_vectors(const knn__stretch *stretch, int axis, knn__constraint *c)
{
    size_t stride = 1;
    c->within = c->across = no_axes;
    for (int i = stretch->rank - 1; i >= 0; stride *= (size_t)stretch->shape[i--]) {
        bool inside = (axis & (KNN_AXIS(i) | KNN_AXIS(i - stretch->rank))) != 0;
        add_axis(inside ? &c->within : &c->across, (size_t)stretch->shape[i], stride);
    }
}

knn__constraint knn__constraint_of(const knn__stretch *stretch)
{
    const knn_constraint *given = stretch->constraint;
    const char *name = given != NULL ? given->class_name : "";
    knn__constraint c = {.least = 0, .most = 0, .rate = 1};
    if (knn__text_equal(name, "NonNeg"))
        split_numbers(stretch, &c);
    if (knn__text_equal(name, "MaxNorm")) {
        const knn_max_norm_constraint *norm = (const knn_max_norm_constraint *)given;
        c.most = (float)norm->max_value;
        split_vectors(stretch, norm->axis, &c);
    }
    if (knn__text_equal(name, "UnitNorm")) {
        c.least = c.most = 1;
        split_vectors(stretch, ((const knn_unit_norm_constraint *)given)->axis, &c);
    }
    if (knn__text_equal(name, "MinMaxNorm")) {
        const knn_min_max_norm_constraint *norm = (const knn_min_max_norm_constraint *)given;
        c.least = (float)norm->min_value, c.most = (float)norm->max_value, c.rate = (float)norm->rate;
        split_vectors(stretch, norm->axis, &c);
    }
    return c;
}

void knn__constrain(const knn__stretch *stretches, int count, float *weights)
{
    for (int i = 0; i < count; i++) {
        const knn__constraint c = knn__constraint_of(&stretches[i]);
        for (size_t vector = 0; vector < c.across.length; vector++)
            knn__constrain_vector(&c, weights + stretches[i].offset, vector);
    }
}
