/* Fails the n-th allocation, for every n, over a whole catdog in miniature: each time an error comes back, nothing leaks, nothing crashes, and
 * the next run, undisturbed, succeeds. First our own allocations, then those of the libraries below us (interposed.c). */
#include "core/memory.h"
#include "failures/interposed.h"
#include "failures/miniature.h"
#include "support/check_run.h"

#include <string.h>

static char folder[64];

static void setup(void) { miniature_make(folder, sizeof folder); }
static void teardown(void) { miniature_remove(folder); }

static void expect_clean(const char *what, long n, size_t before)
{
    ck_assert_msg(knn__live_blocks() == before, "%s allocation %ld failed: %zu blocks leak", what, n, knn__live_blocks() - before);
}

/* Until a run is over before the n-th allocation happens. */
START_TEST(every_allocation_of_ours_may_fail)
{
    long n = 0, failed = 0;
    size_t before = knn__live_blocks();

    ck_assert_msg(miniature_run(folder) == KNN_OK, "%s", knn_last_error());
    for (;;) {
        knn__fail_allocation(++n);
        knn_status status = miniature_run(folder);
        bool over = knn__allocations_to_failure() > 0;
        knn__fail_allocation(0);
        expect_clean("our", n, before);
        if (over)
            break;
        failed += status != KNN_OK;
        if (status != KNN_OK)
            ck_assert_msg(knn_last_error()[0] != '\0', "allocation %ld failed without a text", n);
    }
    ck_assert_int_gt(failed, 200);              /* it did happen */
    ck_assert_msg(miniature_run(folder) == KNN_OK, "after all that: %s", knn_last_error());
}
END_TEST

START_TEST(every_allocation_of_the_libraries_below_may_fail)
{
    size_t before = knn__live_blocks();

    if (!interposed_works()) {
        fprintf(stderr, "skipped: malloc cannot be interposed in this build\n");
        return;
    }
    ck_assert_msg(miniature_run(folder) == KNN_OK, "%s", knn_last_error());
    long total = interposed_count(miniature_run, folder);
    ck_assert_int_gt(total, 100);
    long step = total / 400 + 1;                /* all would take minutes: every step-th, from a different start each time */
    for (long n = 1 + total % step; n <= total; n += step) {
        interposed_fail(n);
        miniature_run(folder);
        interposed_fail(0);
        expect_clean("a library's", n, before);
    }
    ck_assert_msg(miniature_run(folder) == KNN_OK, "after all that: %s", knn_last_error());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failures/allocation");
    TCase *tests = tcase_create("allocation");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, every_allocation_of_ours_may_fail);
    tcase_add_test(tests, every_allocation_of_the_libraries_below_may_fail);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
