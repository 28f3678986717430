/* RandomFlip, RandomTranslation, RandomRotation, RandomZoom: in training, each picture is mapped by what is drawn for it. Draws nothing itself. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_random_flip_layer flip;
typedef knn_random_translation_layer translation;
typedef knn_random_rotation_layer rotation;
typedef knn_random_zoom_layer zoom;

const char *const knn__outside_names[] = {"reflect", "wrap", "constant", "nearest", NULL};
static const char *const flip_names[] = {"horizontal_and_vertical", "horizontal", "vertical", NULL};

#define FIELDS_SAMPLING(type) \
    FIELD(type, "fill_mode", ENUM, fill_mode, .nested = knn__outside_names), \
    FIELD(type, "interpolation", ENUM, interpolation, .nested = knn__sampling_names), \
    FIELD(type, "fill_value", REAL, fill_value, .normal = 0), FIELDS_END
#define SHARE .least = -1, .most = 1

static const knn_field flip_fields[] = {FIELD(flip, "mode", ENUM, mode, .nested = flip_names), FIELDS_END};
static const knn_field translation_fields[] = {
    FIELD_RANGE(translation, "height_factor", height_factor, height_upper, SHARE),
    FIELD_RANGE(translation, "width_factor", width_factor, width_upper, SHARE),
    FIELDS_SAMPLING(translation)};
static const knn_field rotation_fields[] = {
    FIELD_RANGE(rotation, "factor", factor, factor_upper, SHARE),
    FIELDS_SAMPLING(rotation)};
/* A width that is not given is an empty range, from 0 to -1. */
static const knn_field zoom_fields[] = {
    FIELD_RANGE(zoom, "height_factor", height_factor, height_upper, SHARE),
    FIELD_RANGE(zoom, "width_factor", width_factor, width_upper, SHARE, .normal = -1),
    FIELDS_SAMPLING(zoom)};

static knn_status zoom_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    const zoom *z = (const zoom *)(const void *)layer;

    if (z->height_factor <= -1 || z->width_factor <= -1)
        return knn__fail(KNN_ERROR_ARGUMENT, "a factor is -1, expected more: nothing would be seen");
    return knn__shape_same_picture(layer, in, out);
}

static int random_map(const knn_shape *in, const knn_shape *out, const knn_image_map *map, knn_node made[KNN_LAYER_NODES])
{
    knn__node_init(&made[0], KNN_OP_IMAGE_MAP, in, out);
    made[0].map = *map;
    made[0].training_only = true;
    return 1;
}

static int flip_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn_flip mode = ((const flip *)(const void *)layer)->mode;
    return random_map(in, out, &(knn_image_map){.map = KNN_MAP_FLIP, .flip_rows = mode != KNN_FLIP_HORIZONTAL,
        .flip_columns = mode != KNN_FLIP_VERTICAL, .interpolation = KNN_SAMPLING_NEAREST}, made);
}

static int translation_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const translation *t = (const translation *)(const void *)layer;
    return random_map(in, out, &(knn_image_map){.map = KNN_MAP_TRANSLATION, .rows = {t->height_factor, t->height_upper},
        .columns = {t->width_factor, t->width_upper}, .fill_mode = t->fill_mode, .interpolation = t->interpolation,
        .fill_value = t->fill_value}, made);
}

static int rotation_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const rotation *r = (const rotation *)(const void *)layer;
    return random_map(in, out, &(knn_image_map){.map = KNN_MAP_ROTATION, .rows = {r->factor, r->factor_upper}, .fill_mode = r->fill_mode,
        .interpolation = r->interpolation, .fill_value = r->fill_value}, made);
}

static int zoom_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    const zoom *z = (const zoom *)(const void *)layer;
    return random_map(in, out, &(knn_image_map){.map = KNN_MAP_ZOOM, .rows = {1 + z->height_factor, 1 + z->height_upper},
        .columns = {1 + z->width_factor, 1 + z->width_upper}, .joint = z->width_upper < z->width_factor, .fill_mode = z->fill_mode,
        .interpolation = z->interpolation, .fill_value = z->fill_value}, made);
}

#define RANDOM_KIND(what, keras, shape_rule) \
    const knn__layer_kind knn__random_##what##_kind = { \
        .kind = {.class_name = keras, .size = sizeof(what), .fields = what##_fields, .name_offset = offsetof(what, name)}, \
        .shape = shape_rule, .nodes = what##_nodes}
RANDOM_KIND(flip, "RandomFlip", knn__shape_same_picture);
RANDOM_KIND(translation, "RandomTranslation", knn__shape_same_picture);
RANDOM_KIND(rotation, "RandomRotation", knn__shape_same_picture);
RANDOM_KIND(zoom, "RandomZoom", zoom_shape);
