/* Reads the optimizer's state as Keras keeps it, and writes it in Keras 3's own layout. Our own form of it, which has all that we need to go on
 * bit for bit, is in state.c. */
#include "keras/optimizer_state.h"

#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLES "optimizer/vars"
#define LEGACY "optimizer_weights"

static bool is_a(const knn__optimizer *optimizer, const char *class_name)
{
    return knn__text_equal(optimizer->kind->class_name, class_name);
}

/* Adafactor keeps other arrays than ours. */
static bool is_kept_alike(const knn__optimizer *optimizer)
{
    return optimizer->slots == optimizer->own_slots && !is_a(optimizer, "Adafactor");
}

/* The place of a slot of the `weight`-th of `count` trained weights: all of a slot after the other, but where Keras has the first two of a
 * weight side by side, as it does since 2.11 with all optimizers that have two but RMSprop. */
static size_t place_of(const knn__optimizer *optimizer, bool side_by_side, size_t slot, size_t weight, size_t count)
{
    bool pairs = side_by_side && optimizer->own_slots >= 2 && !is_a(optimizer, "RMSprop");
    return pairs && slot < 2 ? 2 * weight + slot : slot * count + weight;
}

static size_t trained_weights(const knn_model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->weight_count; i++)
        count += model->weights_table[i].spec.trainable;
    return count;
}

/* ---- Reading ---- */

/* A trained weight and its name in the file. */
typedef struct trained { const char *name; size_t weight; } trained;

typedef struct reader {
    knn__h5 *file;
    const knn_model *model;
    const knn__stored *stored;
    const knn__pairing *pairing;
    bool nested;
    knn__stored list;                       /* what the file has, in its order */
    size_t first;                           /* so many numbers come before the slots */
    trained *order;                         /* the weights, as the slots go by */
    size_t count;
} reader;

/* Keras 2.0.5 made one name absolute. */
static knn_status list_array(reader *r, const char *group, const char *name)
{
    return knn__stored_add_array(r->file, name[0] == '/' ? "" : group, name, &r->list);
}

static knn_status list_arrays(reader *r)
{
    knn__names names = {0};
    const char *group = r->nested ? VARIABLES : LEGACY;
    char index[24];
    knn_status status = KNN_ERROR_FORMAT;

    if (knn__h5_is_group(r->file, group))
        status = r->nested ? knn__h5_list(r->file, group, &names) : knn__h5_read_texts(r->file, group, "weight_names", &names);
    for (size_t i = 0; i < names.count && status == KNN_OK; i++) {
        snprintf(index, sizeof index, "%zu", i);
        status = list_array(r, group, r->nested ? index : names.name[i]);
    }
    while (r->first < r->list.array_count && r->list.arrays[r->first].shape.rank == 0)
        r->first++;
    knn__names_free(&names);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const trained *)a)->name, ((const trained *)b)->name);
}

/* Up to 2.0.5 slots went by the weights' names. */
static knn_status order_weights(reader *r)
{
    const int last_sorted = 20005;

    r->order = knn__alloc(trained_weights(r->model), sizeof *r->order);
    if (r->order == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < r->model->weight_count; i++)
        if (r->model->weights_table[i].spec.trainable)
            r->order[r->count++] = (trained){r->nested ? "" : r->pairing->of[i]->name, i};
    if (!r->nested && r->stored->version <= last_sorted)
        qsort(r->order, r->count, sizeof *r->order, compare_names);
    return KNN_OK;
}

static bool is_named(const knn__stored_array *array, const char *name)
{
    const char *slash = strrchr(array->name, '/'), *end = slash != NULL ? slash + 1 : array->name;
    size_t length = strlen(name);
    return strncmp(end, name, length) == 0 && (end[length] == '\0' || end[length] == ':');
}

/* Keras before 2.11 called the number of steps `iterations` or `iter`, or did not keep it. */
static bool is_side_by_side(const reader *r)
{
    return r->nested || (r->first > 0 && is_named(&r->list.arrays[0], "iteration"));
}

/* Behind the number of steps the learning rate is kept, by Keras 3 and where no schedule gives it. */
static bool keeps_rate(const reader *r)
{
    return r->first > 1 && (r->nested || is_named(&r->list.arrays[1], "learning_rate"));
}

static bool is_number(const knn__h5_shape *shape)
{
    return shape->rank == 0 || (shape->rank == 1 && shape->size[0] == 1);
}

/* Behind the slots single numbers may lie: the places of what only amsgrad needs in an Adam of Keras 2, the product of Nadam's momenta. */
static bool fits(const reader *r)
{
    size_t slots = (size_t)r->model->compiled.optimizer.own_slots, end = r->first + slots * r->count;
    bool good = slots == 0 || end <= r->list.array_count;

    for (size_t i = end; good && slots > 0 && i < r->list.array_count; i++)
        good = is_number(&r->list.arrays[i].shape);
    return good && (is_side_by_side(r) || !is_a(&r->model->compiled.optimizer, "Nadam"));     /* whose rule was another */
}

static knn_status read_number(const reader *r, size_t place, float *number)
{
    return knn__h5_read(r->file, r->list.arrays[place].path, number, 1);
}

static knn_status read_slot(const reader *r, size_t slot, float *arena)
{
    knn_status status = KNN_OK;

    for (size_t i = 0; i < r->count && status == KNN_OK; i++) {
        size_t place = place_of(&r->model->compiled.optimizer, is_side_by_side(r), slot, i, r->count), weight = r->order[i].weight;
        status = knn__read_as_weight(r->file, r->model, weight, r->stored, r->pairing, r->list.arrays[r->first + place].path,
                                     arena + r->model->weights_table[weight].offset);
    }
    return status;
}

static knn_status read_variables(const reader *r, knn__state *state)
{
    const knn__optimizer *optimizer = &r->model->compiled.optimizer;
    float steps = 0, rate = (float)optimizer->rate;
    knn_status status = fits(r) ? KNN_OK : KNN_ERROR_SHAPE;

    if (status == KNN_OK && r->first > 0)
        status = read_number(r, 0, &steps);
    if (status == KNN_OK && keeps_rate(r))
        status = read_number(r, 1, &rate);
    if (status == KNN_OK && (!(steps >= 0 && steps < 1e15f) || !(rate >= 0)))
        status = KNN_ERROR_SHAPE;
    state->slot_bytes = r->model->trainable_length * sizeof(float);
    for (int slot = 0; slot < optimizer->own_slots && status == KNN_OK && state->slot_bytes > 0; slot++) {
        state->slots[slot] = knn__arena_alloc(state->slot_bytes);
        status = state->slots[slot] != NULL ? read_slot(r, (size_t)slot, state->slots[slot]) : KNN_ERROR_MEMORY;
    }
    if (status == KNN_OK)
        state->training.iteration = (uint64_t)steps;
    /* The rate that the configuration says has more digits. */
    state->rate = rate == (float)optimizer->rate ? optimizer->rate : (double)rate;
    return status;
}

/* No slots, no training. */
static void drop(knn__state *state)
{
    for (int i = 0; i < KNN_MAX_SLOTS; i++) {
        knn__arena_free(state->slots[i], state->slot_bytes);
        state->slots[i] = NULL;
    }
    knn__clear_error();
}

knn_status knn__optimizer_state_read(knn__h5 *file, const knn_model *model, const knn__stored *stored, const knn__pairing *pairing,
                                     bool nested, knn__state *state)
{
    reader r = {.file = file, .model = model, .stored = stored, .pairing = pairing, .nested = nested};
    knn_status status = is_kept_alike(&model->compiled.optimizer) ? list_arrays(&r) : KNN_ERROR_FORMAT;

    if (status == KNN_OK)
        status = order_weights(&r);
    if (status == KNN_OK)
        status = read_variables(&r, state);
    knn__stored_free(&r.list);
    knn__free(r.order);
    state->has_training = status == KNN_OK;
    state->scheduled = model->compiled.optimizer.schedule != NULL;
    if (status == KNN_OK || status == KNN_ERROR_MEMORY)
        return status;
    drop(state);
    return KNN_OK;
}

/* ---- Writing ---- */

static knn_status write_at(knn__h5 *file, size_t place, int rank, const int *shape, const float *values)
{
    char index[24];

    snprintf(index, sizeof index, "%zu", place);
    char *path = knn__h5_path(VARIABLES, index, "");
    knn_status status = path != NULL ? knn__h5_write(file, path, rank, shape, values) : KNN_ERROR_MEMORY;
    knn__free(path);
    return status;
}

static knn_status write_slot(knn__h5 *file, const knn_model *model, size_t slot, size_t first)
{
    size_t weight = 0, count = trained_weights(model);
    knn_status status = KNN_OK;

    for (size_t i = 0; i < model->weight_count && status == KNN_OK; i++) {
        const knn__model_weight *w = &model->weights_table[i];
        if (w->spec.trainable)
            status = write_at(file, first + place_of(&model->compiled.optimizer, true, slot, weight++, count), w->spec.rank, w->spec.shape,
                              model->slots[slot] + w->offset);
    }
    return status;
}

knn_status knn__optimizer_state_write(knn__h5 *file, const knn_model *model)
{
    const knn__optimizer *optimizer = &model->compiled.optimizer;
    size_t first = optimizer->schedule == NULL ? 2 : 1;
    float steps = (float)model->training.iteration, rate = (float)optimizer->rate;

    /* Of Nadam, Keras also keeps the product of its momenta. */
    if (!is_kept_alike(optimizer) || is_a(optimizer, "Nadam") || (optimizer->own_slots > 0 && model->slots[0] == NULL))
        return KNN_OK;
    knn_status status = write_at(file, 0, 0, NULL, &steps);
    if (status == KNN_OK && first == 2)
        status = write_at(file, 1, 0, NULL, &rate);
    for (int slot = 0; slot < optimizer->own_slots && status == KNN_OK; slot++)
        status = write_slot(file, model, (size_t)slot, first);
    return status;
}
