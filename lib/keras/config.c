/* Reads model_config of Keras 1 to 3: Sequential models, also nested ones, and Functional ones that are a straight
 * chain (functional.c). Does not read weights and does not write: see config_write.c. */
#include "keras/config.h"

#include "core/memory.h"
#include "core/status.h"
#include "keras/earlier.h"
#include "keras/functional.h"
#include "keras/layout.h"
#include "keras/limits.h"

#include <stdio.h>
#include <string.h>

typedef struct config_reader {
    knn__config *config;
    knn__reading *reading;
    const knn_layer_class *const *classes;
    int models;                             /* inside the model, so far */
} config_reader;

enum { SEQUENTIAL, FUNCTIONAL, MODEL, MODEL_CLASSES };
static const char *const model_classes[MODEL_CLASSES] = {"Sequential", "Functional", "Model"};

/* A model whose layers are being read: the whole one, or one inside. */
typedef struct model_reader {
    int depth;
    const char *inside, *container;         /* what its layers are in: knn__config_layer */
    int models[MODEL_CLASSES];              /* inside it, so far */
} model_reader;

static knn_status flatten(config_reader *reader, const cJSON *object, model_reader *model);

static void add_problem(knn__config *config, const char *name, const char *class_name, const char *reason)
{
    knn__text_add(&config->problems, "%s%.80s (%.80s)%s%s", config->problems.length > 0 ? "; " : "",
                  name != NULL ? name : "a layer", class_name, reason[0] != '\0' ? ": " : "", reason);
}

/* ---- The input's shape ---- */

/* [null, 150, 150, 3]; the batch does not matter. */
static bool read_shape(const cJSON *item, knn_shape *shape)
{
    int count = cJSON_GetArraySize(item);

    *shape = (knn_shape){0};
    if (!cJSON_IsArray(item) || count < 2 || count > 4)
        return false;
    for (int i = 1; i < count; i++)
        if (!knn__json_int(cJSON_GetArrayItem(item, i), &shape->size[i - 1]) || shape->size[i - 1] < 1)
            return false;
    shape->rank = count - 1;
    return true;
}

/* The first shape that the file tells is the model's input. */
static void note_input(knn__config *config, const char *name, const char *class_name, const cJSON *shape)
{
    if (config->input.rank > 0 || shape == NULL || read_shape(shape, &config->input))
        return;
    config->input.rank = 0;
    add_problem(config, name, class_name, "an input that is not of 1 to 3 fixed sizes");
}

static const cJSON *shape_of(const cJSON *config)
{
    const cJSON *shape = knn__json_get(config, "batch_shape");
    return shape != NULL ? shape : knn__json_get(config, "batch_input_shape");
}

/* ---- Flattening: models inside the model to stretches of one list ---- */

/* MODEL_CLASSES: a layer. */
static int model_class(const char *class_name)
{
    int i = 0;
    while (i < MODEL_CLASSES && !knn__same_class(class_name, model_classes[i]))
        i++;
    return i;
}

/* Names of TensorFlow may have slashes: here they part the names of models inside from their layers'. */
static void replace_slashes(char *name)
{
    for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash, '/'))
        *slash = '_';
}

/* What the layers of a model inside are inside of; the models of Keras before 2.2.3 have no names. */
static const char *path_of(config_reader *reader, const char *name, const char *inside)
{
    char number[40];

    if (name == NULL) {
        snprintf(number, sizeof number, "sequential_%d", ++reader->config->nameless);
        name = number;
    }
    size_t depth = inside != NULL ? strlen(inside) + 1 : 0, size = depth + strlen(name) + 1;
    if (size > KNN__H5_PATH_LIMIT) {
        knn__fail(KNN_ERROR_UNSUPPORTED, "model_config: names of models longer than %d", KNN__H5_PATH_LIMIT);
        return NULL;
    }
    char *path = knn__reading_alloc(reader->reading, 1, size);
    if (path == NULL)
        return NULL;
    snprintf(path, size, "%s%s%s", inside != NULL ? inside : "", inside != NULL ? "/" : "", name);
    replace_slashes(path + depth);
    return path;
}

/* The place of a model inside in Keras 3's files: a class is counted among the layers of one model. */
static const char *container_of(config_reader *reader, int class_of, model_reader *outer)
{
    char name[32];
    int before = outer->models[class_of]++;
    size_t size = strlen(outer->container) + 64;
    char *container = knn__reading_alloc(reader->reading, 1, size);

    knn__snake_case(model_classes[class_of], name, sizeof name);
    if (container != NULL)
        snprintf(container, size, before > 0 ? "%slayers/%s_%d/" : "%slayers/%s/", outer->container, name, before);
    return container;
}

static knn_status add_model(config_reader *reader, const cJSON *object, int class_of, model_reader *outer)
{
    if (++reader->models > KNN__LAYERS_LIMIT)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "model_config: more than %d models in each other", KNN__LAYERS_LIMIT);
    model_reader model = {.depth = outer->depth + 1, .inside = path_of(reader, knn__layer_name(object), outer->inside),
                           .container = container_of(reader, class_of, outer)};
    if (model.inside == NULL || model.container == NULL)
        return reader->reading->no_memory ? KNN_ERROR_MEMORY : KNN_ERROR_UNSUPPORTED;
    return flatten(reader, object, &model);
}

/* A layer, or a model inside. */
static knn_status add_layer(config_reader *reader, const cJSON *layer, model_reader *outer)
{
    knn__config *config = reader->config;
    knn__config_layer entry = {.class_name = knn__json_text(knn__json_get(layer, "class_name")),
                               .name = knn__layer_name(layer), .config = knn__json_get(layer, "config"), .inside = outer->inside,
                               .container = outer->container};

    if (entry.class_name == NULL)
        return knn__fail(KNN_ERROR_FORMAT, "model_config: a layer without class_name");
    int class_of = model_class(entry.class_name);
    if (class_of != MODEL_CLASSES)
        return add_model(reader, layer, class_of, outer);
    note_input(config, entry.name, entry.class_name, shape_of(entry.config));
    if (knn__same_class(entry.class_name, "InputLayer")) {
        if (config->input_name == NULL && config->count == 0)
            config->input_name = entry.name;
        return KNN_OK;
    }
    if (config->count >= KNN__LAYERS_LIMIT)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "model_config: more than %d layers", KNN__LAYERS_LIMIT);
    if (!knn__reserve((void **)&config->layers, &config->capacity, config->count + 1, sizeof *config->layers))
        return KNN_ERROR_MEMORY;
    config->layers[config->count++] = entry;
    return KNN_OK;
}

static knn_status flatten_functional(config_reader *reader, const cJSON *object, model_reader *model)
{
    const cJSON *config = knn__json_get(object, "config");
    knn__functional f;
    knn_status status = knn__functional_read(reader->reading, config, &f);

    if (status == KNN_OK && !f.straight)
        add_problem(reader->config, knn__json_text(knn__json_get(config, "name")), "Functional",
                    "its layers are not a straight chain from one input to one output");
    for (size_t i = 0; i < f.count && status == KNN_OK; i++)
        status = add_layer(reader, f.layers[i], model);
    return status;
}

/* The layers are a list in "layers", up to Keras 2.2.2 the config itself. */
static knn_status flatten_sequential(config_reader *reader, const cJSON *object, model_reader *model)
{
    const cJSON *config = knn__json_get(object, "config"),
                *layers = cJSON_IsArray(config) ? config : knn__json_get(config, "layers"), *layer;
    bool first = reader->config->count == 0;
    knn_status status =
        cJSON_IsArray(layers) ? KNN_OK : knn__fail(KNN_ERROR_FORMAT, "model_config: a Sequential model without layers");

    cJSON_ArrayForEach(layer, layers)
        if (status == KNN_OK)
            status = add_layer(reader, layer, model);
    if (first)
        note_input(reader->config, knn__json_text(knn__json_get(config, "name")), "Sequential",
                   knn__json_get(config, "build_input_shape"));
    return status;
}

static knn_status flatten(config_reader *reader, const cJSON *object, model_reader *model)
{
    const char *class_name = knn__json_text(knn__json_get(object, "class_name"));
    int class_of = class_name != NULL ? model_class(class_name) : MODEL_CLASSES;

    if (model->depth > KNN__NESTING_LIMIT)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "model_config: models nested more than %d deep", KNN__NESTING_LIMIT);
    if (class_of == MODEL_CLASSES)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "model_config: class %.80s, only Sequential models and straight chains are supported",
                         class_name != NULL ? class_name : "missing");
    return class_of == SEQUENTIAL ? flatten_sequential(reader, object, model) : flatten_functional(reader, object, model);
}

/* ---- Describing: each layer's config to its description ---- */

static bool expect_format(knn__reading *reading, const cJSON *config, const char *key, const char *expected, const char *other)
{
    const char *format = knn__json_text(knn__json_get(config, key));
    if (format == NULL || strcmp(format, expected) == 0 || strcmp(format, other) == 0 || strcmp(format, "default") == 0)
        return true;
    return knn__unsupported(reading, "%s '%.40s'", key, format);
}

/* "float32", {"class_name": "DTypePolicy", "config": {"name": "float32"}}: reduced precisions are run in float32. */
static bool expect_floats(knn__reading *reading, const cJSON *dtype)
{
    const char *name =
        knn__json_text(cJSON_IsObject(dtype) ? knn__json_get(knn__json_get(dtype, "config"), "name") : dtype);
    if (name == NULL || strncmp(name, "float", 5) == 0 || strncmp(name, "bfloat", 6) == 0 ||
        strncmp(name, "mixed", 5) == 0)
        return true;
    return knn__unsupported(reading, "dtype '%.40s'", name);
}

static bool expect_off(knn__reading *reading, const cJSON *config, const char *key)
{
    const cJSON *item = knn__json_get(config, key);
    bool on = true;
    if (item == NULL || (knn__json_bool(item, &on) && !on))
        return true;
    return knn__unsupported(reading, "%s", key);
}

/* Options that change what a layer computes and that no description has. */
static bool check_options(knn__reading *reading, const cJSON *config)
{
    return expect_format(reading, config, "data_format", "channels_last", "channels_first") &&
           expect_floats(reading, knn__json_get(config, "dtype")) &&
           expect_off(reading, config, "quantization_config") && expect_off(reading, config, "renorm") &&
           expect_off(reading, config, "virtual_batch_size") && expect_off(reading, config, "antialias") &&
           expect_off(reading, config, "rms_scaling") && expect_off(reading, config, "mask_zero") &&
           expect_off(reading, config, "lora_rank") &&
           (knn__json_text(knn__json_get(config, "mode")) != NULL ||      /* RandomFlip's; Keras 1's batch normalization has a number */
            expect_off(reading, config, "mode"));
}

static knn_layer *no_such_layer(knn__reading *reading, const char *class_name)
{
    static const char *const code[] = {"Lambda", "TFOpLambda", "TensorFlowOpLayer"};
    bool is_code = false;

    for (size_t i = 0; i < sizeof code / sizeof *code; i++)
        is_code = is_code || knn__text_equal(class_name, code[i]);
    knn__unsupported(reading, is_code ? "a function of Python's, which a file only names or keeps as byte code" : "libknn has no such layer");
    return NULL;
}

static knn_layer *describe_custom(knn__reading *reading, const knn_layer_class *own, const cJSON *config)
{
    const knn__kind kind = {.class_name = own->class_name, .size = own->description_size, .fields = own->fields};
    knn_layer *layer = own->description_size >= sizeof *layer ? knn__read_description(reading, &kind, config) : NULL;
    if (layer != NULL)
        layer->custom = own;
    return layer;
}

static knn_layer *describe(config_reader *reader, const knn__config_layer *layer)
{
    for (const knn_layer_class *const *own = reader->classes; own != NULL && *own != NULL; own++)
        if (knn__text_equal((*own)->class_name, layer->class_name))
            return describe_custom(reader->reading, *own, layer->config);
    const knn__kind *kind = knn__find_class(knn__layer_kinds, layer->class_name);
    if (kind == NULL)
        return no_such_layer(reader->reading, layer->class_name);
    if (!check_options(reader->reading, layer->config))
        return NULL;
    return knn__read_description(reader->reading, kind, layer->config);
}

/* A name without slashes. */
static knn_status settle_name(config_reader *reader, knn__config_layer *layer)
{
    const knn__kind *kind = knn__find_kind(knn__layer_kinds, layer->description->class_name);

    if (layer->description->custom != NULL || layer->name == NULL || kind == NULL || strchr(layer->name, '/') == NULL)
        return KNN_OK;
    size_t size = strlen(layer->name) + 1;
    char *name = knn__reading_alloc(reader->reading, 1, size);
    if (name == NULL)
        return KNN_ERROR_MEMORY;
    memcpy(name, layer->name, size);
    replace_slashes(name);
    layer->name = name;
    *(const char **)(void *)((char *)layer->description + kind->name_offset) = name;
    return KNN_OK;
}

static knn_status describe_all(config_reader *reader)
{
    knn__config *config = reader->config;
    knn_status status = KNN_OK;

    for (size_t i = 0; i < config->count && status == KNN_OK; i++) {
        knn__config_layer *layer = &config->layers[i];
        reader->reading->reason[0] = '\0';
        layer->description = describe(reader, layer);
        if (layer->description != NULL)
            status = settle_name(reader, layer);
        else if (reader->reading->no_memory)
            status = KNN_ERROR_MEMORY;
        else
            add_problem(config, layer->name, layer->class_name, reader->reading->reason);
    }
    return status;
}

knn_status knn__config_read(knn__config *config, knn__reading *reading, cJSON *json,
                            const knn_layer_class *const *classes)
{
    config_reader reader = {config, reading, classes, 0};
    model_reader whole = {.container = ""};

    *config = (knn__config){0};
    knn_status status = knn__earlier_update(json);
    if (status == KNN_OK) {
        config->name = knn__json_text(knn__json_get(knn__json_get(json, "config"), "name"));
        status = flatten(&reader, json, &whole);
    }
    if (status == KNN_OK)
        status = describe_all(&reader);
    if (status != KNN_OK)
        return status;
    if (config->problems.failed)
        return KNN_ERROR_MEMORY;
    if (config->problems.length > 0)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "not supported: %s", config->problems.data);
    if (config->input.rank == 0)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "model_config: the shape of the input is not known");
    return config->count > 0 ? KNN_OK : knn__fail(KNN_ERROR_FORMAT, "model_config: a model without layers");
}

void knn__config_free(knn__config *config)
{
    knn__free(config->layers);
    knn__text_free(&config->problems);
    *config = (knn__config){0};
}

/* ---- Building ---- */

/* A file's sizes cost its maker nothing. */
static knn_status check_numbers(const knn_model *model, const char *name)
{
    knn_shape shape = knn__model_output(model);
    size_t numbers = knn__shape_length(&shape);

    if (numbers <= KNN__NUMBERS_LIMIT)
        return KNN_OK;
    return knn__fail(KNN_ERROR_UNSUPPORTED, "%.80s makes %zu numbers of a sample, at most %d are supported in files", name, numbers, KNN__NUMBERS_LIMIT);
}

knn_status knn__config_build(knn__config *config, knn__reading *reading, knn_model *model)
{
    const int *size = config->input.size;
    knn_status status = knn_add(model, knn_input(size[0], size[1], size[2], .name = config->input_name));
    knn__order order = {0};

    if (status == KNN_OK)
        status = check_numbers(model, "the input");
    for (size_t i = 0; status == KNN_OK; i++) {
        status = knn__layout_meet(config, i, reading, knn__model_output(model).rank, &order);
        if (i == config->count)
            break;
        if (status == KNN_OK)
            status = knn__model_add(model, config->layers[i].inside, config->layers[i].description);
        if (status == KNN_OK)
            status = check_numbers(model, model->layers[model->layer_count - 1].name);
    }
    return status != KNN_OK ? knn__model_break(model, status) : KNN_OK;
}
