/* Statistics over a data set, and standardizing with them, against Keras' ImageDataGenerator
 * (fixtures/data/make_statistics_fixtures.py). */
#include "core/memory.h"
#include "data/dataset.h"
#include "data/data_support.h"
#include "support/check_run.h"

#include <knn/data.h>

#include <math.h>

enum { SAMPLES = 7, HEIGHT = 5, WIDTH = 4 };

#define check_error(words) ck_assert_msg(strstr(knn_last_error(), words) != NULL, "\"%s\"", knn_last_error())

static fixture *stored;

static void setup(void) { stored = open_fixture("statistics.fixture"); }
static void teardown(void) { fixture_close(stored); }

static const float *record(const char *name, int channels, const char *what, size_t *length)
{
    char key[64];
    snprintf(key, sizeof key, "%s%d%s", name, channels, what);
    return expect_record(stored, key, NULL, length);
}

static void check_close(const double *got, const float *expected, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_double_eq_tol(got[i], (double)expected[i], 1e-5 * fabs((double)expected[i]));
}

static knn_dataset *raw_set(int channels)
{
    size_t length;
    knn_dataset *data = knn_flow(record("x", channels, "", &length), NULL, SAMPLES, HEIGHT, WIDTH, channels);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    return data;
}

static void check_case(const char *name, const knn_generator_options *options, int channels)
{
    size_t length, n;
    knn_generator_options generator = *options;
    knn_dataset *raw = raw_set(channels);
    ck_assert_msg(knn_generator_fit(&generator, raw) == KNN_OK, "%s", knn_last_error());
    ck_assert_int_eq(generator.channels, channels);
    check_close(generator.mean, record(name, channels, "/mean", &length), channels);
    if (generator.featurewise_std_normalization)
        check_close(generator.std, record(name, channels, "/std", &length), channels);

    knn_dataset *data = knn_flow(record("x", channels, "", &length), NULL, SAMPLES, HEIGHT, WIDTH, channels, .generator = &generator);
    const float *expected = record(name, channels, "/y", &n);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    for (size_t i = 0; i < SAMPLES; i++) {
        float x[HEIGHT * WIDTH * 4];
        ck_assert_int_eq(knn_dataset_sample(data, 0, 0, i, true, x, NULL), KNN_OK);
        check_floats(x, expected + i * n / SAMPLES, n / SAMPLES, 1e-5, 1e-5);
    }
    knn_dataset_free(data);
    knn_dataset_free(raw);
}

START_TEST(statistics_are_those_of_keras)
{
    static const int channels[] = {1, 3, 4};
    for (size_t i = 0; i < 3; i++) {
        check_case("centered", knn_image_data_generator(.rescale = 1 / 255.0, .featurewise_center = true), channels[i]);
        check_case("normalized", knn_image_data_generator(.rescale = 1 / 255.0, .featurewise_std_normalization = true), channels[i]);
        check_case("both", knn_image_data_generator(.samplewise_std_normalization = true, .featurewise_std_normalization = true),
                   channels[i]);
    }
}
END_TEST

enum { NUMBERS = 4 * 2 * 3 };

/* The matrix has a rank of 24, or of 6. */
START_TEST(whitening_is_that_of_keras)
{
    static const char *const records[][2] = {{"whitened40/x", "whitened40/y"}, {"whitened6/x", "whitened6/y"}};
    float *matrix = malloc(NUMBERS * NUMBERS * sizeof *matrix), x[NUMBERS];
    size_t length;
    knn_generator_options generator =
        *knn_image_data_generator(.rescale = 1 / 255.0, .zca_whitening = true, .zca_epsilon = 1e-3, .whitening = matrix);
    const float *pictures = expect_record(stored, records[_i][0], NULL, &length), *expected = expect_record(stored, records[_i][1], NULL, &length);
    knn_dataset *raw = knn_flow(pictures, NULL, length / NUMBERS, 4, 2, 3);
    ck_assert_msg(knn_generator_fit(&generator, raw) == KNN_OK, "%s", knn_last_error());
    ck_assert_uint_eq(generator.whitening_length, NUMBERS);
    knn_dataset *data = knn_flow(pictures, NULL, length / NUMBERS, 4, 2, 3, .generator = &generator);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    for (size_t i = 0; i < length / NUMBERS; i++) {
        ck_assert_int_eq(knn_dataset_sample(data, 0, 0, i, true, x, NULL), KNN_OK);
        check_floats(x, expected + i * NUMBERS, NUMBERS, 1e-5, 1e-5);
    }
    knn_dataset_free(data);
    knn_dataset_free(raw);
    free(matrix);
}
END_TEST

START_TEST(what_cannot_be_whitened_is_refused)
{
    float one = 0, *large = calloc(65 * 64, sizeof *large);
    knn_generator_options generator = *knn_image_data_generator(.zca_whitening = true);
    knn_dataset *raw = raw_set(3), *too_large = knn_flow(large, NULL, 1, 65, 64, 1);
    ck_assert_int_eq(knn_generator_fit(&generator, raw), KNN_ERROR_ARGUMENT);
    check_error("zca_whitening wants memory");
    generator.whitening = &one;
    ck_assert_int_eq(knn_generator_fit(&generator, too_large), KNN_ERROR_SHAPE);
    check_error("samples of 4160 numbers, expected at most 4096");
    generator.channels = 1;
    ck_assert_ptr_null(knn_flow(large, NULL, 1, 5, 4, 1, .generator = &generator));
    check_error("call knn_generator_fit first");
    generator.whitening_length = 1;
    ck_assert_ptr_null(knn_flow(large, NULL, 1, 5, 4, 1, .generator = &generator));
    check_error("zca_whitening of 1 numbers for samples of 20");
    ck_assert_ptr_null(knn_flow(large, NULL, 1, 5, 4, 1, .generator = knn_image_data_generator(.zca_epsilon = -1)));
    check_error("zca_epsilon -1");
    knn_dataset_free(raw);
    knn_dataset_free(too_large);
    free(large);
}
END_TEST

/* Flipped pictures have the same statistics; moved ones, with zeros around, lower ones. */
START_TEST(statistics_may_be_those_of_changed_pictures)
{
    knn_generator_options plain = *knn_image_data_generator(.featurewise_std_normalization = true),
        flipped = *knn_image_data_generator(.featurewise_std_normalization = true, .horizontal_flip = true),
        moved = *knn_image_data_generator(.featurewise_std_normalization = true, .width_shift_range = 0.5, .fill_mode = KNN_FILL_CONSTANT);
    knn_dataset *raw = raw_set(3);
    ck_assert_int_eq(knn_generator_fit(&plain, raw), KNN_OK);
    ck_assert_int_eq(knn_generator_fit(&flipped, raw, .augment = true, .rounds = 3, .seed = 1), KNN_OK);
    ck_assert_int_eq(knn_generator_fit(&moved, raw, .augment = true, .seed = 1), KNN_OK);
    for (int c = 0; c < 3; c++) {
        ck_assert_double_eq_tol(flipped.mean[c], plain.mean[c], 1e-9 * plain.mean[c]);
        ck_assert_double_eq_tol(flipped.std[c], plain.std[c], 1e-9 * plain.std[c]);
        ck_assert_double_lt(moved.mean[c], 0.95 * plain.mean[c]);
    }
    ck_assert_int_eq(knn_generator_fit(&moved, raw), KNN_OK);
    ck_assert_double_eq(moved.mean[0], plain.mean[0]);
    knn_dataset_free(raw);
}
END_TEST

START_TEST(what_has_no_statistics_is_refused)
{
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    knn_generator_options generator = *knn_image_data_generator(.featurewise_center = true);
    ck_assert_ptr_null(knn_flow(x, NULL, 1, 2, 4, 1, .generator = &generator));
    check_error("knn_generator_fit");
    ck_assert_ptr_null(knn_flow_from_directory("/tmp", .generator = &generator));
    check_error("knn_generator_fit");
    ck_assert_int_eq(knn_generator_fit(&generator, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_generator_fit(NULL, NULL), KNN_ERROR_ARGUMENT);

    knn_dataset *rescaled = knn_flow(x, NULL, 1, 2, 4, 1, .generator = knn_image_data_generator(.rescale = 2)),
                *vectors = knn_flow(x, NULL, 2, 4), *wide = knn_flow(x, NULL, 1, 1, 1, 8), *grey = knn_flow(x, NULL, 1, 2, 4, 1);
    ck_assert_int_eq(knn_generator_fit(&generator, rescaled), KNN_ERROR_ARGUMENT);
    check_error("without one");
    ck_assert_int_eq(knn_generator_fit(&generator, vectors), KNN_ERROR_SHAPE);
    ck_assert_int_eq(knn_generator_fit(&generator, wide), KNN_ERROR_SHAPE);
    ck_assert_int_eq(knn_generator_fit(&generator, grey, .rounds = -1), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(generator.channels, 0);
    ck_assert_int_eq(knn_generator_fit(&generator, grey), KNN_OK);
    ck_assert_double_eq(generator.mean[0], 4.5);
    ck_assert_ptr_null(knn_flow(x, NULL, 1, 2, 1, 3, .generator = &generator));
    check_error("statistics of 1 channels for samples of 3");
    generator.mean[0] = NAN;
    ck_assert_ptr_null(knn_flow(x, NULL, 1, 2, 4, 1, .generator = &generator));
    knn_dataset_free(rescaled);
    knn_dataset_free(vectors);
    knn_dataset_free(wide);
    knn_dataset_free(grey);
}
END_TEST

START_TEST(differences_of_statistics_are_named)
{
    knn__preprocessing a = {.channels = 3, .rescale = 1, .featurewise_center = true, .mean = {1, 2, 3}}, b = a;
    char text[200];
    ck_assert(knn__preprocessing_equal(&a, &b, text, sizeof text));
    b.std[1] = 5;                           /* which is not used */
    ck_assert(knn__preprocessing_equal(&a, &b, text, sizeof text));
    b.mean[2] = 4;
    ck_assert(!knn__preprocessing_equal(&a, &b, text, sizeof text));
    ck_assert_str_eq(text, "mean 3, std 0 and mean 4, std 0 of channel 2");
    const float matrix[] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, other[] = {1, 0, 0, 0, 1, 0, 0, 0, 2};
    a.height = a.width = b.height = b.width = 1;
    b.mean[2] = a.mean[2];
    a.whitening = matrix;
    ck_assert(!knn__preprocessing_equal(&a, &b, text, sizeof text));
    ck_assert_str_eq(text, "zca_whitening and none");
    b.whitening = other;
    ck_assert(!knn__preprocessing_equal(&a, &b, text, sizeof text));
    ck_assert_str_eq(text, "two matrices of zca_whitening");
    b.whitening = matrix;
    ck_assert(knn__preprocessing_equal(&a, &b, text, sizeof text));
    b.featurewise_center = false;
    ck_assert(!knn__preprocessing_equal(&a, &b, text, sizeof text));
    ck_assert_str_eq(text, "featurewise_center yes and no");
}
END_TEST

START_TEST(failed_allocations_leak_nothing)
{
    knn_dataset *raw = raw_set(3);
    knn_status status = KNN_ERROR_MEMORY;
    size_t blocks = knn__live_blocks();
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        float matrix[HEIGHT * WIDTH * 3 * HEIGHT * WIDTH * 3];
        knn_generator_options generator = *knn_image_data_generator(.zca_whitening = true, .whitening = matrix, .rotation_range = 20);
        knn__fail_allocation(n);
        status = knn_generator_fit(&generator, raw, .augment = true);
        knn__fail_allocation(0);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
    }
    ck_assert_int_eq(status, KNN_OK);
    knn_dataset_free(raw);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data/statistics");
    TCase *tests = tcase_create("statistics");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, statistics_are_those_of_keras);
    tcase_add_test(tests, statistics_may_be_those_of_changed_pictures);
    tcase_add_loop_test(tests, whitening_is_that_of_keras, 0, 2);
    tcase_add_test(tests, what_cannot_be_whitened_is_refused);
    tcase_add_test(tests, what_has_no_statistics_is_refused);
    tcase_add_test(tests, differences_of_statistics_are_named);
    tcase_add_test(tests, failed_allocations_leak_nothing);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
