/* knn evaluate FILE DIR: how good a model is on pictures whose classes are known. */
#include "model.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* Keras' layout: matrix[class][predicted]. */
typedef struct confusion { size_t classes, *matrix; } confusion;

static knn_status compile_usually(knn_model *model, bool logits)
{
    const knn_loss *loss = knn_output_length(model) == 1 ? knn_binary_crossentropy(.from_logits = logits)
                                                         : knn_categorical_crossentropy(.from_logits = logits);
    return knn_compile(model, .loss = loss, .metrics = {knn_accuracy()});
}

/* Pictures as the model wants them, labels as its loss does. */
static knn_dataset *open_data(const options *o, const knn_model *model)
{
    knn_generator_options generator = *knn_image_data_generator();
    knn_directory_options as = *knn_pictures(.directory = o->arguments[1]);
    const char **names = calloc(knn_class_count(model) + 1, sizeof *names);

    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < knn_class_count(model); i++)
        names[i] = knn_class_name(model, i);
    as.classes = names[0] != NULL ? names : NULL;
    as.class_mode = knn_output_length(model) == 1                                     ? KNN_BINARY
                    : strcmp(knn_loss_name(model), "SparseCategoricalCrossentropy") == 0 ? KNN_SPARSE
                                                                                         : KNN_CATEGORICAL;
    knn_dataset *data = knn_get_preprocessing(model, &as, &generator) == KNN_OK ? knn_flow_from_directory_with(&as) : NULL;
    free(names);
    return data;
}

static int put_values(const options *o, const knn_model *model, const knn_dataset *data, output *to)
{
    double values[1 + KNN_MAX_METRICS];
    size_t count = 0;

    while (knn_value_name(model, count) != NULL)
        count++;
    if (knn_evaluate(model, data, values, count, .batch_size = o->batch_size) != KNN_OK)
        return complain(to);
    begin(to, "values", '{');
    for (size_t i = 0; i < count; i++)
        put_real(to, knn_value_name(model, i), values[i]);
    end(to, '}');
    return EXIT_SUCCESS;
}

/* ---- Confusion ---- */

static knn_status fill(const options *o, const knn_model *model, const knn_dataset *data, confusion *c, float *y, double *p)
{
    size_t samples = knn_dataset_samples(data), outputs = knn_output_length(model);
    knn_status status = knn_predict_dataset(model, data, y, samples * outputs, .batch_size = o->batch_size);

    for (size_t i = 0; status == KNN_OK && i < samples; i++) {
        class_probabilities(model, o->logits, y + i * outputs, p);
        c->matrix[(size_t)knn_dataset_label(data, i) * c->classes + likeliest(p, c->classes)]++;
    }
    return status;
}

static void put_row(const knn_model *model, const confusion *c, size_t row, output *to)
{
    char number[NUMBER_TEXT];

    begin(to, NULL, '[');
    say(to, "  %-22s", class_label(model, row, number));
    for (size_t k = 0; k < c->classes; k++) {
        put_count(to, NULL, c->matrix[row * c->classes + k]);
        say(to, " %7zu", c->matrix[row * c->classes + k]);
    }
    say(to, "\n");
    end(to, ']');
}

static void put_matrix(const knn_model *model, const confusion *c, output *to)
{
    to->own_text = true;
    begin(to, "confusion", '[');
    say(to, "\nconfusion: classes, and how often each was taken for the first, second, ..\n");
    for (size_t row = 0; row < c->classes; row++)
        put_row(model, c, row, to);
    end(to, ']');
    to->own_text = false;
}

/* Of nothing, both are 0, as scikit-learn has it. */
static double share(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static void put_classes(const knn_model *model, const confusion *c, output *to)
{
    char number[NUMBER_TEXT];

    begin(to, "classes", '[');
    for (size_t i = 0; i < c->classes; i++) {
        size_t samples = 0, predicted = 0, right = c->matrix[i * c->classes + i];
        for (size_t k = 0; k < c->classes; k++) {
            samples += c->matrix[i * c->classes + k];
            predicted += c->matrix[k * c->classes + i];
        }
        begin(to, NULL, '{');
        put_text(to, "class", class_label(model, i, number));
        put_count(to, "samples", samples);
        put_real(to, "precision", share(right, predicted));
        put_real(to, "recall", share(right, samples));
        end(to, '}');
    }
    end(to, ']');
}

static int put_confusion(const options *o, const knn_model *model, const knn_dataset *data, output *to)
{
    confusion c = {.classes = class_count(model)};
    float *y = calloc(knn_dataset_samples(data), knn_output_length(model) * sizeof *y);
    double *p = malloc(c.classes * sizeof *p);
    int status = EXIT_SUCCESS;

    c.matrix = calloc(c.classes, c.classes * sizeof *c.matrix);
    if (y == NULL || p == NULL || c.matrix == NULL)
        status = fail(to, "no memory for the outputs of %zu pictures", knn_dataset_samples(data));
    else if (fill(o, model, data, &c, y, p) != KNN_OK)
        status = complain(to);
    else {
        put_matrix(model, &c, to);
        put_classes(model, &c, to);
    }
    free(c.matrix);
    free(p);
    free(y);
    return status;
}

static int evaluate_on(const options *o, const knn_model *model, const knn_dataset *data, output *to)
{
    put_count(to, "samples", knn_dataset_samples(data));
    int status = put_values(o, model, data, to);
    return status == EXIT_SUCCESS ? put_confusion(o, model, data, to) : status;
}

int evaluate(const options *o, output *to)
{
    knn_model *model = open_classifier(o, to);
    int status = EXIT_FAILURE;

    if (model == NULL)
        return status;
    bool compiled = knn_loss_name(model) != NULL;
    knn_dataset *data = compiled || compile_usually(model, o->logits) == KNN_OK ? open_data(o, model) : NULL;
    if (data == NULL)
        complain(to);
    else {
        put_bool(to, "compiled", compiled);
        status = evaluate_on(o, model, data, to);
    }
    knn_dataset_free(data);
    knn_model_free(model);
    return status;
}
