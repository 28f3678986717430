/* Losses and optimizers of the reference backend with hand values, most of them Keras' own. Gradients in general: the kernel harness. */
#include "backend/backend.h"

#include "support/check_array.h"
#include "support/check_run.h"

/* ---- Losses ---- */

typedef struct result { double value[4]; float gradient[16]; } result;

static result loss(knn__loss_call call, const float *prediction, const float *target)
{
    result made = {{0}, {0}};
    call.prediction = prediction;
    call.target = target;
    call.value = made.value;
    call.gradient = made.gradient;
    knn__reference_backend.loss(&call);
    return made;
}

static result loss_of(knn__loss_op op, bool from_logits, int outputs, const float *prediction, const float *target)
{
    const knn__loss_call call = {.op = op, .from_logits = from_logits, .images = 1, .positions = 1, .outputs = outputs};
    return loss(call, prediction, target);
}

#define NUMBERS(...) ((const float[]){__VA_ARGS__})
#define check_value(got, expected) ck_assert_double_eq_tol(got, expected, 1e-6)

START_TEST(binary_crossentropy_of_logit_zero_is_ln_2)
{
    result at_1 = loss_of(KNN_LOSS_BINARY_CROSSENTROPY, true, 1, NUMBERS(0), NUMBERS(1));
    result at_0 = loss_of(KNN_LOSS_BINARY_CROSSENTROPY, true, 1, NUMBERS(0), NUMBERS(0));
    check_value(at_1.value[0], 0.69314718);
    check_value(at_1.gradient[0], -0.5);
    check_value(at_0.gradient[0], 0.5);
}
END_TEST

START_TEST(binary_crossentropy_of_large_logits_does_not_overflow)
{
    result wrong = loss_of(KNN_LOSS_BINARY_CROSSENTROPY, true, 1, NUMBERS(-500), NUMBERS(1));
    result right = loss_of(KNN_LOSS_BINARY_CROSSENTROPY, true, 1, NUMBERS(500), NUMBERS(1));
    check_value(wrong.value[0], 500);
    check_value(wrong.gradient[0], -1);
    check_value(right.value[0], 0);
    check_value(right.gradient[0], 0);
}
END_TEST

START_TEST(binary_crossentropy_clips_probabilities)
{
    result clipped = loss_of(KNN_LOSS_BINARY_CROSSENTROPY, false, 1, NUMBERS(0), NUMBERS(1));
    result inside = loss_of(KNN_LOSS_BINARY_CROSSENTROPY, false, 2, NUMBERS(0.25f, 0.5f), NUMBERS(1, 0));
    check_value(clipped.value[0], 16.118095);
    check_value(clipped.gradient[0], 0);
    check_value(inside.value[0], (1.3862944 + 0.6931472) / 2);
    check_value(inside.gradient[0], -2);
    check_value(inside.gradient[1], 1);
}
END_TEST

START_TEST(label_smoothing_moves_labels_towards_the_middle)
{
    knn__loss_call binary = {.op = KNN_LOSS_BINARY_CROSSENTROPY, .from_logits = true, .label_smoothing = 0.2, .images = 1, .positions = 1,
        .outputs = 1};
    knn__loss_call categorical = {.op = KNN_LOSS_CATEGORICAL_CROSSENTROPY, .from_logits = true, .label_smoothing = 0.2, .images = 1,
        .positions = 1, .outputs = 4};
    result b = loss(binary, NUMBERS(0), NUMBERS(1));
    result c = loss(categorical, NUMBERS(0, 0, 0, 0), NUMBERS(1, 0, 0, 0));
    check_value(b.gradient[0], 0.5 - 0.9);
    check_value(c.gradient[0], 0.25 - 0.85);
    check_value(c.gradient[1], 0.25 - 0.05);
}
END_TEST

START_TEST(categorical_crossentropy_normalizes_probabilities)
{
    result made = loss_of(KNN_LOSS_CATEGORICAL_CROSSENTROPY, false, 3, NUMBERS(0.2f, 0.2f, 0.2f), NUMBERS(0, 1, 0));
    check_value(made.value[0], 1.0986123);
    check_value(made.gradient[0], 1 / 0.6);             /* d ln(sum p): the sum matters, too */
    check_value(made.gradient[1], 1 / 0.6 - 1 / 0.2);
}
END_TEST

START_TEST(categorical_crossentropy_of_logits_is_softmax_minus_target)
{
    result made = loss_of(KNN_LOSS_CATEGORICAL_CROSSENTROPY, true, 3, NUMBERS(1001, 1002, 1003), NUMBERS(0, 0, 1));
    check_value(made.value[0], 0.40760596);
    check_value(made.gradient[0], 0.09003057);
    check_value(made.gradient[1], 0.24472847);
    check_value(made.gradient[2], 0.66524096 - 1);
}
END_TEST

START_TEST(sparse_labels_are_numbers_of_classes)
{
    for (int logits = 0; logits <= 1; logits++) {
        const float *p = logits ? NUMBERS(1, 2, 3) : NUMBERS(0.2f, 0.3f, 0.4f);
        result sparse = loss_of(KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, logits, 3, p, NUMBERS(2));
        result one_hot = loss_of(KNN_LOSS_CATEGORICAL_CROSSENTROPY, logits, 3, p, NUMBERS(0, 0, 1));
        ck_assert_double_eq(sparse.value[0], one_hot.value[0]);
        check_floats(sparse.gradient, one_hot.gradient, 3, 0, 0);
    }
}
END_TEST

START_TEST(a_class_that_does_not_exist_gives_nan)
{
    static const float classes[] = {3, -1, NAN};
    result made = loss_of(KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, _i % 2, 3, NUMBERS(0.2f, 0.3f, 0.5f), &classes[_i / 2]);
    ck_assert(isnan(made.value[0]));
    ck_assert(isnan(made.gradient[0]));
}
END_TEST

START_TEST(nan_in_a_prediction_is_not_clipped_away)
{
    for (knn__loss_op op = KNN_LOSS_BINARY_CROSSENTROPY; op <= KNN_LOSS_MEAN_ABSOLUTE_ERROR; op++) {
        result made = loss_of(op, _i, 2, NUMBERS(NAN, 0.5f), NUMBERS(1, 0));
        ck_assert(isnan(made.value[0]));
        ck_assert(isnan(made.gradient[0]));
    }
}
END_TEST

START_TEST(errors_are_means_over_the_outputs)
{
    result squared = loss_of(KNN_LOSS_MEAN_SQUARED_ERROR, false, 2, NUMBERS(1, 5), NUMBERS(0, 2));
    result absolute = loss_of(KNN_LOSS_MEAN_ABSOLUTE_ERROR, false, 3, NUMBERS(1, -5, 2), NUMBERS(0, 2, 2));
    check_value(squared.value[0], 5);
    check_value(squared.gradient[0], 1);
    check_value(squared.gradient[1], 3);
    check_value(absolute.value[0], 8.0 / 3);
    check_value(absolute.gradient[0], 1.0 / 3);
    check_value(absolute.gradient[1], -1.0 / 3);
    check_value(absolute.gradient[2], 0);
}
END_TEST

START_TEST(weights_scale_gradients_but_not_values)
{
    knn__loss_call call = {.op = KNN_LOSS_MEAN_SQUARED_ERROR, .images = 2, .positions = 2, .outputs = 1, .weight = NUMBERS(1, 10)};
    result made = loss(call, NUMBERS(1, 2, 3, 4), NUMBERS(0, 0, 0, 0));
    check_value(made.value[0], (1 + 4) / 2.0);          /* the mean of the sample's rows */
    check_value(made.value[1], (9 + 16) / 2.0);
    check_value(made.gradient[1], 2 * 2 / 2.0 / 2);     /* by 2 rows and 2 images */
    check_value(made.gradient[2], 10 * 2 * 3 / 2.0 / 2);
}
END_TEST

START_TEST(values_alone_need_no_gradient)
{
    double value;
    knn__loss_call call = {.op = KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, .images = 1, .positions = 1, .outputs = 2,
        .prediction = NUMBERS(0.5f, 0.5f), .target = NUMBERS(7), .value = &value};
    knn__reference_backend.loss(&call);
    ck_assert(isnan(value));
}
END_TEST

/* ---- Optimizers ---- */

static float weight, slots[KNN_OWN_SLOTS];

static void step(knn__update_call call, float gradient)
{
    call.weights = &weight;
    call.gradients = &gradient;
    for (int i = 0; i < KNN_OWN_SLOTS; i++)
        call.slot[i] = &slots[i];
    knn__reference_backend.update(&call, 0, 1);
}

static void start_at(float value)
{
    weight = value;
    slots[0] = slots[1] = slots[2] = 0;
}

#define check_weight(expected, tolerance) ck_assert_double_eq_tol((double)weight, expected, tolerance)

START_TEST(sgd_goes_down_the_gradient)
{
    start_at(1);
    step((knn__update_call){.op = KNN_UPDATE_SGD, .rate = 0.1, .step = 1}, 2);
    check_weight(0.8, 1e-7);
}
END_TEST

START_TEST(sgd_momentum_gathers_speed)
{
    const knn__update_call call = {.op = KNN_UPDATE_SGD, .rate = 0.1, .momentum = 0.5, .step = 1};
    start_at(0);
    step(call, 1);
    check_weight(-0.1, 1e-7);
    step(call, 1);
    check_weight(-0.25, 1e-7);                          /* v = 0.5 * -0.1 - 0.1 */
    ck_assert_double_eq_tol((double)slots[0], -0.15, 1e-7);
}
END_TEST

START_TEST(nesterov_looks_ahead)
{
    start_at(0);
    step((knn__update_call){.op = KNN_UPDATE_SGD, .rate = 0.1, .momentum = 0.5, .nesterov = true, .step = 1}, 1);
    check_weight(-0.15, 1e-7);                          /* 0.5 * -0.1 - 0.1 */
}
END_TEST

START_TEST(rmsprop_epsilon_is_inside_the_root)
{
    knn__update_call call = {.op = KNN_UPDATE_RMSPROP, .rate = 0.001, .rho = 0.9, .epsilon = 1e-7, .step = 1};
    start_at(0);
    step(call, 1);
    check_weight(-0.0031622760790, 3e-10);              /* float's distance there is 2.3e-10 */
    call.epsilon = 0.3;
    start_at(0);
    step(call, 1);
    check_weight(-0.001 / sqrt(0.4), 1e-9);
    call.epsilon_outside = true;
    start_at(0);
    step(call, 1);
    check_weight(-0.001 / (sqrt(0.1) + 0.3), 1e-9);
}
END_TEST

START_TEST(rmsprop_slots_are_velocity_momentum_average_gradient)
{
    knn__update_call call = {.op = KNN_UPDATE_RMSPROP, .rate = 1, .rho = 0.9, .epsilon = 0.31, .momentum = 0.5, .centered = true, .step = 1};
    start_at(0);
    step(call, 1);
    ck_assert_double_eq_tol((double)slots[0], 0.1, 1e-7);
    ck_assert_double_eq_tol((double)slots[1], 1 / sqrt(0.1 - 0.01 + 0.31), 1e-6);
    ck_assert_double_eq_tol((double)slots[2], 0.1, 1e-7);
    start_at(0);
    call.momentum = 0;
    step(call, 1);
    ck_assert_double_eq_tol((double)slots[1], 0.1, 1e-7);                   /* without momentum: one place earlier */
}
END_TEST

START_TEST(adams_first_step_has_the_size_of_the_rate)
{
    const knn__update_call call = {.op = KNN_UPDATE_ADAM, .rate = 0.01, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7, .step = 1};
    start_at(0);
    step(call, 0.02f);
    check_weight(-0.01, 2e-6);
    start_at(0);
    step(call, -50);
    check_weight(0.01, 2e-6);
}
END_TEST

START_TEST(amsgrad_remembers_the_largest_velocity)
{
    const knn__update_call call = {.op = KNN_UPDATE_ADAM, .rate = 0.01, .beta_1 = 0.9, .beta_2 = 0.5, .epsilon = 1e-7, .amsgrad = true,
        .step = 1};
    start_at(0);
    step(call, 2);
    step(call, 0);
    ck_assert_double_eq_tol((double)slots[1], 1, 1e-6);
    ck_assert_double_eq_tol((double)slots[2], 2, 1e-6);
}
END_TEST

START_TEST(decay_comes_before_the_step)
{
    start_at(10);
    step((knn__update_call){.op = KNN_UPDATE_SGD, .rate = 0.1, .decay = 0.01, .step = 1}, 1);
    check_weight(9.8, 1e-6);
}
END_TEST

START_TEST(only_the_asked_elements_change)
{
    float weights[] = {1, 1, 1, 1}, gradients[] = {1, 1, 1, 1};
    const knn__update_call call = {.op = KNN_UPDATE_SGD, .rate = 1, .step = 1, .weights = weights, .gradients = gradients};
    knn__reference_backend.update(&call, 1, 3);
    check_floats(weights, NUMBERS(1, 0, 0, 1), 4, 0, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_reference_learning");
    TCase *losses = tcase_create("losses"), *optimizers = tcase_create("optimizers");
    tcase_add_test(losses, binary_crossentropy_of_logit_zero_is_ln_2);
    tcase_add_test(losses, binary_crossentropy_of_large_logits_does_not_overflow);
    tcase_add_test(losses, binary_crossentropy_clips_probabilities);
    tcase_add_test(losses, label_smoothing_moves_labels_towards_the_middle);
    tcase_add_test(losses, categorical_crossentropy_normalizes_probabilities);
    tcase_add_test(losses, categorical_crossentropy_of_logits_is_softmax_minus_target);
    tcase_add_test(losses, sparse_labels_are_numbers_of_classes);
    tcase_add_loop_test(losses, a_class_that_does_not_exist_gives_nan, 0, 6);
    tcase_add_loop_test(losses, nan_in_a_prediction_is_not_clipped_away, 0, 2);
    tcase_add_test(losses, errors_are_means_over_the_outputs);
    tcase_add_test(losses, weights_scale_gradients_but_not_values);
    tcase_add_test(losses, values_alone_need_no_gradient);
    tcase_add_test(optimizers, sgd_goes_down_the_gradient);
    tcase_add_test(optimizers, sgd_momentum_gathers_speed);
    tcase_add_test(optimizers, nesterov_looks_ahead);
    tcase_add_test(optimizers, rmsprop_epsilon_is_inside_the_root);
    tcase_add_test(optimizers, rmsprop_slots_are_velocity_momentum_average_gradient);
    tcase_add_test(optimizers, adams_first_step_has_the_size_of_the_rate);
    tcase_add_test(optimizers, amsgrad_remembers_the_largest_velocity);
    tcase_add_test(optimizers, decay_comes_before_the_step);
    tcase_add_test(optimizers, only_the_asked_elements_change);
    suite_add_tcase(s, losses);
    suite_add_tcase(s, optimizers);
    return s;
}

int main(void) { return check_run(suite()); }
