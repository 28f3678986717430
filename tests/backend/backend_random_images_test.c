/* The random layers for pictures: for given draws they make what real Keras makes of them, and the draws have their distribution.
 * Gradients are tested by the harness, Resizing and CenterCrop by keras/keras_conformance_test.c. */
#include "layer_run.h"

#include "backend/image_geometry.h"
#include "core/status.h"
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { IMAGES = 2, HEIGHT = 9, WIDTH = 7, CHANNELS = 3, PICTURE = HEIGHT * WIDTH * CHANNELS };
static const knn_shape picture = {3, {HEIGHT, WIDTH, CHANNELS}};

static layer_run r;
static fixture *answers;

static void open_answers(void)
{
    answers = fixture_open(KNN_FIXTURES "/preprocessing/images.fixture");
    ck_assert(answers != NULL);
}

static void close_answers(void) { fixture_close(answers); }

static const float *answer(const char *name)
{
    const float *values = fixture_get(answers, name, NULL, NULL, NULL);
    ck_assert_msg(values != NULL, "%s", name);
    return values;
}

/* ---- Given draws ---- */

static void go(void)
{
    memcpy(r.x, answer("x"), IMAGES * PICTURE * sizeof *r.x);
    layer_go(&r);
}

static void check_answer(const char *name) { check_floats(r.y, answer(name), IMAGES * PICTURE, 1e-5, 255 * 1e-5); }

static const struct mode { const char *name; knn_outside fill; knn_sampling sampling; } modes[] = {
    {"reflect_bilinear", KNN_OUTSIDE_REFLECT, KNN_SAMPLING_BILINEAR}, {"reflect_nearest", KNN_OUTSIDE_REFLECT, KNN_SAMPLING_NEAREST},
    {"wrap_bilinear", KNN_OUTSIDE_WRAP, KNN_SAMPLING_BILINEAR}, {"wrap_nearest", KNN_OUTSIDE_WRAP, KNN_SAMPLING_NEAREST},
    {"constant_bilinear", KNN_OUTSIDE_CONSTANT, KNN_SAMPLING_BILINEAR}, {"constant_nearest", KNN_OUTSIDE_CONSTANT, KNN_SAMPLING_NEAREST},
    {"nearest_bilinear", KNN_OUTSIDE_NEAREST, KNN_SAMPLING_BILINEAR}, {"nearest_nearest", KNN_OUTSIDE_NEAREST, KNN_SAMPLING_NEAREST}};
enum { MODES = sizeof modes / sizeof *modes };

static void check_map(const char *kind, const struct mode *mode, const knn_layer *layer)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%s", kind, mode->name);
    layer_prepare(&r, layer, picture, IMAGES);
    go();
    check_answer(name);
}

#define MODE .fill_mode = mode->fill, .interpolation = mode->sampling, .fill_value = 17.5
START_TEST(pictures_are_moved_as_by_keras)
{
    const struct mode *mode = &modes[_i];
    check_map("translation", mode, knn_random_translation(0.43, -0.81, .height_upper = 0.43, .width_upper = -0.81, MODE));
    check_map("rotation", mode, knn_random_rotation(0.157, .factor_upper = 0.157, MODE));
    check_map("zoom_in", mode, knn_random_zoom(-0.37, .height_upper = -0.37, MODE));
    check_map("zoom_out", mode, knn_random_zoom(0.83, 0.47, .height_upper = 0.83, .width_upper = 0.47, MODE));
}
END_TEST

/* About half of the pictures are exactly Keras' mirrored ones, the others are left alone. */
static void check_flip(const char *name, knn_flip mode)
{
    enum { MANY = 200 };
    int flipped = 0;
    const float *x = answer("x"), *y = answer(name);
    layer_prepare(&r, knn_random_flip(mode), picture, MANY);
    for (int i = 0; i < MANY; i++)
        memcpy(r.x + i * PICTURE, x, PICTURE * sizeof *x);
    layer_go(&r);
    for (int i = 0; i < MANY; i++) {
        bool is_flipped = memcmp(r.y + i * PICTURE, y, PICTURE * sizeof *y) == 0;
        ck_assert(is_flipped || memcmp(r.y + i * PICTURE, x, PICTURE * sizeof *x) == 0);
        flipped += is_flipped;
    }
    ck_assert_int_ge(flipped, MANY / 2 - 35);           /* five standard deviations */
    ck_assert_int_le(flipped, MANY / 2 + 35);
}

START_TEST(every_second_picture_is_flipped_as_by_keras)
{
    check_flip("flip_horizontal_and_vertical", KNN_FLIP_HORIZONTAL_AND_VERTICAL);
    check_flip("flip_horizontal", KNN_FLIP_HORIZONTAL);
    check_flip("flip_vertical", KNN_FLIP_VERTICAL);
}
END_TEST

static void check_contrast(const char *name, double factor, const knn_layer *layer)
{
    layer_prepare(&r, layer, picture, IMAGES);
    r.nodes[0].factor[0] = r.nodes[0].factor[1] = factor;
    go();
    check_answer(name);
}

START_TEST(colors_are_changed_as_by_keras)
{
    check_contrast("contrast_0.4", 0.4, knn_random_contrast(0.5));
    check_contrast("contrast_1.7", 1.7, knn_random_contrast(0.5));
    check_contrast("contrast_range", 1.3, knn_random_contrast(0.5, .value_low = 20, .value_high = 200));
    layer_prepare(&r, knn_random_brightness(0.3, 0.3), picture, IMAGES);
    go();
    check_answer("brightness");
    layer_prepare(&r, knn_random_brightness(-0.2, -0.2, .value_low = 10, .value_high = 200), picture, IMAGES);
    go();
    check_answer("brightness_range");
}
END_TEST

START_TEST(outside_training_nothing_happens)
{
    const knn_layer *const layers[] = {knn_random_flip(), knn_random_translation(0.5, 0.5), knn_random_rotation(0.5), knn_random_zoom(0.5),
        knn_random_contrast(0.5), knn_random_brightness(0.5)};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        layer_prepare(&r, layers[i], picture, IMAGES);
        r.training = false;
        go();
        check_floats(r.y, r.x, IMAGES * PICTURE, 0, 0);
    }
}
END_TEST

/* ---- Draws ---- */

enum { DRAWS = 100000 };
static double first[DRAWS], second[DRAWS];

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: beyond 2 / sqrt(n) in 7 of 10000 cases; the seed is fixed. Sorts. */
static void check_uniform(double *values, int n, double lower, double upper)
{
    double worst = 0;
    qsort(values, (size_t)n, sizeof *values, by_size);
    ck_assert_double_ge(values[0], lower - 1e-5);
    ck_assert_double_le(values[n - 1], upper + 1e-5);
    for (int i = 0; i < n; i++)
        worst = fmax(worst, fabs((values[i] - lower) / (upper - lower) - (i + 0.5) / n));
    ck_assert_double_lt(worst, 2 / sqrt(n));
}

static void check_uncorrelated(double first_middle, double second_middle, double first_deviation, double second_deviation)
{
    double sum = 0;
    for (int i = 0; i < DRAWS; i++)
        sum += (first[i] - first_middle) * (second[i] - second_middle);
    ck_assert_double_lt(fabs(sum / DRAWS) / (first_deviation * second_deviation), 5 / sqrt(DRAWS));
}

/* The transforms of DRAWS pictures: what `take` makes of each. */
static void draw(const knn_layer *layer, void take(const knn__image_transform *t, int i))
{
    layer_prepare(&r, layer, picture, 1);
    for (int i = 0; i < DRAWS; i++) {
        const knn__stream stream = {.seed = 11, .stream = KNN__STREAM_IMAGES, .epoch = 3, .index = (uint32_t)i};
        const knn__image_transform t = knn__image_transform_of(&r.nodes[0], &stream);
        take(&t, i);
    }
}

static void take_shifts(const knn__image_transform *t, int i)
{
    first[i] = -t->y[2] / HEIGHT;
    second[i] = -t->x[2] / WIDTH;
}

static void take_zooms(const knn__image_transform *t, int i)
{
    first[i] = (double)t->y[1] - 1;
    second[i] = (double)t->x[0] - 1;
}

static void take_angle(const knn__image_transform *t, int i) { first[i] = atan2(t->y[0], t->x[0]) / 6.283185307179586; }

START_TEST(translations_are_uniform_and_independent)
{
    draw(knn_random_translation(0.2, -0.1, .width_upper = 0.3), take_shifts);
    check_uncorrelated(0, 0.1, 0.4 / sqrt(12), 0.4 / sqrt(12));
    check_uniform(first, DRAWS, -0.2, 0.2);
    check_uniform(second, DRAWS, -0.1, 0.3);
}
END_TEST

START_TEST(rotations_are_uniform)
{
    draw(knn_random_rotation(-0.1, .factor_upper = KNN_ZERO), take_angle);
    check_uniform(first, DRAWS, -0.1, 0);
}
END_TEST

START_TEST(zooms_are_uniform_and_keep_the_aspect_ratio_where_no_width_is_given)
{
    draw(knn_random_zoom(0.3, 0.2), take_zooms);
    check_uncorrelated(0, 0, 0.6 / sqrt(12), 0.4 / sqrt(12));
    check_uniform(first, DRAWS, -0.3, 0.3);
    check_uniform(second, DRAWS, -0.2, 0.2);
    draw(knn_random_zoom(0.3), take_zooms);
    ck_assert_mem_eq(first, second, sizeof first);
    check_uniform(first, DRAWS, -0.3, 0.3);
    draw(knn_random_zoom(0.3, KNN_ZERO), take_zooms);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_double_eq(second[i], 0);
}
END_TEST

/* Each picture is one pixel of 100 (brightness), or two of 100 and 110 (contrast). */
START_TEST(brightness_and_contrast_are_uniform)
{
    layer_prepare(&r, knn_random_brightness(0.1), (knn_shape){3, {1, 1, 1}}, RUN_LENGTH);
    fill(r.x, 100, RUN_LENGTH);
    layer_go(&r);
    for (int i = 0; i < RUN_LENGTH; i++)
        first[i] = r.y[i] - 100.0;
    check_uniform(first, RUN_LENGTH, -25.5, 25.5);
    layer_prepare(&r, knn_random_contrast(0.5), (knn_shape){3, {1, 2, 1}}, RUN_LENGTH / 2);
    for (int i = 0; i < RUN_LENGTH; i++)
        r.x[i] = i % 2 == 0 ? 100 : 110;
    layer_go(&r);
    for (int i = 0; i < RUN_LENGTH / 2; i++)
        first[i] = (r.y[2 * i + 1] - r.y[2 * i]) / 10.0;
    check_uniform(first, RUN_LENGTH / 2, 1, 1.5);           /* Keras 3: a factor alone is the upper one */
}
END_TEST

START_TEST(each_step_and_each_layer_draws_anew)
{
    static float before[IMAGES * PICTURE];
    layer_prepare(&r, knn_random_rotation(0.5), picture, IMAGES);
    go();
    memcpy(before, r.y, sizeof before);
    go();
    ck_assert_mem_eq(r.y, before, sizeof before);
    r.iteration++;
    go();
    ck_assert_mem_ne(r.y, before, sizeof before);
    r.iteration--;
    r.nodes[0].layer++;
    go();
    ck_assert_mem_ne(r.y, before, sizeof before);
}
END_TEST

/* ---- Refused ---- */

static void check_refused(const knn_layer *layer, const char *text)
{
    knn_layer *copy;
    knn_shape out;
    knn_status status = knn__layer_copy(layer, &copy);
    if (status == KNN_OK)
        status = knn__layer_kind_of(copy)->shape(copy, &picture, &out);
    knn__layer_forget(copy);
    ck_assert_int_ne(status, KNN_OK);
    ck_assert_msg(strstr(knn_last_error(), text) != NULL, "%s", knn_last_error());
}

START_TEST(what_keras_refuses_is_refused)
{
    check_refused(knn_random_translation(1.5, 0), "height_factor is 1.5");
    check_refused(knn_random_zoom(0.1, -1, .width_upper = 0.5), "factor is -1");
    check_refused(knn_random_contrast(2), "factor is 2");
    check_refused(knn_resizing(0, 5), "height is 0");
    check_refused(knn_resizing(5, 5, .crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true), "exclude");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend/random images");
    TCase *cases = tcase_create("given draws");
    tcase_add_unchecked_fixture(cases, open_answers, close_answers);
    tcase_add_loop_test(cases, pictures_are_moved_as_by_keras, 0, MODES);
    tcase_add_test(cases, every_second_picture_is_flipped_as_by_keras);
    tcase_add_test(cases, colors_are_changed_as_by_keras);
    tcase_add_test(cases, outside_training_nothing_happens);
    tcase_add_test(cases, each_step_and_each_layer_draws_anew);
    suite_add_tcase(suite, cases);
    cases = tcase_create("draws");
    tcase_add_test(cases, translations_are_uniform_and_independent);
    tcase_add_test(cases, rotations_are_uniform);
    tcase_add_test(cases, zooms_are_uniform_and_keep_the_aspect_ratio_where_no_width_is_given);
    tcase_add_test(cases, brightness_and_contrast_are_uniform);
    tcase_add_test(cases, what_keras_refuses_is_refused);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
