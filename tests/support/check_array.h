/* Comparison of arrays of numbers in tests. Does not choose tolerances: each caller states its own. */
#ifndef KNN_TESTS_CHECK_ARRAY_H
#define KNN_TESTS_CHECK_ARRAY_H

#include <check.h>
#include <math.h>
#include <stddef.h>

/* What two arrays differ by; `count` elements are out of tolerance. */
typedef struct check_difference {
    size_t count, first, worst;                 /* worst: the index of the largest error */
    double got, expected, largest;              /* at first; at worst */
} check_difference;

/* The same number, both infinities included, or both NaN. */
static inline int check_same(double got, double expected)
{
    return got == expected || (isnan(got) && isnan(expected));
}

static inline void check_element(check_difference *d, size_t i, double got, double expected, double absolute, double relative)
{
    if (check_same(got, expected))
        return;
    double error = fabs(got - expected);
    if (isnan(error))
        error = INFINITY;                       /* a NaN on one side, or two infinities */
    if (error > d->largest) {
        d->largest = error;
        d->worst = i;
    }
    if (error <= absolute + relative * fabs(expected) && !isinf(error))
        return;
    if (d->count++ == 0) {
        d->first = i;
        d->got = got;
        d->expected = expected;
    }
}

static inline check_difference check_compare_floats(const float *got, const float *expected, size_t n, double absolute,
                                                    double relative)
{
    check_difference d = {0};
    for (size_t i = 0; i < n; i++)
        check_element(&d, i, (double)got[i], (double)expected[i], absolute, relative);
    return d;
}

static inline check_difference check_compare_doubles(const double *got, const double *expected, size_t n, double absolute,
                                                     double relative)
{
    check_difference d = {0};
    for (size_t i = 0; i < n; i++)
        check_element(&d, i, got[i], expected[i], absolute, relative);
    return d;
}

#define CHECK_NO_DIFFERENCE(d, what, n)                                                                                     \
    ck_assert_msg((d).count == 0,                                                                                           \
                  "%s: %zu of %zu differ, first at [%zu]: expected %.9g, got %.9g; largest error %.3g at [%zu]", (what),    \
                  (d).count, (size_t)(n), (d).first, (d).expected, (d).got, (d).largest, (d).worst)

/* Fails unless |got - expected| <= absolute + relative * |expected| everywhere; NaN equals NaN only. */
#define check_floats(got, expected, n, absolute, relative)                                                                  \
    do {                                                                                                                    \
        check_difference check_d = check_compare_floats((got), (expected), (size_t)(n), (absolute), (relative));            \
        CHECK_NO_DIFFERENCE(check_d, #got, n);                                                                              \
    } while (0)

#define check_doubles(got, expected, n, absolute, relative)                                                                 \
    do {                                                                                                                    \
        check_difference check_d = check_compare_doubles((got), (expected), (size_t)(n), (absolute), (relative));           \
        CHECK_NO_DIFFERENCE(check_d, #got, n);                                                                              \
    } while (0)

#endif
