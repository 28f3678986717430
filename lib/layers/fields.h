/* Descriptions and their field tables: what serves copying, checking, defaults, the JSON reader and writer, and the docs.
 * Knows no JSON and no layer. */
#ifndef KNN_LAYERS_FIELDS_H
#define KNN_LAYERS_FIELDS_H

#include <knn/extend.h>

/* What every description (layer, initializer, optimizer, loss, ..) begins with. */
typedef struct knn__description {
    const char *class_name;
    size_t size;
    const void *custom;
} knn__description;

/* A kind of description: the library's side of it. Tables of kinds end with NULL. */
typedef struct knn__kind {
    const char *class_name;                 /* Keras' */
    size_t size;                            /* of the description */
    const knn_field *fields;                /* ends with a NULL name; NULL: none */
    size_t name_offset;                     /* of its `const char *name`; 0: it has none */
    void (*settle)(void *description);      /* defaults that depend on other fields (strides as the pool); NULL: none */
} knn__kind;

/* The kind of a class name ("Conv2D") in a table; NULL: none. */
const knn__kind *knn__find_kind(const knn__kind *const *kinds, const char *class_name);

/* The library's own copy of a description: other sizes accepted by the ABI rule, defaults filled in (0 -> normal, KNN_ZERO -> 0,
 * second of a pair), ranges checked, nested descriptions and the name copied. Errors name class and field. */
knn_status knn__describe(const knn__kind *kind, const void *from, void **copy);
void knn__forget(const knn__kind *kind, void *copy);        /* NULL is fine */

/* A copy of such a copy, whose defaults are filled in already: a 0 in it is a 0. */
knn_status knn__duplicate(const knn__kind *kind, const void *from, void **copy);

/* The same for a description whose kind is looked up in a table; `what` is for the error ("optimizer"). */
knn_status knn__describe_any(const knn__kind *const *kinds, const void *from, const char *what, const knn__kind **kind, void **copy);

/* Members by field. */
static inline void *knn__member(const void *description, const knn_field *field)
{
    return (char *)(uintptr_t)description + field->offset;
}

/* A number among the options of a description by its name: 1 for a flag that is set, an enum's number, a set of axes; 0 where it has no
 * such option. */
double knn__option(const knn__kind *kind, const void *description, const char *name);

/* The upper bound of a KNN_FIELD_RANGE. */
static inline double *knn__range_upper(const void *description, const knn_field *field)
{
    return (double *)(void *)((char *)(uintptr_t)description + ((const knn_field_length *)field->nested)->offset);
}

/* Kinds that layers nest. Drawing is done in lib/learning. */
extern const knn__kind *const knn__initializer_kinds[];
extern const knn__kind *const knn__regularizer_kinds[];
extern const knn__kind *const knn__constraint_kinds[];

/* Names in files, in the order of the enums; NULL-terminated. */
extern const char *const knn__activation_names[];
extern const char *const knn__padding_names[], *const knn__causal_padding_names[], *const knn__interpolation_names[];
extern const char *const knn__fan_names[];
extern const char *const knn__distribution_names[];

#endif
