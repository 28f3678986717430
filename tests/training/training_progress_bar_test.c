/* The progress bar, to the byte; the clock is the test's. */
#include "core/text.h"
#include "support/check_run.h"
#include "training/progress_bar.h"
#include "training/tiny.h"

static const char *const names[] = {"loss", "acc", "val_loss", "val_acc"};

/* What one update writes. Freed by the next call. */
static const char *update(knn__bar *bar, size_t current, bool final, double now, const double *values, int count)
{
    static knn__text text;
    knn__text_free(&text);
    knn__bar_update(bar, current, final, now, names, values, count, &text);
    return text.data != NULL ? text.data : "";
}

START_TEST(the_finished_line_is_keras)
{
    knn__bar bar;
    knn__bar_begin(&bar, 63, false, 100);
    ck_assert_str_eq(update(&bar, 1, false, 100.22, (double[]){0.7, 0.5}, 2), "");
    ck_assert_str_eq(update(&bar, 63, true, 112, (double[]){0.6912, 0.5240, 0.6790, 0.5710}, 4),
                     "63/63 [==============================] - 12s 190ms/step - loss: 0.6912 - acc: 0.5240 - val_loss: 0.6790 - "
                     "val_acc: 0.5710\n");
}
END_TEST

/* A line that begins by going back over `width` characters. */
static const char *behind(int width, const char *line)
{
    static char text[400];
    memset(text, '\b', (size_t)width);
    strcpy(text + width, line);
    return text;
}

START_TEST(redrawn_lines_go_back_over_the_last_one)
{
    knn__bar bar;
    const double values[] = {0.6912, 0.5};
    knn__bar_begin(&bar, 10, true, 0);
    ck_assert_str_eq(update(&bar, 1, false, 10, values, 2),
                     "\r 1/10 [==>...........................] - ETA: 1:30 - loss: 0.6912 - acc: 0.5000");
    /* From the first batch on a second each. The line is shorter by two characters, which blanks wipe. */
    ck_assert_str_eq(update(&bar, 2, false, 11, values, 2),
                     behind(79, "\r 2/10 [=====>........................] - ETA: 8s - loss: 0.6912 - acc: 0.5000  "));
    ck_assert_str_eq(update(&bar, 10, false, 19, values, 2),
                     behind(77, "\r10/10 [==============================] - ETA: 0s - loss: 0.6912 - acc: 0.5000"));
    ck_assert_str_eq(update(&bar, 10, true, 19.6, values, 2),
                     behind(77, "\r10/10 [==============================] - 20s 1s/step - loss: 0.6912 - acc: 0.5000\n"));
}
END_TEST

START_TEST(quick_batches_share_a_redraw)
{
    knn__bar bar;
    const double values[] = {1};
    knn__bar_begin(&bar, 100, true, 5);
    ck_assert_str_ne(update(&bar, 1, false, 5.001, values, 1), "");
    ck_assert_str_eq(update(&bar, 2, false, 5.04, values, 1), "");
    ck_assert_str_ne(update(&bar, 3, false, 5.06, values, 1), "");
    ck_assert_str_eq(update(&bar, 4, false, 5.1, values, 1), "");
    ck_assert_str_ne(update(&bar, 100, true, 5.1, values, 1), "");
}
END_TEST

/* The info behind the bar of a single update. */
static const char *info(size_t target, size_t current, bool final, double seconds, double value)
{
    knn__bar bar;
    knn__bar_begin(&bar, target, true, 1000);
    return strchr(update(&bar, current, final, 1000 + seconds, &value, 1), ']') + 1;
}

START_TEST(times_have_keras_units)
{
    ck_assert_str_eq(info(2, 1, false, 3601.5, 1), " - ETA: 1:00:01 - loss: 1.0000");
    ck_assert_str_eq(info(2, 1, false, 3600, 1), " - ETA: 60:00 - loss: 1.0000");
    ck_assert_str_eq(info(2, 1, false, 60, 1), " - ETA: 60s - loss: 1.0000");
    ck_assert_str_eq(info(2, 1, false, 0.9, 1), " - ETA: 0s - loss: 1.0000");
    ck_assert_str_eq(info(1, 1, true, 7.4, 1), " - 7s 7s/step - loss: 1.0000\n");
    ck_assert_str_eq(info(1, 1, true, 0.25, 1), " - 0s 250ms/step - loss: 1.0000\n");
    ck_assert_str_eq(info(1, 1, true, 0.000125, 1), " - 0s 125us/step - loss: 1.0000\n");
    ck_assert_str_eq(info(1, 1, true, 0, 1), " - 0s 0s/step - loss: 1.0000\n");
}
END_TEST

START_TEST(small_values_have_exponents)
{
    ck_assert_str_eq(info(1, 1, true, 1, 0), " - 1s 1s/step - loss: 0.0000e+00\n");
    ck_assert_str_eq(info(1, 1, true, 1, 1e-3), " - 1s 1s/step - loss: 1.0000e-03\n");
    ck_assert_str_eq(info(1, 1, true, 1, -0.00234567), " - 1s 1s/step - loss: -0.0023\n");
    ck_assert_str_eq(info(1, 1, true, 1, -NAN), " - 1s 1s/step - loss: nan\n");
    ck_assert_str_eq(info(1, 1, true, 1, INFINITY), " - 1s 1s/step - loss: inf\n");
}
END_TEST

START_TEST(the_bar_grows_by_thirtieths)
{
    knn__bar bar;
    knn__bar_begin(&bar, 1000, true, 0);
    static const struct { size_t current; const char *bar; } expected[] = {
        {1, "   1/1000 [..............................]"}, {34, "  34/1000 [>.............................]"},
        {500, " 500/1000 [==============>...............]"}, {999, " 999/1000 [============================>.]"},
        {1000, "1000/1000 [==============================]"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const char *line = strchr(update(&bar, expected[i].current, false, (double)i, NULL, 0), '\r') + 1;
        ck_assert_int_eq(strncmp(line, expected[i].bar, strlen(expected[i].bar)), 0);
    }
}
END_TEST

/* ---- In a fit ---- */

/* What a fit writes into a stream that is no terminal, with the times blotted out. */
static char *printed(int epochs, bool every_line, bool with_rate)
{
    tiny_data data;
    tiny_fill(&data, 1);
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    FILE *file = tmpfile();
    check_ok(knn_fit(model, set, .epochs = epochs, .batch_size = 8, .callbacks = {
                     with_rate ? knn_reduce_lr_on_plateau("loss") : NULL, knn_progress_bar(file, every_line)}));
    char *text = calloc(1, 10000), *out = text;
    rewind(file);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        *out++ = c >= '0' && c <= '9' ? '9' : (char)c;
    fclose(file);
    knn_model_free(model);
    knn_dataset_free(set);
    return text;
}

START_TEST(a_pipe_gets_finished_lines_only)
{
    char *text = printed(2, false, true);
    static const char bar[] = "9/9 [==============================] - 9s ";
    ck_assert_int_eq(strncmp(text, "Epoch 9/9\n", 10), 0);
    ck_assert_int_eq(strncmp(text + 10, bar, strlen(bar)), 0);
    ck_assert_ptr_null(strpbrk(text, "\b\r>"));
    ck_assert_ptr_null(strstr(text, "lr"));
    int lines = 0;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_int_eq(lines, 4);
    free(text);
    text = printed(1, false, false);
    ck_assert_int_eq(strncmp(text, bar, strlen(bar)), 0);       /* a single epoch has no number */
    free(text);
}
END_TEST

START_TEST(every_line_is_there_where_it_is_asked_for)
{
    char *text = printed(1, true, false);
    ck_assert_int_eq(strncmp(text, "\r9/9 [==============>...............] - ETA: 9s - loss: ", 51), 0);
    ck_assert_ptr_nonnull(strchr(text, '\b'));
    free(text);
}
END_TEST

START_TEST(a_stream_that_cannot_be_written_ends_no_training)
{
    tiny_data data;
    tiny_fill(&data, 1);
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    FILE *full = fopen("/dev/full", "w"), *unwritable = fopen("/dev/null", "r");
    check_ok(knn_fit(model, set, .epochs = 2, .callbacks = {knn_progress_bar(full), knn_progress_bar(unwritable)}));
    fclose(unwritable);
    fclose(full);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/progress_bar");
    TCase *cases = tcase_create("progress_bar");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_finished_line_is_keras);
    tcase_add_test(cases, redrawn_lines_go_back_over_the_last_one);
    tcase_add_test(cases, quick_batches_share_a_redraw);
    tcase_add_test(cases, times_have_keras_units);
    tcase_add_test(cases, small_values_have_exponents);
    tcase_add_test(cases, the_bar_grows_by_thirtieths);
    tcase_add_test(cases, a_pipe_gets_finished_lines_only);
    tcase_add_test(cases, every_line_is_there_where_it_is_asked_for);
    tcase_add_test(cases, a_stream_that_cannot_be_written_ends_no_training);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
