/* Backward pass of conv2d + relu + max_pooling2d: after pooling at most one position of four has a gradient, and ReLU kills about half of
 * those, so only the live ones are multiplied. `positions` are the bytes of pool2x2.h, in the step's saved blocks. dW is in
 * conv_pool_sparse_weights.c, dX in conv_pool_sparse_input.c; here is the layout that the packed weights and the sums of dW share.
 *
 * Channels are cut into slices of SLICE; the last one may be part empty. The kernel's rows are cut into groups whose accumulators the registers
 * hold: a kernel is the sum of kernels of few rows, and each group is worked on alone. 3x3 is one group, 5x5 three of 1, 2 and 2 rows. A row of
 * five taps alone does not fill the pipelines, which costs 1.4 times its share of dX: 5 % (5x5, 32 to 64 channels, Zen 3).
 *
 *     [slice of channels][group of rows][filter][row of the group][column of the kernel][SLICE]
 *
 * so that what one filter, one group and one slice need is rows x kernel_width x SLICE floats in a row. */
#ifndef KNN_BACKEND_CPU_CONV_POOL_SPARSE_H
#define KNN_BACKEND_CPU_CONV_POOL_SPARSE_H

#include "backend/cpu/conv_shape.h"

#define sparse_packed KNN_ISA_NAME(knn__sparse_packed)
#define sparse_pack KNN_ISA_NAME(knn__sparse_pack)
#define sparse_input KNN_ISA_NAME(knn__sparse_input)
#define sparse_input_scratch KNN_ISA_NAME(knn__sparse_input_scratch)
#define sparse_partial KNN_ISA_NAME(knn__sparse_partial)
#define sparse_weights KNN_ISA_NAME(knn__sparse_weights)
#define sparse_weights_scratch KNN_ISA_NAME(knn__sparse_weights_scratch)
#define sparse_finish KNN_ISA_NAME(knn__sparse_finish)

enum {
    SLICE_VECTORS = REGISTERS == 32 ? 2 : 1,
    SLICE = SLICE_VECTORS * VL,
    GROUP_ACCUMULATORS = 12                 /* x SLICE_VECTORS: dX needs one for each row and each of kernel_width + 1 columns */
};

/* The groups there can be, (rows, kernel width): one function is compiled for each. */
#define SPARSE_GROUPS(GROUP) \
    GROUP(1, 1) GROUP(2, 1) GROUP(3, 1) GROUP(4, 1) GROUP(5, 1) GROUP(6, 1) GROUP(1, 2) GROUP(2, 2) GROUP(3, 2) GROUP(4, 2) \
    GROUP(1, 3) GROUP(2, 3) GROUP(3, 3) GROUP(1, 4) GROUP(2, 4) GROUP(1, 5) GROUP(2, 5) GROUP(1, 6) GROUP(1, 7)

enum { GROUP_ROWS = 6 };                    /* of a group at most */

/* Some of the kernel's rows. */
typedef struct sparse_group {
    int first, rows;
    int taps;                               /* rows x kernel_width */
} sparse_group;

static inline int sparse_groups(const conv_shape *c)
{
    int most = GROUP_ACCUMULATORS / (c->kernel_width + 1);
    return (c->kernel_height + most - 1) / most;
}

/* As even as can be. */
static inline sparse_group sparse_group_at(const conv_shape *c, int group)
{
    int groups = sparse_groups(c), first = c->kernel_height * group / groups, last = c->kernel_height * (group + 1) / groups;
    return (sparse_group){first, last - first, (last - first) * c->kernel_width};
}

static inline int sparse_slices(const conv_shape *c) { return (c->channels + SLICE - 1) / SLICE; }
static inline long sparse_length(const conv_shape *c) { return (long)sparse_slices(c) * c->filters * c->taps * SLICE; }

/* Where the taps of filter k lie; those of the next filter follow at g->taps * SLICE. */
static inline long sparse_place(const conv_shape *c, int slice, const sparse_group *g, int k)
{
    return (((long)slice * c->taps + g->first * c->kernel_width) * c->filters + (long)k * g->taps) * SLICE;
}

/* What the plan must provide, in floats: packed weights, scratch and partial sums of a slice. */
long sparse_packed(const conv_shape *c);
long sparse_partial(const conv_shape *c);
long sparse_weights_scratch(const conv_shape *c);
long sparse_input_scratch(const conv_shape *c);

static inline long sparse_scratch(const conv_shape *c)
{
    long weights = sparse_weights_scratch(c), input = sparse_input_scratch(c);
    return weights > input ? weights : input;
}

/* Packs the filters first .. last - 1 (multiples of VL) for sparse_input. */
void sparse_pack(const knn_step *step, const conv_shape *c, int first, int last, float *packed);

/* Writes the part's dx. */
void sparse_input(const knn_step *step, const conv_shape *c, knn_part part, const float *packed, float *scratch);

/* Adds the part's gradients of kernel and bias to the slice's partial sums. */
void sparse_weights(const knn_step *step, const conv_shape *c, knn_part part, float *scratch);

/* The slice's share of the gradients, in Keras' layout. */
void sparse_finish(const knn_step *step, const conv_shape *c, int slice);

#endif
