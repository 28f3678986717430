/* Layers of the convolution family and those that move numbers: names, shapes, weights, summary, and what is refused. */
#include "model/model_support.h"

#include <stdio.h>
#include <string.h>

/* The rows of Keras' table, from the first layer's to the last one's; Keras cuts names that are too long. */
static void check_summary(const char *const rows[])
{
    char text[8192];
    FILE *stream = tmpfile();
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(knn_summary(model, stream), KNN_OK);
    rewind(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    for (const char *at = text; *rows != NULL; rows++) {
        at = strstr(at, *rows);
        ck_assert_msg(at != NULL, "\"%s\" is not in its place in\n%s", *rows, text);
    }
}

START_TEST(pictures_are_summarised_as_in_keras)
{
    add(knn_input(9, 8, 4));
    add(knn_conv2d(6, 3, .groups = 2, .padding = KNN_SAME));
    add(knn_depthwise_conv2d(3, 2, .depth_multiplier = 2, .stride_height = 2, .padding = KNN_SAME));
    add(knn_separable_conv2d(5, 2, .depth_multiplier = 2));
    add(knn_conv2d_transpose(4, 3, .stride_height = 2, .stride_width = 3, .output_padding_height = 1, .output_padding_width = KNN_NONE,
                             .padding = KNN_SAME));
    add(knn_cropping2d(.top = 1, .right = 2));
    add(knn_permute(2, 3, 1));
    add(knn_up_sampling2d(1, 2));
    add(knn_reshape(-1, 7));
    check_summary((const char *const[]){
        "conv2d (Conv2D)              (None, 9, 8, 6)           114       \n",
        "depthwise_conv2d (DepthwiseC (None, 5, 4, 12)          84        \n",
        "separable_conv2d (SeparableC (None, 4, 3, 5)           221       \n",
        "conv2d_transpose (Conv2DTran (None, 8, 7, 4)           184       \n",
        "cropping2d (Cropping2D)      (None, 7, 5, 4)           0         \n",
        "permute (Permute)            (None, 5, 4, 7)           0         \n",
        "up_sampling2d (UpSampling2D) (None, 5, 8, 7)           0         \n",
        "reshape (Reshape)            (None, 40, 7)             0         \n", NULL});
}
END_TEST

START_TEST(sequences_are_summarised_as_in_keras)
{
    add(knn_input(24, 3));
    add(knn_conv1d(6, 3, .padding = KNN_CAUSAL, .dilation_rate = 2));
    add(knn_zero_padding1d(1, KNN_NONE));
    add(knn_max_pooling1d());
    add(knn_average_pooling1d(3, 1, KNN_SAME));
    add(knn_up_sampling1d());
    add(knn_cropping1d(4));
    add(knn_global_max_pooling1d(.keepdims = true));
    add(knn_global_average_pooling1d());
    check_summary((const char *const[]){
        "conv1d (Conv1D)              (None, 24, 6)             60        \n",
        "zero_padding1d (ZeroPadding1 (None, 25, 6)             0         \n",
        "max_pooling1d (MaxPooling1D) (None, 12, 6)             0         \n",
        "average_pooling1d (AveragePo (None, 12, 6)             0         \n",
        "up_sampling1d (UpSampling1D) (None, 24, 6)             0         \n",
        "cropping1d (Cropping1D)      (None, 16, 6)             0         \n",
        "global_max_pooling1d (Global (None, 1, 6)              0         \n",
        "global_average_pooling1d (Gl (None, 6)                 0         \n", NULL});
}
END_TEST

START_TEST(weights_have_keras_names_shapes_and_order)
{
    add(knn_input(9, 8, 4));
    add(knn_depthwise_conv2d(3, 2, .depth_multiplier = 3));
    add(knn_separable_conv2d(5, 2, .depth_multiplier = 2));
    add(knn_conv2d_transpose(6, 3, 2, .no_bias = true));
    add(knn_reshape(-1, 6));
    add(knn_conv1d(4, 5, .groups = 2));
    ck_assert_uint_eq(knn_weight_count(model), 8);
    check_weight(0, "depthwise_conv2d/depthwise_kernel", 4, (const int[4]){3, 2, 4, 3});
    check_weight(1, "depthwise_conv2d/bias", 1, (const int[4]){12});
    check_weight(2, "separable_conv2d/depthwise_kernel", 4, (const int[4]){2, 2, 12, 2});
    check_weight(3, "separable_conv2d/pointwise_kernel", 4, (const int[4]){1, 1, 24, 5});
    check_weight(4, "separable_conv2d/bias", 1, (const int[4]){5});
    check_weight(5, "conv2d_transpose/kernel", 4, (const int[4]){3, 2, 6, 5});
    check_weight(6, "conv1d/kernel", 3, (const int[4]){5, 3, 4});
    check_weight(7, "conv1d/bias", 1, (const int[4]){4});
}
END_TEST

START_TEST(what_keras_refuses_is_refused)
{
    add(knn_input(8, 8, 3));
    switch (_i) {
    case 0: refuses(knn_conv2d(4, 3, .groups = 3), KNN_ERROR_ARGUMENT, "3 groups do not divide 3 channels and 4 filters"); break;
    case 1: refuses(knn_conv2d(4, 3, .padding = KNN_CAUSAL), KNN_ERROR_ARGUMENT, "Conv2D: padding is 2, expected 0 to 1"); break;
    case 2: refuses(knn_conv1d(4, 3), KNN_ERROR_SHAPE, "conv1d: expected an input of (length, channels), got (8, 8, 3)"); break;
    case 3: refuses(knn_depthwise_conv2d(9), KNN_ERROR_SHAPE, "kernel 9x9 is larger than its input 8x8"); break;
    case 4: refuses(knn_depthwise_conv2d(5, .dilation_height = 3), KNN_ERROR_SHAPE, "kernel 5x5 (dilation 3x3) is larger"); break;
    case 5:
        refuses(knn_conv2d_transpose(4, 3, .stride_height = 2, .dilation_height = 2), KNN_ERROR_ARGUMENT, "together with dilation");
        break;
    case 6:
        refuses(knn_conv2d_transpose(4, 3, .stride_height = 2, .output_padding_height = 2), KNN_ERROR_ARGUMENT,
                "output padding 2x2, expected less than the strides 2x2");
        break;
    case 7:                                             /* its convolution would make 7 of 14, not of 16 */
        refuses(knn_conv2d_transpose(4, 2, .stride_height = 2, .output_padding_height = KNN_NONE, .padding = KNN_SAME), KNN_ERROR_SHAPE,
                "output padding 0 does not fit: a convolution leads from length 14 to 7, not to 8");
        break;
    case 8: refuses(knn_reshape(5, -1), KNN_ERROR_SHAPE, "target_shape (5, -1, 0) does not hold the numbers of (8, 8, 3)"); break;
    case 9: refuses(knn_reshape(-1, -1), KNN_ERROR_ARGUMENT, "at most one -1"); break;
    case 10: refuses(knn_reshape(), KNN_ERROR_SHAPE, "target_shape (0, 0, 0)"); break;
    case 11: refuses(knn_reshape(192, 0, 1), KNN_ERROR_ARGUMENT, "target_shape (192, 0, 1): expected positive sizes"); break;
    case 12: refuses(knn_reshape(1 << 30, 1 << 30, 1 << 10), KNN_ERROR_SHAPE, "does not hold the numbers"); break;
    case 13: refuses(knn_permute(2, 1), KNN_ERROR_ARGUMENT, "dims (2, 1, 0): expected the numbers 1 to 3"); break;
    case 14: refuses(knn_permute(2, 1, 2), KNN_ERROR_ARGUMENT, "dims (2, 1, 2): expected each of 1 to 3 once"); break;
    case 15: refuses(knn_cropping2d(4, 4), KNN_ERROR_SHAPE, "nothing is left of 8 after cropping 4 and 4"); break;
    case 16: refuses(knn_up_sampling2d(.interpolation = KNN_RESIZE_AREA), KNN_ERROR_ARGUMENT, "interpolation is 2"); break;
    case 17: refuses(knn_max_pooling1d(), KNN_ERROR_SHAPE, "expected an input of (length, channels)"); break;
    case 18: refuses(knn_conv2d(1, 3, .dilation_height = 1 << 30, .padding = KNN_SAME), KNN_ERROR_SHAPE, "is larger than its input 8x8"); break;
    default: refuses(knn_depthwise_conv2d(3, .depth_multiplier = 1 << 30), KNN_ERROR_ARGUMENT, "are too many"); break;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/convolution");
    TCase *cases = tcase_create("layers");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, pictures_are_summarised_as_in_keras);
    tcase_add_test(cases, sequences_are_summarised_as_in_keras);
    tcase_add_test(cases, weights_have_keras_names_shapes_and_order);
    tcase_add_loop_test(cases, what_keras_refuses_is_refused, 0, 20);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
