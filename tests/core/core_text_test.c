/* Growing texts, comparisons, snake case, numbers as text. */
#include "core/memory.h"
#include "core/text.h"
#include "support/check_run.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

START_TEST(texts_grow_by_adding_and_appending)
{
    knn__text text = {0};
    knn__text_add(&text, "%d-%s", 12, "ab");
    knn__text_append(&text, "xyzzy", 3);
    knn__text_add(&text, "%s", "");
    ck_assert_str_eq(text.data, "12-abxyz");
    ck_assert_uint_eq(text.length, 8);
    ck_assert(!text.failed);
    knn__text_free(&text);
    ck_assert_ptr_null(text.data);
    ck_assert_uint_eq(text.length, 0);
}
END_TEST

START_TEST(long_texts_are_whole)
{
    knn__text text = {0};
    for (int i = 0; i < 1000; i++)
        knn__text_add(&text, "%04d", i);
    ck_assert_uint_eq(text.length, 4000);
    ck_assert_uint_eq(strlen(text.data), 4000);
    ck_assert_int_eq(strcmp(text.data + 3992, "09980999"), 0);
    knn__text_free(&text);
}
END_TEST

START_TEST(appended_bytes_may_be_zero)
{
    knn__text text = {0};
    knn__text_append(&text, "a\0b", 3);
    ck_assert_uint_eq(text.length, 3);
    ck_assert_mem_eq(text.data, "a\0b\0", 4);
    knn__text_free(&text);
}
END_TEST

START_TEST(a_failed_allocation_sticks_and_leaks_nothing)
{
    size_t blocks = knn__live_blocks();
    knn__text text = {0};
    knn__text_add(&text, "12345678");
    knn__fail_allocation(1);
    knn__text_append(&text, "this does not fit the capacity any more", 39);
    ck_assert(text.failed);
    knn__text_add(&text, "x");
    ck_assert(text.failed);
    knn__text_free(&text);
    ck_assert(!text.failed);
    ck_assert_uint_eq(knn__live_blocks(), blocks);
}
END_TEST

START_TEST(a_length_that_no_memory_holds_fails)
{
    knn__text text = {0};
    knn__text_append(&text, "abc", 3);
    knn__text_append(&text, "", SIZE_MAX - 2);
    ck_assert(text.failed);
    knn__text_free(&text);
}
END_TEST

START_TEST(null_equals_null_only)
{
    ck_assert(knn__text_equal(NULL, NULL));
    ck_assert(!knn__text_equal(NULL, ""));
    ck_assert(!knn__text_equal("", NULL));
    ck_assert(knn__text_equal("cat", "cat"));
    ck_assert(!knn__text_equal("cat", "Cat"));
}
END_TEST

START_TEST(ends_are_compared_with_and_without_case)
{
    ck_assert(knn__text_ends_with("a.jpg", ".jpg", false));
    ck_assert(!knn__text_ends_with("a.JPG", ".jpg", false));
    ck_assert(knn__text_ends_with("a.JpG", ".jPg", true));
    ck_assert(knn__text_ends_with("jpg", "jpg", false));
    ck_assert(!knn__text_ends_with("pg", "jpg", true));
    ck_assert(knn__text_ends_with("a", "", false));
    ck_assert(!knn__text_ends_with("a@", "a`", true));          /* no letters, though one bit apart as well */
}
END_TEST

START_TEST(snake_case_is_that_of_keras)
{
    static const char *const known[][2] = {
        {"Dense", "dense"}, {"Conv2D", "conv2d"}, {"MaxPooling2D", "max_pooling2d"}, {"ReLU", "re_lu"}, {"PReLU", "p_re_lu"},
        {"LeakyReLU", "leaky_re_lu"}, {"GlobalAveragePooling2D", "global_average_pooling2d"}, {"LSTM", "lstm"},
        {"BatchNormalization", "batch_normalization"}, {"ZeroPadding2D", "zero_padding2d"}, {"InputLayer", "input_layer"},
        {"Conv2DTranspose", "conv2d_transpose"}, {"ConvLSTM2D", "conv_lstm2d"}, {"GRUCell", "gru_cell"}, {"L1L2", "l1l2"},
        {"plain", "plain"}, {"A", "a"}, {"", ""},
    };
    char text[64];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        knn__snake_case(known[i][0], text, sizeof text);
        ck_assert_str_eq(text, known[i][1]);
    }
}
END_TEST

START_TEST(snake_case_is_cut_where_it_does_not_fit)
{
    char text[8];
    memset(text, '#', sizeof text);
    knn__snake_case("MaxPooling2D", text, 6);
    ck_assert_mem_eq(text, "max_p\0##", 8);
    knn__snake_case("MaxPooling2D", text, 0);
    ck_assert_int_eq(text[0], 'm');
}
END_TEST

START_TEST(reals_come_back_exactly)
{
    static const double values[] = {0.0, 1.0, -1.5, 0.1, 1.0 / 3.0, 1e-300, DBL_MAX, DBL_MIN, -2.5e-10, 123456789.125};
    char text[40];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double back;
        knn__format_real(text, sizeof text, values[i]);
        ck_assert_int_eq(sscanf(text, "%lf", &back), 1);
        ck_assert_double_eq(back, values[i]);
    }
}
END_TEST

START_TEST(reals_have_these_texts)
{
    static const struct { double value; const char *text; } known[] = {
        {0.5, "0.5"}, {-3, "-3"}, {0.001, "0.001"}, {0.1, "0.10000000000000001"}, {1e300, "1.0000000000000001e+300"},
        {NAN, "NaN"}, {-NAN, "NaN"}, {INFINITY, "Infinity"}, {-INFINITY, "-Infinity"}, {-0.0, "-0"},
    };
    char text[40];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        knn__format_real(text, sizeof text, known[i].value);
        ck_assert_str_eq(text, known[i].text);
    }
    knn__format_real(text, 5, 0.12345);
    ck_assert_str_eq(text, "0.12");
}
END_TEST

/* Needs a locale with another decimal point; says so where none is installed. */
START_TEST(reals_have_a_point_in_every_locale)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    const char *chosen = NULL;
    for (size_t i = 0; i < sizeof locales / sizeof *locales && chosen == NULL; i++)
        chosen = setlocale(LC_NUMERIC, locales[i]);
    if (chosen == NULL) {
        fprintf(stderr, "core/text: no locale with a decimal comma is installed, not tested\n");
        return;
    }
    char text[40], theirs[40];
    snprintf(theirs, sizeof theirs, "%.1f", 1.5);
    knn__format_real(text, sizeof text, -1.25e-7);
    setlocale(LC_NUMERIC, "C");
    ck_assert_str_ne(theirs, "1.5");
    ck_assert_str_eq(text, "-1.2499999999999999e-07");
}
END_TEST

START_TEST(counts_have_commas)
{
    static const struct { unsigned long long count; const char *text; } known[] = {
        {0, "0"}, {12, "12"}, {999, "999"}, {1000, "1,000"}, {1061313, "1,061,313"}, {100000, "100,000"},
        {18446744073709551615ull, "18,446,744,073,709,551,615"},
    };
    char text[40];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        knn__format_count(text, sizeof text, known[i].count);
        ck_assert_str_eq(text, known[i].text);
    }
    knn__format_count(text, 4, 1234567);
    ck_assert_str_eq(text, "1,2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, texts_grow_by_adding_and_appending);
    tcase_add_test(tests, long_texts_are_whole);
    tcase_add_test(tests, appended_bytes_may_be_zero);
    tcase_add_test(tests, a_failed_allocation_sticks_and_leaks_nothing);
    tcase_add_test(tests, a_length_that_no_memory_holds_fails);
    tcase_add_test(tests, null_equals_null_only);
    tcase_add_test(tests, ends_are_compared_with_and_without_case);
    tcase_add_test(tests, snake_case_is_that_of_keras);
    tcase_add_test(tests, snake_case_is_cut_where_it_does_not_fit);
    tcase_add_test(tests, reals_come_back_exactly);
    tcase_add_test(tests, reals_have_these_texts);
    tcase_add_test(tests, reals_have_a_point_in_every_locale);
    tcase_add_test(tests, counts_have_commas);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
