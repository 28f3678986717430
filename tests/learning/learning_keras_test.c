/* Single layers and losses against Keras 3 (fixtures/training/make_training_fixtures.py): outputs, gradients, moving statistics.
 * On both backends; the tolerance is 1e-5, relative above 1. */
#include "core/memory.h"
#include "model/model.h"
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"

#include <knn/knn.h>

#include <stdio.h>
#include <string.h>

static const double TOLERANCE = 1e-5;

static fixture *stored;
static const char *case_name;

static void setup(const char *path)
{
    stored = fixture_open(path);
    ck_assert_ptr_nonnull(stored);
}

static void setup_layers(void) { setup(KNN_FIXTURES "/training/layers.fixture"); }
static void setup_losses(void) { setup(KNN_FIXTURES "/training/losses.fixture"); }
static void teardown(void) { fixture_close(stored); }

static const float *find(const char *what, int number, size_t *length, int shape[8])
{
    char name[64];
    if (number < 0)
        snprintf(name, sizeof name, "%s/%s", case_name, what);
    else
        snprintf(name, sizeof name, "%s/%s%d", case_name, what, number);
    return fixture_get(stored, name, NULL, shape, length);
}

static void compare(const char *what, int number, const float *got)
{
    size_t length;
    const float *expected = find(what, number, &length, NULL);
    char text[100];
    snprintf(text, sizeof text, "%s/%s%d", case_name, what, number);
    ck_assert_msg(expected != NULL, "%s is not in the fixture", text);
    check_difference d = check_compare_floats(got, expected, length, TOLERANCE, TOLERANCE);
    CHECK_NO_DIFFERENCE(d, text, length);
}

/* ---- Layers ---- */

/* A model of one layer, with the weights of the fixture. Its input shape is the fixture's, without the batch. */
static knn_model *model_of(const knn_layer *layer, const char *backend)
{
    int shape[8] = {0};
    knn_model *model = knn_sequential(.backend = backend, .threads = 2);
    ck_assert_ptr_nonnull(find("x", -1, NULL, shape));
    knn_add(model, knn_input(shape[1], shape[2], shape[3]));
    knn_status status = knn_add(model, layer);
    ck_assert_msg(status == KNN_OK, "%s: %s", case_name, knn_last_error());
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        size_t length;
        const float *w = find("w", (int)i, &length, NULL);
        ck_assert_msg(w != NULL && knn_set_weight(model, i, w, length) == KNN_OK, "%s: %s", case_name, knn_last_error());
    }
    ck_assert_int_eq(knn__model_build(model), KNN_OK);
    return model;
}

/* Forward in training and backward from the fixture's r. */
static void check_training(knn_model *model)
{
    size_t x_length, r_length;
    int shape[8], count;
    const float *x = find("x", -1, &x_length, shape), *r = find("r", -1, &r_length, NULL);
    float gradients[1000];
    knn_node *nodes;
    knn__plan *plan;
    ck_assert_uint_le(model->trainable_length, 1000);
    ck_assert_int_eq(knn__model_nodes(model, &nodes, &count), KNN_OK);
    const knn__plan_options options = {.backend = model->backend, .nodes = nodes, .count = count, .training = true,
        .capacity = shape[0], .threads = 2, .input_gradient = true, .weights = model->weights, .gradients = gradients};
    const knn_run run = {.images = shape[0], .training = true};
    ck_assert_msg(knn__plan_make(&options, &plan) == KNN_OK, "%s: %s", case_name, knn_last_error());
    knn__plan_prepare(plan);
    compare("y", -1, knn__plan_forward(plan, x, &run));
    memcpy(knn__plan_loss_gradient(plan), r, r_length * sizeof *r);
    knn__plan_backward(plan);
    compare("dx", -1, knn__plan_input_gradient(plan));
    int trained = 0;
    for (size_t i = 0; i < model->weight_count; i++)
        if (model->weights_table[i].spec.trainable)
            compare("dw", trained++, gradients + model->weights_table[i].offset);
    if (find("after", 0, NULL, NULL) != NULL)
        for (size_t i = 0; i < model->weight_count; i++)
            compare("after", (int)i, model->weights + model->weights_table[i].offset);
    knn__plan_free(plan);
    knn__free(nodes);
}

static void check_inference(const knn_model *model)
{
    int shape[8];
    float y[2000];
    const float *x = find("x", -1, NULL, shape);
    size_t length = knn_output_length(model) * (size_t)shape[0];
    ck_assert_uint_le(length, 2000);
    ck_assert_msg(knn_predict(model, x, (size_t)shape[0], y, length) == KNN_OK, "%s", knn_last_error());
    compare(find("inference", -1, NULL, NULL) != NULL ? "inference" : "y", -1, y);
}

static void check_layer(const char *name, const knn_layer *layer)
{
    static const char *const backends[] = {"reference", "cpu"};
    case_name = name;
    for (int i = 0; i < 2; i++) {
        knn_model *model = model_of(layer, backends[i]);
        check_inference(model);
        check_training(model);
        knn_model_free(model);
    }
}

START_TEST(convolutions_compute_as_keras)
{
    check_layer("conv_valid", knn_conv2d(4, 3, 2));
    check_layer("conv_same", knn_conv2d(4, 3, 2, .padding = KNN_SAME));
    check_layer("conv_stride", knn_conv2d(3, 3, .stride_height = 2, .stride_width = 3));
    check_layer("conv_same_stride", knn_conv2d(3, 3, .stride_height = 2, .padding = KNN_SAME));
    check_layer("conv_dilation", knn_conv2d(3, 3, .dilation_height = 2, .dilation_width = 3));
    check_layer("conv_same_dilation", knn_conv2d(3, 3, .dilation_height = 2, .padding = KNN_SAME));
    check_layer("conv_bare", knn_conv2d(5, 5, .padding = KNN_SAME, .activation = KNN_RELU, .no_bias = true));
    check_layer("conv_tanh", knn_conv2d(2, 1, .activation = KNN_TANH));
}
END_TEST

START_TEST(pools_compute_as_keras)
{
    check_layer("max_valid", knn_max_pooling2d(2));
    check_layer("max_overlap", knn_max_pooling2d(3, .stride_height = 2));
    check_layer("max_same", knn_max_pooling2d(3, 2, 2, 1, KNN_SAME));
    check_layer("average_valid", knn_average_pooling2d(2));
    check_layer("average_same", knn_average_pooling2d(3, .stride_height = 2, .padding = KNN_SAME));
    check_layer("global_average", knn_global_average_pooling2d());
    check_layer("global_max", knn_global_max_pooling2d(.keepdims = true));
}
END_TEST

START_TEST(dense_and_plain_layers_compute_as_keras)
{
    check_layer("dense", knn_dense(4));
    check_layer("dense_rows", knn_dense(4, .activation = KNN_SOFTMAX));
    check_layer("padding", knn_zero_padding2d(1, 2, 0, 3));
    check_layer("rescaling", knn_rescaling(0.5, -0.25));
}
END_TEST

START_TEST(batch_normalization_computes_as_keras_3)
{
    check_layer("normalisation", knn_batch_normalization(.momentum = 0.8, .epsilon = 0.01));
    check_layer("normalisation_vector", knn_batch_normalization());
    check_layer("normalisation_bare", knn_batch_normalization(.no_center = true, .no_scale = true));
}
END_TEST

START_TEST(activations_compute_as_keras_3)
{
    static const char *const names[] = {"linear", "relu", "sigmoid", "softmax", "tanh", "elu", "selu", "softplus", "swish",
                                        "gelu", "hard_sigmoid", "softsign", "exponential"};
    case_name = names[KNN_LINEAR];                      /* becomes no node: there is nothing to go back through */
    knn_model *model = model_of(knn_activation(KNN_LINEAR), "cpu");
    check_inference(model);
    knn_model_free(model);
    for (int i = KNN_RELU; i <= KNN_EXPONENTIAL; i++)
        check_layer(names[i], knn_activation((knn_activation)i));
}
END_TEST

/* ---- Losses ---- */

static void check_loss(const char *name, const knn_loss *description)
{
    static const char *const backends[] = {"reference", "cpu"};
    knn__loss loss;
    int shape[8];
    double values[16];
    float narrow[16], gradient[64];
    case_name = name;
    ck_assert_int_eq(knn__loss_resolve(description, &loss), KNN_OK);
    knn__loss_call call = {.op = loss.op, .from_logits = loss.from_logits, .label_smoothing = loss.label_smoothing,
        .positions = 1, .prediction = find("prediction", -1, NULL, shape), .target = find("target", -1, NULL, NULL),
        .value = values, .gradient = gradient};
    call.images = shape[0];
    call.outputs = shape[1];
    ck_assert_int_le(shape[0] * shape[1], 64);
    for (int i = 0; i < 2; i++) {
        knn__find_backend(backends[i])->loss(&call);
        for (int k = 0; k < shape[0]; k++)
            narrow[k] = (float)values[k];
        compare("values", -1, narrow);
        compare("gradient", -1, gradient);
    }
    knn__loss_release(&loss);
}

START_TEST(losses_compute_as_keras_3)
{
    check_loss("binary", knn_binary_crossentropy());
    check_loss("binary_smoothing", knn_binary_crossentropy(.label_smoothing = 0.3));
    check_loss("binary_logits", knn_binary_crossentropy(.from_logits = true));
    check_loss("categorical", knn_categorical_crossentropy());
    check_loss("categorical_smoothing", knn_categorical_crossentropy(.label_smoothing = 0.3));
    check_loss("categorical_logits", knn_categorical_crossentropy(.from_logits = true));
    check_loss("sparse", knn_sparse_categorical_crossentropy());
    check_loss("sparse_logits", knn_sparse_categorical_crossentropy(.from_logits = true));
    check_loss("squared", knn_mean_squared_error());
    check_loss("absolute", knn_mean_absolute_error());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning/keras");
    TCase *layers = tcase_create("layers"), *losses = tcase_create("losses");
    tcase_set_timeout(layers, 60);
    tcase_add_checked_fixture(layers, setup_layers, teardown);
    tcase_add_test(layers, convolutions_compute_as_keras);
    tcase_add_test(layers, pools_compute_as_keras);
    tcase_add_test(layers, dense_and_plain_layers_compute_as_keras);
    tcase_add_test(layers, batch_normalization_computes_as_keras_3);
    tcase_add_test(layers, activations_compute_as_keras_3);
    tcase_add_checked_fixture(losses, setup_losses, teardown);
    tcase_add_test(losses, losses_compute_as_keras_3);
    suite_add_tcase(suite, layers);
    suite_add_tcase(suite, losses);
    return check_run(suite);
}
