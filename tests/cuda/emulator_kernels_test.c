/* The CUDA backend's kernels on an emulated GPU against the double reference: every case of the harness that it covers, its losses, its
 * optimizers, and pictures against the host; in three orders of the threads, with grids of one and of a few blocks, with arrays that are not
 * aligned; products in TF32. Built twice: for kernels that the C++ compiler made, and for those of nvcc. */
#include "harness.h"

#include "backend/cuda/kernels.h"
#include "cases.h"
#include "emulator.h"
#include "kernels.h"
#include "support/check_run.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Convolutions are many and long: all are run in the first setting only, in the others one of so many; fewer where AddressSanitizer watches,
 * where PTX is interpreted, and where the checker looks on. No multiple of 10, since shapes come by tens. */
enum { SECONDS = 400, EVERY = 4, EVERY_IN_PTX = 11, EVERY_CHECKED = 19, SEEDS = 4 };

#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

/* How kernels are run. With several orders of the threads cases take turns, so that more seeds take no more time. */
static struct { unsigned grid_cap; int orders[SEEDS], count, every, offset; } now;

/* A test case each, which CK_RUN_CASE can choose. */
static void use(unsigned grid_cap, const int *orders, int count, int every, int offset)
{
    bool checked = sanitized || getenv("EMULATOR_CHECK") != NULL;
    now.every = checked ? EVERY_CHECKED : getenv("EMULATOR_PTX") != NULL ? EVERY_IN_PTX : every;
    now.offset = offset;
    now.count = count;
    memcpy(now.orders, orders, (size_t)count * sizeof *orders);
    knn__cuda_grid_cap = grid_cap;
    emulator_set_order(orders[0]);
}

static void large_grids(void) { use(knn__cuda_grid_cap, (int[]){EMULATOR_ASCENDING}, 1, 1, 0); }
static void one_block(void) { use(1, (int[]){EMULATOR_DESCENDING}, 1, EVERY, 0); }

static void three_blocks(void)
{
    use(3, (int[]){7, 11, 23, 42}, SEEDS, EVERY, EVERY / 2);
    emulator_set_unaligned(true);
}

/* With few blocks large tiles are preferred, too. */
static void tensor_cores(void)
{
    emulator_set_capability(getenv("EMULATOR_PTX") != NULL ? 90 : 80);
    emulator_set_order(5);
    knn__cuda_grid_cap = 3;
}

static void no_failures(const harness_report *report)
{
    ck_assert_msg(report->failures == 0, "%d of %d runs failed, first: %s", report->failures, report->runs, report->first);
    ck_assert_int_gt(report->runs, 0);
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 0);
}

/* Groups of which the backend covers a case. */
static const char *const groups[] = {"convolution", "pooling", "dense", "elementwise", "normalization", "pictures", "chain"};
enum { GROUPS = sizeof groups / sizeof *groups };

START_TEST(kernels_agree_with_the_double_reference)
{
    bool many = strcmp(groups[_i], "convolution") == 0;
    int every = many ? now.every : 1, offset = many ? now.offset : 0;
    harness_report report = {.every = every * now.count};
    for (int k = 0; k < now.count; k++) {
        emulator_set_order(now.orders[k]);
        report.offset = offset + k * every;
        harness_test("cuda", groups[_i], &report);
    }
    no_failures(&report);
}
END_TEST

/* No algorithm for bias, ReLU and sums with a product; or one that does not run. */
START_TEST(dense_layers_do_without_cublaslt)
{
    harness_report report = {.to = NULL};
    long searches = emulator_searches();
    emulator_refuse_epilogues(~0u, _i);
    harness_test("cuda", "dense", &report);
    emulator_refuse_epilogues(0, false);
    no_failures(&report);
    ck_assert_int_gt(emulator_searches(), searches);
}
END_TEST

/* Groups of which kernels multiply matrices. Where PTX is interpreted, few cases, but of each kernel, are left. */
static const char *const products[] = {"convolution", "dense"};
enum { PRODUCTS = sizeof products / sizeof *products, FEW = 29, OFFSET_OF_FEW = 3 };

START_TEST(products_in_tf32_agree_with_the_double_reference)
{
    bool many = strcmp(products[_i], "convolution") == 0, in_ptx = getenv("EMULATOR_PTX") != NULL;
    harness_report report = {.tensor = true, .every = !many ? 0 : in_ptx ? FEW : sanitized ? EVERY_CHECKED : EVERY,
        .offset = many && in_ptx ? OFFSET_OF_FEW : 0};
    harness_test("cuda", products[_i], &report);
    printf("largest error of products in TF32, %s: %.2g of the largest value\n", products[_i], report.largest_error);
    no_failures(&report);
    ck_assert_double_gt(report.largest_error, 1e-5);        /* in fp32 it is less */
}
END_TEST

START_TEST(losses_and_optimizers_agree_with_the_double_reference)
{
    harness_report report = {.to = NULL};
    harness_test_learning("cuda", &report);
    harness_test_steps("cuda", &report);
    no_failures(&report);
}
END_TEST

START_TEST(pictures_are_those_of_the_host)
{
    harness_report report = {.to = NULL};
    harness_test_pictures("cuda", &report);
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

/* ---- docs/cuda.md names the layers that are refused ---- */

static bool has_layer(const chain_case *from, const char *class_name)
{
    for (int i = 0; from->layers[i] != NULL; i++)
        if (strcmp(from->layers[i]->class_name, class_name) == 0)
            return true;
    return false;
}

/* Whether some case with a layer of this kind is covered; there must be a case, but for the input. */
static bool is_covered(const knn_backend *backend, const char *class_name)
{
    bool found = strcmp(class_name, "InputLayer") == 0, covered = found;
    for (const chain_case *from = chain_cases; from->group != NULL && !covered; from++)
        if (has_layer(from, class_name)) {
            problem p;
            problem_open(&p, from);
            covered = backend_covers(backend, &p);
            problem_free(&p);
            found = true;
        }
    ck_assert_msg(found, "%s has no case", class_name);
    return covered;
}

START_TEST(docs_name_the_layers_that_are_refused)
{
    char refused[1024] = "| layers that are refused |", row[sizeof refused] = "";
    const size_t head = strlen(refused);
    const knn_backend *backend = knn__find_backend("cuda");
    for (const knn__kind *const *kind = knn__layer_kinds; *kind != NULL; kind++)
        if (!is_covered(backend, (*kind)->class_name))
            snprintf(refused + strlen(refused), sizeof refused - strlen(refused), " %s,", (*kind)->class_name);
    snprintf(refused + strlen(refused), sizeof refused - strlen(refused), " users' own |\n");
    FILE *docs = fopen(KNN_DOCS "/cuda.md", "r");
    ck_assert_ptr_nonnull(docs);
    while (strncmp(row, refused, head) != 0 && fgets(row, sizeof row, docs) != NULL)
        ;
    fclose(docs);
    ck_assert_str_eq(row, refused);
}
END_TEST

static TCase *kernels(const char *name, void setting(void))
{
    TCase *made = tcase_create(name);
    tcase_set_timeout(made, SECONDS);
    tcase_add_checked_fixture(made, setting, NULL);
    tcase_add_loop_test(made, kernels_agree_with_the_double_reference, 0, GROUPS);
    tcase_add_loop_test(made, dense_layers_do_without_cublaslt, false, true + 1);
    tcase_add_test(made, losses_and_optimizers_agree_with_the_double_reference);
    tcase_add_test(made, pictures_are_those_of_the_host);
    tcase_add_test(made, every_kernel_has_a_case);
    return made;
}

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_kernels");
    suite_add_tcase(s, kernels("large_grids", large_grids));
    suite_add_tcase(s, kernels("one_block", one_block));
    suite_add_tcase(s, kernels("three_blocks", three_blocks));
    TCase *tensor = tcase_create("tensor_cores"), *docs = tcase_create("docs");
    tcase_set_timeout(tensor, SECONDS);
    tcase_add_checked_fixture(tensor, tensor_cores, NULL);
    tcase_add_loop_test(tensor, products_in_tf32_agree_with_the_double_reference, 0, PRODUCTS);
    suite_add_tcase(s, tensor);
    tcase_add_test(docs, docs_name_the_layers_that_are_refused);
    suite_add_tcase(s, docs);
    return s;
}

int main(void) { return check_run(suite()); }
