/* knn_summary prints what the tutorial shows, byte for byte. */
#include "support/check_run.h"

#include <knn/knn.h>

#include <stdio.h>
#include <string.h>

#define RULE "_________________________________________________________________\n"
#define DOUBLE_RULE "=================================================================\n"

/* The tutorial's listing; the spaces at the ends of its lines belong to it. */
static const char tutorial[] =
    "Model: \"sequential\"\n" RULE
    "Layer (type)                 Output Shape              Param #   \n" DOUBLE_RULE
    "conv2d (Conv2D)              (None, 148, 148, 32)      896       \n" RULE
    "max_pooling2d (MaxPooling2D) (None, 74, 74, 32)        0         \n" RULE
    "conv2d_1 (Conv2D)            (None, 72, 72, 64)        18496     \n" RULE
    "max_pooling2d_1 (MaxPooling2 (None, 36, 36, 64)        0         \n" RULE
    "conv2d_2 (Conv2D)            (None, 34, 34, 128)       73856     \n" RULE
    "max_pooling2d_2 (MaxPooling2 (None, 17, 17, 128)       0         \n" RULE
    "conv2d_3 (Conv2D)            (None, 15, 15, 128)       147584    \n" RULE
    "max_pooling2d_3 (MaxPooling2 (None, 7, 7, 128)         0         \n" RULE
    "conv2d_4 (Conv2D)            (None, 5, 5, 256)         295168    \n" RULE
    "max_pooling2d_4 (MaxPooling2 (None, 2, 2, 256)         0         \n" RULE
    "flatten (Flatten)            (None, 1024)              0         \n" RULE
    "dropout (Dropout)            (None, 1024)              0         \n" RULE
    "dense (Dense)                (None, 512)               524800    \n" RULE
    "dense_1 (Dense)              (None, 1)                 513       \n" DOUBLE_RULE
    "Total params: 1,061,313\n"
    "Trainable params: 1,061,313\n"
    "Non-trainable params: 0\n" RULE;

static void summary_of(const knn_model *model, char *text, size_t size)
{
    FILE *stream = tmpfile();
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(knn_summary(model, stream), KNN_OK);
    rewind(stream);
    text[fread(text, 1, size - 1, stream)] = '\0';
    fclose(stream);
}

START_TEST(the_tutorials_net_is_summarised_byte_for_byte)
{
    static const int filters[] = {32, 64, 128, 128, 256};
    char text[8192];
    knn_model *model = knn_sequential();

    knn_add(model, knn_input(150, 150, 3));
    for (int i = 0; i < 5; i++) {
        knn_add(model, knn_conv2d(filters[i], 3, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(512, .activation = KNN_RELU));
    ck_assert_int_eq(knn_add(model, knn_dense(1, .activation = KNN_SIGMOID)), KNN_OK);
    summary_of(model, text, sizeof text);
    ck_assert_str_eq(text, tutorial);
    knn_model_free(model);
}
END_TEST

START_TEST(weights_that_are_not_trained_are_counted_apart)
{
    char text[4096];
    knn_model *model = knn_sequential(.name = "small");

    knn_add(model, knn_input(8, 8, 2));
    knn_add(model, knn_conv2d(4, 3, .frozen = true));                   /* 76 */
    ck_assert_int_eq(knn_add(model, knn_batch_normalization()), KNN_OK); /* 8 + 8 */
    summary_of(model, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "Model: \"small\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "batch_normalization (BatchNo (None, 6, 6, 4)           16        \n"));
    ck_assert_ptr_nonnull(strstr(text, "Total params: 92\nTrainable params: 8\nNon-trainable params: 84\n"));
    knn_model_free(model);
}
END_TEST

START_TEST(an_empty_model_has_no_summary)
{
    knn_model *model = knn_sequential();
    ck_assert_int_eq(knn_summary(model, stdout), KNN_ERROR_STATE);
    ck_assert_int_eq(knn_summary(model, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_summary(NULL, stdout), KNN_ERROR_ARGUMENT);
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/summary");
    TCase *tests = tcase_create("summary");
    tcase_add_test(tests, the_tutorials_net_is_summarised_byte_for_byte);
    tcase_add_test(tests, weights_that_are_not_trained_are_counted_apart);
    tcase_add_test(tests, an_empty_model_has_no_summary);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
