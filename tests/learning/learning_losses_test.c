/* Losses: resolving descriptions, and the values that keras-like training rests on, on the reference backend. */
#include "core/memory.h"
#include "learning/learning.h"
#include "support/check_array.h"
#include "support/check_run.h"

#include <string.h>

/* The loss and the gradient of one sample of `outputs` numbers. */
static double value_of(const knn_loss *description, bool logits, const float *prediction, const float *target, int outputs,
                       float *gradient)
{
    knn__loss loss;
    double value = NAN;
    ck_assert_int_eq(knn__loss_resolve(description, &loss), KNN_OK);
    knn__loss_call call = loss.call;
    call.from_logits |= logits;
    call.images = call.positions = 1;
    call.outputs = outputs;
    call.prediction = prediction;
    call.target = target;
    call.value = &value;
    call.gradient = gradient;
    knn__reference_backend.loss(&call);
    knn__loss_release(&loss);
    return value;
}

START_TEST(binary_crossentropy_of_logit_0_is_the_logarithm_of_2)
{
    float gradient;
    const knn_loss *loss = knn_binary_crossentropy();
    ck_assert_double_eq_tol(value_of(loss, true, (float[]){0}, (float[]){1}, 1, &gradient), 0.6931471806, 1e-9);
    ck_assert_float_eq(gradient, -0.5f);
    ck_assert_double_eq_tol(value_of(loss, true, (float[]){0}, (float[]){0}, 1, &gradient), 0.6931471806, 1e-9);
    ck_assert_float_eq(gradient, 0.5f);
}
END_TEST

START_TEST(binary_crossentropy_clips_probabilities)
{
    ck_assert_double_eq_tol(value_of(knn_binary_crossentropy(), false, (float[]){0}, (float[]){1}, 1, NULL), 16.118096, 1e-5);
}
END_TEST

START_TEST(label_smoothing_moves_labels_to_the_middle)
{
    /* t = 1 becomes 0.9: -(0.9 ln 0.8 + 0.1 ln 0.2) */
    const knn_loss *binary = knn_binary_crossentropy(.label_smoothing = 0.2);
    double smoothed = value_of(binary, false, (float[]){0.8f}, (float[]){1}, 1, NULL);
    ck_assert_double_eq_tol(smoothed, -(0.9 * log(0.8) + 0.1 * log(0.2)), 1e-7);
    /* one-hot of three with 0.3: 0.8, 0.1, 0.1 */
    const knn_loss *categorical = knn_categorical_crossentropy(.label_smoothing = 0.3);
    smoothed = value_of(categorical, false, (float[]){0.5f, 0.25f, 0.25f}, (float[]){1, 0, 0}, 3, NULL);
    ck_assert_double_eq_tol(smoothed, -(0.8 * log(0.5) + 0.2 * log(0.25)), 1e-7);
}
END_TEST

START_TEST(categorical_crossentropy_normalises_probabilities)
{
    const float p[] = {0.2f, 0.2f, 0.2f};
    ck_assert_double_eq_tol(value_of(knn_categorical_crossentropy(), false, p, (float[]){0, 1, 0}, 3, NULL), 1.0986123, 1e-7);
    ck_assert_double_eq_tol(value_of(knn_sparse_categorical_crossentropy(), false, p, (float[]){1}, 3, NULL), 1.0986123, 1e-7);
}
END_TEST

START_TEST(from_logits_is_taken_from_the_description)
{
    float gradient[3];
    const knn_loss *loss = knn_categorical_crossentropy(.from_logits = true);
    double value = value_of(loss, false, (float[]){1, 2, 3}, (float[]){0, 0, 1}, 3, gradient);
    ck_assert_double_eq_tol(value, log(exp(-2) + exp(-1) + 1), 1e-7);
    check_floats(gradient, ((float[]){0.09003057f, 0.24472847f, 0.66524096f - 1}), 3, 1e-7, 0);
}
END_TEST

START_TEST(errors_are_means_over_the_outputs)
{
    float gradient[2];
    ck_assert_double_eq_tol(value_of(knn_mean_squared_error(), false, (float[]){1, 4}, (float[]){2, 1}, 2, gradient), 5, 1e-9);
    check_floats(gradient, ((float[]){-1, 3}), 2, 1e-7, 0);
    ck_assert_double_eq_tol(value_of(knn_mean_absolute_error(), false, (float[]){1, 4}, (float[]){2, 1}, 2, gradient), 2, 1e-9);
    check_floats(gradient, ((float[]){-0.5f, 0.5f}), 2, 1e-7, 0);
}
END_TEST

START_TEST(losses_start_before_the_activations_that_belong_to_them)
{
    knn__loss binary, categorical, squared;
    ck_assert_int_eq(knn__loss_resolve(knn_binary_crossentropy(.from_logits = true), &binary), KNN_OK);
    ck_assert_int_eq(knn__loss_resolve(knn_categorical_crossentropy(), &categorical), KNN_OK);
    ck_assert_int_eq(knn__loss_resolve(knn_mean_squared_error(), &squared), KNN_OK);
    ck_assert(knn__loss_takes_logits_of(&binary, KNN_SIGMOID));
    ck_assert(!knn__loss_takes_logits_of(&binary, KNN_SOFTMAX));
    ck_assert(knn__loss_takes_logits_of(&categorical, KNN_SOFTMAX));
    ck_assert(!knn__loss_takes_logits_of(&categorical, KNN_SIGMOID));
    ck_assert(!knn__loss_takes_logits_of(&squared, KNN_SIGMOID));
    ck_assert(!knn__loss_takes_logits_of(&squared, KNN_SOFTMAX));
    knn__loss_release(&binary);
    knn__loss_release(&categorical);
    knn__loss_release(&squared);
}
END_TEST

START_TEST(labels_are_as_long_as_the_output_or_a_number_a_row)
{
    const knn_shape vector = {1, {10}}, rows = {2, {7, 10}};
    knn__loss sparse, categorical;
    ck_assert_int_eq(knn__loss_resolve(knn_sparse_categorical_crossentropy(), &sparse), KNN_OK);
    ck_assert_int_eq(knn__loss_resolve(knn_categorical_crossentropy(), &categorical), KNN_OK);
    ck_assert_uint_eq(knn__loss_target_length(&sparse, &vector), 1);
    ck_assert_uint_eq(knn__loss_target_length(&sparse, &rows), 7);
    ck_assert_uint_eq(knn__loss_target_length(&categorical, &vector), 10);
    ck_assert_uint_eq(knn__loss_target_length(&categorical, &rows), 70);
    knn__loss_release(&sparse);
    knn__loss_release(&categorical);
}
END_TEST

START_TEST(wrong_descriptions_are_refused_and_leak_nothing)
{
    knn__loss loss;
    size_t blocks = knn__live_blocks();
    ck_assert_int_eq(knn__loss_resolve(NULL, &loss), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn__loss_resolve(knn_binary_crossentropy(.label_smoothing = 1.5), &loss), KNN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "label_smoothing"));
    ck_assert_int_eq(knn__loss_resolve(knn_sparse_categorical_crossentropy(.label_smoothing = 0.1), &loss), KNN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "label_smoothing"));
    const knn_loss unknown = {"Circle", sizeof unknown, NULL};
    ck_assert_int_eq(knn__loss_resolve(&unknown, &loss), KNN_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "Circle"));
    ck_assert_uint_eq(knn__live_blocks(), blocks);
}
END_TEST

typedef struct my_loss { knn_loss loss; double factor; } my_loss;

static double my_value(const knn_loss *loss, const float *y_true, const float *y_pred, size_t outputs, float *gradient)
{
    (void)outputs;
    gradient[0] = (float)((const my_loss *)loss)->factor;
    return ((const my_loss *)loss)->factor * (double)(y_pred[0] - y_true[0]);
}

START_TEST(a_users_loss_is_copied_with_its_own_members)
{
    const knn_loss_class mine = {sizeof mine, "My>Loss", my_value}, empty = {sizeof empty, "My>Empty", NULL};
    my_loss description = {{"My>Loss", sizeof description, &mine}, 3.0};
    knn__loss loss;
    float gradient;
    ck_assert_int_eq(knn__loss_resolve(&description.loss, &loss), KNN_OK);
    description.factor = 0.0;
    ck_assert_double_eq(loss.description->custom->value(loss.description, (float[]){1}, (float[]){3}, 1, &gradient), 6.0);
    ck_assert(!knn__loss_takes_logits_of(&loss, KNN_SOFTMAX));
    knn__loss_release(&loss);
    description.loss.custom = &empty;
    ck_assert_int_eq(knn__loss_resolve(&description.loss, &loss), KNN_ERROR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/losses");
    TCase *cases = tcase_create("losses");
    tcase_add_test(cases, binary_crossentropy_of_logit_0_is_the_logarithm_of_2);
    tcase_add_test(cases, binary_crossentropy_clips_probabilities);
    tcase_add_test(cases, label_smoothing_moves_labels_to_the_middle);
    tcase_add_test(cases, categorical_crossentropy_normalises_probabilities);
    tcase_add_test(cases, from_logits_is_taken_from_the_description);
    tcase_add_test(cases, errors_are_means_over_the_outputs);
    tcase_add_test(cases, losses_start_before_the_activations_that_belong_to_them);
    tcase_add_test(cases, labels_are_as_long_as_the_output_or_a_number_a_row);
    tcase_add_test(cases, wrong_descriptions_are_refused_and_leak_nothing);
    tcase_add_test(cases, a_users_loss_is_copied_with_its_own_members);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
