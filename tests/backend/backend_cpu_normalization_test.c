/* What the kernel harness's numbers, all around 0, do not ask of batch normalization: means far from 0, fewer images than slices. */
#include "backend/backend.h"
#include "plan/plan.h"

#include "support/check_array.h"
#include "support/check_run.h"

#include <string.h>

enum { CHANNELS = 3, POSITIONS = 70, MOST_IMAGES = 5, LENGTH = MOST_IMAGES * POSITIONS * CHANNELS };

static struct { float x[LENGTH], y[LENGTH], weights[4 * CHANNELS]; } numbers;

/* Normalizes `images` pictures of 7 x 10 with mean `mean` and deviation 1 or so; gamma 1, beta 0. */
static void normalize(int images, float mean)
{
    knn_node node = {.op = KNN_OP_BATCH_NORMALIZATION, .name = "layer", .in = {7, 10, CHANNELS}, .out = {7, 10, CHANNELS}, .momentum = 0.9,
                     .epsilon = 1e-3};
    float gradients[4 * CHANNELS];
    for (size_t i = 0; i < 4; i++)
        node.weight[i] = (knn_node_weight){i * CHANNELS, CHANNELS, i < 2};
    for (int c = 0; c < CHANNELS; c++) {
        numbers.weights[c] = numbers.weights[3 * CHANNELS + c] = 1;
        numbers.weights[CHANNELS + c] = numbers.weights[2 * CHANNELS + c] = 0;
    }
    for (int i = 0; i < LENGTH; i++)
        numbers.x[i] = mean + (float)(i * 7919 % 257) / 64 - 2;
    knn__plan_options options = {.backend = &knn__cpu_backend, .nodes = &node, .count = 1, .training = true, .capacity = MOST_IMAGES,
        .threads = 1, .weights = numbers.weights, .gradients = gradients};
    knn_run run = {.images = images, .training = true};
    knn__plan *plan;
    ck_assert_int_eq(knn__plan_make(&options, &plan), KNN_OK);
    knn__plan_prepare(plan, 0);
    memcpy(numbers.y, knn__plan_forward(plan, numbers.x, &run), (size_t)(images * POSITIONS * CHANNELS) * sizeof(float));
    knn__plan_free(plan);
}

static double mean_of(const float *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)values[i * CHANNELS];
    return sum / count;
}

static double variance_of(const float *values, int count)
{
    double mean = mean_of(values, count), sum = 0;
    for (int i = 0; i < count; i++)
        sum += ((double)values[i * CHANNELS] - mean) * ((double)values[i * CHANNELS] - mean);
    return sum / count;
}

static void check_normalized(int images)
{
    int count = images * POSITIONS;
    for (int c = 0; c < CHANNELS; c++) {
        double mean = mean_of(numbers.x + c, count), variance = variance_of(numbers.x + c, count);
        ck_assert_double_eq_tol(mean_of(numbers.y + c, count), 0, 1e-3);
        ck_assert_double_eq_tol(variance_of(numbers.y + c, count), variance / (variance + 1e-3), 1e-4);
        ck_assert_double_eq_tol((double)numbers.weights[2 * CHANNELS + c], 0.1 * mean, 1e-6 * mean + 1e-6);
        ck_assert_double_eq_tol((double)numbers.weights[3 * CHANNELS + c], 0.9 + 0.1 * variance, 1e-5);
    }
}

START_TEST(a_mean_far_from_zero_costs_no_digits_of_the_variance)
{
    normalize(MOST_IMAGES, 4096);
    check_normalized(MOST_IMAGES);
}
END_TEST

START_TEST(fewer_images_than_slices)
{
    normalize(_i, 3);
    check_normalized(_i);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_cpu_normalization");
    TCase *statistics = tcase_create("statistics");
    tcase_add_test(statistics, a_mean_far_from_zero_costs_no_digits_of_the_variance);
    tcase_add_loop_test(statistics, fewer_images_than_slices, 1, 4);
    suite_add_tcase(s, statistics);
    return s;
}

int main(void) { return check_run(suite()); }
