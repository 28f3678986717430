/* Runs a chain of nodes forward and backward on one choice of kernels, with numbers in double going in and coming out.
 *
 * chain.c is built twice: as chain_run, in float, beside the library; and as oracle_run, in double (KNN_DOUBLE), with the plan and
 * the reference kernels, in a shared object of its own that shows no other name. So both live in one process. */
#ifndef TESTS_HARNESS_CHAIN_H
#define TESTS_HARNESS_CHAIN_H

#include "layers/node.h"

typedef struct chain_call {
    const knn_node *nodes;                  /* weights' offsets go into `weights` */
    int count;                              /* 0: y is x */
    const char *backend, *force;            /* as knn_model_options.backend and knn_request.force; the oracle has no choice */
    int images, threads;
    bool training;
    bool tensor;                            /* knn__plan_options.tensor */
    uint64_t seed;
    size_t least_division;                  /* knn__plan_options.least_division */
    bool guard_before;                      /* the unreadable page lies directly before the buffers, not directly behind them */
    int repeats;                            /* for timing; 0: once */
    size_t weights_length;
    const double *x, *weights;
    const double *dy;                       /* NULL: forward only */
    /* Results; NULL: not wanted. */
    double *y, *dx, *gradients;
    double *weights_after;                  /* moving statistics change in a training step */
    double forward_ms, backward_ms;         /* fastest of the repeats, whole batch */
    char kernels[1024];                     /* "[name][name]": what was chosen */
} chain_call;

/* NULL, or what went wrong. */
const char *chain_run(chain_call *call);
KNN_API const char *oracle_run(chain_call *call);

#endif
