/* Users' own layers: calls the functions of their knn_layer_class. Computes nothing itself, and is not part of the double build. */
#include "backend/reference/reference.h"

#include "core/parallel.h"

static size_t weights_length(const knn_node *n)
{
    size_t length = 0;
    for (int i = 0; i < KNN_NODE_WEIGHTS; i++)
        length += n->weight[i].length;
    return length;
}

static void measure(const knn_step *step, knn_needs *needs)
{
    needs->input = needs->output = true;                                        /* whatever the user's backward may look at */
    needs->partial = weights_length(&step->nodes[0]) * sizeof(knn_real);
}

/* The call for the images of a part, which lie one behind the other (a tensor of one image a slice has parts of one image). */
static knn_layer_call call_for(const knn_step *step, knn_part part)
{
    const knn_node *n = &step->nodes[0];
    return (knn_layer_call){
        .size = sizeof(knn_layer_call),
        .images = part.last - part.first,
        .in = n->in_shape, .out = n->out_shape,
        .x = knn__image(&step->x, part.first, part.slice),
        .y = knn__image(&step->y, part.first, part.slice),
        .training = step->run->training,
        .seed = step->run->seed,
        .first_sample = (uint64_t)step->run->iteration << 32 | (uint32_t)part.first,        /* another one in each step */
    };
}

static void forward(const knn_step *step, knn_part part)
{
    if (part.first == part.last)
        return;
    const float *weights[KNN_NODE_WEIGHTS];
    for (int i = 0; i < KNN_NODE_WEIGHTS; i++)
        weights[i] = knn__weight(step, 0, i);
    knn_layer_call call = call_for(step, part);
    call.weights = weights;
    const knn_layer *layer = step->nodes[0].description;
    layer->custom->forward(layer, &call);
}

static void backward(const knn_step *step, knn_part part)
{
    if (part.first == part.last)
        return;
    const float *weights[KNN_NODE_WEIGHTS];
    float *gradients[KNN_NODE_WEIGHTS], *next = knn__partial(step, part.slice);
    for (int i = 0; i < KNN_NODE_WEIGHTS; i++) {
        weights[i] = knn__weight(step, 0, i);
        gradients[i] = next;
        next += step->nodes[0].weight[i].length;
    }
    knn_layer_call call = call_for(step, part);
    call.weights = weights;
    call.gradients = gradients;
    call.dy = knn__image(&step->dy, part.first, part.slice);
    call.dx = step->dx.data != NULL ? knn__image(&step->dx, part.first, part.slice) : NULL;
    const knn_layer *layer = step->nodes[0].description;
    layer->custom->backward(layer, &call);
}

/* The slice's share of each weight's gradient, summed over the slices in order. */
static void finish(const knn_step *step, int slice)
{
    size_t first = 0;
    for (int i = 0; i < KNN_NODE_WEIGHTS; first += step->nodes[0].weight[i++].length) {
        float *gradient = knn__gradient(step, 0, i);
        if (gradient == NULL)
            continue;
        long from, to;
        knn__share((long)step->nodes[0].weight[i].length, slice, step->request.slices, &from, &to);
        for (long k = from; k < to; k++) {
            gradient[k] = 0;
            for (int s = 0; s < step->request.slices; s++)
                gradient[k] += ((const float *)knn__partial(step, s))[first + (size_t)k];
        }
    }
}

const knn_kernel knn__reference_custom = {
    .name = "custom layer",
    .ops = {KNN_OP_CUSTOM}, .measure = measure, .forward = forward, .backward = backward, .finish = finish,
};
