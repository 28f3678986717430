/* Lists the weights of a file, pairs them with a model's by Keras' rules, and reads them. All is checked before
 * anything is read. Writes nothing: see weights_write.c. */
#include "keras/weights.h"

#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* ---- What a file holds ---- */

char *knn__h5_path(const char *root, const char *a, const char *b)
{
    knn__text path = {0};

    knn__text_add(&path, "%s%s%s%s%s", root, root[0] != '\0' && a[0] != '\0' ? "/" : "", a, b[0] != '\0' ? "/" : "", b);
    if (!path.failed)
        return path.data;
    knn__text_free(&path);
    return NULL;
}

knn_status knn__stored_add_array(knn__h5 *file, const char *group, const char *name, knn__stored *stored)
{
    if (!knn__reserve((void **)&stored->arrays, &stored->array_capacity, stored->array_count + 1,
                      sizeof *stored->arrays))
        return KNN_ERROR_MEMORY;
    knn__stored_array *array = &stored->arrays[stored->array_count];
    array->path = knn__h5_path(group, name, "");
    if (array->path == NULL)
        return KNN_ERROR_MEMORY;
    stored->array_count++;
    return knn__h5_shape_of(file, array->path, &array->shape);
}

knn_status knn__stored_add_layer(const char *name, size_t count, knn__stored *stored)
{
    if (!knn__reserve((void **)&stored->layers, &stored->layer_capacity, stored->layer_count + 1,
                      sizeof *stored->layers))
        return KNN_ERROR_MEMORY;
    knn__stored_layer *layer = &stored->layers[stored->layer_count];
    *layer = (knn__stored_layer){knn__copy_text(name), stored->array_count, count};
    if (layer->name == NULL)
        return KNN_ERROR_MEMORY;
    stored->layer_count++;
    return KNN_OK;
}

static knn_status read_layer(knn__h5 *file, const char *root, const char *name, knn__stored *stored)
{
    knn__names weights = {0};
    char *group = knn__h5_path(root, name, "");
    knn_status status = group != NULL ? knn__h5_read_texts(file, group, "weight_names", &weights) : KNN_ERROR_MEMORY;

    if (status == KNN_OK)
        status = knn__stored_add_layer(name, weights.count, stored);
    for (size_t i = 0; i < weights.count && status == KNN_OK; i++)
        status = knn__stored_add_array(file, group, weights.name[i], stored);
    knn__names_free(&weights);
    knn__free(group);
    return status;
}

/* Keras on Theano says so, or, up to 1.2, can be told by weight names without ":0"; Keras 3's have none either, but it
 * names its backend. */
static knn_status find_theano(knn__h5 *file, const char *root, knn__stored *stored)
{
    char *backend = NULL;
    knn_status status = KNN_OK;

    if (knn__h5_has_attribute(file, root, "backend"))
        status = knn__h5_read_text(file, root, "backend", &backend);
    if (backend != NULL)
        stored->flipped = strcmp(backend, "theano") == 0;
    else if (stored->array_count > 0)
        stored->flipped = !knn__text_ends_with(stored->arrays[0].path, ":0", false);
    knn__free(backend);
    return status;
}

knn_status knn__stored_read(knn__h5 *file, const char *group, knn__stored *stored)
{
    knn__names names = {0};
    knn_status status = knn__h5_read_texts(file, group, "layer_names", &names);

    *stored = (knn__stored){0};
    for (size_t i = 0; i < names.count && status == KNN_OK; i++)
        status = read_layer(file, group, names.name[i], stored);
    if (status == KNN_OK)
        status = find_theano(file, group, stored);
    knn__names_free(&names);
    return status;
}

void knn__stored_free(knn__stored *stored)
{
    for (size_t i = 0; i < stored->layer_count; i++)
        knn__free(stored->layers[i].name);
    for (size_t i = 0; i < stored->array_count; i++)
        knn__free(stored->arrays[i].path);
    knn__free(stored->layers);
    knn__free(stored->arrays);
    *stored = (knn__stored){0};
}

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

static size_t unit_weights(const knn_model *model, const knn__unit *unit)
{
    size_t count = 0;
    for (size_t i = 0; i < unit->count; i++)
        count += (size_t)model->layers[unit->first + i].weight_count;
    return count;
}

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

static knn_status pair_array(const pairer *p, size_t index, const knn__stored_array *array)
{
    const knn__model_weight *weight = &p->model->weights_table[index];
    const knn__weight_spec *spec = &weight->spec;
    char expected[64], got[64];

    if (same_shape(spec, &array->shape)) {
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
    size_t weighted = 0, found = 0, next = 0;
    knn_status status = KNN_OK;

    for (size_t i = 0; i < p->count; i++)
        weighted += unit_weights(p->model, &p->units[i]) > 0;
    for (size_t i = 0; i < p->stored->layer_count; i++)
        found += p->stored->layers[i].count > 0;
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

knn_status knn__pair(const knn_model *model, const knn__unit *units, size_t count, const knn__stored *stored,
                     knn__pair_by by, bool skip_mismatch, knn__pairing *pairing)
{
    const pairer p = {model, units, count, stored, skip_mismatch, pairing};

    pairing->of = knn__alloc(model->weight_count, sizeof *pairing->of);
    if (pairing->of == NULL)
        return KNN_ERROR_MEMORY;
    if (by == KNN__BY_ORDER || (by == KNN__BY_OWN_NAME && !all_have_names(&p)))
        return pair_in_order(&p);
    return pair_named(&p);
}

void knn__pairing_free(knn__pairing *pairing)
{
    knn__free(pairing->of);
    pairing->of = NULL;
}

/* ---- Reading ---- */

/* A kernel of (.., in, out) or, transposed, (.., out, in). Keras turned no others: not the depthwise ones. */
static bool is_convolution_kernel(const knn__weight_spec *spec)
{
    return spec->rank >= 3 && strcmp(spec->name, "kernel") == 0;
}

/* Turns it by 180 degrees: the cells in reverse order, each kept as it is. */
static void flip(float *kernel, const knn__weight_spec *spec)
{
    size_t cells = (size_t)spec->shape[0] * (spec->rank > 3 ? (size_t)spec->shape[1] : 1);
    size_t length = (size_t)spec->shape[spec->rank - 2] * (size_t)spec->shape[spec->rank - 1];

    for (size_t cell = 0; cell < cells / 2; cell++)
        for (size_t i = 0; i < length; i++) {
            float *a = &kernel[cell * length + i], *b = &kernel[(cells - 1 - cell) * length + i], kept = *a;
            *a = *b;
            *b = kept;
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
        status = knn__h5_read(file, pairing->of[i]->path, arena + weight->offset, weight->length);
        if (stored->flipped && is_convolution_kernel(&weight->spec) && status == KNN_OK)
            flip(arena + weight->offset, &weight->spec);
    }
    return status;
}
