/* The convolution family, pooling of sequences and the layers that move numbers, against Keras
 * (fixtures/layers/make_convolution_fixtures.py): outputs, gradients of inputs and weights. */
#include "support/check_run.h"
#include "support/layer_fixture.h"

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/layers/convolutions.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

static void check(const char *name, const knn_layer *layer)
{
    layer_case_check(&(layer_case){stored, name, 1e-5}, layer);
}

START_TEST(conv2d_with_groups)
{
    check("groups", knn_conv2d(4, 3, 2, .groups = 2));
    check("groups_stride", knn_conv2d(9, 3, .groups = 3, .stride_height = 2, .padding = KNN_SAME, .activation = KNN_TANH));
    check("groups_dilation", knn_conv2d(4, 3, .groups = 2, .dilation_height = 2, .padding = KNN_SAME, .no_bias = true));
    check("groups_all", knn_conv2d(8, 3, .groups = 4));
}
END_TEST

START_TEST(depthwise_conv2d)
{
    check("depthwise", knn_depthwise_conv2d(3));
    check("depthwise_same", knn_depthwise_conv2d(2, 3, .padding = KNN_SAME, .activation = KNN_RELU));
    check("depthwise_multiplier", knn_depthwise_conv2d(3, .depth_multiplier = 2, .padding = KNN_SAME));
    check("depthwise_stride", knn_depthwise_conv2d(3, .stride_height = 2, .padding = KNN_SAME, .no_bias = true));
    check("depthwise_stride_valid", knn_depthwise_conv2d(3, .stride_height = 3, .depth_multiplier = 3));
    check("depthwise_dilation", knn_depthwise_conv2d(2, .dilation_height = 2, .dilation_width = 3));
    check("depthwise_dilation_same", knn_depthwise_conv2d(3, .dilation_height = 2, .padding = KNN_SAME));
    check("depthwise_stride_dilation", knn_depthwise_conv2d(2, .stride_height = 2, .dilation_height = 2));
}
END_TEST

START_TEST(separable_conv2d)
{
    check("separable", knn_separable_conv2d(4, 3));
    check("separable_multiplier", knn_separable_conv2d(3, 3, 2, .depth_multiplier = 3, .padding = KNN_SAME, .activation = KNN_ELU));
    check("separable_stride", knn_separable_conv2d(3, 3, .stride_height = 2, .padding = KNN_SAME, .no_bias = true));
    check("separable_dilation", knn_separable_conv2d(3, 2, .dilation_height = 2, .activation = KNN_TANH));
}
END_TEST

START_TEST(conv1d)
{
    check("conv1d", knn_conv1d(4, 3));
    check("conv1d_same", knn_conv1d(4, 4, .padding = KNN_SAME, .strides = 2, .activation = KNN_RELU));
    check("conv1d_causal", knn_conv1d(3, 3, .padding = KNN_CAUSAL));
    check("conv1d_causal_stride", knn_conv1d(3, 3, .padding = KNN_CAUSAL, .strides = 2));
    check("conv1d_causal_dilation", knn_conv1d(3, 3, .padding = KNN_CAUSAL, .dilation_rate = 2, .no_bias = true));
    check("conv1d_groups", knn_conv1d(4, 3, .groups = 2));
    check("conv1d_dilation", knn_conv1d(3, 2, .dilation_rate = 3, .padding = KNN_SAME, .activation = KNN_TANH));
}
END_TEST

START_TEST(conv2d_transpose)
{
    check("transpose", knn_conv2d_transpose(2, 3));
    check("transpose_stride", knn_conv2d_transpose(2, 3, 4, .stride_height = 2));
    check("transpose_same", knn_conv2d_transpose(2, 3, 4, .stride_height = 2, .stride_width = 3, .padding = KNN_SAME, .activation = KNN_TANH));
    check("transpose_same_1", knn_conv2d_transpose(3, 4, 5, .padding = KNN_SAME, .no_bias = true));
    check("transpose_gaps", knn_conv2d_transpose(2, 2, 1, .stride_height = 3));
    check("transpose_gaps_same", knn_conv2d_transpose(2, 2, .stride_height = 3, .padding = KNN_SAME));
    check("transpose_dilation", knn_conv2d_transpose(2, 3, 2, .dilation_height = 2));
    check("transpose_dilation_same", knn_conv2d_transpose(2, 2, 3, .dilation_height = 2, .padding = KNN_SAME));
}
END_TEST

START_TEST(conv2d_transpose_with_output_padding)
{
    check("transpose_padding", knn_conv2d_transpose(2, 3, .stride_height = 3, .stride_width = 2, .output_padding_height = 2,
                                                    .output_padding_width = 1));
    check("transpose_padding_0", knn_conv2d_transpose(2, 3, .stride_height = 2, .output_padding_height = KNN_NONE, .padding = KNN_SAME));
    check("transpose_padding_1_0", knn_conv2d_transpose(2, 3, .stride_height = 2, .output_padding_height = 1,
                                                        .output_padding_width = KNN_NONE, .padding = KNN_SAME));
    check("transpose_padding_gaps", knn_conv2d_transpose(2, 1, .stride_height = 3, .output_padding_width = 2));
}
END_TEST

START_TEST(pooling_of_sequences)
{
    check("max1d", knn_max_pooling1d());
    check("max1d_same", knn_max_pooling1d(3, 2, KNN_SAME));
    check("average1d", knn_average_pooling1d(2));
    check("average1d_same", knn_average_pooling1d(3, .strides = 2, .padding = KNN_SAME));
    check("global_average1d", knn_global_average_pooling1d());
    check("global_average1d_kept", knn_global_average_pooling1d(.keepdims = true));
    check("global_max1d", knn_global_max_pooling1d());
    check("global_max1d_kept", knn_global_max_pooling1d(.keepdims = true));
}
END_TEST

START_TEST(other_shapes)
{
    check("reshape", knn_reshape(6, -1));
    check("permute", knn_permute(3, 1, 2));
    check("permute_back", knn_permute(2, 3, 1));
    check("permute_sequence", knn_permute(2, 1));
    check("cropping", knn_cropping2d(1, 2, 0, 3));
    check("cropping1d", knn_cropping1d(KNN_NONE, 2));
    check("padding1d", knn_zero_padding1d(2, 1));
}
END_TEST

START_TEST(up_sampling)
{
    check("up_nearest", knn_up_sampling2d());
    check("up_nearest_2x3", knn_up_sampling2d(2, 3));
    check("up_bilinear", knn_up_sampling2d(.interpolation = KNN_RESIZE_BILINEAR));
    check("up_bilinear_3x4", knn_up_sampling2d(3, 4, .interpolation = KNN_RESIZE_BILINEAR));
    check("up_bilinear_row", knn_up_sampling2d(2, 5, .interpolation = KNN_RESIZE_BILINEAR));
    check("up1d", knn_up_sampling1d(3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras/convolution");
    TCase *cases = tcase_create("layers");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, conv2d_with_groups);
    tcase_add_test(cases, depthwise_conv2d);
    tcase_add_test(cases, separable_conv2d);
    tcase_add_test(cases, conv1d);
    tcase_add_test(cases, conv2d_transpose);
    tcase_add_test(cases, conv2d_transpose_with_output_padding);
    tcase_add_test(cases, pooling_of_sequences);
    tcase_add_test(cases, other_shapes);
    tcase_add_test(cases, up_sampling);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
