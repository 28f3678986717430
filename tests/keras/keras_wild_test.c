/* What strangers' files were found to hold: other words for the same layers, compilations that nobody understands, states that do not fit, other
 * storage. It loads and predicts what Keras did, or is refused by a reason. */
#include "keras_answers.h"

static const char *path_of(const char *name)
{
    return in_fixtures("wild-%s", name);
}

START_TEST(layers_in_other_words_are_the_same)
{
    static const char *const names[] = {"double.json", "early_tf.json", "backwards.json", "new_words.json"};
    void *json;
    size_t size;
    read_bytes(path_of(names[_i]), &json, &size);
    knn_model *model = knn_model_from_json(json);
    ck_assert_msg(model != NULL, "%s: %s", names[_i], knn_last_error());
    check_ok(knn_load_weights(model, in_fixtures("cnn-keras2.h5")));
    check_prediction(model, in_fixtures("cnn-keras2.fixture"));
    knn_model_free(model);
    knn__free(json);
}
END_TEST

/* The learning rate tells whether it is compiled: NaN, it is not. */
START_TEST(no_compilation_and_no_state_stops_a_model_from_predicting)
{
    static const struct { const char *name; bool compiled; } cases[] = {
        {"short_names.h5", true},     {"no_metrics.h5", true},         {"loss_of_a_class.h5", true}, {"unknown_loss.h5", false},
        {"unknown_metric.h5", false}, {"schedule_decay.h5", false},    {"unknown_optimizer.h5", false}, {"strange.h5", false},
        {"other_state.h5", true},     {"missing_state.h5", true}};
    knn_model *model = load(path_of(cases[_i].name));
    double rate = knn_learning_rate(model);
    ck_assert_msg(cases[_i].compiled ? rate == 0.5 : rate != rate, "%s: %g", cases[_i].name, rate);
    ck_assert_uint_eq(model->training.iteration, 0);
    check_prediction(model, in_fixtures("vector-keras2.fixture"));
    knn_model_free(model);
}
END_TEST

START_TEST(numbers_are_read_whatever_they_are_stored_as)
{
    static const char *const names[] = {"chunked.h5", "big_halves.h5"};
    knn_model *model = load(path_of(names[_i]));
    check_prediction(model, in_fixtures("vector-keras2.fixture"));
    knn_model_free(model);
}
END_TEST

START_TEST(what_cannot_be_read_is_called_by_its_name)
{
    static const char *const cases[][2] = {{"plug_in.h5", "packed by filter 32000, expected deflate, shuffle or fletcher32"},
                                           {"text_state.h5", "expected numbers, got text"},
                                           {"empty.h5", "expected a whole model, got an HDF5 file with nothing in it"},
                                           {"no_keras.h5", "expected a whole model, got an HDF5 file that Keras did not write"},
                                           {"pointer.h5", "a Git LFS pointer, not the file itself"}};
    check_error(knn_load_model(path_of(cases[_i][0])) == NULL, cases[_i][1]);
}
END_TEST

/* ---- Layers of old ages that cannot be had ---- */

START_TEST(all_layers_that_are_missing_are_named_with_the_reason)
{
    static const char *const cases[][2] = {
        {"{\"class_name\": \"Sequential\", \"config\": [{\"class_name\": \"Merge\", \"config\": {\"name\": \"both\", \"mode\": \"sum\", \"layers\": []}},"
         " {\"class_name\": \"Highway\", \"config\": {\"name\": \"road\", \"bias\": true}},"
         " {\"class_name\": \"BatchNormalization\", \"config\": {\"name\": \"batch\", \"mode\": 2, \"axis\": -1}}]}",
         "both (Merge): libknn has no such layer; road (Highway): libknn has no such layer; batch (BatchNormalization): mode"},
        {"{\"class_name\": \"Sequential\", \"config\": [{\"class_name\": \"Lambda\", \"config\": {\"name\": \"half\", \"batch_input_shape\": [null, 3]}}]}",
         "half (Lambda): a function of Python's"},
        {"{\"name\": \"Graph\", \"nodes\": {}, \"loss\": \"mse\"}", "class Graph, only Sequential models"},
        {"{\"name\": \"Sequential\", \"layers\": [{\"name\": \"MaxoutDense\", \"input_shape\": [4], \"nb_feature\": 4}]}",
         "a layer (MaxoutDense): libknn has no such layer"}};
    check_error(knn_model_from_json(cases[_i][0]) == NULL, cases[_i][1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files in the wild");
    TCase *tests = tcase_create("wild");
    tcase_add_loop_test(tests, layers_in_other_words_are_the_same, 0, 4);
    tcase_add_loop_test(tests, no_compilation_and_no_state_stops_a_model_from_predicting, 0, 10);
    tcase_add_loop_test(tests, numbers_are_read_whatever_they_are_stored_as, 0, 2);
    tcase_add_loop_test(tests, what_cannot_be_read_is_called_by_its_name, 0, 5);
    tcase_add_loop_test(tests, all_layers_that_are_missing_are_named_with_the_reason, 0, 4);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
