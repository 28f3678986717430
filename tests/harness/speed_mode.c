/* Mode speed: how long each kernel takes. Checks no result. */
#include "harness.h"
#include "kernels.h"

#include "core/status.h"

#include <string.h>

enum { REPEATS = 7 };

static void time_kernel(const problem *p, const char *backend, const knn_kernel *kernel, FILE *to)
{
    double images = p->from->images, inference = 0;
    chain_call call = {0};
    for (int training = 0; training <= (p->from->inference_only ? 0 : 1); training++) {
        call = problem_call(p, training);
        call.backend = backend;
        call.force = kernel->name;
        call.repeats = REPEATS;
        if (chain_run(&call) != NULL || !kernel_ran(kernel, call.kernels))
            return;
        if (!training)
            inference = call.forward_ms;
    }
    fprintf(to, "%-12s %-40s %8.3f %8.3f %8.3f  %s\n", p->from->group, p->from->label, inference / images, call.forward_ms / images,
            call.backward_ms / images, kernel->name);
}

void harness_speed(const char *backend, const char *group, int images, FILE *to)
{
    const knn_backend *found = knn__find_backend(backend);
    if (found == NULL) {
        fprintf(to, "%s\n", knn_last_error());
        return;
    }
    fprintf(to, "ms an image, one thread, batch %d          inference, training forward, backward\n", images);
    for (const chain_case *from = chain_cases; from->group != NULL; from++) {
        problem p;
        const knn_kernel *kernel;
        chain_case batch = *from;
        batch.images = images;
        if (strcmp(group, from->group) != 0)
            continue;
        problem_open(&p, &batch);
        for (int i = 0; (kernel = kernel_at(found, i)) != NULL; i++)
            if (kernel_belongs(kernel, found) && kernel_covers(kernel, &p))
                time_kernel(&p, backend, kernel, to);
        problem_free(&p);
    }
}
