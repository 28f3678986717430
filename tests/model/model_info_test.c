/* What a program can learn of a model: its layers and shapes, what it is compiled with, how far it is trained, how its pictures are prepared. */
#include "support/check_run.h"

#include <knn/knn.h>

#include <stddef.h>
#include <string.h>

static knn_model *net(void)
{
    knn_model *model = knn_sequential(.seed = 1), *inside = knn_sequential(.name = "inside");
    knn_add(inside, knn_input(5));
    knn_add(inside, knn_dense(4));
    knn_add(model, knn_input(5, 6, 3));
    knn_add(model, knn_conv2d(2, 3));
    knn_add(model, knn_global_average_pooling2d());
    knn_add(model, knn_dense(5, .no_bias = true));
    knn_add_model(model, inside);
    knn_model_free(inside);
    return model;
}

START_TEST(layers_tell_class_shape_and_weights)
{
    static const struct { const char *name, *class_name; int rank, shape[3]; size_t weights; } expected[] = {
        {"conv2d", "Conv2D", 3, {3, 4, 2}, 2},
        {"global_average_pooling2d", "GlobalAveragePooling2D", 1, {2}, 0},
        {"dense", "Dense", 1, {5}, 1},
        {"inside/dense", "Dense", 1, {4}, 2},
    };
    knn_model *model = net();
    const char *class_name;
    int rank, shape[3];
    size_t weights;

    ck_assert_uint_eq(knn_layer_count(model), 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(knn_layer_info(model, i, &class_name, &rank, shape, &weights), KNN_OK);
        ck_assert_str_eq(knn_layer_name(model, i), expected[i].name);
        ck_assert_str_eq(class_name, expected[i].class_name);
        ck_assert_int_eq(rank, expected[i].rank);
        ck_assert_mem_eq(shape, expected[i].shape, (size_t)rank * sizeof *shape);
        ck_assert_uint_eq(weights, expected[i].weights);
    }
    ck_assert_int_eq(knn_layer_info(model, 0, NULL, NULL, NULL, NULL), KNN_OK);
    ck_assert_int_eq(knn_layer_info(model, 4, &class_name, NULL, NULL, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_layer_info(NULL, 0, NULL, NULL, NULL, NULL), KNN_ERROR_ARGUMENT);
    knn_model_free(model);
}
END_TEST

START_TEST(the_input_tells_its_shape)
{
    knn_model *model = net(), *empty = knn_sequential();
    int shape[3] = {0};

    ck_assert_int_eq(knn_input_shape(model, shape), 3);
    ck_assert_mem_eq(shape, ((const int[]){5, 6, 3}), sizeof shape);
    ck_assert_int_eq(knn_input_shape(model, NULL), 3);
    ck_assert_int_eq(knn_input_shape(empty, shape), 0);
    ck_assert_int_eq(knn_input_shape(NULL, shape), 0);
    knn_model_free(model);
    knn_model_free(empty);
}
END_TEST

START_TEST(a_compiled_model_tells_with_what)
{
    static const float x[90] = {1}, y[4] = {1};
    knn_model *model = net();
    double values[3];

    ck_assert_ptr_null(knn_optimizer_name(model));
    ck_assert_ptr_null(knn_loss_name(model));
    ck_assert_ptr_null(knn_value_name(model, 0));
    ck_assert_int_eq(knn_compile(model, .optimizer = knn_adam(), .loss = knn_mean_squared_error(),
                                 .metrics = {knn_accuracy("acc"), knn_mean_absolute_error_metric()}), KNN_OK);
    ck_assert_str_eq(knn_optimizer_name(model), "Adam");
    ck_assert_str_eq(knn_loss_name(model), "MeanSquaredError");
    ck_assert_str_eq(knn_value_name(model, 0), "loss");
    ck_assert_str_eq(knn_value_name(model, 1), "acc");
    ck_assert_str_eq(knn_value_name(model, 2), "mean_absolute_error");
    ck_assert_ptr_null(knn_value_name(model, 3));
    ck_assert_uint_eq(knn_iterations(model), 0);
    ck_assert_int_eq(knn_train_on_batch(model, x, y, 1, values, 3), KNN_OK);
    ck_assert_uint_eq(knn_iterations(model), 1);
    ck_assert_ptr_null(knn_loss_name(NULL));
    knn_model_free(model);
}
END_TEST

/* ---- Preprocessing ---- */

START_TEST(preprocessing_comes_back_as_it_was_set)
{
    const knn_generator_options set = {.size = sizeof set, .rescale = 1 / 127.5, .featurewise_center = true,
        .featurewise_std_normalization = true, .channels = 1, .mean = {0.25}, .std = {0.5}};
    knn_generator_options got = *knn_image_data_generator();
    knn_directory_options as = *knn_pictures(.directory = "kept", .class_mode = KNN_BINARY);
    knn_model *model = net();

    ck_assert_int_eq(knn_get_preprocessing(model, &as, &got), KNN_ERROR_STATE);
    ck_assert_int_eq(knn_set_preprocessing(model, knn_pictures(.target_height = 9, .target_width = 10, .grayscale = true,
        .interpolation = KNN_RESIZE_BILINEAR, .apply_orientation = true, .max_pixels = 5000, .generator = &set), NULL), KNN_OK);
    ck_assert_int_eq(knn_get_preprocessing(model, &as, &got), KNN_OK);
    ck_assert_str_eq(as.directory, "kept");
    ck_assert_int_eq(as.class_mode, KNN_BINARY);
    ck_assert_ptr_eq(as.generator, &got);
    ck_assert(as.target_height == 9 && as.target_width == 10 && as.grayscale && as.apply_orientation && as.max_pixels == 5000);
    ck_assert_int_eq(as.interpolation, KNN_RESIZE_BILINEAR);
    ck_assert_double_eq(got.rescale, 1 / 127.5);
    ck_assert(got.featurewise_center && got.featurewise_std_normalization && got.channels == 1);
    ck_assert_double_eq(got.mean[0], 0.25);
    ck_assert_double_eq(got.std[0], 0.5);
    knn_model_free(model);
}
END_TEST

START_TEST(a_whitening_matrix_may_be_given_back_to_its_model)
{
    float matrix[9] = {1, 0, 0, 0, 2, 0, 0, 0, 3};
    const knn_generator_options set = {.size = sizeof set, .featurewise_center = true, .zca_whitening = true, .channels = 3,
        .whitening = matrix, .whitening_length = 3};
    knn_generator_options got = *knn_image_data_generator();
    knn_directory_options as = *knn_pictures();
    knn_model *model = net();

    ck_assert_int_eq(knn_set_preprocessing(model, knn_pictures(.target_height = 1, .generator = &set), NULL), KNN_OK);
    ck_assert_int_eq(knn_get_preprocessing(model, &as, &got), KNN_OK);
    ck_assert(got.zca_whitening && got.whitening_length == 3 && got.whitening != matrix);
    ck_assert_int_eq(knn_set_preprocessing(model, &as, NULL), KNN_OK);
    ck_assert_int_eq(knn_get_preprocessing(model, &as, &got), KNN_OK);
    ck_assert_mem_eq(got.whitening, matrix, sizeof matrix);
    knn_model_free(model);
}
END_TEST

/* Of a program that was compiled when the structs were shorter: nothing is written behind its end. */
START_TEST(an_older_programs_options_are_filled_as_far_as_they_go)
{
    knn_generator_options got = {.size = offsetof(knn_generator_options, zca_whitening), .whitening_length = 77};
    knn_directory_options as = {.size = offsetof(knn_directory_options, max_pixels), .max_pixels = 77};
    knn_model *model = net();

    ck_assert_int_eq(knn_set_preprocessing(model, knn_pictures(.target_height = 9), NULL), KNN_OK);
    ck_assert_int_eq(knn_get_preprocessing(model, &as, &got), KNN_OK);
    ck_assert_int_eq(as.target_width, 9);
    ck_assert_uint_eq(as.max_pixels, 77);
    ck_assert_uint_eq(got.whitening_length, 77);
    ck_assert_uint_eq(got.size, offsetof(knn_generator_options, zca_whitening));
    ck_assert_int_eq(knn_get_preprocessing(model, NULL, &got), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_get_preprocessing(model, &as, NULL), KNN_ERROR_ARGUMENT);
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/info");
    TCase *tests = tcase_create("info");
    tcase_add_test(tests, layers_tell_class_shape_and_weights);
    tcase_add_test(tests, the_input_tells_its_shape);
    tcase_add_test(tests, a_compiled_model_tells_with_what);
    tcase_add_test(tests, preprocessing_comes_back_as_it_was_set);
    tcase_add_test(tests, a_whitening_matrix_may_be_given_back_to_its_model);
    tcase_add_test(tests, an_older_programs_options_are_filled_as_far_as_they_go);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
