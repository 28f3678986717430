/* Activations as layers, normalizations within a sample and random layers: names, shapes, weights, kernels, and what is refused. */
#include "model/model_support.h"

#include <stdio.h>
#include <string.h>

START_TEST(names_are_keras_names)
{
    static const char *const names[] = {"re_lu", "leaky_re_lu", "p_re_lu", "elu", "softmax", "spatial_dropout2d", "gaussian_noise",
                                        "gaussian_dropout", "layer_normalization", "group_normalization", "re_lu_1"};
    add(knn_input(6, 5, 4));
    add(knn_relu());
    add(knn_leaky_relu());
    add(knn_prelu());
    add(knn_elu());
    add(knn_softmax());
    add(knn_spatial_dropout2d(0.5));
    add(knn_gaussian_noise(0.1));
    add(knn_gaussian_dropout(0.5));
    add(knn_layer_normalization());
    add(knn_group_normalization(2));
    add(knn_relu(6));
    ck_assert_uint_eq(knn_layer_count(model), 11);
    for (size_t i = 0; i < 11; i++)
        ck_assert_str_eq(knn_layer_name(model, i), names[i]);
    ck_assert_uint_eq(knn_output_length(model), 6 * 5 * 4);
}
END_TEST

START_TEST(weights_have_keras_names_shapes_and_order)
{
    add(knn_input(6, 5, 4));
    add(knn_prelu());
    add(knn_prelu(KNN_AXIS(1) | KNN_AXIS(2)));
    add(knn_layer_normalization(KNN_AXIS(-1) | KNN_AXIS(-2)));
    add(knn_layer_normalization(.no_scale = true));
    add(knn_group_normalization(-1));
    add(knn_group_normalization(4, .no_center = true, .no_scale = true));
    ck_assert_uint_eq(knn_weight_count(model), 7);
    check_weight(0, "p_re_lu/alpha", 3, (const int[4]){6, 5, 4});
    check_weight(1, "p_re_lu_1/alpha", 3, (const int[4]){1, 1, 4});
    check_weight(2, "layer_normalization/gamma", 2, (const int[4]){5, 4});
    check_weight(3, "layer_normalization/beta", 2, (const int[4]){5, 4});
    check_weight(4, "layer_normalization_1/beta", 1, (const int[4]){4});
    check_weight(5, "group_normalization/gamma", 1, (const int[4]){4});
    check_weight(6, "group_normalization/beta", 1, (const int[4]){4});
}
END_TEST

START_TEST(first_weights_are_keras_defaults)
{
    float alpha[3] = {9, 9, 9}, gamma[3] = {9, 9, 9}, beta[3] = {9, 9, 9};
    add(knn_input(3));
    add(knn_prelu());
    add(knn_layer_normalization());
    ck_assert_int_eq(knn_get_weight(model, 0, alpha, 3), KNN_OK);
    ck_assert_int_eq(knn_get_weight(model, 1, gamma, 3), KNN_OK);
    ck_assert_int_eq(knn_get_weight(model, 2, beta, 3), KNN_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_float_eq(alpha[i], 0);
        ck_assert_float_eq(gamma[i], 1);
        ck_assert_float_eq(beta[i], 0);
    }
}
END_TEST

START_TEST(embeddings_add_an_axis)
{
    add(knn_input(6));
    add(knn_embedding(100, 5));
    check_weight(0, "embedding/embeddings", 2, (const int[4]){100, 5});
    ck_assert_uint_eq(knn_output_length(model), 6 * 5);
    add(knn_embedding(3, 2));
    ck_assert_uint_eq(knn_output_length(model), 6 * 5 * 2);
    refuses(knn_embedding(3, 2), KNN_ERROR_SHAPE, "embedding_2: expected an input of one or two sizes, got (6, 5, 2)");
}
END_TEST

/* ReLU as a layer of its own is what Activation("relu") is: the kernels that fuse it take both. */
START_TEST(a_relu_layer_is_fused_into_convolutions)
{
    char text[2048];
    FILE *stream = tmpfile();
    ck_assert_ptr_nonnull(stream);
    add(knn_input(12, 12, 3));
    add(knn_conv2d(8, 3));
    add(knn_relu());
    add(knn_max_pooling2d());
    ck_assert_int_eq(knn_explain(model, stream), KNN_OK);
    rewind(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    ck_assert_msg(strstr(text, "conv2d+relu+max_pooling2d") != NULL, "%s", text);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    add(knn_input(6, 5, 4));
    switch (_i) {
    case 0: refuses(knn_relu(-1), KNN_ERROR_ARGUMENT, "ReLU: max_value is -1"); break;
    case 1: refuses(knn_relu(.negative_slope = -0.5), KNN_ERROR_ARGUMENT, "ReLU: negative_slope is -0.5"); break;
    case 2: refuses(knn_leaky_relu(-0.5), KNN_ERROR_ARGUMENT, "LeakyReLU: alpha is -0.5"); break;
    case 3: refuses(knn_prelu(KNN_AXIS(4)), KNN_ERROR_ARGUMENT, "p_re_lu: shared_axes: axis 4: expected different ones of 1 to 3"); break;
    case 4: refuses(knn_softmax(KNN_AXIS(1) | KNN_AXIS(3)), KNN_ERROR_UNSUPPORTED, "softmax: axes 1 and 3, which are not side by side"); break;
    case 5: refuses(knn_softmax(KNN_AXIS(-1) | KNN_AXIS(3)), KNN_ERROR_ARGUMENT, "softmax: axis 3: expected different ones"); break;
    case 6: refuses(knn_layer_normalization(KNN_AXIS(1) | KNN_AXIS(2)), KNN_ERROR_UNSUPPORTED, "layer_normalization: axis 1, but not all axes behind it"); break;
    case 7: refuses(knn_group_normalization(), KNN_ERROR_SHAPE, "group_normalization: groups is 32, which does not divide its 4 channels"); break;
    case 8: refuses(knn_spatial_dropout1d(0.5), KNN_ERROR_SHAPE, "spatial_dropout1d: expected an input of (length, channels)"); break;
    case 9: refuses(knn_gaussian_noise(-0.5), KNN_ERROR_ARGUMENT, "GaussianNoise: stddev is -0.5, expected 0 to"); break;
    case 10: refuses(knn_gaussian_dropout(1), KNN_ERROR_ARGUMENT, "gaussian_dropout: rate is 1"); break;
    default: refuses(knn_activation((knn_activation)(KNN_SPARSEMAX + 1)), KNN_ERROR_ARGUMENT, "activation is 28, expected 0 to 27"); break;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/elementwise");
    TCase *cases = tcase_create("layers");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, names_are_keras_names);
    tcase_add_test(cases, weights_have_keras_names_shapes_and_order);
    tcase_add_test(cases, first_weights_are_keras_defaults);
    tcase_add_test(cases, embeddings_add_an_axis);
    tcase_add_test(cases, a_relu_layer_is_fused_into_convolutions);
    tcase_add_loop_test(cases, what_cannot_be_is_refused, 0, 12);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
