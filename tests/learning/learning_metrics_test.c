/* Metrics: which accuracy is meant, running means, keys. */
#include "learning/learning.h"
#include "support/check_run.h"

#include <string.h>

static const knn_shape one = {1, {1}}, three = {1, {3}};

/* The value over `images` samples of `outputs` numbers. */
static double value_of(const knn_metric *description, bool sparse, const float *prediction, const float *target, int images,
                       int outputs)
{
    knn__metric metric;
    const knn_shape shape = {1, {outputs}};
    ck_assert_int_eq(knn__metric_resolve(description, &shape, sparse, &metric), KNN_OK);
    ck_assert_double_eq(knn__metric_value(&metric), 0.0);
    knn__metric_add(&metric, prediction, target, NULL, images, 1, outputs);
    double value = knn__metric_value(&metric);
    knn__metric_release(&metric);
    return value;
}

START_TEST(accuracy_depends_on_the_output_and_the_labels)
{
    knn__metric metric;
    ck_assert_int_eq(knn__metric_resolve(knn_accuracy(), &one, false, &metric), KNN_OK);
    ck_assert_int_eq(metric.op, KNN_METRIC_BINARY_ACCURACY);
    ck_assert_str_eq(metric.key, "accuracy");
    knn__metric_release(&metric);
    ck_assert_int_eq(knn__metric_resolve(knn_accuracy("acc"), &three, false, &metric), KNN_OK);
    ck_assert_int_eq(metric.op, KNN_METRIC_CATEGORICAL_ACCURACY);
    ck_assert_str_eq(metric.key, "acc");
    knn__metric_release(&metric);
    ck_assert_int_eq(knn__metric_resolve(knn_accuracy(), &three, true, &metric), KNN_OK);
    ck_assert_int_eq(metric.op, KNN_METRIC_SPARSE_CATEGORICAL_ACCURACY);
    knn__metric_release(&metric);
}
END_TEST

START_TEST(metrics_have_keras_names)
{
    const struct { const knn_metric *description; const char *key; } expected[] = {
        {knn_binary_accuracy(), "binary_accuracy"}, {knn_categorical_accuracy(), "categorical_accuracy"},
        {knn_mean_squared_error_metric(), "mean_squared_error"}, {knn_mean_absolute_error_metric(), "mean_absolute_error"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        knn__metric metric;
        ck_assert_int_eq(knn__metric_resolve(expected[i].description, &three, false, &metric), KNN_OK);
        ck_assert_str_eq(metric.key, expected[i].key);
        knn__metric_release(&metric);
    }
}
END_TEST

START_TEST(a_probability_of_one_half_is_the_answer_0)
{
    const float p[] = {0.5f, 0.5f, 0.6f, 0.4f}, t[] = {0, 1, 1, 1};
    ck_assert_double_eq(value_of(knn_accuracy(), false, p, t, 4, 1), 0.5);
    ck_assert_double_eq(value_of(knn_binary_accuracy(), false, p, t, 2, 2), 0.5);
}
END_TEST

START_TEST(the_first_of_equals_is_the_answer)
{
    const float p[] = {0.4f, 0.4f, 0.2f, 0.1f, 0.3f, 0.6f}, first[] = {1, 0, 0, 0, 0, 1}, second[] = {0, 1, 0, 0, 1, 0};
    ck_assert_double_eq(value_of(knn_accuracy(), false, p, first, 2, 3), 1.0);
    ck_assert_double_eq(value_of(knn_accuracy(), false, p, second, 2, 3), 0.0);
    ck_assert_double_eq(value_of(knn_accuracy(), true, p, (float[]){0, 1}, 2, 3), 0.5);
}
END_TEST

START_TEST(errors_are_means_over_samples_and_outputs)
{
    const float p[] = {1, 2, 3, 4}, t[] = {1, 4, 3, 0};
    ck_assert_double_eq(value_of(knn_mean_squared_error_metric(), false, p, t, 2, 2), 5.0);
    ck_assert_double_eq(value_of(knn_mean_absolute_error_metric(), false, p, t, 2, 2), 1.5);
}
END_TEST

START_TEST(short_batches_count_by_their_size)
{
    knn__metric metric;
    ck_assert_int_eq(knn__metric_resolve(knn_accuracy(), &one, false, &metric), KNN_OK);
    knn__metric_add(&metric, (float[]){1, 1, 1}, (float[]){1, 1, 1}, NULL, 3, 1, 1);
    knn__metric_add(&metric, (float[]){1}, (float[]){0}, NULL, 1, 1, 1);
    ck_assert_double_eq(knn__metric_value(&metric), 0.75);
    knn__metric_reset(&metric);
    ck_assert_double_eq(knn__metric_value(&metric), 0.0);
    knn__metric_release(&metric);
}
END_TEST

START_TEST(metrics_that_do_not_fit_the_labels_are_refused)
{
    knn__metric metric;
    ck_assert_int_eq(knn__metric_resolve(knn_mean_squared_error_metric(), &three, true, &metric), KNN_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "MeanSquaredError"));
    ck_assert_int_eq(knn__metric_resolve(knn_sparse_categorical_accuracy(), &three, false, &metric), KNN_ERROR_SHAPE);
    ck_assert_ptr_null(metric.kind);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/metrics");
    TCase *cases = tcase_create("metrics");
    tcase_add_test(cases, accuracy_depends_on_the_output_and_the_labels);
    tcase_add_test(cases, metrics_have_keras_names);
    tcase_add_test(cases, a_probability_of_one_half_is_the_answer_0);
    tcase_add_test(cases, the_first_of_equals_is_the_answer);
    tcase_add_test(cases, errors_are_means_over_samples_and_outputs);
    tcase_add_test(cases, short_batches_count_by_their_size);
    tcase_add_test(cases, metrics_that_do_not_fit_the_labels_are_refused);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
