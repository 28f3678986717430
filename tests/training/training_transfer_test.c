/* An old body and a new head: popping, copying and freezing layers, loading by name. Compared with Keras 2 and 3 (fixtures/transfer). */
#include "core/memory.h"
#include "model/model.h"
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"
#include "training/tiny.h"

#include <knn/extend.h>

static tiny_data data;

/* ---- Weights as one row ---- */

static void set_all(knn_model *model, const float *values)
{
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        size_t length = model->weights_table[i].length;
        check_ok(knn_set_weight(model, i, values, length));
        values += length;
    }
}

static const float *get(fixture *stored, const char *name, const char *what, size_t *length)
{
    char key[80];
    snprintf(key, sizeof key, "%s%s", name, what);
    const float *values = fixture_get(stored, key, NULL, NULL, length);
    ck_assert_msg(values != NULL, "%s is not in the fixture", key);
    return values;
}

static void check_weights(const knn_model *model, fixture *stored, const char *name, const char *what, double tolerance)
{
    size_t expected, length;
    const float *values = get(stored, name, what, &expected);
    float *weights = tiny_weights(model, &length);
    ck_assert_uint_eq(length, expected);
    CHECK_NO_DIFFERENCE(check_compare_floats(weights, values, length, tolerance, 0), name, length);
    free(weights);
}

/* ---- Loading by name, as the script did ---- */

static knn_model *begin(void)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(6, 6, 2));
    return model;
}

static knn_model *named(void)
{
    knn_model *model = begin();
    knn_add(model, knn_conv2d(3, 3, .name = "first"));
    knn_add(model, knn_conv2d(3, 1, .name = "more"));
    knn_add(model, knn_batch_normalization(.name = "norm"));
    knn_add(model, knn_flatten("flat"));
    knn_add(model, knn_dense(4, .name = "other"));
    return model;
}

static knn_model *fitting(void)
{
    knn_model *model = begin();
    knn_add(model, knn_conv2d(3, 3, .name = "first"));
    knn_add(model, knn_batch_normalization(.no_scale = true, .name = "norm"));
    knn_add(model, knn_max_pooling2d(2, .name = "pool"));
    knn_add(model, knn_flatten("flat"));
    knn_add(model, knn_dense(5, .name = "hidden"));
    knn_add(model, knn_dense(2, .no_bias = true, .name = "head"));
    return model;
}

static knn_model *weightless(void)
{
    knn_model *model = begin();
    knn_add(model, knn_conv2d(3, 3, .name = "flat"));
    knn_add(model, knn_flatten("first"));
    knn_add(model, knn_dense(2, .name = "head"));
    return model;
}

static knn_model *frozen(void)
{
    knn_model *model = begin();
    knn_add(model, knn_conv2d(3, 3, .name = "first"));
    knn_add(model, knn_batch_normalization(.frozen = true, .name = "norm"));
    knn_add(model, knn_flatten("flat"));
    knn_add(model, knn_dense(5, .frozen = true, .name = "hidden"));
    knn_add(model, knn_dense(3, .name = "new"));
    return model;
}

static knn_model *ordered(void)
{
    knn_model *model = begin();
    knn_add(model, knn_conv2d(3, 3, .name = "a"));
    knn_add(model, knn_batch_normalization(.name = "b"));
    knn_add(model, knn_flatten("c"));
    knn_add(model, knn_dense(5, .name = "d"));
    knn_add(model, knn_dense(3, .name = "e"));
    return model;
}

typedef struct loading { const char *name; knn_model *(*make)(void); bool by_name, skip_mismatch, only_keras3; } loading;
static const loading loadings[] = {
    {"named", named, true, false, false}, {"fitting", fitting, true, true, false}, {"weightless", weightless, true, true, true},
    {"frozen", frozen, true, false, false}, {"ordered", ordered, false, true, true}};

static void check_loading(const loading *l, const char *path, fixture *stored)
{
    size_t length;
    knn_model *model = l->make();
    set_all(model, get(stored, l->name, "/start", &length));
    check_ok(knn_load_weights(model, path, .by_name = l->by_name, .skip_mismatch = l->skip_mismatch));
    check_weights(model, stored, l->name, "/loaded", 0);
    if (l->skip_mismatch) {
        set_all(model, get(stored, l->name, "/start", &length));
        ck_assert_int_eq(knn_load_weights(model, path, .by_name = l->by_name), KNN_ERROR_SHAPE);
        check_weights(model, stored, l->name, "/start", 0);          /* all or nothing */
    }
    knn_model_free(model);
}

START_TEST(weights_are_loaded_by_name_as_keras_loads_them)
{
    for (int version = 2; version <= 3; version++) {
        char path[300], arrays[300];
        snprintf(path, sizeof path, KNN_FIXTURES "/transfer/old-keras%d.h5", version);
        snprintf(arrays, sizeof arrays, KNN_FIXTURES "/transfer/old-keras%d.fixture", version);
        fixture *stored = fixture_open(arrays);
        ck_assert_ptr_nonnull(stored);
        for (size_t i = 0; i < sizeof loadings / sizeof *loadings; i++)
            if (version == 3 || !loadings[i].only_keras3)
                check_loading(&loadings[i], path, stored);
        fixture_close(stored);
    }
}
END_TEST

/* ---- Training with frozen layers ---- */

enum { STEPS = 5, BATCH = 8 };

static void train(knn_model *model, fixture *stored, const char *name)
{
    size_t length;
    const float *x = get(stored, "x", "", &length), *y = get(stored, "y", "", &length);
    double first = 0;
    check_ok(knn_compile(model, .optimizer = knn_sgd(0.1, .momentum = 0.9), .loss = knn_binary_crossentropy()));
    for (int i = 0; i < STEPS; i++) {
        double loss;
        check_ok(knn_train_on_batch(model, x + i * BATCH * 72, y + i * BATCH, BATCH, &loss, 1));
        first = i == 0 ? loss : first;
    }
    ck_assert_double_eq_tol(first, (double)*get(stored, name, "/loss", &length), 1e-5 * first);
    check_weights(model, stored, name, "/weights", 1e-5);
}

START_TEST(frozen_layers_train_as_in_keras)
{
    size_t length;
    float predicted[BATCH];
    fixture *stored = fixture_open(KNN_FIXTURES "/transfer/frozen.fixture");
    ck_assert_ptr_nonnull(stored);
    knn_model *model = begin();
    knn_add(model, knn_conv2d(3, 3, .activation = KNN_RELU, .kernel_regularizer = knn_l2(0.1), .name = "body"));
    knn_add(model, knn_batch_normalization(.momentum = 0.9, .name = "norm"));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(4, .activation = KNN_TANH, .name = "middle"));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID, .name = "head"));
    set_all(model, get(stored, "start", "", &length));

    check_ok(knn_set_trainable(model, NULL, false));
    check_ok(knn_set_trainable(model, "head", true));
    train(model, stored, "frozen");
    check_ok(knn_set_trainable(model, NULL, true));
    check_ok(knn_set_trainable(model, "middle", false));
    train(model, stored, "thawed");
    check_ok(knn_predict(model, get(stored, "x", "", &length), BATCH, predicted, BATCH));
    CHECK_NO_DIFFERENCE(check_compare_floats(predicted, get(stored, "predicted", "", &length), BATCH, 1e-5, 0), "predicted", BATCH);
    knn_model_free(model);
    fixture_close(stored);
}
END_TEST

/* ---- Changing a model that has been used ---- */

static knn_model *trained(void)
{
    tiny_fill(&data, 1);
    knn_model *model = tiny_model(knn_adam(0.01), 1);
    knn_dataset *set = tiny_set(&data, 32);
    check_ok(knn_fit(model, set, .epochs = 2));
    knn_dataset_free(set);
    return model;
}

/* The first `count` numbers of both are the same bits. */
static void same_beginning(const knn_model *a, const knn_model *b, size_t count)
{
    size_t n, m;
    float *first = tiny_weights(a, &n), *second = tiny_weights(b, &m);
    ck_assert(n >= count && m >= count);
    ck_assert_mem_eq(first, second, count * sizeof *first);
    free(first);
    free(second);
}

enum { BODY = 36 + 4 + 16, HIDDEN = 36 * 8 + 8 };   /* floats of convolution and normalization; of the first dense layer */

START_TEST(popping_and_adding_keep_the_weights)
{
    knn_model *old = trained(), *model = trained();
    float y[3];
    check_ok(knn_pop(model));
    ck_assert_uint_eq(knn_layer_count(model), 6);
    ck_assert_uint_eq(knn_output_length(model), 8);
    ck_assert_uint_eq(knn_weight_count(model), 8);
    check_ok(knn_pop(model));
    check_ok(knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX)));
    ck_assert_str_eq(knn_layer_name(model, 5), "dense");
    ck_assert_int_eq(knn_train_on_batch(model, data.x, data.y, 1, NULL, 0), KNN_ERROR_STATE);
    check_error_names("knn_compile");
    check_ok(knn_predict(model, data.x, 1, y, 3));
    same_beginning(model, old, BODY);
    knn_model_free(model);
    knn_model_free(old);
}
END_TEST

START_TEST(a_frozen_model_keeps_every_bit_of_its_body)
{
    knn_model *old = trained(), *model = trained();
    knn_dataset *set = tiny_set(&data, 32);
    bool trainable;
    check_ok(knn_pop(model));
    check_ok(knn_set_trainable(model, NULL, false));
    check_ok(knn_add(model, knn_dense(1, .activation = KNN_SIGMOID)));
    ck_assert_str_eq(knn_layer_name(model, 6), "dense_1");
    check_ok(knn_compile(model, .optimizer = knn_adam(0.1), .loss = knn_binary_crossentropy()));
    check_ok(knn_fit(model, set, .epochs = 40));
    same_beginning(model, old, BODY + HIDDEN);
    const double *losses = knn_history_values(knn_model_history(model), "loss");
    ck_assert_double_lt(losses[39], losses[0]);
    check_ok(knn_weight_info(model, 0, NULL, NULL, NULL, &trainable));
    ck_assert(!trainable);
    check_ok(knn_weight_info(model, 8, NULL, NULL, NULL, &trainable));
    ck_assert(trainable);
    knn_dataset_free(set);
    knn_model_free(model);
    knn_model_free(old);
}
END_TEST

START_TEST(a_body_is_copied_up_to_a_layer)
{
    knn_model *old = trained(), *model = knn_sequential(.seed = 77);
    float y[4];
    check_ok(knn_add_layers(model, old, "flatten", .frozen = true));
    knn_model_free(old);
    old = trained();
    ck_assert_uint_eq(knn_layer_count(model), 4);
    ck_assert_uint_eq(knn_input_length(model), TINY_LENGTH);
    check_ok(knn_add(model, knn_dense(4)));
    check_ok(knn_predict(model, data.x, 1, y, 4));
    same_beginning(model, old, BODY);
    for (size_t i = 0; i < 8; i++) {
        bool trainable;
        check_ok(knn_weight_info(model, i, NULL, NULL, NULL, &trainable));
        ck_assert(trainable == (i >= 6));
    }
    /* nothing has happened to the other one */
    check_ok(knn_train_on_batch(old, data.x, data.y, 4, NULL, 0));
    knn_model_free(model);
    knn_model_free(old);
}
END_TEST

/* 0 in the other model's options is a real 0, not a default. */
START_TEST(copies_have_the_options_of_their_originals)
{
    knn_model *old = knn_sequential(), *model = knn_sequential();
    float x[6] = {1, 2, 3, 4, 5, 6}, a[2], b[2];
    knn_add(old, knn_input(3));
    knn_add(old, knn_dense(2, .kernel_initializer = knn_random_uniform(1, 2), .kernel_regularizer = knn_l1l2(0.5, KNN_ZERO)));
    knn_add(old, knn_batch_normalization(.momentum = KNN_ZERO, .epsilon = KNN_ZERO));
    check_ok(knn_compile(old, .loss = knn_mean_squared_error()));
    check_ok(knn_train_on_batch(old, x, x, 2, NULL, 0));
    check_ok(knn_add_layers(model, old));
    check_ok(knn_predict(old, x, 1, a, 2));
    check_ok(knn_predict(model, x, 1, b, 2));
    ck_assert_mem_eq(a, b, sizeof a);
    check_ok(knn_compile(model, .loss = knn_mean_squared_error()));
    check_ok(knn_compile(old, .loss = knn_mean_squared_error()));
    double loss_a, loss_b;
    check_ok(knn_train_on_batch(old, x, x + 2, 2, &loss_a, 1));
    check_ok(knn_train_on_batch(model, x, x + 2, 2, &loss_b, 1));
    ck_assert_double_eq(loss_a, loss_b);
    ck_assert(tiny_same_weights(old, model));
    knn_model_free(model);
    knn_model_free(old);
}
END_TEST

START_TEST(a_body_may_see_another_size_of_pictures)
{
    knn_model *old = trained(), *model = knn_sequential();
    knn_add(model, knn_input(20, 12, 1));
    check_ok(knn_add_layers(model, old, "batch_normalization"));
    ck_assert_uint_eq(knn_output_length(model), 9 * 5 * 4);
    same_beginning(model, old, BODY);
    knn_model_free(model);
    model = knn_sequential();
    knn_add(model, knn_input(20, 12, 1));
    ck_assert_int_eq(knn_add_layers(model, old, "dense"), KNN_ERROR_SHAPE);
    check_error_names("dense/kernel");
    knn_model_free(model);
    knn_model_free(old);
}
END_TEST

/* A file's names are given ones: a new layer's automatic name passes them over. */
START_TEST(a_loaded_model_gets_a_new_head_and_is_saved)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("old.h5"));
    knn_model *old = trained();
    check_ok(knn_save_model(old, path));
    knn_model *model = knn_load_model(path);
    check_ok(knn_pop(model));
    check_ok(knn_set_trainable(model, NULL, false));
    check_ok(knn_add(model, knn_dense(2)));
    ck_assert_str_eq(knn_layer_name(model, 6), "dense_1");
    check_ok(knn_save_model(model, path));
    knn_model *again = knn_load_model(path);
    ck_assert_msg(again != NULL, "%s", knn_last_error());
    ck_assert(tiny_same_weights(model, again));
    same_beginning(again, old, BODY + HIDDEN);
    for (size_t i = 0; i < knn_weight_count(again); i++) {
        bool trainable;
        check_ok(knn_weight_info(again, i, NULL, NULL, NULL, &trainable));
        ck_assert(trainable == (i >= 8));
    }
    knn_model_free(again);
    knn_model_free(model);
    knn_model_free(old);
    tiny_clean();
}
END_TEST

static knn_status same_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    (void)layer;
    *out = *in;
    return KNN_OK;
}

static int one_weight(const knn_layer *layer, const knn_shape *in, int index, int shape[4])
{
    (void)layer;
    shape[0] = in->size[0];
    return index == 0;
}

static void nothing(const knn_layer *layer, const knn_layer_call *call) { (void)layer; (void)call; }

typedef struct freezable { knn_layer layer; bool frozen; } freezable;

START_TEST(a_users_layer_is_frozen_by_its_field)
{
    static const knn_field fields[] = {
        {.name = "trainable", .kind = KNN_FIELD_NOT, .offset = offsetof(freezable, frozen), .normal = 1}, {.name = NULL}};
    const knn_layer_class plain = {.size = sizeof plain, .class_name = "Mine>Plain", .description_size = sizeof(knn_layer),
        .shape = same_shape, .weights = one_weight, .forward = nothing, .backward = nothing};
    knn_layer_class better = plain;
    better.class_name = "Mine>Better";
    better.description_size = sizeof(freezable);
    better.fields = fields;
    bool trainable;
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(3));
    knn_add(model, &(const freezable){{"Mine>Better", sizeof(freezable), &better}, false}.layer);
    check_ok(knn_set_trainable(model, NULL, false));
    check_ok(knn_weight_info(model, 0, NULL, NULL, NULL, &trainable));
    ck_assert(!trainable);
    check_ok(knn_set_trainable(model, NULL, true));
    knn_add(model, &(const knn_layer){"Mine>Plain", sizeof(knn_layer), &plain});
    ck_assert_int_eq(knn_set_trainable(model, NULL, false), KNN_ERROR_UNSUPPORTED);
    check_error_names("Mine>Plain");
    check_ok(knn_weight_info(model, 0, NULL, NULL, NULL, &trainable));
    ck_assert(trainable);                               /* all or none */
    knn_model_free(model);
}
END_TEST

static knn_status pop_within(const knn_event *event, void *user)
{
    (void)user;
    ck_assert_int_eq(knn_pop(event->model), KNN_ERROR_STATE);
    ck_assert_int_eq(knn_set_trainable(event->model, NULL, false), KNN_ERROR_STATE);
    return KNN_OK;
}

START_TEST(what_cannot_be_changed_is_refused)
{
    knn_model *empty = knn_sequential(), *model = trained();
    knn_dataset *set = tiny_set(&data, 8);
    ck_assert_int_eq(knn_pop(empty), KNN_ERROR_STATE);
    ck_assert_int_eq(knn_pop(NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_set_trainable(model, "dense_7", false), KNN_ERROR_ARGUMENT);
    check_error_names("dense_7");
    check_ok(knn_fit(model, set, .callbacks = {knn_call(pop_within)}));
    ck_assert_int_eq(knn_add_layers(empty, model, "dense_7"), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_add(empty, knn_input(3)), KNN_ERROR_ARGUMENT);          /* it sticks */
    knn_model_free(empty);
    empty = knn_sequential();
    ck_assert_int_eq(knn_add_layers(empty, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_add_layers(model, model), KNN_ERROR_ARGUMENT);
    knn_dataset_free(set);
    knn_model_free(empty);
    knn_model_free(model);
}
END_TEST

START_TEST(failed_allocations_leak_nothing)
{
    knn_model *old = trained();
    knn_status status = KNN_ERROR_MEMORY;
    size_t blocks = knn__live_blocks();
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        float y[8];
        ck_assert_int_lt(n, 2000);
        knn__fail_allocation(n);
        knn_model *model = knn_sequential();
        status = model != NULL ? knn_add_layers(model, old, "dense") : KNN_ERROR_MEMORY;
        if (status == KNN_OK)
            status = knn_predict(model, data.x, 1, y, 8);
        if (status == KNN_OK)
            status = knn_pop(model);
        if (status == KNN_OK)
            status = knn_set_trainable(model, NULL, false);
        if (status == KNN_OK)
            status = knn_add(model, knn_dense(4));
        if (status == KNN_OK)
            status = knn_predict(model, data.x, 1, y, 4);
        knn__fail_allocation(0);
        knn_model_free(model);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
    }
    ck_assert_int_eq(status, KNN_OK);
    knn_model_free(old);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/transfer");
    TCase *cases = tcase_create("transfer");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, weights_are_loaded_by_name_as_keras_loads_them);
    tcase_add_test(cases, frozen_layers_train_as_in_keras);
    tcase_add_test(cases, popping_and_adding_keep_the_weights);
    tcase_add_test(cases, a_frozen_model_keeps_every_bit_of_its_body);
    tcase_add_test(cases, a_body_is_copied_up_to_a_layer);
    tcase_add_test(cases, copies_have_the_options_of_their_originals);
    tcase_add_test(cases, a_body_may_see_another_size_of_pictures);
    tcase_add_test(cases, a_loaded_model_gets_a_new_head_and_is_saved);
    tcase_add_test(cases, a_users_layer_is_frozen_by_its_field);
    tcase_add_test(cases, what_cannot_be_changed_is_refused);
    tcase_add_test(cases, failed_allocations_leak_nothing);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
