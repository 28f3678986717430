/* The losses against Keras 3 (fixtures/learning/make_learning_fixtures.py): values, reductions, gradients, also where they are extreme.
 * The exact gradients are in the harness of the kernels. */
#include "learning/learning.h"
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"

#include <stdio.h>

static const double VALUES = 1e-5, GRADIENTS = 1e-4;    /* relative above 1 */
enum { MOST = 100 };

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/learning/losses.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

static const float *get(const char *name, const char *what, int *rank, int shape[8], size_t *length)
{
    char text[128];
    snprintf(text, sizeof text, "%s%s%s", name, name[0] != '\0' ? "/" : "", what);
    const float *values = fixture_get(stored, text, rank, shape, length);
    ck_assert_msg(values != NULL, "%s is not in the fixture", text);
    return values;
}

static void compare(const char *name, const char *what, const float *got, double tolerance)
{
    size_t length;
    char text[128];
    const float *expected = get(name, what, NULL, NULL, &length);
    snprintf(text, sizeof text, "%s: %s", name, what);
    check_difference d = check_compare_floats(got, expected, length, tolerance, tolerance);
    CHECK_NO_DIFFERENCE(d, text, length);
}

/* Keras gives a value a row; of Dice and Tversky one for all. */
static void compare_values(const char *name, knn__loss_call call)
{
    size_t length, all;
    double values[MOST];
    float narrow[MOST];
    get(name, "values", NULL, NULL, &length);
    get(name, "prediction", NULL, NULL, &all);
    call.images = (int)length;                          /* rows as samples of their own */
    call.positions = 1;
    call.outputs = (int)(all / length);
    call.value = values;
    knn__reference_backend.loss(&call);
    for (size_t i = 0; i < length; i++)
        narrow[i] = (float)values[i];
    compare(name, "values", narrow, VALUES);
}

static void check_loss(const char *name, const knn_loss *description)
{
    int rank, shape[8];
    size_t targets;
    double values[MOST];
    float gradient[MOST], reduced;
    knn__loss loss;
    ck_assert_int_eq(knn__loss_resolve(description, &loss), KNN_OK);
    knn__loss_call call = loss.call;
    call.prediction = get(name, "prediction", &rank, shape, NULL);
    call.target = get(name, "target", NULL, NULL, &targets);
    call.images = shape[0];
    call.positions = rank == 3 ? shape[1] : 1;
    call.outputs = shape[rank - 1];
    call.zero_one = knn__zero_one(call.op, call.target, targets);
    compare_values(name, call);

    const float *weight = get("", "weights", NULL, NULL, NULL);
    call.value = values;
    call.gradient = gradient;
    call.weight = weight;
    call.divisor = knn__loss_divisor(&loss, weight, call.images, call.positions);
    knn__find_backend("cpu")->loss(&call);
    reduced = (float)knn__loss_reduce(&loss, values, NULL, call.images, call.positions);
    compare(name, "loss", &reduced, VALUES);
    reduced = (float)knn__loss_reduce(&loss, values, weight, call.images, call.positions);
    compare(name, "weighted", &reduced, VALUES);
    compare(name, "gradient", gradient, GRADIENTS);
    knn__loss_release(&loss);
}

START_TEST(crossentropies_are_keras)
{
    check_loss("binary", knn_binary_crossentropy());
    check_loss("binary_smoothing", knn_binary_crossentropy(.label_smoothing = 0.3));
    check_loss("binary_logits", knn_binary_crossentropy(.from_logits = true));
    check_loss("categorical", knn_categorical_crossentropy());
    check_loss("categorical_smoothing", knn_categorical_crossentropy(.label_smoothing = 0.3));
    check_loss("categorical_logits", knn_categorical_crossentropy(.from_logits = true));
    check_loss("sparse", knn_sparse_categorical_crossentropy());
    check_loss("sparse_logits", knn_sparse_categorical_crossentropy(.from_logits = true));
}
END_TEST

START_TEST(errors_are_keras_errors)
{
    check_loss("squared", knn_mean_squared_error());
    check_loss("absolute", knn_mean_absolute_error());
    check_loss("percentage", knn_mean_absolute_percentage_error());
    check_loss("percentage_of_zero", knn_mean_absolute_percentage_error());
    check_loss("logarithmic", knn_mean_squared_logarithmic_error());
    check_loss("huber", knn_huber());
    check_loss("huber_delta", knn_huber(2.5));
    check_loss("log_cosh", knn_log_cosh());
    check_loss("poisson", knn_poisson());
    check_loss("cosine", knn_cosine_similarity());
}
END_TEST

START_TEST(hinges_and_divergences_are_keras)
{
    check_loss("hinge", knn_hinge());
    check_loss("hinge_bits", knn_hinge());
    check_loss("squared_hinge", knn_squared_hinge());
    check_loss("squared_hinge_bits", knn_squared_hinge());
    check_loss("categorical_hinge", knn_categorical_hinge());
    check_loss("divergence", knn_kl_divergence());
    check_loss("divergence_onehot", knn_kl_divergence());
}
END_TEST

START_TEST(focal_crossentropies_are_keras)
{
    check_loss("binary_focal", knn_binary_focal_crossentropy());
    check_loss("binary_focal_edge", knn_binary_focal_crossentropy());
    check_loss("binary_focal_balanced", knn_binary_focal_crossentropy(0.3, 1.5, true));
    check_loss("binary_focal_logits", knn_binary_focal_crossentropy(.from_logits = true, .label_smoothing = 0.2));
    check_loss("categorical_focal", knn_categorical_focal_crossentropy());
    check_loss("categorical_focal_options", knn_categorical_focal_crossentropy(0.4, 1.5, .label_smoothing = 0.1));
    check_loss("categorical_focal_logits", knn_categorical_focal_crossentropy(.from_logits = true));
}
END_TEST

START_TEST(overlaps_are_keras)
{
    check_loss("dice", knn_dice());
    check_loss("tversky", knn_tversky());
    check_loss("tversky_options", knn_tversky(0.3, 0.9));
    check_loss("rows_dice", knn_dice());
}
END_TEST

START_TEST(reductions_are_keras)
{
    check_loss("rows", knn_huber());
    check_loss("sum", knn_huber(.reduction = KNN_SUM));
    check_loss("sum_rows", knn_log_cosh(KNN_SUM));
    check_loss("sum_dice", knn_dice(KNN_SUM));
    check_loss("mean", knn_poisson(KNN_MEAN));
    check_loss("by_weight", knn_mean_squared_error(KNN_MEAN_WITH_SAMPLE_WEIGHT));
    check_loss("sum_binary", knn_binary_crossentropy(0.1, .reduction = KNN_SUM));
}
END_TEST

START_TEST(a_loss_without_reduction_is_refused)
{
    knn__loss loss;
    ck_assert_int_eq(knn__loss_resolve(knn_huber(.reduction = KNN_REDUCTION_NONE), &loss), KNN_ERROR_UNSUPPORTED);
    ck_assert_str_eq(knn_last_error(), "Huber: reduction none gives a number a sample, training needs one a batch");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/losses_keras");
    TCase *cases = tcase_create("losses");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, crossentropies_are_keras);
    tcase_add_test(cases, errors_are_keras_errors);
    tcase_add_test(cases, hinges_and_divergences_are_keras);
    tcase_add_test(cases, focal_crossentropies_are_keras);
    tcase_add_test(cases, overlaps_are_keras);
    tcase_add_test(cases, reductions_are_keras);
    tcase_add_test(cases, a_loss_without_reduction_is_refused);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
