/* A case made concrete: numbers to run it on, what the double reference answers, and how far another answer may be off. */
#ifndef TESTS_HARNESS_PROBLEM_H
#define TESTS_HARNESS_PROBLEM_H

#include "cases.h"
#include "chain.h"

typedef struct answer {
    double *y, *dx, *gradients, *weights_after, *inferred;      /* inferred: y outside training */
} answer;

typedef struct problem {
    const chain_case *from;
    chain chain;
    uint64_t seed;
    double *x, *weights, *dy;               /* dy is 0 where a tie decides where the gradient goes */
    answer expected;
} problem;

/* Numbers only, near ties and all: for timing. Exits with a message where memory fails: nothing could be tested. problem_free is due. */
void problem_open(problem *made, const chain_case *from);
/* Numbers without near ties (near_ties.h), and the reference's answer. */
void problem_make(problem *made, const chain_case *from, double margin);
void problem_free(problem *made);

void answer_make(answer *made, const problem *of);
void answer_free(answer *made);

/* The call of a problem, without results: the caller sets what it wants. */
chain_call problem_call(const problem *of, bool training);
/* The whole problem on some kernels: NULL or an error. `kernels` gets what the training (or inference-only) run chose. */
const char *problem_run(const problem *of, const char *run(chain_call *call), chain_call settings, answer *got, char kernels[1024]);

/* How far an array may be off: a share of its largest number, which counts for `least` where it is smaller (sums that come to nothing). */
typedef struct tolerance { double share, least; } tolerance;

/* Inference on the first image alone, which three threads share; compared as answer_agrees does. `y` has room for one output. */
const char *problem_run_shared(const problem *of, chain_call settings, double *y, tolerance allowed, char *text, size_t size);

/* false: differs by more than is tolerated; `text` says where. *largest becomes the largest share that an array is off by, if that is more. */
bool answer_agrees(const problem *of, const answer *got, tolerance allowed, double *largest, char *text, size_t size);

#endif
