/* Convolution, pooling and padding with numbers that one can check by hand. */
#include "layer_run.h"

#include "support/check_array.h"
#include "support/check_run.h"

static layer_run r;
static const knn_shape picture = {3, {3, 3, 1}};

static void set_picture(void) { LAYER_SET(r.x, 1, 2, 3, 4, 5, 6, 7, 8, 9); }

/* ---- Convolution ---- */

START_TEST(conv2d_valid_matches_hand_values)
{
    layer_prepare(&r, knn_conv2d(1, 2), picture, 1);
    set_picture();
    LAYER_SET(r.weights, 1, 2, 3, 4, 0.5f);
    fill(r.dy, 1, 4);
    layer_go(&r);
    check_numbers(r.y, 37.5f, 47.5f, 67.5f, 77.5f);
    check_numbers(r.dx, 1, 3, 2, 4, 10, 6, 3, 7, 4);
    check_numbers(r.gradients, 12, 16, 24, 28, 4);
}
END_TEST

START_TEST(conv2d_same_puts_the_odd_row_below_and_right)
{
    layer_prepare(&r, knn_conv2d(1, 2, .padding = KNN_SAME), picture, 1);
    set_picture();
    LAYER_SET(r.weights, 1, 2, 3, 4, 0);
    layer_go(&r);
    check_numbers(r.y, 37, 47, 21, 67, 77, 33, 23, 26, 9);
}
END_TEST

START_TEST(conv2d_same_with_stride_counts_what_it_sees)
{
    layer_prepare(&r, knn_conv2d(1, 3, .padding = KNN_SAME, .stride_height = 2, .no_bias = true), (knn_shape){3, {5, 5, 1}}, 1);
    fill(r.x, 1, 25);
    fill(r.weights, 1, 9);
    layer_go(&r);
    check_numbers(r.y, 4, 6, 4, 6, 9, 6, 4, 6, 4);
    layer_prepare(&r, knn_conv2d(1, 3, .padding = KNN_SAME, .stride_height = 2, .no_bias = true), (knn_shape){3, {4, 4, 1}}, 1);
    fill(r.x, 1, 16);
    fill(r.weights, 1, 9);
    layer_go(&r);
    check_numbers(r.y, 9, 6, 6, 4);
}
END_TEST

START_TEST(conv2d_dilation_spreads_the_kernel)
{
    layer_prepare(&r, knn_conv2d(1, 3, .dilation_height = 2, .no_bias = true), (knn_shape){3, {5, 5, 1}}, 1);
    for (int i = 0; i < 25; i++)
        r.x[i] = (float)i;
    fill(r.weights, 1, 9);
    r.dy[0] = 1;
    layer_go(&r);
    check_numbers(r.y, 108);
    check_numbers(r.gradients, 0, 2, 4, 10, 12, 14, 20, 22, 24);
    check_numbers(r.dx, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1);
}
END_TEST

START_TEST(conv2d_kernel_is_input_by_filter)
{
    layer_prepare(&r, knn_conv2d(3, 1, .no_bias = true), (knn_shape){3, {1, 1, 2}}, 1);
    LAYER_SET(r.x, 1, 10);
    LAYER_SET(r.weights, 1, 2, 3, 4, 5, 6);
    LAYER_SET(r.dy, 1, 10, 100);
    layer_go(&r);
    check_numbers(r.y, 41, 52, 63);
    check_numbers(r.dx, 321, 654);
    check_numbers(r.gradients, 1, 10, 100, 10, 100, 1000);
}
END_TEST

START_TEST(conv2d_groups_see_their_own_channels)
{
    layer_prepare(&r, knn_conv2d(4, 1, .groups = 2, .no_bias = true), (knn_shape){3, {1, 1, 2}}, 1);
    LAYER_SET(r.x, 1, 10);
    LAYER_SET(r.weights, 1, 2, 3, 4);
    fill(r.dy, 1, 4);
    layer_go(&r);
    check_numbers(r.y, 1, 2, 30, 40);
    check_numbers(r.dx, 3, 7);
    check_numbers(r.gradients, 1, 1, 10, 10);
}
END_TEST

START_TEST(conv2d_gradients_are_sums_over_all_images)
{
    layer_prepare(&r, knn_conv2d(1, 1), (knn_shape){3, {1, 1, 1}}, 9);
    for (int i = 0; i < 9; i++)
        r.x[i] = (float)(i + 1);
    fill(r.dy, 2, 9);
    layer_go(&r);
    check_numbers(r.gradients, 90, 18);
}
END_TEST

START_TEST(frozen_convolution_has_an_input_gradient_only)
{
    layer_prepare(&r, knn_conv2d(1, 1, .frozen = true), (knn_shape){3, {1, 1, 1}}, 1);
    LAYER_SET(r.x, 5);
    LAYER_SET(r.weights, 3, 0);
    LAYER_SET(r.dy, 1);
    layer_go(&r);
    check_numbers(r.dx, 3);
    check_numbers(r.gradients, 0, 0);
}
END_TEST

START_TEST(depthwise_filters_of_a_channel_stand_together)
{
    layer_prepare(&r, knn_depthwise_conv2d(1, .depth_multiplier = 2), (knn_shape){3, {1, 1, 2}}, 1);
    LAYER_SET(r.x, 1, 10);
    LAYER_SET(r.weights, 1, 2, 3, 4, 100, 200, 300, 400);
    LAYER_SET(r.dy, 1, 10, 100, 1000);
    layer_go(&r);
    check_numbers(r.y, 101, 202, 330, 440);
    check_numbers(r.dx, 21, 4300);
    check_numbers(r.gradients, 1, 10, 1000, 10000, 1, 10, 100, 1000);
}
END_TEST

START_TEST(separable_conv2d_is_depthwise_then_pointwise)
{
    layer_prepare(&r, knn_separable_conv2d(1, 1, 2), (knn_shape){3, {1, 2, 2}}, 1);
    LAYER_SET(r.x, 1, 2, 3, 4);
    LAYER_SET(r.weights, 1, 10, 100, 1000, 5, 7, 9);    /* of channels 0, 1 at both places; pointwise; bias */
    r.dy[0] = 1;
    layer_go(&r);
    check_numbers(r.y, 5 * 301 + 7 * 4020 + 9);
    check_numbers(r.dx, 5, 70, 500, 7000);
    check_numbers(r.gradients, 5, 14, 15, 28, 301, 4020, 1);
}
END_TEST

START_TEST(conv1d_causal_sees_nothing_that_comes_later)
{
    layer_prepare(&r, knn_conv1d(1, 2, .padding = KNN_CAUSAL, .dilation_rate = 2, .no_bias = true), (knn_shape){2, {4, 1}}, 1);
    LAYER_SET(r.x, 1, 2, 3, 4);
    LAYER_SET(r.weights, 10, 1);
    fill(r.dy, 1, 4);
    layer_go(&r);
    check_numbers(r.y, 1, 2, 13, 24);
    check_numbers(r.dx, 11, 11, 1, 1);
    check_numbers(r.gradients, 3, 10);
}
END_TEST

START_TEST(conv2d_transpose_spreads_the_kernel_and_adds)
{
    layer_prepare(&r, knn_conv2d_transpose(1, 1, 3, .stride_height = 1, .stride_width = 2), (knn_shape){3, {1, 2, 1}}, 1);
    LAYER_SET(r.x, 1, 2);
    LAYER_SET(r.weights, 1, 10, 100, 1000);
    LAYER_SET(r.dy, 1, 2, 3, 4, 5);
    layer_go(&r);
    check_numbers(r.y, 1001, 1010, 1102, 1020, 1200);
    check_numbers(r.dx, 321, 543);
    check_numbers(r.gradients, 7, 10, 13, 15);
}
END_TEST

/* ---- Pooling ---- */

START_TEST(max_pooling_drops_what_does_not_fill_a_window)
{
    layer_prepare(&r, knn_max_pooling2d(2), picture, 1);
    set_picture();
    r.dy[0] = 3;
    layer_go(&r);
    check_numbers(r.y, 5);
    check_numbers(r.dx, 0, 0, 0, 0, 3, 0, 0, 0, 0);
}
END_TEST

START_TEST(padding_never_wins_a_maximum)
{
    layer_prepare(&r, knn_max_pooling2d(2, .padding = KNN_SAME), picture, 1);
    LAYER_SET(r.x, -1, -2, -3, -4, -5, -6, -7, -8, -9);
    LAYER_SET(r.dy, 1, 2, 3, 4);
    layer_go(&r);
    check_numbers(r.y, -1, -3, -7, -9);
    check_numbers(r.dx, 1, 0, 2, 0, 0, 0, 3, 0, 4);
}
END_TEST

START_TEST(the_first_of_equal_maxima_gets_the_gradient)
{
    layer_prepare(&r, knn_max_pooling2d(2), (knn_shape){3, {2, 2, 1}}, 1);
    LAYER_SET(r.x, 1, 7, 7, 7);
    r.dy[0] = 1;
    layer_go(&r);
    check_numbers(r.dx, 0, 1, 0, 0);
}
END_TEST

START_TEST(overlapping_windows_add_their_gradients)
{
    layer_prepare(&r, knn_max_pooling2d(1, 2, .stride_height = 1), (knn_shape){3, {1, 3, 1}}, 1);
    LAYER_SET(r.x, 1, 5, 2);
    LAYER_SET(r.dy, 1, 10);
    layer_go(&r);
    check_numbers(r.y, 5, 5);
    check_numbers(r.dx, 0, 11, 0);
}
END_TEST

START_TEST(average_pooling_does_not_count_padding)
{
    layer_prepare(&r, knn_average_pooling2d(2, .padding = KNN_SAME), picture, 1);
    set_picture();
    fill(r.dy, 1, 4);
    layer_go(&r);
    check_numbers(r.y, 3, 4.5f, 7.5f, 9);
    check_numbers(r.dx, 0.25f, 0.25f, 0.5f, 0.25f, 0.25f, 0.5f, 0.5f, 0.5f, 1);
}
END_TEST

START_TEST(global_pooling_keeps_the_channels)
{
    const knn_shape two_channels = {3, {2, 2, 2}};
    layer_prepare(&r, knn_global_average_pooling2d(), two_channels, 1);
    LAYER_SET(r.x, 1, 10, 2, 40, 3, 30, 6, 20);
    LAYER_SET(r.dy, 4, 8);
    layer_go(&r);
    check_numbers(r.y, 3, 25);
    check_numbers(r.dx, 1, 2, 1, 2, 1, 2, 1, 2);
    layer_prepare(&r, knn_global_max_pooling2d(), two_channels, 1);
    LAYER_SET(r.x, 1, 10, 2, 40, 3, 30, 6, 20);
    LAYER_SET(r.dy, 4, 8);
    layer_go(&r);
    check_numbers(r.y, 6, 40);
    check_numbers(r.dx, 0, 0, 0, 8, 0, 0, 4, 0);
}
END_TEST

START_TEST(zero_padding_frames_the_picture)
{
    layer_prepare(&r, knn_zero_padding2d(1, 0, 0, 2), (knn_shape){3, {2, 1, 1}}, 1);    /* top 1, right 2 */
    LAYER_SET(r.x, 5, 6);
    LAYER_SET(r.dy, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    layer_go(&r);
    check_numbers(r.y, 0, 0, 0, 5, 0, 0, 6, 0, 0);
    check_numbers(r.dx, 4, 7);
}
END_TEST

START_TEST(cropping_cuts_the_frame_off)
{
    layer_prepare(&r, knn_cropping2d(1, 0, 0, 2), (knn_shape){3, {3, 3, 1}}, 1);        /* top 1, right 2 */
    LAYER_SET(r.x, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    LAYER_SET(r.dy, 1, 2);
    layer_go(&r);
    check_numbers(r.y, 4, 7);
    check_numbers(r.dx, 0, 0, 0, 1, 0, 0, 2, 0, 0);
}
END_TEST

START_TEST(permute_counts_axes_from_one)
{
    layer_prepare(&r, knn_permute(3, 1, 2), (knn_shape){3, {1, 2, 3}}, 1);
    LAYER_SET(r.x, 1, 2, 3, 4, 5, 6);
    LAYER_SET(r.dy, 1, 2, 3, 4, 5, 6);
    layer_go(&r);
    check_numbers(r.y, 1, 4, 2, 5, 3, 6);
    check_numbers(r.dx, 1, 3, 5, 2, 4, 6);
}
END_TEST

START_TEST(up_sampling_repeats_rows_and_columns)
{
    layer_prepare(&r, knn_up_sampling2d(2, 1), (knn_shape){3, {2, 1, 2}}, 1);
    LAYER_SET(r.x, 1, 2, 3, 4);
    LAYER_SET(r.dy, 1, 2, 3, 4, 5, 6, 7, 8);
    layer_go(&r);
    check_numbers(r.y, 1, 2, 1, 2, 3, 4, 3, 4);
    check_numbers(r.dx, 4, 6, 12, 14);
}
END_TEST

START_TEST(bilinear_up_sampling_goes_from_centre_to_centre)
{
    layer_prepare(&r, knn_up_sampling2d(1, 2, .interpolation = KNN_RESIZE_BILINEAR), (knn_shape){3, {1, 2, 1}}, 1);
    LAYER_SET(r.x, 4, 8);
    LAYER_SET(r.dy, 1, 4, 8, 2);
    layer_go(&r);
    check_numbers(r.y, 4, 5, 7, 8);
    check_numbers(r.dx, 6, 9);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("backend_reference_windows");
    TCase *convolution = tcase_create("convolution"), *pooling = tcase_create("pooling");
    tcase_add_test(convolution, conv2d_valid_matches_hand_values);
    tcase_add_test(convolution, conv2d_same_puts_the_odd_row_below_and_right);
    tcase_add_test(convolution, conv2d_same_with_stride_counts_what_it_sees);
    tcase_add_test(convolution, conv2d_dilation_spreads_the_kernel);
    tcase_add_test(convolution, conv2d_kernel_is_input_by_filter);
    tcase_add_test(convolution, conv2d_groups_see_their_own_channels);
    tcase_add_test(convolution, depthwise_filters_of_a_channel_stand_together);
    tcase_add_test(convolution, separable_conv2d_is_depthwise_then_pointwise);
    tcase_add_test(convolution, conv1d_causal_sees_nothing_that_comes_later);
    tcase_add_test(convolution, conv2d_transpose_spreads_the_kernel_and_adds);
    tcase_add_test(convolution, conv2d_gradients_are_sums_over_all_images);
    tcase_add_test(convolution, frozen_convolution_has_an_input_gradient_only);
    tcase_add_test(pooling, max_pooling_drops_what_does_not_fill_a_window);
    tcase_add_test(pooling, padding_never_wins_a_maximum);
    tcase_add_test(pooling, the_first_of_equal_maxima_gets_the_gradient);
    tcase_add_test(pooling, overlapping_windows_add_their_gradients);
    tcase_add_test(pooling, average_pooling_does_not_count_padding);
    tcase_add_test(pooling, global_pooling_keeps_the_channels);
    tcase_add_test(pooling, zero_padding_frames_the_picture);
    tcase_add_test(pooling, cropping_cuts_the_frame_off);
    tcase_add_test(pooling, permute_counts_axes_from_one);
    tcase_add_test(pooling, up_sampling_repeats_rows_and_columns);
    tcase_add_test(pooling, bilinear_up_sampling_goes_from_centre_to_centre);
    suite_add_tcase(s, convolution);
    suite_add_tcase(s, pooling);
    return s;
}

int main(void) { return check_run(suite()); }
