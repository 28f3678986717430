/* What works number by number, in place where the backward pass allows it: activations, dropout, Gaussian noise, rescaling. */
#include "backend/activations.h"
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"
#include "core/random.h"

/* ---- Activation ---- */

static int covers_activation(const knn_node *nodes, int count, const knn_request *request, const char **reason)
{
    (void)count, (void)request, (void)reason;
    return !knn__is_over_rows(&nodes[0]);
}

static void measure_activation(const knn_step *step, knn_needs *needs)
{
    bool from_output = knn__slope_from_output(step->nodes[0].activation);
    needs->input = !from_output;
    needs->output = from_output;
    needs->in_place = from_output || !step->request.training;
}

static void forward_activation(const knn_step *step, knn_part part)
{
    knn__cuda_did(step->device, knn__cuda_activate(step->device->stream, step->nodes[0].activation, knn__image(&step->x, part.first, 0),
                                                   knn__cuda_numbers(part, step->y.length), knn__image(&step->y, part.first, 0)),
                  "an activation");
}

static void backward_activation(const knn_step *step, knn_part part)
{
    const knn_tensor *kept = knn__slope_from_output(step->nodes[0].activation) ? &step->y : &step->x;
    if (step->dx.data == NULL)
        return;
    knn__cuda_did(step->device, knn__cuda_activate_backward(step->device->stream, step->nodes[0].activation, knn__image(kept, part.first, 0),
                                                            knn__image(&step->dy, part.first, 0), knn__cuda_numbers(part, step->dx.length),
                                                            knn__image(&step->dx, part.first, 0)), "an activation, backward");
}

/* ---- Dropout: counter-based random numbers, so that backward draws the mask again instead of storing it ---- */

static void measure_in_place(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->in_place = true;
}

static void drop(const knn_step *step, knn_part part, const knn_tensor *from, const knn_tensor *to)
{
    const knn_node *n = &step->nodes[0];
    const knn__cuda_draws d = {.seed = step->run->seed, .stream = (uint32_t)(KNN__STREAM_DROPOUT + 16 * n->layer),
        .iteration = &step->run_there->iteration, .keep = (float)(1 - n->rate), .scale = (float)(1 / (1 - n->rate)),
        .length = (unsigned)to->length, .draws = (unsigned)(n->whole_channels ? (size_t)n->in.channels : to->length)};
    knn__cuda_did(step->device, knn__cuda_drop(step->device->stream, d, knn__cuda_images(part), knn__image(from, part.first, 0),
                                               knn__image(to, part.first, 0)), "dropout");
}

static void forward_dropout(const knn_step *step, knn_part part) { drop(step, part, &step->x, &step->y); }

static void backward_dropout(const knn_step *step, knn_part part)
{
    if (step->dx.data != NULL)
        drop(step, part, &step->dy, &step->dx);
}

/* ---- Gaussian noise and dropout: normal numbers, which backward draws again ---- */

static void disturb(const knn_step *step, knn_part part, float deviation, const knn_tensor *from, const knn_tensor *to)
{
    const knn_node *n = &step->nodes[0];
    const knn__cuda_noise d = {.seed = step->run->seed, .stream = (uint32_t)(KNN__STREAM_DROPOUT + 16 * n->layer),
        .iteration = &step->run_there->iteration, .deviation = deviation, .factors = n->op == KNN_OP_GAUSSIAN_DROPOUT,
        .length = (unsigned)to->length};
    knn__cuda_did(step->device, knn__cuda_disturb(step->device->stream, d, knn__cuda_images(part), knn__image(from, part.first, 0),
                                                  knn__image(to, part.first, 0)), "Gaussian noise");
}

static void forward_gaussian(const knn_step *step, knn_part part)
{
    disturb(step, part, (float)step->nodes[0].rate, &step->x, &step->y);
}

/* What is added has no part in the gradient. */
static void backward_gaussian(const knn_step *step, knn_part part)
{
    bool factors = step->nodes[0].op == KNN_OP_GAUSSIAN_DROPOUT;
    if (step->dx.data != NULL)
        disturb(step, part, factors ? (float)step->nodes[0].rate : 0, &step->dy, &step->dx);
}

/* ---- Rescaling: y = scale x + offset ---- */

static void rescale(const knn_step *step, knn_part part, float offset, const knn_tensor *from, const knn_tensor *to)
{
    knn__cuda_did(step->device, knn__cuda_rescale(step->device->stream, (float)step->nodes[0].scale, offset, knn__image(from, part.first, 0),
                                                  knn__cuda_numbers(part, to->length), knn__image(to, part.first, 0)), "rescaling");
}

static void forward_rescaling(const knn_step *step, knn_part part)
{
    rescale(step, part, (float)step->nodes[0].offset, &step->x, &step->y);
}

static void backward_rescaling(const knn_step *step, knn_part part)
{
    if (step->dx.data != NULL)
        rescale(step, part, 0, &step->dy, &step->dx);
}

const knn_kernel knn__cuda_activation = {
    .name = "activation, cuda",
    .ops = {KNN_OP_ACTIVATION}, .covers = covers_activation,
    .measure = measure_activation, .forward = forward_activation, .backward = backward_activation,
};

const knn_kernel knn__cuda_dropout = {
    .name = "dropout, cuda",
    .ops = {KNN_OP_DROPOUT}, .measure = measure_in_place, .forward = forward_dropout, .backward = backward_dropout,
};

const knn_kernel knn__cuda_gaussian = {
    .name = "gaussian noise, cuda",
    .ops = {KNN_OP_GAUSSIAN_NOISE, KNN_OP_GAUSSIAN_DROPOUT},
    .measure = measure_in_place, .forward = forward_gaussian, .backward = backward_gaussian,
};

const knn_kernel knn__cuda_rescaling = {
    .name = "rescaling, cuda",
    .ops = {KNN_OP_RESCALING}, .measure = measure_in_place, .forward = forward_rescaling, .backward = backward_rescaling,
};
