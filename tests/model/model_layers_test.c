/* Adding layers: shapes, names, weights, and what happens when it fails. */
#include "support/check_run.h"

#include <knn/knn.h>

#include <string.h>

static knn_model *model;

static void setup(void)
{
    model = knn_sequential();
    ck_assert_ptr_nonnull(model);
}

static void teardown(void) { knn_model_free(model); }

/* knn_add fails with this status, and the text names all that is expected. */
static void refuses(const knn_layer *layer, knn_status status, const char *words)
{
    ck_assert_int_eq(knn_add(model, layer), status);
    ck_assert_msg(strstr(knn_last_error(), words) != NULL, "\"%s\" does not contain \"%s\"", knn_last_error(), words);
}

START_TEST(names_are_counted_by_class_and_given_names_do_not_count)
{
    knn_add(model, knn_input(64, 64, 3));
    knn_add(model, knn_conv2d(4, 3));
    knn_add(model, knn_conv2d(4, 3, .name = "middle"));
    knn_add(model, knn_conv2d(4, 3));
    knn_add(model, knn_zero_padding2d());
    knn_add(model, knn_global_average_pooling2d());
    ck_assert_int_eq(knn_add(model, knn_dense(2)), KNN_OK);
    static const char *const names[] = {"conv2d", "middle", "conv2d_1", "zero_padding2d", "global_average_pooling2d", "dense"};
    ck_assert_uint_eq(knn_layer_count(model), 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(knn_layer_name(model, i), names[i]);
    ck_assert_ptr_null(knn_layer_name(model, 6));
}
END_TEST

START_TEST(the_same_name_twice_is_refused)
{
    knn_add(model, knn_input(64, 64, 3));
    knn_add(model, knn_conv2d(4, 3, .name = "a"));
    refuses(knn_flatten(.name = "a"), KNN_ERROR_ARGUMENT, "a: a layer of this name exists");
}
END_TEST

START_TEST(the_first_failure_sticks)
{
    knn_add(model, knn_input(5, 5, 3));
    knn_add(model, knn_conv2d(4, 3));
    refuses(knn_conv2d(4, 7), KNN_ERROR_SHAPE, "conv2d_1: kernel 7x7 is larger than its input 3x3 (padding valid)");
    refuses(knn_flatten(), KNN_ERROR_SHAPE, "conv2d_1: kernel 7x7");
    ck_assert_int_eq(knn_compile(model, .loss = knn_mean_squared_error()), KNN_ERROR_SHAPE);
    float x[75] = {0}, y[4];
    ck_assert_int_eq(knn_predict(model, x, 1, y, 4), KNN_ERROR_SHAPE);
    ck_assert_uint_eq(knn_layer_count(model), 1);
}
END_TEST

START_TEST(a_model_begins_with_its_input)
{
    refuses(knn_dense(3), KNN_ERROR_SHAPE, "first layer must be knn_input");
}
END_TEST

START_TEST(inputs_have_positive_sizes)
{
    refuses(knn_input(0), KNN_ERROR_SHAPE, "1 to 3 positive sizes, got (0, 0, 0)");
}
END_TEST

START_TEST(options_out_of_range_are_named)
{
    knn_add(model, knn_input(8, 8, 3));
    switch (_i) {
    case 0: refuses(knn_conv2d(0, 3), KNN_ERROR_ARGUMENT, "Conv2D: filters is 0, expected 1"); break;
    case 1: refuses(knn_conv2d(4, 3, .stride_height = -2), KNN_ERROR_ARGUMENT, "Conv2D: strides is -2"); break;
    case 2: refuses(knn_dropout(1.5), KNN_ERROR_ARGUMENT, "Dropout: rate is 1.5, expected 0 to 1"); break;
    case 3: refuses(knn_dense(0), KNN_ERROR_ARGUMENT, "Dense: units is 0"); break;
    case 4: refuses(knn_conv2d(4, 3, .stride_height = 2, .dilation_height = 2), KNN_ERROR_ARGUMENT, "strides 2x2 together"); break;
    case 5: refuses(knn_activation((knn_activation)99), KNN_ERROR_ARGUMENT, "activation is 99"); break;
    case 6: refuses(NULL, KNN_ERROR_ARGUMENT, "NULL"); break;
    case 7: refuses(knn_conv2d(4, 3, .groups = 2), KNN_ERROR_ARGUMENT, "2 groups do not divide 3 channels and 4 filters"); break;
    case 8: refuses(knn_max_pooling2d(9), KNN_ERROR_SHAPE, "pool 9x9 is larger than its input 8x8"); break;
    default: refuses(knn_input(3), KNN_ERROR_STATE, "only the first layer"); break;
    }
}
END_TEST

START_TEST(convolutions_want_pictures)
{
    knn_add(model, knn_input(784));
    refuses(knn_conv2d(4, 3), KNN_ERROR_SHAPE, "conv2d: expected an input of (height, width, channels), got (784)");
}
END_TEST

START_TEST(shapes_follow_keras_arithmetic)
{
    knn_add(model, knn_input(5, 4, 3));
    knn_add(model, knn_conv2d(7, 3, .stride_height = 2, .padding = KNN_SAME));      /* ceil(5 / 2) x ceil(4 / 2) */
    ck_assert_uint_eq(knn_output_length(model), 3 * 2 * 7);
    knn_add(model, knn_zero_padding2d(.top = 1));                                   /* one row, the other sides are real zeros */
    ck_assert_uint_eq(knn_output_length(model), 4 * 2 * 7);
    knn_add(model, knn_average_pooling2d(2, .padding = KNN_SAME));
    ck_assert_uint_eq(knn_output_length(model), 2 * 1 * 7);
    ck_assert_int_eq(knn_add(model, knn_dense(5)), KNN_OK);                         /* on the last axis */
    ck_assert_uint_eq(knn_output_length(model), 2 * 1 * 5);
    ck_assert_uint_eq(knn_input_length(model), 60);
}
END_TEST

START_TEST(weights_have_keras_shapes_and_order)
{
    const char *name;
    int rank, shape[4];
    bool trainable;

    knn_add(model, knn_input(8, 8, 3));
    knn_add(model, knn_conv2d(4, 3, 5));
    knn_add(model, knn_batch_normalization(.no_scale = true));
    ck_assert_uint_eq(knn_weight_count(model), 5);
    ck_assert_int_eq(knn_weight_info(model, 0, &name, &rank, shape, &trainable), KNN_OK);
    ck_assert_str_eq(name, "conv2d/kernel");
    ck_assert_int_eq(rank, 4);
    ck_assert(shape[0] == 3 && shape[1] == 5 && shape[2] == 3 && shape[3] == 4 && trainable);
    ck_assert_int_eq(knn_weight_info(model, 2, &name, NULL, NULL, NULL), KNN_OK);
    ck_assert_str_eq(name, "batch_normalization/beta");
    ck_assert_int_eq(knn_weight_info(model, 4, &name, NULL, NULL, &trainable), KNN_OK);
    ck_assert_str_eq(name, "batch_normalization/moving_variance");
    ck_assert(!trainable);
    ck_assert_int_eq(knn_weight_info(model, 5, &name, NULL, NULL, NULL), KNN_ERROR_ARGUMENT);
}
END_TEST

START_TEST(weights_are_written_and_read)
{
    float kernel[6] = {1, 2, 3, 4, 5, 6}, back[6], bias[3] = {1, 1, 1};

    knn_add(model, knn_input(2));
    knn_add(model, knn_dense(3));
    ck_assert_int_eq(knn_set_weight(model, 0, kernel, 6), KNN_OK);
    ck_assert_int_eq(knn_set_weight(model, 1, bias, 3), KNN_OK);
    ck_assert_int_eq(knn_get_weight(model, 0, back, 6), KNN_OK);
    ck_assert_mem_eq(kernel, back, sizeof kernel);
    ck_assert_int_eq(knn_get_weight(model, 0, back, 5), KNN_ERROR_SHAPE);
    ck_assert_int_eq(knn_set_weight(model, 2, kernel, 6), KNN_ERROR_ARGUMENT);

    const float x[2] = {10, 100};
    float y[3];
    ck_assert_int_eq(knn_predict(model, x, 1, y, 3), KNN_OK);
    ck_assert_float_eq(y[0], 411);
    ck_assert_float_eq(y[2], 631);
    kernel[0] = 2;                              /* a plan that packed the old weights must pack anew */
    knn_set_weight(model, 0, kernel, 6);
    knn_predict(model, x, 1, y, 3);
    ck_assert_float_eq(y[0], 421);
}
END_TEST

START_TEST(the_same_seed_draws_the_same_weights)
{
    float a[60], b[60];
    for (int pass = 0; pass < 3; pass++) {
        knn_model *m = knn_sequential(.seed = pass == 2 ? 8 : 7);
        knn_add(m, knn_input(6));
        knn_add(m, knn_dense(10));
        ck_assert_int_eq(knn_get_weight(m, 0, pass == 0 ? a : b, 60), KNN_OK);
        if (pass > 0)
            ck_assert_int_eq(memcmp(a, b, sizeof a) == 0, pass == 1);
        knn_model_free(m);
    }
}
END_TEST

START_TEST(a_null_model_is_an_error_that_quotes_the_last_one)
{
    knn_model *none = knn_sequential(.backend = "abacus");
    ck_assert_ptr_null(none);
    ck_assert_int_eq(knn_add(none, knn_flatten()), KNN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "knn_add: the model is NULL; before that: "));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "abacus"));
    ck_assert_int_eq(knn_fit(none, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_uint_eq(knn_weight_count(none), 0);
    knn_model_free(none);
}
END_TEST

START_TEST(an_unknown_way_to_multiply_is_refused)
{
    ck_assert_ptr_null(knn_sequential(.float32 = (knn_float32)2));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "float32 is 2, expected 0 to 1"));
}
END_TEST

START_TEST(what_a_weights_rank_forbids_is_refused)
{
    const struct { const knn_layer *layer; const char *text; } wrong[] = {
        {knn_conv2d(3, 3, .kernel_initializer = knn_identity()), "kernel: initializer Identity wants a weight of rank 2, this one has 4"},
        {knn_conv2d(3, 3, .bias_initializer = knn_orthogonal()), "bias: initializer Orthogonal wants a weight of rank 2 at least"},
        {knn_conv2d(3, 3, .kernel_regularizer = knn_orthogonal_regularizer()), "OrthogonalRegularizer wants a weight of rank 2"},
        {knn_dense(3, .bias_constraint = knn_max_norm(.axis = KNN_AXIS(1))), "constraint MaxNorm has an axis that a weight of rank 1 has not"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        knn_model *bare = knn_sequential();
        ck_assert_int_eq(knn_add(bare, knn_input(5, 5, 2)), KNN_OK);
        ck_assert_msg(knn_add(bare, wrong[i].layer) != KNN_OK, "no error: %s", wrong[i].text);
        ck_assert_msg(strstr(knn_last_error(), wrong[i].text) != NULL, "%s", knn_last_error());
        knn_model_free(bare);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/layers");
    TCase *tests = tcase_create("layers");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, names_are_counted_by_class_and_given_names_do_not_count);
    tcase_add_test(tests, the_same_name_twice_is_refused);
    tcase_add_test(tests, the_first_failure_sticks);
    tcase_add_test(tests, a_model_begins_with_its_input);
    tcase_add_test(tests, inputs_have_positive_sizes);
    tcase_add_loop_test(tests, options_out_of_range_are_named, 0, 10);
    tcase_add_test(tests, convolutions_want_pictures);
    tcase_add_test(tests, shapes_follow_keras_arithmetic);
    tcase_add_test(tests, weights_have_keras_shapes_and_order);
    tcase_add_test(tests, weights_are_written_and_read);
    tcase_add_test(tests, the_same_seed_draws_the_same_weights);
    tcase_add_test(tests, a_null_model_is_an_error_that_quotes_the_last_one);
    tcase_add_test(tests, an_unknown_way_to_multiply_is_refused);
    tcase_add_test(tests, what_a_weights_rank_forbids_is_refused);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
