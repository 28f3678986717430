/* Mode support: which kernel takes which case. Computes nothing that is looked at. */
#include "harness.h"
#include "kernels.h"

#include "core/status.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_KERNELS = 256 };

/* What the backend chooses by itself. */
static void print_choice(const problem *p, const char *backend, FILE *to)
{
    answer got;
    char kernels[1024];
    answer_make(&got, p);
    const char *error = problem_run(p, chain_run, (chain_call){.backend = backend, .threads = 1}, &got, kernels);
    fprintf(to, "%-14s %-60s %s\n", p->from->group, p->from->label, error != NULL ? error : kernels);
    answer_free(&got);
}

void harness_support(const char *backend, harness_report *report)
{
    int covered[MOST_KERNELS] = {0};
    const knn_kernel *kernel;
    const knn_backend *found = knn__find_backend(backend);
    if (found == NULL) {
        harness_fail(report, "%s", knn_last_error());
        return;
    }
    for (const chain_case *from = chain_cases; from->group != NULL; from++) {
        problem p;
        problem_open(&p, from);
        report->cases++;
        report->refused += !backend_covers(found, &p);
        for (int i = 0; i < MOST_KERNELS && (kernel = kernel_at(found, i)) != NULL; i++)
            covered[i] += kernel_covers(kernel, &p);
        if (report->to != NULL)
            print_choice(&p, backend, report->to);
        problem_free(&p);
    }
    for (int i = 0; i < MOST_KERNELS && (kernel = kernel_at(found, i)) != NULL; i++) {
        bool custom = strstr(kernel->name, "custom") != NULL;           /* users' layers compute in float: no double reference */
        if (report->to != NULL)
            fprintf(report->to, "%4d cases: %s\n", covered[i], kernel->name);
        if (covered[i] == 0 && !custom)
            harness_fail(report, "%s: no case makes it run", kernel->name);
    }
}
