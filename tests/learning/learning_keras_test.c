/* Single layers and losses against Keras 3 (fixtures/training/make_training_fixtures.py): outputs, gradients, moving statistics.
 * On both backends; the tolerance is 1e-5, relative above 1. */
#include "support/check_run.h"
#include "support/layer_fixture.h"

static layer_case current = {.tolerance = 1e-5};

static void setup(const char *path)
{
    current.stored = fixture_open(path);
    ck_assert_ptr_nonnull(current.stored);
}

static void setup_layers(void) { setup(KNN_FIXTURES "/training/layers.fixture"); }
static void setup_losses(void) { setup(KNN_FIXTURES "/training/losses.fixture"); }
static void teardown(void) { fixture_close(current.stored); }

static const float *find(const char *what, int number, size_t *length, int shape[8])
{
    return layer_case_find(&current, what, number, length, shape);
}

static void compare(const char *what, int number, const float *got) { layer_case_compare(&current, what, number, got); }

/* ---- Layers ---- */

static void check_layer(const char *name, const knn_layer *layer)
{
    current.name = name;
    layer_case_check(&current, layer);
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
    for (int i = KNN_LINEAR; i <= KNN_EXPONENTIAL; i++)
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
    current.name = name;
    ck_assert_int_eq(knn__loss_resolve(description, &loss), KNN_OK);
    size_t targets;
    knn__loss_call call = loss.call;
    call.positions = 1;
    call.prediction = find("prediction", -1, NULL, shape);
    call.target = find("target", -1, &targets, NULL);
    call.zero_one = knn__zero_one(call.target, targets);
    call.value = values;
    call.gradient = gradient;
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
