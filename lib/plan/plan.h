/* A plan: for a chain of nodes, a mode and a capacity, an array of steps (kernel and nodes), their memory, and how to run them.
 *
 * Where the backend has devices, a plan works on one, and its arena, the weights and the gradients lie in that memory. Samples, labels and
 * what is handed out for reading lie in the host's. Work is only queued; knn__plan_output waits.
 *
 * A run has three parts: what it is about (knn__plan_take), what is done (knn__plan_go, _loss, _backward), which is the same in each run of
 * as many samples, and what came out (knn__plan_fetch). */
#ifndef KNN_PLAN_PLAN_H
#define KNN_PLAN_PLAN_H

#include "backend/backend.h"

typedef struct knn__plan knn__plan;

typedef struct knn__plan_options {
    const knn_backend *backend;
    int device;                             /* its number, of a backend that has devices */
    knn_device *opened;                     /* one that is open, borrowed; NULL: the plan opens one for itself */
    bool tensor;                            /* products in TF32, where the device has tensor cores for it */
    const knn_node *nodes;                  /* copied; texts and descriptions are borrowed */
    int count;
    bool training;
    int capacity, threads;
    int slices;                             /* that sums over a batch are split into; 0: a number that does not depend on the threads */
    /* The loss starts at the input of the last node (an activation: sigmoid or softmax whose gradient the loss computes from the logits). */
    bool loss_before_last;
    bool input_gradient;                    /* keep the gradient of the first node's input (tests, users' tools) */
    const char *force;                      /* knn_request.force */
    size_t least_division;                  /* multiplications of a step from which on threads share an image of it; 0: PAYS_DIVISION */
    knn_real *weights, *gradients;          /* arenas in the backend's memory, borrowed; gradients NULL without training */
} knn__plan_options;

/* Whether a backend has a kernel for a node, taken alone. */
bool knn__plan_covers(const knn_backend *backend, const knn_node *node, bool training, int capacity);

/* KNN_ERROR_UNSUPPORTED names layer and backend; or MEMORY, DEVICE, DEVICE_MEMORY. */
knn_status knn__plan_make(const knn__plan_options *options, knn__plan **plan);
void       knn__plan_free(knn__plan *plan);

/* Packs the weights for the kernels; due after each change of them. threads 0: the plan's. */
void knn__plan_prepare(knn__plan *plan, int threads);

/* Where the host puts the next batch, of up to `capacity` samples: [capacity][input] numbers, or pictures, if the plan takes such. There are
 * two places in turns, where there is a device: one may be filled while the other is worked on, and this waits until it has been sent. */
bool       knn__plan_takes_pictures(const knn__plan *plan);
knn_status knn__plan_stage(knn__plan *plan, knn_real **x);
knn_status knn__plan_stage_pictures(knn__plan *plan, const knn__picture_form *form, knn__pictures *pictures);
bool       knn__plan_is_staged(const knn__plan *plan);      /* since the last run that took it */

/* What the next run is about: x[images][input], borrowed until the run's results are there, or NULL: what is staged. Loss and step NULL: without
 * a loss, without a device's optimizer step. Of the loss prediction (NULL: the output) and gradient are in the backend's memory, the other arrays
 * in the host's; the values are there when the results are. The step gets the place of `now`. */
void knn__plan_take(knn__plan *plan, const knn_real *x, const knn_run *run, const knn__loss_call *loss, knn__step_call *step);

/* Runs forward; returns y[images][output], valid until the next run, in the backend's memory. */
const knn_real *knn__plan_go(knn__plan *plan);
/* Both, where nothing but the output is wanted. */
const knn_real *knn__plan_forward(knn__plan *plan, const knn_real *x, const knn_run *run);

void knn__plan_loss(knn__plan *plan);
/* What the loss looks at (the logits with loss_before_last, else the output), and where it writes its gradient. */
const knn_real *knn__plan_loss_input(const knn__plan *plan);
knn_real       *knn__plan_loss_gradient(knn__plan *plan);
/* Backward through all steps of the last forward run; the gradients arena then holds the gradients of all trainable weights. */
void            knn__plan_backward(knn__plan *plan);
const knn_real *knn__plan_input_gradient(const knn__plan *plan);

/* Does such work, which depends on what the run was told and on nothing else that changes while the plan lives. On a device, and in runs of a
 * whole batch, it is queued as a whole from the third time on. There may be KNN_REPEATED different ones: `which`. */
enum { KNN_REPEATED = 2 };
void knn__plan_repeat(knn__plan *plan, int which, void (*work)(void *context), void *context);

/* Queues the way back of the run's results: *number is what they are waited for by. Of a plan for training they stay until the second next
 * run, of others until the next one. An error tells of what could not be queued; then nothing of the run is under way any more. */
knn_status knn__plan_fetch(knn__plan *plan, int *number);
/* Waits for them: *y for the host to read, the losses where the call wanted them; *penalty, NULL: not wanted. */
knn_status knn__plan_fetched(knn__plan *plan, int number, const knn_real **y, double *penalty);
/* Both. */
knn_status knn__plan_output(knn__plan *plan, const knn_real **y);
/* On a device: where an optimizer step leaves its penalty. */
double    *knn__plan_penalty(const knn__plan *plan);

/* Copies between the host and arrays in the backend's memory (waits). */
knn_status knn__plan_write(knn__plan *plan, knn_real *to, const knn_real *from, size_t length);
knn_status knn__plan_read(knn__plan *plan, knn_real *to, const knn_real *from, size_t length);

int    knn__plan_slices(const knn__plan *plan);
size_t knn__plan_bytes(const knn__plan *plan);
int    knn__plan_capacity(const knn__plan *plan);

/* One line a step: layers covered, kernel, bytes, and why faster kernels were refused. `write` gets each line without its end. */
void knn__plan_explain(const knn__plan *plan, void (*write)(void *context, const char *line), void *context);

#endif
