/* Keras 3's own layout, in .keras archives and .weights.h5: real Keras' files load and go on training as Keras does, ours keep everything, broken
 * ones are refused by name. */
#include "keras/hdf5.h"
#include "keras/keras.h"
#include "keras_answers.h"

static const char *fixture_path(const char *name, const char *end)
{
    return in_fixtures("archive-%s%s", name, end);
}

static void clear_weights(knn_model *model)
{
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        int rank, shape[4];
        size_t length = 1;
        check_ok(knn_weight_info(model, i, NULL, &rank, shape, NULL));
        for (int d = 0; d < rank; d++)
            length *= (size_t)shape[d];
        float *zeros = calloc(length, sizeof *zeros);
        check_ok(knn_set_weight(model, i, zeros, length));
        free(zeros);
    }
}

/* ---- Files of real Keras ---- */

static const char *const good[] = {"cnn-keras2",   "cnn-keras3",   "nested-keras2", "nested-keras3",  "functional-keras2", "functional-keras3",
                                   "plain-keras2", "plain-keras3", "cnn-deflated",  "cnn-windows",    "nested-windows",    "cnn-early"};
enum { GOOD = sizeof good / sizeof *good };

START_TEST(an_archive_of_keras_predicts_what_keras_predicted)
{
    knn_model *model = load(fixture_path(good[_i], ".keras"));
    check_prediction(model, fixture_path(good[_i], ".fixture"));
    knn_model_free(model);
}
END_TEST

/* Written again as an archive and as weights alone, it still does. */
START_TEST(an_archive_of_keras_survives_saving)
{
    const char *copy = in_folder("copy.keras"), *weights = in_folder("copy.weights.h5");
    knn_model *model = load(fixture_path(good[_i], ".keras"));
    check_ok(knn_save_model(model, copy));
    check_ok(knn_save_weights(model, weights));
    knn_model_free(model);
    model = load(copy);
    check_prediction(model, fixture_path(good[_i], ".fixture"));
    clear_weights(model);
    check_ok(knn_load_weights(model, weights));
    check_prediction(model, fixture_path(good[_i], ".fixture"));
    clear_weights(model);
    check_ok(knn_load_weights(model, copy));
    check_prediction(model, fixture_path(good[_i], ".fixture"));
    knn_model_free(model);
}
END_TEST

/* The optimizer's state is taken over: the next losses are Keras', too. */
START_TEST(training_goes_on_as_in_keras)
{
    static const char *const names[] = {"cnn-keras2", "cnn-keras3", "functional-keras2", "functional-keras3", "plain-keras2", "plain-keras3",
                                        "cnn-windows", "cnn-deflated"};
    knn_model *model = load(fixture_path(names[_i], ".keras"));
    check_training_goes_on(model, fixture_path(names[_i], ".fixture"), 2, 1e-5);
    knn_model_free(model);
}
END_TEST

START_TEST(weights_files_of_keras_fit_a_model)
{
    static const char *const names[] = {"cnn-keras2",        "cnn-keras3",    "functional-keras2",
                                        "functional-keras3", "nested-keras2", "nested-keras3"};
    knn_model *model = load(fixture_path(names[_i], ".keras"));
    clear_weights(model);
    check_ok(knn_load_weights(model, fixture_path(names[_i], ".weights.h5")));
    check_prediction(model, fixture_path(names[_i], ".fixture"));
    knn_model_free(model);
}
END_TEST

/* Keras' names are in the file since 3.8. */
START_TEST(by_name_works_where_the_file_says_names)
{
    static const char *const names[] = {"cnn", "nested"};
    char new[64], old[64];
    snprintf(new, sizeof new, "%s-keras3", names[_i]);
    snprintf(old, sizeof old, "%s-keras2", names[_i]);
    knn_model *model = load(fixture_path(new, ".keras"));
    clear_weights(model);
    check_error(knn_load_weights(model, fixture_path(old, ".weights.h5"), .by_name = true) == KNN_ERROR_UNSUPPORTED,
                "does not say the names");
    check_ok(knn_load_weights(model, fixture_path(new, ".weights.h5"), .by_name = true));
    check_prediction(model, fixture_path(new, ".fixture"));
    knn_model_free(model);
}
END_TEST

/* What is Sequential here may have been Functional: then names decide, of models, too. Another model has neither these places nor names. */
START_TEST(models_inside_are_found_by_names_where_their_places_are_others)
{
    const char *path = fixture_path("nested-functional", ".weights.h5");
    knn_model *model = load(fixture_path("nested-keras3", ".keras")), *flat = small_model(1);
    clear_weights(model);
    check_ok(knn_load_weights(model, path));
    check_prediction(model, fixture_path("nested-keras3", ".fixture"));
    check_error(knn_load_weights(flat, path) == KNN_ERROR_SHAPE,
                "conv2d (Conv2D): no layer of that name in the file, whose models inside are others");
    knn_model_free(flat);
    knn_model_free(model);
}
END_TEST

/* first: a convolution and a normalization; it is twice in `body`, which is beside a model of its class. */
static knn_model *model_of_models(uint64_t seed)
{
    knn_model *first = knn_sequential(.name = "first", .seed = seed), *body = knn_sequential(.name = "body"),
              *model = knn_sequential(.name = "outer", .seed = seed);
    knn_add(first, knn_input(6, 5, 2));
    knn_add(first, knn_conv2d(2, 3, .padding = KNN_SAME));
    knn_add(first, knn_batch_normalization());
    check_ok(knn_add_model(body, first));
    check_ok(knn_add(body, knn_conv2d(2, 3, .padding = KNN_SAME)));
    check_ok(knn_add_model(body, first, "again"));
    check_ok(knn_add_model(model, first));
    check_ok(knn_add_model(model, body));
    check_ok(knn_add(model, knn_flatten()));
    check_ok(knn_add(model, knn_dense(SMALL_OUTPUT, .activation = KNN_SOFTMAX)));
    check_ok(knn_compile(model, .optimizer = knn_adam(), .loss = knn_categorical_crossentropy()));
    knn_model_free(first);
    knn_model_free(body);
    return model;
}

START_TEST(models_inside_stay_models_in_archives)
{
    const char *path = in_folder("model.keras"), *weights = in_folder("of.weights.h5");
    static const char *const groups[] = {"layers/sequential/layers/conv2d/vars/0", "layers/sequential_1/layers/sequential/layers/conv2d/vars/0",
                                         "layers/sequential_1/layers/conv2d/vars/0", "layers/sequential_1/layers/sequential_1/vars",
                                         "layers/dense/vars/1"};
    knn_model *model = model_of_models(1), *other = model_of_models(2);
    train_small(model, 1);
    check_ok(knn_save_model(model, path));
    check_ok(knn_save_weights(model, weights));
    knn_model *copy = load(path);
    ck_assert_uint_eq(knn_layer_count(copy), knn_layer_count(model));
    for (size_t i = 0; i < knn_layer_count(model); i++)
        ck_assert_str_eq(knn_layer_name(copy, i), knn_layer_name(model, i));
    check_same_weights(copy, model);
    check_ok(knn_load_weights(other, weights));
    check_same_weights(other, model);
    train_small(other, 1);
    check_ok(knn_load_weights(other, weights, .by_name = true));
    check_same_weights(other, model);
    train_small(model, 1);
    train_small(copy, 1);
    check_same_weights(copy, model);
    knn_model_free(model);
    knn_model_free(other);
    knn_model_free(copy);
    knn__h5 *file;
    void *bytes;
    size_t size;
    read_bytes(weights, &bytes, &size);
    check_ok(knn__h5_open(bytes, size, &file));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        ck_assert_msg(knn__h5_has(file, groups[i]), "no %s", groups[i]);
    knn__h5_close(file);
    knn__free(bytes);
}
END_TEST

/* ---- Files of ours ---- */

START_TEST(an_archive_keeps_all_of_a_training)
{
    const char *path = in_folder("model.keras");
    knn_model *model = small_model(1);
    train_small(model, 2);
    check_ok(knn_save_model(model, path));
    knn_model *copy = load(path);
    train_small(model, 3);
    train_small(copy, 3);
    check_same_weights(model, copy);
    ck_assert_uint_eq(copy->training.iteration, 5);
    knn_model_free(copy);
    knn_model_free(model);
}
END_TEST

START_TEST(equal_models_give_equal_archives)
{
    void *bytes[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        knn_model *model = small_model(1);
        check_ok(knn_save_model(model, in_folder("model.keras")));
        read_bytes(in_folder("model.keras"), &bytes[i], &size[i]);
        knn_model_free(model);
    }
    ck_assert(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    knn__free(bytes[0]);
    knn__free(bytes[1]);
}
END_TEST

START_TEST(a_training_is_restored_from_an_archive)
{
    const char *path = in_folder("model.keras");
    knn_model *model = small_model(1), *other = small_model(2);
    train_small(model, 2);
    model->training.fingerprint = knn__copy_text("same\n");
    check_ok(knn__save(model, path, KNN__SAVE_MODEL));
    check_error(knn__restore(other, path, "other\n") == KNN_ERROR_STATE, "another training");
    check_ok(knn__restore(other, path, "same\n"));
    train_small(model, 1);
    train_small(other, 1);
    check_same_weights(model, other);
    knn_model_free(model);
    knn_model_free(other);
}
END_TEST

START_TEST(checkpoints_and_backups_may_be_archives)
{
    enum { SAMPLES = 8 };
    float x[SAMPLES * SMALL_INPUT], y[SAMPLES * SMALL_OUTPUT] = {0};
    fill_pattern(x, SAMPLES * SMALL_INPUT, 3);
    for (int i = 0; i < SAMPLES; i++)
        y[i * SMALL_OUTPUT + i % SMALL_OUTPUT] = 1;
    knn_dataset *data = knn_flow(x, y, SAMPLES, .height = 6, .width = 5, .channels = 2, .outputs = SMALL_OUTPUT);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    char checkpoint[256], weights[256], backup[256];
    snprintf(checkpoint, sizeof checkpoint, "%s", in_folder("at-{epoch}.keras"));
    snprintf(weights, sizeof weights, "%s", in_folder("at-{epoch}.weights.h5"));
    snprintf(backup, sizeof backup, "%s", in_folder("backup.keras"));
    knn_model *whole = small_model(5), *first = small_model(5), *second = small_model(5);
    check_ok(knn_fit(whole, data, .epochs = 2, .batch_size = 4,
                     .callbacks = {knn_model_checkpoint(checkpoint), knn_model_checkpoint(weights, .save_weights_only = true)}));
    check_ok(knn_fit(first, data, .epochs = 1, .batch_size = 4, .callbacks = {knn_backup_and_restore(backup, .no_delete = true)}));
    check_ok(knn_fit(second, data, .epochs = 2, .batch_size = 4, .callbacks = {knn_backup_and_restore(backup)}));
    check_same_weights(second, whole);
    knn_model *stored = load(in_folder("at-2.keras"));
    check_same_weights(stored, whole);
    check_ok(knn_load_weights(stored, in_folder("at-1.weights.h5")));
    check_same_weights(stored, first);
    knn_model_free(stored);
    knn_model_free(whole);
    knn_model_free(first);
    knn_model_free(second);
    knn_dataset_free(data);
}
END_TEST

START_TEST(an_archive_of_weights_alone_is_refused)
{
    knn_model *model = small_model(1);
    check_error(knn_save_weights(model, in_folder("model.keras")) == KNN_ERROR_ARGUMENT, ".keras files hold whole models");
    ck_assert_int_eq(access(in_folder("model.keras"), F_OK), -1);
    knn_model_free(model);
}
END_TEST

/* ---- Layers alone ---- */

START_TEST(layers_travel_as_json_and_weights_beside_them)
{
    const char *weights = in_folder("of.weights.h5");
    char *json, *again;
    knn_model *model = load(fixture_path(good[_i], ".keras"));
    check_ok(knn_model_to_json(model, &json));
    check_ok(knn_save_weights(model, weights));
    knn_model *copy = knn_model_from_json(json, .seed = 3);
    ck_assert_msg(copy != NULL, "%s", knn_last_error());
    check_ok(knn_model_to_json(copy, &again));
    ck_assert_str_eq(json, again);
    check_ok(knn_load_weights(copy, weights));
    check_prediction(copy, fixture_path(good[_i], ".fixture"));
    knn_json_free(json);
    knn_json_free(again);
    knn_model_free(copy);
    knn_model_free(model);
}
END_TEST

START_TEST(what_is_no_json_of_layers_is_refused)
{
    char *json;
    knn_model *empty = knn_sequential();
    check_error(knn_model_to_json(empty, &json) == KNN_ERROR_STATE, "no layers");
    ck_assert_ptr_null(json);
    check_error(knn_model_to_json(empty, NULL) == KNN_ERROR_ARGUMENT, "json: expected a place");
    check_error(knn_model_from_json(NULL) == NULL, "json: expected a text");
    check_error(knn_model_from_json("{") == NULL, "json: not a JSON text");
    check_error(knn_model_from_json("[]") == NULL, "class missing");
    check_error(knn_model_from_json("{\"class_name\": \"Sequential\", "
                                    "\"config\": [{\"class_name\": \"Lambda\", \"config\": {\"name\": \"l\"}}]}") == NULL,
                "l (Lambda)");
    knn_json_free(NULL);
    knn_model_free(empty);
}
END_TEST

/* ---- Broken ones ---- */

START_TEST(a_broken_archive_is_refused_by_name)
{
    static const char *const cases[][2] = {
        {"bad-no_config", "the zip archive has no member config.json"},
        {"bad-no_metadata", "the zip archive has no member metadata.json"},
        {"bad-no_weights", "the zip archive has no member model.weights.h5"},
        {"bad-json", "config.json: not a JSON text"},
        {"bad-no_hdf5", "model.weights.h5: not a Keras file"},
        {"bad-bomb", "config.json: 17825792 bytes, at most 4194304 are supported"},
        {"bad-without_dense", "layer dense (Dense): the file has not as many layers of that class"},
        {"bad-two_dense", "layers with weights: expected 2, got 3, among them layers/dense_1"},
        {"bad-circle", "groups nested more than"},
        {"bad-soft", "/layers/dense/vars/0: a soft or external link"},
        {"bad-holes", "/layers/dense/vars/0: missing"}};
    const char *path = fixture_path(cases[_i][0], ".keras");
    size_t before = knn__live_blocks();
    check_error(knn_load_model(path) == NULL, cases[_i][1]);
    ck_assert(strstr(knn_last_error(), path) != NULL);
    ck_assert_uint_eq(knn__live_blocks(), before);
}
END_TEST

START_TEST(an_archive_that_is_cut_is_an_error)
{
    void *bytes;
    size_t size, before = knn__live_blocks();
    read_bytes(fixture_path("cnn-deflated", ".keras"), &bytes, &size);
    for (size_t length = 0; length < size; length++) {
        ck_assert_msg(knn_load_model(.data = bytes, .data_size = length) == NULL, "%zu of %zu bytes gave a model", length, size);
        ck_assert(knn_last_error()[0] != '\0');
    }
    knn__free(bytes);
    ck_assert_uint_eq(knn__live_blocks(), before);
}
END_TEST

/* Any answer is right but a crash, a leak, or memory without measure. The members' sums keep libhdf5 from seeing what was changed. */
START_TEST(an_archive_with_any_byte_changed_is_loaded_or_refused)
{
    void *bytes;
    size_t size, before = knn__live_blocks();
    read_bytes(fixture_path("cnn-deflated", ".keras"), &bytes, &size);
    unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        unsigned char kept = byte[i];
        for (int bit = 0; bit < 8; bit += 3) {
            byte[i] = (unsigned char)(kept ^ 1 << bit);
            knn_model_free(knn_load_model(.data = bytes, .data_size = size));
        }
        byte[i] = kept;
    }
    knn__free(bytes);
    ck_assert_uint_eq(knn__live_blocks(), before);
}
END_TEST

START_TEST(every_allocation_of_an_archive_may_fail)
{
    const char *path = in_folder("model.keras");
    knn_model *model = small_model(1), *loaded = NULL;
    train_small(model, 1);
    size_t before = knn__live_blocks();
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status != KNN_OK; n++) {
        knn__fail_allocation(n);
        status = knn_save_model(model, path);
        knn__fail_allocation(0);
        ck_assert(status == KNN_OK || status == KNN_ERROR_MEMORY);
        ck_assert_uint_eq(knn__live_blocks(), before);
    }
    for (long n = 1; loaded == NULL; n++) {
        knn__fail_allocation(n);
        loaded = knn_load_model(path);
        knn__fail_allocation(0);
        ck_assert(loaded != NULL || (knn__live_blocks() == before && knn_last_error()[0] != '\0'));
    }
    ck_assert(loaded->compiled.done && loaded->training.iteration == 1);
    knn_model_free(loaded);
    before = knn__live_blocks();
    for (long n = 1; loaded != NULL; n++) {     /* the optimizer's state as Keras has it */
        knn__fail_allocation(n);
        knn_model *of_keras = knn_load_model(fixture_path("cnn-keras3", ".keras"));
        knn__fail_allocation(0);
        if (of_keras != NULL)
            loaded = NULL;
        ck_assert(of_keras == NULL || of_keras->training.iteration == 2);
        knn_model_free(of_keras);
        ck_assert_uint_eq(knn__live_blocks(), before);
    }
    knn_model_free(model);
}
END_TEST

/* A build without libzip refuses archives by name. */
static bool library_has_zip(void)
{
    knn_model *model = knn_load_model(fixture_path("plain-keras3", ".keras"));
    knn_model_free(model);
    return model != NULL || strstr(knn_last_error(), "no libzip") == NULL;
}

int main(void)
{
    if (!library_has_zip())
        return 77;
    Suite *suite = suite_create("Keras 3's own layout");
    TCase *cases = tcase_create("archives");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_loop_test(cases, an_archive_of_keras_predicts_what_keras_predicted, 0, GOOD);
    tcase_add_loop_test(cases, an_archive_of_keras_survives_saving, 0, GOOD);
    tcase_add_loop_test(cases, training_goes_on_as_in_keras, 0, 8);
    tcase_add_loop_test(cases, weights_files_of_keras_fit_a_model, 0, 6);
    tcase_add_loop_test(cases, by_name_works_where_the_file_says_names, 0, 2);
    tcase_add_test(cases, models_inside_are_found_by_names_where_their_places_are_others);
    tcase_add_test(cases, models_inside_stay_models_in_archives);
    tcase_add_test(cases, an_archive_keeps_all_of_a_training);
    tcase_add_test(cases, equal_models_give_equal_archives);
    tcase_add_test(cases, a_training_is_restored_from_an_archive);
    tcase_add_test(cases, checkpoints_and_backups_may_be_archives);
    tcase_add_test(cases, an_archive_of_weights_alone_is_refused);
    tcase_add_loop_test(cases, layers_travel_as_json_and_weights_beside_them, 0, GOOD);
    tcase_add_test(cases, what_is_no_json_of_layers_is_refused);
    tcase_add_loop_test(cases, a_broken_archive_is_refused_by_name, 0, 11);
    tcase_add_test(cases, an_archive_that_is_cut_is_an_error);
    tcase_add_test(cases, an_archive_with_any_byte_changed_is_loaded_or_refused);
    tcase_add_test(cases, every_allocation_of_an_archive_may_fail);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
