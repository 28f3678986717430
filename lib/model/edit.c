/* Changes a model that exists: fewer layers, frozen ones, layers of another model. Its weights stay what they are: while there is no
 * arena to hold them, each lies in a block of its own. Does not load files, and does not train. */
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "model/model.h"

#include <string.h>

/* ---- Taking apart ---- */

/* The values of a weight in a block of their own. */
static float *copy_values(const knn_model *model, const knn__model_weight *weight)
{
    float *values = knn__alloc(weight->length, sizeof *values);
    if (values != NULL)
        memcpy(values, model->weights + weight->offset, weight->length * sizeof *values);
    return values;
}

static void forget_kept(knn_model *model)
{
    for (size_t i = 0; i < model->weight_count; i++) {
        knn__free(model->weights_table[i].kept);
        model->weights_table[i].kept = NULL;
    }
}

knn_status knn__model_take_apart(knn_model *model)
{
    for (size_t i = 0; model->weights != NULL && i < model->weight_count; i++) {
        knn__model_weight *weight = &model->weights_table[i];
        weight->kept = copy_values(model, weight);
        if (weight->kept == NULL) {
            forget_kept(model);
            return KNN_ERROR_MEMORY;
        }
    }
    knn__model_free_arenas(model);
    knn__release_compiled(model);
    knn__training_state_clear(&model->training);
    return KNN_OK;
}

/* ---- knn_pop ---- */

static void remove_last(knn_model *model)
{
    knn__model_layer *layer = &model->layers[--model->layer_count];
    for (; layer->weight_count > 0; layer->weight_count--) {
        knn__model_weight *weight = &model->weights_table[--model->weight_count];
        knn__free(weight->name);
        knn__free(weight->kept);
    }
    knn__layer_forget(layer->description);
    knn__free(layer->name);
}

/* The last one may be a model. */
static size_t first_of_last(const knn_model *model)
{
    size_t first = 0;
    for (size_t end = 0; end < model->layer_count; end = knn__unit_end(model, end, 0))
        first = end;
    return first;
}

knn_status knn_pop(knn_model *model)
{
    knn_status status = knn__model_write_alone(model, "knn_pop");

    if (status != KNN_OK)
        return status;
    status = model->layer_count > 0 ? knn__model_take_apart(model) : knn__fail(KNN_ERROR_STATE, "knn_pop: the model has no layers");
    if (status == KNN_OK) {
        for (size_t left = first_of_last(model); model->layer_count > left;)
            remove_last(model);
        status = knn__set_class_names(model, NULL, 0);
    }
    knn__model_write_end(model);
    return status;
}

/* ---- knn_set_trainable ---- */

/* What the layer's kind says of its weights now. */
static void read_trainable(knn_model *model, const knn__model_layer *layer)
{
    knn__weight_spec spec;
    for (int i = 0; i < layer->weight_count && layer->kind->weights(layer->description, &layer->in, i, &spec); i++)
        model->weights_table[layer->first_weight + i].spec.trainable = spec.trainable;
}

static knn_status check_trainable(const knn__model_layer *layer)
{
    if (layer->weight_count == 0 || knn__layer_frozen(layer->description) != NULL)
        return KNN_OK;
    return knn__fail(KNN_ERROR_UNSUPPORTED, "knn_set_trainable: %s: class %s has no field \"trainable\"", layer->name,
                     layer->description->class_name);
}

/* Layers without weights may lack the option. */
static void set_trainable(knn_model *model, const knn__model_layer *layer, bool trainable)
{
    bool *frozen = knn__layer_frozen(layer->description);
    if (frozen == NULL)
        return;
    *frozen = !trainable;
    read_trainable(model, layer);
}

/* The layers [*first, *end) of a name: one, or those of a model inside; false: there is none. */
static bool find_layers(const knn_model *model, const char *name, size_t *first, size_t *end)
{
    *first = 0;
    while (*first < model->layer_count && !knn__is_within(model->layers[*first].name, name))
        ++*first;
    *end = *first;
    while (*end < model->layer_count && knn__is_within(model->layers[*end].name, name))
        ++*end;
    return *first < *end;
}

/* Of layers [first, end): all or none. */
static knn_status set_layers_trainable(knn_model *model, size_t first, size_t end, bool trainable)
{
    knn_status status = KNN_OK;
    for (size_t i = first; i < end && status == KNN_OK; i++)
        status = check_trainable(&model->layers[i]);
    if (status == KNN_OK)
        status = knn__model_take_apart(model);
    for (size_t i = first; i < end && status == KNN_OK; i++)
        set_trainable(model, &model->layers[i], trainable);
    return status;
}

knn_status knn_set_trainable(knn_model *model, const char *layer, bool trainable)
{
    knn_status status = knn__model_write_alone(model, "knn_set_trainable");

    if (status != KNN_OK)
        return status;
    size_t first = 0, end = model->layer_count;
    if (layer == NULL || find_layers(model, layer, &first, &end))
        status = set_layers_trainable(model, first, end, trainable);
    else
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_set_trainable: there is no layer \"%s\"", layer);
    knn__model_write_end(model);
    return status;
}

/* ---- knn_add_layers, knn_add_model ---- */

/* The weights of the model's last layer begin with those of a layer of another model; the shapes must be the same. */
static knn_status take_weights(knn_model *model, const knn_model *from, const knn__model_layer *original)
{
    const knn__model_layer *layer = &model->layers[model->layer_count - 1];
    for (int i = 0; i < layer->weight_count; i++) {
        knn__model_weight *weight = &model->weights_table[layer->first_weight + i];
        const knn__model_weight *given = &from->weights_table[original->first_weight + i];
        if (memcmp(weight->spec.shape, given->spec.shape, (size_t)weight->spec.rank * sizeof(int)) != 0)
            return knn__fail(KNN_ERROR_SHAPE, "%s does not fit: the other model's input has another shape", weight->name);
        weight->kept = copy_values(from, given);
        if (weight->kept == NULL)
            return KNN_ERROR_MEMORY;
    }
    return KNN_OK;
}

static knn_status add_layer(knn_model *model, const char *inside, const knn_model *from, const knn__model_layer *original, bool frozen)
{
    knn__model_layer layer = {.name = knn__copy_text(original->name), .automatic = original->automatic};
    if (layer.name == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = knn__layer_duplicate(original->description, &layer.description);
    if (status == KNN_OK && frozen && knn__layer_frozen(layer.description) != NULL)
        *knn__layer_frozen(layer.description) = true;
    if (status == KNN_OK)
        status = knn__model_append(model, inside, &layer);
    if (status == KNN_OK)
        return take_weights(model, from, original);
    knn__layer_forget(layer.description);
    knn__free(layer.name);
    return status;
}

/* Copies of the first `count` layers, into the model inside of the name `inside` (NULL: none). */
static knn_status add_copies(knn_model *model, const char *inside, const knn_model *from, size_t count, bool frozen)
{
    knn_status status = knn__model_build((knn_model *)(uintptr_t)from);
    if (status == KNN_OK)
        status = knn__model_take_apart(model);
    if (model->input.rank == 0)
        model->input = from->input;
    for (size_t i = 0; i < count && status == KNN_OK; i++)
        status = add_layer(model, inside, from, &from->layers[i], frozen);
    return status;
}

/* Both functions begin and end with these: the other model is read meanwhile; failures stick. */
static knn_status begin_copies(const knn_model *model, const knn_model *from, const char *function)
{
    if (from == model)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: a model cannot be added to itself", function);
    return knn__model_read(from, function);
}

static knn_status end_copies(knn_model *model, knn_status status)
{
    if (status != KNN_OK)
        knn__model_break(model, status);
    knn__model_write_end(model);
    return status;
}

static knn_status add_layers(knn_model *model, const knn_add_layers_options *options)
{
    size_t first, end = options->from->layer_count;
    if (options->up_to != NULL && !find_layers(options->from, options->up_to, &first, &end))
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_add_layers: there is no layer \"%s\"", options->up_to);
    return add_copies(model, NULL, options->from, end, options->frozen);
}

knn_status knn_add_layers_with(knn_model *model, const knn_add_layers_options *given)
{
    knn_add_layers_options options;
    knn_status status = knn__model_write_alone(model, "knn_add_layers");

    if (status != KNN_OK)
        return status;
    status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_add_layers options");
    if (status == KNN_OK)
        status = begin_copies(model, options.from, "knn_add_layers");
    if (status == KNN_OK) {
        status = add_layers(model, &options);
        knn__model_read_end(options.from);
    }
    return end_copies(model, status);
}

/* The name given, or the other model's, which is numbered where there is one already. */
static knn_status choose_inner_name(const knn_model *model, const knn_add_model_options *options, char **name)
{
    const char *wanted = options->name != NULL ? options->name : options->from->name;

    if (wanted[0] == '\0' || strchr(wanted, '/') != NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_add_model: name \"%s\": expected a name without \"/\"", wanted);
    *name = knn__free_name(model, NULL, wanted, 0);
    if (*name == NULL)
        return KNN_ERROR_MEMORY;
    if (options->name != NULL && strcmp(*name, wanted) != 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_add_model: %s: a layer of this name exists already", wanted);
    return KNN_OK;
}

static knn_status add_model(knn_model *model, const knn_add_model_options *options)
{
    char *name = NULL;
    knn_status status = options->from->layer_count > 0 ? choose_inner_name(model, options, &name)
                                                       : knn__fail(KNN_ERROR_STATE, "knn_add_model: the other model has no layers");
    if (status == KNN_OK)
        status = add_copies(model, name, options->from, options->from->layer_count, options->frozen);
    knn__free(name);
    return status;
}

knn_status knn_add_model_with(knn_model *model, const knn_add_model_options *given)
{
    knn_add_model_options options;
    knn_status status = knn__model_write_alone(model, "knn_add_model");

    if (status != KNN_OK)
        return status;
    status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_add_model options");
    if (status == KNN_OK)
        status = begin_copies(model, options.from, "knn_add_model");
    if (status == KNN_OK) {
        status = add_model(model, &options);
        knn__model_read_end(options.from);
    }
    return end_copies(model, status);
}
