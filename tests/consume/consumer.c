/* A foreign program that uses a good part of the library: trains a little, saves, and leaves a picture for examples/embed to judge.
 *
 *     consumer FOLDER     writes FOLDER/model.h5 and FOLDER/picture.ppm */
#include <knn/knn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void or_die(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "consumer: %s: %s\n", what, knn_last_error());
    exit(EXIT_FAILURE);
}

static const char *in_folder(const char *folder, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* 8 samples: dark ones are class 0, bright ones class 1. */
static void train(knn_model *model)
{
    static float x[8][4 * 4 * 3], y[8];
    for (size_t i = 0; i < 8; i++) {
        y[i] = (float)(i % 2);
        for (size_t k = 0; k < sizeof x[i] / sizeof x[i][0]; k++)
            x[i][k] = (float)(i % 2) * 0.8f + (float)((i * 7 + k * 3) % 5) * 0.04f;
    }
    knn_dataset *data = knn_flow(&x[0][0], y, 8, 4, 4, 3);
    or_die(data != NULL, "knn_flow");
    or_die(knn_fit(model, data, .epochs = 60, .batch_size = 4) == KNN_OK, "knn_fit");
    knn_dataset_free(data);
}

static knn_model *make_model(void)
{
    knn_model *model = knn_sequential(.seed = 1);
    knn_add(model, knn_input(4, 4, 3));
    knn_add(model, knn_conv2d(4, 3, .activation = KNN_RELU));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    or_die(knn_compile(model, .optimizer = knn_adam(0.01), .loss = knn_binary_crossentropy(), .metrics = {knn_accuracy()}) == KNN_OK,
           "knn_compile");
    return model;
}

static void write_picture(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fputs("P6\n4 4\n255\n", file);
    for (int i = 0; i < 4 * 4 * 3; i++)
        fputc(220, file);
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: consumer FOLDER\n");
        return 2;
    }
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", KNN_VERSION_MAJOR, KNN_VERSION_MINOR, KNN_VERSION_PATCH);
    or_die(strcmp(version, knn_version()) == 0, "the library is of another version than its headers");
    printf("%s\n", knn_build_info());

    knn_model *model = make_model();
    train(model);
    static const char *const names[] = {"dark", "bright", NULL};
    const knn_directory_options *preparation = knn_pictures(.target_height = 4, .generator = knn_image_data_generator(1.0 / 255));
    or_die(knn_set_preprocessing(model, preparation, names) == KNN_OK, "knn_set_preprocessing");
    or_die(knn_save_model(model, in_folder(argv[1], "model.h5")) == KNN_OK, "knn_save_model");
    knn_model_free(model);
    write_picture(in_folder(argv[1], "picture.ppm"));
    return EXIT_SUCCESS;
}
