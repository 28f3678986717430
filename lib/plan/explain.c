/* Says what a plan is made of: for each step the layers, the kernel, its bytes, and why the faster kernels before it were refused. */
#include "plan/steps.h"

#include <stdio.h>
#include <string.h>

typedef void line_writer(void *context, const char *line);

static void explain_step(const knn__plan *plan, const knn_step *step, line_writer *write, void *context)
{
    char line[512];
    const knn_node *last = &step->nodes[step->count - 1];
    size_t images = (size_t)plan->options.capacity, slices = (size_t)plan->slices;
    size_t activations = step->y.length * sizeof(knn_real) * (step->y.own ? slices : images);
    const char *order = step->needs.depth_first ? ", image by image" : step->needs.divisible ? ", shared by the threads" : "";

    snprintf(line, sizeof line, "%s%s%s: %s (output %zu KiB, saved %zu KiB, packed %zu KiB, sums %zu KiB%s%s)", step->nodes[0].name,
             strcmp(step->nodes[0].name, last->name) != 0 ? " .. " : "", strcmp(step->nodes[0].name, last->name) != 0 ? last->name : "",
             step->kernel->name, activations / 1024, step->saved_stride * images / 1024, step->needs.packed / 1024,
             step->partial_stride * slices / 1024, order, step->needs.tensor ? ", in TF32" : "");
    write(context, line);
}

/* The kernels before the chosen one, and what they said. */
static void explain_refusals(const knn__plan *plan, const knn_step *step, line_writer *write, void *context)
{
    char line[512];

    for (int list = 0;; list++) {
        const knn_kernel *const *kernels = plan->options.backend->kernels(list);
        for (; kernels != NULL && *kernels != NULL; kernels++) {
            const char *reason = NULL;
            if (*kernels == step->kernel)
                return;
            if (knn__kernel_covers(*kernels, step->nodes, step->count, &step->request, &reason) == 0 && reason != NULL) {
                snprintf(line, sizeof line, "    not %s: %s", (*kernels)->name, reason);
                write(context, line);
            }
        }
        if (kernels == NULL)
            return;
    }
}

void knn__plan_explain(const knn__plan *plan, line_writer *write, void *context)
{
    for (int s = 0; s < plan->count; s++) {
        explain_step(plan, &plan->steps[s], write, context);
        explain_refusals(plan, &plan->steps[s], write, context);
    }
}
