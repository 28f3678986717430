/* A plan inside: its steps, how they are grouped, where their memory lies. For lib/plan only. */
#ifndef KNN_PLAN_STEPS_H
#define KNN_PLAN_STEPS_H

#include "plan/plan.h"

/* What a run is told, in one piece, so that one copy brings it to a device. */
typedef struct knn__told {
    knn_run run;
    knn__loss_now loss;
    unsigned char step[KNN_STEP_NOW];       /* what changes from one optimizer step to the next */
    knn_real numbers[];                     /* weights of samples [capacity], labels */
} knn__told;

/* Pinned memory for a run that is under way: what it is told, and what comes out. */
typedef struct knn__turn {
    knn__told *told;
    double *losses;                         /* [capacity + 1]: with the penalty */
    knn_real *output;
    int images;
    double *value;                          /* where the caller wants the losses; NULL: there are none */
} knn__turn;

typedef struct knn__repeated { int runs; knn_recording *recording; } knn__repeated;
/* Room for a batch that is on its way to the plan: in the host's memory and, for pictures, in the device's. */
typedef struct knn__stage { unsigned char *here, *there; size_t bytes_here, bytes_there; } knn__stage;

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
    knn__loss_call loss;                    /* of the run */
    const knn_real *taken, *result;         /* its samples where the kernels read them, and its output */
    knn_tensor output, loss_gradient;
    size_t in_length, out_length;           /* floats an image */
    unsigned char *arena;
    size_t bytes;
    /* With a device: it; there, what the host's samples become, what a run is told, losses and penalty; here, a turn for each run that may be
     * under way. */
    knn_device *device;
    knn_real *input;
    knn__told *told;
    double *losses, *loss_sums;
    unsigned char *pinned;
    knn__turn turn[KNN_MARKS];
    int turns, now;
    bool varies;                            /* some launches are not the same in each run: see knn_needs */
    knn__repeated repeated[KNN_REPEATED];
    /* Without a device only the first is used. */
    knn__stage stages[KNN_STAGES];
    int stage;                              /* the one that is filled now */
    bool staged;                            /* .. or is full */
    bool staged_pictures;                   /* in it; else numbers */
    knn__picture_form form;                 /* .. of the pictures */
};

static inline const knn__device_class *knn__devices(const knn__plan *plan) { return plan->options.backend->devices; }

/* A batch's losses and, behind them, the penalty. */
static inline size_t knn__losses_length(const knn__plan *plan) { return (size_t)plan->options.capacity + 1; }

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

/* repeat.c: frees what was recorded. */
void knn__plan_forget(knn__plan *plan);

/* stage.c: what is in the stage that was filled, where the kernels read it; the other one is next. */
const knn_real *knn__plan_take_stage(knn__plan *plan);
void            knn__plan_free_stages(knn__plan *plan);

#endif
