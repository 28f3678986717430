/* Runs one layer on the reference backend, from its public description: what the tests with hand values need. Numbers lie in the struct. */
#ifndef TESTS_BACKEND_LAYER_RUN_H
#define TESTS_BACKEND_LAYER_RUN_H

#include "layers/layer.h"
#include "plan/plan.h"

#include <check.h>
#include <string.h>

enum { RUN_LENGTH = 40000 };

typedef struct layer_run {
    /* What is run; the caller may change it between layer_prepare and layer_go. */
    knn_node nodes[KNN_LAYER_NODES];
    int count, images;
    bool training;
    uint64_t seed;
    uint32_t iteration;
    size_t weights_length;
    float x[RUN_LENGTH], dy[RUN_LENGTH], weights[256];
    /* What came out. */
    float y[RUN_LENGTH], dx[RUN_LENGTH], gradients[256];
} layer_run;

static inline void layer_prepare(layer_run *r, const knn_layer *description, knn_shape in, int images)
{
    knn_layer *layer;
    knn_shape out;
    knn__weight_spec spec;
    *r = (layer_run){.images = images, .training = true, .iteration = 1};
    ck_assert_int_eq(knn__layer_copy(description, &layer), KNN_OK);
    const knn__layer_kind *kind = knn__layer_kind_of(layer);
    ck_assert_int_eq(kind->shape(layer, &in, &out), KNN_OK);
    r->count = kind->nodes(layer, &in, &out, r->nodes);
    for (int i = 0; kind->weights != NULL && kind->weights(layer, &in, i, &spec); i++) {
        size_t length = 1;
        for (int d = 0; d < spec.rank; d++)
            length *= (size_t)spec.shape[d];
        r->nodes[spec.node].weight[spec.place] = (knn_node_weight){r->weights_length, length, spec.trainable};
        r->weights_length += length;
    }
    ck_assert_uint_le(r->weights_length, 256);
    for (int i = 0; i < r->count; i++)
        r->nodes[i].name = "layer";
    r->nodes[0].description = description;              /* the caller's: the copy ends here */
    knn__layer_forget(layer);
}

static inline void layer_go(layer_run *r)
{
    const knn_node *last = &r->nodes[r->count - 1];
    size_t in = (size_t)r->images * knn__extent_length(r->nodes[0].in), out = (size_t)r->images * knn__extent_length(last->out);
    knn__plan_options options = {.backend = &knn__reference_backend, .nodes = r->nodes, .count = r->count, .training = r->training,
        .capacity = r->images, .threads = 1, .input_gradient = true, .weights = r->weights, .gradients = r->gradients};
    knn_run run = {.images = r->images, .training = r->training, .seed = r->seed, .iteration = r->iteration};
    knn__plan *plan;
    ck_assert_uint_le(in, RUN_LENGTH);
    ck_assert_uint_le(out, RUN_LENGTH);
    ck_assert_int_eq(knn__plan_make(&options, &plan), KNN_OK);
    knn__plan_prepare(plan, 0);
    memcpy(r->y, knn__plan_forward(plan, r->x, &run), out * sizeof *r->y);
    if (r->training) {
        memcpy(knn__plan_loss_gradient(plan), r->dy, out * sizeof *r->dy);
        knn__plan_backward(plan);
        memcpy(r->dx, knn__plan_input_gradient(plan), in * sizeof *r->dx);
    }
    knn__plan_free(plan);
}

/* LAYER_SET(r.x, 1, 2, 3): the first numbers of an array; the others are 0. */
static inline void layer_set(float *to, const float *from, size_t length) { memcpy(to, from, length * sizeof *to); }
#define LAYER_SET(member, ...) \
    layer_set((member), (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

static inline void fill(float *to, float value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = value;
}

#define check_numbers(got, ...) \
    check_floats(got, ((const float[]){__VA_ARGS__}), sizeof((const float[]){__VA_ARGS__}) / sizeof(float), 1e-6, 1e-6)

#endif
