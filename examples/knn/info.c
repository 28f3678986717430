/* knn info FILE: all that a file tells. */
#include "model.h"
#include "verbs.h"

#include <stdlib.h>

/* NULL: the file does not tell. */
static const char *told(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void put_weights(const knn_model *model, output *to)
{
    const char *name;
    int rank, shape[4];
    bool trainable;

    begin(to, "weights", '[');
    for (size_t i = 0; knn_weight_info(model, i, &name, &rank, shape, &trainable) == KNN_OK; i++) {
        begin(to, NULL, '{');
        put_text(to, "name", name);
        put_shape(to, "shape", rank, shape);
        put_bool(to, "trainable", trainable);
        end(to, '}');
    }
    end(to, ']');
}

static void put_preprocessing(const knn_model *model, output *to)
{
    knn_generator_options generator = *knn_image_data_generator();
    knn_directory_options as = *knn_pictures();

    if (knn_get_preprocessing(model, &as, &generator) != KNN_OK) {
        put_text(to, "preprocessing", NULL);
        return;
    }
    begin(to, "preprocessing", '{');
    put_count(to, "height", (unsigned long long)as.target_height);
    put_count(to, "width", (unsigned long long)as.target_width);
    put_bool(to, "grayscale", as.grayscale);
    put_text(to, "interpolation", interpolation_names[as.interpolation]);
    put_bool(to, "apply_orientation", as.apply_orientation);
    put_real(to, "rescale", generator.rescale);
    put_bool(to, "samplewise_center", generator.samplewise_center);
    put_bool(to, "samplewise_std_normalization", generator.samplewise_std_normalization);
    put_reals(to, "mean", generator.mean, generator.featurewise_center ? generator.channels : 0);
    put_reals(to, "std", generator.std, generator.featurewise_std_normalization ? generator.channels : 0);
    put_bool(to, "zca_whitening", generator.zca_whitening);
    end(to, '}');
}

static void put_classes(const knn_model *model, output *to)
{
    begin(to, "classes", '[');
    for (size_t i = 0; i < knn_class_count(model); i++)
        put_text(to, NULL, knn_class_name(model, i));
    end(to, ']');
}

static void put_compilation(const knn_model *model, output *to)
{
    if (knn_loss_name(model) == NULL) {
        put_text(to, "compiled", NULL);
        return;
    }
    begin(to, "compiled", '{');
    put_text(to, "optimizer", knn_optimizer_name(model));
    put_real(to, "learning_rate", knn_learning_rate(model));
    put_text(to, "loss", knn_loss_name(model));
    end(to, '}');
    begin(to, "metrics", '[');
    for (size_t i = 1; knn_value_name(model, i) != NULL; i++)
        put_text(to, NULL, knn_value_name(model, i));
    end(to, ']');
}

/* Keras keeps steps, libknn epochs and their values, too. */
static void put_training(const knn_model *model, output *to)
{
    const knn_history *history = knn_model_history(model);
    size_t epochs = knn_history_epochs(history);

    if (knn_iterations(model) == 0) {
        put_text(to, "training", NULL);
        return;
    }
    begin(to, "training", '{');
    put_count(to, "steps", knn_iterations(model));
    put_count(to, "epochs", epochs);
    for (size_t i = 0; epochs > 0 && knn_history_key(history, i) != NULL; i++) {
        const char *key = knn_history_key(history, i);
        put_real(to, key, knn_history_values(history, key)[epochs - 1]);
    }
    end(to, '}');
}

static int put_model(const options *o, const knn_file_info *file, output *to)
{
    knn_model *model = open_model(o, file, false, to);
    int size[3], rank = knn_input_shape(model, size);

    if (model == NULL)
        return EXIT_FAILURE;
    put_shape(to, "input_shape", rank, size);
    put_layers(model, to);
    put_weights(model, to);
    put_preprocessing(model, to);
    put_classes(model, to);
    put_compilation(model, to);
    put_training(model, to);
    knn_model_free(model);
    return EXIT_SUCCESS;
}

static void put_array(const char *path, int rank, const int *shape, void *to)
{
    begin(to, NULL, '{');
    put_text(to, "name", path);
    put_shape(to, "shape", rank, shape);
    end(to, '}');
}

/* Files of weights are told about without their layers, too. */
static bool lacks_layers(const options *o, const knn_file_info *file)
{
    return o->config == NULL && (file->kind == KNN_FILE_H5_WEIGHTS || file->kind == KNN_FILE_WEIGHTS_H5);
}

int info(const options *o, output *to)
{
    knn_file_info file = {.size = sizeof file};

    if (knn_inspect(o->arguments[0], &file) != KNN_OK)
        return complain(to);
    put_text(to, "file", o->arguments[0]);
    put_text(to, "kind", kind_name(file.kind));
    put_text(to, "keras_version", told(file.keras_version));
    put_text(to, "backend", told(file.backend));
    put_text(to, "libknn_version", told(file.libknn_version));
    if (!lacks_layers(o, &file))
        return put_model(o, &file, to);
    put_text(to, "layers", NULL);
    say(to, "layers                 not in the file; --config FILE reads them from a JSON text\n");
    begin(to, "weights", '[');
    knn_status status = knn_inspect_weights(o->arguments[0], put_array, to);
    end(to, ']');
    return status == KNN_OK ? EXIT_SUCCESS : complain(to);
}
