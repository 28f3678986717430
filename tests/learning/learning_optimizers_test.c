/* Optimizers, schedules' place in them, clipping, decay, penalties: hand values of single steps on the reference backend. */
#include "core/memory.h"
#include "learning/learning.h"
#include "support/check_array.h"
#include "support/check_run.h"

#include <string.h>

enum { MOST = 4 };

/* Weights, gradients and state of a tiny model, and the optimizer under test. */
typedef struct bench {
    knn__optimizer optimizer;
    size_t length;
    float weights[MOST], gradients[MOST], slots[KNN_MAX_SLOTS][MOST];
    uint64_t steps;
} bench;

static bench begin(const knn_optimizer *description, size_t length, const float *weights)
{
    bench b = {.length = length};
    ck_assert_int_eq(knn__optimizer_resolve(description, &b.optimizer), KNN_OK);
    memcpy(b.weights, weights, length * sizeof *weights);
    return b;
}

/* One step; `arrays` stretches of equal length. */
static void step(bench *b, const float *gradients, int arrays)
{
    knn__stretch stretches[MOST] = {{.offset = 0}};
    float *slots[KNN_MAX_SLOTS] = {b->slots[0], b->slots[1], b->slots[2]};
    for (int i = 0; i < arrays; i++)
        stretches[i] = (knn__stretch){.offset = (size_t)i * b->length / (size_t)arrays, .length = b->length / (size_t)arrays};
    memcpy(b->gradients, gradients, b->length * sizeof *gradients);
    knn__optimizer_step(&b->optimizer, &knn__reference_backend, 1, b->steps++, b->length, stretches, arrays, b->weights,
                        b->gradients, slots);
}

/* The weight behind the first step from weight 0 with gradient 1. */
static double first_step(const knn_optimizer *description)
{
    bench b = begin(description, 1, (float[]){0});
    step(&b, (float[]){1}, 1);
    knn__optimizer_release(&b.optimizer);
    return (double)b.weights[0];
}

START_TEST(first_steps_have_keras_values)
{
    ck_assert_double_eq_tol(first_step(knn_sgd()), -0.01, 1e-9);
    ck_assert_double_eq_tol(first_step(knn_sgd(.momentum = 0.9)), -0.01, 1e-9);
    ck_assert_double_eq_tol(first_step(knn_sgd(.momentum = 0.9, .nesterov = true)), -0.019, 1e-9);
    ck_assert_double_eq_tol(first_step(knn_rmsprop()), -0.0031622760790, 2.5e-10);                     /* 1 ulp of a float */
    ck_assert_double_eq_tol(first_step(knn_rmsprop(.epsilon_outside = true)), -0.0031622766602, 2.5e-10);
    ck_assert_double_eq_tol(first_step(knn_rmsprop(.centered = true)), -0.001 / sqrt(0.1 - 0.01 + 1e-7), 1e-9);
    /* epsilon is not corrected for the first steps; 1 - beta_2 is that of floats, as in Keras */
    const double adam = -0.001 * sqrt((double)(1 - 0.999f)) / (sqrt(0.001) + 1e-7) * 0.1 / (double)(1 - 0.9f);
    ck_assert_double_eq_tol(first_step(knn_adam()), adam, 1e-10);
    ck_assert_double_eq_tol(first_step(knn_adam(.amsgrad = true)), adam, 1e-10);
    ck_assert_double_eq_tol(first_step(knn_adamw()), adam, 1e-10);
}
END_TEST

START_TEST(momentum_adds_up)
{
    bench b = begin(knn_sgd(0.1, .momentum = 0.5), 1, (float[]){1});
    step(&b, (float[]){1}, 1);
    step(&b, (float[]){1}, 1);
    ck_assert_float_eq_tol(b.weights[0], 1 - 0.1f - 0.15f, 1e-6f);
    knn__optimizer_release(&b.optimizer);
}
END_TEST

START_TEST(slots_are_as_many_as_the_options_need_and_have_keras_names)
{
    bench b = begin(knn_sgd(), 1, (float[]){0});
    ck_assert_int_eq(b.optimizer.slots, 0);
    knn__optimizer_release(&b.optimizer);

    b = begin(knn_rmsprop(.centered = true), 1, (float[]){0});
    ck_assert_int_eq(b.optimizer.slots, 2);
    ck_assert_str_eq(knn__optimizer_slot_name(&b.optimizer, 0), "velocity");
    ck_assert_str_eq(knn__optimizer_slot_name(&b.optimizer, 1), "average_gradient");
    ck_assert_ptr_null(knn__optimizer_slot_name(&b.optimizer, 2));
    knn__optimizer_release(&b.optimizer);

    b = begin(knn_rmsprop(.momentum = 0.1), 1, (float[]){0});
    ck_assert_int_eq(b.optimizer.slots, 2);
    ck_assert_str_eq(knn__optimizer_slot_name(&b.optimizer, 1), "momentum");
    knn__optimizer_release(&b.optimizer);

    b = begin(knn_adam(.amsgrad = true), 1, (float[]){0});
    ck_assert_int_eq(b.optimizer.slots, 3);
    ck_assert_str_eq(knn__optimizer_slot_name(&b.optimizer, 2), "velocity_hat");
    knn__optimizer_release(&b.optimizer);
}
END_TEST

START_TEST(clipnorm_is_by_array_and_global_clipnorm_over_all)
{
    const float zeros[4] = {0}, gradients[] = {3, 4, 0.3f, 0.4f};
    bench b = begin(knn_sgd(1, .clipnorm = 1), 4, zeros);
    step(&b, gradients, 2);
    check_floats(b.weights, ((float[]){-0.6f, -0.8f, -0.3f, -0.4f}), 4, 1e-6, 0);
    knn__optimizer_release(&b.optimizer);

    b = begin(knn_sgd(1, .global_clipnorm = 1), 4, zeros);
    step(&b, gradients, 2);
    double norm = sqrt(25.25);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol((double)b.weights[i], -(double)gradients[i] / norm, 1e-6);
    knn__optimizer_release(&b.optimizer);

    b = begin(knn_sgd(1, .clipvalue = 0.35), 4, zeros);
    step(&b, (float[]){3, -4, 0.3f, -0.4f}, 2);
    check_floats(b.weights, ((float[]){-0.35f, 0.35f, -0.3f, 0.35f}), 4, 1e-6, 0);
    knn__optimizer_release(&b.optimizer);
}
END_TEST

START_TEST(weights_decay_before_the_update)
{
    bench b = begin(knn_sgd(0.5, .weight_decay = 0.1), 1, (float[]){2});
    step(&b, (float[]){1}, 1);
    ck_assert_float_eq_tol(b.weights[0], 2 - 2 * 0.05f - 0.5f, 1e-6f);
    knn__optimizer_release(&b.optimizer);

    b = begin(knn_adamw(), 1, (float[]){1});
    ck_assert_double_eq(b.optimizer.weight_decay, 0.004);
    knn__optimizer_release(&b.optimizer);
    b = begin(knn_adamw(.weight_decay = KNN_ZERO), 1, (float[]){1});
    ck_assert_double_eq(b.optimizer.weight_decay, 0.0);
    knn__optimizer_release(&b.optimizer);
}
END_TEST

START_TEST(a_schedule_gives_the_rate_of_each_step)
{
    const double boundary = 0, values[] = {1, 0.25};
    bench b = begin(knn_sgd(.schedule = knn_piecewise_constant_decay(.boundaries = &boundary, .values = values, .count = 1)), 1,
                    (float[]){0});
    ck_assert_double_eq(knn__optimizer_rate(&b.optimizer, 0), 1.0);
    ck_assert_double_eq(knn__optimizer_rate(&b.optimizer, 1), 0.25);
    step(&b, (float[]){1}, 1);
    step(&b, (float[]){1}, 1);
    ck_assert_float_eq(b.weights[0], -1.25f);
    knn__optimizer_release(&b.optimizer);
}
END_TEST

START_TEST(long_arrays_are_updated_to_their_end_by_any_number_of_threads)
{
    enum { LENGTH = 100003 };
    float *weights = knn__alloc(LENGTH, sizeof *weights), *gradients = knn__alloc(LENGTH, sizeof *gradients);
    knn__optimizer optimizer;
    ck_assert_int_eq(knn__optimizer_resolve(knn_sgd(0.5), &optimizer), KNN_OK);
    for (int threads = 1; threads <= 4; threads++) {
        for (int i = 0; i < LENGTH; i++) {
            weights[i] = 0;
            gradients[i] = (float)(i % 7);
        }
        knn__optimizer_step(&optimizer, &knn__reference_backend, threads, 0, LENGTH, NULL, 0, weights, gradients, NULL);
        int wrong = 0;
        for (int i = 0; i < LENGTH; i++)
            wrong += weights[i] != -0.5f * (float)(i % 7);
        ck_assert_int_eq(wrong, 0);
    }
    knn__optimizer_release(&optimizer);
    knn__free(weights);
    knn__free(gradients);
}
END_TEST

START_TEST(penalties_are_l1_and_l2_unscaled)
{
    const knn_l1l2_regularizer both = {{"L1L2", sizeof both, NULL}, 0.5, 0.1};
    const knn__stretch stretches[] = {{.length = 2, .regularizer = &both.regularizer}, {.offset = 2, .length = 1}};
    const float weights[] = {-2, 3, 100};
    float gradients[] = {1, 1, 1};
    ck_assert_double_eq_tol(knn__penalty(stretches, 2, weights), 0.5 * 5 + 0.1 * 13, 1e-12);
    knn__penalty_gradient(stretches, 2, weights, gradients);
    check_floats(gradients, ((float[]){1 - 0.5f - 0.4f, 1 + 0.5f + 0.6f, 1}), 3, 1e-6, 0);
}
END_TEST

static void refused(const knn_optimizer *description, const char *word)
{
    knn__optimizer optimizer;
    size_t blocks = knn__live_blocks();
    ck_assert_int_eq(knn__optimizer_resolve(description, &optimizer), KNN_ERROR_ARGUMENT);
    ck_assert_msg(strstr(knn_last_error(), word) != NULL, "\"%s\" is not in \"%s\"", word, knn_last_error());
    ck_assert_uint_eq(knn__live_blocks(), blocks);
}

START_TEST(wrong_options_are_refused_and_leak_nothing)
{
    refused(knn_sgd(-1), "learning_rate");
    refused(knn_sgd(.momentum = 1.5), "momentum");
    refused(knn_rmsprop(.rho = 2), "rho");
    refused(knn_adam(.clipnorm = 1, .clipvalue = 1), "clipnorm");
    refused(knn_adam(NAN), "learning_rate");
    refused(knn_adam(.schedule = knn_exponential_decay(0.1, 10)), "decay_rate");
    const double falling[] = {2, 1}, values[] = {1, 2, 3};
    refused(knn_sgd(.schedule = knn_piecewise_constant_decay(.boundaries = falling, .values = values, .count = 2)), "ascend");
    refused(knn_sgd(.schedule = knn_piecewise_constant_decay(.count = 2)), "boundaries");
}
END_TEST

START_TEST(failed_allocations_leak_nothing)
{
    const double boundary = 1, values[] = {1, 2};
    const knn_schedule *schedule = knn_piecewise_constant_decay(.boundaries = &boundary, .values = values, .count = 1);
    size_t blocks = knn__live_blocks();
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        knn__optimizer optimizer;
        ck_assert_int_lt(n, 20);
        knn__fail_allocation(n);
        status = knn__optimizer_resolve(knn_adam(.schedule = schedule), &optimizer);
        knn__fail_allocation(0);
        if (status == KNN_OK)
            knn__optimizer_release(&optimizer);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
    }
    ck_assert_int_eq(status, KNN_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/optimizers");
    TCase *cases = tcase_create("optimizers");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, first_steps_have_keras_values);
    tcase_add_test(cases, momentum_adds_up);
    tcase_add_test(cases, slots_are_as_many_as_the_options_need_and_have_keras_names);
    tcase_add_test(cases, clipnorm_is_by_array_and_global_clipnorm_over_all);
    tcase_add_test(cases, weights_decay_before_the_update);
    tcase_add_test(cases, a_schedule_gives_the_rate_of_each_step);
    tcase_add_test(cases, long_arrays_are_updated_to_their_end_by_any_number_of_threads);
    tcase_add_test(cases, penalties_are_l1_and_l2_unscaled);
    tcase_add_test(cases, wrong_options_are_refused_and_leak_nothing);
    tcase_add_test(cases, failed_allocations_leak_nothing);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
