/* Pairs the weights of a file (weights_list.c) with a model's by Keras' rules, and reads them. All is checked before
 * anything is read. Writes nothing: see weights_write.c. */
#include "keras/weights.h"

#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"
#include "keras/kernels.h"

#include <stdio.h>
#include <string.h>

/* ---- What a model wants ---- */

knn_status knn__units_of(const knn_model *model, knn__unit **units, size_t *count)
{
    *count = 0;
    *units = knn__alloc(model->layer_count, sizeof **units);
    if (*units == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0, end; i < model->layer_count; i = end) {
        int length;
        bool is_model;
        const char *name = knn__unit_name(model, i, 0, &length, &is_model);
        end = knn__unit_end(model, i, 0);
        knn__unit *unit = &(*units)[(*count)++];
        *unit = (knn__unit){knn__copy_bytes(name, (size_t)length), i, end - i};
        if (unit->name == NULL)
            return KNN_ERROR_MEMORY;
    }
    return KNN_OK;
}

knn_status knn__layers_of(const knn_model *model, knn__unit **units, size_t *count)
{
    *count = 0;
    *units = knn__alloc(model->layer_count, sizeof **units);
    if (*units == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++) {
        (*units)[(*count)++] = (knn__unit){knn__copy_text(model->layers[i].name), i, 1};
        if ((*units)[i].name == NULL)
            return KNN_ERROR_MEMORY;
    }
    return KNN_OK;
}

void knn__units_free(knn__unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++)
        knn__free(units[i].name);
    knn__free(units);
}

static size_t unit_weights(const knn_model *model, const knn__unit *unit)
{
    size_t count = 0;
    for (size_t i = 0; i < unit->count; i++)
        count += (size_t)model->layers[unit->first + i].weight_count;
    return count;
}

static size_t weighted_units(const knn_model *model, const knn__unit *units, size_t count)
{
    size_t weighted = 0;
    for (size_t i = 0; i < count; i++)
        weighted += unit_weights(model, &units[i]) > 0;
    return weighted;
}

static size_t weighted_layers(const knn__stored *stored)
{
    size_t weighted = 0;
    for (size_t i = 0; i < stored->layer_count; i++)
        weighted += stored->layers[i].count > 0;
    return weighted;
}

knn_status knn__units_for(const knn_model *model, const knn__stored *stored, knn__unit **units, size_t *count)
{
    knn_status status = knn__units_of(model, units, count);

    if (status != KNN_OK || !stored->earlier || weighted_units(model, *units, *count) == weighted_layers(stored))
        return status;
    knn__units_free(*units, *count);
    return knn__layers_of(model, units, count);
}

/* ---- Pairing ---- */

/* What both sides' layers are paired by, and what becomes of those that do not fit. */
typedef struct pairer {
    const knn_model *model;
    const knn__unit *units;
    size_t count;
    const knn__stored *stored;
    bool skip_mismatch;
    knn__pairing *pairing;
} pairer;

static void shape_text(int rank, const int *size, char *to, size_t room)
{
    size_t length = (size_t)snprintf(to, room, "(");
    for (int i = 0; i < rank && length < room; i++)
        length += (size_t)snprintf(to + length, room - length, "%s%d", i > 0 ? ", " : "", size[i]);
    if (length < room)
        snprintf(to + length, room - length, ")");
}

static int without_ones(int rank, const int *size, int *kept)
{
    int count = 0;
    for (int i = 0; i < rank; i++)
        if (size[i] != 1)
            kept[count++] = size[i];
    return count;
}

/* Equal, but for the ones of a PReLU's alpha: of shared axes, which lay elsewhere in a channels_first model. */
static bool same_shape(const knn__weight_spec *spec, const knn__h5_shape *shape)
{
    int expected[4], got[4];

    if (shape->rank != spec->rank)
        return false;
    if (strcmp(spec->name, "alpha") != 0)
        return memcmp(shape->size, spec->shape, (size_t)spec->rank * sizeof(int)) == 0;
    int count = without_ones(spec->rank, spec->shape, expected);
    return without_ones(shape->rank, shape->size, got) == count && memcmp(expected, got, (size_t)count * sizeof(int)) == 0;
}

static bool fits_as_earlier(const knn__stored *stored, const knn__weight_spec *spec, const knn__h5_shape *shape)
{
    return stored->earlier && knn__is_kernel(spec) && (knn__kernel_fits(spec, shape, false) || knn__kernel_fits(spec, shape, true));
}

static knn_status pair_array(const pairer *p, size_t index, const knn__stored_array *array)
{
    const knn__model_weight *weight = &p->model->weights_table[index];
    const knn__weight_spec *spec = &weight->spec;
    char expected[64], got[64];

    if (same_shape(spec, &array->shape) || fits_as_earlier(p->stored, spec, &array->shape)) {
        p->pairing->of[index] = array;
        return KNN_OK;
    }
    if (p->skip_mismatch)
        return KNN_OK;
    shape_text(spec->rank, spec->shape, expected, sizeof expected);
    shape_text(array->shape.rank, array->shape.size, got, sizeof got);
    return knn__fail(KNN_ERROR_SHAPE, "%s: expected shape %s, got %s (/%s)", weight->name, expected, got, array->path);
}

/* Keras lists the trained arrays of a layer, or of a whole nested model, before the others. */
static knn_status pair_unit(const pairer *p, const knn__unit *unit, const knn__stored_layer *layer)
{
    size_t next = layer->first, first = (size_t)p->model->layers[unit->first].first_weight,
           count = unit_weights(p->model, unit);
    knn_status status = KNN_OK;

    if (count != layer->count)
        return knn__fail(KNN_ERROR_SHAPE, "layer %s: expected %zu weight arrays, got %zu (layer %s of the file)",
                         unit->name, count, layer->count, layer->name);
    for (int trainable = 1; trainable >= 0; trainable--)
        for (size_t i = first; i < first + count && status == KNN_OK; i++)
            if (p->model->weights_table[i].spec.trainable == (trainable == 1))
                status = pair_array(p, i, &p->stored->arrays[next++]);
    return status;
}

/* The only stored layer of that name; NULL: none, or several. */
static const knn__stored_layer *find_layer(const knn__stored *stored, const char *name)
{
    const knn__stored_layer *found = NULL;

    for (size_t i = 0; i < stored->layer_count; i++) {
        if (!knn__text_equal(stored->layers[i].name, name))
            continue;
        if (found != NULL)
            return NULL;
        found = &stored->layers[i];
    }
    return found;
}

static knn_status pair_named(const pairer *p)
{
    knn_status status = KNN_OK;

    for (size_t i = 0; i < p->count && status == KNN_OK; i++) {
        const knn__stored_layer *layer = find_layer(p->stored, p->units[i].name);
        if (layer != NULL && !(p->skip_mismatch && layer->count != unit_weights(p->model, &p->units[i])))
            status = pair_unit(p, &p->units[i], layer);
    }
    return status;
}

static void add_name(knn__text *list, const char *name)
{
    if (list->length < 200)
        knn__text_add(list, "%s%s", list->length > 0 ? ", " : "", name);
    else if (!knn__text_ends_with(list->data, "..", false))
        knn__text_add(list, ", ..");
}

/* Layers without weights do not count, on neither side. */
static knn_status count_mismatch(const pairer *p, size_t weighted, size_t found)
{
    knn__text expected = {0}, got = {0};

    for (size_t i = 0; i < p->count; i++)
        if (unit_weights(p->model, &p->units[i]) > 0)
            add_name(&expected, p->units[i].name);
    for (size_t i = 0; i < p->stored->layer_count; i++)
        if (p->stored->layers[i].count > 0)
            add_name(&got, p->stored->layers[i].name);
    knn_status status =
        expected.failed || got.failed
            ? KNN_ERROR_MEMORY
            : knn__fail(KNN_ERROR_SHAPE, "layers with weights: expected %zu (%s), got %zu (%s)", weighted,
                        expected.length > 0 ? expected.data : "", found, got.length > 0 ? got.data : "");
    knn__text_free(&expected);
    knn__text_free(&got);
    return status;
}

static knn_status pair_in_order(const pairer *p)
{
    size_t weighted = weighted_units(p->model, p->units, p->count), found = weighted_layers(p->stored), next = 0;
    knn_status status = KNN_OK;

    if (weighted != found)
        return count_mismatch(p, weighted, found);
    for (size_t i = 0; i < p->count && status == KNN_OK; i++) {
        if (unit_weights(p->model, &p->units[i]) == 0)
            continue;
        while (p->stored->layers[next].count == 0)
            next++;
        status = pair_unit(p, &p->units[i], &p->stored->layers[next++]);
    }
    return status;
}

static bool all_have_names(const pairer *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (unit_weights(p->model, &p->units[i]) > 0 && find_layer(p->stored, p->units[i].name) == NULL)
            return false;
    return true;
}

/* Whether one kernel at least lies (out, in, rows, columns) for certain; Keras 0 had no other order at first. */
static void find_filters_first(const pairer *p)
{
    p->pairing->filters_first = p->stored->numbered;
    for (size_t i = 0; i < p->model->weight_count; i++) {
        const knn__weight_spec *spec = &p->model->weights_table[i].spec;
        const knn__stored_array *array = p->pairing->of[i];
        if (array != NULL && spec->rank == 4 && !same_shape(spec, &array->shape))
            p->pairing->filters_first = true;
    }
}

knn_status knn__pair(const knn_model *model, const knn__unit *units, size_t count, const knn__stored *stored,
                     knn__pair_by by, bool skip_mismatch, knn__pairing *pairing)
{
    const pairer p = {model, units, count, stored, skip_mismatch, pairing};

    pairing->of = knn__alloc(model->weight_count, sizeof *pairing->of);
    if (pairing->of == NULL)
        return KNN_ERROR_MEMORY;
    bool in_order = by == KNN__BY_ORDER || (by == KNN__BY_OWN_NAME && !all_have_names(&p));
    knn_status status = in_order ? pair_in_order(&p) : pair_named(&p);
    find_filters_first(&p);
    return status;
}

void knn__pairing_free(knn__pairing *pairing)
{
    knn__free(pairing->of);
    pairing->of = NULL;
}

/* ---- Reading ---- */

static bool lies_filters_first(const knn__weight_spec *spec, const knn__h5_shape *shape, bool if_both)
{
    return knn__kernel_fits(spec, shape, true) && (if_both || !knn__kernel_fits(spec, shape, false));
}

knn_status knn__read_as_weight(knn__h5 *file, const knn_model *model, size_t weight, const knn__stored *stored,
                               const knn__pairing *pairing, const char *path, float *values)
{
    const knn__weight_spec *spec = &model->weights_table[weight].spec;
    knn_status status = knn__h5_read(file, path, values, model->weights_table[weight].length);

    if (status != KNN_OK || !knn__is_kernel(spec))
        return status;
    if (stored->earlier && lies_filters_first(spec, &pairing->of[weight]->shape, pairing->filters_first))
        status = knn__kernel_reorder(spec, values);
    if (stored->flipped)
        knn__kernel_flip(spec, values);
    return status;
}

/* Batch normalization of Keras 0 keeps s = sqrt(mean square + epsilon) and divides by s + epsilon; ours by sqrt(variance + epsilon). */
static void square_deviations(const knn_model *model, const knn__model_weight *weight, float *values)
{
    const knn__model_layer *layer = &model->layers[weight->layer];
    double epsilon = knn__option(&layer->kind->kind, layer->description, "epsilon");

    for (size_t i = 0; i < weight->length; i++) {
        double divisor = values[i] + epsilon;
        values[i] = (float)(divisor * divisor - epsilon);
    }
}

knn_status knn__read_weights(knn__h5 *file, const knn_model *model, const knn__stored *stored,
                             const knn__pairing *pairing, float *arena)
{
    knn_status status = KNN_OK;

    for (size_t i = 0; i < model->weight_count && status == KNN_OK; i++) {
        const knn__model_weight *weight = &model->weights_table[i];
        if (pairing->of[i] == NULL)
            continue;
        status = knn__read_as_weight(file, model, i, stored, pairing, pairing->of[i]->path, arena + weight->offset);
        if (status == KNN_OK && stored->numbered && strcmp(weight->short_name, "moving_variance") == 0)
            square_deviations(model, weight, arena + weight->offset);
    }
    return status;
}
