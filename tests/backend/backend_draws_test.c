/* What random layers draw in training, which no fixture can have: the distribution, from 1e5 draws, and that gradients see the same draws. */
#include "core/memory.h"
#include "model/model.h"
#include "support/check_array.h"
#include "support/check_run.h"

#include <knn/knn.h>

#include <math.h>
#include <string.h>

enum { ROWS = 10, COLUMNS = 20, CHANNELS = 100, IMAGES = 5, PICTURE = ROWS * COLUMNS * CHANNELS, DRAWS = IMAGES * PICTURE };     /* 1e5 */

/* y = layer(1, 1, ..) in training, of IMAGES pictures, and dx for dy = 1, 1, ...; both to be freed. */
static void draw(const knn_layer *layer, const char *backend, float **y, float **dx)
{
    knn_node *nodes;
    knn__plan *plan;
    int count;
    knn_model *model = knn_sequential(.backend = backend);
    float *ones = malloc(DRAWS * sizeof *ones);
    for (int i = 0; i < DRAWS; i++)
        ones[i] = 1;
    knn_add(model, knn_input(ROWS, COLUMNS, CHANNELS));
    ck_assert_msg(knn_add(model, layer) == KNN_OK, "%s", knn_last_error());
    ck_assert_int_eq(knn__model_nodes(model, &nodes, &count), KNN_OK);
    const knn__plan_options options = {.backend = model->backend, .nodes = nodes, .count = count, .training = true, .capacity = IMAGES,
        .threads = 1, .input_gradient = true};
    const knn_run run = {.images = IMAGES, .training = true, .seed = 5, .iteration = 3};
    ck_assert_msg(knn__plan_make(&options, &plan) == KNN_OK, "%s", knn_last_error());
    *y = malloc(DRAWS * sizeof **y);
    *dx = malloc(DRAWS * sizeof **dx);
    memcpy(*y, knn__plan_forward(plan, ones, &run), DRAWS * sizeof **y);
    memcpy(knn__plan_loss_gradient(plan), ones, DRAWS * sizeof *ones);
    knn__plan_backward(plan);
    memcpy(*dx, knn__plan_input_gradient(plan), DRAWS * sizeof **dx);
    knn__plan_free(plan);
    knn__free(nodes);
    knn_model_free(model);
    free(ones);
}

static void check_between(const char *what, double got, double expected, double margin)
{
    ck_assert_msg(fabs(got - expected) <= margin, "%s: expected %g +- %g, got %g", what, expected, margin, got);
}

/* 1e5 draws: mean, deviation, skewness, the share within one deviation, and the correlation of neighbours lie within four standard errors;
 * and the largest distance of the distribution from the normal one within 1.95 / sqrt(n) (Kolmogorov and Smirnov, 0.1 %), on a grid. */
static void check_normal(const float *y, double mean, double deviation)
{
    enum { CELLS = 64 };
    double sum = 0, squares = 0, cubes = 0, neighbours = 0, before = 0, root = sqrt(DRAWS);
    long cell[CELLS] = {0}, below = 0, within = 0;
    for (int i = 0; i < DRAWS; i++) {
        double z = ((double)y[i] - mean) / deviation;
        sum += z;
        squares += z * z;
        cubes += z * z * z;
        neighbours += z * before;
        before = z;
        within += fabs(z) < 1;
        int place = (int)floor((z + 4) * CELLS / 8);
        cell[place < 0 ? 0 : place >= CELLS ? CELLS - 1 : place]++;
    }
    check_between("mean", sum / DRAWS, 0, 4 / root);
    check_between("variance", squares / DRAWS, 1, 4 * sqrt(2) / root);
    check_between("third moment", cubes / DRAWS, 0, 4 * sqrt(15) / root);
    check_between("neighbours", neighbours / DRAWS, 0, 4 / root);
    check_between("within a deviation", (double)within / DRAWS, erf(sqrt(0.5)), 4 * sqrt(0.683 * 0.317) / root);
    for (int i = 0; i < CELLS - 1; i++) {
        below += cell[i];
        check_between("distribution", (double)below / DRAWS, 0.5 * erfc(-((i + 1) * 8.0 / CELLS - 4) * sqrt(0.5)), 1.95 / root);
    }
}

static const char *const backends[] = {"reference", "cpu"};

START_TEST(gaussian_noise_is_normal_and_hands_gradients_on)
{
    float *y, *dx;
    draw(knn_gaussian_noise(0.25), backends[_i], &y, &dx);
    check_normal(y, 1, 0.25);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_float_eq(dx[i], 1);
    free(y);
    free(dx);
}
END_TEST

/* Of ones, y is the factors, which are those of the gradients, too. */
START_TEST(gaussian_dropout_multiplies_with_normal_numbers)
{
    float *y, *dx;
    draw(knn_gaussian_dropout(0.2), backends[_i], &y, &dx);
    check_normal(y, 1, sqrt(0.2 / 0.8));
    ck_assert_mem_eq(y, dx, DRAWS * sizeof *y);
    free(y);
    free(dx);
}
END_TEST

/* All positions of a channel share their fate: 500 draws, kept with probability 0.7, within four standard errors. Other images differ. */
START_TEST(spatial_dropout_drops_whole_channels)
{
    float *y, *dx;
    int kept = 0, alike = 0;
    draw(knn_spatial_dropout2d(0.3), backends[_i], &y, &dx);
    for (int i = 0; i < DRAWS; i++) {
        ck_assert_float_eq(y[i], y[i / PICTURE * PICTURE + i % CHANNELS]);
        ck_assert_msg(y[i] == 0 || fabsf(y[i] - 1 / 0.7f) < 1e-6f, "%g", (double)y[i]);
    }
    for (int i = 0; i < IMAGES * CHANNELS; i++) {
        kept += y[i / CHANNELS * PICTURE + i % CHANNELS] > 0;
        alike += y[i / CHANNELS * PICTURE + i % CHANNELS] == y[i % CHANNELS];
    }
    check_between("kept", kept / 500.0, 0.7, 4 * sqrt(0.7 * 0.3 / 500));
    ck_assert_int_lt(alike, IMAGES * CHANNELS);
    ck_assert_mem_eq(y, dx, DRAWS * sizeof *y);
    free(y);
    free(dx);
}
END_TEST

/* The same seed and iteration draw the same numbers on both backends. */
START_TEST(backends_draw_the_same_numbers)
{
    float *y[2], *dx[2];
    for (int i = 0; i < 2; i++)
        draw(knn_gaussian_noise(1), backends[i], &y[i], &dx[i]);
    check_floats(y[1], y[0], DRAWS, 1e-5, 1e-5);
    for (int i = 0; i < 2; i++) {
        free(y[i]);
        free(dx[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backend/draws");
    TCase *draws = tcase_create("draws");
    tcase_set_timeout(draws, 60);
    tcase_add_loop_test(draws, gaussian_noise_is_normal_and_hands_gradients_on, 0, 2);
    tcase_add_loop_test(draws, gaussian_dropout_multiplies_with_normal_numbers, 0, 2);
    tcase_add_loop_test(draws, spatial_dropout_drops_whole_channels, 0, 2);
    tcase_add_test(draws, backends_draw_the_same_numbers);
    suite_add_tcase(suite, draws);
    return check_run(suite);
}
