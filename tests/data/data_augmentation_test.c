/* What is drawn, and what a given transformation does: against SciPy and Keras, and hand values. Data sets are tested
 * elsewhere. */
#include "data/augmentation.h"

#include "core/memory.h"
#include "data/data_support.h"
#include "data/preprocessing.h"
#include "support/check_run.h"

static const char *const modes[] = {"nearest", "constant", "reflect", "wrap"};          /* in knn_fill_mode's order */
enum { MODES = 4, MOVES = 10 };

/* Levels of 0..255. Positions are float, SciPy's double: 1e-6 of a pixel at these sizes, times the steepest edge, 255.
 */
static const double TOLERANCE = 1e-3;

static const knn__transformation identity = {.zoom_rows = 1.0, .zoom_columns = 1.0};

static knn__pixels image_of(fixture *f, const char *record)
{
    int shape[8];
    const float *values = expect_record(f, record, shape, NULL);
    return (knn__pixels){.height = shape[0], .width = shape[1], .channels = shape[2], .floats = values};
}

static size_t length_of(const knn__pixels *image)
{
    return (size_t)image->height * (size_t)image->width * (size_t)image->channels;
}

static void check_transformed(const knn__pixels *image, const knn__transformation *t, fixture *f, const char *record,
                              double tolerance)
{
    size_t n;
    const float *expected = expect_record(f, record, NULL, &n);
    float *got = malloc(n * sizeof *got);
    ck_assert_uint_eq(n, length_of(image));
    ck_assert_int_eq(knn__transform(image, t, got), KNN_OK);
    check_difference d = check_compare_floats(got, expected, n, tolerance, 0.0);
    CHECK_NO_DIFFERENCE(d, record, n);
    free(got);
}

static knn__transformation move_number(fixture *f, int number, int mode, double cval)
{
    const float *p = expect_record(f, "moves", NULL, NULL) + 6 * number;
    return (knn__transformation){.rotation = (double)p[0],
                                 .shift_rows = (double)p[1],
                                 .shift_columns = (double)p[2],
                                 .shear = (double)p[3],
                                 .zoom_rows = (double)p[4],
                                 .zoom_columns = (double)p[5],
                                 .fill_mode = (knn_fill_mode)mode,
                                 .cval = cval};
}

START_TEST(geometry_is_that_of_scipy_and_keras)
{
    char record[32];
    fixture *f = open_fixture("augmentation.fixture");
    knn__pixels oblong = image_of(f, "oblong"), square = image_of(f, "square");
    for (int mode = 0; mode < MODES; mode++) {
        knn__transformation t = move_number(f, _i, mode, 77.0);
        snprintf(record, sizeof record, "oblong:%d:%s", _i, modes[mode]);
        check_transformed(&oblong, &t, f, record, TOLERANCE);
        snprintf(record, sizeof record, "square:%d:%s", _i, modes[mode]);
        check_transformed(&square, &t, f, record, TOLERANCE);
    }
    fixture_close(f);
}
END_TEST

START_TEST(bytes_and_floats_move_alike)
{
    fixture *f = open_fixture("augmentation.fixture");
    knn__pixels floats = image_of(f, "oblong"), bytes = floats;
    size_t n = length_of(&floats);
    uint8_t *pixels = malloc(n);
    for (size_t i = 0; i < n; i++)
        pixels[i] = (uint8_t)floats.floats[i];
    bytes.floats = NULL;
    bytes.bytes = pixels;
    knn__transformation t = move_number(f, 7, KNN_FILL_REFLECT, 0.0);
    check_transformed(&bytes, &t, f, "oblong:7:reflect", TOLERANCE);
    free(pixels);
    fixture_close(f);
}
END_TEST

START_TEST(any_number_of_channels_and_single_pixels_move)
{
    fixture *f = open_fixture("augmentation.fixture");
    knn__transformation reflect = move_number(f, 7, KNN_FILL_REFLECT, 0.0),
                        wrap = move_number(f, 7, KNN_FILL_WRAP, 0.0);
    knn__pixels many = image_of(f, "many"), line = image_of(f, "oblong"), one;
    line.height = 1;
    one = line;
    one.width = 1;
    check_transformed(&many, &reflect, f, "many:7:reflect", TOLERANCE);
    check_transformed(&line, &wrap, f, "line:7:wrap", TOLERANCE);
    check_transformed(&one, &wrap, f, "one:7:wrap", TOLERANCE);
    fixture_close(f);
}
END_TEST

/* Flips come after the move, so that mirroring the expected values is the same thing. */
START_TEST(flips_mirror_what_was_moved)
{
    fixture *f = open_fixture("augmentation.fixture");
    knn__pixels image = image_of(f, "oblong");
    size_t n = length_of(&image), columns = (size_t)image.width, rows = (size_t)image.height;
    float *plain = malloc(n * sizeof *plain), *mirrored = malloc(n * sizeof *mirrored),
          *expected = malloc(n * sizeof *expected);
    for (int moved = 0; moved < 2; moved++)
        for (int flips = 0; flips < 4; flips++) {
            knn__transformation t = moved ? move_number(f, 7, KNN_FILL_CONSTANT, 9.0) : identity;
            ck_assert_int_eq(knn__transform(&image, &t, plain), KNN_OK);
            t.horizontal_flip = flips & 1;
            t.vertical_flip = flips & 2;
            ck_assert_int_eq(knn__transform(&image, &t, mirrored), KNN_OK);
            for (size_t i = 0; i < rows; i++)
                for (size_t j = 0; j < columns; j++) {
                    size_t row = flips & 2 ? rows - 1 - i : i, column = flips & 1 ? columns - 1 - j : j;
                    memcpy(expected + (i * columns + j) * 3, plain + (row * columns + column) * 3,
                           3 * sizeof *expected);
                }
            check_floats(mirrored, expected, n, TOLERANCE, 0.0);
        }
    free(expected);
    free(mirrored);
    free(plain);
    fixture_close(f);
}
END_TEST

START_TEST(shifts_move_in_the_direction_of_their_names)
{
    static const float x[] = {1, 2, 3, 4, 5, 6}, down[] = {1, 2, 3, 1, 2, 3}, left[] = {2, 3, 3, 5, 6, 6};
    knn__pixels image = {.height = 2, .width = 3, .channels = 1, .floats = x};
    knn__transformation rows = identity, columns = identity;
    float got[6];
    rows.shift_rows = -1.0;                 /* the result is read one row higher up */
    columns.shift_columns = 1.0;
    ck_assert_int_eq(knn__transform(&image, &rows, got), KNN_OK);
    check_floats(got, down, 6, 0.0, 0.0);
    ck_assert_int_eq(knn__transform(&image, &columns, got), KNN_OK);
    check_floats(got, left, 6, 0.0, 0.0);
}
END_TEST

START_TEST(channel_shift_is_keras)
{
    fixture *f = open_fixture("augmentation.fixture");
    knn__pixels image = image_of(f, "oblong");
    knn__transformation t = identity;
    t.channel_shift = -40.5;
    check_transformed(&image, &t, f, "shifted:-40.5", 0.0);
    t.channel_shift = 25.0;
    check_transformed(&image, &t, f, "shifted:25", 0.0);
    fixture_close(f);
}
END_TEST

START_TEST(brightness_is_keras)
{
    static const struct { double factor; const char *record; } cases[] = {
        {0.25, "brightened:0.25"}, {0.7, "brightened:0.7"}, {1.0, "brightened:1"}, {1.9, "brightened:1.9"}};
    fixture *f = open_fixture("augmentation.fixture");
    knn__pixels image = image_of(f, "oblong"), beyond = image_of(f, "beyond");
    knn__transformation t = identity;
    t.brighten = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        t.brightness = cases[i].factor;
        check_transformed(&image, &t, f, cases[i].record, 0.0);
    }
    t.brightness = 0.7;
    check_transformed(&beyond, &t, f, "brightened-beyond:0.7", TOLERANCE);
    fixture_close(f);
}
END_TEST

START_TEST(the_whole_order_is_keras)
{
    size_t n;
    fixture *f = open_fixture("augmentation.fixture");
    knn__pixels square = image_of(f, "square");
    knn__transformation t = move_number(f, 7, KNN_FILL_REFLECT, 0.0);
    t.vertical_flip = true;
    t.channel_shift = 12.5;
    check_transformed(&square, &t, f, "order:moved", TOLERANCE);

    knn__preprocessing preprocessing = {
        .rescale = 1.0 / 255.0, .samplewise_center = true, .samplewise_std_normalization = true};
    const float *expected = expect_record(f, "order:standardized", NULL, &n);
    float *got = malloc(n * sizeof *got);
    ck_assert_int_eq(knn__transform(&square, &t, got), KNN_OK);
    knn__standardize(&preprocessing, got, n);
    check_floats(got, expected, n, 2e-5, 0.0);
    free(got);
    fixture_close(f);
}
END_TEST

START_TEST(standardization_has_hand_values)
{
    float x[] = {0.0f, 255.0f, 255.0f, 0.0f};
    static const float rescaled[] = {0.0f, 1.0f, 1.0f, 0.0f}, centred[] = {-0.5f, 0.5f, 0.5f, -0.5f},
                       normal[] = {-1, 1, 1, -1};
    knn__preprocessing p = {.rescale = 1.0 / 255.0};
    knn__standardize(&p, x, 4);
    check_floats(x, rescaled, 4, 0.0, 1e-7);
    p.rescale = 1.0;
    p.samplewise_center = true;
    knn__standardize(&p, x, 4);
    check_floats(x, centred, 4, 1e-7, 0.0);
    p.samplewise_std_normalization = true;
    knn__standardize(&p, x, 4);
    check_floats(x, normal, 4, 2.1e-6, 0.0);            /* 0.5 / (0.5 + 1e-6) */
}
END_TEST

START_TEST(without_memory_a_move_fails)
{
    static const float x[4] = {1, 2, 3, 4};
    float got[4];
    knn__pixels image = {.height = 2, .width = 2, .channels = 1, .floats = x};
    knn__transformation t = identity;
    t.rotation = 10.0;
    knn__fail_allocation(1);
    ck_assert_int_eq(knn__transform(&image, &t, got), KNN_ERROR_MEMORY);
    knn__fail_allocation(0);
}
END_TEST

/* ---- Drawing ---- */

static knn_generator_options completed(const knn_generator_options *given)
{
    knn_generator_options generator;
    ck_assert_int_eq(knn__complete_generator(given, &generator), KNN_OK);
    return generator;
}

static knn__transformation draw(const knn_generator_options *given, uint64_t seed, int epoch, size_t index)
{
    knn_generator_options generator = completed(given);
    knn__transformation t;
    knn__draw_transformation(&generator, 100, 50, seed, epoch, index, &t);
    return t;
}

START_TEST(draws_stay_within_their_ranges_and_fill_them)
{
    const knn_generator_options *given =
        knn_image_data_generator(.rotation_range = 40, .width_shift_range = 0.2, .height_shift_range = 3,
                                 .shear_range = 0.5, .zoom_range = 0.2, .channel_shift_range = 10,
                                 .brightness_lower = 0.5, .brightness_upper = 1.5, .horizontal_flip = true,
                                 .vertical_flip = true);
    enum { KINDS = 8, DRAWS = 2000 };
    static const double ranges[KINDS][2] = {{-40, 40},  {-10, 10},  {-3, 3},   {-0.5, 0.5},
                                            {0.8, 1.2}, {0.8, 1.2}, {-10, 10}, {0.5, 1.5}};
    double least[KINDS], most[KINDS];
    int flips[2] = {0, 0};
    for (size_t i = 0; i < DRAWS; i++) {
        knn__transformation t = draw(given, 7, 3, i);
        const double values[KINDS] = {t.rotation,  t.shift_columns, t.shift_rows,    t.shear,
                                      t.zoom_rows, t.zoom_columns,  t.channel_shift, t.brightness};
        for (int k = 0; k < KINDS; k++) {
            least[k] = i == 0 || values[k] < least[k] ? values[k] : least[k];
            most[k] = i == 0 || values[k] > most[k] ? values[k] : most[k];
        }
        flips[0] += t.horizontal_flip;
        flips[1] += t.vertical_flip;
    }
    for (int k = 0; k < KINDS; k++) {
        double slack = (ranges[k][1] - ranges[k][0]) / 100;
        ck_assert_msg(least[k] >= ranges[k][0] && least[k] < ranges[k][0] + slack, "kind %d: least is %g", k, least[k]);
        ck_assert_msg(most[k] <= ranges[k][1] && most[k] > ranges[k][1] - slack, "kind %d: most is %g", k, most[k]);
    }
    for (int k = 0; k < 2; k++)
        ck_assert_msg(flips[k] > DRAWS * 45 / 100 && flips[k] < DRAWS * 55 / 100, "%d of %d flipped", flips[k], DRAWS);
}
END_TEST

START_TEST(turning_one_draw_on_never_changes_another)
{
    knn__transformation alone = draw(knn_image_data_generator(.zoom_range = 0.3), 1, 2, 3);
    knn__transformation all = draw(knn_image_data_generator(.zoom_range = 0.3, .rotation_range = 40,
                                                            .horizontal_flip = true, .channel_shift_range = 5),
                                   1, 2, 3);
    ck_assert(alone.zoom_rows == all.zoom_rows && alone.zoom_columns == all.zoom_columns);
    ck_assert(alone.zoom_rows != alone.zoom_columns);
    ck_assert(alone.rotation == 0.0 && all.rotation != 0.0);
}
END_TEST

START_TEST(draws_depend_on_seed_epoch_and_sample_only)
{
    const knn_generator_options *given = knn_image_data_generator(.rotation_range = 40);
    double rotation = draw(given, 1, 2, 3).rotation;
    ck_assert(draw(given, 1, 2, 3).rotation == rotation);
    ck_assert(draw(given, 2, 2, 3).rotation != rotation);
    ck_assert(draw(given, 1, 3, 3).rotation != rotation);
    ck_assert(draw(given, 1, 2, 4).rotation != rotation);
}
END_TEST

START_TEST(a_generator_is_completed_with_keras_defaults)
{
    knn_generator_options g = completed(NULL);
    ck_assert(g.rescale == 1.0 && g.zoom_lower == 1.0 && g.zoom_upper == 1.0);
    ck_assert(!knn__augments(&g));
    g = completed(knn_image_data_generator(.zoom_range = 0.25, .samplewise_std_normalization = true));
    ck_assert(g.zoom_lower == 0.75 && g.zoom_upper == 1.25 && g.samplewise_center);
    ck_assert(knn__augments(&g));
    g = completed(knn_image_data_generator(.zoom_lower = 0.5, .zoom_upper = 0.75));
    ck_assert(g.zoom_lower == 0.5 && g.zoom_upper == 0.75);
    g = completed(knn_image_data_generator(.rescale = 1 / 255.0, .samplewise_center = true));
    ck_assert(!knn__augments(&g));
}
END_TEST

static void check_refused(const knn_generator_options *given, const char *why)
{
    knn_generator_options generator;
    ck_assert_int_eq(knn__complete_generator(given, &generator), KNN_ERROR_ARGUMENT);
    ck_assert_msg(strstr(knn_last_error(), why) != NULL, "\"%s\" does not say \"%s\"", knn_last_error(), why);
}

START_TEST(senseless_ranges_are_refused)
{
    check_refused(knn_image_data_generator(.rotation_range = -1), "rotation_range is -1");
    check_refused(knn_image_data_generator(.rotation_range = (double)NAN), "rotation_range");
    check_refused(knn_image_data_generator(.width_shift_range = (double)INFINITY), "width_shift_range");
    check_refused(knn_image_data_generator(.zoom_range = 1.5), "zoom_range is 1.5");
    check_refused(knn_image_data_generator(.zoom_lower = 2, .zoom_upper = 1), "zoom_lower is 2");
    check_refused(knn_image_data_generator(.zoom_range = 0.1, .zoom_lower = 1, .zoom_upper = 2), "one of them");
    check_refused(knn_image_data_generator(.brightness_lower = 1), "brightness_lower is 1");
    check_refused(knn_image_data_generator(.rescale = (double)NAN), "rescale");
    check_refused(knn_image_data_generator(.fill_mode = (knn_fill_mode)4), "fill_mode 4");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data/augmentation");
    TCase *tests = tcase_create("augmentation");
    tcase_add_loop_test(tests, geometry_is_that_of_scipy_and_keras, 0, MOVES);
    tcase_add_test(tests, bytes_and_floats_move_alike);
    tcase_add_test(tests, any_number_of_channels_and_single_pixels_move);
    tcase_add_test(tests, flips_mirror_what_was_moved);
    tcase_add_test(tests, shifts_move_in_the_direction_of_their_names);
    tcase_add_test(tests, channel_shift_is_keras);
    tcase_add_test(tests, brightness_is_keras);
    tcase_add_test(tests, the_whole_order_is_keras);
    tcase_add_test(tests, standardization_has_hand_values);
    tcase_add_test(tests, without_memory_a_move_fails);
    tcase_add_test(tests, draws_stay_within_their_ranges_and_fill_them);
    tcase_add_test(tests, turning_one_draw_on_never_changes_another);
    tcase_add_test(tests, draws_depend_on_seed_epoch_and_sample_only);
    tcase_add_test(tests, a_generator_is_completed_with_keras_defaults);
    tcase_add_test(tests, senseless_ranges_are_refused);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
