/* Reads descriptions from Keras' configs of all ages by their field tables, and says what it does not understand.
 * Writes none: see description_write.c. */
#include "keras/description.h"

#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Memory and failures ---- */

void *knn__reading_alloc(knn__reading *reading, size_t count, size_t size)
{
    void *block = NULL;

    if (knn__reserve((void **)&reading->blocks, &reading->capacity, reading->count + 1, sizeof *reading->blocks))
        block = knn__alloc(count, size);
    if (block != NULL)
        reading->blocks[reading->count++] = block;
    else
        reading->no_memory = true;
    return block;
}

void knn__reading_free(knn__reading *reading)
{
    for (size_t i = 0; i < reading->count; i++)
        knn__free(reading->blocks[i]);
    knn__free(reading->blocks);
    *reading = (knn__reading){0};
}

bool knn__unsupported(knn__reading *reading, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reading->reason, sizeof reading->reason, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Names ---- */

/* What files call things, and what they are called here: short names, names of earlier versions, and layers that are others with an option
 * (initializers of the name Identity are found by it all the same). */
static const char *const other_names[][2] = {
    {"mse", "MeanSquaredError"}, {"mae", "MeanAbsoluteError"}, {"mape", "MeanAbsolutePercentageError"},
    {"msle", "MeanSquaredLogarithmicError"}, {"kld", "KLDivergence"}, {"kullback_leibler_divergence", "KLDivergence"},
    {"acc", "accuracy"},
    {"BatchNormalizationV1", "BatchNormalization"}, {"BatchNormalizationV2", "BatchNormalization"}, {"L1", "L1L2"},
    {"L2", "L1L2"}, {"uniform", "RandomUniform"}, {"normal", "RandomNormal"}, {"zero", "Zeros"}, {"one", "Ones"},
    {"ThresholdedReLU", "ReLU"}, {"Identity", "Activation"}};
static const char *const other_values[][2] = {{"silu", "swish"}, {"hard_swish", "hard_silu"}, {"normal", "truncated_normal"},
    {"auto", "sum_over_batch_size"}};
static const char *const other_keys[][2] = {{"lr", "learning_rate"}, {"negative_slope", "alpha"}, {"theta", "threshold"}};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static char small_letter(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Equal but for case and underscores: classes and functions of one thing have such names. */
static bool alike(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, "_");
        b += strspn(b, "_");
        if (small_letter(*a) != small_letter(*b))
            return false;
        if (*a == '\0')
            return true;
    }
}

const char *knn__without_package(const char *name)
{
    const char *end = strrchr(name, '>');
    return end != NULL ? end + 1 : name;
}

static const char *usual_name(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(other_names); i++)
        if (alike(name, other_names[i][0]))
            return other_names[i][1];
    return name;
}

bool knn__same_class(const char *a, const char *b)
{
    return alike(usual_name(knn__without_package(a)), usual_name(knn__without_package(b)));
}

const knn__kind *knn__find_class(const knn__kind *const *kinds, const char *name)
{
    for (; name != NULL && *kinds != NULL; kinds++)
        if (knn__same_class((*kinds)->class_name, name))
            return *kinds;
    return NULL;
}

const cJSON *knn__config_get(const cJSON *config, const char *key)
{
    const cJSON *item = knn__json_get(config, key);

    for (size_t i = 0; item == NULL && i < COUNT_OF(other_keys); i++)
        if (strcmp(key, other_keys[i][1]) == 0)
            item = knn__json_get(config, other_keys[i][0]);
    return item;
}

/* ---- Fields ---- */

static bool wrong_value(knn__reading *reading, const knn_field *field, const cJSON *item)
{
    const char *text = knn__json_text(item);
    double number;

    if (text != NULL)
        return knn__unsupported(reading, "%s '%.60s'", field->name, text);
    if (knn__json_real(item, &number))
        return knn__unsupported(reading, "%s %g", field->name, number);
    return knn__unsupported(reading, "its %s", field->name);
}

/* In a description 0 stands for the default: a real 0 is KNN_NONE or KNN_ZERO. */
static int real_int(int value, double normal)
{
    return value == 0 && normal != 0 ? KNN_NONE : value;
}

/* 3, or [3]: what is a pair in two dimensions is written as a list in one, too. */
static bool read_int(const knn_field *field, const cJSON *item, int *member)
{
    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1)
        item = cJSON_GetArrayItem(item, 0);
    if (!knn__json_int(item, member))
        return false;
    *member = real_int(*member, field->normal);
    return true;
}

/* [3, 3], [3] or 3 */
static bool read_pair(const knn_field *field, const cJSON *item, int *member)
{
    int count = cJSON_IsArray(item) ? cJSON_GetArraySize(item) : 0;

    if (count < 1 || count > 2)
        return count == 0 && read_int(field, item, member);
    for (int i = 0; i < count; i++)
        if (!read_int(field, cJSON_GetArrayItem(item, i), &member[i]))
            return false;
    return true;
}

/* One to three numbers, none of them 0, which would end the list. */
static bool read_triple(const cJSON *item, int *member)
{
    int count = cJSON_IsArray(item) ? cJSON_GetArraySize(item) : 0;

    for (int i = 0; i < count && count <= 3; i++)
        if (!knn__json_int(cJSON_GetArrayItem(item, i), &member[i]) || member[i] == 0)
            return false;
    return count >= 1 && count <= 3;
}

/* ((top, bottom), (left, right)), (rows, columns) or a number for all sides */
static bool read_quad(const knn_field *field, const cJSON *item, int *member)
{
    int side[4];
    bool pair = cJSON_IsArray(item) && cJSON_GetArraySize(item) == 2;

    for (int i = 0; i < 4; i++) {
        const cJSON *part = pair ? cJSON_GetArrayItem(item, i / 2) : item;
        if (cJSON_IsArray(part) && cJSON_GetArraySize(part) == 2)
            part = cJSON_GetArrayItem(part, i % 2);
        if (!knn__json_int(part, &side[i]))
            return false;
    }
    memcpy(member, side, sizeof side);
    if (side[0] == 0 && side[1] == 0 && side[2] == 0 && side[3] == 0)
        member[0] = real_int(0, field->normal);
    return true;
}

/* [0, 1, 2] or 0 */
static bool read_axes(const cJSON *item, int *member)
{
    int axis;
    const cJSON *one = cJSON_IsArray(item) ? item->child : item;

    *member = 0;
    for (; one != NULL; one = one == item ? NULL : one->next) {
        if (!knn__json_int(one, &axis) || axis < -8 || axis > 7)
            return false;
        *member |= KNN_AXIS(axis);
    }
    return *member != 0;
}

static bool read_real(const knn_field *field, const cJSON *item, double *member)
{
    if (!knn__json_real(item, member))
        return false;
    if (*member == 0 && field->normal != 0)
        *member = KNN_ZERO;
    return true;
}

/* f, or (lower, upper) */
static bool read_range(const knn_field *field, const cJSON *item, void *description)
{
    double *lower = knn__member(description, field), *upper = knn__range_upper(description, field);
    bool pair = cJSON_IsArray(item) && cJSON_GetArraySize(item) == 2;

    if (!knn__json_real(pair ? cJSON_GetArrayItem(item, 0) : item, lower) || (pair && !knn__json_real(cJSON_GetArrayItem(item, 1), upper)))
        return false;
    if (*lower == 0)
        *lower = KNN_ZERO;
    if (pair && *upper == 0)
        *upper = KNN_ZERO;
    return true;
}

static bool read_flag(const knn_field *field, const cJSON *item, bool *member)
{
    bool value;

    if (!knn__json_bool(item, &value))
        return false;
    *member = field->kind == KNN_FIELD_NOT ? !value : value;
    return true;
}

/* A name; Keras 3 also writes functions as {"class_name": "function", "config": name}. */
static bool read_name(knn__reading *reading, const knn_field *field, const cJSON *item, int *member)
{
    const char *text = knn__json_text(cJSON_IsObject(item) ? knn__json_get(item, "config") : item);
    const char *const *names = field->nested;

    if (text == NULL)
        return false;
    for (size_t i = 0; i < COUNT_OF(other_values); i++)
        if (strcmp(text, other_values[i][0]) == 0)
            text = other_values[i][1];
    if (reading->old && strcmp(text, "hard_sigmoid") == 0)
        return knn__unsupported(reading, "%s 'hard_sigmoid' of Keras 2, which is another function than Keras 3's",
                                field->name);
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(text, names[i]) == 0) {
            *member = i;
            return true;
        }
    return wrong_value(reading, field, item);
}

/* A list, or a number alone. */
static bool read_reals(knn__reading *reading, const knn_field *field, const cJSON *item, void *description)
{
    const knn_field_length *length = field->nested;
    int *count = (int *)(void *)((char *)description + length->offset), got = cJSON_IsNumber(item) ? 1 : cJSON_GetArraySize(item);

    if ((!cJSON_IsArray(item) && !cJSON_IsNumber(item)) || got < length->more || (*count != 0 && *count != got - length->more))
        return false;
    double *values = knn__reading_alloc(reading, (size_t)got, sizeof *values);
    if (values == NULL)
        return false;
    item = cJSON_IsArray(item) ? item->child : item;
    for (int i = 0; i < got; i++, item = item->next)
        if (!knn__json_real(item, &values[i]))
            return false;
    *count = got - length->more;
    *(const double **)knn__member(description, field) = values;
    return true;
}

/* An object, or the name of a class alone. What only matters when weights are drawn or trained may be unknown: the
 * default takes its place. */
static bool read_nested(knn__reading *reading, const knn_field *field, const cJSON *item, void **member)
{
    const char *name = knn__json_text(cJSON_IsObject(item) ? knn__json_get(item, "class_name") : item);
    const knn__kind *kind = knn__find_class(field->nested, name);
    bool needed = field->nested != knn__initializer_kinds && field->nested != knn__regularizer_kinds &&
                  field->nested != knn__constraint_kinds;

    if (kind != NULL)
        *member = knn__read_description(reading, kind, knn__json_get(item, "config"));
    if (*member != NULL || reading->no_memory)
        return *member != NULL;
    return !needed || knn__unsupported(reading, "%s '%.60s'", field->name, name != NULL ? name : "without a class");
}

static bool read_field(knn__reading *reading, const knn_field *field, const cJSON *item, void *description)
{
    void *member = knn__member(description, field);

    switch (field->kind) {
    case KNN_FIELD_INT:
        return read_int(field, item, member);
    case KNN_FIELD_PAIR:
        return read_pair(field, item, member);
    case KNN_FIELD_TRIPLE:
        return read_triple(item, member);
    case KNN_FIELD_QUAD:
        return read_quad(field, item, member);
    case KNN_FIELD_AXES:
        return read_axes(item, member);
    case KNN_FIELD_REAL:
        return read_real(field, item, member);
    case KNN_FIELD_RANGE:
        return read_range(field, item, description);
    case KNN_FIELD_BOOL:
    case KNN_FIELD_NOT:
        return read_flag(field, item, member);
    case KNN_FIELD_ENUM:
        return read_name(reading, field, item, member);
    case KNN_FIELD_REALS:
        return read_reals(reading, field, item, description);
    case KNN_FIELD_NESTED:
        return read_nested(reading, field, item, member);
    }
    return false;
}

/* Two fields may share a key: a number (learning_rate), or an object instead (its schedule). */
static bool is_for(const knn_field *field, const cJSON *item)
{
    if (field->kind == KNN_FIELD_NESTED)
        return !cJSON_IsNumber(item);
    return field->kind != KNN_FIELD_REAL || !cJSON_IsObject(item);
}

static bool read_fields(knn__reading *reading, const knn_field *fields, const cJSON *config, void *description)
{
    for (const knn_field *field = fields; field != NULL && field->name != NULL; field++) {
        const cJSON *item = knn__config_get(config, field->name);
        reading->reason[0] = '\0';
        if (item == NULL || !is_for(field, item) || read_field(reading, field, item, description))
            continue;
        return reading->reason[0] != '\0' ? false : wrong_value(reading, field, item);
    }
    return true;
}

void *knn__read_description(knn__reading *reading, const knn__kind *kind, const cJSON *config)
{
    knn__description *description = knn__reading_alloc(reading, 1, kind->size);

    if (description == NULL)
        return NULL;
    description->class_name = kind->class_name;
    description->size = kind->size;
    if (kind->name_offset != 0)
        *(const char **)(void *)((char *)description + kind->name_offset) =
            knn__json_text(knn__json_get(config, "name"));
    return read_fields(reading, kind->fields, config, description) ? description : NULL;
}
