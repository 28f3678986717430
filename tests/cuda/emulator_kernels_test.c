/* The CUDA backend's kernels on an emulated GPU against the double reference: every case of the harness that it covers, its losses, its
 * optimizers; in three orders of the threads, and with grids of a single block. */
#include "harness.h"

#include "backend/cuda/kernels.h"
#include "cases.h"
#include "emulator.h"
#include "support/check_run.h"

enum { SECONDS = 200 };

/* How kernels are run. */
static const struct setting { int order; unsigned grid_cap; } settings[] = {
    {EMULATOR_ASCENDING, 1u << 16}, {EMULATOR_DESCENDING, 1}, {7, 3}};
enum { SETTINGS = sizeof settings / sizeof *settings };

static void set(const struct setting *to)
{
    emulator_set_order(to->order);
    knn__cuda_grid_cap = to->grid_cap;
}

static void no_failures(const harness_report *report)
{
    ck_assert_msg(report->failures == 0, "%d of %d runs failed, first: %s", report->failures, report->runs, report->first);
    ck_assert_int_gt(report->runs, 0);
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 0);
}

/* Groups of which the backend covers a case. */
static const char *const groups[] = {"convolution", "pooling", "dense", "elementwise", "chain"};
enum { GROUPS = sizeof groups / sizeof *groups };

START_TEST(kernels_agree_with_the_double_reference)
{
    harness_report report = {.to = NULL};
    set(&settings[_i / GROUPS]);
    harness_test("cuda", groups[_i % GROUPS], &report);
    no_failures(&report);
}
END_TEST

START_TEST(losses_and_optimizers_agree_with_the_double_reference)
{
    harness_report report = {.to = NULL};
    set(&settings[_i]);
    harness_test_learning("cuda", &report);
    no_failures(&report);
}
END_TEST

START_TEST(every_kernel_has_a_case)
{
    harness_report report = {.to = NULL};
    harness_support("cuda", &report);
    ck_assert_msg(report.failures == 0, "%s", report.first);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_kernels");
    TCase *kernels = tcase_create("kernels");
    tcase_set_timeout(kernels, SECONDS);
    tcase_add_loop_test(kernels, kernels_agree_with_the_double_reference, 0, SETTINGS * GROUPS);
    tcase_add_loop_test(kernels, losses_and_optimizers_agree_with_the_double_reference, 0, SETTINGS);
    tcase_add_test(kernels, every_kernel_has_a_case);
    suite_add_tcase(s, kernels);
    return s;
}

int main(void) { return check_run(suite()); }
