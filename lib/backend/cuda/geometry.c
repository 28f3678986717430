/* What only moves numbers: zero padding and cropping, which are each other's gradient, axes in another order, enlarged pictures. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

/* ---- Padding and cropping ---- */

/* From an extent to another one, which begins `down` rows and `right` columns before it (padding) or behind its begin (cropping). */
static void shift(const knn_step *step, knn_part part, knn_extent a, knn_extent b, bool pads, const knn_tensor *from, const knn_tensor *to)
{
    const knn_node *n = &step->nodes[0];
    unsigned top = (unsigned)(pads ? n->pad_top : -n->pad_top), left = (unsigned)(pads ? n->pad_left : -n->pad_left);
    const knn__cuda_shift s = {(unsigned)a.height, (unsigned)a.width, (unsigned)b.height, (unsigned)b.width, (unsigned)a.channels, top, left};
    knn__cuda_did(step->device, knn__cuda_shift_pictures(step->device->stream, s, knn__cuda_images(part), knn__image(from, part.first, 0),
                                                         knn__image(to, part.first, 0)), "padding or cropping");
}

static bool pads(const knn_step *step) { return step->nodes[0].op == KNN_OP_ZERO_PADDING2D; }

static void forward_padding(const knn_step *step, knn_part part)
{
    shift(step, part, step->nodes[0].in, step->nodes[0].out, pads(step), &step->x, &step->y);
}

static void backward_padding(const knn_step *step, knn_part part)
{
    if (step->dx.data != NULL)
        shift(step, part, step->nodes[0].out, step->nodes[0].in, !pads(step), &step->dy, &step->dx);
}

/* ---- Axes in another order ---- */

/* Numbers from one place to the next along each axis. */
static void steps_of(knn_extent e, unsigned steps[3])
{
    steps[0] = (unsigned)e.width * (unsigned)e.channels;
    steps[1] = (unsigned)e.channels;
    steps[2] = 1;
}

static void permute(const knn_step *step, knn_part part, knn__cuda_axes axes, const knn_tensor *from, const knn_tensor *to)
{
    knn__cuda_did(step->device, knn__cuda_permute(step->device->stream, axes, knn__cuda_images(part), knn__image(from, part.first, 0),
                                                  knn__image(to, part.first, 0)), "permuting");
}

static void forward_permute(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    knn__cuda_axes axes = {{(unsigned)n->out.height, (unsigned)n->out.width, (unsigned)n->out.channels}, {0}};
    unsigned steps[3];
    steps_of(n->in, steps);
    for (int k = 0; k < 3; k++)
        axes.step[k] = steps[n->axes[k]];
    permute(step, part, axes, &step->x, &step->y);
}

static void backward_permute(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    knn__cuda_axes axes = {{(unsigned)n->in.height, (unsigned)n->in.width, (unsigned)n->in.channels}, {0}};
    unsigned steps[3];
    steps_of(n->out, steps);
    for (int k = 0; k < 3; k++)
        axes.step[n->axes[k]] = steps[k];
    if (step->dx.data != NULL)
        permute(step, part, axes, &step->dy, &step->dx);
}

/* ---- Up-sampling ---- */

static knn__cuda_enlargement enlargement_of(const knn_node *n)
{
    return (knn__cuda_enlargement){n->op, (unsigned)n->in.height, (unsigned)n->in.width, (unsigned)n->in.channels, (unsigned)n->stride_height,
                                   (unsigned)n->stride_width};
}

static void forward_up_sampling(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_enlarge(step->device->stream, enlargement_of(&step->nodes[0]), knn__cuda_images(part),
                                                  knn__image(&step->x, part.first, 0), knn__image(&step->y, part.first, 0)), "up-sampling");
}

static void backward_up_sampling(const knn_step *step, knn_part part)
{
    if (step->dx.data == NULL)
        return;
    knn__cuda_did(step->device, knn__cuda_enlarge_backward(step->device->stream, enlargement_of(&step->nodes[0]), knn__cuda_images(part),
                                                           knn__image(&step->dy, part.first, 0), knn__image(&step->dx, part.first, 0)),
                  "up-sampling, backward");
}

const knn_kernel knn__cuda_padding = {
    .name = "padding and cropping, cuda",
    .ops = {KNN_OP_ZERO_PADDING2D, KNN_OP_CROPPING2D}, .forward = forward_padding, .backward = backward_padding,
};

const knn_kernel knn__cuda_permutation = {
    .name = "permute, cuda",
    .ops = {KNN_OP_PERMUTE}, .forward = forward_permute, .backward = backward_permute,
};

const knn_kernel knn__cuda_up_sampling = {
    .name = "up_sampling, cuda",
    .ops = {KNN_OP_UP_SAMPLING_NEAREST, KNN_OP_UP_SAMPLING_BILINEAR}, .forward = forward_up_sampling, .backward = backward_up_sampling,
};
