/* Files that real Keras 0.3 to 2.3 wrote, on Theano: they predict what that Keras predicted. Those of all ages go on training as it did. */
#include "keras_answers.h"

static const char *path_of(const char *name, const char *end)
{
    return in_fixtures("%s%s", name, end);
}

/* Layers from the JSON, weights from the file beside it, or from NAMEend. */
static knn_model *load_parts(const char *name, const char *end)
{
    void *json;
    size_t size;
    read_bytes(path_of(name, ".json"), &json, &size);
    knn_model *model = knn_model_from_json(json);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    knn__free(json);
    check_ok(knn_load_weights(model, path_of(name, end)));
    return model;
}

static const char *const parts[] = {"old-0.3.3-cnn-tf", "old-0.3.3-cnn-th",   "old-0.3.3-sequence", "old-1.2.2-more-tf",
                                    "old-1.2.2-more-th", "old-1.2.2-sequence", "old-1.2.2-words",    "old-1.2.2-chain",
                                    "old-1.2.2-nested"};
enum { PARTS = sizeof parts / sizeof *parts };

START_TEST(layers_and_weights_in_two_files_predict_what_keras_did)
{
    knn_model *model = load_parts(parts[_i], ".h5");
    check_prediction(model, path_of(parts[_i], ".fixture"));
    knn_model_free(model);
}
END_TEST

/* Keras 1 on TensorFlow says so by the names of weights only; its kernels are not turned. */
START_TEST(weights_of_keras_1_on_tensorflow_predict_the_same)
{
    static const char *const names[] = {"old-1.2.2-chain", "old-1.2.2-more-th"};
    knn_model *model = load_parts(names[_i], "-tensorflow.h5");
    check_prediction(model, path_of(names[_i], ".fixture"));
    knn_model_free(model);
}
END_TEST

static const char *const whole[] = {"old-1.1.2-cnn-th",  "old-1.1.2-sgd",  "old-1.2.2-cnn-tf", "old-1.2.2-adam",    "old-1.2.2-adadelta",
                                    "old-2.0.5-adam",    "old-2.0.5-adamax", "old-2.0.5-half", "old-2.2.4-rmsprop", "old-2.2.4-adam",
                                    "old-2.2.4-nadam",   "old-2.3.1-rmsprop", "old-2.3.1-adagrad", "old-2.3.1-adam"};
enum { WHOLE = sizeof whole / sizeof *whole };

/* Written again, in today's words, it still does. */
START_TEST(a_whole_model_predicts_what_keras_did)
{
    const char *copy = in_folder("copy.h5");
    knn_model *model = load(path_of(whole[_i], ".h5"));
    check_prediction(model, path_of(whole[_i], ".fixture"));
    check_ok(knn_save_model(model, copy));
    knn_model_free(model);
    model = load(copy);
    check_prediction(model, path_of(whole[_i], ".fixture"));
    check_ok(knn_load_weights(model, path_of(whole[_i], ".h5")));
    check_prediction(model, path_of(whole[_i], ".fixture"));
    knn_model_free(model);
}
END_TEST

static const struct { const char *name; int steps; double tolerance; } trained[] = {
    {"old-1.1.2-cnn-th", 0, 1e-5}, {"old-1.1.2-sgd", 0, 1e-5}, {"old-1.2.2-cnn-tf", 2, 1e-5}, {"old-1.2.2-adam", 2, 1e-5},
    {"old-1.2.2-adadelta", 0, 1e-5}, {"old-2.0.5-adam", 2, 1e-5}, {"old-2.0.5-adamax", 2, 1e-5}, {"old-2.2.4-rmsprop", 0, 1e-4},
    {"old-2.2.4-adam", 2, 1e-5}, {"old-2.3.1-rmsprop", 2, 1e-4}, {"old-2.3.1-adagrad", 2, 1e-5}, {"old-2.3.1-adam", 2, 1e-5},
    {"state-keras2.10-rmsprop", 2, 1e-4}, {"state-keras2.10-adam", 2, 1e-5}, {"state-keras2.10-adadelta", 2, 1e-5},
    {"state-keras2-sgd", 2, 1e-5}, {"state-keras2-rmsprop", 2, 1e-5}, {"state-keras2-adam", 2, 1e-5}, {"state-keras2-adagrad", 2, 1e-5},
    {"state-keras2-adadelta", 2, 1e-5}, {"state-keras2-adamax", 2, 1e-5}, {"state-keras3-sgd", 2, 1e-5},
    {"state-keras3-rmsprop", 2, 1e-5}, {"state-keras3-adam", 2, 1e-5}, {"state-keras3-adagrad", 2, 1e-5}, {"state-keras3-adadelta", 2, 1e-5},
    {"state-keras3-adamax", 2, 1e-5}, {"state-keras3-nadam", 2, 1e-5}};
enum { TRAINED = sizeof trained / sizeof *trained };

/* The optimizer's state is taken over: the next losses are Keras', too, but for the place of epsilon in a root, where ours is Keras 3's. */
START_TEST(training_goes_on_as_in_keras)
{
    const char *name = trained[_i].name;
    knn_model *model = load(path_of(name, ".h5"));
    check_training_goes_on(model, path_of(name, ".fixture"), (unsigned)trained[_i].steps, trained[_i].tolerance);
    knn_model_free(model);
}
END_TEST

/* Regularizers and constraints say their class by their name; what is padded, each side by its own. */
static const char words[] =
    "{\"class_name\": \"Sequential\", \"config\": ["
    "{\"class_name\": \"ZeroPadding2D\", \"config\": {\"name\": \"pad\", \"batch_input_shape\": [null, 2, 3, 1], "
    "\"padding\": {\"top_pad\": 1, \"right_pad\": 2}}}, "
    "{\"class_name\": \"GaussianNoise\", \"config\": {\"sigma\": 0.25}}, {\"class_name\": \"SpatialDropout2D\", \"config\": {\"p\": 0.5}}, "
    "{\"class_name\": \"Flatten\", \"config\": {}}, "
    "{\"class_name\": \"Dense\", \"config\": {\"output_dim\": 4, \"init\": \"he_normal\", \"activation\": \"relu\", \"bias\": false, "
    "\"W_regularizer\": {\"name\": \"WeightRegularizer\", \"l1\": 0.5, \"l2\": 0.25}, "
    "\"W_constraint\": {\"name\": \"MaxNorm\", \"m\": 3, \"axis\": 0}, "
    "\"b_constraint\": {\"name\": \"MinMaxNorm\", \"low\": 0.5, \"high\": 2, \"rate\": 0.75, \"axis\": 0}}}], \"keras_version\": \"1.2.0\"}";

START_TEST(options_of_keras_1_are_those_of_today)
{
    knn_model *model = knn_model_from_json(words);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    const knn_zero_padding2d_layer *pad = (const void *)model->layers[0].description;
    const knn_gaussian_noise_layer *noise = (const void *)model->layers[1].description;
    const knn_dropout_layer *dropout = (const void *)model->layers[2].description;
    const knn_dense_layer *dense = (const void *)model->layers[4].description;
    const knn_l1l2_regularizer *penalty = (const void *)dense->kernel_regularizer;
    const knn_max_norm_constraint *most = (const void *)dense->kernel_constraint;
    const knn_min_max_norm_constraint *between = (const void *)dense->bias_constraint;
    ck_assert(pad->top == 1 && pad->bottom == 0 && pad->left == 0 && pad->right == 2);
    ck_assert(noise->stddev == 0.25 && dropout->rate == 0.5);
    ck_assert(dense->units == 4 && dense->no_bias && dense->activation == KNN_RELU);
    ck_assert(penalty != NULL && penalty->l1 == 0.5 && penalty->l2 == 0.25);
    ck_assert(most != NULL && most->max_value == 3);
    ck_assert(between != NULL && between->min_value == 0.5 && between->max_value == 2 && between->rate == 0.75);
    ck_assert_str_eq(dense->kernel_initializer->class_name, "HeNormal");
    knn_model_free(model);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    check_error(knn_load_model(path_of("old-0.3.3-cnn-th", ".h5")) == NULL, "a weights file of Keras 0 without layers");
    knn_model *model = load_parts("old-1.2.2-chain", ".h5");
    check_error(knn_load_weights(model, path_of("old-0.3.3-sequence", ".h5")) != KNN_OK, "got 3 (layer_0, layer_3, layer_5)");
    check_error(knn_load_weights(model, path_of("old-2.2.4-adam", ".h5")) == KNN_ERROR_SHAPE, "expected shape (3, 3, 1, 2), got (2, 3, 2, 3)");
    check_prediction(model, path_of("old-1.2.2-chain", ".fixture"));
    knn_model_free(model);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    size_t before = knn__live_blocks();
    void *json;
    size_t size;
    knn_model *model = NULL, *other = NULL;
    for (long n = 1; model == NULL; n++) {
        knn__fail_allocation(n);
        model = knn_load_model(path_of("old-1.1.2-sgd", ".h5"));
        knn__fail_allocation(0);
        ck_assert(model != NULL ? model->slots[0] != NULL : knn__live_blocks() == before);
    }
    knn_model_free(model);
    read_bytes(path_of("old-0.3.3-cnn-th", ".json"), &json, &size);
    for (long n = 1; other == NULL; n++) {
        size_t blocks = knn__live_blocks();
        knn__fail_allocation(n);
        other = knn_model_from_json(json);
        knn__fail_allocation(0);
        ck_assert(other != NULL || knn__live_blocks() == blocks);
    }
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status != KNN_OK; n++) {
        knn__fail_allocation(n);
        status = knn_load_weights(other, path_of("old-0.3.3-cnn-th", ".h5"));
        knn__fail_allocation(0);
        ck_assert(status == KNN_OK || status == KNN_ERROR_MEMORY);
    }
    check_prediction(other, path_of("old-0.3.3-cnn-th", ".fixture"));
    knn_model_free(other);
    knn__free(json);
    ck_assert_uint_eq(knn__live_blocks(), before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files of old Keras");
    TCase *tests = tcase_create("old");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, layers_and_weights_in_two_files_predict_what_keras_did, 0, PARTS);
    tcase_add_loop_test(tests, a_whole_model_predicts_what_keras_did, 0, WHOLE);
    tcase_add_loop_test(tests, training_goes_on_as_in_keras, 0, TRAINED);
    tcase_add_loop_test(tests, weights_of_keras_1_on_tensorflow_predict_the_same, 0, 2);
    tcase_add_test(tests, options_of_keras_1_are_those_of_today);
    tcase_add_test(tests, what_does_not_fit_is_refused);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
