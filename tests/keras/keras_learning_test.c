/* What a model was compiled with, and its constraints, in files: Keras' own ones (fixtures/learning/make_learning_fixtures.py) and ours.
 * A compiled model is compared by its fingerprint, which has every option of layers, optimizer, loss and metrics. */
#include "keras/keras.h"
#include "keras_support.h"

/* The lines of a fingerprint from the first layer on. */
static char *options_of(const knn_model *model)
{
    knn__text text = {0};
    knn__fingerprint(model, &text);
    ck_assert(!text.failed);
    char *options = strdup(strstr(text.data, "\nlayer"));
    knn__text_free(&text);
    return options;
}

static void check_same_options(const knn_model *a, const knn_model *b)
{
    char *expected = options_of(a), *got = options_of(b);
    ck_assert_str_eq(got, expected);
    ck_assert_int_eq(a->compiled.metric_count, b->compiled.metric_count);
    for (int i = 0; i < a->compiled.metric_count; i++)
        ck_assert_int_eq(a->compiled.metrics[i].weighted, b->compiled.metrics[i].weighted);
    free(expected);
    free(got);
}

/* ---- Keras' files ---- */

/* Keras writes its default initializers. */
#define INITIALIZERS .kernel_initializer = knn_glorot_uniform(), .bias_initializer = knn_zeros()

/* The net of the script, whose first layer has the options that are given. */
static knn_model *net(const knn_layer *first)
{
    knn_model *model = knn_sequential(.name = "model");
    knn_add(model, knn_input(4));
    knn_add(model, first != NULL ? first : knn_dense(4, .name = "a", INITIALIZERS));
    check_ok(knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX, .name = "b", INITIALIZERS)));
    return model;
}

/* Frees the model that was compiled as the script did. */
static void check_file(const char *name, knn_model *expected)
{
    char path[512];
    snprintf(path, sizeof path, "%s/learning/%s.h5", KNN_FIXTURES, name);
    knn_model *loaded = knn_load_model(path);
    ck_assert_msg(loaded != NULL, "%s: %s", name, knn_last_error());
    ck_assert_msg(loaded->compiled.done, "%s: not compiled", name);
    check_same_options(expected, loaded);
    ck_assert_double_eq(knn_learning_rate(loaded), 0.5);
    knn_model_free(loaded);
    knn_model_free(expected);
}

START_TEST(optimizers_that_sum_are_read)
{
    const knn_layer *bounded = knn_dense(4, .name = "a", INITIALIZERS, .bias_constraint = knn_non_neg(),
                                         .kernel_constraint = knn_max_norm(3, KNN_AXIS(0) | KNN_AXIS(1)));
    knn_model *model = net(bounded);
    check_ok(knn_compile(model, .optimizer = knn_adagrad(0.5, 0.25, 0.125, .use_ema = true, .ema_momentum = 0.5, .ema_overwrite_frequency = 7),
                         .loss = knn_huber(),               /* Keras 3.15 does not write its delta */
                         .metrics = {knn_precision(.class_id = 1, .top_k = 2, .name = "p"), knn_auc(50, KNN_PR),
                                     knn_f1_score(KNN_MACRO, 0.25)}));
    check_file("adagrad", model);

    model = net(knn_dense(4, .name = "a", INITIALIZERS, .kernel_constraint = knn_unit_norm(KNN_AXIS(1)),
                          .bias_constraint = knn_min_max_norm(0.25, 0.5, 0.75)));
    check_ok(knn_compile(model, .optimizer = knn_adadelta(0.5, 0.75, 0.125, .clipvalue = 0.5), .loss = knn_kl_divergence(),
                         .metrics = {knn_poisson_metric(), knn_top_k_categorical_accuracy(2), knn_fbeta_score(KNN_WEIGHTED, .beta = 2)}));
    check_file("adadelta", model);

    model = net(knn_dense(4, .name = "a", .bias_initializer = knn_zeros(), .kernel_initializer = knn_orthogonal(),
                          .kernel_regularizer = knn_orthogonal_regularizer(0.5, KNN_COLUMNS)));
    check_ok(knn_compile(model, .optimizer = knn_ftrl(0.5, -0.25, 0.5, 0.125, 0.25, 0.375, 0.75),
                         .loss = knn_categorical_focal_crossentropy(0.5, 3, .label_smoothing = 0.25),
                         .metrics = {knn_root_mean_squared_error(), knn_cosine_similarity_metric("cosine"), knn_mean_squared_error_metric("mse")},
                         .weighted_metrics = {knn_recall(0.25), knn_mean_absolute_error_metric()}));
    check_file("ftrl", model);
}
END_TEST

START_TEST(adams_kin_is_read)
{
    /* Keras 3.15 does not write its gain */
    knn_model *model = net(knn_dense(4, .name = "a", .bias_initializer = knn_zeros(), .kernel_initializer = knn_identity()));
    check_ok(knn_compile(model, .optimizer = knn_adamax(0.5, 0.5, 0.25, 0.125, .gradient_accumulation_steps = 4),
                         .loss = knn_dice(KNN_SUM),
                         .metrics = {knn_log_cosh_error(), knn_binary_accuracy(.threshold = 0.25), knn_hinge_metric()}));
    check_file("adamax", model);

    model = net(NULL);
    check_ok(knn_compile(model, .optimizer = knn_nadam(.schedule = knn_cosine_decay_restarts(0.5, 10, 3, 0.5, 0.25)),
                         .loss = knn_tversky(0.25, 0.75),
                         .metrics = {knn_false_positives(0.25), knn_true_negatives(), knn_kl_divergence_metric()}));
    check_file("nadam", model);

    model = net(NULL);
    check_ok(knn_compile(model, .optimizer = knn_lion(0.5, 0.25, 0.75, .weight_decay = 0.5),
                         .loss = knn_binary_focal_crossentropy(0.5, 1, true, .from_logits = true),
                         .metrics = {knn_binary_crossentropy_metric(.from_logits = true), knn_categorical_hinge_metric()}));
    check_file("lion", model);
}
END_TEST

START_TEST(optimizers_of_whole_arrays_are_read)
{
    knn_model *model = net(NULL);
    check_ok(knn_compile(model, .optimizer = knn_lamb(0.5, .epsilon = 0.25, .global_clipnorm = 2),
                         .loss = knn_mean_absolute_percentage_error(KNN_MEAN_WITH_SAMPLE_WEIGHT),
                         .metrics = {knn_mean_absolute_percentage_error_metric("mape"), knn_mean_squared_logarithmic_error_metric("log")}));
    check_file("lamb", model);

    model = net(NULL);
    check_ok(knn_compile(model, .optimizer = knn_adafactor(0.5, -0.5, 0.25, 0.125, 2, true), .loss = knn_sparse_categorical_crossentropy(),
                         .metrics = {knn_sparse_top_k_categorical_accuracy(2), knn_sparse_categorical_crossentropy_metric("entropy"),
                                     knn_accuracy("acc")}));
    check_file("adafactor", model);
}
END_TEST

START_TEST(keras_2_is_read)
{
    const knn_layer *bounded = knn_dense(4, .name = "a", INITIALIZERS, .bias_constraint = knn_non_neg(),
                                         .kernel_constraint = knn_max_norm(3, KNN_AXIS(0) | KNN_AXIS(1)));
    knn_model *model = net(bounded);
    check_ok(knn_compile(model, .optimizer = knn_adadelta(0.5, 0.75, 0.125, .clipvalue = 0.5), .loss = knn_huber(2.5),
                         .metrics = {knn_precision(.class_id = 1, .name = "p"), knn_auc(50, KNN_PR),
                                     knn_mean_absolute_percentage_error_metric("mape")}));
    check_file("keras2-adadelta", model);

    model = net(NULL);
    check_ok(knn_compile(model, .optimizer = knn_adamax(0.5, 0.5, 0.25, 0.125, .use_ema = true, .ema_momentum = 0.5),
                         .loss = knn_log_cosh(), .metrics = {knn_top_k_categorical_accuracy(2), knn_f1_score(KNN_MACRO, 0.25)}));
    check_file("keras2-adamax", model);
}
END_TEST

/* ---- Ours ---- */

/* Frees the compiled model. */
static void check_comes_back(knn_model *model)
{
    const char *path = in_folder("model.h5");
    check_ok(knn_save_model(model, path));
    knn_model *loaded = knn_load_model(path);
    ck_assert_msg(loaded != NULL && loaded->compiled.done, "%s", knn_last_error());
    check_same_options(model, loaded);
    knn_model_free(loaded);
    knn_model_free(model);
}

START_TEST(every_optimizer_comes_back)
{
    const knn_optimizer *const optimizers[] = {
        knn_adagrad(0.3, KNN_ZERO, 0.2, .use_ema = true, .ema_momentum = KNN_ZERO), knn_adadelta(.rho = 0.1, .gradient_accumulation_steps = 2),
        knn_adamax(.beta_1 = KNN_ZERO, .ema_overwrite_frequency = 3, .use_ema = true), knn_nadam(.epsilon = 1e-3, .clipnorm = 2),
        knn_lamb(.weight_decay = 0.1), knn_lion(.beta_2 = 0.5), knn_ftrl(.learning_rate_power = KNN_ZERO, .beta = 2),
        knn_adafactor(.beta_2_decay = -0.3, .no_relative_step = true), knn_sgd(.schedule = knn_cosine_decay_restarts(0.1, 10, .m_mul = 0.3))};
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        knn_model *model = net(NULL);
        check_ok(knn_compile(model, .optimizer = optimizers[i], .loss = knn_log_cosh()));
        check_comes_back(model);
    }
}
END_TEST

static void train(knn_model *model, int steps)
{
    const float x[] = {0.5f, -1, 2, 0.25f, 1, 0.75f, -0.5f, 1.5f}, y[] = {1, 0, 0, 0, 0, 1};
    for (int i = 0; i < steps; i++)
        check_ok(knn_train_on_batch(model, x, y, 2, NULL, 0));
}

/* Three steps, a file, four more: in the middle of an accumulation, with all arrays of state. */
START_TEST(every_optimizer_goes_on_bit_for_bit_from_a_file)
{
    const knn_optimizer *const optimizers[] = {
        knn_adagrad(0.1, .use_ema = true), knn_adadelta(1, .gradient_accumulation_steps = 2), knn_adamax(0.1, .use_ema = true),
        knn_nadam(0.1, .gradient_accumulation_steps = 2, .use_ema = true, .ema_overwrite_frequency = 2), knn_lamb(0.1), knn_lion(0.1),
        knn_ftrl(0.1), knn_adafactor(0.1), knn_rmsprop(0.1, .momentum = 0.5, .centered = true, .gradient_accumulation_steps = 2,
                                                       .use_ema = true)};
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
        const char *path = in_folder("model.h5");
        knn_model *model = net(NULL);
        check_ok(knn_compile(model, .optimizer = optimizers[i], .loss = knn_log_cosh()));
        train(model, 3);
        check_ok(knn_save_model(model, path));
        knn_model *loaded = knn_load_model(path);
        ck_assert_msg(loaded != NULL, "%s", knn_last_error());
        train(model, 4);
        train(loaded, 4);
        check_same_weights(model, loaded);
        for (int slot = 0; slot < model->compiled.optimizer.slots; slot++)
            ck_assert(memcmp(model->slots[slot], loaded->slots[slot], model->trainable_length * sizeof(float)) == 0);
        knn_model_free(loaded);
        knn_model_free(model);
    }
}
END_TEST

START_TEST(every_loss_comes_back)
{
    const knn_loss *const losses[] = {
        knn_mean_absolute_percentage_error(), knn_mean_squared_logarithmic_error(KNN_MEAN), knn_log_cosh(), knn_poisson(KNN_SUM), knn_hinge(),
        knn_squared_hinge(), knn_categorical_hinge(), knn_kl_divergence(), knn_cosine_similarity(), knn_dice(KNN_MEAN_WITH_SAMPLE_WEIGHT),
        knn_huber(0.3), knn_tversky(KNN_ZERO, 0.7), knn_binary_focal_crossentropy(.gamma = KNN_ZERO, .apply_class_balancing = true),
        knn_categorical_focal_crossentropy(.alpha = 0.7), knn_binary_crossentropy(.reduction = KNN_SUM)};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        knn_model *model = net(NULL);
        check_ok(knn_compile(model, .loss = losses[i]));
        check_comes_back(model);
    }
}
END_TEST

START_TEST(metrics_and_constraints_come_back)
{
    knn_model *model = net(knn_dense(4, .kernel_constraint = knn_max_norm(0.5, KNN_AXIS(-1) | KNN_AXIS(0)),
                                     .bias_constraint = knn_min_max_norm(0.1, 0.5, KNN_ZERO)));
    check_ok(knn_compile(model, .loss = knn_poisson(),
                         .metrics = {knn_precision(.class_id = KNN_NONE), knn_recall(0.3, 2), knn_auc(7, KNN_ROC, KNN_MINORING, true),
                                     knn_f1_score(KNN_MICRO), knn_false_negatives(0.1), knn_top_k_categorical_accuracy(1, "top")},
                         .weighted_metrics = {knn_fbeta_score(KNN_WEIGHTED, 0.3, 0.5), knn_log_cosh_error()}));
    check_comes_back(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras/learning");
    TCase *cases = tcase_create("learning");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, optimizers_that_sum_are_read);
    tcase_add_test(cases, adams_kin_is_read);
    tcase_add_test(cases, optimizers_of_whole_arrays_are_read);
    tcase_add_test(cases, keras_2_is_read);
    tcase_add_test(cases, every_optimizer_comes_back);
    tcase_add_test(cases, every_optimizer_goes_on_bit_for_bit_from_a_file);
    tcase_add_test(cases, every_loss_comes_back);
    tcase_add_test(cases, metrics_and_constraints_come_back);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
