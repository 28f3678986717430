/* Writes model_config in the profile that Keras 2 and 3 both load. Reads none: see config.c. */
#include "keras/config.h"
#include "keras/keras.h"
#include "keras/training_config.h"

#include <stdio.h>

/* [null, 150, 150, 3] */
static void write_shape(knn__text *text, const char *key, const knn_shape *shape)
{
    knn__json_begin(text, key, '[');
    knn__json_put_text(text, NULL, NULL);
    for (int i = 0; i < shape->rank; i++)
        knn__json_put_int(text, NULL, shape->size[i]);
    knn__json_end(text, ']');
}

static void write_input(const char *name, const knn_shape *shape, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "class_name", "InputLayer");
    knn__json_begin(text, "config", '{');
    write_shape(text, "batch_input_shape", shape);
    knn__json_put_text(text, "dtype", "float32");
    knn__json_put_bool(text, "sparse", false);
    knn__json_put_text(text, "name", name);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}

static void write_layer(const knn__model_layer *layer, const char *name, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "class_name", layer->description->class_name);
    knn__json_begin(text, "config", '{');
    knn__json_put_text(text, "name", name);
    knn__write_fields(text, knn__layer_fields(layer->description), layer->description);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}

/* The members of an object: layers [first, end) as a model, whose layers' names begin behind the first `depth` characters. Both Keras want
 * the input of each. */
static void write_model(const knn_model *model, size_t first, size_t end, size_t depth, const char *name, knn__text *text)
{
    char input[160] = "input";
    int length;
    bool is_model;

    if (first < end) {
        const char *begin = knn__unit_name(model, first, depth, &length, &is_model);
        snprintf(input, sizeof input, "%.*s_input", length < 140 ? length : 140, begin);
    }
    knn__json_put_text(text, "class_name", "Sequential");
    knn__json_begin(text, "config", '{');
    knn__json_put_text(text, "name", name);
    knn__json_begin(text, "layers", '[');
    write_input(depth == 0 && model->input_name != NULL ? model->input_name : input,
                first < end ? &model->layers[first].in : &model->input, text);
    for (size_t i = first, next; i < end; i = next) {
        const char *unit = knn__unit_name(model, i, depth, &length, &is_model);
        next = knn__unit_end(model, i, depth);
        if (!is_model) {
            write_layer(&model->layers[i], unit, text);
            continue;
        }
        knn__text inner = {0};
        knn__text_append(&inner, unit, (size_t)length);
        knn__json_begin(text, NULL, '{');
        write_model(model, i, next, depth + (size_t)length + 1, inner.failed ? "" : inner.data, text);
        knn__json_end(text, '}');
        text->failed |= inner.failed;
        knn__text_free(&inner);
    }
    knn__json_end(text, ']');
    knn__json_end(text, '}');
}

static void write_whole(const knn_model *model, knn__text *text)
{
    write_model(model, 0, model->layer_count, 0, model->name, text);
}

void knn__config_write(const knn_model *model, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    write_whole(model, text);
    knn__json_end(text, '}');
}

void knn__layers_write(const knn_model *model, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "module", "keras");
    write_whole(model, text);
    knn__json_end(text, '}');
}

void knn__archive_config_write(const knn_model *model, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "module", "keras");
    write_whole(model, text);
    if (knn__has_training_config(model))
        knn__compile_config_write(model, text);
    knn__json_end(text, '}');
}
