/* Writes descriptions as Keras' configs, in the profile that Keras 2 and 3 both load. Reads none: see description.c. */
#include "keras/description.h"

#include <string.h>

/* Left out where they have their default: some Keras does not know them, or means "none" by leaving them out. */
static const char *const newer[] = {"trainable", "groups",          "keepdims",      "weight_decay", "clipnorm",
                                    "clipvalue", "global_clipnorm", "warmup_target", "warmup_steps", "output_padding", "max_value",
                                    "shared_axes", "use_ema", "ema_momentum", "ema_overwrite_frequency", "gradient_accumulation_steps",
                                    "reduction", "thresholds", "threshold", "top_k", "class_id", "average", "pad_to_aspect_ratio",
                                    "fill_value", "value_range", NULL};
/* Never written: Keras refuses options that it does not know. The library keeps these beside Keras' items. */
static const char *const ours[] = {"epsilon_outside", NULL};

/* All versions know VarianceScaling, and its distribution "normal" for a truncated one; not all know the classes that
 * stand for it. */
static const struct scaling { const char *class_name; double scale; const char *mode, *distribution; } scalings[] = {
    {"GlorotUniform", 1, "fan_avg", "uniform"}, {"GlorotNormal", 1, "fan_avg", "normal"},
    {"HeUniform", 2, "fan_in", "uniform"},      {"HeNormal", 2, "fan_in", "normal"},
    {"LecunUniform", 1, "fan_in", "uniform"},   {"LecunNormal", 1, "fan_in", "normal"}};

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static bool is_normal(const knn_field *field, const void *description)
{
    const void *member = knn__member(description, field);

    switch (field->kind) {
    case KNN_FIELD_INT:
    case KNN_FIELD_ENUM:
    case KNN_FIELD_AXES:
        return *(const int *)member == (int)field->normal;
    case KNN_FIELD_PAIR:
        return ((const int *)member)[0] == (int)field->normal && ((const int *)member)[1] == (int)field->normal;
    case KNN_FIELD_REAL:
        return *(const double *)member == field->normal;
    case KNN_FIELD_BOOL:
    case KNN_FIELD_NOT:
        return !*(const bool *)member;
    case KNN_FIELD_RANGE:
        return *(const double *)member == 0 && *knn__range_upper(description, field) == field->normal;
    default:
        return false;
    }
}

bool knn__all_normal(const knn_field *fields, const void *description)
{
    for (const knn_field *field = fields; field != NULL && field->name != NULL; field++)
        if (!is_normal(field, description))
            return false;
    return true;
}

static void write_ints(knn__text *text, const char *key, const int *values, int count)
{
    knn__json_begin(text, key, '[');
    for (int i = 0; i < count; i++)
        knn__json_put_int(text, NULL, values[i]);
    knn__json_end(text, ']');
}

static int triple_length(const int *values) { return values[1] == 0 ? 1 : values[2] == 0 ? 2 : 3; }

/* One axis as a number, several as a list. */
static void write_axes(knn__text *text, const char *key, int axes)
{
    bool several = (axes & (axes - 1)) != 0;

    if (several)
        knn__json_begin(text, key, '[');
    for (int i = -8; i < 8; i++)
        if (axes & KNN_AXIS(i))
            knn__json_put_int(text, several ? NULL : key, i);
    if (several)
        knn__json_end(text, ']');
}

static void write_reals(knn__text *text, const knn_field *field, const void *description)
{
    const knn_field_length *length = field->nested;
    int count = *(const int *)(const void *)((const char *)description + length->offset) + length->more;
    const double *values = *(const double *const *)knn__member(description, field);

    if (values == NULL)
        return;
    knn__json_begin(text, field->name, '[');
    for (int i = 0; i < count; i++)
        knn__json_put_real(text, NULL, values[i]);
    knn__json_end(text, ']');
}

/* An empty range stands for none. */
static void write_range(knn__text *text, const knn_field *field, double lower, double upper)
{
    if (lower > upper) {
        knn__json_put_text(text, field->name, NULL);
        return;
    }
    knn__json_begin(text, field->name, '[');
    knn__json_put_real(text, NULL, lower);
    knn__json_put_real(text, NULL, upper);
    knn__json_end(text, ']');
}

static void write_name(knn__text *text, const knn_field *field, int value)
{
    const char *const *names = field->nested;
    const char *name = names[value];

    knn__json_put_text(text, field->name, strcmp(name, "truncated_normal") == 0 ? "normal" : name);
}

static bool write_scaling(knn__text *text, const char *key, const char *class_name)
{
    for (size_t i = 0; i < sizeof scalings / sizeof *scalings; i++) {
        if (strcmp(scalings[i].class_name, class_name) != 0)
            continue;
        knn__json_begin(text, key, '{');
        knn__json_put_text(text, "class_name", "VarianceScaling");
        knn__json_begin(text, "config", '{');
        knn__json_put_real(text, "scale", scalings[i].scale);
        knn__json_put_text(text, "mode", scalings[i].mode);
        knn__json_put_text(text, "distribution", scalings[i].distribution);
        knn__json_end(text, '}');
        knn__json_end(text, '}');
        return true;
    }
    return false;
}

static void write_nested(knn__text *text, const knn_field *field, const knn__description *nested)
{
    const knn__kind *kind = nested != NULL ? knn__find_kind(field->nested, nested->class_name) : NULL;

    if (kind != NULL && !write_scaling(text, field->name, kind->class_name))
        knn__write_object(text, field->name, NULL, kind->class_name, kind->fields, nested);
}

static void write_field(knn__text *text, const knn_field *field, const void *description)
{
    const void *member = knn__member(description, field);

    switch (field->kind) {
    case KNN_FIELD_INT:
        knn__json_put_int(text, field->name, *(const int *)member);
        break;
    case KNN_FIELD_PAIR:
        write_ints(text, field->name, member, 2);
        break;
    case KNN_FIELD_TRIPLE:
        write_ints(text, field->name, member, triple_length(member));
        break;
    case KNN_FIELD_QUAD:
        knn__json_begin(text, field->name, '[');
        write_ints(text, NULL, member, 2);
        write_ints(text, NULL, (const int *)member + 2, 2);
        knn__json_end(text, ']');
        break;
    case KNN_FIELD_BOOL:
        knn__json_put_bool(text, field->name, *(const bool *)member);
        break;
    case KNN_FIELD_NOT:
        knn__json_put_bool(text, field->name, !*(const bool *)member);
        break;
    case KNN_FIELD_REAL:
        knn__json_put_real(text, field->name, *(const double *)member);
        break;
    case KNN_FIELD_AXES:
        write_axes(text, field->name, *(const int *)member);
        break;
    case KNN_FIELD_ENUM:
        write_name(text, field, *(const int *)member);
        break;
    case KNN_FIELD_NESTED:
        write_nested(text, field, *(const knn__description *const *)member);
        break;
    case KNN_FIELD_REALS:
        write_reals(text, field, description);
        break;
    case KNN_FIELD_RANGE:
        write_range(text, field, *(const double *)member, *knn__range_upper(description, field));
        break;
    }
}

/* Where an object took the number's place (learning_rate), it was written by the field before. */
static bool written_already(const knn_field *fields, const knn_field *field, const void *description)
{
    return field > fields && strcmp(field[-1].name, field->name) == 0 && field[-1].kind == KNN_FIELD_NESTED &&
           *(const void *const *)knn__member(description, &field[-1]) != NULL;
}

void knn__write_fields(knn__text *text, const knn_field *fields, const void *description)
{
    for (const knn_field *field = fields; field != NULL && field->name != NULL; field++) {
        bool left_out = is_one_of(field->name, newer) && is_normal(field, description);
        if (!left_out && !is_one_of(field->name, ours) && !written_already(fields, field, description))
            write_field(text, field, description);
    }
}

void knn__write_object(knn__text *text, const char *key, const char *module, const char *class_name, const knn_field *fields,
                       const void *description)
{
    knn__json_begin(text, key, '{');
    if (module != NULL)
        knn__json_put_text(text, "module", module);
    knn__json_put_text(text, "class_name", class_name);
    knn__json_begin(text, "config", '{');
    knn__write_fields(text, fields, description);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}
