/* Training steps of nets on the emulated GPU, and what their kernels ask memory for. EMULATOR_PTX and EMULATOR_CHECK are in the environment. */
#ifndef TESTS_CUDA_COUNTED_STEP_H
#define TESTS_CUDA_COUNTED_STEP_H

#include "emulator.h"

#include "benchmark/benchmark.h"

enum { MOST_LAUNCHES = 256, MOST_LINES = 512 };

typedef struct counted_step {
    emulator_traffic launches[MOST_LAUNCHES];
    emulator_requests lines[MOST_LINES];
    size_t launch_count, line_count;
} counted_step;

/* A step with so many pictures; what the emulator complained about, which should be "". */
const char *count_step(const struct net *net, int pictures, counted_step *made);

/* Of BATCH pictures, along a line through what one and two take. */
double of_batch(size_t one, size_t two);

#endif
