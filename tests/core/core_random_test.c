/* Philox against its published answers, and what is drawn with it. Does not test the use of streams by others. */
#include "core/philox.h"
#include "core/random.h"
#include "support/check_array.h"
#include "support/check_run.h"

#include <stdbool.h>
#include <string.h>

static const knn__stream some_stream = {.seed = 0x0123456789abcdefu, .stream = 3, .epoch = 17, .index = 5};

/* "philox4x32 10" of Random123's kat_vectors: all zeros, all ones, the digits of pi. */
START_TEST(philox_gives_the_published_answers)
{
    static const struct { uint64_t key; uint32_t counter[4], words[4]; } known[] = {
        {0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {0xffffffffffffffffu, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822u, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    uint32_t words[4];
    knn__philox(known[_i].key, known[_i].counter, words);
    ck_assert_mem_eq(words, known[_i].words, sizeof words);
}
END_TEST

START_TEST(the_counter_is_stream_epoch_index_block)
{
    uint32_t counter[4] = {3, 17, 5, 0}, words[4];
    for (uint32_t position = 0; position < 12; position++) {
        counter[3] = position / 4;
        knn__philox(some_stream.seed, counter, words);
        ck_assert_uint_eq(knn__random_bits(&some_stream, position), words[position % 4]);
    }
}
END_TEST

START_TEST(uniform_numbers_are_the_upper_24_bits)
{
    for (uint32_t position = 0; position < 1000; position++) {
        double expected = (double)(knn__random_bits(&some_stream, position) >> 8) / 16777216.0;
        ck_assert_double_eq(knn__uniform(&some_stream, position), expected);
        ck_assert_double_eq((double)(float)expected, expected);
    }
}
END_TEST

/* Every first position within a block, and lengths around a block and around what is drawn at once. */
START_TEST(filling_gives_the_numbers_of_each_position)
{
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 127, 128, 129, 131, 132, 255, 256, 257, 1003};
    float u[1004], expected[1004];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t n = lengths[i];
        uint32_t first = 1000 + (uint32_t)_i;
        for (size_t j = 0; j < n; j++)
            expected[j] = (float)knn__uniform(&some_stream, first + (uint32_t)j);
        u[n] = 2.0f;
        knn__uniform_fill(&some_stream, first, u, n);
        check_floats(u, expected, n, 0.0, 0.0);
        ck_assert_float_eq(u[n], 2.0f);         /* and nothing behind them */
    }
}
END_TEST

START_TEST(uniform_numbers_have_mean_half_and_variance_a_twelfth)
{
    enum { N = 100000 };
    static float u[N];
    knn__uniform_fill(&some_stream, 0, u, N);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        ck_assert(u[i] >= 0.0f && u[i] < 1.0f);
        sum += (double)u[i];
        squares += (double)u[i] * (double)u[i];
    }
    double mean = sum / N, variance = squares / N - mean * mean;
    ck_assert_double_eq_tol(mean, 0.5, 0.004);                  /* 4 standard errors of 0.0009 */
    ck_assert_double_eq_tol(variance, 1.0 / 12.0, 0.001);       /* 4 of 0.00024 */
}
END_TEST

START_TEST(seed_stream_epoch_and_index_all_matter)
{
    knn__stream other[4];
    for (int i = 0; i < 4; i++)
        other[i] = some_stream;
    other[0].seed ^= (uint64_t)1 << 63;
    other[1].stream++;
    other[2].epoch++;
    other[3].index++;
    for (int i = 0; i < 4; i++)
        ck_assert_uint_ne(knn__random_bits(&other[i], 0), knn__random_bits(&some_stream, 0));
}
END_TEST

/* Box and Muller: sqrt(-2 ln(1 - u)) cos(2 pi v), u and v at positions 2 p and 2 p + 1. */
START_TEST(normal_numbers_follow_box_and_muller)
{
    double got[100], expected[100];
    for (uint32_t p = 0; p < 100; p++) {
        double u = knn__uniform(&some_stream, 2 * p), v = knn__uniform(&some_stream, 2 * p + 1);
        got[p] = knn__normal(&some_stream, p);
        expected[p] = sqrt(-2.0 * log(1.0 - u)) * cos(8.0 * atan(1.0) * v);
    }
    check_doubles(got, expected, 100, 1e-14, 0.0);
}
END_TEST

START_TEST(normal_numbers_have_the_moments_of_the_normal_distribution)
{
    enum { N = 100000 };
    double moment[5] = {0};
    for (uint32_t p = 0; p < N; p++) {
        double z = knn__normal(&some_stream, p), power = 1;
        for (int k = 1; k <= 4; k++)
            moment[k] += (power *= z) / N;
    }
    const double expected[5] = {0, 0, 1, 0, 3};
    check_doubles(moment + 1, expected + 1, 2, 0.018, 0.0);     /* 4 standard errors: 0.013, 0.018 */
    check_doubles(moment + 3, expected + 3, 2, 0.124, 0.0);     /* 0.049, 0.124 */
}
END_TEST

START_TEST(a_shuffle_is_a_permutation)
{
    enum { N = 1000 };
    static size_t order[N];
    bool seen[N] = {false};
    size_t moved = 0;
    knn__shuffle(7, 0, order, N);
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_lt(order[i], N);
        ck_assert(!seen[order[i]]);
        seen[order[i]] = true;
        moved += order[i] != i;
    }
    ck_assert_uint_gt(moved, N - 10);           /* one stays on average */
}
END_TEST

START_TEST(shuffles_of_nothing_and_of_one_are_trivial)
{
    size_t order[2] = {9, 9};
    knn__shuffle(7, 0, order, 0);
    ck_assert_uint_eq(order[0], 9);
    knn__shuffle(7, 0, order, 1);
    ck_assert_uint_eq(order[0], 0);
    ck_assert_uint_eq(order[1], 9);
}
END_TEST

START_TEST(a_shuffle_depends_on_seed_and_epoch_alone)
{
    size_t a[50], b[50];
    knn__shuffle(7, 3, a, 50);
    knn__shuffle(7, 3, b, 50);
    ck_assert_mem_eq(a, b, sizeof a);
    knn__shuffle(7, 4, b, 50);
    ck_assert_mem_ne(a, b, sizeof a);
    knn__shuffle(8, 3, b, 50);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

START_TEST(all_orders_of_three_are_equally_likely)
{
    int count[27] = {0};
    for (int epoch = 0; epoch < 6000; epoch++) {
        size_t order[3];
        knn__shuffle(1, epoch, order, 3);
        count[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    static const int permutations[6] = {5, 7, 11, 15, 19, 21};  /* 012 021 102 120 201 210 in base 3 */
    for (int i = 0; i < 6; i++)
        ck_assert_int_le(abs(count[permutations[i]] - 1000), 120);      /* 4 standard deviations of 29 */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/random");
    TCase *tests = tcase_create("random");
    tcase_add_loop_test(tests, philox_gives_the_published_answers, 0, 3);
    tcase_add_test(tests, the_counter_is_stream_epoch_index_block);
    tcase_add_test(tests, uniform_numbers_are_the_upper_24_bits);
    tcase_add_loop_test(tests, filling_gives_the_numbers_of_each_position, 0, 4);
    tcase_add_test(tests, uniform_numbers_have_mean_half_and_variance_a_twelfth);
    tcase_add_test(tests, seed_stream_epoch_and_index_all_matter);
    tcase_add_test(tests, normal_numbers_follow_box_and_muller);
    tcase_add_test(tests, normal_numbers_have_the_moments_of_the_normal_distribution);
    tcase_add_test(tests, a_shuffle_is_a_permutation);
    tcase_add_test(tests, shuffles_of_nothing_and_of_one_are_trivial);
    tcase_add_test(tests, a_shuffle_depends_on_seed_and_epoch_alone);
    tcase_add_test(tests, all_orders_of_three_are_equally_likely);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
