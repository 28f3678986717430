/* The harness as a Check suite: every kernel of the backends against the double reference, and the reference against finite differences. */
#include "harness.h"
#include "near_ties.h"
#include "problem.h"

#include "support/check_run.h"

#include <string.h>

enum { GROUPS = 8, SECONDS = 300 };

static void no_failures(const harness_report *report)
{
    ck_assert_msg(report->failures == 0, "%d of %d runs failed, first: %s", report->failures, report->runs, report->first);
    ck_assert_int_gt(report->runs, 0);
    ck_assert_int_eq(report->refused, 0);
}

START_TEST(cpu_kernels_agree_with_the_double_reference)
{
    harness_report report = {.to = NULL};
    harness_test("cpu", chain_groups[_i], &report);
    no_failures(&report);
}
END_TEST

START_TEST(reference_kernels_agree_with_themselves_in_double)
{
    harness_report report = {.to = NULL};
    harness_test("reference", chain_groups[_i], &report);
    no_failures(&report);
}
END_TEST

START_TEST(a_plan_makes_what_its_nodes_make_one_by_one)
{
    harness_report report = {.to = NULL};
    harness_test_plan(&report);
    no_failures(&report);
}
END_TEST

START_TEST(reference_gradients_match_finite_differences)
{
    harness_report report = {.to = NULL};
    harness_grad(NULL, &report);
    no_failures(&report);
}
END_TEST

START_TEST(reference_losses_match_finite_differences)
{
    harness_report report = {.to = NULL};
    harness_grad_losses(&report);
    no_failures(&report);
}
END_TEST

START_TEST(losses_and_optimizers_agree_with_the_double_reference)
{
    harness_report report = {.to = NULL};
    harness_test_learning("cpu", &report);
    harness_test_learning("reference", &report);
    no_failures(&report);
}
END_TEST

START_TEST(every_kernel_has_a_case)
{
    harness_report report = {.to = NULL};
    harness_support("cpu", &report);
    ck_assert_msg(report.failures == 0, "%s", report.first);
    ck_assert_ptr_null(chain_groups[GROUPS]);
}
END_TEST

/* ---- The harness itself ---- */

static const chain_case small = {"", "conv2d", {3, {5, 5, 2}}, 2, false, {knn_conv2d(3, 3)}};

START_TEST(a_wrong_number_is_found)
{
    problem p;
    char text[512];
    double largest = 0;
    problem_make(&p, &small, 1e-4);
    ck_assert(answer_agrees(&p, &p.expected, (tolerance){1e-5, 0}, &largest, text, sizeof text));
    double spoilt[64];
    ck_assert_uint_le(p.chain.weights_length, 64);
    memcpy(spoilt, p.expected.gradients, p.chain.weights_length * sizeof *spoilt);
    spoilt[7] += 1e-3;
    answer wrong = p.expected;
    wrong.gradients = spoilt;
    ck_assert(!answer_agrees(&p, &wrong, (tolerance){1e-5, 0}, &largest, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "d kernel"));
    problem_free(&p);
}
END_TEST

START_TEST(no_gradient_passes_a_tie)
{
    const knn_layer *const layers[] = {knn_activation(KNN_RELU), knn_max_pooling2d(1, 2), NULL};
    static const double x[] = {1, 1.00001, -1, -1, 2, 1, 0.00001, -3};      /* a tie, dead, clear, near the kink */
    static const double expected[] = {0, 1, 1, 0};
    double dy[] = {1, 1, 1, 1};
    chain c;
    ck_assert(chain_lower(&c, layers, (knn_shape){3, {1, 8, 1}}));
    ck_assert(avoid_near_ties(&c, 1, 1, 1e-4, x, NULL, dy));
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(dy[i], expected[i]);
    chain_free(&c);
}
END_TEST

START_TEST(a_tie_inside_the_chain_is_reported)
{
    const knn_layer *const layers[] = {knn_max_pooling2d(1, 2), knn_flatten(), knn_dense(1), NULL};
    static const double x[] = {1, 1}, weights[] = {1, 0};
    double dy[] = {1};
    chain c;
    ck_assert(chain_lower(&c, layers, (knn_shape){3, {1, 2, 1}}));
    ck_assert(!avoid_near_ties(&c, 1, 1, 1e-4, x, weights, dy));
    chain_free(&c);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_kernels");
    TCase *kernels = tcase_create("kernels"), *itself = tcase_create("harness");
    tcase_set_timeout(kernels, SECONDS);
    tcase_add_loop_test(kernels, cpu_kernels_agree_with_the_double_reference, 0, GROUPS);
    tcase_add_loop_test(kernels, reference_kernels_agree_with_themselves_in_double, 0, GROUPS);
    tcase_add_test(kernels, a_plan_makes_what_its_nodes_make_one_by_one);
    tcase_add_test(kernels, reference_gradients_match_finite_differences);
    tcase_add_test(kernels, reference_losses_match_finite_differences);
    tcase_add_test(kernels, losses_and_optimizers_agree_with_the_double_reference);
    tcase_add_test(kernels, every_kernel_has_a_case);
    tcase_add_test(itself, a_wrong_number_is_found);
    tcase_add_test(itself, no_gradient_passes_a_tie);
    tcase_add_test(itself, a_tie_inside_the_chain_is_reported);
    suite_add_tcase(s, kernels);
    suite_add_tcase(s, itself);
    return s;
}

int main(void) { return check_run(suite()); }
