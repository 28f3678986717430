/* LayerNormalization over the last axes, and GroupNormalization: both normalize blocks of a sample, seen as [rows][groups][columns], over
 * rows and columns; gamma and beta have a number for each group and column. */
#include "core/status.h"
#include "layers/kinds.h"

#include <float.h>

typedef knn_layer_normalization_layer layer_normalization;
typedef knn_group_normalization_layer group_normalization;

#define NORMALIZATION_FIELDS(type) \
    FIELD(type, "epsilon", REAL, epsilon, .normal = 1e-3, .least = 0, .most = FLT_MAX), \
    FIELD(type, "center", NOT, no_center, .normal = 1), \
    FIELD(type, "scale", NOT, no_scale, .normal = 1), \
    FIELD_INITIALIZER(type, beta_initializer), \
    FIELD_INITIALIZER(type, gamma_initializer), \
    FIELD_REGULARIZER(type, beta_regularizer), \
    FIELD_REGULARIZER(type, gamma_regularizer), \
    FIELD_CONSTRAINT(type, beta_constraint), \
    FIELD_CONSTRAINT(type, gamma_constraint), \
    FIELD_TRAINABLE(type)

/* What both descriptions say of gamma and beta. */
typedef struct affine {
    bool no_center, no_scale, frozen;
    const knn_initializer *beta_initializer, *gamma_initializer;
    const knn_regularizer *beta_regularizer, *gamma_regularizer;
    const knn_constraint *beta_constraint, *gamma_constraint;
} affine;
#define AFFINE(n) {(n)->no_center, (n)->no_scale, (n)->frozen, (n)->beta_initializer, (n)->gamma_initializer, (n)->beta_regularizer, \
                   (n)->gamma_regularizer, (n)->beta_constraint, (n)->gamma_constraint}

/* gamma, then beta, of the sizes given. */
static bool affine_weight(const affine *a, const knn_shape *sizes, int index, knn__weight_spec *spec)
{
    int place = a->no_scale ? index + 1 : index;

    if (place > KNN_BETA || (place == KNN_BETA && a->no_center))
        return false;
    *spec = (knn__weight_spec){.rank = sizes->rank, .shape = {sizes->size[0], sizes->size[1], sizes->size[2]}, .trainable = !a->frozen,
        .place = place};
    if (place == KNN_GAMMA) {
        spec->name = "gamma";
        spec->initializer = a->gamma_initializer != NULL ? a->gamma_initializer : knn__default_ones;
        spec->regularizer = a->gamma_regularizer;
        spec->constraint = a->gamma_constraint;
    } else {
        spec->name = "beta";
        spec->initializer = a->beta_initializer != NULL ? a->beta_initializer : knn__default_zeros;
        spec->regularizer = a->beta_regularizer;
        spec->constraint = a->beta_constraint;
    }
    return true;
}

static int node(knn_node *made, int rows, int groups, int columns, double epsilon, const knn_shape *shape)
{
    knn__node_init(made, KNN_OP_GROUP_NORMALIZATION, shape, shape);
    made->rows = rows;
    made->groups = groups;
    made->columns = columns;
    made->epsilon = epsilon;
    return 1;
}

/* ---- LayerNormalization: each block is a row of what the axes span ---- */

static const knn_field layer_fields[] = {
    FIELD(layer_normalization, "axis", AXES, axis, .normal = KNN_AXIS(-1)), NORMALIZATION_FIELDS(layer_normalization), FIELDS_END};

static const layer_normalization *as_layer(const knn_layer *layer) { return (const layer_normalization *)(const void *)layer; }

static knn_status layer_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    int places[3], count;
    knn_status status = knn__resolve_axes(as_layer(layer)->axis, in, places, &count);

    *out = *in;
    if (status == KNN_OK && places[0] != in->rank - count)
        status = knn__fail(KNN_ERROR_UNSUPPORTED, "axis %d, but not all axes behind it", places[0] + 1);
    return status;
}

/* The sizes of the axes. */
static knn_shape layer_sizes(const knn_layer *layer, const knn_shape *in)
{
    int places[3];
    knn_shape sizes = {0};

    knn__resolve_axes(as_layer(layer)->axis, in, places, &sizes.rank);
    for (int i = 0; i < sizes.rank; i++)
        sizes.size[i] = in->size[places[i]];
    return sizes;
}

static bool layer_weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    knn_shape sizes = layer_sizes(layer, in);

    return affine_weight(&(affine)AFFINE(as_layer(layer)), &sizes, index, spec);
}

static int layer_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    knn_shape sizes = layer_sizes(layer, in);

    (void)out;
    return node(&made[0], 1, 1, (int)knn__shape_length(&sizes), as_layer(layer)->epsilon, in);
}

const knn__layer_kind knn__layer_normalization_kind = {
    .kind = {.class_name = "LayerNormalization", .size = sizeof(layer_normalization), .fields = layer_fields,
        .name_offset = offsetof(layer_normalization, name)},
    .shape = layer_shape, .weights = layer_weights, .nodes = layer_nodes};

/* ---- GroupNormalization: a sample is one block, its positions are the rows ---- */

static const knn_field group_fields[] = {
    FIELD(group_normalization, "groups", INT, groups, .normal = 32, .least = -1, .most = INT_MAX),
    NORMALIZATION_FIELDS(group_normalization), FIELDS_END};

/* Where others have no -1, it is KNN_NONE and has become 0. */
static void settle_groups(void *description)
{
    group_normalization *n = description;
    if (n->groups == 0)
        n->groups = -1;
}

static const group_normalization *as_group(const knn_layer *layer) { return (const group_normalization *)(const void *)layer; }

static int channels_of(const knn_shape *in) { return in->size[in->rank - 1]; }

static int groups_of(const knn_layer *layer, const knn_shape *in)
{
    return as_group(layer)->groups < 0 ? channels_of(in) : as_group(layer)->groups;
}

static knn_status group_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    int groups = groups_of(layer, in);

    *out = *in;
    if (channels_of(in) % groups != 0)
        return knn__fail(KNN_ERROR_SHAPE, "groups is %d, which does not divide its %d channels", groups, channels_of(in));
    return KNN_OK;
}

static bool group_weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    return affine_weight(&(affine)AFFINE(as_group(layer)), &(knn_shape){1, {channels_of(in)}}, index, spec);
}

static int group_nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    int groups = groups_of(layer, in), columns = channels_of(in) / groups;

    (void)out;
    return node(&made[0], (int)(knn__shape_length(in) / (size_t)channels_of(in)), groups, columns, as_group(layer)->epsilon, in);
}

const knn__layer_kind knn__group_normalization_kind = {
    .kind = {.class_name = "GroupNormalization", .size = sizeof(group_normalization), .fields = group_fields,
        .name_offset = offsetof(group_normalization, name), .settle = settle_groups},
    .shape = group_shape, .weights = group_weights, .nodes = group_nodes};
