/* The kinds of constraints that layers nest, and which weights initializers, regularizers and constraints are defined for.
 * Constrains nothing: see lib/learning. */
#include "core/status.h"
#include "core/text.h"
#include "layers/layer.h"

#include <float.h>

#define REAL(type, member, usual) \
    {.name = #member, .kind = KNN_FIELD_REAL, .offset = offsetof(type, member), .normal = usual, .least = 0, .most = FLT_MAX}
#define AXIS(type) {.name = "axis", .kind = KNN_FIELD_AXES, .offset = offsetof(type, axis), .normal = KNN_AXIS(0)}

static const knn_field max_norm_fields[] = {REAL(knn_max_norm_constraint, max_value, 2), AXIS(knn_max_norm_constraint), {0}};
static const knn_field min_max_norm_fields[] = {
    REAL(knn_min_max_norm_constraint, min_value, 0), REAL(knn_min_max_norm_constraint, max_value, 1),
    REAL(knn_min_max_norm_constraint, rate, 1), AXIS(knn_min_max_norm_constraint), {0}};
static const knn_field unit_norm_fields[] = {AXIS(knn_unit_norm_constraint), {0}};

static const knn__kind
    max_norm = {.class_name = "MaxNorm", .size = sizeof(knn_max_norm_constraint), .fields = max_norm_fields},
    min_max_norm = {.class_name = "MinMaxNorm", .size = sizeof(knn_min_max_norm_constraint), .fields = min_max_norm_fields},
    unit_norm = {.class_name = "UnitNorm", .size = sizeof(knn_unit_norm_constraint), .fields = unit_norm_fields},
    non_neg = {.class_name = "NonNeg", .size = sizeof(knn_plain_constraint)};

const knn__kind *const knn__constraint_kinds[] = {&max_norm, &min_max_norm, &unit_norm, &non_neg, NULL};

static knn_status check_axes(const knn__weight_spec *spec)
{
    const knn__kind *kind = knn__find_kind(knn__constraint_kinds, spec->constraint->class_name);
    int axes = (int)knn__option(kind, spec->constraint, "axis"), known = 0;
    for (int i = -spec->rank; i < spec->rank; i++)
        known |= KNN_AXIS(i);
    if ((axes & ~known) == 0)
        return KNN_OK;
    return knn__fail(KNN_ERROR_ARGUMENT, "%s: constraint %s has an axis that a weight of rank %d has not", spec->name, kind->class_name,
                     spec->rank);
}

knn_status knn__weight_check(const knn__weight_spec *spec)
{
    const char *drawn = spec->initializer->class_name, *penalty = spec->regularizer != NULL ? spec->regularizer->class_name : "";
    if (knn__text_equal(drawn, "Identity") && spec->rank != 2)
        return knn__fail(KNN_ERROR_SHAPE, "%s: initializer Identity wants a weight of rank 2, this one has %d", spec->name, spec->rank);
    if (knn__text_equal(drawn, "Orthogonal") && spec->rank < 2)
        return knn__fail(KNN_ERROR_SHAPE, "%s: initializer Orthogonal wants a weight of rank 2 at least", spec->name);
    if (knn__text_equal(penalty, "OrthogonalRegularizer") && spec->rank != 2)
        return knn__fail(KNN_ERROR_SHAPE, "%s: OrthogonalRegularizer wants a weight of rank 2, this one has %d", spec->name, spec->rank);
    return spec->constraint != NULL ? check_axes(spec) : KNN_OK;
}
