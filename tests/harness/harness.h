/* The modes of the harness. Results go into a report; text is printed only where the report names a stream. */
#ifndef TESTS_HARNESS_HARNESS_H
#define TESTS_HARNESS_HARNESS_H

#include <stdbool.h>
#include <stdio.h>

typedef struct harness_report {
    FILE *to;                               /* a line a failure; NULL: silent */
    bool tensor;                            /* harness_test asks for products in TF32, and allows what they are off by */
    double largest_error;                   /* of its runs, as a share of the largest value */
    int every, offset;                      /* harness_test runs cases offset, offset + every, .. of a group; every 0: all */
    int cases, runs, failures;
    int refused;                            /* of the cases: with a layer that the backend does not have */
    char first[1024];                       /* the first failure */
} harness_report;

/* What is being run now, for a handler that must say where a kernel crashed. */
extern char harness_now[512];

void harness_fail(harness_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* test: every kernel of every list of a backend, and the backend's own choice, on every case of a group (NULL: of all) that it covers
 * against the double reference; with unreadable pages behind the buffers, then before them and on two threads: the same bits. */
void harness_test(const char *backend, const char *group, harness_report *report);
struct chain_case;
void harness_test_case(const char *backend, const struct chain_case *from, harness_report *report);
/* What a whole plan makes is what its nodes make one by one (in double, forward): the other checks compare plan with plan. */
void harness_test_plan(harness_report *report);
/* The backend's losses and optimizers, as many as it has, against the double reference. */
void harness_test_learning(const char *backend, harness_report *report);
/* Whole steps of optimizers on a backend's device, against the host's; nothing where it has none. */
void harness_test_steps(const char *backend, harness_report *report);
/* A backend's pictures, where it takes such, against the host's. */
void harness_test_pictures(const char *backend, harness_report *report);

/* grad: the double reference against finite differences of itself: layers, losses. */
void harness_grad(const char *group, harness_report *report);
void harness_grad_losses(harness_report *report);

/* speed: milliseconds an image of every kernel on the cases of a group, with batches of `images`. */
void harness_speed(const char *backend, const char *group, int images, FILE *to);

/* support: which kernels cover how many cases, and which one is chosen for each case. A kernel without any case is a failure. */
void harness_support(const char *backend, harness_report *report);

#endif
