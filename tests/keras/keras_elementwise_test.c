/* Activations, rectifiers, softmaxes, normalizations within a sample, against Keras (fixtures/layers/make_elementwise_fixtures.py): outputs,
 * gradients of inputs and weights, at the kinks, too; and what random layers draw, which no fixture can have. */
#include "support/check_run.h"
#include "support/layer_fixture.h"

#include <math.h>

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/layers/elementwise.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

static void check(const char *name, const knn_layer *layer)
{
    layer_case_check(&(layer_case){stored, name, 1e-5}, layer);
}

START_TEST(activations)
{
    static const char *const names[] = {"relu6", "leaky_relu", "mish", "celu", "log_sigmoid", "log_softmax", "hard_silu", "hard_tanh",
                                        "hard_shrink", "soft_shrink", "tanh_shrink", "sparse_plus", "sparse_sigmoid", "squareplus",
                                        "sparsemax"};
    for (int i = KNN_RELU6; i <= KNN_SPARSEMAX; i++)
        check(names[i - KNN_RELU6], knn_activation((knn_activation)i));
}
END_TEST

START_TEST(relu)
{
    check("relu", knn_relu());
    check("relu_max", knn_relu(2));
    check("relu_max_0", knn_relu(KNN_ZERO, .negative_slope = 0.1));
    check("relu_max_6", knn_relu(6));
    check("relu_slope", knn_relu(.negative_slope = 0.25));
    check("relu_slope_max_6", knn_relu(6, .negative_slope = 0.25));
    check("relu_threshold", knn_relu(.threshold = 1));
    check("relu_all", knn_relu(2, 0.1, 1));
    check("relu_all_6", knn_relu(6, 0.1, 1));
    check("relu_max_below", knn_relu(1, 0.1, 2));
}
END_TEST

START_TEST(leaky_relu_and_elu)
{
    check("leaky", knn_leaky_relu());
    check("leaky_slope", knn_leaky_relu(0.2));
    check("elu", knn_elu());
    check("elu_alpha", knn_elu(0.5));
}
END_TEST

START_TEST(prelu)
{
    check("prelu", knn_prelu());
    check("prelu_channels", knn_prelu(KNN_AXIS(1) | KNN_AXIS(2)));
    check("prelu_rows", knn_prelu(KNN_AXIS(2) | KNN_AXIS(3)));
    check("prelu_columns", knn_prelu(KNN_AXIS(2)));
    check("prelu_vector", knn_prelu());
}
END_TEST

START_TEST(softmax)
{
    check("softmax", knn_softmax());
    check("softmax_rows", knn_softmax(KNN_AXIS(1)));
    check("softmax_columns", knn_softmax(KNN_AXIS(-2)));
    check("softmax_pictures", knn_softmax(KNN_AXIS(1) | KNN_AXIS(2)));
}
END_TEST

START_TEST(layer_normalization)
{
    check("layer", knn_layer_normalization());
    check("layer_vector", knn_layer_normalization(.epsilon = 0.1));
    check("layer_two", knn_layer_normalization(KNN_AXIS(2) | KNN_AXIS(3)));
    check("layer_all", knn_layer_normalization(KNN_AXIS(-1) | KNN_AXIS(-2) | KNN_AXIS(-3)));
    check("layer_no_beta", knn_layer_normalization(.no_center = true));
    check("layer_no_gamma", knn_layer_normalization(.no_scale = true));
}
END_TEST

START_TEST(group_normalization)
{
    check("group", knn_group_normalization(2));
    check("group_32", knn_group_normalization());
    check("group_instances", knn_group_normalization(-1, .epsilon = 1e-2));
    check("group_vector", knn_group_normalization(4, .no_center = true));
    check("group_bare", knn_group_normalization(3, .no_center = true, .no_scale = true));
}
END_TEST

START_TEST(embedding)
{
    check("embedding", knn_embedding(5, 3));
    check("embedding_rows", knn_embedding(9, 4));
}
END_TEST

/* ---- Random layers ---- */

START_TEST(random_layers_change_nothing_outside_training)
{
    static const char *const names[] = {"spatial_dropout", "spatial_dropout_1d", "noise", "gaussian_dropout"};
    const knn_layer *const layers[] = {knn_spatial_dropout2d(0.5), knn_spatial_dropout1d(0.5), knn_gaussian_noise(0.5),
                                       knn_gaussian_dropout(0.5)};
    for (int i = 0; i < 4; i++) {
        const layer_case c = {stored, names[i], 0};
        knn_model *model = layer_case_model(&c, layers[i], "cpu");
        layer_case_predict(&c, model);
        knn_model_free(model);
    }
}
END_TEST

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
    Suite *suite = suite_create("keras/elementwise");
    TCase *layers = tcase_create("layers"), *draws = tcase_create("draws");
    tcase_set_timeout(layers, 60);
    tcase_set_timeout(draws, 60);
    tcase_add_checked_fixture(layers, setup, teardown);
    tcase_add_test(layers, activations);
    tcase_add_test(layers, relu);
    tcase_add_test(layers, leaky_relu_and_elu);
    tcase_add_test(layers, prelu);
    tcase_add_test(layers, softmax);
    tcase_add_test(layers, layer_normalization);
    tcase_add_test(layers, group_normalization);
    tcase_add_test(layers, embedding);
    tcase_add_test(layers, random_layers_change_nothing_outside_training);
    tcase_add_loop_test(draws, gaussian_noise_is_normal_and_hands_gradients_on, 0, 2);
    tcase_add_loop_test(draws, gaussian_dropout_multiplies_with_normal_numbers, 0, 2);
    tcase_add_loop_test(draws, spatial_dropout_drops_whole_channels, 0, 2);
    tcase_add_test(draws, backends_draw_the_same_numbers);
    suite_add_tcase(suite, layers);
    suite_add_tcase(suite, draws);
    return check_run(suite);
}
