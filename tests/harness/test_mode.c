/* Mode test: kernels against the double reference. Finds nothing wrong with a kernel that no case makes run: mode support does that. */
#include "harness.h"
#include "kernels.h"

#include "core/status.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Near ties: ten times what numbers may be off by. */
static const double MARGIN = 1e-4, TENSOR_MARGIN = 1e-2;

char harness_now[512];

void harness_fail(harness_report *report, const char *format, ...)
{
    char text[sizeof report->first];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (report->failures++ == 0)
        memcpy(report->first, text, sizeof text);
    if (report->to != NULL)
        fprintf(report->to, "FAILED %s\n", text);
}

static void name_now(const problem *p, const char *what)
{
    const knn_shape *in = &p->from->input;
    snprintf(harness_now, sizeof harness_now, "%s: %s, (%d, %d, %d), %d images: %s", p->from->group, p->from->label, in->size[0],
             in->size[1], in->size[2], p->from->images, what);
}

static bool same_bits(const problem *p, const answer *a, const answer *b)
{
    size_t images = (size_t)p->from->images, weights = p->chain.weights_length * sizeof(double);
    size_t in = images * p->chain.in * sizeof(double), out = images * p->chain.out * sizeof(double);
    return memcmp(a->y, b->y, out) == 0 && memcmp(a->inferred, b->inferred, out) == 0 && memcmp(a->dx, b->dx, in) == 0
        && memcmp(a->gradients, b->gradients, weights) == 0 && memcmp(a->weights_after, b->weights_after, weights) == 0;
}

/* On a kernel, where nothing in front of it takes its nodes; NULL: on what the backend chooses. `kernels` gets what ran. */
static void test_choice(const problem *p, const char *backend, const knn_kernel *kernel, char kernels[1024], harness_report *report)
{
    answer once, again;
    char text[512];
    chain_call settings = {.backend = backend, .force = kernel != NULL ? kernel->name : NULL, .threads = 1,
                           .tensor = report->tensor};
    name_now(p, kernel != NULL ? kernel->name : "its own choice");
    answer_make(&once, p);
    answer_make(&again, p);
    const char *error = problem_run(p, chain_run, settings, &once, kernels);
    if (error != NULL)
        harness_fail(report, "%s: %s", harness_now, error);
    else if (kernel == NULL || kernel_ran(kernel, kernels)) {
        report->runs++;
        tolerance allowed = kernels_tolerance(kernels, report->tensor, p);
        if (!answer_agrees(p, &once, allowed, &report->largest_error, text, sizeof text))
            harness_fail(report, "%s: %s", harness_now, text);
        settings.threads = 2;
        settings.guard_before = true;
        error = problem_run(p, chain_run, settings, &again, kernels);
        if (error != NULL)
            harness_fail(report, "%s: %s", harness_now, error);
        else if (!same_bits(p, &once, &again))
            harness_fail(report, "%s: other numbers on two threads", harness_now);
        error = problem_run_shared(p, settings, again.inferred, allowed, text, sizeof text);
        if (error != NULL)
            harness_fail(report, "%s: %s", harness_now, error);
    }
    answer_free(&once);
    answer_free(&again);
}

static void test_all_kernels(const problem *p, const knn_backend *found, const char *backend, harness_report *report)
{
    char chosen[1024], kernels[1024];
    const knn_kernel *kernel;
    test_choice(p, backend, NULL, chosen, report);
    for (int i = 0; (kernel = kernel_at(found, i)) != NULL; i++)
        if (kernel_belongs(kernel, found) && kernel_covers(kernel, p) && !kernel_ran(kernel, chosen))
            test_choice(p, backend, kernel, kernels, report);
}

void harness_test_case(const char *backend, const chain_case *from, harness_report *report)
{
    problem p;
    const knn_backend *found = knn__find_backend(backend);
    if (found == NULL) {
        harness_fail(report, "%s", knn_last_error());
        return;
    }
    report->cases++;
    problem_open(&p, from);
    bool covered = backend_covers(found, &p);
    problem_free(&p);
    report->refused += !covered;
    if (!covered)
        return;
    problem_make(&p, from, report->tensor ? TENSOR_MARGIN : MARGIN);
    test_all_kernels(&p, found, backend, report);
    problem_free(&p);
}

void harness_test(const char *backend, const char *group, harness_report *report)
{
    int at = 0;
    for (const chain_case *from = chain_cases; from->group != NULL; from++) {
        if (group != NULL && strcmp(group, from->group) != 0)
            continue;
        if (report->every == 0 || at++ % report->every == report->offset)
            harness_test_case(backend, from, report);
    }
}

/* y of the nodes run one by one, each in a plan of its own, into the second half of `y`; the first half gets the whole chain's. */
static const char *run_both_ways(const problem *p, bool training, double *y, double *between[2])
{
    chain_call whole = problem_call(p, training), one = whole;
    whole.dy = one.dy = NULL;
    whole.y = y;
    const char *error = oracle_run(&whole);
    one.count = 1;
    for (int k = 0; error == NULL && k < p->chain.count; k++) {
        one.nodes = &p->chain.nodes[k];
        one.x = k == 0 ? p->x : between[(k + 1) % 2];
        one.y = k == p->chain.count - 1 ? y + (size_t)p->from->images * p->chain.out : between[k % 2];
        error = oracle_run(&one);
    }
    return error;
}

static size_t widest(const problem *p)
{
    size_t most = 0;
    for (int k = 0; k < p->chain.count; k++)
        if (knn__extent_length(p->chain.nodes[k].out) > most)
            most = knn__extent_length(p->chain.nodes[k].out);
    return most * (size_t)p->from->images;
}

void harness_test_plan(harness_report *report)
{
    for (const chain_case *from = chain_cases; from->group != NULL; from++) {
        problem p;
        problem_open(&p, from);
        size_t out = (size_t)from->images * p.chain.out, most = widest(&p);
        double *memory = calloc(2 * out + 2 * most, sizeof *memory), *between[2] = {memory + 2 * out, memory + 2 * out + most};
        report->cases++;
        for (int training = 0; memory != NULL && training <= 1; training++) {
            name_now(&p, training ? "plan for training" : "plan for inference");
            const char *error = run_both_ways(&p, training, memory, between);
            report->runs++;
            if (error != NULL || memcmp(memory, memory + out, out * sizeof *memory) != 0)
                harness_fail(report, "%s: %s", harness_now, error != NULL ? error : "other numbers than from its nodes one by one");
        }
        free(memory);
        problem_free(&p);
    }
}
