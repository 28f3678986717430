/* Opens models, and prepares classifiers. Runs none. */
#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Files ---- */

const char *kind_name(knn_file_kind kind)
{
    static const char *const names[] = {
        [KNN_FILE_H5] = "whole model, .h5", [KNN_FILE_KERAS] = "whole model, .keras", [KNN_FILE_H5_WEIGHTS] = "weights, .h5",
        [KNN_FILE_WEIGHTS_H5] = "weights, .weights.h5", [KNN_FILE_JSON] = "layers, .json"};
    return names[kind];
}

static knn_model *open_layers_and_weights(const options *o, const char *path)
{
    knn_model *model = knn_model_from_json(.path = o->config, .backend = o->backend, .threads = o->threads);

    if (model == NULL || knn_load_weights(model, path) == KNN_OK)
        return model;
    knn_model_free(model);
    return NULL;
}

knn_model *open_model(const options *o, const knn_file_info *file, bool weights, output *to)
{
    const char *path = o->arguments[0];
    bool no_layers = file->kind == KNN_FILE_H5_WEIGHTS || file->kind == KNN_FILE_WEIGHTS_H5, no_weights = file->kind == KNN_FILE_JSON;
    knn_model *model = NULL;

    if (no_weights && (weights || o->config != NULL))
        fail(to, "%s: layers without weights; give the file of the weights, and this one by --config", path);
    else if (no_layers && o->config == NULL)
        fail(to, "%s: weights without layers; give the JSON of the layers by --config", path);
    else {
        if (o->config != NULL)
            model = open_layers_and_weights(o, path);
        else if (no_weights)
            model = knn_model_from_json(.path = path, .backend = o->backend, .threads = o->threads);
        else
            model = knn_load_model(path, .backend = o->backend, .threads = o->threads);
        if (model == NULL)
            complain(to);
    }
    return model;
}

/* ---- Pictures ---- */

/* Models that were given raw pixels rescale them themselves. */
static bool rescales(const knn_model *model)
{
    const char *class_name;
    for (size_t i = 0; knn_layer_info(model, i, &class_name, NULL, NULL, NULL) == KNN_OK; i++)
        if (strcmp(class_name, "Rescaling") == 0 || strcmp(class_name, "Normalization") == 0)
            return true;
    return false;
}

/* (height, width, channels) of the pictures that it takes. A matrix (28, 28) is a grey one; a model of a channels_first file begins with a
 * Permute of its planes. */
static bool picture_shape(const knn_model *model, int size[3])
{
    const char *class_name;
    int rank = knn_input_shape(model, size);

    if (rank == 3 && (size[0] == 1 || size[0] == 3) && knn_layer_info(model, 0, &class_name, NULL, NULL, NULL) == KNN_OK &&
        strcmp(class_name, "Permute") == 0)
        knn_layer_info(model, 0, NULL, &rank, size, NULL);
    if (rank == 2)
        size[2] = 1;
    return rank >= 2 && (size[2] == 1 || size[2] == 3);
}

/* For files that know no better. */
static bool choose_usual(const knn_model *model, knn_directory_options *as, knn_generator_options *generator)
{
    int size[3];
    if (!picture_shape(model, size))
        return false;
    as->target_height = size[0];
    as->target_width = size[1];
    as->grayscale = size[2] == 1;
    generator->rescale = rescales(model) ? 1 : 1 / 255.0;
    return true;
}

/* keras.applications.imagenet_utils: mode "tf" is x / 127.5 - 1; "torch" x / 255, less ImageNet's mean, over its deviation. */
static void choose_preprocessing(int which, bool grey, knn_generator_options *generator)
{
    static const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
    bool torch = which == PREPROCESSING_TORCH;

    *generator = *knn_image_data_generator(.rescale = torch ? 1 / 255.0 : 1 / 127.5, .featurewise_center = true,
        .featurewise_std_normalization = torch, .channels = grey ? 1 : 3);
    for (int c = 0; c < generator->channels; c++) {
        generator->mean[c] = torch ? mean[c] : 1;
        generator->std[c] = torch ? deviation[c] : 1;
    }
}

/* "a,b,c" as a NULL-terminated list, which is one block with its texts. */
static char **split(const char *text)
{
    size_t names = 2, i = 0;
    for (const char *c = text; *c != '\0'; c++)
        names += *c == ',';
    char **list = malloc(names * sizeof *list + strlen(text) + 1);
    if (list == NULL)
        return NULL;
    char *copy = strcpy((char *)(list + names), text);
    for (char *comma; (comma = strchr(copy, ',')) != NULL; copy = comma + 1) {
        *comma = '\0';
        list[i++] = copy;
    }
    list[i] = copy;
    list[i + 1] = NULL;
    return list;
}

static int prepare(const options *o, knn_model *model, output *to)
{
    knn_generator_options generator = *knn_image_data_generator();
    knn_directory_options as = *knn_pictures();
    int size[3], rank = knn_input_shape(model, size);
    char text[SHAPE_TEXT];

    shape_text(text, rank, size);
    if (knn_get_preprocessing(model, &as, &generator) != KNN_OK && !choose_usual(model, &as, &generator))
        return fail(to, "%s: the model's input %s is no picture", o->arguments[0], text);
    if (o->preprocessing != 0)
        choose_preprocessing(o->preprocessing, as.grayscale, &generator);
    if (o->rescale != 0)
        generator.rescale = o->rescale;
    if (o->interpolation != 0)
        as.interpolation = (knn_interpolation)(o->interpolation - 1);
    as.generator = &generator;

    char **names = o->classes != NULL ? split(o->classes) : NULL;
    if (o->classes != NULL && names == NULL)
        return fail(to, "no memory for --classes");
    knn_status status = knn_set_preprocessing(model, &as, (const char *const *)names);
    free(names);
    return status == KNN_OK ? EXIT_SUCCESS : complain(to);
}

static int check_classes(const options *o, const knn_model *model, output *to)
{
    int rank, size[3];
    char text[SHAPE_TEXT];
    size_t names = knn_class_count(model);

    if (knn_layer_info(model, knn_layer_count(model) - 1, NULL, &rank, size, NULL) != KNN_OK)
        return complain(to);
    shape_text(text, rank, size);
    if (rank != 1)
        return fail(to, "%s: the model's output %s is no list of classes", o->arguments[0], text);
    if (names != 0 && names != class_count(model))
        return fail(to, "%s: %zu names of classes for %zu classes", o->arguments[0], names, class_count(model));
    return EXIT_SUCCESS;
}

knn_model *open_classifier(const options *o, output *to)
{
    knn_file_info file = {.size = sizeof file};

    if (knn_inspect(o->arguments[0], &file) != KNN_OK) {
        complain(to);
        return NULL;
    }
    knn_model *model = open_model(o, &file, true, to);
    if (model == NULL || (prepare(o, model, to) == EXIT_SUCCESS && check_classes(o, model, to) == EXIT_SUCCESS))
        return model;
    knn_model_free(model);
    return NULL;
}

/* ---- Classes ---- */

size_t class_count(const knn_model *model)
{
    size_t outputs = knn_output_length(model);
    return outputs == 1 ? 2 : outputs;
}

const char *class_label(const knn_model *model, size_t index, char number[NUMBER_TEXT])
{
    const char *name = knn_class_name(model, index);
    snprintf(number, NUMBER_TEXT, "%zu", index);
    return name != NULL ? name : number;
}

static void softmax(double *p, size_t count)
{
    double most = p[0], sum = 0;
    for (size_t i = 1; i < count; i++)
        most = fmax(most, p[i]);
    for (size_t i = 0; i < count; i++)
        sum += p[i] = exp(p[i] - most);
    for (size_t i = 0; i < count; i++)
        p[i] /= sum;
}

void class_probabilities(const knn_model *model, bool logits, const float *y, double *p)
{
    size_t outputs = knn_output_length(model);

    if (outputs == 1) {
        p[1] = logits ? 1 / (1 + exp(-(double)y[0])) : (double)y[0];
        p[0] = 1 - p[1];
        return;
    }
    for (size_t i = 0; i < outputs; i++)
        p[i] = (double)y[i];
    if (logits)
        softmax(p, outputs);
}

size_t likeliest(const double *p, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (p[i] > p[best])
            best = i;
    return best;
}

/* ---- Layers ---- */

static size_t parameters_of(const knn_model *model, size_t weight, bool only_trainable)
{
    int rank, shape[4];
    bool trainable;
    size_t product = 1;

    if (knn_weight_info(model, weight, NULL, &rank, shape, &trainable) != KNN_OK || (only_trainable && !trainable))
        return 0;
    for (int i = 0; i < rank; i++)
        product *= (size_t)shape[i];
    return product;
}

static size_t sum_parameters(const knn_model *model, size_t first, size_t count, bool only_trainable)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += parameters_of(model, first + i, only_trainable);
    return sum;
}

void put_layers(const knn_model *model, output *to)
{
    size_t first = 0, weights, all = knn_weight_count(model);
    const char *class_name;
    int rank, shape[3];

    put_count(to, "parameters", sum_parameters(model, 0, all, false));
    put_count(to, "trainable_parameters", sum_parameters(model, 0, all, true));
    begin(to, "layers", '[');
    for (size_t i = 0; knn_layer_info(model, i, &class_name, &rank, shape, &weights) == KNN_OK; i++) {
        begin(to, NULL, '{');
        put_text(to, "name", knn_layer_name(model, i));
        put_text(to, "class", class_name);
        put_shape(to, "output_shape", rank, shape);
        put_count(to, "parameters", sum_parameters(model, first, weights, false));
        end(to, '}');
        first += weights;
    }
    end(to, ']');
}
