/* Turns a file's channels_first layers into layers of ours, whose channels are last: Permute layers go in where the order of axes changes,
 * and options that name axes follow. Weights stay as they are. Reads no file. */
#include "keras/layout.h"

#include "core/memory.h"
#include "core/status.h"

#include <stdio.h>
#include <string.h>

/* ---- Orders ---- */

static knn__order as_in_keras(int rank)
{
    return (knn__order){rank, {1, 2, 3}};
}

static bool same_order(const knn__order *a, const knn__order *b)
{
    return memcmp(a->axis, b->axis, (size_t)a->rank * sizeof *a->axis) == 0;
}

/* Where an axis of Keras lies, from 1. */
static int position(const knn__order *order, int axis)
{
    int i = 0;
    while (i < order->rank - 1 && order->axis[i] != axis)
        i++;
    return i + 1;
}

/* Some of Keras' axes, ascending, from 1. */
typedef struct axes { int axis[3], count; } axes;

static bool contains(const axes *some, int axis)
{
    for (int i = 0; i < some->count; i++)
        if (some->axis[i] == axis)
            return true;
    return false;
}

static axes all_but(const axes *some, int rank)
{
    axes others = {{0}, 0};
    for (int axis = 1; axis <= rank; axis++)
        if (!contains(some, axis))
            others.axis[others.count++] = axis;
    return others;
}

/* Whether they follow each other in an order, others between them or not. */
static bool ascending(const axes *some, const knn__order *order)
{
    for (int i = 1; i < some->count; i++)
        if (position(order, some->axis[i - 1]) > position(order, some->axis[i]))
            return false;
    return true;
}

/* Keras' order, but some axes behind the others. */
static knn__order with_last(const axes *some, int rank)
{
    axes others = all_but(some, rank);
    knn__order order = {rank, {0}};

    memcpy(order.axis, others.axis, sizeof order.axis);
    memcpy(order.axis + others.count, some->axis, (size_t)some->count * sizeof *some->axis);
    return order;
}

/* Whether they lie behind all others, ascending. */
static bool are_last(const axes *some, const knn__order *order)
{
    for (int i = 0; i < some->count; i++)
        if (order->axis[order->rank - some->count + i] != some->axis[i])
            return false;
    return true;
}

/* ---- Options ---- */

static bool is_a(const knn__config_layer *layer, const char *class_name)
{
    return layer->description->custom == NULL && strcmp(layer->description->class_name, class_name) == 0;
}

/* The option of a layer that is of a kind and, unless it is NULL, of a name; NULL: it has none. */
static const knn_field *find_field(const knn__config_layer *layer, knn_field_kind kind, const char *name)
{
    if (layer->description->custom != NULL)
        return NULL;
    for (const knn_field *field = knn__layer_fields(layer->description); field->name != NULL; field++)
        if (field->kind == kind && (name == NULL || strcmp(field->name, name) == 0))
            return field;
    return NULL;
}

/* A layer's activation where it is over the last axis, else NULL. */
static int *activation_over_last(const knn__config_layer *layer)
{
    const knn_field *field = find_field(layer, KNN_FIELD_ENUM, "activation");
    int *activation = field != NULL ? knn__member(layer->description, field) : NULL;
    bool over = activation != NULL && (*activation == KNN_SOFTMAX || *activation == KNN_LOG_SOFTMAX || *activation == KNN_SPARSEMAX);
    return over ? activation : NULL;
}

/* The axes that a description names; wrong ones are left to the layer, which says so. */
static axes described_axes(const knn__config_layer *layer, int rank)
{
    const knn_field *field = find_field(layer, KNN_FIELD_AXES, NULL);
    const knn_shape shape = {.rank = rank};
    int set = *(const int *)knn__member(layer->description, field);
    axes some = {{0}, 0};

    if (knn__resolve_axes(set != 0 ? set : (int)field->normal, &shape, some.axis, &some.count) != KNN_OK)
        return (axes){{0}, 0};
    for (int i = 0; i < some.count; i++)
        some.axis[i]++;
    return some;
}

/* "axis": -1, 3, [3]; where there is none, the last. */
static knn_status configured_axis(const knn__config_layer *layer, int rank, axes *one)
{
    const cJSON *item = knn__json_get(layer->config, "axis");
    int number = -1;

    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1)
        item = cJSON_GetArrayItem(item, 0);
    bool good = item == NULL || knn__json_int(item, &number);
    *one = (axes){{number < 0 ? number + rank + 1 : number}, 1};
    if (good && one->axis[0] >= 1 && one->axis[0] <= rank)
        return KNN_OK;
    return knn__fail(KNN_ERROR_UNSUPPORTED, "not supported: %.80s (%.80s): an axis that is not one of %d", layer->name != NULL ? layer->name : "",
                     layer->class_name, rank);
}

/* ---- What layers want ---- */

/* What does the same to each number, wherever it lies. */
static bool takes_any(const knn__config_layer *layer)
{
    static const char *const classes[] = {"Dropout", "GaussianNoise", "GaussianDropout", "SpatialDropout2D", "ReLU", "LeakyReLU", "ELU",
                                          "Rescaling", "RandomBrightness", "Activation"};

    if (knn__json_get(layer->config, "data_format") != NULL || activation_over_last(layer) != NULL)
        return false;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (is_a(layer, classes[i]))
            return true;
    return false;
}

/* Its alpha keeps Keras' order where the axes that it is not shared along do. */
static bool prelu_fits(const knn__config_layer *layer, const knn__order *now)
{
    const knn_prelu_layer *prelu = (const knn_prelu_layer *)(const void *)layer->description;
    axes shared = described_axes(layer, now->rank), own = all_but(&shared, now->rank);

    return prelu->alpha_constraint == NULL && ascending(&own, now);
}

/* The order in which a layer must get what lies in `now`: that one where it will do. */
static knn_status wanted_by(const knn__config_layer *layer, const knn__order *now, knn__order *wanted)
{
    const axes channels = {{1}, 1};
    axes some;
    knn_status status = KNN_OK;

    *wanted = as_in_keras(now->rank);
    if (layer->description->custom == NULL && knn__text_equal(knn__json_text(knn__json_get(layer->config, "data_format")), "channels_first"))
        *wanted = with_last(&channels, now->rank);
    else if (is_a(layer, "BatchNormalization") || is_a(layer, "GroupNormalization") || is_a(layer, "Normalization")) {
        status = configured_axis(layer, now->rank, &some);
        if (status == KNN_OK)
            *wanted = are_last(&some, now) ? *now : with_last(&some, now->rank);
    } else if (is_a(layer, "LayerNormalization") || is_a(layer, "Softmax")) {
        some = described_axes(layer, now->rank);
        bool fits = are_last(&some, now) || (some.count == 1 && is_a(layer, "Softmax"));
        *wanted = fits ? *now : with_last(&some, now->rank);
    } else if ((is_a(layer, "PReLU") && prelu_fits(layer, now)) || is_a(layer, "Permute"))
        *wanted = *now;
    return status;
}

/* Early: what takes any order gets that of the layer behind it, so that pictures are turned once, at the input. */
static knn_status wanted_from(const knn__config *config, size_t i, const knn__order *now, knn__order *wanted)
{
    while (i < config->count && takes_any(&config->layers[i]))
        i++;
    *wanted = as_in_keras(now->rank);
    return i < config->count ? wanted_by(&config->layers[i], now, wanted) : KNN_OK;
}

/* ---- Rewriting ---- */

/* PREFIX_NAME; NULL: an automatic name, or no memory. */
static const char *joined(knn__reading *reading, const char *prefix, const char *name)
{
    size_t size = name != NULL ? strlen(prefix) + strlen(name) + 2 : 0;
    char *text = name != NULL ? knn__reading_alloc(reading, 1, size) : NULL;

    if (text != NULL)
        snprintf(text, size, "%s_%s", prefix, name);
    return text;
}

/* As layer i of the model inside that the layer `near` is in. */
static knn_status insert(knn__config *config, size_t i, knn__reading *reading, const knn__config_layer *near, const char *name,
                         knn_layer *description)
{
    if (reading->no_memory || !knn__reserve((void **)&config->layers, &config->capacity, config->count + 1, sizeof *config->layers))
        return KNN_ERROR_MEMORY;
    memmove(&config->layers[i + 1], &config->layers[i], (config->count - i) * sizeof *config->layers);
    config->layers[i] = (knn__config_layer){.class_name = description->class_name, .name = name, .inside = near->inside,
                                            .container = near->container, .description = description};
    config->count++;
    return KNN_OK;
}

/* dims: from one order to another. */
static void set_dims(knn_permute_layer *permute, const knn__order *from, const int *to)
{
    int *dims = &permute->first;
    for (int i = 0; i < from->rank; i++)
        dims[i] = position(from, to[i]);
}

static knn_status insert_permute(knn__config *config, size_t i, knn__reading *reading, const knn__order *from, const knn__order *to)
{
    const knn__config_layer output = {.name = "output", .container = ""}, near = i < config->count ? config->layers[i] : output;
    knn_permute_layer *permute = knn__reading_alloc(reading, 1, sizeof *permute);

    if (permute == NULL)
        return KNN_ERROR_MEMORY;
    *permute = (knn_permute_layer){.layer = {"Permute", sizeof *permute, NULL}, .name = joined(reading, "permute_for", near.name)};
    set_dims(permute, from, to->axis);
    return insert(config, i, reading, &near, permute->name, &permute->layer);
}

/* An activation over Keras' last axis becomes a layer of its own where another axis is the last one here. */
static knn_status part_activation(knn__config *config, size_t i, knn__reading *reading)
{
    const knn__config_layer layer = config->layers[i];
    int *activation = activation_over_last(&layer);
    knn_activation_layer *own = knn__reading_alloc(reading, 1, sizeof *own);

    if (own == NULL)
        return KNN_ERROR_MEMORY;
    *own = (knn_activation_layer){.layer = {"Activation", sizeof *own, NULL}, .activation = (knn_activation)*activation,
                                  .name = joined(reading, "activation_of", layer.name)};
    *activation = KNN_LINEAR;
    return insert(config, i + 1, reading, &layer, own->name, &own->layer);
}

/* Keras' axes by their numbers here. */
static void turn_axes(const knn__config_layer *layer, const knn__order *order)
{
    const knn_field *field = find_field(layer, KNN_FIELD_AXES, NULL);
    axes some = described_axes(layer, order->rank);
    int set = 0;

    for (int i = 0; i < some.count; i++)
        set |= KNN_AXIS(position(order, some.axis[i]));
    if (set != 0)
        *(int *)knn__member(layer->description, field) = set;
}

/* A layer gets its input in an order that it can have. */
static knn_status turn(knn__config *config, size_t i, knn__reading *reading, knn__order *order)
{
    const knn__config_layer *layer = &config->layers[i];
    const knn__order plain = as_in_keras(order->rank);

    if (same_order(order, &plain))
        return KNN_OK;
    if (find_field(layer, KNN_FIELD_AXES, NULL) != NULL)
        turn_axes(layer, order);
    if (is_a(layer, "Permute")) {
        knn_permute_layer *permute = (knn_permute_layer *)(void *)layer->description;
        const int dims[3] = {permute->first, permute->second, permute->third};
        set_dims(permute, order, dims);
        *order = plain;
    }
    return activation_over_last(layer) != NULL ? part_activation(config, i, reading) : KNN_OK;
}

knn_status knn__layout_meet(knn__config *config, size_t i, knn__reading *reading, int rank, knn__order *order)
{
    knn__order wanted;

    if (order->rank != rank)
        *order = as_in_keras(rank);
    knn_status status = wanted_from(config, i, order, &wanted);
    if (status != KNN_OK)
        return status;
    if (same_order(order, &wanted))
        return i < config->count ? turn(config, i, reading, order) : KNN_OK;
    status = insert_permute(config, i, reading, order, &wanted);
    *order = wanted;
    return status;
}
