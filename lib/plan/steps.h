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
    unsigned char *arena;
    size_t bytes;
};

/* plan.c: whether steps a and b run image by image together, depth first. */
static inline bool knn__together(const knn_step *a, const knn_step *b)
{
    return a->needs.depth_first && b->needs.depth_first && a->needs.phases < 2 && b->needs.phases < 2;
}

/* memory.c: gives every step its tensors and blocks, one arena for all. */
knn_status knn__plan_memory(knn__plan *plan);

#endif
