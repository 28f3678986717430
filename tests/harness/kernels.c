/* What the harness asks about single kernels. Runs none. */
#include "kernels.h"

#include "plan/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const knn_kernel *kernel_at(const knn_backend *backend, int index)
{
    const knn_kernel *const *kernels;
    for (int list = 0; (kernels = backend->kernels(list)) != NULL; list++)
        for (; *kernels != NULL; kernels++)
            if (index-- == 0)
                return *kernels;
    return NULL;
}

bool kernel_belongs(const knn_kernel *kernel, const knn_backend *backend)
{
    for (const knn_kernel *const *reference = knn__reference_backend.kernels(0); *reference != NULL; reference++)
        if (*reference == kernel)
            return backend == &knn__reference_backend;
    return true;
}

bool kernel_covers(const knn_kernel *kernel, const problem *p)
{
    const chain *c = &p->chain;
    const char *reason = NULL;
    for (int training = p->from->inference_only ? 0 : 1; training >= 0; training--)
        for (int at = 0; at < c->count; at++) {
            knn_request request = {.training = training, .capacity = p->from->images, .slices = 1, .force = kernel->name};
            if (knn__kernel_covers(kernel, &c->nodes[at], c->count - at, &request, &reason) > 0)
                return true;
        }
    return false;
}

bool backend_covers(const knn_backend *backend, const problem *p)
{
    for (int training = p->from->inference_only ? 0 : 1; training >= 0; training--)
        for (int at = 0; at < p->chain.count; at++)
            if (!knn__plan_covers(backend, &p->chain.nodes[at], training, p->from->images))
                return false;
    return true;
}

bool kernel_ran(const knn_kernel *kernel, const char *kernels)
{
    char text[256];
    snprintf(text, sizeof text, "[%s]", kernel->name);
    return strstr(kernels, text) != NULL;
}

/* Float sums are good to 1e-5. Winograd's transforms (Lavin and Gray 2016) cost more digits the more channels they are summed over. A product in
 * TF32 is good to 2^-10 of itself, and there may be one after the other. */
tolerance kernels_tolerance(const char *kernels, bool tensor, const problem *p)
{
    double channels = 0;
    for (int i = 0; i < p->chain.count; i++)
        if (p->chain.nodes[i].op == KNN_OP_CONV2D)
            channels = fmax(channels, p->chain.nodes[i].in.channels);
    if (tensor)
        return (tolerance){2e-3, 1};                        /* numbers are drawn so that most come to about 1 */
    return (tolerance){1e-5 * (strstr(kernels, "winograd") != NULL && channels > 128 ? sqrt(channels / 128) : 1), 0};
}
