/* Whole pictures to numbers, from files, bytes and pixels, and comparing preprocessings. Decoders and filters are
 * tested elsewhere. */
#include "core/memory.h"
#include "data/data_support.h"
#include "data/dataset.h"
#include "support/check_run.h"

static knn__preprocessing from_options(const knn_directory_options *options)
{
    knn__preprocessing p;
    ck_assert_msg(knn__preprocessing_from_options(options, &p) == KNN_OK, "%s", knn_last_error());
    return p;
}
#define PREPROCESSING(...) from_options(KNN_OPTIONS(knn_directory_options, NULL, __VA_ARGS__))

START_TEST(options_have_keras_defaults)
{
    knn__preprocessing p = from_options(KNN_OPTIONS(knn_directory_options, NULL));
    ck_assert(p.height == 256 && p.width == 256 && p.channels == 3 && p.interpolation == KNN_RESIZE_NEAREST);
    ck_assert(p.rescale == 1.0 && !p.samplewise_center && !p.samplewise_std_normalization && !p.apply_orientation);
    ck_assert_uint_eq(p.max_pixels, 64000000);
    p = PREPROCESSING(150);
    ck_assert(p.height == 150 && p.width == 150);
    p = PREPROCESSING(150, 100, .grayscale = true, .max_pixels = 5,
                      .generator = knn_image_data_generator(.rescale = 1 / 255.0));
    ck_assert(p.height == 150 && p.width == 100 && p.channels == 1 && p.max_pixels == 5 && p.rescale == 1 / 255.0);
}
END_TEST

START_TEST(an_older_programs_shorter_options_are_completed)
{
    knn_directory_options options = {
        .size = offsetof(knn_directory_options, generator), .target_height = 7, .grayscale = true};
    knn__preprocessing p = from_options(&options);
    ck_assert(p.height == 7 && p.channels == 3);                /* grayscale lies beyond the size */
}
END_TEST

START_TEST(differences_are_named)
{
    char text[100];
    const knn__preprocessing base = PREPROCESSING(10, .generator = knn_image_data_generator(.rescale = 1 / 255.0));
    knn__preprocessing other = base;
    ck_assert(knn__preprocessing_equal(&base, &other, text, sizeof text));
    ck_assert_str_eq(text, "");
    other.max_pixels = 1;                                       /* does not change a pixel */
    ck_assert(knn__preprocessing_equal(&base, &other, text, sizeof text));
    other.rescale = 1.0;
    ck_assert(!knn__preprocessing_equal(&base, &other, text, sizeof text));
    ck_assert_str_eq(text, "rescale 0.00392157 and 1");
    other = base;
    other.width = 11;
    ck_assert(!knn__preprocessing_equal(&base, &other, text, sizeof text));
    ck_assert_str_eq(text, "pictures of 10x10x3 and 10x11x3");
    other = base;
    other.samplewise_center = true;
    ck_assert(!knn__preprocessing_equal(&base, &other, text, sizeof text));
    ck_assert_str_eq(text, "samplewise_center no and yes");
    other = base;
    other.interpolation = KNN_RESIZE_AREA;
    ck_assert(!knn__preprocessing_equal(&base, &other, text, sizeof text));
    ck_assert_str_eq(text, "interpolation nearest and area");
    other = base;
    other.apply_orientation = true;
    ck_assert(!knn__preprocessing_equal(&base, &other, text, sizeof text));
}
END_TEST

/* 13 x 9, colour.png's size: no resizing. */
START_TEST(file_bytes_and_pixels_give_the_same_numbers)
{
    enum { N = 9 * 13 * 3 };
    float from_file[N], from_bytes[N], from_pixels[N], expected[N];
    uint8_t pixels[9 * 40];                                     /* rows of 40 bytes, 39 of them used */
    char path[1024];
    knn__preprocessing p = PREPROCESSING(9, 13, .generator = knn_image_data_generator(.rescale = 1 / 255.0));
    fixture *f = open_fixture("pictures.fixture");
    const float *levels = expect_record(f, "colour.png:rgb", NULL, NULL);
    for (int i = 0; i < N; i++) {
        expected[i] = levels[i] * (float)(1 / 255.0);
        pixels[i / 39 * 40 + i % 39] = (uint8_t)levels[i];
    }
    file_bytes bytes = read_picture("colour.png");
    snprintf(path, sizeof path, "%s/data/colour.png", KNN_FIXTURES);
    ck_assert_int_eq(knn__load_picture_file(&p, path, from_file), KNN_OK);
    ck_assert_int_eq(knn__load_picture_bytes(&p, bytes.data, bytes.size, "bytes", from_bytes), KNN_OK);
    ck_assert_int_eq(knn__load_picture_pixels(&p, pixels, 13, 9, 40, from_pixels), KNN_OK);
    check_floats(from_file, expected, N, 0.0, 0.0);
    check_floats(from_bytes, expected, N, 0.0, 0.0);
    check_floats(from_pixels, expected, N, 0.0, 0.0);
    free(bytes.data);
    fixture_close(f);
}
END_TEST

START_TEST(grey_is_made_before_resizing)
{
    static const uint8_t rgb[] = {255, 0, 0, 0, 255, 0};        /* greys 76 and 150 */
    float x;
    knn__preprocessing p = PREPROCESSING(1, 1, .grayscale = true, .interpolation = KNN_RESIZE_AREA);
    ck_assert_int_eq(knn__load_picture_pixels(&p, rgb, 2, 1, 6, &x), KNN_OK);
    ck_assert(x == 113.0f);
}
END_TEST

START_TEST(pixels_that_are_no_picture_are_refused)
{
    static const uint8_t rgb[12];
    float x[3];
    knn__preprocessing p = PREPROCESSING(1, 1, .max_pixels = 3);
    ck_assert_int_eq(knn__load_picture_pixels(&p, NULL, 1, 1, 3, x), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn__load_picture_pixels(&p, rgb, 0, 1, 3, x), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn__load_picture_pixels(&p, rgb, 2, 1, 5, x), KNN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "5 bytes a row, expected at least 6"));
    ck_assert_int_eq(knn__load_picture_pixels(&p, rgb, 2, 2, 6, x), KNN_ERROR_DATA);
}
END_TEST

START_TEST(without_memory_pictures_fail_and_leak_nothing)
{
    static const uint8_t rgb[12];
    float x[3 * 3 * 3];
    knn__preprocessing p = PREPROCESSING(3, 3);
    size_t before = knn__live_blocks();
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        ck_assert_int_lt(n, 20);
        knn__fail_allocation(n);
        status = knn__load_picture_pixels(&p, rgb, 2, 2, 6, x);
        knn__fail_allocation(0);
        ck_assert_uint_eq(knn__live_blocks(), before);
    }
    ck_assert_int_eq(status, KNN_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data/preprocessing");
    TCase *tests = tcase_create("preprocessing");
    tcase_add_test(tests, options_have_keras_defaults);
    tcase_add_test(tests, an_older_programs_shorter_options_are_completed);
    tcase_add_test(tests, differences_are_named);
    tcase_add_test(tests, file_bytes_and_pixels_give_the_same_numbers);
    tcase_add_test(tests, grey_is_made_before_resizing);
    tcase_add_test(tests, pixels_that_are_no_picture_are_refused);
    tcase_add_test(tests, without_memory_pictures_fail_and_leak_nothing);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
