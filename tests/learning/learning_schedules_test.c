/* Learning-rate schedules: hand values of Keras' formulas. */
#include "learning/learning.h"
#include "support/check_run.h"

#include <math.h>

/* A schedule is used with its defaults filled in. */
static double rate(const knn_schedule *description, uint64_t step)
{
    const knn__kind *kind;
    void *schedule;
    ck_assert_int_eq(knn__describe_any(knn__schedule_kinds, description, "schedule", &kind, &schedule), KNN_OK);
    double result = knn__schedule_rate(schedule, step);
    knn__forget(kind, schedule);
    return result;
}

#define check_rate(schedule, step, expected) ck_assert_double_eq_tol(rate(schedule, step), expected, 1e-12)

START_TEST(exponential_decay)
{
    check_rate(knn_exponential_decay(0.1, 10, 0.5), 0, 0.1);
    check_rate(knn_exponential_decay(0.1, 10, 0.5), 5, 0.1 * sqrt(0.5));
    check_rate(knn_exponential_decay(0.1, 10, 0.5), 20, 0.025);
    check_rate(knn_exponential_decay(0.1, 10, 0.5, .staircase = true), 19, 0.05);
}
END_TEST

START_TEST(inverse_time_decay)
{
    check_rate(knn_inverse_time_decay(0.1, 10, 0.5), 0, 0.1);
    check_rate(knn_inverse_time_decay(0.1, 10, 0.5), 5, 0.1 / 1.25);
    check_rate(knn_inverse_time_decay(0.1, 10, 0.5, .staircase = true), 19, 0.1 / 1.5);
}
END_TEST

START_TEST(cosine_decay_ends_at_alpha)
{
    check_rate(knn_cosine_decay(0.1, 10), 0, 0.1);
    check_rate(knn_cosine_decay(0.1, 10), 5, 0.05);
    check_rate(knn_cosine_decay(0.1, 10), 10, 0.0);
    check_rate(knn_cosine_decay(0.1, 10, .alpha = 0.2), 1000, 0.02);
}
END_TEST

START_TEST(cosine_decay_warms_up_first)
{
#define WARM knn_cosine_decay(.initial_learning_rate = KNN_ZERO, .decay_steps = 10, .warmup_target = 0.4, .warmup_steps = 4)
    check_rate(WARM, 0, 0.0);
    check_rate(WARM, 1, 0.1);
    check_rate(WARM, 4, 0.4);
    check_rate(WARM, 9, 0.2);
    check_rate(WARM, 14, 0.0);
}
END_TEST

START_TEST(polynomial_decay)
{
    check_rate(knn_polynomial_decay(0.1, 10), 5, (0.1 - 0.0001) * 0.5 + 0.0001);
    check_rate(knn_polynomial_decay(0.1, 10, .power = 2, .end_learning_rate = KNN_ZERO), 5, 0.025);
    check_rate(knn_polynomial_decay(0.1, 10), 11, 0.0001);
    /* a cycle of 20 steps behind the first of 10 */
    check_rate(knn_polynomial_decay(0.1, 10, .cycle = true, .end_learning_rate = KNN_ZERO), 0, 0.1);
    check_rate(knn_polynomial_decay(0.1, 10, .cycle = true, .end_learning_rate = KNN_ZERO), 15, 0.025);
}
END_TEST

START_TEST(piecewise_constant_decay_changes_behind_its_boundaries)
{
#define PIECES knn_piecewise_constant_decay(.boundaries = (double[]){2, 5}, .values = (double[]){3, 2, 1}, .count = 2)
    check_rate(PIECES, 0, 3);
    check_rate(PIECES, 2, 3);
    check_rate(PIECES, 3, 2);
    check_rate(PIECES, 5, 2);
    check_rate(PIECES, 6, 1);
    check_rate(PIECES, 600, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/schedules");
    TCase *cases = tcase_create("schedules");
    tcase_add_test(cases, exponential_decay);
    tcase_add_test(cases, inverse_time_decay);
    tcase_add_test(cases, cosine_decay_ends_at_alpha);
    tcase_add_test(cases, cosine_decay_warms_up_first);
    tcase_add_test(cases, polynomial_decay);
    tcase_add_test(cases, piecewise_constant_decay_changes_behind_its_boundaries);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
