/* A plan: for a chain of nodes, a mode and a capacity, an array of steps (kernel and nodes), their memory, and how to run them.
 *
 * Where the backend has devices, a plan opens one for itself, and its arena, the weights and the gradients lie in that memory. Samples,
 * labels and what is handed out for reading lie in the host's. Work is only queued until knn__plan_output. */
#ifndef KNN_PLAN_PLAN_H
#define KNN_PLAN_PLAN_H

#include "backend/backend.h"

typedef struct knn__plan knn__plan;

typedef struct knn__plan_options {
    const knn_backend *backend;
    int device;                             /* its number, of a backend that has devices */
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

/* Runs x[images][input] (borrowed until the backward pass is over); returns y[images][output], valid until the next run, in the backend's
 * memory. */
const knn_real *knn__plan_forward(knn__plan *plan, const knn_real *x, const knn_run *run);

/* Waits until all is done; then *y is the last run's output for the host to read, valid until the next run. */
knn_status knn__plan_output(knn__plan *plan, const knn_real **y);

/* The loss of the last run: prediction and gradient in the backend's memory, the other arrays in the host's. The values are there when
 * knn__plan_output is. */
void knn__plan_loss(knn__plan *plan, const knn__loss_call *call);

/* What the loss looks at (the logits with loss_before_last, else the output), and where it writes its gradient. */
const knn_real *knn__plan_loss_input(const knn__plan *plan);
knn_real       *knn__plan_loss_gradient(knn__plan *plan);
/* Backward through all steps of the last forward run; the gradients arena then holds the gradients of all trainable weights. */
void            knn__plan_backward(knn__plan *plan);
const knn_real *knn__plan_input_gradient(const knn__plan *plan);

/* Copies between the host and arrays in the backend's memory (waits). */
knn_status knn__plan_write(knn__plan *plan, knn_real *to, const knn_real *from, size_t length);
knn_status knn__plan_read(knn__plan *plan, knn_real *to, const knn_real *from, size_t length);

int    knn__plan_slices(const knn__plan *plan);
size_t knn__plan_bytes(const knn__plan *plan);
int    knn__plan_capacity(const knn__plan *plan);

/* One line a step: layers covered, kernel, bytes, and why faster kernels were refused. `write` gets each line without its end. */
void knn__plan_explain(const knn__plan *plan, void (*write)(void *context, const char *line), void *context);

#endif
