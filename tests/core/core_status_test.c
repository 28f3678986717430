/* Error texts and status names. Does not test who sets which error. */
#include "core/status.h"
#include "support/check_run.h"

#include <pthread.h>
#include <string.h>

START_TEST(text_is_empty_until_something_fails_and_after_clearing)
{
    knn__clear_error();
    ck_assert_str_eq(knn_last_error(), "");
    knn__fail(KNN_ERROR_SHAPE, "wrong");
    knn__clear_error();
    ck_assert_str_eq(knn_last_error(), "");
}
END_TEST

START_TEST(fail_formats_the_text_and_returns_the_status)
{
    ck_assert_int_eq(knn__fail(KNN_ERROR_SHAPE, "conv2d_%d: kernel %s", 3, "7x7"), KNN_ERROR_SHAPE);
    ck_assert_str_eq(knn_last_error(), "conv2d_3: kernel 7x7");
}
END_TEST

START_TEST(a_later_failure_replaces_the_text)
{
    knn__fail(KNN_ERROR_SHAPE, "a rather long text of an earlier failure");
    knn__fail(KNN_ERROR_IO, "short");
    ck_assert_str_eq(knn_last_error(), "short");
}
END_TEST

START_TEST(context_goes_in_front)
{
    knn__fail(KNN_ERROR_SHAPE, "kernel 7x7");
    ck_assert_int_eq(knn__context(KNN_ERROR_SHAPE, "layer %d", 4), KNN_ERROR_SHAPE);
    knn__context(KNN_ERROR_SHAPE, "model.h5");
    ck_assert_str_eq(knn_last_error(), "model.h5: layer 4: kernel 7x7");
}
END_TEST

START_TEST(a_text_may_quote_the_one_before)
{
    knn__fail(KNN_ERROR_SHAPE, "first");
    knn__fail(KNN_ERROR_SHAPE, "%s; second", knn_last_error());
    ck_assert_str_eq(knn_last_error(), "first; second");
    knn__context(KNN_ERROR_SHAPE, "<%s>", knn_last_error());
    ck_assert_str_eq(knn_last_error(), "<first; second>: first; second");
}
END_TEST

START_TEST(control_characters_become_blanks)
{
    knn__fail(KNN_ERROR_IO, "a\nb\tc\x1b[0md\x7f" "e");
    ck_assert_str_eq(knn_last_error(), "a b c [0md e");
}
END_TEST

START_TEST(long_texts_are_cut_at_1023_bytes)
{
    knn__fail(KNN_ERROR_IO, "%2000d", 1);
    ck_assert_uint_eq(strlen(knn_last_error()), 1023);
    knn__fail(KNN_ERROR_IO, "%1023d", 7);
    ck_assert_int_eq(knn_last_error()[1022], '7');
    knn__context(KNN_ERROR_IO, "front");
    ck_assert_uint_eq(strlen(knn_last_error()), 1023);
    ck_assert_int_eq(strncmp(knn_last_error(), "front:  ", 8), 0);
}
END_TEST

START_TEST(a_cut_does_not_split_a_character)
{
    knn__fail(KNN_ERROR_IO, "%1022d\xc3\xa4", 1);       /* 1022 bytes, then two of an a with dots */
    ck_assert_uint_eq(strlen(knn_last_error()), 1022);
    knn__fail(KNN_ERROR_IO, "%1021d\xc3\xa4", 1);
    ck_assert_uint_eq(strlen(knn_last_error()), 1023);
}
END_TEST

START_TEST(saving_terminates_and_tells_whether_it_fitted)
{
    char text[6];
    knn__fail(KNN_ERROR_IO, "12345");
    ck_assert(knn__save_error(text, sizeof text));
    ck_assert_str_eq(text, "12345");
    knn__fail(KNN_ERROR_IO, "123456");
    ck_assert(!knn__save_error(text, sizeof text));
    ck_assert_str_eq(text, "12345");
}
END_TEST

static void *fail_elsewhere(void *was_empty)
{
    *(bool *)was_empty = knn_last_error()[0] == '\0';
    knn__fail(KNN_ERROR_IO, "elsewhere");
    return NULL;
}

START_TEST(each_thread_has_its_own_text)
{
    bool was_empty = false;
    pthread_t thread;
    knn__fail(KNN_ERROR_IO, "here");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, &was_empty), 0);
    pthread_join(thread, NULL);
    ck_assert(was_empty);
    ck_assert_str_eq(knn_last_error(), "here");
}
END_TEST

START_TEST(statuses_have_their_names_and_numbers)
{
    static const struct { int number; const char *name; } known[] = {
        {0, "KNN_OK"}, {1, "KNN_STOP"}, {-101, "KNN_ERROR_ARGUMENT"}, {-102, "KNN_ERROR_SHAPE"}, {-103, "KNN_ERROR_STATE"},
        {-104, "KNN_ERROR_UNSUPPORTED"}, {-201, "KNN_ERROR_MEMORY"}, {-202, "KNN_ERROR_DEVICE_MEMORY"},
        {-301, "KNN_ERROR_IO"}, {-302, "KNN_ERROR_FORMAT"}, {-303, "KNN_ERROR_VERSION"}, {-401, "KNN_ERROR_DATA"},
        {-501, "KNN_ERROR_DEVICE"}, {-601, "KNN_ERROR_CALLBACK"}, {-901, "KNN_ERROR_INTERNAL"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_str_eq(knn_status_name((knn_status)known[i].number), known[i].name);
    ck_assert_str_eq(knn_status_name((knn_status)-1), "unknown status");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/status");
    TCase *tests = tcase_create("status");
    tcase_add_test(tests, text_is_empty_until_something_fails_and_after_clearing);
    tcase_add_test(tests, fail_formats_the_text_and_returns_the_status);
    tcase_add_test(tests, a_later_failure_replaces_the_text);
    tcase_add_test(tests, context_goes_in_front);
    tcase_add_test(tests, a_text_may_quote_the_one_before);
    tcase_add_test(tests, control_characters_become_blanks);
    tcase_add_test(tests, long_texts_are_cut_at_1023_bytes);
    tcase_add_test(tests, a_cut_does_not_split_a_character);
    tcase_add_test(tests, saving_terminates_and_tells_whether_it_fitted);
    tcase_add_test(tests, each_thread_has_its_own_text);
    tcase_add_test(tests, statuses_have_their_names_and_numbers);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
