/* Writes what files of ours hold beside Keras' items, and the model's share of a fingerprint. Reads none: state.c. */
#include "keras/state.h"

#include "core/memory.h"
#include "keras/config.h"
#include "keras/training_config.h"
#include "keras/weights.h"

#include <knn/version.h>
#include <stdio.h>

enum { FORMAT = 1 };

/* ---- The JSON ---- */

static void write_reals(const char *key, const double *values, int count, knn__text *text)
{
    knn__json_begin(text, key, '[');
    for (int i = 0; i < count; i++)
        knn__json_put_real(text, NULL, values[i]);
    knn__json_end(text, ']');
}

static void write_statistics(const knn__preprocessing *p, knn__text *text)
{
    write_reals("mean", p->mean, p->channels, text);
    if (p->featurewise_std_normalization)
        write_reals("std", p->std, p->channels, text);
}

static void write_preprocessing(const knn__preprocessing *p, knn__text *text)
{
    static const char *const interpolations[] = {"nearest", "bilinear", "area"};

    knn__json_begin(text, "preprocessing", '{');
    knn__json_put_int(text, "height", p->height);
    knn__json_put_int(text, "width", p->width);
    knn__json_put_int(text, "channels", p->channels);
    knn__json_put_text(text, "interpolation", interpolations[p->interpolation]);
    knn__json_put_bool(text, "apply_orientation", p->apply_orientation);
    knn__json_put_real(text, "rescale", p->rescale);
    knn__json_put_bool(text, "samplewise_center", p->samplewise_center);
    knn__json_put_bool(text, "samplewise_std_normalization", p->samplewise_std_normalization);
    if (p->featurewise_center)
        write_statistics(p, text);
    if (p->whitening != NULL)
        knn__json_put_bool(text, "zca_whitening", true);
    knn__json_put_count(text, "max_pixels", p->max_pixels);
    knn__json_end(text, '}');
}

static void write_texts(const char *key, char *const *texts, size_t count, knn__text *text)
{
    knn__json_begin(text, key, '[');
    for (size_t i = 0; i < count; i++)
        knn__json_put_text(text, NULL, texts[i]);
    knn__json_end(text, ']');
}

static void write_history(const knn__history *history, knn__text *text)
{
    knn__json_begin(text, "history", '{');
    write_texts("keys", history->keys, history->key_count, text);
    knn__json_begin(text, "rows", '[');
    for (size_t row = 0; row < history->epochs; row++) {
        knn__json_begin(text, NULL, '[');
        knn__json_put_int(text, NULL, history->epoch_numbers[row]);
        for (size_t i = 0; i < history->key_count; i++)
            knn__json_put_real(text, NULL, history->values[i][row]);
        knn__json_end(text, ']');
    }
    knn__json_end(text, ']');
    knn__json_end(text, '}');
}

static void write_callback(const knn__callback_state *callback, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "name", callback->name);
    knn__json_begin(text, "values", '{');
    for (size_t i = 0; i < callback->count; i++)
        knn__json_put_real(text, callback->keys[i], callback->values[i]);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}

static void write_training(const knn_model *model, knn__text *text)
{
    const knn__training_state *training = &model->training;
    const knn__optimizer *optimizer = &model->compiled.optimizer;

    knn__json_begin(text, "training", '{');
    knn__json_put_int(text, "epoch", training->epoch);
    knn__json_put_count(text, "iteration", training->iteration);
    knn__json_put_count(text, "seed", model->seed);
    knn__json_put_real(text, "learning_rate", optimizer->rate);
    knn__json_put_bool(text, "scheduled", optimizer->schedule != NULL);
    knn__json_put_bool(text, "slots", model->slots[0] != NULL);
    knn__json_put_text(text, "fingerprint", training->fingerprint);
    knn__json_begin(text, "callbacks", '[');
    for (size_t i = 0; i < training->callback_count; i++)
        write_callback(&training->callbacks[i], text);
    knn__json_end(text, ']');
    knn__json_end(text, '}');
}

void knn__state_write(const knn_model *model, knn__save_what what, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_int(text, "format", FORMAT);
    knn__json_put_text(text, "version", knn_version());
    if (model->class_count > 0)
        write_texts("class_names", model->class_names, model->class_count, text);
    if (model->has_preprocessing)
        write_preprocessing(&model->preprocessing, text);
    if (what != KNN__SAVE_WEIGHTS) {
        knn__write_optimizer_extras(model, text);
        if (model->history != NULL)
            write_history(model->history, text);
    }
    if (what == KNN__SAVE_MODEL && model->compiled.done)
        write_training(model, text);
    knn__json_end(text, '}');
}

/* ---- The arrays: libknn/NAME/INDEX, one a weight ---- */

static knn_status write_arrays(knn__h5 *file, const knn_model *model, const char *name, bool trainable_only,
                               const float *arena)
{
    knn_status status = KNN_OK;
    char index[24];

    for (size_t i = 0; i < model->weight_count && status == KNN_OK; i++) {
        const knn__model_weight *weight = &model->weights_table[i];
        if (trainable_only && !weight->spec.trainable)
            continue;
        snprintf(index, sizeof index, "%zu", i);
        char *path = knn__h5_path(KNN__STATE, name, index);
        status = path != NULL ? knn__h5_write(file, path, weight->spec.rank, weight->spec.shape, arena + weight->offset)
                              : KNN_ERROR_MEMORY;
        knn__free(path);
    }
    return status;
}

knn_status knn__state_write_arrays(knn__h5 *file, const knn_model *model)
{
    const knn__training_state *training = &model->training;
    knn_status status = knn__h5_write_group(file, KNN__STATE);
    char name[32];

    for (int i = 0; i < model->compiled.optimizer.slots && status == KNN_OK; i++)
        if (model->slots[i] != NULL)
            status = write_arrays(file, model, knn__optimizer_slot_name(&model->compiled.optimizer, i), true,
                                  model->slots[i]);
    for (size_t i = 0; i < training->callback_count && status == KNN_OK; i++) {
        snprintf(name, sizeof name, "callback_%zu", i);
        if (training->callbacks[i].weights != NULL)
            status = write_arrays(file, model, name, false, training->callbacks[i].weights);
    }
    return status;
}

knn_status knn__state_write_whitening(knn__h5 *file, const knn_model *model)
{
    const knn__preprocessing *p = &model->preprocessing;
    int length = p->height * p->width * p->channels;

    return p->whitening != NULL ? knn__h5_write(file, KNN__WHITENING, 2, (const int[]){length, length}, p->whitening) : KNN_OK;
}

/* ---- Fingerprints ---- */

void knn__fingerprint(const knn_model *model, knn__text *text)
{
    const knn__compiled *compiled = &model->compiled;
    knn__text part = {0};

    knn__text_add(text, "seed: %llu\ninput: ", (unsigned long long)model->seed);
    for (int i = 0; i < model->input.rank; i++)
        knn__text_add(text, "%s%d", i > 0 ? "x" : "", model->input.size[i]);
    for (size_t i = 0; i < model->layer_count; i++) {
        const knn__model_layer *layer = &model->layers[i];
        knn__write_object(&part, NULL, NULL, layer->description->class_name, knn__layer_fields(layer->description),
                          layer->description);
        knn__text_add(text, "\nlayer %s: %s", layer->name, part.failed ? "" : part.data);
        text->failed |= part.failed;
        part.length = 0;
    }
    knn__write_optimizer(&compiled->optimizer, NULL, false, false, &part);
    knn__json_put_bool(&part, NULL, compiled->optimizer.update.epsilon_outside);
    knn__text_add(text, "\noptimizer: %s", part.failed ? "" : part.data);
    part.length = 0;
    knn__write_loss(&compiled->loss, NULL, false, &part);
    knn__text_add(text, "\nloss: %s", part.failed ? "" : part.data);
    part.length = 0;
    knn__json_begin(&part, NULL, '[');
    for (int i = 0; i < compiled->metric_count; i++)
        knn__write_metric(&compiled->metrics[i], false, &part);
    knn__json_end(&part, ']');
    knn__text_add(text, "\nmetrics: %s\n", part.failed ? "" : part.data);
    text->failed |= part.failed;
    knn__text_free(&part);
}
