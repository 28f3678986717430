/* The sequential model: making, adding layers, freeing. Does not run it: predict.c, step.c. Who may use it when: access.c. */
#include "model/model.h"

#include "core/memory.h"
#include "core/options.h"
#include "core/parallel.h"
#include "core/status.h"
#include "core/text.h"
#include "model/history.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ---- Making and freeing ---- */

knn_model *knn_sequential_with(const knn_model_options *given)
{
    knn_model_options options;

    if (knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_sequential options") != KNN_OK)
        return NULL;
    if (options.float32 != KNN_FLOAT32_STRICT && options.float32 != KNN_FLOAT32_TENSOR) {
        knn__fail(KNN_ERROR_ARGUMENT, "knn_sequential: float32 is %d, expected 0 to 1", (int)options.float32);
        return NULL;
    }
    const knn_backend *backend = knn__find_backend(options.backend);
    if (backend == NULL)
        return NULL;
    knn_model *model = knn__alloc(1, sizeof *model);
    if (model == NULL)
        return NULL;
    if (pthread_mutex_init(&model->lock, NULL) != 0) {
        knn__free(model);
        knn__fail(KNN_ERROR_MEMORY, "knn_sequential: no mutex could be made");
        return NULL;
    }
    model->backend = backend;
    model->device = knn__device_number(options.backend);
    model->backend_is_ours = options.backend == NULL || strcmp(options.backend, "auto") == 0;
    model->threads = options.threads > 0 ? options.threads : knn__cores();
    model->seed = options.seed;
    model->tensor = options.float32 == KNN_FLOAT32_TENSOR;
    model->name = knn__copy_text(options.name != NULL ? options.name : "sequential");
    if (model->name == NULL) {
        knn_model_free(model);
        return NULL;
    }
    return model;
}

knn_model *knn_sequential_new(void) { return knn_sequential(); }

static void free_layers(knn_model *model)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        knn__layer_forget(model->layers[i].description);
        knn__free(model->layers[i].name);
    }
    for (size_t i = 0; i < model->weight_count; i++) {
        knn__free(model->weights_table[i].name);
        knn__free(model->weights_table[i].kept);
    }
    knn__free(model->layers);
    knn__free(model->weights_table);
    knn__free(model->input_name);
}

void knn__model_free_plans(knn_model *model)
{
    while (model->pool != NULL) {
        knn__pooled_plan *first = model->pool;
        model->pool = first->next;
        knn__plan_free(first->plan);
        knn__free(first);
    }
    knn__plan_free(model->training_plan);
    model->training_plan = NULL;
    knn__arrays_free(model, false);
}

void knn__model_free_arenas(knn_model *model)
{
    knn__model_free_plans(model);
    knn__arena_free(model->weights, model->weights_length * sizeof(float));
    knn__arena_free(model->gradients, model->trainable_length * sizeof(float));
    model->weights = model->gradients = NULL;
    for (int i = 0; i < KNN_MAX_SLOTS; i++) {
        knn__arena_free(model->slots[i], model->trainable_length * sizeof(float));
        model->slots[i] = NULL;
    }
}

void knn_model_free(knn_model *model)
{
    if (model == NULL)
        return;
    knn__model_free_arenas(model);
    knn__free(model->sample_losses);
    knn__free(model->stretches);
    knn__release_compiled(model);
    knn__training_state_clear(&model->training);
    knn__history_free(model->history);
    knn__set_class_names(model, NULL, 0);
    knn__set_preprocessing(model, NULL);
    free_layers(model);
    knn__free(model->name);
    pthread_mutex_destroy(&model->lock);
    knn__free(model);
}

/* ---- Adding layers ---- */

bool knn__is_within(const char *name, const char *path)
{
    size_t length = strlen(path);
    return strncmp(name, path, length) == 0 && (name[length] == '\0' || name[length] == '/');
}

static bool name_taken(const knn_model *model, const char *name)
{
    for (size_t i = 0; i < model->layer_count; i++)
        if (knn__is_within(model->layers[i].name, name))
            return true;
    return false;
}

/* PREFIX, INSIDE/PREFIX, INSIDE/PREFIX_2. */
static char *number_name(const char *inside, const char *prefix, int number)
{
    knn__text name = {0};

    knn__text_add(&name, "%s%s%s", inside != NULL ? inside : "", inside != NULL ? "/" : "", prefix);
    if (number > 0)
        knn__text_add(&name, "_%d", number);
    if (!name.failed)
        return name.data;
    knn__text_free(&name);
    return NULL;
}

char *knn__free_name(const knn_model *model, const char *inside, const char *prefix, int number)
{
    char *name = number_name(inside, prefix, number);
    while (name != NULL && name_taken(model, name)) {
        knn__free(name);
        name = number_name(inside, prefix, ++number);
    }
    return name;
}

/* Keras' automatic name: conv2d, conv2d_1, ..: layers that the user named do not count, but a name that one of them has is passed over. */
static char *automatic_name(const knn_model *model, const char *inside, const char *class_name)
{
    char prefix[128];
    int counted = 0;
    size_t depth = inside != NULL ? strlen(inside) + 1 : 0;

    knn__snake_case(class_name, prefix, sizeof prefix);
    for (size_t i = 0; i < model->layer_count; i++) {
        const knn__model_layer *layer = &model->layers[i];
        if (layer->automatic && strcmp(layer->description->class_name, class_name) == 0 &&
            (inside == NULL || knn__is_within(layer->name, inside)) && strchr(layer->name + depth, '/') == NULL)
            counted++;
    }
    return knn__free_name(model, inside, prefix, counted);
}

static knn_status choose_name(const knn_model *model, const char *inside, knn__model_layer *layer)
{
    const char *given = layer->name != NULL ? layer->name : knn__layer_given_name(layer->kind, layer->description);

    if (layer->name == NULL && given != NULL && (given[0] == '\0' || strchr(given, '/') != NULL))
        return knn__fail(KNN_ERROR_ARGUMENT, "layer name \"%s\": expected a name without \"/\"", given);
    if (layer->name == NULL)
        layer->automatic = given == NULL;
    char *name = given != NULL ? number_name(inside, given, 0) : automatic_name(model, inside, layer->description->class_name);
    if (name == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status =
        name_taken(model, name) ? knn__fail(KNN_ERROR_ARGUMENT, "%s: a layer of this name exists already", name) : KNN_OK;
    knn__free(layer->name);
    layer->name = name;
    return status;
}

static knn_status add_weight(knn_model *model, const knn__model_layer *layer, const knn__weight_spec *spec)
{
    size_t length = 1;
    knn_status status = knn__weight_check(spec);

    if (status != KNN_OK)
        return knn__context(status, "%s", layer->name);
    for (int i = 0; i < spec->rank; i++)
        if (__builtin_mul_overflow(length, (size_t)spec->shape[i], &length) || length > SIZE_MAX / 64)
            return knn__fail(KNN_ERROR_SHAPE, "%s: %s has too many elements", layer->name, spec->name);
    if (!knn__reserve((void **)&model->weights_table, &model->weight_capacity, model->weight_count + 1, sizeof *model->weights_table))
        return KNN_ERROR_MEMORY;
    knn__model_weight *weight = &model->weights_table[model->weight_count];
    *weight = (knn__model_weight){.name = number_name(layer->name, spec->name, 0), .short_name = spec->name, .layer = (int)model->layer_count, .spec = *spec,
        .length = length};
    if (weight->name == NULL)
        return KNN_ERROR_MEMORY;
    model->weight_count++;
    return KNN_OK;
}

static knn_status add_weights(knn_model *model, knn__model_layer *layer)
{
    knn__weight_spec spec;
    knn_status status = KNN_OK;

    layer->first_weight = (int)model->weight_count;
    if (layer->kind->weights == NULL)
        return KNN_OK;
    for (int i = 0; status == KNN_OK && layer->kind->weights(layer->description, &layer->in, i, &spec); i++)
        if ((status = add_weight(model, layer, &spec)) == KNN_OK)
            layer->weight_count++;
    return status;
}

/* Kernels count in ints. */
static knn_status expect_countable(const knn_shape *shape)
{
    double numbers = 1;
    char text[64];

    for (int i = 0; i < shape->rank; i++)
        numbers *= shape->size[i];
    if (numbers <= INT_MAX)
        return KNN_OK;
    knn__shape_text(shape, text, sizeof text);
    return knn__fail(KNN_ERROR_SHAPE, "%s are more numbers a sample than %d", text, INT_MAX);
}

static knn_status set_input(knn_model *model, const knn_input_layer *input)
{
    if (model->input.rank > 0)
        return knn__fail(KNN_ERROR_STATE, "knn_input: only the first layer can be an input");
    knn_status status = knn__layer_kind_of(&input->layer)->shape(&input->layer, NULL, &model->input);
    if (status == KNN_OK)
        status = expect_countable(&model->input);
    if (status != KNN_OK)
        return knn__context(status, "input");
    if (input->name != NULL && (model->input_name = knn__copy_text(input->name)) == NULL)
        return KNN_ERROR_MEMORY;
    return KNN_OK;
}

knn_status knn__model_append(knn_model *model, const char *inside, knn__model_layer *layer)
{
    layer->kind = knn__layer_kind_of(layer->description);
    knn_status status = choose_name(model, inside, layer);
    if (status != KNN_OK)
        return status;
    layer->in = knn__model_output(model);
    status = layer->kind->shape(layer->description, &layer->in, &layer->out);
    if (status == KNN_OK)
        status = expect_countable(&layer->out);
    if (status != KNN_OK)
        return knn__context(status, "%s", layer->name);
    status = add_weights(model, layer);
    if (status != KNN_OK)
        return status;
    if (!knn__reserve((void **)&model->layers, &model->layer_capacity, model->layer_count + 1, sizeof *model->layers))
        return KNN_ERROR_MEMORY;
    model->layers[model->layer_count++] = *layer;
    knn__backend_meets(model, layer);
    return KNN_OK;
}

knn_status knn__model_add(knn_model *model, const char *inside, const knn_layer *given)
{
    knn__model_layer layer = {0};
    knn_status status = knn__layer_copy(given, &layer.description);
    if (status == KNN_OK)
        status = knn__model_take_apart(model);
    if (status != KNN_OK) {
        knn__layer_forget(layer.description);
        return status;
    }
    if (strcmp(layer.description->class_name, "InputLayer") == 0) {
        status = set_input(model, (const knn_input_layer *)(const void *)layer.description);
        knn__layer_forget(layer.description);
        return status;
    }
    status = model->input.rank > 0
                 ? knn__model_append(model, inside, &layer)
                 : knn__fail(KNN_ERROR_SHAPE, "knn_add: the first layer must be knn_input(height, width, channels), got %s",
                             layer.description->class_name);
    if (status != KNN_OK) {
        knn__layer_forget(layer.description);
        knn__free(layer.name);
    }
    return status;
}

knn_status knn_add(knn_model *model, const knn_layer *layer)
{
    knn_status status = knn__model_write_alone(model, "knn_add");

    if (status != KNN_OK)
        return status;
    status = knn__model_add(model, NULL, layer);
    if (status != KNN_OK)
        knn__model_break(model, status);
    knn__model_write_end(model);
    return status;
}

/* ---- Looking at it ---- */

size_t knn__unit_end(const knn_model *model, size_t i, size_t depth)
{
    const char *name = model->layers[i].name, *slash = strchr(name + depth, '/');
    size_t end = i + 1;

    while (slash != NULL && end < model->layer_count && strncmp(model->layers[end].name, name, (size_t)(slash + 1 - name)) == 0)
        end++;
    return end;
}

const char *knn__unit_name(const knn_model *model, size_t i, size_t depth, int *length, bool *is_model)
{
    const char *name = model->layers[i].name + depth;

    *length = (int)strcspn(name, "/");
    *is_model = name[*length] != '\0';
    return name;
}

knn_shape knn__model_output(const knn_model *model)
{
    return model->layer_count > 0 ? model->layers[model->layer_count - 1].out : model->input;
}

void knn__output_rows(const knn_model *model, int *positions, int *outputs)
{
    knn_shape shape = knn__model_output(model);
    knn_extent extent = knn__shape_extent(&shape);
    *positions = extent.height * extent.width;
    *outputs = extent.channels;
}

size_t knn__target_length(const knn_model *model)
{
    knn_shape output = knn__model_output(model);
    return knn__loss_target_length(&model->compiled.loss, &output);
}

const char *knn_backend_name(const knn_model *model) { return model != NULL ? model->backend->name : ""; }
size_t knn_input_length(const knn_model *model) { return model != NULL ? knn__shape_length(&model->input) : 0; }
size_t knn_layer_count(const knn_model *model) { return model != NULL ? model->layer_count : 0; }

size_t knn_output_length(const knn_model *model)
{
    if (model == NULL)
        return 0;
    knn_shape output = knn__model_output(model);
    return knn__shape_length(&output);
}

const char *knn_layer_name(const knn_model *model, size_t index)
{
    return model != NULL && index < model->layer_count ? model->layers[index].name : NULL;
}

knn_status knn__model_nodes(const knn_model *model, knn_node **nodes, int *count)
{
    *count = 0;
    *nodes = knn__alloc(KNN_LAYER_NODES * model->layer_count + 1, sizeof **nodes);
    if (*nodes == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++) {
        const knn__model_layer *layer = &model->layers[i];
        knn_node *first = *nodes + *count;
        int made = layer->kind->nodes(layer->description, &layer->in, &layer->out, first);
        for (int n = 0; n < made; n++) {
            first[n].name = layer->name;
            first[n].layer = (int)i;
        }
        for (int w = 0; w < layer->weight_count; w++) {
            const knn__model_weight *weight = &model->weights_table[layer->first_weight + w];
            first[weight->spec.node].weight[weight->spec.place] = (knn_node_weight){weight->offset, weight->length, weight->spec.trainable};
        }
        *count += made;
    }
    return KNN_OK;
}
