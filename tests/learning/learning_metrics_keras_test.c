/* The metrics against Keras 3 (fixtures/learning/make_learning_fixtures.py): after each of three batches, without and with weights. */
#include "learning/learning.h"
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>

static const double TOLERANCE = 1e-5;                   /* relative above 1 */
enum { BATCHES = 3 };
static const int ends[BATCHES] = {20, 27, 60};          /* of the batches */

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/learning/metrics.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

static const float *get(const char *name, int *rank, int shape[8])
{
    const float *values = fixture_get(stored, name, rank, shape, NULL);
    ck_assert_msg(values != NULL, "%s is not in the fixture", name);
    return values;
}

/* The array that a case names: 0: predictions, 1: labels. */
static const float *data(const char *name, int which, int *rank, int shape[8])
{
    char text[128];
    snprintf(text, sizeof text, "%s/data", name);
    const float *numbers = get(text, NULL, NULL);
    snprintf(text, sizeof text, "data%d", (int)numbers[which]);
    return get(text, rank, shape);
}

static void check_values(const char *name, knn__metric *metric, bool weighted)
{
    int rank, shape[8], first = 0;
    const float *prediction = data(name, 0, &rank, shape), *target = data(name, 1, NULL, NULL);
    int outputs = shape[rank - 1], positions = rank == 3 ? shape[1] : 1, target_shape[8], target_rank;
    data(name, 1, &target_rank, target_shape);
    int targets = target_shape[target_rank - 1] * positions;
    float got[BATCHES];
    char text[128];
    metric->weighted = weighted;
    knn__metric_reset(metric);
    for (int i = 0; i < BATCHES; first = ends[i++]) {
        knn__metric_add(metric, prediction + first * positions * outputs, target + first * targets, get("weights", NULL, NULL) + first,
                        ends[i] - first, positions, outputs);
        got[i] = (float)knn__metric_value(metric);
    }
    snprintf(text, sizeof text, "%s/%s", name, weighted ? "weighted" : "plain");
    check_difference d = check_compare_floats(got, get(text, NULL, NULL), BATCHES, TOLERANCE, TOLERANCE);
    CHECK_NO_DIFFERENCE(d, text, (size_t)BATCHES);
}

static void same(const char *name, const knn_metric *description)
{
    int rank, shape[8], target_rank, target_shape[8];
    knn__metric metric;
    data(name, 0, &rank, shape);
    data(name, 1, &target_rank, target_shape);
    knn_shape output = {rank - 1, {0}};
    for (int i = 1; i < rank; i++)
        output.size[i - 1] = shape[i];
    bool sparse = target_shape[target_rank - 1] < shape[rank - 1];
    ck_assert_msg(knn__metric_resolve(description, &output, sparse, &metric) == KNN_OK, "%s", knn_last_error());
    check_values(name, &metric, false);
    check_values(name, &metric, true);
    knn__metric_release(&metric);
}

START_TEST(accuracies_are_keras)
{
    same("binary_accuracy", knn_binary_accuracy());
    same("binary_accuracy_threshold", knn_binary_accuracy(.threshold = 0.7));
    same("binary_accuracy_rows", knn_binary_accuracy());
    same("categorical_accuracy", knn_categorical_accuracy());
    same("sparse_categorical_accuracy", knn_sparse_categorical_accuracy());
    same("top_k", knn_top_k_categorical_accuracy(2));
    same("sparse_top_k", knn_sparse_top_k_categorical_accuracy(3));
}
END_TEST

START_TEST(losses_as_metrics_are_keras)
{
    same("squared", knn_mean_squared_error_metric());
    same("root", knn_root_mean_squared_error());
    same("absolute", knn_mean_absolute_error_metric());
    same("percentage", knn_mean_absolute_percentage_error_metric());
    same("logarithmic", knn_mean_squared_logarithmic_error_metric());
    same("cosine", knn_cosine_similarity_metric());
    same("log_cosh", knn_log_cosh_error());
    same("poisson", knn_poisson_metric());
    same("divergence", knn_kl_divergence_metric());
    same("hinge", knn_hinge_metric());
    same("hinge_signs", knn_hinge_metric());
    same("squared_hinge", knn_squared_hinge_metric());
    same("categorical_hinge", knn_categorical_hinge_metric());
    same("binary_crossentropy", knn_binary_crossentropy_metric());
    same("binary_crossentropy_options", knn_binary_crossentropy_metric(.from_logits = true, .label_smoothing = 0.2));
    same("categorical_crossentropy", knn_categorical_crossentropy_metric(.label_smoothing = 0.1));
    same("sparse_crossentropy", knn_sparse_categorical_crossentropy_metric(.from_logits = true));
}
END_TEST

START_TEST(counts_of_answers_are_keras)
{
    same("precision", knn_precision());
    same("precision_threshold", knn_precision(0.8));
    same("precision_class", knn_precision(.class_id = KNN_NONE));
    same("precision_top_k", knn_precision(.top_k = 2));
    same("precision_of_one", knn_precision());
    same("recall", knn_recall());
    same("recall_top_k", knn_recall(0.6, 1, 2));
    same("recall_rows", knn_recall());
    same("true_positives", knn_true_positives());
    same("true_negatives", knn_true_negatives(0.3));
    same("false_positives", knn_false_positives());
    same("false_negatives", knn_false_negatives());
}
END_TEST

START_TEST(areas_are_keras)
{
    same("auc", knn_auc());
    same("auc_all", knn_auc());
    same("auc_few", knn_auc(5, .summation_method = KNN_MAJORING));
    same("auc_minoring", knn_auc(20, .summation_method = KNN_MINORING));
    same("auc_logits", knn_auc(.from_logits = true));
    same("auc_pr", knn_auc(.curve = KNN_PR));
    same("auc_pr_majoring", knn_auc(30, KNN_PR, KNN_MAJORING));
}
END_TEST

START_TEST(f_scores_are_keras)
{
    same("f1_macro", knn_f1_score(KNN_MACRO));
    same("f1_micro", knn_f1_score(KNN_MICRO));
    same("f1_weighted", knn_f1_score(KNN_WEIGHTED));
    same("f1_of_one", knn_f1_score(.threshold = 0.5));
    same("f1_threshold", knn_f1_score(KNN_MACRO, 0.6));
    same("fbeta", knn_fbeta_score(KNN_WEIGHTED, 0.4, 2));
}
END_TEST

START_TEST(options_of_relatives_are_refused)
{
    const knn_shape three = {1, {3}};
    knn__metric metric;
    ck_assert_int_eq(knn__metric_resolve(knn_f1_score(), &three, false, &metric), KNN_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "choose micro, macro or weighted"));
    ck_assert_int_eq(knn__metric_resolve(knn_f1_score(KNN_MACRO, .beta = 2), &three, false, &metric), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn__metric_resolve(knn_true_positives(.top_k = 2), &three, false, &metric), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn__metric_resolve(knn_precision(.class_id = 3), &three, false, &metric), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn__metric_resolve(knn_auc(1), &three, false, &metric), KNN_ERROR_ARGUMENT);
    ck_assert_ptr_null(metric.kind);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/metrics_keras");
    TCase *cases = tcase_create("metrics");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, accuracies_are_keras);
    tcase_add_test(cases, losses_as_metrics_are_keras);
    tcase_add_test(cases, counts_of_answers_are_keras);
    tcase_add_test(cases, areas_are_keras);
    tcase_add_test(cases, f_scores_are_keras);
    tcase_add_test(cases, options_of_relatives_are_refused);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
