/* Normalization: hand values, its weights, what it learns from a data set, and what is refused. */
#include "support/check_run.h"

#include <knn/knn.h>

#include <math.h>
#include <string.h>

#define check_ok(call) ck_assert_msg((call) == KNN_OK, "%s: %s", #call, knn_last_error())

static knn_model *model;

static void setup(void) { model = knn_sequential(); }
static void teardown(void) { knn_model_free(model); }

static void refused(knn_status got, knn_status expected, const char *words)
{
    ck_assert_int_eq(got, expected);
    ck_assert_msg(strstr(knn_last_error(), words) != NULL, "\"%s\" does not contain \"%s\"", knn_last_error(), words);
}

static void predicts(const float *x, const float *expected, size_t length)
{
    float y[16];
    check_ok(knn_predict(model, x, 1, y, length));
    for (size_t i = 0; i < length; i++)
        ck_assert_float_eq_tol(y[i], expected[i], 1e-6f * fmaxf(1, fabsf(expected[i])));
}

START_TEST(given_statistics_are_no_weights)
{
    const double mean[] = {1, -2, 0}, variance[] = {4, 0.25, 0};
    const float x[] = {3, -1, 1e-7f, 1, -2, 0}, expected[] = {1, 2, 1, 0, 0, 0};
    knn_add(model, knn_input(2, 3));
    check_ok(knn_add(model, knn_normalization(mean, variance, 3)));
    ck_assert_uint_eq(knn_weight_count(model), 0);
    ck_assert_str_eq(knn_layer_name(model, 0), "normalization");
    predicts(x, expected, 6);
}
END_TEST

START_TEST(one_number_is_for_all_channels)
{
    const double mean = 3, variance = 4;
    const float x[] = {1, 0, -1}, expected[] = {5, 3, 1};
    knn_add(model, knn_input(3));
    check_ok(knn_add(model, knn_normalization(&mean, &variance, 1, .invert = true)));
    predicts(x, expected, 3);
}
END_TEST

static const float seen[] = {1000, 1, 1002, 3, 1000, 1, 1002, 3, 1001, 5, 1001, 5};       /* three samples of two rows */

static knn_dataset *data(int channels) { return knn_flow(seen, NULL, 12 / (2 * (size_t)channels), 2, 1, channels); }

START_TEST(statistics_come_from_a_data_set)
{
    static const char *const names[] = {"normalization/mean", "normalization/variance", "normalization/count"};
    static const int ranks[] = {1, 1, 0};
    const float x[] = {1000, 3, 1001, 3}, expected[] = {-1.2247449f, 0, 0, 0};            /* variances 2/3 and 8/3 */
    float mean[2], variance[2], count;
    knn_dataset *set = data(2);
    knn_add(model, knn_input(2, 1, 2));
    check_ok(knn_add(model, knn_normalization()));
    predicts(seen, seen, 4);                        /* mean 0 and variance 1 before */
    check_ok(knn_adapt(model, NULL, set));
    for (size_t i = 0; i < 3; i++) {
        const char *name;
        int rank;
        bool trainable;
        check_ok(knn_weight_info(model, i, &name, &rank, NULL, &trainable));
        ck_assert_str_eq(name, names[i]);
        ck_assert_int_eq(rank, ranks[i]);
        ck_assert(!trainable);
    }
    check_ok(knn_get_weight(model, 0, mean, 2));
    check_ok(knn_get_weight(model, 1, variance, 2));
    check_ok(knn_get_weight(model, 2, &count, 1));
    ck_assert_float_eq(mean[0], 1001);
    ck_assert_float_eq(mean[1], 3);
    ck_assert_float_eq_tol(variance[0], 2 / 3.0f, 1e-7f);
    ck_assert_float_eq_tol(variance[1], 8 / 3.0f, 1e-6f);
    ck_assert_float_eq(count, 6);
    predicts(x, expected, 4);
    check_ok(knn_adapt(model, "normalization", set));                   /* anew, not in addition */
    predicts(x, expected, 4);
    knn_dataset_free(set);
}
END_TEST

START_TEST(training_does_not_move_them)
{
    const float y[2] = {0.5f, -1};
    float mean[2];
    knn_dataset *set = data(2);
    knn_add(model, knn_input(2, 1, 2));
    knn_add(model, knn_normalization(.name = "known"));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(2));
    check_ok(knn_adapt(model, "known", set));
    check_ok(knn_compile(model, .optimizer = knn_sgd(0.1), .loss = knn_mean_squared_error()));
    for (int i = 0; i < 3; i++)
        check_ok(knn_train_on_batch(model, seen, y, 1, NULL, 0));
    check_ok(knn_get_weight(model, 0, mean, 2));
    ck_assert(mean[0] == 1001 && mean[1] == 3);
    knn_dataset_free(set);
}
END_TEST

START_TEST(what_is_no_statistic_is_refused)
{
    const double mean[] = {1, 2, 3}, variance[] = {1, -1, 1};
    const struct { const knn_layer *layer; knn_status status; const char *words; } cases[] = {
        {knn_normalization(mean, mean, 3), KNN_ERROR_SHAPE, "normalization: mean and variance of 3 channels, expected 1 or 2"},
        {knn_normalization(mean, variance, 2), KNN_ERROR_ARGUMENT, "variance is -1"},
        {knn_normalization(mean, NULL, 2), KNN_ERROR_ARGUMENT, "variance is empty"},
        {knn_normalization(mean, mean), KNN_ERROR_ARGUMENT, "mean is empty"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        knn_model *other = knn_sequential();
        knn_add(other, knn_input(4, 2));
        refused(knn_add(other, cases[i].layer), cases[i].status, cases[i].words);
        knn_model_free(other);
    }
}
END_TEST

START_TEST(what_cannot_be_adapted_is_refused)
{
    const double mean = 1;
    knn_dataset *set = data(2), *narrow = data(1);
    knn_add(model, knn_input(2, 1, 2));
    knn_add(model, knn_flatten());
    check_ok(knn_add(model, knn_normalization(&mean, &mean, 1, .name = "given")));
    refused(knn_adapt(model, "other", set), KNN_ERROR_ARGUMENT, "no layer \"other\"");
    refused(knn_adapt(model, "flatten", set), KNN_ERROR_ARGUMENT, "flatten: expected a Normalization");
    refused(knn_adapt(model, NULL, set), KNN_ERROR_ARGUMENT, "given: expected a Normalization without");
    refused(knn_adapt(NULL, NULL, set), KNN_ERROR_ARGUMENT, "NULL");
    knn_add(model, knn_reshape(2, 2));
    check_ok(knn_add(model, knn_normalization(.name = "known")));
    refused(knn_adapt(model, "known", NULL), KNN_ERROR_ARGUMENT, "data set is NULL");
    refused(knn_adapt(model, "known", narrow), KNN_ERROR_SHAPE, "expected samples of 2 channels, got 6 of 1");
    check_ok(knn_adapt(model, "known", set));
    knn_dataset_free(set);
    knn_dataset_free(narrow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/adapt");
    TCase *cases = tcase_create("adapt");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, given_statistics_are_no_weights);
    tcase_add_test(cases, one_number_is_for_all_channels);
    tcase_add_test(cases, statistics_come_from_a_data_set);
    tcase_add_test(cases, training_does_not_move_them);
    tcase_add_test(cases, what_is_no_statistic_is_refused);
    tcase_add_test(cases, what_cannot_be_adapted_is_refused);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
