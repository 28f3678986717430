/* Reads and writes the optimizer's state in Keras 3's own layout. Our own form of it, which has all that we need to go on bit for bit, is
 * in state.c. */
#include "keras/optimizer_state.h"

#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"
#include "keras/weights.h"

#include <stdio.h>

#define VARIABLES "optimizer/vars"

/* Keras keeps what these have beside slots, or in place of them, as we do not. */
static bool is_kept_alike(const knn__optimizer *optimizer)
{
    return optimizer->slots == optimizer->own_slots && !knn__text_equal(optimizer->kind->class_name, "Adafactor") &&
           !knn__text_equal(optimizer->kind->class_name, "Nadam");
}

/* The place of a slot of the `weight`-th of `count` trained weights: RMSprop has one slot of all weights after the other; the
 * others have the first two of a weight side by side. */
static size_t place_of(const knn__optimizer *optimizer, size_t slot, size_t weight, size_t count)
{
    bool pairs = optimizer->own_slots >= 2 && !knn__text_equal(optimizer->kind->class_name, "RMSprop");
    return pairs && slot < 2 ? 2 * weight + slot : slot * count + weight;
}

static size_t trained_weights(const knn_model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->weight_count; i++)
        count += model->weights_table[i].spec.trainable;
    return count;
}

static char *path_of(size_t place)
{
    char index[24];
    snprintf(index, sizeof index, "%zu", place);
    return knn__h5_path(VARIABLES, index, "");
}

/* ---- Reading ---- */

static knn_status read_at(knn__h5 *file, size_t place, float *values, size_t length)
{
    char *path = path_of(place);
    knn_status status = path != NULL ? knn__h5_read(file, path, values, length) : KNN_ERROR_MEMORY;
    knn__free(path);
    return status;
}

/* Behind the number of steps the learning rate is kept, by Keras 3 and where no schedule gives it. */
static bool keeps_rate(knn__h5 *file)
{
    knn__h5_shape shape = {.rank = -1};
    return knn__h5_shape_of(file, VARIABLES "/1", &shape) == KNN_OK && shape.rank == 0;
}

static knn_status read_slot(knn__h5 *file, const knn_model *model, size_t slot, size_t first, float *arena)
{
    size_t weight = 0, count = trained_weights(model);
    knn_status status = KNN_OK;

    for (size_t i = 0; i < model->weight_count && status == KNN_OK; i++) {
        const knn__model_weight *w = &model->weights_table[i];
        if (w->spec.trainable)
            status = read_at(file, first + place_of(&model->compiled.optimizer, slot, weight++, count), arena + w->offset, w->length);
    }
    return status;
}

static knn_status read_variables(knn__h5 *file, const knn_model *model, size_t stored, knn__state *state)
{
    const knn__optimizer *optimizer = &model->compiled.optimizer;
    size_t first = keeps_rate(file) ? 2 : 1, slots = (size_t)optimizer->own_slots;
    float steps = 0, rate = (float)optimizer->rate;
    knn_status status = read_at(file, 0, &steps, 1);

    if (status == KNN_OK && first == 2)
        status = read_at(file, 1, &rate, 1);
    bool fits = slots == 0 || stored == first + slots * trained_weights(model);
    if (status == KNN_OK && (!fits || !(steps >= 0 && steps < 1e15f) || !(rate >= 0)))
        status = KNN_ERROR_SHAPE;
    state->slot_bytes = model->trainable_length * sizeof(float);
    for (size_t slot = 0; slot < slots && status == KNN_OK && state->slot_bytes > 0; slot++) {
        state->slots[slot] = knn__arena_alloc(state->slot_bytes);
        status = state->slots[slot] != NULL ? read_slot(file, model, slot, first, state->slots[slot]) : KNN_ERROR_MEMORY;
    }
    if (status == KNN_OK)
        state->training.iteration = (uint64_t)steps;
    /* The rate that the configuration says has more digits. */
    state->rate = rate == (float)optimizer->rate ? optimizer->rate : (double)rate;
    return status;
}

knn_status knn__optimizer_state_read(knn__h5 *file, const knn_model *model, knn__state *state)
{
    knn__names names = {0};
    knn_status status = KNN_ERROR_FORMAT;

    if (is_kept_alike(&model->compiled.optimizer) && knn__h5_is_group(file, VARIABLES))
        status = knn__h5_list(file, VARIABLES, &names);
    if (status == KNN_OK)
        status = read_variables(file, model, names.count, state);
    knn__names_free(&names);
    state->has_training = status == KNN_OK;
    state->scheduled = model->compiled.optimizer.schedule != NULL;
    if (status == KNN_OK || status == KNN_ERROR_MEMORY)
        return status;
    for (int i = 0; i < KNN_MAX_SLOTS; i++) {
        knn__arena_free(state->slots[i], state->slot_bytes);
        state->slots[i] = NULL;
    }
    knn__clear_error();
    return KNN_OK;
}

/* ---- Writing ---- */

static knn_status write_at(knn__h5 *file, size_t place, int rank, const int *shape, const float *values)
{
    char *path = path_of(place);
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
            status = write_at(file, first + place_of(&model->compiled.optimizer, slot, weight++, count), w->spec.rank, w->spec.shape,
                              model->slots[slot] + w->offset);
    }
    return status;
}

knn_status knn__optimizer_state_write(knn__h5 *file, const knn_model *model)
{
    const knn__optimizer *optimizer = &model->compiled.optimizer;
    size_t first = optimizer->schedule == NULL ? 2 : 1;
    float steps = (float)model->training.iteration, rate = (float)optimizer->rate;

    if (!is_kept_alike(optimizer) || (optimizer->own_slots > 0 && model->slots[0] == NULL))
        return KNN_OK;
    knn_status status = write_at(file, 0, 0, NULL, &steps);
    if (status == KNN_OK && first == 2)
        status = write_at(file, 1, 0, NULL, &rate);
    for (int slot = 0; slot < optimizer->own_slots && status == KNN_OK; slot++)
        status = write_slot(file, model, (size_t)slot, first);
    return status;
}
