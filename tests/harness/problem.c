/* Draws the numbers of a problem and asks the reference. Knows nothing of single kernels. */
#include "problem.h"

#include "near_ties.h"

#include "core/random.h"
#include "core/status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 200 };                       /* tried until no near tie lies inside the chain */

static void give_up(const problem *of, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", of->from->group, of->from->label, why);
    exit(EXIT_FAILURE);
}

static double *numbers(const problem *of, size_t length)
{
    double *made = calloc(length + 1, sizeof *made);
    if (made == NULL)
        give_up(of, "no memory");
    return made;
}

/* Uniform in [low, high), exact in float. */
static void draw(uint64_t seed, uint32_t what, double low, double high, double *to, size_t length)
{
    knn__stream stream = {.seed = seed, .stream = 99, .index = what};
    for (size_t i = 0; i < length; i++)
        to[i] = (float)(low + (high - low) * knn__uniform(&stream, (uint32_t)i));
}

/* Scales at which outputs are about 1. */
static void draw_weight(const problem *of, const chain_weight *w, uint32_t what)
{
    double *to = of->weights + w->offset;
    if (strstr(w->name, "kernel") != NULL) {
        double limit = sqrt(3.0 / w->fan_in);
        draw(of->seed, what, -limit, limit, to, w->length);
    } else if (strcmp(w->name, "gamma") == 0 || strstr(w->name, "variance") != NULL)
        draw(of->seed, what, 0.5, 1.5, to, w->length);
    else
        draw(of->seed, what, -0.3, 0.3, to, w->length);
}

static void draw_numbers(problem *made)
{
    size_t images = (size_t)made->from->images;
    draw(made->seed, 0, -1.7, 1.7, made->x, images * made->chain.in);
    draw(made->seed, 1, -1, 1, made->dy, images * made->chain.out);
    for (int i = 0; i < made->chain.weight_count; i++)
        draw_weight(made, &made->chain.weight[i], (uint32_t)(i + 2));
}

void problem_open(problem *made, const chain_case *from)
{
    *made = (problem){.from = from, .seed = 1};
    if (!chain_lower(&made->chain, from->layers, from->input))
        give_up(made, knn_last_error());
    size_t images = (size_t)from->images;
    made->x = numbers(made, images * made->chain.in);
    made->dy = numbers(made, images * made->chain.out);
    made->weights = numbers(made, made->chain.weights_length);
    answer_make(&made->expected, made);
    draw_numbers(made);
}

void problem_make(problem *made, const chain_case *from, double margin)
{
    problem_open(made, from);
    while (!avoid_near_ties(&made->chain, from->images, made->seed, margin, made->x, made->weights, made->dy)) {
        if (++made->seed > SEEDS)
            give_up(made, "near ties with every seed: use fewer images");
        draw_numbers(made);
    }
    char kernels[1024];
    const char *error = problem_run(made, oracle_run, (chain_call){.threads = 1}, &made->expected, kernels);
    if (error != NULL)
        give_up(made, error);
}

void problem_free(problem *made)
{
    answer_free(&made->expected);
    free(made->x);
    free(made->dy);
    free(made->weights);
    chain_free(&made->chain);
}

void answer_make(answer *made, const problem *of)
{
    size_t images = (size_t)of->from->images;
    made->y = numbers(of, images * of->chain.out);
    made->inferred = numbers(of, images * of->chain.out);
    made->dx = numbers(of, images * of->chain.in);
    made->gradients = numbers(of, of->chain.weights_length);
    made->weights_after = numbers(of, of->chain.weights_length);
}

void answer_free(answer *made)
{
    free(made->y);
    free(made->inferred);
    free(made->dx);
    free(made->gradients);
    free(made->weights_after);
}

chain_call problem_call(const problem *of, bool training)
{
    return (chain_call){.nodes = of->chain.nodes, .count = of->chain.count, .images = of->from->images, .threads = 1,
        .training = training, .seed = of->seed, .weights_length = of->chain.weights_length, .x = of->x, .weights = of->weights,
        .dy = training ? of->dy : NULL};
}

const char *problem_run(const problem *of, const char *run(chain_call *call), chain_call settings, answer *got, char kernels[1024])
{
    kernels[0] = '\0';
    for (int training = of->from->inference_only ? 0 : 1; training >= 0; training--) {
        chain_call call = problem_call(of, training);
        call.backend = settings.backend;
        call.force = settings.force;
        call.tensor = settings.tensor;
        call.threads = settings.threads;
        call.guard_before = settings.guard_before;
        call.y = training ? got->y : got->inferred;
        if (training) {
            call.dx = got->dx;
            call.gradients = got->gradients;
            call.weights_after = got->weights_after;
        }
        const char *error = run(&call);
        if (error != NULL)
            return error;
        size_t used = strlen(kernels);
        snprintf(kernels + used, 1024 - used, "%s", call.kernels);
    }
    return NULL;
}

typedef struct comparison {
    tolerance allowed;
    double *largest;
    char *text;
    size_t size;
} comparison;

static bool close_enough(comparison c, const char *what, const double *got, const double *expected, size_t length)
{
    double largest = c.allowed.least, error = 0;            /* of the numbers */
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        largest = fmax(largest, fabs(expected[i]));
        double off = isnan(got[i]) ? INFINITY : fabs(got[i] - expected[i]);
        if (off > error) {
            error = off;
            at = i;
        }
    }
    if (error > 0)
        *c.largest = fmax(*c.largest, error / largest);
    if (error <= c.allowed.share * largest)
        return true;
    snprintf(c.text, c.size, "%s[%zu of %zu]: expected %.9g, got %.9g; error %.2g of the largest value, allowed %.2g", what, at, length,
             expected[at], got[at], error / largest, c.allowed.share);
    return false;
}

bool answer_agrees(const problem *of, const answer *got, tolerance allowed, double *largest, char *text, size_t size)
{
    comparison c = {allowed, largest, text, size};
    size_t images = (size_t)of->from->images;
    const answer *expected = &of->expected;
    bool good = close_enough(c, "y outside training", got->inferred, expected->inferred, images * of->chain.out);
    if (of->from->inference_only)
        return good;
    good = good && close_enough(c, "y", got->y, expected->y, images * of->chain.out)
        && close_enough(c, "dx", got->dx, expected->dx, images * of->chain.in);
    for (int i = 0; good && i < of->chain.weight_count; i++) {
        const chain_weight *w = &of->chain.weight[i];
        char what[48];
        snprintf(what, sizeof what, "d %s %d", w->name, i);
        good = close_enough(c, what, got->gradients + w->offset, expected->gradients + w->offset, w->length);
        snprintf(what, sizeof what, "%s %d after the step", w->name, i);
        good = good && close_enough(c, what, got->weights_after + w->offset, expected->weights_after + w->offset, w->length);
    }
    return good;
}

const char *problem_run_shared(const problem *of, chain_call settings, double *y, tolerance allowed, char *text, size_t size)
{
    chain_call call = problem_call(of, false);
    call.backend = settings.backend;
    call.force = settings.force;
    call.tensor = settings.tensor;
    call.images = 1;
    call.threads = 3;
    call.least_division = 1;
    call.y = y;
    const char *error = chain_run(&call);
    if (error != NULL)
        return error;
    double largest = 0;
    comparison c = {allowed, &largest, text, size};
    return close_enough(c, "an image shared by threads", y, of->expected.inferred, of->chain.out) ? NULL : text;
}
