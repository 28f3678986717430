/* What files are and who wrote them, told before they are loaded; JSON in files. */
#include "keras/keras_support.h"

#include <stddef.h>

static const struct { const char *name; knn_file_kind kind; const char *version, *backend; } files[] = {
    {"cnn-keras2.h5", KNN_FILE_H5, "2.21.0", "tensorflow"},
    {"cnn-keras3.h5", KNN_FILE_H5, "3.15.1", "tensorflow"},
    {"cnn-theano.h5", KNN_FILE_H5, "2.2.2", "theano"},
    {"cnn-keras2-weights.h5", KNN_FILE_H5_WEIGHTS, "2.21.0", "tensorflow"},
    {"cnn-keras3.weights.h5", KNN_FILE_WEIGHTS_H5, "", ""},
    {"archive-cnn-keras3.keras", KNN_FILE_KERAS, "3.15.1", ""},
    {"bad-missing.h5", KNN_FILE_H5, NULL, NULL},                /* its weights are not looked at */
};
enum { FILES = sizeof files / sizeof files[0] };

static const char *fixture_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/keras/%s", KNN_FIXTURES, name);
    return path;
}

static knn_file_info expect_info(const char *path)
{
    knn_file_info info = {.size = sizeof info};
    check_ok(knn_inspect(path, &info));
    return info;
}

START_TEST(files_of_keras_tell_kind_version_and_backend)
{
    knn_file_info info = expect_info(fixture_path(files[_i].name));
    ck_assert_int_eq(info.kind, files[_i].kind);
    if (files[_i].version != NULL)
        ck_assert_str_eq(info.keras_version, files[_i].version);
    if (files[_i].backend != NULL)
        ck_assert_str_eq(info.backend, files[_i].backend);
    ck_assert_str_eq(info.libknn_version, "");
    ck_assert_str_eq(knn_last_error(), "");
}
END_TEST

static knn_model *two_by_three(void)
{
    knn_model *model = knn_sequential(.seed = 3);
    knn_add(model, knn_input(2));
    knn_add(model, knn_dense(3));
    return model;
}

START_TEST(files_of_ours_tell_the_librarys_version)
{
    knn_model *model = two_by_three();
    check_ok(knn_save_model(model, in_folder("m.h5")));
    check_ok(knn_save_model(model, in_folder("m.keras")));
    check_ok(knn_save_weights(model, in_folder("m.weights.h5")));
    ck_assert_str_eq(expect_info(in_folder("m.h5")).libknn_version, knn_version());
    ck_assert_str_eq(expect_info(in_folder("m.keras")).libknn_version, knn_version());
    ck_assert_str_eq(expect_info(in_folder("m.weights.h5")).libknn_version, knn_version());
    knn_model_free(model);
}
END_TEST

START_TEST(layers_go_to_a_json_file_and_back)
{
    knn_model *model = two_by_three();
    check_ok(knn_save_json(model, in_folder("m.json")));
    ck_assert_int_eq(expect_info(in_folder("m.json")).kind, KNN_FILE_JSON);
    knn_model *again = knn_model_from_json(.path = in_folder("m.json"));
    ck_assert_msg(again != NULL, "%s", knn_last_error());
    ck_assert_uint_eq(knn_output_length(again), 3);
    knn_model_free(again);
    knn_model_free(model);
}
END_TEST

START_TEST(a_json_text_tells_the_version_it_has)
{
    static const char text[] = " {\"class_name\": \"Sequential\", \"config\": [], \"keras_version\": \"1.2.2\", \"backend\": \"theano\"}";
    write_bytes(in_folder("m.json"), text, sizeof text - 1);
    knn_file_info info = expect_info(in_folder("m.json"));
    ck_assert_int_eq(info.kind, KNN_FILE_JSON);
    ck_assert_str_eq(info.keras_version, "1.2.2");
    ck_assert_str_eq(info.backend, "theano");
}
END_TEST

START_TEST(what_is_no_file_of_keras_is_refused_by_name)
{
    static const struct { const char *text, *error; } others[] = {
        {"", "an empty file"},
        {"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"},
        {"hello", "not a Keras file"},
        {"{\"a\": 1}", "not of a Keras model"},
        {"{\"a\": ", "not a JSON text"},
        {"\x89HDF\r\n\x1a\n", "other"},
    };
    knn_file_info info = {.size = sizeof info};

    write_bytes(in_folder("other"), others[_i].text, strlen(others[_i].text));
    check_error(knn_inspect(in_folder("other"), &info), "other");
    check_error(knn_inspect(in_folder("other"), &info), others[_i].error);
}
END_TEST

typedef struct arrays { size_t count; char first[128]; int rank, size[4]; } arrays;

static void note(const char *path, int rank, const int *shape, void *user)
{
    arrays *a = user;
    if (a->count++ > 0)
        return;
    snprintf(a->first, sizeof a->first, "%s", path);
    a->rank = rank;
    memcpy(a->size, shape, (size_t)rank * sizeof *shape);
}

START_TEST(weights_are_listed_without_layers)
{
    static const struct { const char *name, *first; size_t count; } expected[] = {
        {"cnn-keras2.h5", "model_weights/conv2d/conv2d/kernel:0", 11},
        {"cnn-keras2-weights.h5", "conv2d/conv2d/kernel:0", 11},
        {"cnn-keras3.weights.h5", "layers/batch_normalization/vars/0", 11},
        {"archive-cnn-early.keras", NULL, 12},                  /* of before the file said names */
        {"archive-nested-keras3.keras", NULL, 14},
    };
    arrays a = {0};
    check_ok(knn_inspect_weights(fixture_path(expected[_i].name), note, &a));
    ck_assert_uint_eq(a.count, expected[_i].count);
    if (expected[_i].first != NULL)
        ck_assert_str_eq(a.first, expected[_i].first);
    if (_i < 2)
        ck_assert(a.rank == 4 && a.size[0] == 3 && a.size[1] == 3 && a.size[2] == 3 && a.size[3] == 4);
}
END_TEST

START_TEST(no_weights_are_listed_of_what_has_none)
{
    arrays a = {0};
    knn_model *model = two_by_three();
    check_ok(knn_save_json(model, in_folder("m.json")));
    check_ok(knn_inspect_weights(in_folder("m.json"), note, &a));
    check_error(knn_inspect_weights(fixture_path("bad-missing.h5"), note, &a), "missing");
    check_error(knn_inspect_weights(fixture_path("archive-bad-circle.keras"), note, &a), "nested");
    check_error(knn_inspect_weights(in_folder("nothing.h5"), note, &a), "nothing.h5");
    check_error(knn_inspect_weights(in_folder("m.json"), NULL, &a), "a function");
    ck_assert_uint_eq(a.count, 0);
    knn_model_free(model);
}
END_TEST

START_TEST(misuse_is_an_error)
{
    knn_file_info info = {.size = offsetof(knn_file_info, libknn_version), .libknn_version = "kept"};
    knn_model *model = two_by_three();

    check_error(knn_inspect(NULL, &info), "a path");
    check_error(knn_inspect(in_folder("missing"), &info), "missing");
    check_error(knn_inspect(fixture_path("cnn-keras2.h5"), NULL), "a place for the answer");
    check_ok(knn_inspect(fixture_path("cnn-keras2.h5"), &info));
    ck_assert_str_eq(info.libknn_version, "kept");              /* the struct ends before it */
    check_error(knn_save_json(model, NULL), "a path is required");
    check_error(knn_save_json(model, in_folder("no/such/folder.json")), "folder.json");
    check_error(knn_model_from_json() == NULL, "got neither");
    check_error(knn_model_from_json("{}", .path = "m.json") == NULL, "got both");
    check_error(knn_model_from_json(.path = in_folder("missing.json")) == NULL, "missing.json");
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras/inspect");
    TCase *cases = tcase_create("inspect");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_loop_test(cases, files_of_keras_tell_kind_version_and_backend, 0, FILES);
    tcase_add_test(cases, files_of_ours_tell_the_librarys_version);
    tcase_add_test(cases, layers_go_to_a_json_file_and_back);
    tcase_add_test(cases, a_json_text_tells_the_version_it_has);
    tcase_add_loop_test(cases, what_is_no_file_of_keras_is_refused_by_name, 0, 6);
    tcase_add_loop_test(cases, weights_are_listed_without_layers, 0, 5);
    tcase_add_test(cases, no_weights_are_listed_of_what_has_none);
    tcase_add_test(cases, misuse_is_an_error);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
