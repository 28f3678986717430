/* Products, and the guard that keeps OpenBLAS to one thread, with whichever flavour of it the program was started. Measures no time. */
#include "backend/cpu/blas.h"

#include "backend/backend.h"
#include "support/check_array.h"
#include "support/check_run.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { OPENBLAS_PTHREAD = 1, OPENBLAS_WITH_OPENMP = 2, HOST = 2 };

extern int  openblas_get_parallel(void);
extern int  openblas_get_num_threads(void);
extern void openblas_set_num_threads(int threads);
extern int  omp_get_max_threads(void) __attribute__((weak));
extern void omp_set_num_threads(int threads) __attribute__((weak));

/* ---- The guard. The setting that counts is the process's or the thread's, by flavour. ---- */

static int threads_set(void)
{
    return openblas_get_parallel() == OPENBLAS_WITH_OPENMP ? omp_get_max_threads() : openblas_get_num_threads();
}

static void set_threads(int threads)
{
    if (openblas_get_parallel() == OPENBLAS_WITH_OPENMP)
        omp_set_num_threads(threads);
    else
        openblas_set_num_threads(threads);
}

START_TEST(one_thread_inside_the_hosts_number_afterwards)
{
    set_threads(HOST);
    knn__blas_enter();
    ck_assert_int_eq(threads_set(), 1);
    knn__blas_leave();
    ck_assert_int_eq(threads_set(), HOST);
}
END_TEST

START_TEST(a_host_with_one_thread_keeps_it)
{
    set_threads(1);
    knn__blas_enter();
    knn__blas_leave();
    ck_assert_int_eq(threads_set(), 1);
}
END_TEST

START_TEST(the_guard_nests)
{
    set_threads(HOST);
    knn__blas_enter();
    knn__blas_enter();
    knn__blas_leave();
    ck_assert_int_eq(threads_set(), 1);
    knn__blas_leave();
    ck_assert_int_eq(threads_set(), HOST);
}
END_TEST

START_TEST(the_host_may_change_its_number_between_two_uses)
{
    set_threads(HOST);
    knn__blas_enter();
    knn__blas_leave();
    set_threads(1);
    knn__blas_enter();
    knn__blas_leave();
    ck_assert_int_eq(threads_set(), 1);
}
END_TEST

static void *come_and_go(void *inside)
{
    knn__blas_enter();
    *(int *)inside = threads_set();
    knn__blas_leave();
    return NULL;
}

START_TEST(another_thread_that_leaves_does_not_end_it)
{
    pthread_t other;
    int inside = 0;
    set_threads(HOST);
    knn__blas_enter();
    ck_assert_int_eq(pthread_create(&other, NULL, come_and_go, &inside), 0);
    pthread_join(other, NULL);
    ck_assert_int_eq(inside, 1);
    ck_assert_int_eq(threads_set(), 1);
    knn__blas_leave();
    ck_assert_int_eq(threads_set(), HOST);
}
END_TEST

START_TEST(the_backend_enters_and_leaves)
{
    set_threads(HOST);
    knn__cpu_backend.enter();
    ck_assert_int_eq(threads_set(), 1);
    knn__cpu_backend.leave();
    ck_assert_int_eq(threads_set(), HOST);
}
END_TEST

/* How many threads this process has. */
static int tasks(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

START_TEST(a_large_product_starts_no_threads)
{
    enum { SIZE = 400 };
    float *numbers = calloc(2 * SIZE * SIZE, sizeof *numbers);
    knn__matrix a = {numbers, SIZE, false};
    ck_assert_ptr_nonnull(numbers);
    knn__blas_enter();
    int before = tasks();
    knn__gemm(SIZE, SIZE, SIZE, a, a, false, numbers + SIZE * SIZE, SIZE);
    ck_assert_int_eq(tasks(), before);
    knn__blas_leave();
    free(numbers);
}
END_TEST

START_TEST(it_says_what_it_is)
{
    char text[128];
    knn__blas_describe(text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "OpenBLAS "));
    if (openblas_get_parallel() != 0)
        ck_assert_ptr_nonnull(strstr(text, openblas_get_parallel() == OPENBLAS_PTHREAD ? " pthread" : " openmp"));
}
END_TEST

/* ---- Products ---- */

static const float A[] = {1, 2, 3, 4, 5, 6};                    /* 2 x 3 */
static const float A_TRANSPOSED[] = {1, 4, 2, 5, 3, 6};         /* 3 x 2 */
static const float B[] = {1, 0, 2, -1, 1, 3};                   /* 3 x 2 */
static const float B_TRANSPOSED[] = {1, 2, 1, 0, -1, 3};        /* 2 x 3 */
static const float PRODUCT[] = {8, 7, 20, 13};

START_TEST(products_of_matrices_as_they_are_and_transposed)
{
    knn__matrix a[] = {{A, 3, false}, {A_TRANSPOSED, 2, true}}, b[] = {{B, 2, false}, {B_TRANSPOSED, 3, true}};
    float c[] = {9, 9, 9, 9};
    knn__gemm(2, 2, 3, a[_i / 2], b[_i % 2], false, c, 2);
    check_floats(c, PRODUCT, 4, 0, 0);
}
END_TEST

START_TEST(products_are_added_where_asked)
{
    float c[] = {1, 1, 1, 1};
    const float expected[] = {9, 8, 21, 14};
    knn__gemm(2, 2, 3, (knn__matrix){A, 3, false}, (knn__matrix){B, 2, false}, true, c, 2);
    check_floats(c, expected, 4, 0, 0);
}
END_TEST

START_TEST(rows_may_have_gaps)
{
    float c[] = {9, 9, 7, 9, 9};
    const float a[] = {1, 2, 3, 100, 4, 5, 6}, expected[] = {8, 7, 7, 20, 13};
    knn__gemm(2, 2, 3, (knn__matrix){a, 4, false}, (knn__matrix){B, 2, false}, false, c, 3);
    check_floats(c, expected, 5, 0, 0);
}
END_TEST

START_TEST(what_stood_there_before_does_not_matter)
{
    float c[] = {NAN, INFINITY, NAN, NAN};
    knn__gemm(2, 2, 3, (knn__matrix){A, 3, false}, (knn__matrix){B, 2, false}, false, c, 2);
    check_floats(c, PRODUCT, 4, 0, 0);
}
END_TEST

START_TEST(sizes_beyond_int_are_refused)
{
    size_t most = INT_MAX;
    ck_assert(knn__gemm_takes(most, most, most));
    ck_assert(!knn__gemm_takes(most + 1, 1, 1));
    ck_assert(!knn__gemm_takes(1, most + 1, 1));
    ck_assert(!knn__gemm_takes(1, 1, most + 1));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_cpu_blas");
    TCase *guard = tcase_create("guard"), *products = tcase_create("products");
    tcase_add_test(guard, one_thread_inside_the_hosts_number_afterwards);
    tcase_add_test(guard, a_host_with_one_thread_keeps_it);
    tcase_add_test(guard, the_guard_nests);
    tcase_add_test(guard, the_host_may_change_its_number_between_two_uses);
    tcase_add_test(guard, another_thread_that_leaves_does_not_end_it);
    tcase_add_test(guard, the_backend_enters_and_leaves);
    tcase_add_test(guard, a_large_product_starts_no_threads);
    tcase_add_test(guard, it_says_what_it_is);
    tcase_add_loop_test(products, products_of_matrices_as_they_are_and_transposed, 0, 4);
    tcase_add_test(products, products_are_added_where_asked);
    tcase_add_test(products, rows_may_have_gaps);
    tcase_add_test(products, what_stood_there_before_does_not_matter);
    tcase_add_test(products, sizes_beyond_int_are_refused);
    suite_add_tcase(s, guard);
    suite_add_tcase(s, products);
    return s;
}

int main(void) { return check_run(suite()); }
