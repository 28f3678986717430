/* Rewrites a model's JSON of Keras 0 and 1 in the words of Keras 2. Decides nothing: what is not supported is found when the result is read,
 * by config.c. */
#include "keras/earlier.h"

#include "core/status.h"
#include "keras/description.h"
#include "layers/layer.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { OPTION_LIMIT = 256 };                /* no layer has so many; members are looked up one by one */

typedef struct renaming { const char *of, *from, *to; } renaming;           /* of: a class; NULL: all */

static const renaming classes[] = {
    {NULL, "Convolution1D", "Conv1D"}, {NULL, "Convolution2D", "Conv2D"}, {NULL, "AtrousConvolution1D", "Conv1D"},
    {NULL, "AtrousConvolution2D", "Conv2D"}, {NULL, "SeparableConvolution2D", "SeparableConv2D"}, {NULL, "L1L2Regularizer", "L1L2"},
    {NULL, "WeightRegularizer", "L1L2"}};
static const renaming keys[] = {
    {"Dense", "output_dim", "units"}, {"Embedding", "init", "embeddings_initializer"}, {"Embedding", "W_regularizer", "embeddings_regularizer"},
    {"Embedding", "W_constraint", "embeddings_constraint"}, {"PReLU", "init", "alpha_initializer"}, {"Reshape", "dims", "target_shape"},
    {"UpSampling1D", "length", "size"}, {"MaxNorm", "m", "max_value"}, {"MinMaxNorm", "low", "min_value"}, {"MinMaxNorm", "high", "max_value"},
    {NULL, "nb_filter", "filters"}, {NULL, "filter_length", "kernel_size"}, {NULL, "subsample", "strides"}, {NULL, "subsample_length", "strides"},
    {NULL, "pool_length", "pool_size"}, {NULL, "stride", "strides"}, {NULL, "border_mode", "padding"}, {NULL, "atrous_rate", "dilation_rate"},
    {NULL, "dim_ordering", "data_format"}, {NULL, "bias", "use_bias"}, {NULL, "p", "rate"}, {NULL, "sigma", "stddev"},
    {NULL, "init", "kernel_initializer"}, {NULL, "W_regularizer", "kernel_regularizer"}, {NULL, "b_regularizer", "bias_regularizer"},
    {NULL, "W_constraint", "kernel_constraint"}, {NULL, "b_constraint", "bias_constraint"}, {NULL, "beta_init", "beta_initializer"},
    {NULL, "gamma_init", "gamma_initializer"}};
static const renaming values[] = {{"data_format", "tf", "channels_last"}, {"data_format", "th", "channels_first"}};

static const char *renamed(const renaming *table, size_t count, const char *of, const char *from)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(from, table[i].from) == 0 && (table[i].of == NULL || strcmp(of, table[i].of) == 0))
            return table[i].to;
    return NULL;
}

#define RENAMED(table, of, from) renamed(table, COUNT_OF(table), of, from)

/* ---- Members ---- */

static cJSON *member(cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool set_text(cJSON *item, const char *text)
{
    return text == NULL || cJSON_SetValuestring(item, text) != NULL;
}

/* Moves a member; where the new key is there already, it stays, and the old one is left alone. */
static bool move(cJSON *from, const char *key, cJSON *to, const char *new_key)
{
    if (member(from, key) == NULL || member(to, new_key) != NULL)
        return true;
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(from, key);
    if (cJSON_AddItemToObject(to, new_key, item))
        return true;
    cJSON_Delete(item);
    return false;
}

/* What the first of the layers that say it say of their axes; NULL: none does. */
static const char *find_format(const cJSON *item)
{
    const char *order = knn__json_text(knn__json_get(item, "dim_ordering"));
    const char *format = order != NULL ? RENAMED(values, "data_format", order) : NULL;

    for (const cJSON *child = item->child; format == NULL && child != NULL; child = child->next)
        format = find_format(child);
    return format;
}

/* [[a, b], [c, d]], [a, b] */
static bool add_numbers(cJSON *object, const char *key, const double *numbers, int count, bool pairs)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);

    for (int i = 0; list != NULL && i < count; i += pairs ? 2 : 1) {
        cJSON *item = pairs ? cJSON_CreateDoubleArray(numbers + i, 2) : cJSON_CreateNumber(numbers[i]);
        if (!cJSON_AddItemToArray(list, item)) {
            cJSON_Delete(item);
            return false;
        }
    }
    return list != NULL;
}

/* `count` numbers by their keys, 0 where one is missing; false where all are. */
static bool numbers_of(const cJSON *object, const char *const *names, int count, double *numbers)
{
    bool found = false;
    for (int i = 0; i < count; i++) {
        numbers[i] = 0;
        found = knn__json_real(knn__json_get(object, names[i]), &numbers[i]) || found;
    }
    return found;
}

/* ---- Options that changed more than their names ---- */

/* nb_row, nb_col */
static bool update_kernel_size(cJSON *config)
{
    static const char *const names[] = {"nb_row", "nb_col"};
    double size[2];

    if (member(config, "kernel_size") != NULL || !numbers_of(config, names, 2, size))
        return true;
    return add_numbers(config, "kernel_size", size, 2, false);
}

/* Four numbers, in a list or each with a name: [[top, bottom], [left, right]]. */
static bool update_padding(cJSON *config)
{
    static const char *const names[] = {"top_pad", "bottom_pad", "left_pad", "right_pad"};
    cJSON *padding = member(config, "padding");
    double side[4];

    if (cJSON_IsArray(padding) && cJSON_GetArraySize(padding) == 4)
        for (int i = 0; i < 4; i++)
            side[i] = cJSON_GetNumberValue(cJSON_GetArrayItem(padding, i));
    else if (!cJSON_IsObject(padding) || !numbers_of(padding, names, 4, side))
        return true;
    cJSON_DeleteItemFromObjectCaseSensitive(config, "padding");
    return add_numbers(config, "padding", side, 4, true);
}

/* Some layers of two dimensions did not say the order of their axes. */
static bool update_format(const char *class_name, cJSON *config, const char *format)
{
    static const char *const silent[] = {"ZeroPadding2D", "Cropping2D", "UpSampling2D", "SpatialDropout2D"};
    bool done = true;

    for (size_t i = 0; format != NULL && member(config, "data_format") == NULL && i < COUNT_OF(silent); i++)
        if (strcmp(class_name, silent[i]) == 0)
            done = cJSON_AddStringToObject(config, "data_format", format) != NULL;
    return done;
}

/* Keras 0 tells the first layer's shape without the batch. */
static bool update_input(cJSON *config)
{
    if (!cJSON_IsArray(member(config, "input_shape")) || member(config, "batch_input_shape") != NULL)
        return true;
    cJSON *batch = cJSON_CreateNull();
    bool done = batch != NULL && move(config, "input_shape", config, "batch_input_shape") &&
                cJSON_InsertItemInArray(member(config, "batch_input_shape"), 0, batch);
    if (!done)
        cJSON_Delete(batch);
    return done;
}

/* ---- Objects ---- */

/* {"name": CLASS, ..} is {"class_name": CLASS, "config": {..}} today. */
static bool wrap(cJSON *object)
{
    cJSON *config = cJSON_CreateObject();

    if (config == NULL)
        return false;
    config->child = object->child;
    object->child = NULL;
    bool done = move(config, "name", object, "class_name");
    if (done && cJSON_AddItemToObject(object, "config", config))
        return true;
    cJSON_Delete(config);
    return false;
}

static bool update_names(const char *class_name, cJSON *config)
{
    bool done = true;

    for (cJSON *option = config->child, *next; done && option != NULL; option = next) {
        next = option->next;
        const char *key = RENAMED(keys, class_name, option->string);
        if (key != NULL)
            done = move(config, option->string, config, key);
    }
    return done;
}

static bool update_values(cJSON *config)
{
    bool done = true;

    for (cJSON *option = config->child; done && option != NULL; option = option->next)
        if (cJSON_IsString(option))
            done = set_text(option, RENAMED(values, option->string, option->valuestring));
    return done;
}

/* Users' own classes may call their options as they like. */
static bool is_keras_class(const char *class_name)
{
    return knn__find_class(knn__layer_kinds, class_name) != NULL || knn__find_class(knn__constraint_kinds, class_name) != NULL;
}

static bool update_options(const char *class_name, cJSON *config, const char *format)
{
    if (!is_keras_class(class_name) || cJSON_GetArraySize(config) > OPTION_LIMIT)
        return true;
    return update_names(class_name, config) && update_values(config) && update_kernel_size(config) &&
           update_format(class_name, config, format) && (strcmp(class_name, "ZeroPadding2D") != 0 || update_padding(config));
}

/* Regularizers and constraints said their class by their name until Keras 2. */
static bool is_nameless_part(const cJSON *item)
{
    return item->string != NULL && (knn__text_ends_with(item->string, "_regularizer", false) ||
                                    knn__text_ends_with(item->string, "_constraint", false));
}

/* Whether `child` of something that Keras 0 wrote is such a thing, too. */
static bool is_old_child(const cJSON *object, const cJSON *child)
{
    return cJSON_IsArray(object) || knn__text_equal(child->string, "config") || knn__text_equal(child->string, "layers");
}

/* Not all that has a name is old: only what is where Keras 0 and 1 had their classes there. */
static bool update(cJSON *item, bool is_old, const char *format)
{
    bool done = true;

    if (cJSON_IsObject(item) && member(item, "class_name") == NULL && cJSON_IsString(member(item, "name")) &&
        (is_old || is_nameless_part(item)))
        done = wrap(item);
    cJSON *class_name = member(item, "class_name"), *config = member(item, "config");
    if (done && cJSON_IsString(class_name) && cJSON_IsObject(config))
        done = set_text(class_name, RENAMED(classes, "", class_name->valuestring)) &&
               update_options(class_name->valuestring, config, format) && (!is_old || update_input(config));
    for (cJSON *child = item->child; done && child != NULL; child = child->next)
        done = update(child, is_old && is_old_child(item, child), format);
    return done;
}

knn_status knn__earlier_update(cJSON *json)
{
    bool is_old = member(json, "class_name") == NULL;

    return update(json, is_old, find_format(json)) ? KNN_OK : knn__fail(KNN_ERROR_MEMORY, "cJSON: no memory");
}
