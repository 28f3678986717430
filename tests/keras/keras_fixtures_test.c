/* Files that real Keras wrote: they load, and predict what Keras predicted; what is not for us is refused by name. */
#include "keras_support.h"
#include "model/model.h"
#include "support/fixture.h"

#define FOLDER KNN_FIXTURES "/keras/"

static void check_prediction(const knn_model *model, const float *x, size_t samples, const float *expected,
                             size_t length)
{
    float *y = malloc(length * sizeof *y);
    check_ok(knn_predict(model, x, samples, y, length));
    check_floats(y, expected, length, 1e-5, 1e-5);
    free(y);
}

static void check_file(const char *path, const char *fixture_name)
{
    char other[256];
    int shape[8];
    size_t length;
    snprintf(other, sizeof other, FOLDER "%s.fixture", fixture_name);
    fixture *file = fixture_open(other);
    ck_assert_msg(file != NULL, "%s", other);
    knn_model *model = knn_load_model(path);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    const float *x = fixture_get(file, "x", NULL, shape, NULL), *y = fixture_get(file, "y", NULL, NULL, &length);
    check_prediction(model, x, (size_t)shape[0], y, length);
    knn_model_free(model);
    fixture_close(file);
}

static const char *const good[] = {"cnn-keras2",         "cnn-keras3",         "pools-keras2",  "pools-keras3",
                                   "activations-keras2", "activations-keras3", "nested-keras2", "nested-keras3",
                                   "functional-keras2",  "functional-keras3",  "vector-keras2", "vector-keras3",
                                   "cnn-keras2.2.2",     "cnn-theano",         "cnn-packed",    "vector-half",
                                   "convolutions-keras2", "convolutions-keras3", "sequences-keras2", "sequences-keras3",
                                   "bends-keras2",       "bends-keras3",       "functions-keras3",
                                   "words-keras2",       "words-keras3",       "images-keras2",      "images-keras3",
                                   "statistics-keras2",  "statistics-keras3",  "others-keras2",      "others-keras3"};
enum { GOOD = sizeof good / sizeof *good };

START_TEST(a_file_of_keras_predicts_what_keras_predicted)
{
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s.h5", good[_i]);
    check_file(path, good[_i]);
}
END_TEST

/* Written again, the file still predicts the same. */
START_TEST(a_file_of_keras_survives_saving)
{
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s.h5", good[_i]);
    knn_model *model = knn_load_model(path);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    const char *copy = in_folder("copy.h5");
    check_ok(knn_save_model(model, copy));
    knn_model_free(model);
    check_file(copy, good[_i]);
}
END_TEST

/* Layers called Identity are activations, initializers of that name stay. */
START_TEST(a_layer_and_an_initializer_of_one_name_are_told_apart)
{
    knn_model *model = knn_load_model(FOLDER "others-keras2.h5");
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    const knn_dense_layer *last = (const void *)model->layers[model->layer_count - 1].description;
    ck_assert_str_eq(model->layers[0].description->class_name, "Activation");
    ck_assert_str_eq(last->kernel_initializer->class_name, "Identity");
    knn_model_free(model);
}
END_TEST

/* Keras' numbers and pairs are bounds here, in the file that Keras wrote and in the one that is written of it. */
static void check_image_options(const knn_model *model)
{
    const knn_random_flip_layer *flip = (const void *)model->layers[0].description;
    const knn_random_translation_layer *translation = (const void *)model->layers[1].description;
    const knn_random_rotation_layer *rotation = (const void *)model->layers[2].description;
    const knn_random_zoom_layer *even = (const void *)model->layers[3].description, *zoom = (const void *)model->layers[4].description;
    ck_assert_int_eq(flip->mode, KNN_FLIP_HORIZONTAL);
    ck_assert(translation->height_factor == -0.1 && translation->height_upper == 0.1);
    ck_assert(translation->width_factor == -0.2 && translation->width_upper == 0);
    ck_assert_int_eq(translation->fill_mode, KNN_OUTSIDE_WRAP);
    ck_assert(rotation->factor == 0 && rotation->factor_upper == 0.3);
    ck_assert(even->height_factor == -0.2 && even->width_upper < even->width_factor);       /* none: as the height */
    ck_assert(even->fill_mode == KNN_OUTSIDE_CONSTANT && even->fill_value == 0.5);
    ck_assert(zoom->width_factor == -0.3 && zoom->width_upper == 0.3 && zoom->interpolation == KNN_SAMPLING_NEAREST);
    for (size_t i = 5; i < model->layer_count; i++) {
        const knn_layer *layer = model->layers[i].description;
        const knn_random_contrast_layer *contrast = (const void *)layer;
        const knn_random_brightness_layer *brightness = (const void *)layer;
        if (strcmp(layer->class_name, "RandomContrast") == 0)
            ck_assert(contrast->factor == 0 && contrast->factor_upper == 0.2 && contrast->value_low == 0 && contrast->value_high == 255);
        if (strcmp(layer->class_name, "RandomBrightness") == 0)
            ck_assert(brightness->factor == -0.1 && brightness->value_low == -1 && brightness->value_high == 1);
    }
}

START_TEST(options_of_random_layers_survive)
{
    const char *copy = in_folder("copy.h5");
    knn_model *model = knn_load_model(_i == 0 ? FOLDER "images-keras2.h5" : FOLDER "images-keras3.h5");
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    check_image_options(model);
    check_ok(knn_save_model(model, copy));
    knn_model_free(model);
    model = knn_load_model(copy);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    check_image_options(model);
    knn_model_free(model);
}
END_TEST

START_TEST(what_a_file_compiled_is_compiled_here)
{
    static const struct { const char *file; double rate; } cases[] = {
        {"cnn-keras2", 0.01}, {"cnn-keras3", 0.01}, {"pools-keras2", 0.002}, {"pools-keras3", 0.002},
        {"activations-keras3", 0.01}, {"functional-keras2", 0.001}, {"functional-keras3", 0.001}, {"cnn-keras2.2.2", 0.003}};
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s.h5", cases[_i].file);
    knn_model *model = knn_load_model(path);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    ck_assert_double_eq_tol(knn_learning_rate(model), cases[_i].rate, 1e-9);
    knn_model_free(model);
    model = knn_load_model(path, .no_compile = true);
    ck_assert(knn_learning_rate(model) != knn_learning_rate(model));
    knn_model_free(model);
}
END_TEST

static knn_model *cnn(void)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(11, 9, 3));
    knn_add(model, knn_conv2d(4, 3, .activation = KNN_RELU, .padding = KNN_SAME));
    knn_add(model, knn_conv2d(5, 3, 2, .stride_height = 2, .stride_width = 1, .no_bias = true));
    knn_add(model, knn_batch_normalization(.momentum = 0.9, .epsilon = 1e-4));
    knn_add(model, knn_activation(KNN_RELU));
    knn_add(model, knn_max_pooling2d(2, 3, .stride_height = 1, .stride_width = 2, .padding = KNN_SAME));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(6, .activation = KNN_TANH));
    check_ok(knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX)));
    return model;
}

/* By order, whatever the names are, from a weights file and from a whole model. */
START_TEST(weights_of_keras_fit_a_model_of_ours)
{
    static const char *const files[][2] = {
        {"cnn-keras2-weights", "cnn-keras2"}, {"cnn-keras2", "cnn-keras2"}, {"cnn-keras3", "cnn-keras3"}};
    char path[256];
    int shape[8];
    size_t length;
    knn_model *model = cnn();
    snprintf(path, sizeof path, FOLDER "%s.h5", files[_i][0]);
    check_ok(knn_load_weights(model, path));
    snprintf(path, sizeof path, FOLDER "%s.fixture", files[_i][1]);
    fixture *file = fixture_open(path);
    const float *x = fixture_get(file, "x", NULL, shape, NULL), *y = fixture_get(file, "y", NULL, NULL, &length);
    check_prediction(model, x, (size_t)shape[0], y, length);
    fixture_close(file);
    knn_model_free(model);
}
END_TEST

START_TEST(what_cannot_be_a_model_is_refused_by_name)
{
    static const char *const cases[][2] = {
        {"bad-soft_link", "/model_weights/dense/dense/kernel:0: a soft or external link"},
        {"bad-external_link", "/model_weights/dense/dense/kernel:0: a soft or external link"},
        {"bad-external_storage", "/model_weights/dense/dense/kernel:0: its data lie in another file"},
        {"bad-text", "/model_weights/dense/dense/kernel:0: expected numbers"},
        {"bad-complex_numbers", "/model_weights/dense/dense/kernel:0: expected numbers"},
        {"bad-enormous", "/model_weights/dense/dense/kernel:0: larger than the file"},
        {"bad-group", "/model_weights/dense/dense/kernel:0: expected an array, got a group"},
        {"bad-missing", "/model_weights/dense/dense/kernel:0: missing"},
        {"bad-other_shape", "dense/kernel: expected shape (6, 4), got (4, 6)"},
        {"cnn-keras2-weights", "a weights file without layers"},
        {"cnn-keras3.weights", "a .weights.h5 of Keras 3 without layers"}};
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s.h5", cases[_i][0]);
    check_error(knn_load_model(path) == NULL, cases[_i][1]);
    ck_assert(strstr(knn_last_error(), path) != NULL);
}
END_TEST

/* ---- Files of strangers, where they are at hand ---- */

/* The numbers of a .npy file of little-endian float32 in C order. */
static float *read_npy(const char *path, size_t *length)
{
    void *bytes;
    size_t size;
    read_bytes(path, &bytes, &size);
    const unsigned char *head = bytes;
    size_t begin = 10 + (size_t)(head[8] | head[9] << 8);
    ck_assert(size > begin && memcmp(head, "\x93NUMPY\x01", 7) == 0 && memmem(head, begin, "<f4", 3) != NULL);
    *length = (size - begin) / sizeof(float);
    float *values = malloc(size - begin);
    memcpy(values, head + begin, size - begin);
    knn__free(bytes);
    return values;
}

static const char *stranger(const char *name, const char *file)
{
    static char path[1024];
    const char *data = getenv("KNN_TEST_DATA");
    if (data == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/keras-models/%s/%s", data, name, file);
    return access(path, R_OK) == 0 ? path : NULL;
}

static void check_stranger(const knn_model *model, const char *name)
{
    size_t inputs, outputs;
    float *x = read_npy(stranger(name, "input.npy"), &inputs), *y = read_npy(stranger(name, "output.npy"), &outputs);
    check_prediction(model, x, inputs / knn_input_length(model), y, outputs);
    free(x);
    free(y);
}

START_TEST(a_whole_model_of_a_stranger_predicts_what_keras_did)
{
    static const char *const files[][2] = {{"KiLJ4EdeN__Streamlit_Minimal_ML__mnist", "mnist.h5"},
                                           {"AlexAlkhatib__sign-mnist__best_model", "best_model.keras"},
                                           {"Lynn578__CIFAR_10__cifar10_model", "cifar10_model.keras"},
                                           {"45Harry__Potato__my_model", "my_model.keras"},
                                           {"phvu__CarND__model", "model.h5"},
                                           {"vlawhern__arl-eegmodels__EEGNet-8-2", "EEGNet-8-2-weights.h5"},
                                           {"AkashKobal__potato-disease__potatoes", "potatoes.h5"}};
    const char *path = stranger(files[_i][0], files[_i][1]);
    if (path == NULL)
        return;
    knn_model *model = knn_load_model(path);
    if (model == NULL && strstr(knn_last_error(), "no libzip") != NULL)
        return;
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    check_stranger(model, files[_i][0]);
    knn_model_free(model);
}
END_TEST

START_TEST(weights_of_a_stranger_predict_what_keras_did)
{
    const char *path = stranger("keon__deep-q-learning__cartpole-dqn", "cartpole-dqn.h5");
    if (path == NULL)
        return;
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(4));
    knn_add(model, knn_dense(24, .activation = KNN_RELU));
    knn_add(model, knn_dense(24, .activation = KNN_RELU));
    knn_add(model, knn_dense(2));
    check_ok(knn_load_weights(model, path));
    check_stranger(model, "keon__deep-q-learning__cartpole-dqn");
    knn_model_free(model);
}
END_TEST

START_TEST(layers_and_weights_of_a_stranger_in_two_files_predict_what_keras_did)
{
    static const char *const files[][3] = {{"ardamavi__Dog-Cat-Classifier__weights", "model.json", "weights.h5"},
                                           {"dwkiner__Keras-Image-recognition-CNN__first_try", "architecture.json", "first_try.h5"},
                                           {"keon__deep-q-learning__cartpole-dqn", "architecture.json", "cartpole-dqn.h5"}};
    void *json;
    size_t size;
    if (stranger(files[_i][0], files[_i][1]) == NULL)
        return;
    read_bytes(stranger(files[_i][0], files[_i][1]), &json, &size);
    knn_model *model = knn_model_from_json(json);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    check_ok(knn_load_weights(model, stranger(files[_i][0], files[_i][2])));
    check_stranger(model, files[_i][0]);
    knn_model_free(model);
    knn__free(json);
}
END_TEST

START_TEST(models_of_strangers_that_we_cannot_run_are_refused_naming_all_that_is_missing)
{
    static const char *const cases[][3] = {
        {"oarriaga__face_classification__fer2013_mini_XCEPTION.102", "fer2013_mini_XCEPTION.102-0.66.hdf5",
         "add_4 (Add)"},
        {"ina-foss__inaSpeechSegmenter__test", "test.h5", "an HDF5 file that Keras did not write"},
        {"xiangrufan__keras-mtcnn__12net", "12net.h5", "a weights file without layers"}};
    const char *path = stranger(cases[_i][0], cases[_i][1]);
    if (path != NULL)
        check_error(knn_load_model(path) == NULL, cases[_i][2]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files of Keras");
    TCase *fixtures = tcase_create("fixtures"), *strangers = tcase_create("strangers");
    tcase_add_checked_fixture(fixtures, make_folder, remove_folder);
    tcase_add_loop_test(fixtures, a_file_of_keras_predicts_what_keras_predicted, 0, GOOD);
    tcase_add_loop_test(fixtures, a_file_of_keras_survives_saving, 0, GOOD);
    tcase_add_test(fixtures, a_layer_and_an_initializer_of_one_name_are_told_apart);
    tcase_add_loop_test(fixtures, options_of_random_layers_survive, 0, 2);
    tcase_add_loop_test(fixtures, what_a_file_compiled_is_compiled_here, 0, 8);
    tcase_add_loop_test(fixtures, weights_of_keras_fit_a_model_of_ours, 0, 3);
    tcase_add_loop_test(fixtures, what_cannot_be_a_model_is_refused_by_name, 0, 11);
    tcase_add_loop_test(strangers, a_whole_model_of_a_stranger_predicts_what_keras_did, 0, 7);
    tcase_add_test(strangers, weights_of_a_stranger_predict_what_keras_did);
    tcase_add_loop_test(strangers, layers_and_weights_of_a_stranger_in_two_files_predict_what_keras_did, 0, 3);
    tcase_add_loop_test(strangers, models_of_strangers_that_we_cannot_run_are_refused_naming_all_that_is_missing, 0, 3);
    suite_add_tcase(suite, fixtures);
    suite_add_tcase(suite, strangers);
    return check_run(suite);
}
