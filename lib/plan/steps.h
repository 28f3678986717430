/* A plan inside: its steps, how they are grouped, where their memory lies. For lib/plan only. */
#ifndef KNN_PLAN_STEPS_H
#define KNN_PLAN_STEPS_H

#include "plan/plan.h"

struct knn__plan {
    knn__plan_options options;              /* nodes: the plan's own copy, without those that leave the numbers as they are */
    knn_node *nodes;
    int node_count;
    int slices;
    bool shares_image;                      /* capacity 1: the slices are not images, but pieces of the steps that are divisible */
    int *first_image;                       /* [slices], of the run that runs */
    knn_step *steps;
    int count;
    int last_backward;                      /* the step that the loss's gradient enters; -1: none */
    int first_backward;                     /* the first step that anything trainable needs; count: none */
    knn_run run;
    knn_tensor output, loss_gradient;
    const knn_real *result;                 /* what the last run returned */
    size_t in_length, out_length;           /* floats an image */
    unsigned char *arena;
    size_t bytes;
    /* With a device: it, what the host's samples, labels and their weights become there, the losses before they are read, and the output
     * after it is. */
    knn_device *device;
    knn_real *input, *target, *weight;
    double *losses, *loss_sums;
    knn_real *host_output;
};

static inline const knn__device_class *knn__devices(const knn__plan *plan) { return plan->options.backend->devices; }

/* What the step's kernel wants of the memory plan. */
static inline void knn__measure(knn_step *step)
{
    step->needs = (knn_needs){0};
    if (step->kernel->measure != NULL)
        step->kernel->measure(step, &step->needs);
}

/* plan.c: whether steps a and b run image by image together, depth first. */
static inline bool knn__together(const knn_step *a, const knn_step *b)
{
    return a->needs.depth_first && b->needs.depth_first && a->needs.phases < 2 && b->needs.phases < 2;
}

/* memory.c: gives every step its tensors and blocks, one arena for all. */
knn_status knn__plan_memory(knn__plan *plan);

/* transfer.c: x where the kernels read it. */
const knn_real *knn__plan_take(knn__plan *plan, const knn_real *x, int images);

#endif
