/* What every test program's main does. Check reads CK_FORK, CK_VERBOSITY and the like itself. */
#ifndef KNN_TESTS_CHECK_RUN_H
#define KNN_TESTS_CHECK_RUN_H

#include <check.h>
#include <stdlib.h>

/* Asked by the sanitizers of a program built with them: too large an allocation gives NULL, as malloc does, for its tests. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Runs a suite and frees it: the exit status of the program, which is not zero where a test failed. */
static inline int check_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
