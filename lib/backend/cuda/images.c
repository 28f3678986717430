/* Layers for pictures: crops, resizing, random flips, shifts, turns and zooms; random contrast and brightness. What is drawn is drawn anew on
 * the way back. */
#include "backend/cuda/cuda.h"
#include "backend/cuda/window.h"

/* ---- Pixels from other places. Each image has a transform of its own, and a launch ---- */

/* What is drawn is an argument of the launches. */
static void measure_map(const knn_step *step, knn_needs *needs)
{
    needs->varies = step->request.training && step->nodes[0].map.map != KNN_MAP_WINDOW;
}

static knn__cuda_picture picture_of(const knn_step *step, int image)
{
    const knn_node *n = &step->nodes[0];
    const knn__stream stream = {.seed = step->run->seed, .stream = (uint32_t)(KNN__STREAM_IMAGES + 16 * n->layer),
        .epoch = step->run->iteration, .index = (uint32_t)image};
    return (knn__cuda_picture){knn__image_transform_of(n, step->run->training ? &stream : NULL), (unsigned)n->out.height,
                               (unsigned)n->out.width, (unsigned)n->out.channels, (float)n->map.fill_value};
}

static void forward_map(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last; image++)
        knn__cuda_did(step->device, knn__cuda_sample(step->device->stream, picture_of(step, image), knn__image(&step->x, image, 0),
                                                     knn__image(&step->y, image, 0)), "a layer for pictures");
}

static void backward_map(const knn_step *step, knn_part part)
{
    for (int image = part.first; image < part.last && step->dx.data != NULL; image++)
        knn__cuda_did(step->device, knn__cuda_spread(step->device->stream, picture_of(step, image), knn__image(&step->dy, image, 0),
                                                     knn__image(&step->dx, image, 0)), "a layer for pictures, backward");
}

/* ---- Contrast and brightness ---- */

/* Scratch: a mean for each image and channel. */
static void measure_color(const knn_step *step, knn_needs *needs)
{
    needs->input = true;
    needs->scratch = (size_t)step->request.capacity * (size_t)step->nodes[0].in.channels * sizeof(float);
}

static knn__cuda_color color_of(const knn_step *step)
{
    const knn_node *n = &step->nodes[0];
    return (knn__cuda_color){.seed = step->run->seed, .stream = (uint32_t)(KNN__STREAM_IMAGES + 16 * n->layer),
        .iteration = &step->run_there->iteration, .least = (float)n->factor[0], .most = (float)n->factor[1], .low = (float)n->value_range[0],
        .high = (float)n->value_range[1], .contrast = n->op == KNN_OP_RANDOM_CONTRAST,
        .positions = (unsigned)n->in.height * (unsigned)n->in.width, .channels = (unsigned)n->in.channels};
}

static void find_means(const knn_step *step, knn_part part, const float *from)
{
    knn__cuda_did(step->device, knn__cuda_channel_means(step->device->stream, color_of(step), knn__cuda_images(part), from,
                                                        knn__scratch(step, 0)), "means of channels");
}

static void forward_color(const knn_step *step, knn_part part)
{
    const float *x = knn__image(&step->x, part.first, 0);
    find_means(step, part, x);
    knn__cuda_did(step->device, knn__cuda_recolor(step->device->stream, color_of(step), knn__cuda_images(part), x, knn__scratch(step, 0),
                                                  knn__image(&step->y, part.first, 0)), "contrast or brightness");
}

static void backward_color(const knn_step *step, knn_part part)
{
    cudaStream_t stream = step->device->stream;
    const float *x = knn__image(&step->x, part.first, 0);
    if (step->dx.data == NULL)
        return;
    float *dx = knn__image(&step->dx, part.first, 0);
    find_means(step, part, x);
    knn__cuda_did(step->device, knn__cuda_mask_color(stream, color_of(step), knn__cuda_images(part), x, knn__scratch(step, 0),
                                                     knn__image(&step->dy, part.first, 0), dx), "contrast or brightness, backward");
    find_means(step, part, dx);
    knn__cuda_did(step->device, knn__cuda_blend_color(stream, color_of(step), knn__cuda_images(part), knn__scratch(step, 0), dx),
                  "contrast or brightness, backward");
}

const knn_kernel knn__cuda_image_map = {
    .name = "image_map, cuda",
    .ops = {KNN_OP_IMAGE_MAP}, .measure = measure_map, .forward = forward_map, .backward = backward_map,
};

const knn_kernel knn__cuda_random_color = {
    .name = "random_color, cuda",
    .ops = {KNN_OP_RANDOM_CONTRAST, KNN_OP_RANDOM_BRIGHTNESS},
    .measure = measure_color, .forward = forward_color, .backward = backward_color,
};
