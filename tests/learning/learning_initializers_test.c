/* Initializers: range, mean, deviation and shape of what they draw, with a fixed seed.
 *
 * n = 100000 draws: the mean of a distribution with deviation s has a deviation of s / sqrt(n) = 0.0032 s, the sample's
 * deviation one of at most 0.0023 s. The bounds are about four of these: 0.013 s and 0.01 s. */
#include "learning/learning.h"
#include "support/check_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 100000 };

/* central: the share within one deviation of the mean */
typedef struct statistics { double mean, deviation, least, most, central; } statistics;

static float *draw(const knn_initializer *description, const int *shape, int rank, uint64_t seed, uint32_t weight)
{
    const knn__kind *kind;
    void *initializer;
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)shape[i];
    float *values = malloc(n * sizeof *values);
    ck_assert_int_eq(knn__describe_any(knn__initializer_kinds, description, "initializer", &kind, &initializer), KNN_OK);
    knn__initialize(initializer, shape, rank, seed, weight, values);
    knn__forget(kind, initializer);
    return values;
}

static statistics measure(const knn_initializer *description, const int *shape, int rank)
{
    statistics s = {0, 0, INFINITY, -INFINITY, 0};
    float *values = draw(description, shape, rank, 7, 3);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double v = (double)values[i];
        sum += v;
        squares += v * v;
        s.least = fmin(s.least, v);
        s.most = fmax(s.most, v);
    }
    s.mean = sum / N;
    s.deviation = sqrt(squares / N - s.mean * s.mean);
    for (int i = 0; i < N; i++)
        s.central += fabs((double)values[i] - s.mean) < s.deviation ? 1.0 / N : 0.0;
    free(values);
    return s;
}

static void expect(const statistics *s, double mean, double deviation)
{
    ck_assert_double_eq_tol(s->mean, mean, 0.013 * deviation);
    ck_assert_double_eq_tol(s->deviation, deviation, 0.01 * deviation);
}

static const int square[] = {250, 400};     /* fans 250, 400 and 325 on average */

START_TEST(uniform_ones_fill_their_range)
{
    statistics s = measure(knn_glorot_uniform(), square, 2);
    double limit = sqrt(3.0 / 325);
    expect(&s, 0, limit / sqrt(3));
    ck_assert_double_le(s.most, limit);
    ck_assert_double_ge(s.least, -limit);
    ck_assert_double_gt(s.most, 0.999 * limit);
    ck_assert_double_eq_tol(s.central, 1 / sqrt(3), 0.01);              /* of a uniform distribution; a normal one has 0.68 */
    s = measure(knn_he_uniform(), square, 2);
    expect(&s, 0, sqrt(2.0 / 250));
    s = measure(knn_lecun_uniform(), square, 2);
    expect(&s, 0, sqrt(1.0 / 250));
    s = measure(knn_random_uniform(), square, 2);
    expect(&s, 0, 0.05 / sqrt(3));
    s = measure(knn_random_uniform(1, 3), square, 2);
    expect(&s, 2, 1 / sqrt(3));
}
END_TEST

START_TEST(truncated_ones_have_the_deviation_behind_the_cut)
{
    statistics s = measure(knn_glorot_normal(), square, 2);
    expect(&s, 0, sqrt(1.0 / 325));
    double cut = 2 * sqrt(1.0 / 325) / 0.87962566103423978;
    ck_assert_double_le(s.most, cut);
    ck_assert_double_gt(s.most, 0.99 * cut);
    ck_assert_double_ge(s.least, -cut);
    s = measure(knn_he_normal(), square, 2);
    expect(&s, 0, sqrt(2.0 / 250));
    s = measure(knn_lecun_normal(), square, 2);
    expect(&s, 0, sqrt(1.0 / 250));
    /* the bare one is not corrected for the cut */
    s = measure(knn_truncated_normal(1, 0.5), square, 2);
    expect(&s, 1, 0.5 * 0.87962566103423978);
    ck_assert_double_le(s.most, 2.0);
    ck_assert_double_ge(s.least, 0.0);
}
END_TEST

START_TEST(normal_ones_are_not_cut)
{
    statistics s = measure(knn_random_normal(), square, 2);
    expect(&s, 0, 0.05);
    ck_assert_double_gt(s.most, 0.15);
    ck_assert_double_eq_tol(s.central, 0.6827, 0.006);
    s = measure(knn_variance_scaling(4, KNN_FAN_OUT, KNN_UNTRUNCATED_NORMAL), square, 2);
    expect(&s, 0, 0.1);
    ck_assert_double_gt(s.most, 0.3);
}
END_TEST

START_TEST(variance_scaling_follows_its_mode)
{
    statistics s = measure(knn_variance_scaling(.mode = KNN_FAN_OUT, .distribution = KNN_UNIFORM), square, 2);
    expect(&s, 0, sqrt(1.0 / 400));
    s = measure(knn_variance_scaling(2, KNN_FAN_AVG), square, 2);
    expect(&s, 0, sqrt(2.0 / 325));
    s = measure(knn_variance_scaling(), square, 2);
    expect(&s, 0, sqrt(1.0 / 250));
}
END_TEST

/* Without fmax: the loop with it crashes gcc 12 for aarch64. */
static double largest(const float *values, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++)
        if (fabs((double)values[i]) > most)
            most = fabs((double)values[i]);
    return most;
}

START_TEST(fans_of_a_kernel_count_its_window)
{
    const int kernel[] = {3, 3, 3, 32};
    float *values = draw(knn_glorot_uniform(), kernel, 4, 1, 0);
    double most = largest(values, 3 * 3 * 3 * 32);
    ck_assert_double_le(most, 0.13801312);
    ck_assert_double_gt(most, 0.136);
    free(values);
    /* a vector's fans are its length */
    const int vector[] = {300};
    values = draw(knn_glorot_uniform(), vector, 1, 1, 0);
    most = largest(values, 300);
    ck_assert_double_le(most, 0.1);
    ck_assert_double_gt(most, 0.095);
    free(values);
}
END_TEST

START_TEST(constants_are_constant)
{
    const int shape[] = {2, 3};
    static const double expected[] = {0, 1, 2.5, 0};
    float *drawn[] = {draw(knn_zeros(), shape, 2, 1, 0), draw(knn_ones(), shape, 2, 1, 0),
                      draw(knn_constant(2.5), shape, 2, 1, 0), draw(knn_constant(), shape, 2, 1, 0)};
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 6; i++)
            ck_assert_float_eq(drawn[k][i], (float)expected[k]);
        free(drawn[k]);
    }
}
END_TEST

START_TEST(what_is_drawn_depends_on_seed_array_and_element_only)
{
    const int small[] = {10, 4}, large[] = {20, 4};
    float *a = draw(knn_random_normal(), small, 2, 5, 1), *again = draw(knn_random_normal(), small, 2, 5, 1);
    float *longer = draw(knn_random_normal(), large, 2, 5, 1);
    float *other_seed = draw(knn_random_normal(), small, 2, 6, 1), *other_array = draw(knn_random_normal(), small, 2, 5, 2);
    ck_assert_mem_eq(a, again, 40 * sizeof *a);
    ck_assert_mem_eq(a, longer, 40 * sizeof *a);
    ck_assert_mem_ne(a, other_seed, 40 * sizeof *a);
    ck_assert_mem_ne(a, other_array, 40 * sizeof *a);
    free(a);
    free(again);
    free(longer);
    free(other_seed);
    free(other_array);
}
END_TEST

START_TEST(identity_has_its_gain_on_the_diagonal)
{
    const int shape[] = {2, 3};
    float *drawn = draw(knn_identity(0.5), shape, 2, 1, 0);
    ck_assert_mem_eq(drawn, ((const float[]){0.5f, 0, 0, 0, 0.5f, 0}), 6 * sizeof *drawn);
    free(drawn);
}
END_TEST

/* Columns (or, where there are fewer, rows) of the array as rows of its last axis are orthogonal to each other and as long as the gain. */
static void check_orthogonal(const float *drawn, int rows, int columns, double gain)
{
    bool tall = rows >= columns;
    int count = tall ? columns : rows, length = tall ? rows : columns, next = tall ? 1 : columns, step = tall ? columns : 1;
    for (int a = 0; a < count; a++)
        for (int b = 0; b <= a; b++) {
            double sum = 0;
            for (int i = 0; i < length; i++)
                sum += (double)drawn[a * next + i * step] * (double)drawn[b * next + i * step];
            ck_assert_double_eq_tol(sum, a == b ? gain * gain : 0, 2e-6 * gain * gain);
        }
}

/* An element of an orthogonal matrix of n rows has the mean 0 and the deviation 1 / sqrt(n). */
START_TEST(orthogonal_ones_are_orthonormal_and_spread_evenly)
{
    static const int shapes[][4] = {{6, 4, 1, 1}, {3, 5, 1, 1}, {3, 3, 2, 7}, {2, 1, 3, 40}, {1, 1, 1, 1}, {70, 70, 1, 1}};
    static const int ranks[] = {2, 2, 4, 4, 4, 2};
    for (int k = 0; k < 6; k++) {
        int columns = shapes[k][ranks[k] - 1], rows = 1;
        for (int i = 0; i < ranks[k] - 1; i++)
            rows *= shapes[k][i];
        float *drawn = draw(knn_orthogonal(2), shapes[k], ranks[k], 3, 1);
        check_orthogonal(drawn, rows, columns, 2);
        free(drawn);
    }
    const int large[] = {320, 320};
    float *drawn = draw(knn_orthogonal(), large, 2, 3, 1), *other = draw(knn_orthogonal(), large, 2, 4, 1);
    double sum = 0, central = 0, n = 320.0 * 320;
    for (int i = 0; i < 320 * 320; i++) {
        sum += (double)drawn[i];
        central += fabs((double)drawn[i]) < 1 / sqrt(320) ? 1 : 0;
    }
    ck_assert_double_eq_tol(sum / n, 0, 0.013 / sqrt(320));
    ck_assert_double_eq_tol(central / n, 0.6827, 0.01);
    ck_assert_mem_ne(drawn, other, sizeof large);
    free(drawn);
    free(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/initializers");
    TCase *cases = tcase_create("initializers");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, uniform_ones_fill_their_range);
    tcase_add_test(cases, truncated_ones_have_the_deviation_behind_the_cut);
    tcase_add_test(cases, normal_ones_are_not_cut);
    tcase_add_test(cases, variance_scaling_follows_its_mode);
    tcase_add_test(cases, fans_of_a_kernel_count_its_window);
    tcase_add_test(cases, constants_are_constant);
    tcase_add_test(cases, what_is_drawn_depends_on_seed_array_and_element_only);
    tcase_add_test(cases, identity_has_its_gain_on_the_diagonal);
    tcase_add_test(cases, orthogonal_ones_are_orthonormal_and_spread_evenly);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
