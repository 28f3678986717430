/* A model as a layer of another: its copy, its names, what Keras says of it, and files, in which it stays a model. */
#include "keras/keras.h"
#include "keras_support.h"
#include "model/model.h"

#define FIXTURE KNN_FIXTURES "/keras/nested-keras"

/* Convolution, normalization: 20 + 8 weights. */
static knn_model *features(void)
{
    knn_model *model = knn_sequential(.name = "features", .seed = 4);
    knn_add(model, knn_input(6, 5, 1));
    knn_add(model, knn_conv2d(2, 3, .activation = KNN_RELU));
    check_ok(knn_add(model, knn_batch_normalization()));
    return model;
}

/* A model of a dense layer and a model of features. */
static knn_model *outer(void)
{
    knn_model *body = features(), *middle = knn_sequential(.name = "middle"), *model = knn_sequential(.name = "outer", .seed = 5);
    check_ok(knn_add_model(middle, body));
    check_ok(knn_add(middle, knn_dense(2)));
    check_ok(knn_add_model(model, middle));
    check_ok(knn_add(model, knn_flatten()));
    check_ok(knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX)));
    knn_model_free(body);
    knn_model_free(middle);
    return model;
}

static const char *const outer_names[] = {"middle/features/conv2d", "middle/features/batch_normalization", "middle/dense", "flatten", "dense"};
enum { LAYERS = 5 };

static void check_names(const knn_model *model)
{
    ck_assert_uint_eq(knn_layer_count(model), LAYERS);
    for (size_t i = 0; i < LAYERS; i++)
        ck_assert_str_eq(knn_layer_name(model, i), outer_names[i]);
}

static bool is_trainable(const knn_model *model, const char *wanted)
{
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        const char *name;
        bool trainable;
        check_ok(knn_weight_info(model, i, &name, NULL, NULL, &trainable));
        if (strcmp(name, wanted) == 0)
            return trainable;
    }
    ck_abort_msg("no weight %s", wanted);
}

START_TEST(a_model_inside_is_a_copy_with_its_weights)
{
    knn_model *body = features(), *flat = knn_sequential(), *model = knn_sequential();
    float x[30], a[24], b[24];
    fill_pattern(x, 30, 1);
    check_ok(knn_add_model(model, body));
    check_ok(knn_add_layers(flat, body));
    check_same_weights(model, body);
    const float ones[18] = {1};
    check_ok(knn_set_weight(body, 0, ones, 18));
    knn_model_free(body);
    check_ok(knn_predict(model, x, 1, a, 24));
    check_ok(knn_predict(flat, x, 1, b, 24));
    ck_assert_mem_eq(a, b, sizeof a);
    knn_model_free(flat);
    knn_model_free(model);
}
END_TEST

START_TEST(names_are_paths)
{
    knn_model *model = outer();
    const char *name;
    check_names(model);
    check_ok(knn_weight_info(model, 0, &name, NULL, NULL, NULL));
    ck_assert_str_eq(name, "middle/features/conv2d/kernel");
    /* Automatic names: of the outermost model's own layers, and of models as of layers. */
    check_ok(knn_add(model, knn_dense(2)));
    ck_assert_str_eq(knn_layer_name(model, LAYERS), "dense_1");
    knn_model_free(model);
    knn_model *inner = knn_sequential();
    model = knn_sequential();
    check_ok(knn_add(inner, knn_input(2)));
    check_ok(knn_add(inner, knn_dense(2)));
    check_ok(knn_add_model(model, inner));
    check_ok(knn_add_model(model, inner));
    check_ok(knn_add_model(model, inner, "third"));
    ck_assert_str_eq(knn_layer_name(model, 0), "sequential/dense");
    ck_assert_str_eq(knn_layer_name(model, 1), "sequential_1/dense");
    ck_assert_str_eq(knn_layer_name(model, 2), "third/dense");
    knn_model_free(inner);
    knn_model_free(model);
}
END_TEST

static const char outer_summary[] =
    "Model: \"outer\"\n"
    "_________________________________________________________________\n"
    "Layer (type)                 Output Shape              Param #   \n"
    "=================================================================\n"
    "middle (Sequential)          (None, 4, 3, 2)           34        \n"
    "_________________________________________________________________\n"
    "flatten (Flatten)            (None, 24)                0         \n"
    "_________________________________________________________________\n"
    "dense (Dense)                (None, 3)                 75        \n"
    "=================================================================\n"
    "Total params: 109\n"
    "Trainable params: 105\n"
    "Non-trainable params: 4\n"
    "_________________________________________________________________\n";

START_TEST(the_summary_shows_it_as_one_layer)
{
    char *text = NULL;
    size_t size;
    knn_model *model = outer();
    FILE *stream = open_memstream(&text, &size);
    check_ok(knn_summary(model, stream));
    fclose(stream);
    ck_assert_str_eq(text, outer_summary);
    free(text);
    knn_model_free(model);
}
END_TEST

START_TEST(freezing_it_freezes_all_below)
{
    knn_model *model = outer();
    check_ok(knn_set_trainable(model, "middle/features", false));
    ck_assert(!is_trainable(model, "middle/features/conv2d/bias") && !is_trainable(model, "middle/features/batch_normalization/gamma"));
    ck_assert(is_trainable(model, "middle/dense/kernel"));
    check_ok(knn_set_trainable(model, "middle", false));
    ck_assert(!is_trainable(model, "middle/dense/kernel") && is_trainable(model, "dense/kernel"));
    check_ok(knn_set_trainable(model, "middle/features/conv2d", true));
    ck_assert(is_trainable(model, "middle/features/conv2d/bias") && !is_trainable(model, "middle/features/batch_normalization/gamma"));
    knn_model *frozen = knn_sequential();
    check_ok(knn_add_model(frozen, model, .frozen = true));
    for (size_t i = 0; i < knn_weight_count(frozen); i++) {
        bool trainable;
        check_ok(knn_weight_info(frozen, i, NULL, NULL, NULL, &trainable));
        ck_assert(!trainable);
    }
    knn_model_free(frozen);
    knn_model_free(model);
}
END_TEST

START_TEST(it_is_popped_as_one_layer)
{
    knn_model *model = outer(), *part = knn_sequential();
    check_ok(knn_add_layers(part, model, "middle/features"));
    ck_assert_uint_eq(knn_layer_count(part), 2);
    knn_model_free(part);
    part = knn_sequential();
    check_ok(knn_add_layers(part, model, "middle"));
    ck_assert_uint_eq(knn_layer_count(part), 3);
    check_ok(knn_pop(part));
    ck_assert_uint_eq(knn_layer_count(part), 0);
    ck_assert_uint_eq(knn_weight_count(part), 0);
    knn_model_free(part);
    knn_model_free(model);
}
END_TEST

START_TEST(what_cannot_be_inside_is_refused)
{
    static const struct { const char *name, *text; knn_status status; } cases[] = {
        {"dense", "dense: a layer of this name exists already", KNN_ERROR_ARGUMENT},
        {"middle", "middle: a layer of this name exists already", KNN_ERROR_ARGUMENT},
        {"a/b", "a name without \"/\"", KNN_ERROR_ARGUMENT}, {"", "a name without \"/\"", KNN_ERROR_ARGUMENT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        knn_model *model = outer(), *small = knn_sequential();
        check_ok(knn_add(small, knn_input(3)));
        check_ok(knn_add(small, knn_dense(2)));
        check_error(knn_add_model(model, small, cases[i].name) == cases[i].status, cases[i].text);
        check_error(knn_add(model, knn_flatten()) == cases[i].status, cases[i].text);       /* it sticks */
        knn_model_free(model);
        knn_model_free(small);
    }
    knn_model *model = outer(), *empty = knn_sequential();
    check_error(knn_add_model(model, NULL) == KNN_ERROR_ARGUMENT, "NULL");
    knn_model_free(model);
    model = outer();
    check_error(knn_add_model(model, model) == KNN_ERROR_ARGUMENT, "to itself");
    knn_model_free(model);
    model = outer();
    check_error(knn_add_model(model, empty) == KNN_ERROR_STATE, "no layers");
    knn_model_free(model);
    model = outer();
    check_error(knn_add(model, knn_dense(1, .name = "middle")) == KNN_ERROR_ARGUMENT, "exists already");
    knn_model_free(model);
    knn_model_free(empty);
}
END_TEST

/* Saves, loads, saves again: the same bytes. */
static knn_model *round_trip(const knn_model *model)
{
    const char *first = in_folder("first.h5"), *second = in_folder("second.h5");
    void *a, *b;
    size_t size_a, size_b;
    check_ok(knn_save_model(model, first));
    knn_model *loaded = knn_load_model(first);
    ck_assert_msg(loaded != NULL, "%s", knn_last_error());
    check_ok(knn_save_model(loaded, second));
    read_bytes(first, &a, &size_a);
    read_bytes(second, &b, &size_b);
    ck_assert(size_a == size_b && memcmp(a, b, size_a) == 0);
    knn__free(a);
    knn__free(b);
    check_same_weights(model, loaded);
    return loaded;
}

START_TEST(it_stays_a_model_in_files)
{
    knn_model *model = outer();
    float x[60], y[6] = {1, 0, 0, 0, 1, 0};
    fill_pattern(x, 60, 3);
    check_ok(knn_set_trainable(model, "middle/features/conv2d", false));       /* arrays that are trained come first in a file */
    check_ok(knn_compile(model, .optimizer = knn_adam(), .loss = knn_categorical_crossentropy()));
    check_ok(knn_train_on_batch(model, x, y, 2, NULL, 0));
    knn_model *loaded = round_trip(model);
    check_names(loaded);
    ck_assert(!is_trainable(loaded, "middle/features/conv2d/kernel") && is_trainable(loaded, "middle/dense/kernel"));
    check_ok(knn_train_on_batch(model, x, y, 2, NULL, 0));
    check_ok(knn_train_on_batch(loaded, x, y, 2, NULL, 0));
    check_same_weights(model, loaded);
    knn_model *other = outer();
    const char *weights = in_folder("weights.h5");
    check_ok(knn_save_weights(model, weights));
    check_ok(knn_set_trainable(other, "middle/features/conv2d", false));
    check_ok(knn_load_weights(other, weights));
    check_same_weights(model, other);
    knn_model_free(other);
    knn_model_free(loaded);
    knn_model_free(model);
}
END_TEST

/* What Keras nested is nested here, and when written. */
START_TEST(a_file_of_keras_keeps_its_nesting)
{
    char path[256];
    knn__text json = {0};
    snprintf(path, sizeof path, FIXTURE "%d.h5", 2 + _i);
    knn_model *model = knn_load_model(path);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    size_t inside = 0;
    for (size_t i = 0; i < knn_layer_count(model); i++)
        inside += strncmp(knn_layer_name(model, i), "features/", 9) == 0;
    ck_assert_uint_eq(inside, 4);
    knn__config_write(model, &json);
    const char *inner = strstr(json.data + 1, "\"Sequential\"");
    ck_assert_ptr_nonnull(inner = strstr(inner + 1, "\"Sequential\""));
    ck_assert_ptr_null(strstr(inner + 1, "\"Sequential\""));
    ck_assert_ptr_nonnull(strstr(inner, "\"features\""));
    ck_assert_ptr_null(strstr(json.data, "features/"));
    knn__text_free(&json);
    knn_model_free(round_trip(model));
    knn_model_free(model);
}
END_TEST

START_TEST(failed_allocations_leak_nothing)
{
    knn_model *body = features();
    float x[30] = {0}, y[48];
    check_ok(knn_predict(body, x, 1, y, 24));
    const char *path = in_folder("failing.h5");
    size_t blocks = knn__live_blocks();
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        knn__fail_allocation(n);
        knn_model *model = knn_sequential();
        status = model != NULL ? knn_add_model(model, body, "inner") : KNN_ERROR_MEMORY;
        if (status == KNN_OK)
            status = knn_save_model(model, path);
        if (status == KNN_OK)
            status = knn_pop(model);
        knn__fail_allocation(0);
        knn_model_free(model);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
    }
    check_ok(status);
    knn_model_free(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras/nested");
    TCase *cases = tcase_create("nested");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, a_model_inside_is_a_copy_with_its_weights);
    tcase_add_test(cases, names_are_paths);
    tcase_add_test(cases, the_summary_shows_it_as_one_layer);
    tcase_add_test(cases, freezing_it_freezes_all_below);
    tcase_add_test(cases, it_is_popped_as_one_layer);
    tcase_add_test(cases, what_cannot_be_inside_is_refused);
    tcase_add_test(cases, it_stays_a_model_in_files);
    tcase_add_loop_test(cases, a_file_of_keras_keeps_its_nesting, 0, 2);
    tcase_add_test(cases, failed_allocations_leak_nothing);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
