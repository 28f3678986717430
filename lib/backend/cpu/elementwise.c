/* What works number by number: activations, dropout, rescaling; and zero padding, which is as simple. In place where the backward pass
 * allows it. What has parameters or weights is in rectifiers.c, prelu.c and gaussian.c. Activations behind convolutions and dense layers are
 * mostly done by their kernels. */
#include "backend/cpu/activation.h"
#include "core/random.h"

#include <string.h>

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
    needs->depth_first = true;
}

static void forward_activation(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        knn__activate(step->nodes[0].activation, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice),
                      step->y.length);
}

static void backward_activation(const knn_step *step, knn_part part)
{
    const knn_tensor *kept = knn__slope_from_output(step->nodes[0].activation) ? &step->y : &step->x;
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        knn__activate_backward(step->nodes[0].activation, knn__image(kept, image, part.slice), knn__image(&step->dy, image, part.slice),
                               knn__image(&step->dx, image, part.slice), step->dx.length);
}

/* ---- Dropout: counter-based random numbers, so that backward draws the mask again instead of storing it ---- */

enum { DRAWS = 256 };                       /* at a time */

static void measure_in_place(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->in_place = true;
    needs->depth_first = true;
}

/* A row of numbers for the channels of all positions. */
static void drop_channels(const knn_step *step, const knn__stream *stream, const float *from, float *to)
{
    size_t channels = (size_t)step->nodes[0].in.channels;
    float keep = (float)(1 - step->nodes[0].rate), scale = (float)(1 / (1 - step->nodes[0].rate)), u[DRAWS];
    for (size_t first = 0; first < channels; first += DRAWS) {
        size_t draws = channels - first < DRAWS ? channels - first : DRAWS;
        knn__uniform_fill(stream, (uint32_t)first, u, draws);
        for (size_t position = first; position < step->y.length; position += channels)
            for (size_t c = 0; c < draws; c++)
                to[position + c] = u[c] < keep ? from[position + c] * scale : 0;
    }
}

/* to[i] = from[i] / keep where the element's uniform number lies below keep = 1 - rate, else 0; to may be from. */
static void drop(const knn_step *step, int image, const float *from, float *to)
{
    const knn_node *n = &step->nodes[0];
    const knn_run *run = step->run;
    const knn__stream stream = {.seed = run->seed, .stream = (uint32_t)(KNN__STREAM_DROPOUT + 16 * n->layer), .epoch = run->iteration,
                                .index = (uint32_t)image};
    if (n->whole_channels) {
        drop_channels(step, &stream, from, to);
        return;
    }
    float keep = (float)(1 - n->rate), scale = (float)(1 / (1 - n->rate)), u[DRAWS];
    for (size_t first = 0; first < step->y.length; first += DRAWS) {
        size_t draws = step->y.length - first < DRAWS ? step->y.length - first : DRAWS;
        knn__uniform_fill(&stream, (uint32_t)first, u, draws);
        for (size_t i = 0; i < draws; i++)
            to[first + i] = u[i] < keep ? from[first + i] * scale : 0;
    }
}

static void forward_dropout(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        drop(step, image, knn__image(&step->x, image, part.slice), knn__image(&step->y, image, part.slice));
}

static void backward_dropout(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        drop(step, image, knn__image(&step->dy, image, part.slice), knn__image(&step->dx, image, part.slice));
}

/* ---- Rescaling: y = scale x + offset ---- */

static void rescale(const float *x, float scale, float offset, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = scale * x[i] + offset;
}

static void forward_rescaling(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    for (int image = part.first; image < part.last; image++)
        rescale(knn__image(&step->x, image, part.slice), (float)n->scale, (float)n->offset, knn__image(&step->y, image, part.slice),
                step->y.length);
}

static void backward_rescaling(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        rescale(knn__image(&step->dy, image, part.slice), (float)step->nodes[0].scale, 0, knn__image(&step->dx, image, part.slice),
                step->dx.length);
}

/* ---- Zero padding: rows and columns of zeros around pictures ---- */

static void measure_padding(const knn_step *step, knn_needs *needs)
{
    (void)step;
    needs->depth_first = true;
}

/* Where row `row` of the input begins in the output. */
static size_t inner_row(const knn_node *n, int row)
{
    return ((size_t)(row + n->pad_top) * (size_t)n->out.width + (size_t)n->pad_left) * (size_t)n->out.channels;
}

static void forward_padding(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    size_t length = (size_t)n->in.width * (size_t)n->in.channels;
    for (int image = part.first; image < part.last; image++) {
        const float *x = knn__image(&step->x, image, part.slice);
        float *y = knn__image(&step->y, image, part.slice);
        memset(y, 0, step->y.length * sizeof *y);
        for (int row = 0; row < n->in.height; row++)
            memcpy(y + inner_row(n, row), x + (size_t)row * length, length * sizeof *y);
    }
}

static void backward_padding(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    size_t length = (size_t)n->in.width * (size_t)n->in.channels;
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++) {
        const float *dy = knn__image(&step->dy, image, part.slice);
        float *dx = knn__image(&step->dx, image, part.slice);
        for (int row = 0; row < n->in.height; row++)
            memcpy(dx + (size_t)row * length, dy + inner_row(n, row), length * sizeof *dx);
    }
}

const knn_kernel KNN_ISA_NAME(knn__activation) = {
    .name = "activation, " KNN_ISA_TEXT,
    .ops = {KNN_OP_ACTIVATION}, .covers = covers_activation,
    .measure = measure_activation, .forward = forward_activation, .backward = backward_activation,
};

const knn_kernel KNN_ISA_NAME(knn__dropout) = {
    .name = "dropout, " KNN_ISA_TEXT,
    .ops = {KNN_OP_DROPOUT}, .measure = measure_in_place, .forward = forward_dropout, .backward = backward_dropout,
};

const knn_kernel KNN_ISA_NAME(knn__rescaling) = {
    .name = "rescaling, " KNN_ISA_TEXT,
    .ops = {KNN_OP_RESCALING}, .measure = measure_in_place, .forward = forward_rescaling, .backward = backward_rescaling,
};

const knn_kernel KNN_ISA_NAME(knn__zero_padding2d) = {
    .name = "zero_padding2d, " KNN_ISA_TEXT,
    .ops = {KNN_OP_ZERO_PADDING2D}, .measure = measure_padding, .forward = forward_padding, .backward = backward_padding,
};
