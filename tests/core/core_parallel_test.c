/* The parallel loop: which slices run, where and how often. Does not measure time. */
#include "core/parallel.h"
#include "support/check_run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = 100 };

typedef struct record {
    atomic_int runs[MOST];
    pthread_t thread[MOST];
    atomic_int next;
    int order[MOST];            /* slices as they began */
} record;

static void note(int slice, void *context)
{
    record *r = context;
    atomic_fetch_add(&r->runs[slice], 1);
    r->thread[slice] = pthread_self();
    r->order[atomic_fetch_add(&r->next, 1)] = slice;
}

START_TEST(every_slice_runs_once)
{
    static const int slices[] = {1, 2, 3, 7, 32, MOST}, threads[] = {1, 2, 3, 4, 8, 300};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            record r = {0};
            knn__parallel(slices[i], threads[j], note, &r);
            for (int slice = 0; slice < MOST; slice++)
                ck_assert_int_eq(atomic_load(&r.runs[slice]), slice < slices[i]);
        }
}
END_TEST

START_TEST(no_slices_are_no_calls)
{
    record r = {0};
    knn__parallel(0, 4, note, &r);
    ck_assert_int_eq(atomic_load(&r.next), 0);
}
END_TEST

START_TEST(one_thread_is_the_caller_in_order)
{
    for (int threads = -1; threads <= 1; threads++) {
        record r = {0};
        knn__parallel(10, threads, note, &r);
        for (int i = 0; i < 10; i++) {
            ck_assert_int_eq(r.order[i], i);
            ck_assert(pthread_equal(r.thread[i], pthread_self()));
        }
    }
}
END_TEST

/* 10 slices, 4 threads: [0, 2) [2, 5) [5, 7) [7, 10). */
START_TEST(thread_t_has_its_fixed_share)
{
    static const int owner[10] = {0, 0, 1, 1, 1, 2, 2, 3, 3, 3};
    record r = {0};
    knn__parallel(10, 4, note, &r);
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++)
            ck_assert_int_eq(pthread_equal(r.thread[i], r.thread[j]) != 0, owner[i] == owner[j]);
}
END_TEST

START_TEST(shares_cover_everything_once)
{
    for (int parts = 1; parts <= 7; parts++)
        for (long total = 0; total <= 20; total++) {
            long end = 0;
            for (int part = 0; part < parts; part++) {
                long first, last;
                knn__share(total, part, parts, &first, &last);
                ck_assert_int_eq(first, end);
                ck_assert_int_ge(last, first);
                end = last;
            }
            ck_assert_int_eq(end, total);
        }
}
END_TEST

typedef struct nest {
    record inner[4];
    bool serial[4];
} nest;

static void loop_within(int slice, void *context)
{
    nest *n = context;
    knn__parallel(8, 4, note, &n->inner[slice]);
    n->serial[slice] = true;
    for (int i = 0; i < 8; i++)
        if (n->inner[slice].order[i] != i || !pthread_equal(n->inner[slice].thread[i], pthread_self()))
            n->serial[slice] = false;
}

START_TEST(a_loop_within_a_body_runs_there_in_order)
{
    for (int threads = 1; threads <= 4; threads++) {
        static nest n;
        memset(&n, 0, sizeof n);
        knn__parallel(4, threads, loop_within, &n);
        for (int i = 0; i < 4; i++)
            ck_assert(n.serial[i]);
    }
}
END_TEST

START_TEST(a_loop_after_another_is_parallel_again)
{
    for (int i = 0; i < 2; i++) {
        record r = {0};
        knn__parallel(2, 2, note, &r);
        ck_assert(!pthread_equal(r.thread[0], r.thread[1]));
        knn__parallel(2, 1, note, &r);
    }
}
END_TEST

static void *loop_many_times(void *wrong)
{
    for (int i = 0; i < 50; i++) {
        record r = {0};
        knn__parallel(9, 3, note, &r);
        if (atomic_load(&r.next) != 9)
            *(bool *)wrong = true;
    }
    return NULL;
}

START_TEST(several_host_threads_may_loop_at_once)
{
    pthread_t thread[3];
    bool wrong[3] = {false, false, false};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, loop_many_times, &wrong[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        ck_assert(!wrong[i]);
    }
}
END_TEST

/* First of all tests: an OpenMP runtime may ask for the mask once only. */
START_TEST(cores_are_those_of_the_affinity_mask)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    size_t core = 0;
    while (!CPU_ISSET(core, &all))
        core++;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    int cores = knn__cores();
    sched_setaffinity(0, sizeof all, &all);
    ck_assert_int_eq(cores, 1);
}
END_TEST

START_TEST(the_kind_is_that_of_the_build)
{
#if defined(_OPENMP) && !defined(KNN_PTHREADS)
    ck_assert_str_eq(knn__parallel_kind(), "openmp");
#else
    ck_assert_str_eq(knn__parallel_kind(), "pthreads");
#endif
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/parallel");
    TCase *tests = tcase_create("parallel");
    tcase_add_test(tests, cores_are_those_of_the_affinity_mask);
    tcase_add_test(tests, every_slice_runs_once);
    tcase_add_test(tests, no_slices_are_no_calls);
    tcase_add_test(tests, one_thread_is_the_caller_in_order);
    tcase_add_test(tests, thread_t_has_its_fixed_share);
    tcase_add_test(tests, shares_cover_everything_once);
    tcase_add_test(tests, a_loop_within_a_body_runs_there_in_order);
    tcase_add_test(tests, a_loop_after_another_is_parallel_again);
    tcase_add_test(tests, several_host_threads_may_loop_at_once);
    tcase_add_test(tests, the_kind_is_that_of_the_build);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
