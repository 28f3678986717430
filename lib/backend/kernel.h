/* A kernel: an implementation, on one backend, of 1..k consecutive nodes, forward and backward together. A fused kernel covers several.
 *
 * Kernels are serial functions of (images, slice): no allocation, no failure, no pragma. The plan gives them memory and calls them. */
#ifndef KNN_BACKEND_KERNEL_H
#define KNN_BACKEND_KERNEL_H

#include "layers/node.h"

/* The library computes in float. The tests build floors 1 to 3 and the reference kernels once more in double: the oracle of all others. */
#ifdef KNN_DOUBLE
typedef double knn_real;
#else
typedef float knn_real;
#endif

/* What the plan is made for. */
typedef struct knn_request {
    bool training;
    int capacity;                           /* images a run at most */
    int slices;
    const char *force;                      /* for tests: only kernels whose name contains this, where one of them covers; NULL: free choice */
} knn_request;

/* The images [first, last) of a batch, worked on by `slice` of the step's slices. One image that all slices share (needs.divisible) is cut
 * into `pieces` of its output, of which this slice makes the piece-th; else pieces is 1. */
typedef struct knn_part { int first, last, slice, phase, piece, pieces; } knn_part;

/* A batch of activations or gradients. The images of one slice lie one behind the other. `own`: only one image for each slice exists
 * (depth first). A buffer that tensors of several lengths take in turns (memory.c) gives each slice a place of its own, `slack` floats an
 * image wider than needed, since one slice may be a step ahead of another; `first` tells where each slice begins. */
typedef struct knn_tensor {
    knn_real *data;                         /* NULL: not wanted, not kept */
    size_t length;                          /* floats an image */
    bool own;
    size_t slack;
    const int *first;                       /* [slices]: first image of each; NULL: slack is 0 */
} knn_tensor;

/* What a kernel wants of the memory plan. Bytes; each block is aligned to 64. */
typedef struct knn_needs {
    size_t saved;                           /* an image: kept from forward to backward (training only) */
    size_t scratch;                         /* a slice: during one call */
    size_t partial;                         /* a slice: sums over its images, zeroed before a backward pass, read by finish */
    size_t packed;                          /* weights as the kernel likes them, written by prepare */
    bool input, output;                     /* backward reads x, y */
    bool depth_first;                       /* wants one image a call, so that what it makes is consumed from cache */
    bool in_place;                          /* may be called with y == x and dx == dy */
    bool varies;                            /* on a device: its launches are not the same in each run */
    bool tensor;                            /* multiplies in TF32: knn_explain says so */
    bool divisible;                         /* forward can make a piece of an image's output; the numbers do not depend on how many there are */
    int phases;                             /* 0 or 1: images are independent. 2: all slices finish phase 0 before any begins phase 1 */
} knn_needs;

/* Where kernels of a backend with a memory of its own queue their work: a stream of a GPU. The backend's own; NULL on the host. */
typedef struct knn_device knn_device;

/* What one run is about; the same for all steps. */
typedef struct knn_run {
    int images;                             /* <= capacity */
    int threads;                            /* fewer than the plan's, for a machine that is busy; 0: the plan's. The numbers are the same */
    bool training;
    uint64_t seed;
    uint32_t iteration;                     /* random numbers: (seed, layer, iteration, place in the batch, element) */
} knn_run;

struct knn_kernel;
/* A kernel at its place in a plan. Blocks of the memory plan: base and bytes from one image or slice to the next. */
typedef struct knn_step {
    const struct knn_kernel *kernel;
    const knn_node *nodes;
    int count;                              /* of nodes covered */
    knn_request request;
    knn_needs needs;
    knn_tensor x, y, dy, dx;                /* dx.data NULL: nobody wants it. NHWC */
    knn_real *weights, *gradients;          /* the arenas; a node's weight i at + nodes[k].weight[i].offset */
    unsigned char *saved, *scratch, *partial, *packed;
    size_t saved_stride, scratch_stride, partial_stride;
    knn_device *device;
    const knn_run *run, *run_there;         /* the same in the device's memory: what changes from run to run is read there by kernels */
} knn_step;

enum { KNN_KERNEL_OPS = 3 };

typedef struct knn_kernel {
    const char *name;                       /* "conv2d+relu+max_pooling2d, winograd, avx2": unique in a backend */
    knn_op ops[KNN_KERNEL_OPS];             /* what the first node it covers may do */
    /* How many of the nodes it covers from the first on, which is one of these; 0: none, with the reason in a constant text (it is NULL before).
     * NULL: always that one. */
    int  (*covers)(const knn_node *nodes, int count, const knn_request *request, const char **reason);
    void (*measure)(const knn_step *step, knn_needs *needs);        /* needs comes zeroed; NULL: it stays so */
    void (*prepare)(const knn_step *step, int slice);               /* its share of packing the weights; NULL: none. Slices run in parallel */
    void (*forward)(const knn_step *step, knn_part part);
    void (*backward)(const knn_step *step, knn_part part);          /* writes dx (does not add); adds to partial */
    void (*finish)(const knn_step *step, int slice);                /* its share of the gradients (=, not +=), the slices' sums added in order */
} knn_kernel;

/* How many of the nodes a kernel covers from the first on; 0: none, with the reason (NULL: the first node does something else). */
static inline int knn__kernel_covers(const knn_kernel *kernel, const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    *reason = NULL;
    for (int i = 0; i < KNN_KERNEL_OPS && kernel->ops[i] != KNN_OP_NONE; i++)
        if (kernel->ops[i] == nodes[0].op)
            return kernel->covers != NULL ? kernel->covers(nodes, count, request, reason) : 1;
    return 0;
}

static inline knn_real *knn__image(const knn_tensor *tensor, int image, int slice)
{
    if (tensor->own)
        return tensor->data + (size_t)slice * tensor->length;
    size_t before = tensor->first != NULL ? (size_t)tensor->first[slice] * tensor->slack : 0;
    return tensor->data + before + (size_t)image * tensor->length;
}
static inline void *knn__saved(const knn_step *step, int image) { return step->saved + (size_t)image * step->saved_stride; }
static inline void *knn__scratch(const knn_step *step, int slice) { return step->scratch + (size_t)slice * step->scratch_stride; }
static inline void *knn__partial(const knn_step *step, int slice) { return step->partial + (size_t)slice * step->partial_stride; }
static inline knn_real *knn__weight(const knn_step *step, int node, int which)
{
    const knn_node_weight *w = &step->nodes[node].weight[which];
    return w->length == 0 ? NULL : step->weights + w->offset;
}
/* NULL where the weight does not exist or is frozen. */
static inline knn_real *knn__gradient(const knn_step *step, int node, int which)
{
    const knn_node_weight *w = &step->nodes[node].weight[which];
    return w->length == 0 || !w->trainable ? NULL : step->gradients + w->offset;
}

#endif
