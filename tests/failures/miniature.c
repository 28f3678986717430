/* The miniature catdog, and a list of mistakes with it. Knows nothing of how failures are provoked: the tests do that. */
#include "failures/miniature.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

enum { SIDE = 24, EACH = 3 };           /* pixels a side; pictures a class and part */

static void path_in(char *path, size_t size, const char *folder, const char *name) { snprintf(path, size, "%s/%s", folder, name); }

static void draw(const char *path, int dark, int number)
{
    unsigned char rgb[SIDE * SIDE * 3];
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        rgb[i] = (unsigned char)((dark ? 40 : 170) + (i * 7 + number * 31) % 50);
    ck_assert_int_ne(stbi_write_jpg(path, SIDE, SIDE, 3, rgb, 90), 0);
}

void miniature_make(char *folder, size_t size)
{
    static const char *const parts[] = {"train", "validation"}, *const classes[] = {"cat", "dog"};
    char path[1024];

    snprintf(folder, size, "/tmp/knn-miniature-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int p = 0; p < 2; p++) {
        path_in(path, sizeof path, folder, parts[p]);
        ck_assert_int_eq(mkdir(path, 0777), 0);
        for (int c = 0; c < 2; c++) {
            snprintf(path, sizeof path, "%s/%s/%s", folder, parts[p], classes[c]);
            ck_assert_int_eq(mkdir(path, 0777), 0);
            for (int i = 0; i < EACH; i++) {
                snprintf(path, sizeof path, "%s/%s/%s/%d.jpg", folder, parts[p], classes[c], i);
                draw(path, c, i);
            }
        }
    }
    path_in(path, sizeof path, folder, "empty");
    ck_assert_int_eq(mkdir(path, 0777), 0);
    path_in(path, sizeof path, folder, "noise.h5");
    FILE *noise = fopen(path, "wb");
    ck_assert_ptr_nonnull(noise);
    fputs("\211HDF\r\n\032\nand nothing of the kind behind it", noise);
    fclose(noise);
}

void miniature_remove(const char *folder)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    char path[2048];

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        path_in(path, sizeof path, folder, entry->d_name);
        if (unlink(path) != 0)
            miniature_remove(path);
    }
    if (directory != NULL)
        closedir(directory);
    rmdir(folder);
}

/* ---- The job ---- */

static knn_model *make_net(void)
{
    knn_model *model = knn_sequential(.seed = 3, .threads = 2);
    knn_add(model, knn_input(SIDE, SIDE, 3));
    knn_add(model, knn_conv2d(4, 3, .activation = KNN_RELU, .kernel_initializer = knn_he_normal()));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(5, 3, .padding = KNN_SAME, .kernel_regularizer = knn_l2(0.001)));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_activation(KNN_RELU));
    knn_add(model, knn_global_average_pooling2d());
    knn_add(model, knn_dropout(0.25));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID, .name = "answer"));
    knn_compile(model, .optimizer = knn_adam(.learning_rate = 0.01), .loss = knn_binary_crossentropy(), .metrics = {knn_accuracy("acc")});
    return model;
}

static knn_dataset *open_part(const char *folder, const char *part)
{
    char path[1024];
    path_in(path, sizeof path, folder, part);
    return knn_flow_from_directory(path, SIDE, SIDE, .class_mode = KNN_BINARY,
        .generator = knn_image_data_generator(.rescale = 1 / 255.0, .rotation_range = 20, .horizontal_flip = true));
}

static knn_status train(knn_model *model, const char *folder, const knn_dataset *training, const knn_dataset *validation)
{
    char csv[1024], best[1024], backup[1024], saved[1024], weights[1024];
    double values[2];

    path_in(csv, sizeof csv, folder, "history.csv");
    path_in(best, sizeof best, folder, "best.h5");
    path_in(backup, sizeof backup, folder, "backup.h5");
    path_in(saved, sizeof saved, folder, "model.h5");
    path_in(weights, sizeof weights, folder, "weights.h5");
    knn_status status = knn_fit(model, training, .epochs = 2, .batch_size = 4, .validation_data = validation,
        .callbacks = {knn_csv_logger(csv), knn_model_checkpoint(best, .save_best_only = true), knn_backup_and_restore(backup),
                      knn_early_stopping(.patience = 5, .restore_best_weights = true), knn_reduce_lr_on_plateau()});
    if (status == KNN_OK)
        status = knn_evaluate(model, validation, values, 2);
    if (status == KNN_OK)
        status = knn_save_model(model, saved);
    if (status == KNN_OK)
        status = knn_save_weights(model, weights);
    if (status == KNN_OK)
        status = knn_load_weights(model, weights);
    return status;
}

static knn_status classify(const char *folder)
{
    char saved[1024], picture[1024];
    const char *name;
    double probability;
    float y[2 * EACH];

    path_in(saved, sizeof saved, folder, "model.h5");
    path_in(picture, sizeof picture, folder, "validation/cat/0.jpg");
    knn_model *model = knn_load_model(saved);
    knn_dataset *validation = model != NULL ? open_part(folder, "validation") : NULL;
    knn_status status = model != NULL && validation != NULL ? KNN_OK : KNN_ERROR_STATE;
    if (status == KNN_OK)
        status = knn_classify_file(model, picture, &name, &probability);
    if (status == KNN_OK)
        status = knn_predict_dataset(model, validation, y, 2 * EACH);
    knn_dataset_free(validation);
    knn_model_free(model);
    return status;
}

knn_status miniature_run(const char *folder)
{
    knn_dataset *training = open_part(folder, "train"), *validation = training != NULL ? open_part(folder, "validation") : NULL;
    knn_model *model = validation != NULL ? make_net() : NULL;
    knn_status status = model != NULL ? train(model, folder, training, validation) : KNN_ERROR_STATE;

    knn_model_free(model);
    knn_dataset_free(validation);
    knn_dataset_free(training);
    return status == KNN_OK ? classify(folder) : status;
}

/* ---- The mistakes ---- */

static int wrong;

static void must_fail(bool failed) { wrong += !failed || knn_last_error()[0] == '\0'; }

static void mistakes_with_data(const char *folder)
{
    char path[1024];

    must_fail(knn_flow_from_directory(NULL) == NULL);
    path_in(path, sizeof path, folder, "nowhere");
    must_fail(knn_flow_from_directory(path) == NULL);
    path_in(path, sizeof path, folder, "empty");
    must_fail(knn_flow_from_directory(path) == NULL);
    path_in(path, sizeof path, folder, "noise.h5");
    must_fail(knn_flow_from_directory(path) == NULL);
    must_fail(knn_flow(NULL, NULL, 3, 2) == NULL);
}

static void mistakes_with_files(knn_model *model, const char *folder)
{
    char path[1024];

    path_in(path, sizeof path, folder, "noise.h5");
    must_fail(knn_load_model(path) == NULL);
    must_fail(knn_load_weights(model, path) != KNN_OK);
    must_fail(knn_load_model(folder) == NULL);
    must_fail(knn_load_model(NULL) == NULL);
    must_fail(knn_load_model(.data = "PK\3\4", .data_size = 4) == NULL);
    path_in(path, sizeof path, folder, "nowhere/model.h5");
    must_fail(knn_load_model(path) == NULL);
    must_fail(knn_save_model(model, path) != KNN_OK);
    must_fail(knn_save_weights(model, path) != KNN_OK);
    must_fail(knn_save_model(model, folder) != KNN_OK);
    must_fail(knn_save_model(model, "/dev/full") != KNN_OK);
}

static void mistakes_with_pictures(knn_model *model, const char *folder)
{
    static const unsigned char half_a_jpeg[] = {0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1};
    static const unsigned char half_a_png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    char path[1024];
    const char *name;
    double p;

    must_fail(knn_classify_file(model, "nowhere.jpg", &name, &p) != KNN_OK);       /* no preprocessing */
    static const char *const names[] = {"cat", "dog", NULL};
    knn_set_preprocessing(model, knn_pictures(.target_height = SIDE), names);
    must_fail(knn_classify_file(model, "nowhere.jpg", &name, &p) != KNN_OK);
    must_fail(knn_classify_bytes(model, half_a_jpeg, sizeof half_a_jpeg, &name, &p) != KNN_OK);
    must_fail(knn_classify_bytes(model, half_a_png, sizeof half_a_png, &name, &p) != KNN_OK);
    must_fail(knn_classify_bytes(model, "", 0, &name, &p) != KNN_OK);
    path_in(path, sizeof path, folder, "noise.h5");
    must_fail(knn_classify_file(model, path, &name, &p) != KNN_OK);
    must_fail(knn_classify_pixels(model, NULL, 3, 3, 0, &name, &p) != KNN_OK);
    must_fail(knn_classify_pixels(model, half_a_png, 0, -1, 0, &name, &p) != KNN_OK);
}

static void mistakes_in_training(knn_model *model, const char *folder)
{
    char path[1024];
    knn_dataset *training = open_part(folder, "train");

    must_fail(knn_fit(model, NULL) != KNN_OK);
    must_fail(knn_fit(model, training, .epochs = -1) != KNN_OK);
    must_fail(knn_fit(model, training, .callbacks = {knn_early_stopping("val_nothing")}) != KNN_OK);
    path_in(path, sizeof path, folder, "nowhere/x");
    must_fail(knn_fit(model, training, .callbacks = {knn_csv_logger(path)}) != KNN_OK);
    must_fail(knn_fit(model, training, .callbacks = {knn_backup_and_restore(path)}) != KNN_OK);
    path_in(path, sizeof path, folder, "noise.h5/x");
    must_fail(knn_fit(model, training, .callbacks = {knn_model_checkpoint(path)}) != KNN_OK);
    must_fail(knn_fit(model, training, .callbacks = {knn_tensorboard(path)}) != KNN_OK);
    must_fail(knn_fit(model, training, .validation_split = 0.5) != KNN_OK);
    path_in(path, sizeof path, folder, "noise.h5");
    must_fail(knn_fit(model, training, .callbacks = {knn_backup_and_restore(path)}) != KNN_OK);
    must_fail(knn_train_on_batch(model, NULL, NULL, 1, NULL, 0) != KNN_OK);
    must_fail(knn_evaluate(model, NULL, NULL, 1) != KNN_OK);
    must_fail(knn_predict(model, NULL, 1, NULL, 0) != KNN_OK);
    knn_dataset_free(training);
}

static void mistakes_in_building(void)
{
    must_fail(knn_sequential(.backend = "cuda") == NULL);
    must_fail(knn_add(NULL, knn_flatten()) != KNN_OK);
    knn_model *model = knn_sequential();
    must_fail(knn_add(model, knn_conv2d(3, 3)) != KNN_OK);
    must_fail(knn_compile(model, .loss = NULL) != KNN_OK);
    must_fail(knn_summary(model, stderr) != KNN_OK);
    knn_model_free(model);
    model = knn_sequential();
    must_fail(knn_explain(model, stderr) != KNN_OK);
    must_fail(knn_compile(model, .loss = knn_mean_squared_error()) != KNN_OK);
    knn_model_free(model);
}

int miniature_mistakes(const char *folder)
{
    knn_model *model = make_net();

    wrong = 0;
    mistakes_with_data(folder);
    mistakes_in_building();
    mistakes_with_files(model, folder);
    mistakes_with_pictures(model, folder);
    mistakes_in_training(model, folder);
    knn_model_free(model);
    knn_model_free(NULL);
    knn_dataset_free(NULL);
    return wrong;
}
