/* Where the path of a gradient hangs on a thread: two candidates of a pooling window, or a value and a kink of its activation, that are
 * closer than float arithmetic can tell. Any correct kernel may decide these either way. */
#ifndef TESTS_HARNESS_NEAR_TIES_H
#define TESTS_HARNESS_NEAR_TIES_H

#include "lower.h"

#include <stdint.h>

/* Zeroes the elements of dy whose gradient would pass a near tie, by the double reference in training with these numbers: of values that
 * are less than `margin` apart. false: there is one further inside the chain, where no element of dy stands for it alone; other numbers are
 * needed. */
bool avoid_near_ties(const chain *of, int images, uint64_t seed, double margin, const double *x, const double *weights, double *dy);

#endif
