/* Finding backends by name. */
#include "backend/backend.h"

#include "support/check_run.h"

#include <string.h>

START_TEST(auto_is_the_cpu)
{
    ck_assert_ptr_eq(knn__find_backend(NULL), &knn__cpu_backend);
    ck_assert_ptr_eq(knn__find_backend("auto"), &knn__cpu_backend);
}
END_TEST

START_TEST(backends_have_their_names)
{
    ck_assert_ptr_eq(knn__find_backend("cpu"), &knn__cpu_backend);
    ck_assert_ptr_eq(knn__find_backend("reference"), &knn__reference_backend);
}
END_TEST

START_TEST(a_backend_that_is_not_there_is_an_error_that_lists_the_others)
{
    static const char *const missing[] = {"cuda", "cuda:1", "tpu", ""};
    ck_assert_ptr_null(knn__find_backend(missing[_i]));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), missing[_i]));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "\"cpu\""));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "\"reference\""));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_find");
    TCase *names = tcase_create("names");
    tcase_add_test(names, auto_is_the_cpu);
    tcase_add_test(names, backends_have_their_names);
    tcase_add_loop_test(names, a_backend_that_is_not_there_is_an_error_that_lists_the_others, 0, 4);
    suite_add_tcase(s, names);
    return s;
}

int main(void) { return check_run(suite()); }
