/* Copies, completes and checks descriptions by their field tables. Does not know any single layer. */
#include "layers/fields.h"

#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "core/text.h"

#include <math.h>
#include <string.h>

const knn__kind *knn__find_kind(const knn__kind *const *kinds, const char *class_name)
{
    for (; class_name != NULL && *kinds != NULL; kinds++)
        if (strcmp((*kinds)->class_name, class_name) == 0)
            return *kinds;
    return NULL;
}

static void fill_range(const knn_field *field, double *lower, double *upper)
{
    double first = *lower, second = *upper;

    if (first == 0 && second == 0)
        second = field->normal;
    else if (second == 0) {
        second = fabs(knn__real_or(first, 0));
        first = fmax(-second, field->least);
    } else {
        first = knn__real_or(first, 0);
        second = knn__real_or(second, 0);
        if (first > second) {
            double smaller = second;
            second = first;
            first = smaller;
        }
    }
    *lower = first;
    *upper = second;
}

static void fill_default(const knn_field *field, void *description)
{
    void *member = knn__member(description, field);
    int *n = member, normal = field->kind == KNN_FIELD_REAL || field->kind == KNN_FIELD_RANGE ? 0 : (int)field->normal;

    switch (field->kind) {
    case KNN_FIELD_INT:
        n[0] = knn__int_or(n[0], normal);
        break;
    case KNN_FIELD_PAIR:
        n[0] = knn__int_or(n[0], normal);
        n[1] = n[1] == 0 ? n[0] : knn__int_or(n[1], normal);
        break;
    case KNN_FIELD_QUAD:
        if (n[0] == 0 && n[1] == 0 && n[2] == 0 && n[3] == 0)
            n[0] = n[1] = n[2] = n[3] = normal;
        for (int i = 0; i < 4; i++)
            n[i] = knn__int_or(n[i], 0);
        break;
    case KNN_FIELD_AXES:
        n[0] = n[0] != 0 ? n[0] : normal;
        break;
    case KNN_FIELD_REAL:
        *(double *)member = knn__real_or(*(double *)member, field->normal);
        break;
    case KNN_FIELD_RANGE:
        fill_range(field, member, knn__range_upper(description, field));
        break;
    default:
        break;
    }
}

static knn_status check_number(const char *class_name, const knn_field *field, double value)
{
    if (field->least == 0 && field->most == 0)
        return KNN_OK;
    if (value >= field->least && value <= field->most)
        return KNN_OK;
    return knn__fail(KNN_ERROR_ARGUMENT, "%s: %s is %.10g, expected %.10g to %.10g", class_name, field->name, value, field->least,
                     field->most);
}

static knn_status check_field(const char *class_name, const knn_field *field, const void *description)
{
    const void *member = knn__member(description, field);
    const int *n = member;
    knn_status status = KNN_OK;
    int count = field->kind == KNN_FIELD_INT ? 1 : field->kind == KNN_FIELD_PAIR ? 2 : field->kind == KNN_FIELD_QUAD ? 4 : 0;

    for (int i = 0; i < count && status == KNN_OK; i++)
        status = check_number(class_name, field, n[i]);
    if (field->kind == KNN_FIELD_REAL)
        status = check_number(class_name, field, *(const double *)member);
    if (field->kind == KNN_FIELD_RANGE) {
        status = check_number(class_name, field, *(const double *)member);
        if (status == KNN_OK)
            status = check_number(class_name, field, *knn__range_upper(description, field));
    }
    if (field->kind == KNN_FIELD_ENUM) {
        int known = 0;
        for (const char *const *names = field->nested; names[known] != NULL; known++)
            ;
        if (n[0] < 0 || n[0] >= known)
            status = knn__fail(KNN_ERROR_ARGUMENT, "%s: %s is %d, expected 0 to %d", class_name, field->name, n[0], known - 1);
    }
    return status;
}

/* The array of a KNN_FIELD_REALS, copied; NULL where the caller gave none, and its length is 0. */
static knn_status own_reals(const char *class_name, const knn_field *field, void *copy)
{
    const knn_field_length *length = field->nested;
    double **member = knn__member(copy, field), *given = *member;
    int count = *(const int *)(const void *)((const char *)copy + length->offset) + length->more;

    *member = NULL;
    if (given == NULL && count == 0)
        return KNN_OK;
    if (given == NULL || count <= length->more)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: %s is empty", class_name, field->name);
    if ((*member = knn__alloc((size_t)count, sizeof **member)) == NULL)
        return KNN_ERROR_MEMORY;
    memcpy(*member, given, (size_t)count * sizeof **member);
    return KNN_OK;
}

static knn_status own_nested(const knn_field *field, void *copy, bool settled)
{
    void **member = knn__member(copy, field), *given = *member;
    const knn__kind *nested;

    *member = NULL;
    if (given == NULL)
        return KNN_OK;
    return settled ? knn__duplicate(knn__find_kind(field->nested, ((const knn__description *)given)->class_name), given, member)
                   : knn__describe_any(field->nested, given, field->name, &nested, member);
}

/* The copy still points to the caller's nested descriptions, arrays and name: put copies of them in their place. Whatever happens,
 * afterwards the copy owns all that it points to. */
static knn_status own_pointers(const knn__kind *kind, void *copy, bool settled)
{
    knn_status status = KNN_OK;

    for (const knn_field *field = kind->fields; field != NULL && field->name != NULL; field++) {
        if (field->kind != KNN_FIELD_NESTED && field->kind != KNN_FIELD_REALS)
            continue;
        if (status != KNN_OK)
            *(void **)knn__member(copy, field) = NULL;
        else if (field->kind == KNN_FIELD_NESTED)
            status = own_nested(field, copy, settled);
        else
            status = own_reals(kind->class_name, field, copy);
    }
    if (kind->name_offset != 0) {
        char **name = (char **)(void *)((char *)copy + kind->name_offset), *given = *name;
        *name = NULL;
        if (given != NULL && status == KNN_OK && (*name = knn__copy_text(given)) == NULL)
            status = KNN_ERROR_MEMORY;
    }
    return status;
}

knn_status knn__describe(const knn__kind *kind, const void *from, void **copy)
{
    const knn__description *given = from;
    knn__description *made = knn__alloc(1, kind->size);

    *copy = NULL;
    if (made == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = knn__copy_options(made, kind->size, from, given->size, kind->class_name);
    if (status != KNN_OK) {
        knn__free(made);
        return status;
    }
    made->class_name = kind->class_name;
    made->size = kind->size;
    status = own_pointers(kind, made, false);
    for (const knn_field *field = kind->fields; field != NULL && field->name != NULL; field++)
        fill_default(field, made);
    if (kind->settle != NULL)
        kind->settle(made);
    for (const knn_field *field = kind->fields; field != NULL && field->name != NULL && status == KNN_OK; field++)
        status = check_field(kind->class_name, field, made);
    if (status != KNN_OK) {
        knn__forget(kind, made);
        return status;
    }
    *copy = made;
    return KNN_OK;
}

knn_status knn__duplicate(const knn__kind *kind, const void *from, void **copy)
{
    void *made = knn__alloc(1, kind->size);

    *copy = NULL;
    if (made == NULL)
        return KNN_ERROR_MEMORY;
    memcpy(made, from, kind->size);
    knn_status status = own_pointers(kind, made, true);
    if (status == KNN_OK)
        *copy = made;
    else
        knn__forget(kind, made);
    return status;
}

void knn__forget(const knn__kind *kind, void *copy)
{
    if (copy == NULL)
        return;
    for (const knn_field *field = kind->fields; field != NULL && field->name != NULL; field++) {
        if (field->kind == KNN_FIELD_REALS)
            knn__free(*(double **)knn__member(copy, field));
        if (field->kind != KNN_FIELD_NESTED)
            continue;
        knn__description *nested = *(void **)knn__member(copy, field);
        if (nested != NULL)
            knn__forget(knn__find_kind(field->nested, nested->class_name), nested);
    }
    if (kind->name_offset != 0)
        knn__free(*(char **)(void *)((char *)copy + kind->name_offset));
    knn__free(copy);
}

knn_status knn__describe_any(const knn__kind *const *kinds, const void *from, const char *what, const knn__kind **kind, void **copy)
{
    const knn__description *given = from;

    *copy = NULL;
    if (given == NULL || given->class_name == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: missing", what);
    *kind = knn__find_kind(kinds, given->class_name);
    if (*kind == NULL)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "%s: unknown class %s", what, given->class_name);
    return knn__describe(*kind, from, copy);
}

double knn__option(const knn__kind *kind, const void *description, const char *name)
{
    for (const knn_field *field = kind->fields; field != NULL && field->name != NULL; field++) {
        const void *member = knn__member(description, field);
        if (strcmp(field->name, name) != 0)
            continue;
        if (field->kind == KNN_FIELD_REAL)
            return *(const double *)member;
        if (field->kind == KNN_FIELD_BOOL)
            return *(const bool *)member ? 1 : 0;
        if (field->kind == KNN_FIELD_INT || field->kind == KNN_FIELD_ENUM || field->kind == KNN_FIELD_AXES)
            return *(const int *)member;
    }
    return 0;
}
