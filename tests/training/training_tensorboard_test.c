/* The callback TensorBoard: its files are read again, record by record. That TensorBoard itself reads them: tests/keras/tensorboard.sh. */
#include "core/memory.h"
#include "data/image.h"
#include "data/image_png.h"
#include "support/check_run.h"
#include "training/events.h"
#include "training/summary.h"
#include "training/tiny.h"

#include <unistd.h>

static tiny_data data;

static void fit(const knn_callback *callback, int epochs, bool validates, knn_model **trained)
{
    tiny_fill(&data, 1);
    knn_model *model = tiny_model(knn_rmsprop(0.01), 1);
    knn_dataset *set = tiny_set(&data, 24), *validation = tiny_set(&data, 16);
    check_ok(knn_fit(model, set, .epochs = epochs, .batch_size = 8, .validation_data = validates ? validation : NULL,
                     .callbacks = {callback}));
    knn_dataset_free(set);
    knn_dataset_free(validation);
    *trained = model;
}

static uint8_t *read_part(const char *log, const char *part, bytes *file)
{
    char directory[300];
    snprintf(directory, sizeof directory, "%s/%s", tiny_path(log), part);
    return read_events(directory, file);
}

START_TEST(checksums_have_their_published_values)
{
    const uint8_t zeros[32] = {0};
    ck_assert_uint_eq(knn__crc32(KNN__CRC32C, 0, "123456789", 9), 0xe3069283u);
    ck_assert_uint_eq(knn__crc32(KNN__CRC32C, 0, zeros, sizeof zeros), 0x8a9136aau);      /* RFC 3720, B.4 */
    ck_assert_uint_eq(knn__crc32(KNN__CRC32, 0, "123456789", 9), 0xcbf43926u);
    ck_assert_uint_eq(knn__crc32(KNN__CRC32, knn__crc32(KNN__CRC32, 0, "1234", 4), "56789", 5), 0xcbf43926u);
    ck_assert_uint_eq(knn__adler32(1, "Wikipedia", 9), 0x11e60398u);
    ck_assert_uint_eq(knn__lookup3("", 0), 0xdeadbeefu);
    ck_assert_uint_eq(knn__lookup3("Four score and seven years ago", 30), 0x17770551u);                  /* lookup3.c's own */
}
END_TEST

/* The decoder reads what the encoder wrote, also where the picture is more than one stored block. */
START_TEST(a_png_is_read_back)
{
    static const int sides[][3] = {{1, 1, 1}, {5, 3, 3}, {300, 257, 1}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        const int height = sides[i][0], width = sides[i][1], channels = sides[i][2];
        size_t n = (size_t)(height * width * channels);
        uint8_t *pixels = malloc(n);
        for (size_t k = 0; k < n; k++)
            pixels[k] = (uint8_t)(k * 37 + k / 256);
        knn__text png = {0};
        knn__picture picture;
        knn__encode_png(pixels, height, width, channels, &png);
        ck_assert(!png.failed);
        check_ok(knn__decode_picture((const uint8_t *)png.data, png.length, "png", &(knn__picture_wish){channels, false, 1 << 20},
                                     &picture));
        ck_assert_int_eq(picture.height, height);
        ck_assert_int_eq(picture.width, width);
        ck_assert_mem_eq(picture.pixels, pixels, n);
        knn__free(picture.pixels);
        knn__text_free(&png);
        free(pixels);
    }
}
END_TEST

START_TEST(curves_are_those_of_the_history)
{
    knn_model *model;
    bytes train, validation;
    event e;
    value v;
    fit(knn_tensorboard(tiny_path("made/now/curves")), 3, true, &model);
    uint8_t *first = read_part("made/now/curves", "train", &train), *second = read_part("made/now/curves", "validation", &validation);
    ck_assert(first != NULL && second != NULL);

    bytes head = train;
    ck_assert(take_event(&head, &e));
    ck_assert_mem_eq(e.version.at, "brain.Event:2", 13);
    ck_assert_double_gt(e.wall_time, 1.6e9);

    static const char *const keys[] = {"loss", "acc"};
    for (int epoch = 0; epoch < 3; epoch++)
        for (int i = 0; i < 2; i++) {
            char tag[60], key[20];
            snprintf(tag, sizeof tag, "epoch_%s", keys[i]);
            snprintf(key, sizeof key, "val_%s", keys[i]);
            ck_assert(find_value(train, tag, epoch, &v));
            ck_assert_float_eq(v.number, (float)knn_history_values(knn_model_history(model), keys[i])[epoch]);
            ck_assert_str_eq(v.plugin, "scalars");
            ck_assert_int_eq(v.data_class, 1);
            ck_assert(v.type == 1 && v.dimensions == 0);
            float expected = (float)knn_history_values(knn_model_history(model), key)[epoch];
            ck_assert(find_value(validation, tag, epoch, &v));
            ck_assert_float_eq(v.number, expected);
            snprintf(tag, sizeof tag, "evaluation_%s_vs_iterations", keys[i]);
            ck_assert(find_value(validation, tag, 3 * (epoch + 1), &v));
            ck_assert_float_eq(v.number, expected);
        }
    ck_assert(find_value(train, "epoch_learning_rate", 2, &v));
    ck_assert_float_eq(v.number, 0.01f);
    ck_assert_int_eq(count_values(train, "batch_loss"), 0);
    ck_assert_int_eq(count_values(train, "epoch_steps_per_second"), 0);
    ck_assert(find_value(train, "keras", 0, &v));
    ck_assert_str_eq(v.plugin, "graph_keras_model");
    ck_assert(v.text_count == 1 && v.texts[0].n > 10 && memcmp(v.texts[0].at, "{\"class_name\"", 13) == 0);
    free(first);
    free(second);
    knn_model_free(model);
    tiny_clean();
}
END_TEST

START_TEST(batches_are_counted_from_one_over_all_epochs)
{
    static const int64_t steps[][3] = {{1, 2, 3}, {2, 4, 6}};
    for (int freq = 1; freq <= 2; freq++) {
        knn_model *model;
        bytes train;
        value v;
        fit(knn_tensorboard(tiny_path("batches"), .update_freq = freq, .no_graph = true, .write_steps_per_second = true), 2, false, &model);
        uint8_t *file = read_part("batches", "train", &train);
        ck_assert_int_eq(count_values(train, "batch_loss"), 6 / freq);
        for (int i = 0; i < 3; i++)
            ck_assert(find_value(train, "batch_acc", steps[freq - 1][i], &v));
        ck_assert(find_value(train, "batch_steps_per_second", steps[freq - 1][0], &v) && v.number > 0.0f);
        ck_assert(find_value(train, "epoch_steps_per_second", 1, &v) && v.number > 0.0f);
        ck_assert_int_eq(count_values(train, "keras"), 0);
        ck_assert_ptr_null(read_part("batches", "validation", &train));
        free(file);
        knn_model_free(model);
        tiny_clean();
    }
}
END_TEST

START_TEST(a_histogram_counts_every_weight)
{
    knn_model *model;
    bytes train;
    value v;
    fit(knn_tensorboard(tiny_path("histograms"), .histogram_freq = 2), 3, false, &model);
    uint8_t *file = read_part("histograms", "train", &train);
    ck_assert_int_eq(count_values(train, "conv2d/kernel_0/histogram"), 2);       /* epochs 0 and 2 */
    ck_assert_int_eq(count_values(train, "batch_normalization/moving_variance_0/histogram"), 2);
    ck_assert_int_eq(count_values(train, "conv2d/kernel_0/image"), 0);
    ck_assert(find_value(train, "conv2d/kernel_0/histogram", 2, &v));
    ck_assert_str_eq(v.plugin, "histograms");
    ck_assert(v.type == 2 && v.dimensions == 2 && v.size[0] == 30 && v.size[1] == 3);

    float kernel[36], least = INFINITY, most = -INFINITY;
    check_ok(knn_get_weight(model, 0, kernel, 36));
    for (int i = 0; i < 36; i++) {
        least = fminf(least, kernel[i]);
        most = fmaxf(most, kernel[i]);
    }
    double count = 0, edge = (double)least;
    for (int i = 0; i < 30; i++) {
        double row[3];
        for (int k = 0; k < 3; k++)
            row[k] = as_double(little_endian(v.content.at + 8 * (3 * i + k), 8));
        ck_assert_double_eq_tol(row[0], edge, 1e-12);
        ck_assert_double_gt(row[1], row[0]);
        edge = row[1];
        count += row[2];
    }
    ck_assert_double_eq(edge, (double)most);
    ck_assert_double_eq(count, 36);
    free(file);
    knn_model_free(model);
    tiny_clean();
}
END_TEST

/* [left, right, count] of bucket i of a summary's only value */
static void check_bucket(const knn__text *summary, int i, double left, double right, double count)
{
    bytes rest = {(const uint8_t *)summary->data, summary->length};
    value v;
    ck_assert(take_value(&rest, &v));
    const double expected[] = {left, right, count};
    for (int k = 0; k < 3; k++)
        ck_assert_double_eq_tol(as_double(little_endian(v.content.at + 8 * (3 * i + k), 8)), expected[k], 1e-12);
}

START_TEST(equal_and_odd_values_have_histograms_too)
{
    knn__text equal = {0}, odd = {0}, nothing = {0};
    knn__summary_histogram(&equal, "t", (float[]){0.5f, 0.5f, 0.5f}, 3);
    check_bucket(&equal, 0, 0.5, 0.5, 0);
    check_bucket(&equal, 29, 0.5, 0.5, 3);
    knn__summary_histogram(&odd, "t", (float[]){0, NAN, 30, 1.5f, INFINITY, 29}, 6);
    check_bucket(&odd, 0, 0, 1, 1);
    check_bucket(&odd, 1, 1, 2, 1);
    check_bucket(&odd, 29, 29, 30, 2);
    knn__summary_histogram(&nothing, "t", (float[]){NAN}, 1);
    check_bucket(&nothing, 29, 0, 0, 0);
    knn__text_free(&equal);
    knn__text_free(&odd);
    knn__text_free(&nothing);
}
END_TEST

/* One picture of a value, decoded; freed by the caller. */
static knn__picture picture_of(const value *v, int index, int channels)
{
    knn__picture picture;
    const bytes *png = &v->texts[2 + index];
    check_ok(knn__decode_picture(png->at, png->n, "event", &(knn__picture_wish){channels, false, 1 << 20}, &picture));
    return picture;
}

static int level(float weight) { return weight <= 0 ? 0 : weight >= 1 ? 255 : (int)(weight * 255.5f); }

START_TEST(weights_are_pictures_by_keras_rule)
{
    knn_model *model;
    bytes train;
    value v;
    float kernel[36], dense[36 * 8];
    fit(knn_tensorboard(tiny_path("images"), .histogram_freq = 1, .write_images = true), 1, false, &model);
    check_ok(knn_get_weight(model, 0, kernel, 36));
    check_ok(knn_get_weight(model, 6, dense, 36 * 8));
    uint8_t *file = read_part("images", "train", &train);

    /* (3, 3, 1, 4): four grey pictures, of which three are written */
    ck_assert(find_value(train, "conv2d/kernel_0/image", 0, &v));
    ck_assert_str_eq(v.plugin, "images");
    ck_assert_int_eq(v.data_class, 3);
    ck_assert(v.type == 7 && v.dimensions == 1 && v.size[0] == 5 && v.text_count == 5);
    ck_assert_mem_eq(v.texts[0].at, "3", 1);
    for (int k = 0; k < 3; k++) {
        knn__picture picture = picture_of(&v, k, 1);
        for (int i = 0; i < 9; i++)
            ck_assert_int_eq(picture.pixels[i], level(kernel[4 * i + k]));
        knn__free(picture.pixels);
    }
    /* (36, 8): lies, 8 rows of 36 */
    ck_assert(find_value(train, "dense/kernel_0/image", 0, &v));
    knn__picture picture = picture_of(&v, 0, 1);
    ck_assert(picture.height == 8 && picture.width == 36 && v.text_count == 3);
    for (int row = 0; row < 8; row++)
        for (int column = 0; column < 36; column++)
            ck_assert_int_eq(picture.pixels[row * 36 + column], level(dense[column * 8 + row]));
    knn__free(picture.pixels);
    /* (8): stands; (1): none */
    ck_assert(find_value(train, "dense/bias_0/image", 0, &v));
    picture = picture_of(&v, 0, 1);
    ck_assert(picture.height == 8 && picture.width == 1);
    knn__free(picture.pixels);
    ck_assert(!find_value(train, "dense_1/bias_0/image", 0, &v));
    free(file);
    knn_model_free(model);
    tiny_clean();
}
END_TEST

START_TEST(kernels_of_three_filters_have_colours)
{
    float x[5 * 5 * 2] = {0}, y[1] = {0}, kernel[3 * 2 * 2 * 3];
    knn_model *model = knn_sequential(.seed = 5);
    bytes train;
    value v;
    knn_add(model, knn_input(5, 5, 2));
    knn_add(model, knn_conv2d(3, 3, 2, .bias_initializer = knn_constant(0.5)));
    knn_add(model, knn_global_average_pooling2d());
    knn_add(model, knn_dense(1));
    check_ok(knn_compile(model, .optimizer = knn_sgd(1e-9), .loss = knn_mean_squared_error()));
    knn_dataset *set = knn_flow(x, y, 1, 5, 5, 2);
    check_ok(knn_fit(model, set, .callbacks = {knn_tensorboard(tiny_path("colours"), .histogram_freq = 1, .write_images = true)}));
    check_ok(knn_get_weight(model, 0, kernel, 36));
    uint8_t *file = read_part("colours", "train", &train);
    ck_assert(find_value(train, "conv2d/kernel_0/image", 0, &v));
    for (int k = 0; k < 3; k++) {
        knn__picture picture = picture_of(&v, k, 3);
        ck_assert(picture.height == 2 && picture.width == 2);
        for (int i = 0; i < 12; i++)
            ck_assert_int_eq(picture.pixels[i], level(kernel[12 * k + i]));
        knn__free(picture.pixels);
    }
    free(file);
    knn_dataset_free(set);
    knn_model_free(model);
    tiny_clean();
}
END_TEST

START_TEST(what_cannot_be_written_ends_the_training_before_it_begins)
{
    knn_model *model = tiny_line(0.1, 1, 0);
    knn_dataset *set = knn_flow(data.x, data.y, 4, 1);
    ck_assert_int_eq(knn_fit(model, set, .callbacks = {knn_tensorboard("/dev/null/logs")}), KNN_ERROR_IO);
    check_error_names("TensorBoard: /dev/null");
    ck_assert_int_eq(knn_fit(model, set, .callbacks = {knn_tensorboard("")}), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_fit(model, set, .callbacks = {knn_tensorboard("x", .update_freq = -2)}), KNN_ERROR_ARGUMENT);
    check_error_names("update_freq");
    knn_dataset_free(set);
    knn_model_free(model);
}
END_TEST

START_TEST(failed_allocations_leak_nothing)
{
    tiny_fill(&data, 1);
    knn_dataset *set = tiny_set(&data, 8);
    knn_status status = KNN_ERROR_MEMORY;
    size_t blocks = knn__live_blocks();
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        ck_assert_int_lt(n, 5000);
        knn_model *model = tiny_model(knn_sgd(), 1);
        const char *path = tiny_path("leaks");
        knn__fail_allocation(n);
        status = knn_fit(model, set, .validation_data = set,
                         .callbacks = {knn_tensorboard(path, 1, .write_images = true, .update_freq = 1)});
        knn__fail_allocation(0);
        knn_model_free(model);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
        tiny_clean();
    }
    ck_assert_int_eq(status, KNN_OK);
    knn_dataset_free(set);
}
END_TEST

/* For tests/keras/tensorboard.sh: a log, and beside it the numbers that it must show. */
START_TEST(a_log_for_tensorboard)
{
    const char *folder = getenv("KNN_TENSORBOARD");
    knn_model *model;
    char path[300];
    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/log", folder);
    fit(knn_tensorboard(path, .histogram_freq = 1, .write_images = true, .update_freq = 2), 4, true, &model);
    snprintf(path, sizeof path, "%s/history.csv", folder);
    check_ok(knn_history_save_csv(knn_model_history(model), path));
    snprintf(path, sizeof path, "%s/weights.h5", folder);
    check_ok(knn_save_weights(model, path));
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/tensorboard");
    TCase *cases = tcase_create("tensorboard");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, checksums_have_their_published_values);
    tcase_add_test(cases, a_png_is_read_back);
    tcase_add_test(cases, curves_are_those_of_the_history);
    tcase_add_test(cases, batches_are_counted_from_one_over_all_epochs);
    tcase_add_test(cases, a_histogram_counts_every_weight);
    tcase_add_test(cases, equal_and_odd_values_have_histograms_too);
    tcase_add_test(cases, weights_are_pictures_by_keras_rule);
    tcase_add_test(cases, kernels_of_three_filters_have_colours);
    tcase_add_test(cases, what_cannot_be_written_ends_the_training_before_it_begins);
    tcase_add_test(cases, failed_allocations_leak_nothing);
    tcase_add_test(cases, a_log_for_tensorboard);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
