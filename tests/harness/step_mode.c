/* Mode test for whole optimizer steps on a device: penalties, clipping, accumulation, averages and constraints over a table of weight arrays,
 * against the host's (learning/optimizer_step.c), in float. The formulas alone are learning_mode.c's. */
#include "harness.h"
#include "place.h"

#include "learning/learning.h"

#include <math.h>
#include <string.h>

enum { LENGTH = 272, ARRAYS = 3, STEPS = 5 };

static const double TOLERANCE = 1e-5;

/* Three arrays with gaps between them, which stay zero: what is to become of each. */
typedef struct wishes { const knn_regularizer *regularizer[ARRAYS]; const knn_constraint *constraint[ARRAYS]; } wishes;

static void list_arrays(const wishes *w, knn__stretch stretches[ARRAYS])
{
    static const knn__stretch arrays[ARRAYS] = {{.offset = 0, .length = 153, .rank = 2, .shape = {17, 9}},
        {.offset = 160, .length = 13, .rank = 1, .shape = {13}}, {.offset = 176, .length = 90, .rank = 4, .shape = {3, 3, 2, 5}}};
    for (int i = 0; i < ARRAYS; i++) {
        stretches[i] = arrays[i];
        stretches[i].regularizer = w->regularizer[i];
        stretches[i].constraint = w->constraint[i];
    }
}

/* Some numbers for the arrays, other ones for each `what`. */
static void fill(const knn__stretch *stretches, int what, float *to)
{
    memset(to, 0, LENGTH * sizeof *to);
    for (int s = 0; s < ARRAYS; s++)
        for (size_t i = stretches[s].offset; i < stretches[s].offset + stretches[s].length; i++)
            to[i] = (float)sin((double)(i + 1) * (1.7 + 0.3 * what));
}

typedef struct arenas { float weights[LENGTH], gradients[LENGTH], slots[KNN_MAX_SLOTS][LENGTH]; double penalties[STEPS]; } arenas;

static void start(const knn__optimizer *optimizer, const knn__stretch *stretches, arenas *a)
{
    memset(a, 0, sizeof *a);
    fill(stretches, 0, a->weights);
    for (int i = 0; i < optimizer->slots; i++)
        knn__optimizer_start(optimizer, i, stretches, ARRAYS, a->slots[i]);
}

static void run_here(const knn__optimizer *optimizer, const knn__stretch *stretches, arenas *a)
{
    float *slots[KNN_MAX_SLOTS];
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        slots[i] = a->slots[i];
    for (int step = 0; step < STEPS; step++) {
        fill(stretches, 1 + step, a->gradients);
        a->penalties[step] = knn__penalty(stretches, ARRAYS, a->weights);
        knn__penalty_gradient(stretches, ARRAYS, a->weights, a->gradients);
        knn__optimizer_step(optimizer, &knn__reference_backend, 1, (uint64_t)step, LENGTH, stretches, ARRAYS, a->weights, a->gradients,
                            slots);
        knn__constrain(stretches, ARRAYS, a->weights);
    }
}

/* The arrays' copies on the device, and what a step wants there. */
typedef struct copies { arenas *all; knn__weight_array *table, *table_here; double *workspace; unsigned char *now; } copies;

static void run_there(const knn_backend *backend, const place *p, const knn__optimizer *optimizer, const knn__stretch *stretches, arenas *a,
                      copies c)
{
    float *slots[KNN_MAX_SLOTS];
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        slots[i] = c.all->slots[i];
    place_write(p, c.all, a, sizeof *a);
    for (int step = 0; step < STEPS; step++) {
        unsigned char now[KNN_STEP_NOW] = {0};
        const knn__device_step there = {p->device, c.table, c.table_here, c.workspace, &c.all->penalties[step]};
        fill(stretches, 1 + step, a->gradients);
        place_write(p, c.all->gradients, a->gradients, sizeof a->gradients);
        knn__step_call call = knn__optimizer_step_there(optimizer, &there, (uint64_t)step, LENGTH, ARRAYS, c.all->weights, c.all->gradients, slots);
        backend->describe_step(&call, now);
        place_write(p, c.now, now, sizeof now);
        call.now = c.now;
        backend->step(&call);
        p->devices->wait(p->device);
    }
    place_read(p, a->penalties, c.all->penalties, sizeof a->penalties);
    place_read(p, a->weights, c.all->weights, sizeof a->weights);
    place_read(p, a->slots, c.all->slots, sizeof a->slots);
}

static double off(const float *got, const float *expected, size_t length)
{
    double largest = 0, error = 0;
    for (size_t i = 0; i < length; i++) {
        double distance = fabs((double)got[i] - (double)expected[i]);
        error = isnan(distance) ? INFINITY : fmax(error, distance);
        largest = fmax(largest, fabs((double)expected[i]));
    }
    return largest > 0 ? error / largest : error;
}

static double compare(const arenas *got, const arenas *expected)
{
    double error = off(got->weights, expected->weights, LENGTH);
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        error = fmax(error, off(got->slots[i], expected->slots[i], LENGTH));
    for (int step = 0; step < STEPS; step++)
        error = fmax(error, fabs(got->penalties[step] - expected->penalties[step]) / (1e-3 + expected->penalties[step]));
    return error;
}

static void check(const knn_backend *backend, const place *p, const knn_optimizer *description, const wishes *w, harness_report *report)
{
    static arenas got, expected;
    knn__stretch stretches[ARRAYS];
    knn__weight_array table[ARRAYS];
    knn__optimizer optimizer;
    list_arrays(w, stretches);
    knn__weight_arrays(stretches, ARRAYS, table);
    report->runs++;
    if (knn__optimizer_resolve(description, &optimizer) != KNN_OK) {
        harness_fail(report, "%s: %s", harness_now, knn_last_error());
        return;
    }
    copies c = {place_make(p, &got, sizeof got), place_make(p, table, sizeof table), table,
        p->devices->alloc(p->device, knn__step_workspace(table, ARRAYS) * sizeof(double)),
        p->devices->alloc(p->device, KNN_STEP_NOW)};
    place_write(p, c.table, table, sizeof table);
    start(&optimizer, stretches, &got);
    start(&optimizer, stretches, &expected);
    run_here(&optimizer, stretches, &expected);
    run_there(backend, p, &optimizer, stretches, &got, c);
    if (!(compare(&got, &expected) <= TOLERANCE))
        harness_fail(report, "%s: off by %.2g", harness_now, compare(&got, &expected));
    place_free(p, c.now);
    place_free(p, c.workspace);
    place_free(p, c.table);
    place_free(p, c.all);
    knn__optimizer_release(&optimizer);
}

void harness_test_steps(const char *backend, harness_report *report)
{
    const knn_optimizer *const optimizers[] = {
        knn_sgd(.momentum = 0.9, .clipvalue = 0.5), knn_sgd(.clipnorm = 2), knn_adam(.epsilon = 1e-3, .global_clipnorm = 3),
        knn_rmsprop(.epsilon = 1e-3, .gradient_accumulation_steps = 2), knn_sgd(.use_ema = true, .ema_overwrite_frequency = 2),
        knn_lamb(.epsilon = 1e-3, .clipnorm = 2, .use_ema = true), knn_lamb(.epsilon = 1e-3, .gradient_accumulation_steps = 2),
        knn_adafactor(.use_ema = true, .weight_decay = 0.01), knn_ftrl(.l1_regularization_strength = 0.01)};
    const wishes all[] = {
        {{knn_l1l2(0.02, 0.03), NULL, knn_l2(0.1)}, {NULL}},
        {{knn_orthogonal_regularizer(0.3), knn_l1(0.01), NULL},
         {knn_max_norm(0.9, KNN_AXIS(0)), knn_non_neg(), knn_max_norm(0.5, KNN_AXIS(0) | KNN_AXIS(1) | KNN_AXIS(2))}},
        {{knn_orthogonal_regularizer(0.3, KNN_COLUMNS), NULL, NULL},
         {knn_min_max_norm(0.5, 1, 0.7, KNN_AXIS(-1)), NULL, knn_unit_norm(KNN_AXIS(0) | KNN_AXIS(3))}},
        {{NULL}, {NULL, knn_unit_norm(KNN_AXIS(0)), knn_non_neg()}}};
    const knn_backend *found = knn__find_backend(backend);
    place p;
    if (found == NULL || found->devices == NULL)
        return;
    if (!place_open(&p, found)) {
        harness_fail(report, "%s", knn_last_error());
        return;
    }
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            snprintf(harness_now, sizeof harness_now, "whole steps of optimizer %zu with penalties and constraints %zu of backend %s", i, k,
                     backend);
            report->cases++;
            check(found, &p, optimizers[i], &all[k], report);
        }
    place_close(&p);
}
