/* Resizing against Pillow, to the bit, and against hand values. Decoding is tested elsewhere. */
#include "data/resize.h"

#include "core/memory.h"
#include "data/data_support.h"
#include "data/image.h"
#include "support/check_run.h"

static const char *const names[] = {"nearest", "bilinear", "box"}; /* in knn_interpolation's order */
static const struct { int width, height; } sizes[] = {{5, 4}, {30, 21}, {13, 4}, {7, 9}, {29, 3}, {1, 1}};
enum { KINDS = 3, SIZES = sizeof sizes / sizeof sizes[0] };

static void check_resized(fixture *f, const knn__picture *picture, int size, int kind, const char *colours)
{
    char record[64];
    int shape[8];
    size_t n;
    snprintf(record, sizeof record, "resized:%s:%dx%d:%s", names[kind], sizes[size].width, sizes[size].height, colours);
    const float *expected = expect_record(f, record, shape, &n);
    uint8_t *bytes = malloc(n);
    float *got = malloc(n * sizeof *got);
    knn__resizing resizing = {.from = picture->pixels,
                              .height = picture->height,
                              .width = picture->width,
                              .channels = picture->channels,
                              .row_bytes = (size_t)picture->width * (size_t)picture->channels,
                              .to_height = sizes[size].height,
                              .to_width = sizes[size].width,
                              .interpolation = (knn_interpolation)kind};
    ck_assert_int_eq(knn__resize(&resizing, bytes), KNN_OK);
    for (size_t i = 0; i < n; i++)
        got[i] = bytes[i];
    check_difference d = check_compare_floats(got, expected, n, 0.0, 0.0);
    CHECK_NO_DIFFERENCE(d, record, n);
    free(got);
    free(bytes);
}

START_TEST(resizing_has_pillows_bits)
{
    knn__picture_wish wish = {.channels = 3, .max_pixels = 1000};
    knn__picture picture;
    file_bytes file = read_picture("colour.png");
    fixture *f = open_fixture("pictures.fixture");
    ck_assert_int_eq(knn__decode_picture(file.data, file.size, "colour.png", &wish, &picture), KNN_OK);
    for (int size = 0; size < SIZES; size++)
        check_resized(f, &picture, size, _i, "rgb");
    ck_assert_int_eq(knn__set_channels(&picture, 1), KNN_OK);
    for (int size = 0; size < SIZES; size++)
        check_resized(f, &picture, size, _i, "grey");
    knn__free(picture.pixels);
    fixture_close(f);
    free(file.data);
}
END_TEST

static void check_line(const uint8_t *from, int n, const uint8_t *expected, int m, knn_interpolation interpolation)
{
    uint8_t across[16], down[16];
    knn__resizing row = {.from = from,
                         .height = 1,
                         .width = n,
                         .channels = 1,
                         .row_bytes = (size_t)n,
                         .to_height = 1,
                         .to_width = m,
                         .interpolation = interpolation};
    knn__resizing column = {.from = from,
                            .height = n,
                            .width = 1,
                            .channels = 1,
                            .row_bytes = 1,
                            .to_height = m,
                            .to_width = 1,
                            .interpolation = interpolation};
    ck_assert_int_eq(knn__resize(&row, across), KNN_OK);
    ck_assert_int_eq(knn__resize(&column, down), KNN_OK);
    ck_assert_mem_eq(across, expected, (size_t)m);
    ck_assert_mem_eq(down, expected, (size_t)m);
}

START_TEST(nearest_takes_the_pixel_under_the_centre)
{
    static const uint8_t line[] = {10, 20, 30, 40};
    check_line(line, 4, (const uint8_t[]){20, 40}, 2, KNN_RESIZE_NEAREST);
    check_line(line, 4, (const uint8_t[]){10, 30, 40}, 3, KNN_RESIZE_NEAREST);                  /* at 0.67, 2, 3.33 */
    check_line(line, 4, (const uint8_t[]){10, 10, 20, 20, 30, 30, 40, 40}, 8, KNN_RESIZE_NEAREST);
}
END_TEST

START_TEST(box_averages_what_a_pixel_covers)
{
    static const uint8_t line[] = {10, 20, 30, 43};
    check_line(line, 4, (const uint8_t[]){15, 37}, 2, KNN_RESIZE_AREA);                         /* 36.5 is rounded up */
    check_line(line, 4, (const uint8_t[]){26}, 1, KNN_RESIZE_AREA);
}
END_TEST

START_TEST(bilinear_widens_its_triangle_when_it_shrinks)
{
    static const uint8_t line[] = {0, 0, 160, 0, 0, 0, 0, 0}, pair[] = {0, 100};
    check_line(line, 8, (const uint8_t[]){23, 60, 0, 0}, 4,
               KNN_RESIZE_BILINEAR); /* weights 1 3 3 1, at the left end 3 3 1 */
    check_line(pair, 2, (const uint8_t[]){0, 25, 75, 100}, 4, KNN_RESIZE_BILINEAR);
}
END_TEST

START_TEST(the_same_size_is_a_copy_without_gaps)
{
    static const uint8_t rows[] = {1, 2, 3, 99, 4, 5, 6, 99};
    uint8_t to[6];
    knn__resizing resizing = {.from = rows,
                              .height = 2,
                              .width = 1,
                              .channels = 3,
                              .row_bytes = 4,
                              .to_height = 2,
                              .to_width = 1,
                              .interpolation = KNN_RESIZE_BILINEAR};
    ck_assert_int_eq(knn__resize(&resizing, to), KNN_OK);
    ck_assert_mem_eq(to, ((const uint8_t[]){1, 2, 3, 4, 5, 6}), 6);
}
END_TEST

START_TEST(without_memory_resizing_fails_and_leaks_nothing)
{
    uint8_t from[25] = {0}, to[9];
    knn__resizing resizing = {.from = from,
                              .height = 5,
                              .width = 5,
                              .channels = 1,
                              .row_bytes = 5,
                              .to_height = 3,
                              .to_width = 3,
                              .interpolation = (knn_interpolation)_i};
    size_t before = knn__live_blocks();
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        ck_assert_int_lt(n, 20);
        knn__fail_allocation(n);
        status = knn__resize(&resizing, to);
        knn__fail_allocation(0);
        ck_assert_uint_eq(knn__live_blocks(), before);
    }
    ck_assert_int_eq(status, KNN_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data/resize");
    TCase *tests = tcase_create("resize");
    tcase_add_loop_test(tests, resizing_has_pillows_bits, 0, KINDS);
    tcase_add_test(tests, nearest_takes_the_pixel_under_the_centre);
    tcase_add_test(tests, box_averages_what_a_pixel_covers);
    tcase_add_test(tests, bilinear_widens_its_triangle_when_it_shrinks);
    tcase_add_test(tests, the_same_size_is_a_copy_without_gaps);
    tcase_add_loop_test(tests, without_memory_resizing_fails_and_leaks_nothing, 0, KINDS);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
