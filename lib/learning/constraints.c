/* Constraints: what they make of which axes of an array. The formulas: backend/constraints.h. Knows no layers. */
#include "core/text.h"
#include "learning/learning.h"

/* Neighbours become one axis. */
static void add_axis(knn__axes *to, unsigned size, size_t stride)
{
    int last = to->count - 1;
    to->length *= size;
    if (last >= 0 && to->size[last] * to->stride[last] == stride) {
        to->size[last] *= size;
        return;
    }
    to->size[to->count] = size;
    to->stride[to->count++] = stride;
}

/* Each number by itself. */
static void split_numbers(const knn__stretch *stretch, knn__constraint *c)
{
    c->non_negative = true;
    c->across = (knn__axes){.count = 1, .stride = {1}, .length = stretch->length};
}

static void split_vectors(const knn__stretch *stretch, int axis, knn__constraint *c)
{
    size_t stride = 1;
    c->within.length = c->across.length = 1;
    for (int i = stretch->rank - 1; i >= 0; stride *= (size_t)stretch->shape[i--]) {
        bool inside = (axis & (KNN_AXIS(i) | KNN_AXIS(i - stretch->rank))) != 0;
        add_axis(inside ? &c->within : &c->across, (unsigned)stretch->shape[i], stride);
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
