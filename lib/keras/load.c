/* Loads whole models from Keras' files of all kinds. What is in them is read by config.c, training_config.c, weights.c
 * and state.c; weights for a model that exists: load_weights.c. */
#include "keras/config.h"
#include "keras/optimizer_state.h"
#include "keras/source.h"
#include "keras/training_config.h"
#include "keras/weights.h"

#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"

#include <string.h>

/* ---- A whole model ---- */

typedef struct loader {
    knn_load_options options;
    knn__source source;
    cJSON *config_json, *training_json, *state_json;
    knn__reading reading;
    knn__config config;
    bool nested;                            /* the weights lie in Keras 3's own layout */
    knn__stored stored;
    knn__pairing pairing;
    knn__state state;
    knn_model *model;
} loader;

static knn_status read_layers(loader *l)
{
    knn_status status = knn__source_expect_model(&l->source);

    if (status == KNN_OK)
        status = knn__source_json(&l->source, "model_config", &l->config_json);
    if (status == KNN_OK)
        status = knn__source_state(&l->source, &l->state_json, &l->state);
    if (status == KNN_OK)
        status = knn__source_is_old(&l->source, &l->reading.old);
    l->reading.old = l->reading.old && l->state_json == NULL; /* files of ours say 2.15 and mean Keras 3's formulas */
    if (status == KNN_OK)
        status = knn__config_read(&l->config, &l->reading, l->config_json, l->options.layers);
    return status;
}

static knn_status make_model(loader *l)
{
    const knn_load_options *o = &l->options;
    const knn_model_options options = {.size = sizeof options, .name = l->config.name, .backend = o->backend,
                                       .threads = o->threads, .float32 = o->float32,
                                       .seed = o->seed == 0 && l->state.has_training ? l->state.seed : o->seed};

    l->model = knn_sequential_with(&options);
    return l->model != NULL ? knn__config_build(&l->config, &l->reading, l->model) : KNN_ERROR_UNSUPPORTED;
}

/* In Keras 3's own layout each layer has its place, by the classes that the file says. */
static knn_status read_nested(loader *l)
{
    size_t count = 0;
    knn__place *places = knn__alloc(l->config.count, sizeof *places);

    if (places == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < l->config.count; i++) {
        const knn__config_layer *layer = &l->config.layers[i];
        if (l->model->layers[i].weight_count > 0)
            places[count++] = (knn__place){l->model->layers[i].name, layer->class_name, layer->container};
    }
    knn_status status = knn__stored_read_nested(l->source.file, places, count, &l->stored);
    knn__free(places);
    return status;
}

/* Memory for the weights is asked for when the file has been seen to hold them. */
static knn_status fill_weights(loader *l, const knn__unit *units, size_t count)
{
    knn_status status = knn__pair(l->model, units, count, &l->stored, l->nested ? KNN__BY_ORDER : KNN__BY_OWN_NAME, false, &l->pairing);

    if (status == KNN_OK)
        status = knn__model_allocate(l->model);
    if (status == KNN_OK)
        status = knn__read_weights(l->source.file, l->model, &l->stored, &l->pairing, l->model->weights);
    if (status == KNN_OK)
        knn__weights_changed(l->model);
    return status;
}

static knn_status load_weights_of_model(loader *l)
{
    size_t count = 0;
    knn__unit *units = NULL;

    l->nested = knn__source_is_nested(&l->source);
    knn_status status = l->nested ? read_nested(l) : knn__stored_read(l->source.file, "model_weights", &l->stored);
    if (status == KNN_OK)
        status = l->nested ? knn__layers_of(l->model, &units, &count) : knn__units_for(l->model, &l->stored, &units, &count);
    if (status == KNN_OK)
        status = fill_weights(l, units, count);
    knn__units_free(units, count);
    return status;
}

/* A training configuration that is not understood, or does not fit the model, leaves it uncompiled. */
static knn_status compile(loader *l)
{
    knn_compile_options options;
    knn_status status = knn__source_json(&l->source, "training_config", &l->training_json);

    if (status == KNN_ERROR_MEMORY)
        return status;
    if (l->training_json == NULL || !knn__training_config_read(&l->reading, l->training_json, l->state_json, &options))
        return l->reading.no_memory ? KNN_ERROR_MEMORY : KNN_OK;
    status = knn_compile_with(l->model, &options);
    if (status == KNN_ERROR_MEMORY)
        return status;
    l->model->broken = KNN_OK;
    return KNN_OK;
}

static knn_status load_training(loader *l)
{
    knn_status status = l->options.no_compile ? KNN_OK : compile(l);

    l->state.has_training = l->state.has_training && l->model->compiled.done;
    if (status == KNN_OK && l->state.has_training)
        status = knn__state_read_arrays(l->source.file, l->model, &l->state);
    else if (status == KNN_OK && l->state_json == NULL && l->model->compiled.done)
        status = knn__optimizer_state_read(l->source.file, l->model, &l->stored, &l->pairing, l->nested, &l->state);
    if (status == KNN_OK)
        status = knn__state_give_classes(&l->state, l->model);
    if (status == KNN_OK)
        knn__state_give_training(&l->state, l->model);
    return status;
}

static knn_status load(loader *l)
{
    knn_status status = read_layers(l);

    if (status == KNN_OK)
        status = make_model(l);
    if (status == KNN_OK)
        status = load_weights_of_model(l);
    if (status == KNN_OK)
        status = load_training(l);
    return status == KNN_OK ? KNN_OK : knn__context(status, "%s", l->source.name);
}

knn_model *knn_load_model_with(const knn_load_options *given)
{
    loader l = {0};
    knn_status status = knn__copy_options(&l.options, sizeof l.options, given, given != NULL ? given->size : 0,
                                          "knn_load_model options");

    if (status == KNN_OK)
        status = knn__source_open(&l.source, l.options.path, l.options.data, l.options.data_size);
    if (status == KNN_OK)
        status = load(&l);
    if (status == KNN_OK)
        knn__clear_error();
    else {
        knn_model_free(l.model);
        l.model = NULL;
    }
    knn__pairing_free(&l.pairing);
    knn__stored_free(&l.stored);
    knn__state_free(&l.state);
    knn__config_free(&l.config);
    knn__reading_free(&l.reading);
    knn__json_delete(l.config_json);
    knn__json_delete(l.training_json);
    knn__json_delete(l.state_json);
    knn__source_close(&l.source);
    return l.model;
}

knn_model *knn_load_model_file(const char *path)
{
    return knn_load_model(path);
}
