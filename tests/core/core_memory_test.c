/* Allocation, its counters, and failures on request. */
#include "core/memory.h"
#include "core/status.h"
#include "support/check_run.h"

#include <stdint.h>
#include <string.h>

static size_t blocks_before;

static void remember_blocks(void)
{
    blocks_before = knn__live_blocks();
    knn__clear_error();
}

static void expect_the_same_blocks(void)
{
    knn__fail_allocation(0);
    ck_assert_uint_eq(knn__live_blocks(), blocks_before);
}

START_TEST(new_memory_is_zero_and_counted)
{
    static const char zeros[300];
    char *block = knn__alloc(100, 3);
    ck_assert_ptr_nonnull(block);
    ck_assert_mem_eq(block, zeros, sizeof zeros);
    ck_assert_uint_eq(knn__live_blocks(), blocks_before + 1);
    knn__free(block);
    knn__free(NULL);
}
END_TEST

START_TEST(no_elements_are_a_block_as_well)
{
    void *block = knn__alloc(0, 8);
    ck_assert_ptr_nonnull(block);
    block = knn__realloc(block, 0, 8);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq(knn__live_blocks(), blocks_before + 1);
    knn__free(block);
}
END_TEST

START_TEST(too_large_a_product_is_an_error_with_both_numbers)
{
    ck_assert_ptr_null(knn__alloc(SIZE_MAX / 2, 3));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "times 3 bytes"));
    ck_assert_ptr_null(knn__realloc(NULL, SIZE_MAX, 2));
}
END_TEST

START_TEST(memory_that_the_system_does_not_have_is_an_error_with_the_bytes)
{
    ck_assert_ptr_null(knn__alloc(SIZE_MAX / 4, 1));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "4611686018427387903 bytes"));
}
END_TEST

START_TEST(realloc_keeps_the_contents_and_the_count)
{
    char *block = knn__realloc(NULL, 3, 1);
    memcpy(block, "abc", 3);
    block = knn__realloc(block, 100000, 1);
    ck_assert_mem_eq(block, "abc", 3);
    ck_assert_uint_eq(knn__live_blocks(), blocks_before + 1);
    knn__free(block);
}
END_TEST

START_TEST(a_failed_realloc_leaves_the_old_block)
{
    char *block = knn__copy_text("old");
    knn__fail_allocation(1);
    ck_assert_ptr_null(knn__realloc(block, 100, 1));
    ck_assert_str_eq(block, "old");
    ck_assert_str_eq(knn_last_error(), "no memory for 100 bytes");
    ck_assert_uint_eq(knn__live_blocks(), blocks_before + 1);
    knn__free(block);
}
END_TEST

START_TEST(reserve_grows_by_doubling_and_only_when_it_must)
{
    int *items = NULL;
    size_t capacity = 0;
    ck_assert(knn__reserve((void **)&items, &capacity, 1, sizeof *items));
    ck_assert_uint_eq(capacity, 8);
    items[7] = 77;
    int *before = items;
    ck_assert(knn__reserve((void **)&items, &capacity, 8, sizeof *items));
    ck_assert_ptr_eq(items, before);
    ck_assert(knn__reserve((void **)&items, &capacity, 9, sizeof *items));
    ck_assert_uint_eq(capacity, 16);
    ck_assert(knn__reserve((void **)&items, &capacity, 1000, sizeof *items));
    ck_assert_uint_eq(capacity, 1000);
    ck_assert_int_eq(items[7], 77);
    knn__free(items);
}
END_TEST

START_TEST(a_failed_reserve_changes_nothing)
{
    int *items = NULL;
    size_t capacity = 0;
    ck_assert(knn__reserve((void **)&items, &capacity, 8, sizeof *items));
    int *before = items;
    knn__fail_allocation(1);
    ck_assert(!knn__reserve((void **)&items, &capacity, 9, sizeof *items));
    ck_assert(!knn__reserve((void **)&items, &capacity, SIZE_MAX, sizeof *items));
    ck_assert_ptr_eq(items, before);
    ck_assert_uint_eq(capacity, 8);
    knn__free(items);
}
END_TEST

START_TEST(copies_are_terminated)
{
    char *text = knn__copy_text("abc"), *part = knn__copy_bytes("a\0cdef", 4), *empty = knn__copy_bytes(NULL, 0);
    ck_assert_str_eq(text, "abc");
    ck_assert_mem_eq(part, "a\0cd\0", 5);
    ck_assert_str_eq(empty, "");
    knn__free(text);
    knn__free(part);
    knn__free(empty);
}
END_TEST

START_TEST(the_nth_allocation_fails_and_only_that)
{
    knn__fail_allocation(3);
    void *first = knn__alloc(1, 1), *second = knn__arena_alloc(1), *third = knn__alloc(7, 6), *fourth = knn__alloc(1, 1);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(third);
    ck_assert_ptr_nonnull(fourth);
    ck_assert_str_eq(knn_last_error(), "no memory for 42 bytes");
    knn__free(first);
    knn__arena_free(second, 1);
    knn__free(fourth);
}
END_TEST

START_TEST(a_planned_failure_can_be_called_off)
{
    knn__fail_allocation(1);
    knn__fail_allocation(0);
    void *block = knn__alloc(1, 1);
    ck_assert_ptr_nonnull(block);
    knn__free(block);
}
END_TEST

/* Below, at and above the sizes of a page and a huge page, and none at all. */
static const size_t arena_sizes[] = {0, 1, 4096, 4097, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, (9 << 20) + 12345};

START_TEST(arenas_are_aligned_zero_and_writable_to_the_last_byte)
{
    size_t size = arena_sizes[_i];
    unsigned char *arena = knn__arena_alloc(size);
    ck_assert_ptr_nonnull(arena);
    ck_assert_uint_eq((uintptr_t)arena % (2 << 20), 0);
    ck_assert_uint_eq(knn__live_blocks(), blocks_before + 1);
    for (size_t i = 0; i < size; i++)
        if (arena[i] != 0)
            ck_abort_msg("byte %zu is not zero", i);
    memset(arena, 0xff, size);
    knn__arena_free(arena, size);
    knn__arena_free(NULL, size);
}
END_TEST

START_TEST(arenas_beside_each_other_do_not_overlap)
{
    enum { COUNT = 4, SIZE = 3 << 20 };
    unsigned char *arena[COUNT];
    for (int i = 0; i < COUNT; i++)
        memset(arena[i] = knn__arena_alloc(SIZE), i + 1, SIZE);
    knn__arena_free(arena[1], SIZE);
    for (int i = 0; i < COUNT; i++)
        if (i != 1)
            ck_assert(arena[i][0] == i + 1 && arena[i][SIZE - 1] == i + 1);
    for (int i = 0; i < COUNT; i++)
        if (i != 1)
            knn__arena_free(arena[i], SIZE);
}
END_TEST

START_TEST(an_arena_can_fail)
{
    ck_assert_ptr_null(knn__arena_alloc(SIZE_MAX));
    ck_assert_ptr_null(knn__arena_alloc(SIZE_MAX / 2));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "9223372036854775807 bytes"));
    knn__fail_allocation(1);
    ck_assert_ptr_null(knn__arena_alloc(5000));
    ck_assert_str_eq(knn_last_error(), "no memory for 5000 bytes");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/memory");
    TCase *tests = tcase_create("memory");
    tcase_add_checked_fixture(tests, remember_blocks, expect_the_same_blocks);
    tcase_add_test(tests, new_memory_is_zero_and_counted);
    tcase_add_test(tests, no_elements_are_a_block_as_well);
    tcase_add_test(tests, too_large_a_product_is_an_error_with_both_numbers);
    tcase_add_test(tests, memory_that_the_system_does_not_have_is_an_error_with_the_bytes);
    tcase_add_test(tests, realloc_keeps_the_contents_and_the_count);
    tcase_add_test(tests, a_failed_realloc_leaves_the_old_block);
    tcase_add_test(tests, reserve_grows_by_doubling_and_only_when_it_must);
    tcase_add_test(tests, a_failed_reserve_changes_nothing);
    tcase_add_test(tests, copies_are_terminated);
    tcase_add_test(tests, the_nth_allocation_fails_and_only_that);
    tcase_add_test(tests, a_planned_failure_can_be_called_off);
    tcase_add_loop_test(tests, arenas_are_aligned_zero_and_writable_to_the_last_byte, 0,
                        sizeof arena_sizes / sizeof *arena_sizes);
    tcase_add_test(tests, arenas_beside_each_other_do_not_overlap);
    tcase_add_test(tests, an_arena_can_fail);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
