/* Dense, activations, rescaling, dropout, batch normalization and users' layers on the reference backend, with hand values. */
#include "layer_run.h"

#include "support/check_array.h"
#include "support/check_run.h"

static layer_run r;

/* ---- Dense and rescaling ---- */

START_TEST(dense_matches_hand_values)
{
    layer_prepare(&r, knn_dense(3), (knn_shape){1, {2}}, 1);
    LAYER_SET(r.x, 1, 2);
    LAYER_SET(r.weights, 1, 2, 3, 4, 5, 6, 0.1f, 0.2f, 0.3f);
    LAYER_SET(r.dy, 1, 10, 100);
    layer_go(&r);
    check_numbers(r.y, 9.1f, 12.2f, 15.3f);
    check_numbers(r.dx, 321, 654);
    check_numbers(r.gradients, 1, 10, 100, 2, 20, 200, 1, 10, 100);
}
END_TEST

START_TEST(dense_works_on_the_last_axis)
{
    layer_prepare(&r, knn_dense(1, .no_bias = true), (knn_shape){2, {3, 2}}, 1);
    LAYER_SET(r.x, 1, 2, 3, 4, 5, 6);
    LAYER_SET(r.weights, 1, 10);
    LAYER_SET(r.dy, 1, 2, 3);
    layer_go(&r);
    check_numbers(r.y, 21, 43, 65);
    check_numbers(r.dx, 1, 10, 2, 20, 3, 30);
    check_numbers(r.gradients, 1 + 6 + 15, 2 + 8 + 18);
}
END_TEST

START_TEST(rescaling_scales_then_adds)
{
    layer_prepare(&r, knn_rescaling(0.5, .offset = -1), (knn_shape){1, {3}}, 1);
    LAYER_SET(r.x, 0, 2, 255);
    LAYER_SET(r.dy, 1, 2, 3);
    layer_go(&r);
    check_numbers(r.y, -1, 0, 126.5f);
    check_numbers(r.dx, 0.5f, 1, 1.5f);
}
END_TEST

/* ---- Activations ---- */

typedef struct point { knn_activation activation; float x, y, slope; } point;

/* Keras 3's values and slopes; the kinks are in keras-semantics' list: relu(0) 0, elu(0) 1, selu(0) 1.0507, hard_sigmoid(+-3) 0. */
static const point points[] = {
    {KNN_RELU, 2, 2, 1}, {KNN_RELU, -2, 0, 0}, {KNN_RELU, 0, 0, 0},
    {KNN_SIGMOID, 0, 0.5f, 0.25f}, {KNN_SIGMOID, -100, 3.783506e-44f, 3.783506e-44f}, {KNN_SIGMOID, 100, 1, 0},
    {KNN_TANH, 1, 0.76159416f, 0.41997434f},
    {KNN_ELU, 2, 2, 1}, {KNN_ELU, -1, -0.63212056f, 0.36787944f}, {KNN_ELU, 0, 0, 1},
    {KNN_SELU, 2, 2.1014020f, 1.0507010f}, {KNN_SELU, -1, -1.1113307f, 0.64676860f}, {KNN_SELU, 0, 0, 1.0507010f},
    {KNN_SOFTPLUS, 0, 0.69314718f, 0.5f}, {KNN_SOFTPLUS, 1000, 1000, 1}, {KNN_SOFTPLUS, -1000, 0, 0},
    {KNN_SWISH, 1, 0.73105858f, 0.92767051f}, {KNN_SWISH, 0, 0, 0.5f},
    {KNN_GELU, 1, 0.84134475f, 1.0833155f}, {KNN_GELU, 0, 0, 0.5f},
    {KNN_HARD_SIGMOID, 1, 2.0f / 3, 1.0f / 6}, {KNN_HARD_SIGMOID, 3, 1, 0}, {KNN_HARD_SIGMOID, -3, 0, 0},
    {KNN_HARD_SIGMOID, 4, 1, 0}, {KNN_HARD_SIGMOID, -4, 0, 0},
    {KNN_SOFTSIGN, -3, -0.75f, 0.0625f}, {KNN_SOFTSIGN, 0, 0, 1},
    {KNN_EXPONENTIAL, 1, 2.7182818f, 2.7182818f},
    {KNN_RELU6, 3, 3, 1}, {KNN_RELU6, 7, 6, 0}, {KNN_RELU6, 6, 6, 0}, {KNN_RELU6, -1, 0, 0},
    {KNN_LEAKY_RELU, -2, -0.4f, 0.2f}, {KNN_LEAKY_RELU, 3, 3, 1}, {KNN_LEAKY_RELU, 0, 0, 0.2f},
    {KNN_MISH, 1, 0.86509839f, 1.0490363f}, {KNN_MISH, 0, 0, 0.6f}, {KNN_MISH, -1000, 0, 0},
    {KNN_CELU, 2, 2, 1}, {KNN_CELU, -1, -0.63212056f, 0.36787944f},
    {KNN_LOG_SIGMOID, 0, -0.69314718f, 0.5f}, {KNN_LOG_SIGMOID, -1000, -1000, 1}, {KNN_LOG_SIGMOID, 1000, 0, 0},
    {KNN_HARD_SILU, 1, 2.0f / 3, 5.0f / 6}, {KNN_HARD_SILU, 3, 3, 1}, {KNN_HARD_SILU, -3, 0, 0},
    {KNN_HARD_TANH, 0.5f, 0.5f, 1}, {KNN_HARD_TANH, 2, 1, 0}, {KNN_HARD_TANH, -1, -1, 1},
    {KNN_HARD_SHRINK, -2, -2, 1}, {KNN_HARD_SHRINK, 0.5f, 0, 0}, {KNN_SOFT_SHRINK, -2, -1.5f, 1}, {KNN_SOFT_SHRINK, 0.5f, 0, 0},
    {KNN_TANH_SHRINK, 1, 0.23840584f, 0.58002566f},
    {KNN_SPARSE_PLUS, 0, 0.25f, 0.5f}, {KNN_SPARSE_PLUS, 2, 2, 1}, {KNN_SPARSE_PLUS, -1, 0, 0},
    {KNN_SPARSE_SIGMOID, 0, 0.5f, 0.5f}, {KNN_SPARSE_SIGMOID, 1, 1, 0}, {KNN_SQUAREPLUS, 0, 1, 0.5f}};

START_TEST(activations_match_hand_values_and_slopes)
{
    const point p = points[_i];
    layer_prepare(&r, knn_activation(p.activation), (knn_shape){1, {1}}, 1);
    r.x[0] = p.x;
    r.dy[0] = 2;
    layer_go(&r);
    check_numbers(r.y, p.y);
    check_numbers(r.dx, 2 * p.slope);
}
END_TEST

START_TEST(relu_lets_nan_through)
{
    layer_prepare(&r, knn_activation(KNN_RELU), (knn_shape){1, {1}}, 1);
    r.x[0] = NAN;
    layer_go(&r);
    ck_assert(isnan(r.y[0]));
}
END_TEST

START_TEST(softmax_is_over_the_channels_and_does_not_overflow)
{
    layer_prepare(&r, knn_activation(KNN_SOFTMAX), (knn_shape){2, {2, 3}}, 1);
    LAYER_SET(r.x, 1, 2, 3, 1001, 1002, 1003);
    LAYER_SET(r.dy, 1, 0, 0, 0, 0, 1);
    layer_go(&r);
    check_numbers(r.y, 0.09003057f, 0.24472847f, 0.66524096f, 0.09003057f, 0.24472847f, 0.66524096f);
    check_numbers(r.dx, 0.08192507f, -0.02203304f, -0.05989202f, -0.05989202f, -0.16280343f, 0.22269543f);
}
END_TEST

/* ---- Dropout ---- */

START_TEST(log_softmax_does_not_overflow)
{
    layer_prepare(&r, knn_activation(KNN_LOG_SOFTMAX), (knn_shape){1, {2}}, 2);
    LAYER_SET(r.x, 0, 0, 1000, -1000);
    LAYER_SET(r.dy, 1, 0, 1, 0);
    layer_go(&r);
    check_numbers(r.y, -0.69314718f, -0.69314718f, 0, -2000);
    check_numbers(r.dx, 0.5f, -0.5f, 0, 0);
}
END_TEST

/* The support is 1 and 0.5; its partial sums 1 and 1.5 give the threshold (1 + 1.5 - 1) / 2, of which 0.5 lies below. */
START_TEST(sparsemax_is_that_of_keras)
{
    layer_prepare(&r, knn_activation(KNN_SPARSEMAX), (knn_shape){1, {3}}, 1);
    LAYER_SET(r.x, 0.5f, 1, -1);
    LAYER_SET(r.dy, 0, 1, 0);
    layer_go(&r);
    check_numbers(r.y, 0, 0.25f, 0);
    check_numbers(r.dx, -0.5f, 0, 0);
}
END_TEST

/* With distances from the maximum: e^0, e^-ln 3: 3/4 and 1/4, down the columns. */
START_TEST(softmax_runs_over_any_axis)
{
    layer_prepare(&r, knn_softmax(KNN_AXIS(1)), (knn_shape){2, {2, 2}}, 1);
    LAYER_SET(r.x, 1.0986123f, 0, 0, 0);
    LAYER_SET(r.dy, 1, 1, 0, 0);
    layer_go(&r);
    check_numbers(r.y, 0.75f, 0.5f, 0.25f, 0.5f);
    check_numbers(r.dx, 0.1875f, 0.25f, -0.1875f, -0.25f);
}
END_TEST

START_TEST(rectifiers_match_hand_values)
{
    layer_prepare(&r, knn_relu(3, 0.5, 1), (knn_shape){1, {4}}, 1);
    LAYER_SET(r.x, -1, 1, 2, 5);
    fill(r.dy, 2, 4);
    layer_go(&r);
    check_numbers(r.y, -1, 0, 2, 3);
    check_numbers(r.dx, 1, 0, 2, 0);
    layer_prepare(&r, knn_elu(2), (knn_shape){1, {2}}, 1);
    LAYER_SET(r.x, -1, 3);
    fill(r.dy, 1, 2);
    layer_go(&r);
    check_numbers(r.y, -1.2642411f, 3);
    check_numbers(r.dx, 0.73575888f, 1);
}
END_TEST

START_TEST(prelu_matches_hand_values)
{
    layer_prepare(&r, knn_prelu(KNN_AXIS(1)), (knn_shape){2, {2, 2}}, 2);
    LAYER_SET(r.x, -1, 2, -3, -4, 5, 6, -7, 8);
    LAYER_SET(r.weights, 0.5f, 0.25f);
    LAYER_SET(r.dy, 1, 1, 1, 2, 1, 1, 10, 1);
    layer_go(&r);
    check_numbers(r.y, -0.5f, 2, -1.5f, -1, 5, 6, -3.5f, 8);
    check_numbers(r.dx, 0.5f, 1, 0.5f, 0.5f, 1, 1, 5, 1);
    check_numbers(r.gradients, -1 - 3 - 70, -8);
}
END_TEST

START_TEST(dropout_keeps_its_share_and_divides_by_it)
{
    enum { N = 10000 };
    int kept = 0;
    layer_prepare(&r, knn_dropout(0.3), (knn_shape){1, {N}}, 1);
    fill(r.x, 1, N);
    fill(r.dy, 1, N);
    layer_go(&r);
    for (int i = 0; i < N; i++) {
        ck_assert(r.y[i] == 0 || fabsf(r.y[i] - 1 / 0.7f) < 1e-6f);
        kept += r.y[i] != 0;
    }
    ck_assert_int_ge(kept, 6800);                       /* 7000 with a deviation of 46 */
    ck_assert_int_le(kept, 7200);
    check_floats(r.dx, r.y, N, 0, 0);                   /* the same mask backward */
}
END_TEST

static void draw_mask(float *mask, uint64_t seed, uint32_t iteration, int layer)
{
    layer_prepare(&r, knn_dropout(0.5), (knn_shape){1, {64}}, 2);
    r.seed = seed;
    r.iteration = iteration;
    r.nodes[0].layer = layer;
    fill(r.x, 1, 128);
    layer_go(&r);
    layer_set(mask, r.y, 128);
}

START_TEST(dropout_depends_on_seed_iteration_layer_and_place_only)
{
    float first[128], again[128], other[4][128];
    draw_mask(first, 1, 1, 1);
    draw_mask(again, 1, 1, 1);
    check_floats(again, first, 128, 0, 0);
    draw_mask(other[0], 2, 1, 1);
    draw_mask(other[1], 1, 2, 1);
    draw_mask(other[2], 1, 1, 2);
    for (int i = 0; i < 3; i++)
        ck_assert(memcmp(first, other[i], sizeof first) != 0);
    ck_assert(memcmp(first, first + 64, 64 * sizeof *first) != 0);          /* the second image has another mask */
}
END_TEST

START_TEST(dropout_of_everything_gives_zeros)
{
    layer_prepare(&r, knn_dropout(1), (knn_shape){1, {4}}, 1);
    fill(r.x, 3, 4);
    fill(r.dy, 3, 4);
    layer_go(&r);
    check_numbers(r.y, 0, 0, 0, 0);
    check_numbers(r.dx, 0, 0, 0, 0);
}
END_TEST

/* ---- Batch normalization: x 1, 2, 3, 4 has mean 2.5 and biased variance 1.25; epsilon 0.75 makes the root sqrt 2 ---- */

static void prepare_normalization(const knn_layer *layer)
{
    layer_prepare(&r, layer, (knn_shape){1, {1}}, 4);
    LAYER_SET(r.x, 1, 2, 3, 4);
    LAYER_SET(r.weights, 2, 1, 0, 1);                   /* gamma, beta, moving mean, moving variance */
    LAYER_SET(r.dy, 1, 0, 0, 0);
}

START_TEST(normalization_takes_the_batch_and_moves_its_statistics)
{
    const float root = 1.41421356f;
    prepare_normalization(knn_batch_normalization(.momentum = 0.9, .epsilon = 0.75));
    layer_go(&r);
    check_numbers(r.y, 1 - 3 / root, 1 - 1 / root, 1 + 1 / root, 1 + 3 / root);
    check_numbers(r.weights, 2, 1, 0.25f, 1.025f);
    check_numbers(r.gradients, -1.5f / root, 1, 0, 0);
    /* gamma / root (dy - 1/4 - n_i sum(dy n) / 4), n = (x - 2.5) / root */
    check_numbers(r.dx, 2 / root * (0.75f - 1.125f / 4), 2 / root * (-0.25f - 0.375f / 4), 2 / root * (-0.25f + 0.375f / 4),
                  2 / root * (-0.25f + 1.125f / 4));
}
END_TEST

START_TEST(normalization_outside_training_takes_the_moving_statistics)
{
    prepare_normalization(knn_batch_normalization(.epsilon = 0.75));
    LAYER_SET(r.weights, 2, 1, 3, 0.25f);
    r.training = false;
    layer_go(&r);
    check_numbers(r.y, -3, -1, 1, 3);
    check_numbers(r.weights, 2, 1, 3, 0.25f);
}
END_TEST

START_TEST(frozen_normalization_takes_the_moving_statistics_in_training)
{
    prepare_normalization(knn_batch_normalization(.epsilon = 0.75, .frozen = true));
    LAYER_SET(r.weights, 2, 1, 3, 0.25f);
    layer_go(&r);
    check_numbers(r.y, -3, -1, 1, 3);
    check_numbers(r.dx, 2, 0, 0, 0);
    check_numbers(r.weights, 2, 1, 3, 0.25f);
    check_numbers(r.gradients, 0, 0, 0, 0);
}
END_TEST

/* The same numbers, as one sample. */
START_TEST(layer_normalization_takes_the_sample)
{
    const float root = 1.41421356f;
    layer_prepare(&r, knn_layer_normalization(.epsilon = 0.75), (knn_shape){1, {4}}, 1);
    LAYER_SET(r.x, 1, 2, 3, 4);
    LAYER_SET(r.weights, 2, 2, 2, 2, 1, 1, 1, 1);
    LAYER_SET(r.dy, 1, 0, 0, 0);
    layer_go(&r);
    check_numbers(r.y, 1 - 3 / root, 1 - 1 / root, 1 + 1 / root, 1 + 3 / root);
    check_numbers(r.gradients, -1.5f / root, 0, 0, 0, 1, 0, 0, 0);
    check_numbers(r.dx, 2 / root * (0.75f - 1.125f / 4), 2 / root * (-0.25f - 0.375f / 4), 2 / root * (-0.25f + 0.375f / 4),
                  2 / root * (-0.25f + 1.125f / 4));
}
END_TEST

/* Two positions, two groups of two channels; the second group has no variance. */
START_TEST(group_normalization_takes_groups_of_channels)
{
    const float root = 1.41421356f;
    layer_prepare(&r, knn_group_normalization(2, .epsilon = 0.75, .no_scale = true), (knn_shape){3, {1, 2, 4}}, 1);
    LAYER_SET(r.x, 1, 3, 10, 10, 2, 4, 10, 10);
    LAYER_SET(r.weights, 0, 0, 7, 0);
    LAYER_SET(r.dy, 0, 0, 1, 0, 0, 0, 2, 0);
    layer_go(&r);
    check_numbers(r.y, -1.5f / root, 0.5f / root, 7, 0, -0.5f / root, 1.5f / root, 7, 0);
    check_numbers(r.gradients, 0, 0, 3, 0);
    const float inverse = 1 / sqrtf(0.75f);             /* of the second group: dx = (dy - 3 / 4) / deviation */
    check_numbers(r.dx, 0, 0, 0.25f * inverse, -0.75f * inverse, 0, 0, 1.25f * inverse, -0.75f * inverse);
}
END_TEST

/* ---- A user's layer: y = x w, w one number ---- */

typedef struct scale_layer { knn_layer layer; } scale_layer;

static knn_status scale_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    (void)layer;
    *out = *in;
    return KNN_OK;
}

static int scale_weights(const knn_layer *layer, const knn_shape *in, int index, int shape[4])
{
    (void)layer, (void)in;
    shape[0] = 1;
    return index == 0 ? 1 : 0;
}

static void scale_forward(const knn_layer *layer, const knn_layer_call *call)
{
    (void)layer;
    for (int i = 0; i < call->images * call->in.size[0]; i++)
        call->y[i] = call->x[i] * call->weights[0][0];
}

static void scale_backward(const knn_layer *layer, const knn_layer_call *call)
{
    (void)layer;
    for (int i = 0; i < call->images * call->in.size[0]; i++) {
        call->gradients[0][0] += call->x[i] * call->dy[i];
        if (call->dx != NULL)
            call->dx[i] = call->weights[0][0] * call->dy[i];
    }
}

static const knn_layer_class scale_class = {sizeof(knn_layer_class), "Test>Scale", sizeof(scale_layer), NULL, scale_shape, scale_weights,
                                            scale_forward, scale_backward};

START_TEST(a_users_layer_gets_all_images_and_its_gradients_are_summed)
{
    const scale_layer scale = {{"Test>Scale", sizeof(scale_layer), &scale_class}};
    layer_prepare(&r, &scale.layer, (knn_shape){1, {2}}, 5);
    for (int i = 0; i < 10; i++)
        r.x[i] = (float)i;
    fill(r.dy, 1, 10);
    r.weights[0] = 3;
    layer_go(&r);
    check_numbers(r.y, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27);
    check_numbers(r.dx, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3);
    check_numbers(r.gradients, 45);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_reference_layers");
    TCase *plain = tcase_create("plain"), *activations = tcase_create("activations"), *dropout = tcase_create("dropout");
    TCase *normalization = tcase_create("normalization"), *users = tcase_create("users");
    tcase_add_test(plain, dense_matches_hand_values);
    tcase_add_test(plain, dense_works_on_the_last_axis);
    tcase_add_test(plain, rescaling_scales_then_adds);
    tcase_add_loop_test(activations, activations_match_hand_values_and_slopes, 0, (int)(sizeof points / sizeof *points));
    tcase_add_test(activations, relu_lets_nan_through);
    tcase_add_test(activations, softmax_is_over_the_channels_and_does_not_overflow);
    tcase_add_test(activations, log_softmax_does_not_overflow);
    tcase_add_test(activations, sparsemax_is_that_of_keras);
    tcase_add_test(activations, softmax_runs_over_any_axis);
    tcase_add_test(activations, rectifiers_match_hand_values);
    tcase_add_test(activations, prelu_matches_hand_values);
    tcase_add_test(dropout, dropout_keeps_its_share_and_divides_by_it);
    tcase_add_test(dropout, dropout_depends_on_seed_iteration_layer_and_place_only);
    tcase_add_test(dropout, dropout_of_everything_gives_zeros);
    tcase_add_test(normalization, normalization_takes_the_batch_and_moves_its_statistics);
    tcase_add_test(normalization, normalization_outside_training_takes_the_moving_statistics);
    tcase_add_test(normalization, frozen_normalization_takes_the_moving_statistics_in_training);
    tcase_add_test(normalization, layer_normalization_takes_the_sample);
    tcase_add_test(normalization, group_normalization_takes_groups_of_channels);
    tcase_add_test(users, a_users_layer_gets_all_images_and_its_gradients_are_summed);
    suite_add_tcase(s, plain);
    suite_add_tcase(s, activations);
    suite_add_tcase(s, dropout);
    suite_add_tcase(s, normalization);
    suite_add_tcase(s, users);
    return s;
}

int main(void) { return check_run(suite()); }
