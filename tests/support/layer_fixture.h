/* Single layers against a fixture made by Keras: outputs, gradients, moving statistics, on both backends. Floats: relative above 1, absolute
 * below. Knows no single layer.
 *
 * Of a case NAME the fixture has NAME/x, weights NAME/w0, .. as Keras orders them, NAME/y, and for the loss sum(y * r) NAME/r, NAME/dx and
 * NAME/dw0, .. of the trained weights; with statistics NAME/inference and NAME/after0, .., too. */
#ifndef KNN_TESTS_LAYER_FIXTURE_H
#define KNN_TESTS_LAYER_FIXTURE_H

#include "core/memory.h"
#include "model/model.h"
#include "support/check_array.h"
#include "support/fixture.h"

#include <knn/knn.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

typedef struct layer_case {
    fixture *stored;
    const char *name;
    double tolerance;
} layer_case;

/* A record of the case; number < 0: it has none. NULL: not there. */
static inline const float *layer_case_find(const layer_case *c, const char *what, int number, size_t *length, int shape[8])
{
    char name[96];
    if (number < 0)
        snprintf(name, sizeof name, "%s/%s", c->name, what);
    else
        snprintf(name, sizeof name, "%s/%s%d", c->name, what, number);
    return fixture_get(c->stored, name, NULL, shape, length);
}

static inline void layer_case_compare(const layer_case *c, const char *what, int number, const float *got)
{
    size_t length;
    const float *expected = layer_case_find(c, what, number, &length, NULL);
    char text[100];
    snprintf(text, sizeof text, "%s/%s%d", c->name, what, number);
    ck_assert_msg(expected != NULL, "%s is not in the fixture", text);
    check_difference d = check_compare_floats(got, expected, length, c->tolerance, c->tolerance);
    CHECK_NO_DIFFERENCE(d, text, length);
}

/* A model of one layer, with the weights of the fixture. Its input shape is the fixture's, without the batch. */
static inline knn_model *layer_case_model(const layer_case *c, const knn_layer *layer, const char *backend)
{
    int shape[8] = {0};
    knn_model *model = knn_sequential(.backend = backend, .threads = 2);
    ck_assert_msg(layer_case_find(c, "x", -1, NULL, shape) != NULL, "%s is not in the fixture", c->name);
    knn_add(model, knn_input(shape[1], shape[2], shape[3]));
    knn_status status = knn_add(model, layer);
    ck_assert_msg(status == KNN_OK, "%s: %s", c->name, knn_last_error());
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        size_t length;
        const float *w = layer_case_find(c, "w", (int)i, &length, NULL);
        ck_assert_msg(w != NULL && knn_set_weight(model, i, w, length) == KNN_OK, "%s: %s", c->name, knn_last_error());
    }
    ck_assert_msg(layer_case_find(c, "w", (int)knn_weight_count(model), NULL, NULL) == NULL, "%s: Keras has more weights", c->name);
    ck_assert_int_eq(knn__model_build(model), KNN_OK);
    return model;
}

/* Forward in training and backward from the fixture's r. */
static inline void layer_case_train(const layer_case *c, knn_model *model)
{
    size_t r_length;
    int shape[8], count;
    const float *x = layer_case_find(c, "x", -1, NULL, shape), *r = layer_case_find(c, "r", -1, &r_length, NULL);
    float gradients[1000];
    knn_node *nodes;
    knn__plan *plan;
    ck_assert_uint_le(model->trainable_length, 1000);
    ck_assert_int_eq(knn__model_nodes(model, &nodes, &count), KNN_OK);
    const knn__plan_options options = {.backend = model->backend, .nodes = nodes, .count = count, .training = true,
        .capacity = shape[0], .threads = 2, .input_gradient = true, .weights = model->weights, .gradients = gradients};
    const knn_run run = {.images = shape[0], .training = true};
    ck_assert_msg(knn__plan_make(&options, &plan) == KNN_OK, "%s: %s", c->name, knn_last_error());
    knn__plan_prepare(plan);
    layer_case_compare(c, "y", -1, knn__plan_forward(plan, x, &run));
    if (knn__plan_loss_gradient(plan) != NULL) {        /* NULL: a layer that becomes no step, and has nothing to go back through */
        memcpy(knn__plan_loss_gradient(plan), r, r_length * sizeof *r);
        knn__plan_backward(plan);
        layer_case_compare(c, "dx", -1, knn__plan_input_gradient(plan));
    }
    int trained = 0;
    for (size_t i = 0; i < model->weight_count; i++)
        if (model->weights_table[i].spec.trainable)
            layer_case_compare(c, "dw", trained++, gradients + model->weights_table[i].offset);
    if (layer_case_find(c, "after", 0, NULL, NULL) != NULL)
        for (size_t i = 0; i < model->weight_count; i++)
            layer_case_compare(c, "after", (int)i, model->weights + model->weights_table[i].offset);
    knn__plan_free(plan);
    knn__free(nodes);
}

static inline void layer_case_predict(const layer_case *c, const knn_model *model)
{
    int shape[8];
    float y[4000];
    const float *x = layer_case_find(c, "x", -1, NULL, shape);
    size_t length = knn_output_length(model) * (size_t)shape[0];
    ck_assert_uint_le(length, 4000);
    ck_assert_msg(knn_predict(model, x, (size_t)shape[0], y, length) == KNN_OK, "%s", knn_last_error());
    layer_case_compare(c, layer_case_find(c, "inference", -1, NULL, NULL) != NULL ? "inference" : "y", -1, y);
}

/* The whole case, on the backends "reference" and "cpu". */
static inline void layer_case_check(const layer_case *c, const knn_layer *layer)
{
    static const char *const backends[] = {"reference", "cpu"};
    for (int i = 0; i < 2; i++) {
        knn_model *model = layer_case_model(c, layer, backends[i]);
        layer_case_predict(c, model);
        layer_case_train(c, model);
        knn_model_free(model);
    }
}

#endif
