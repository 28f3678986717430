/* From pictures to classes: files, bytes and pixels give the same answer; one output and several. */
#include "support/check_run.h"

#include <knn/knn.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two pixels, red and blue. */
static const unsigned char picture[] = "P6 2 1 255\n\377\0\0\0\0\377";
static const uint8_t pixels[] = {255, 0, 0, 0, 0, 255};
enum { PICTURE_SIZE = sizeof picture - 1 };

static const char *const two[] = {"cat", "dog", NULL}, *const three[] = {"ant", "bee", "cow", NULL};
static char path[] = "/tmp/knn-classify-XXXXXX";

static void setup(void)
{
    strcpy(path, "/tmp/knn-classify-XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, picture, PICTURE_SIZE), PICTURE_SIZE);
    close(file);
}

static void teardown(void) { unlink(path); }

/* Dense on the six numbers of the picture; `bias` decides, for all weights are zero. */
static knn_model *net(int outputs, knn_activation activation, const float *bias, const char *const *names)
{
    knn_model *model = knn_sequential_new();
    knn_add(model, knn_input(1, 2, 3));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(outputs, .activation = activation, .kernel_initializer = knn_zeros()));
    ck_assert_int_eq(knn_set_weight(model, 1, bias, (size_t)outputs), KNN_OK);
    if (names != NULL)
        ck_assert_int_eq(knn_set_preprocessing(model, knn_pictures(.target_height = 1, .target_width = 2), names), KNN_OK);
    return model;
}

START_TEST(one_output_is_the_probability_of_the_second_class)
{
    const float likely[] = {2}, unlikely[] = {-2};
    const char *name;
    double p, expected = 1 / (1 + exp(-2.0));
    knn_model *model = net(1, KNN_SIGMOID, _i == 0 ? unlikely : likely, two);
    ck_assert_int_eq(knn_classify_file(model, path, &name, &p), KNN_OK);
    ck_assert_str_eq(name, two[_i]);
    ck_assert_double_eq_tol(p, expected, 1e-6);
    knn_model_free(model);
}
END_TEST

START_TEST(one_output_of_a_half_is_the_first_class)
{
    const float half[] = {0};
    const char *name;
    double p;
    knn_model *model = net(1, KNN_SIGMOID, half, two);
    ck_assert_int_eq(knn_classify_file(model, path, &name, &p), KNN_OK);
    ck_assert_str_eq(name, "cat");
    ck_assert_double_eq_tol(p, 0.5, 1e-7);
    knn_model_free(model);
}
END_TEST

START_TEST(files_bytes_and_pixels_give_the_same_answer)
{
    const float bias[] = {0, 1, -1};
    const char *name[3];
    double p[3];
    float y[3];
    knn_model *model = net(3, KNN_SOFTMAX, bias, three);
    ck_assert_int_eq(knn_classify_file(model, path, &name[0], &p[0]), KNN_OK);
    ck_assert_int_eq(knn_classify_bytes(model, picture, PICTURE_SIZE, &name[1], &p[1]), KNN_OK);
    ck_assert_int_eq(knn_classify_pixels(model, pixels, 2, 1, 0, &name[2], &p[2]), KNN_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(name[i], "bee");
        ck_assert_double_eq_tol(p[i], exp(1.0) / (1 + exp(1.0) + exp(-1.0)), 1e-6);
    }
    ck_assert_int_eq(knn_predict_file(model, path, y, 3), KNN_OK);
    ck_assert_float_eq_tol(y[1], (float)p[0], 1e-7F);
    ck_assert_int_eq(knn_predict_file(model, path, y, 2), KNN_ERROR_SHAPE);
    ck_assert_int_eq(knn_classify_file(model, path, NULL, NULL), KNN_OK);
    knn_model_free(model);
}
END_TEST

START_TEST(pixels_reach_the_net_as_they_are)
{
    const float kernel[] = {1, 2, 4, 8, 16, 32}, bias[] = {0};
    float y[1];
    knn_model *model = net(1, KNN_LINEAR, bias, two);
    ck_assert_int_eq(knn_set_weight(model, 0, kernel, 6), KNN_OK);
    ck_assert_int_eq(knn_predict_file(model, path, y, 1), KNN_OK);
    ck_assert_float_eq(y[0], 255 + 32 * 255);           /* red of the first pixel, blue of the second; 0..255 without a generator */
    knn_model_free(model);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
    const float bias[] = {0, 0, 0};
    const char *name;
    double p;
    knn_model *model = net(3, KNN_SOFTMAX, bias, NULL);
    ck_assert_int_eq(knn_classify_file(model, path, &name, &p), KNN_ERROR_STATE);
    ck_assert_int_eq(knn_set_preprocessing(model, knn_pictures(.target_height = 1, .target_width = 2), two), KNN_OK);
    ck_assert_int_eq(knn_classify_file(model, path, &name, &p), KNN_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "knows 2 class names, its output has 3 classes"));
    ck_assert_int_eq(knn_set_preprocessing(model, knn_pictures(.target_height = 2), three), KNN_OK);
    ck_assert_int_eq(knn_classify_file(model, path, &name, &p), KNN_ERROR_SHAPE);
    ck_assert_int_eq(knn_classify_file(model, "/nowhere.jpg", &name, &p), KNN_ERROR_SHAPE);
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/classify");
    TCase *tests = tcase_create("classify");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, one_output_is_the_probability_of_the_second_class, 0, 2);
    tcase_add_test(tests, one_output_of_a_half_is_the_first_class);
    tcase_add_test(tests, files_bytes_and_pixels_give_the_same_answer);
    tcase_add_test(tests, pixels_reach_the_net_as_they_are);
    tcase_add_test(tests, what_is_missing_is_said);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
