/* Writes model_config in the profile that Keras 2 and 3 both load. Reads none: see config.c. */
#include "keras/config.h"
#include "keras/keras.h"

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

static void write_input(const knn_model *model, knn__text *text)
{
    char name[160];

    snprintf(name, sizeof name, "%.140s_input", model->layer_count > 0 ? model->layers[0].name : model->name);
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "class_name", "InputLayer");
    knn__json_begin(text, "config", '{');
    write_shape(text, "batch_input_shape", &model->input);
    knn__json_put_text(text, "dtype", "float32");
    knn__json_put_bool(text, "sparse", false);
    knn__json_put_text(text, "name", model->input_name != NULL ? model->input_name : name);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}

static void write_layer(const knn__model_layer *layer, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "class_name", layer->description->class_name);
    knn__json_begin(text, "config", '{');
    knn__json_put_text(text, "name", layer->name);
    knn__write_fields(text, knn__layer_fields(layer->description), layer->description);
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}

void knn__config_write(const knn_model *model, knn__text *text)
{
    knn__json_begin(text, NULL, '{');
    knn__json_put_text(text, "class_name", "Sequential");
    knn__json_begin(text, "config", '{');
    knn__json_put_text(text, "name", model->name);
    knn__json_begin(text, "layers", '[');
    write_input(model, text);
    for (size_t i = 0; i < model->layer_count; i++)
        write_layer(&model->layers[i], text);
    knn__json_end(text, ']');
    knn__json_end(text, '}');
    knn__json_end(text, '}');
}
