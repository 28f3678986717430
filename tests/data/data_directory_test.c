/* Data sets of pictures in folders: which are found, labels, splits, bad files, cache and threads. Pixels are tested
 * elsewhere. */
#include "core/memory.h"
#include "data/data_support.h"
#include "data/dataset.h"
#include "support/check_run.h"

/* Two classes: cat has 3 pictures, dog 5; some below a further folder, some with names that are no pictures. */
static void make_pets(void)
{
    make_folder();
    put_picture("cat/b.png", "colour.png");
    put_picture("cat/a.JPG", "colour.jpg");
    put_picture("cat/deep/c.bmp", "colour.bmp");
    put_picture("dog/10.ppm", "colour.ppm");
    put_picture("dog/2.jpeg", "grey.jpg");
    put_picture("dog/a/1.png", "alpha.png");
    put_picture("dog/a-b/1.png", "palette.png");
    put_picture("dog/z.jpg", "cmyk.jpg");
    put_bytes("dog/notes.txt", "x", 1);
    put_bytes("dog/Thumbs.db", "x", 1);
    put_bytes("dog/picture.gif", "x", 1);
    put_bytes(".hidden/a.png", "x", 1);
    put_bytes("readme.png", "x", 1);
}

static void check_paths(const knn_dataset *dataset, const char *const *expected, size_t count)
{
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    ck_assert_uint_eq(knn_dataset_samples(dataset), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(knn_dataset_path(dataset, i), inside(expected[i]));
    ck_assert_ptr_null(knn_dataset_path(dataset, count));
}

static void check_refused(const knn_directory_options *options, const char *why)
{
    size_t before = knn__live_blocks();
    ck_assert_ptr_null(knn_flow_from_directory_with(options));
    ck_assert_msg(strstr(knn_last_error(), why) != NULL, "\"%s\" does not say \"%s\"", knn_last_error(), why);
    ck_assert_uint_eq(knn__live_blocks(), before);
}
#define CHECK_REFUSED(why, ...) check_refused(KNN_OPTIONS(knn_directory_options, __VA_ARGS__), why)

START_TEST(folders_are_classes_and_files_come_in_keras_order)
{
    static const char *const sorted[] = {"cat/a.JPG",  "cat/b.png", "cat/deep/c.bmp", "dog/10.ppm",
                                         "dog/2.jpeg", "dog/z.jpg", "dog/a/1.png",    "dog/a-b/1.png"};
    make_pets();
    knn_dataset *dataset = knn_flow_from_directory(test_folder, 8, 6, .class_mode = KNN_BINARY);
    check_paths(dataset, sorted, 8);
    ck_assert_uint_eq(knn_dataset_class_count(dataset), 2);
    ck_assert_str_eq(knn_dataset_class_name(dataset, 0), "cat");
    ck_assert_str_eq(knn_dataset_class_name(dataset, 1), "dog");
    ck_assert_ptr_null(knn_dataset_class_name(dataset, 2));
    ck_assert_uint_eq(knn_dataset_input_length(dataset), 8 * 6 * 3);
    ck_assert_uint_eq(knn_dataset_output_length(dataset), 1);
    ck_assert_uint_eq(knn_dataset_skipped(dataset), 0);
    knn_dataset_free(dataset);
    remove_folder();
}
END_TEST

static void check_label(const knn_directory_options *options, size_t index, const float *expected, size_t outputs)
{
    float x[8 * 8 * 3], y[4];
    knn_dataset *dataset = knn_flow_from_directory_with(options);
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    ck_assert_uint_eq(knn_dataset_output_length(dataset), outputs);
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, index, false, x, y), KNN_OK);
    check_floats(y, expected, outputs, 0.0, 0.0);
    if (outputs > 0)
        ck_assert_int_eq(knn__label_class(dataset, y), index < 3 ? 0 : 1);
    ck_assert_int_eq(knn_dataset_label(dataset, index), outputs == 0 ? -1 : index < 3 ? 0 : 1);
    ck_assert_int_eq(knn_dataset_label(dataset, knn_dataset_samples(dataset)), -1);
    knn_dataset_free(dataset);
}

START_TEST(labels_follow_the_class_mode)
{
    static const float one[] = {1}, zero[] = {0}, second[] = {0, 1}, first[] = {1, 0};
    make_pets();
#define OPTIONS(mode) KNN_OPTIONS(knn_directory_options, test_folder, 8, .class_mode = mode)
    check_label(OPTIONS(KNN_BINARY), 3, one, 1);
    check_label(OPTIONS(KNN_SPARSE), 2, zero, 1);
    check_label(OPTIONS(KNN_CATEGORICAL), 3, second, 2);
    check_label(OPTIONS(KNN_CATEGORICAL), 0, first, 2);
    check_label(OPTIONS(KNN_NO_CLASSES), 1, NULL, 0);
    remove_folder();
}
END_TEST

START_TEST(given_classes_decide_on_labels_and_folders)
{
    static const char *const classes[] = {"dog", "cat", NULL}, *const only[] = {"cat", NULL},
                             *const missing[] = {"cat", "cow", NULL};
    make_pets();
    knn_dataset *dataset = knn_flow_from_directory(test_folder, .class_mode = KNN_SPARSE, .classes = classes);
    ck_assert_str_eq(knn_dataset_class_name(dataset, 0), "dog");
    ck_assert_str_eq(knn_dataset_path(dataset, 0), inside("dog/10.ppm"));
    knn_dataset_free(dataset);
    dataset = knn_flow_from_directory(test_folder, .class_mode = KNN_SPARSE, .classes = only);
    ck_assert_uint_eq(knn_dataset_samples(dataset), 3);
    knn_dataset_free(dataset);
    CHECK_REFUSED("cow", test_folder, .classes = missing);
    remove_folder();
}
END_TEST

START_TEST(without_classes_everything_is_listed_by_path_and_nothing_opened)
{
    static const char *const paths[] = {".hidden/a.png",  "cat/a.JPG",  "cat/b.png",  "cat/bad.jpg",
                                        "cat/deep/c.bmp", "dog/10.ppm", "dog/2.jpeg", "dog/a-b/1.png",
                                        "dog/a/1.png",    "dog/z.jpg",  "readme.png"};
    make_pets();
    put_bytes("cat/bad.jpg", "no picture", 10);
    float x[8 * 8 * 3];
    knn_dataset *dataset = knn_flow_from_directory(test_folder, 8, .class_mode = KNN_NO_CLASSES);
    check_paths(dataset, paths, 11);
    ck_assert_uint_eq(knn_dataset_class_count(dataset), 0);
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 1, false, x, NULL), KNN_OK);
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 3, false, x, NULL), KNN_ERROR_DATA);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "cat/bad.jpg: is no picture"));
    knn_dataset_free(dataset);
    remove_folder();
}
END_TEST

START_TEST(a_split_is_cut_within_every_class_from_its_head)
{
    static const char *const validation[] = {"cat/a.JPG", "dog/10.ppm", "dog/2.jpeg"};
    static const char *const training[] = {"cat/b.png", "cat/deep/c.bmp", "dog/z.jpg", "dog/a/1.png", "dog/a-b/1.png"};
    make_pets();
    knn_dataset *dataset = knn_flow_from_directory(test_folder, .validation_split = 0.4, .subset = KNN_VALIDATION);
    check_paths(dataset, validation, 3);                        /* int(0.4 * 3) = 1, int(0.4 * 5) = 2 */
    knn_dataset_free(dataset);
    dataset = knn_flow_from_directory(test_folder, .validation_split = 0.4, .subset = KNN_TRAINING);
    check_paths(dataset, training, 5);
    knn_dataset_free(dataset);
    CHECK_REFUSED("leaves no pictures", test_folder, .validation_split = 0.1, .subset = KNN_VALIDATION);
    CHECK_REFUSED("validation_split 1", test_folder, .validation_split = 1.0, .subset = KNN_VALIDATION);
    CHECK_REFUSED("wants a validation_split", test_folder, .subset = KNN_VALIDATION);
    remove_folder();
}
END_TEST

START_TEST(missing_empty_and_superfluous_folders_are_named)
{
    make_folder();
    CHECK_REFUSED("no such place", "/tmp/no such place");
    CHECK_REFUSED("no class folders", test_folder);
    CHECK_REFUSED("no pictures", test_folder, .class_mode = KNN_NO_CLASSES);
    put_picture("cat/a.png", "colour.png");
    CHECK_REFUSED("1 class (cat), expected 2", test_folder, .class_mode = KNN_BINARY);
    put_bytes("dog/notes.txt", "x", 1);
    CHECK_REFUSED("dog: no pictures", test_folder, .class_mode = KNN_BINARY);
    put_picture("dog/a.png", "colour.png");
    put_picture("cow/a.png", "colour.png");
    CHECK_REFUSED("3 classes (cat, ...), expected 2", test_folder, .class_mode = KNN_BINARY);
    remove_folder();
}
END_TEST

START_TEST(senseless_options_are_refused)
{
    CHECK_REFUSED("a directory is required", NULL);
    CHECK_REFUSED("target size -1x0", "/tmp", -1);
    CHECK_REFUSED("too large", "/tmp", 60000, 60000);
    CHECK_REFUSED("class_mode 9", "/tmp", .class_mode = (knn_class_mode)9);
    CHECK_REFUSED("interpolation 3", "/tmp", .interpolation = (knn_interpolation)3);
    CHECK_REFUSED("rotation_range is -1", "/tmp", .generator = knn_image_data_generator(.rotation_range = -1));
    check_refused(NULL, "options: NULL");
}
END_TEST

START_TEST(bad_pictures_are_found_at_opening_with_up_to_ten_names)
{
    char name[32];
    make_pets();
    put_bytes("cat/empty.jpg", "", 0);
    put_bytes("cat/old.tif", "II*\0", 4);
    CHECK_REFUSED("2 of 10 pictures cannot be used", test_folder);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "cat/empty.jpg: is empty"));
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "cat/old.tif: TIFF files are not supported"));
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "dog/bad%02d.png", i);
        put_bytes(name, "", 0);
    }
    CHECK_REFUSED("22 of 30 pictures", test_folder);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "bad07.png"));
    ck_assert_ptr_null(strstr(knn_last_error(), "bad08.png"));
    remove_folder();
}
END_TEST

START_TEST(bad_pictures_are_left_out_where_asked_for_and_counted)
{
    make_pets();
    put_bytes("cat/empty.jpg", "", 0);
    put_bytes("dog/0.tiff", "II*\0", 4);
    knn_dataset *dataset = knn_flow_from_directory(test_folder, .skip_bad_files = true);
    ck_assert_uint_eq(knn_dataset_samples(dataset), 8);
    ck_assert_uint_eq(knn_dataset_skipped(dataset), 2);
    ck_assert_str_eq(knn_dataset_skipped_path(dataset, 0), inside("cat/empty.jpg"));
    ck_assert_str_eq(knn_dataset_skipped_path(dataset, 1), inside("dog/0.tiff"));
    ck_assert_ptr_null(knn_dataset_skipped_path(dataset, 2));
    knn_dataset_free(dataset);
    put_bytes("cow/empty.jpg", "", 0);
    CHECK_REFUSED("cow: no usable picture", test_folder, .skip_bad_files = true);
    remove_folder();
}
END_TEST

START_TEST(too_many_pixels_are_refused_at_opening)
{
    make_pets();
    CHECK_REFUSED("40x30 pixels, expected at most 1000", test_folder, .max_pixels = 1000);
    remove_folder();
}
END_TEST

START_TEST(a_picture_that_turns_out_cut_later_is_named)
{
    float x[8 * 8 * 3];
    make_folder();
    file_bytes bytes = read_picture("colour.jpg");
    put_bytes("cat/cut.jpg", bytes.data, bytes.size / 2 + bytes.size / 4);
    free(bytes.data);
    knn_dataset *dataset = knn_flow_from_directory(test_folder, 8);
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 0, false, x, NULL), KNN_ERROR_DATA);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "cat/cut.jpg: image file is truncated"));
    unlink(inside("cat/cut.jpg"));
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 0, false, x, NULL), KNN_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "cat/cut.jpg: cannot open"));
    knn_dataset_free(dataset);
    remove_folder();
}
END_TEST

/* ---- Samples and batches ---- */

enum { SIDE = 12, LENGTH = SIDE * SIDE * 3, SAMPLES = 8 };

static knn_dataset *open_augmented(size_t cache_bytes)
{
    knn_dataset *dataset =
        knn_flow_from_directory(test_folder, SIDE, .class_mode = KNN_BINARY, .cache_bytes = cache_bytes,
                                .generator = knn_image_data_generator(.rescale = 1 / 255.0, .rotation_range = 40,
                                                                      .zoom_range = 0.2, .horizontal_flip = true));
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    return dataset;
}

START_TEST(cache_and_threads_never_change_a_bit)
{
    static const size_t order[SAMPLES] = {5, 0, 7, 3, 1, 6, 2, 4};
    static const size_t caches[] = {0, 1, 3 * LENGTH};
    float *x = malloc(SAMPLES * LENGTH * sizeof *x), *expected = malloc(SAMPLES * LENGTH * sizeof *x);
    float y[SAMPLES], weights[SAMPLES];
    make_pets();
    knn_dataset *plain = open_augmented(1);
    for (size_t i = 0; i < SAMPLES; i++)
        ck_assert_int_eq(knn_dataset_sample(plain, 5, 2, order[i], true, expected + i * LENGTH, NULL), KNN_OK);
    knn_dataset_free(plain);
    for (size_t c = 0; c < 3; c++)
        for (int threads = 1; threads <= 4; threads *= 2) {
            knn_dataset *dataset = open_augmented(caches[c]);
            for (int round = 0; round < 2; round++) {           /* the second from the cache */
                ck_assert_int_eq(knn__dataset_batch(dataset, 5, 2, order, SAMPLES, true, threads, x, y, weights),
                                 KNN_OK);
                check_floats(x, expected, SAMPLES * LENGTH, 0.0, 0.0);
                for (size_t i = 0; i < SAMPLES; i++) {
                    ck_assert(y[i] == (order[i] < 3 ? 0.0f : 1.0f));
                    ck_assert(weights[i] == 1.0f);
                }
            }
            knn_dataset_free(dataset);
        }
    free(expected);
    free(x);
    remove_folder();
}
END_TEST

START_TEST(only_training_is_augmented)
{
    float plain[LENGTH], x[LENGTH];
    make_pets();
    knn_dataset *dataset = open_augmented(0);
    ck_assert_int_eq(knn_dataset_sample(dataset, 1, 0, 0, false, plain, NULL), KNN_OK);
    ck_assert_int_eq(knn_dataset_sample(dataset, 1, 0, 0, true, x, NULL), KNN_OK);
    ck_assert(memcmp(x, plain, sizeof x) != 0);
    ck_assert_int_eq(knn_dataset_sample(dataset, 9, 4, 0, false, x, NULL), KNN_OK);
    ck_assert_mem_eq(x, plain, sizeof x);
    knn_dataset_free(dataset);

    dataset = knn_flow_from_directory(test_folder, SIDE, .validation_split = 0.5, .subset = KNN_VALIDATION,
        .generator = knn_image_data_generator(.rescale = 1 / 255.0, .rotation_range = 40));
    ck_assert_int_eq(knn_dataset_sample(dataset, 1, 0, 0, true, x, NULL), KNN_OK);
    ck_assert_mem_eq(x, plain, sizeof x);
    knn_dataset_free(dataset);
    remove_folder();
}
END_TEST

START_TEST(the_first_bad_sample_of_a_batch_is_reported)
{
    static const size_t order[] = {0, 1, 2, 3, 4};
    float x[5 * 8 * 8 * 3];
    make_folder();
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.png", i);
        put_picture(name, "colour.png");
    }
    put_bytes("1.png", "one", 3);
    put_bytes("4.png", "four", 4);
    knn_dataset *dataset = knn_flow_from_directory(test_folder, 8, .class_mode = KNN_NO_CLASSES);
    for (int threads = 1; threads <= 4; threads++) {
        ck_assert_int_eq(knn__dataset_batch(dataset, 0, 0, order, 5, false, threads, x, NULL, NULL), KNN_ERROR_DATA);
        ck_assert_ptr_nonnull(strstr(knn_last_error(), "/1.png: is no picture"));
    }
    knn_dataset_free(dataset);
    remove_folder();
}
END_TEST

START_TEST(without_memory_opening_and_loading_fail_and_leak_nothing)
{
    float x[LENGTH];
    make_pets();
    size_t before = knn__live_blocks();
    for (long n = 1; ; n++) {
        ck_assert_int_lt(n, 1000);
        knn__fail_allocation(n);
        knn_dataset *dataset = knn_flow_from_directory(test_folder, SIDE, .skip_bad_files = true,
            .generator = knn_image_data_generator(.rotation_range = 40));
        knn_status status = dataset != NULL ? knn_dataset_sample(dataset, 0, 0, 0, true, x, NULL) : KNN_ERROR_MEMORY;
        knn__fail_allocation(0);
        bool complete = dataset != NULL && knn_dataset_samples(dataset) == SAMPLES;
        knn_dataset_free(dataset);
        ck_assert_uint_eq(knn__live_blocks(), before);
        if (status == KNN_OK) {
            ck_assert_msg(complete, "allocation %ld failed, and pictures were taken for bad", n);
            break;
        }
        ck_assert_int_eq(status, KNN_ERROR_MEMORY);
        ck_assert(knn_last_error()[0] != '\0');
    }
    remove_folder();
}
END_TEST

START_TEST(a_data_set_that_is_none_is_an_error_and_not_a_crash)
{
    float x[4];
    knn_dataset_free(NULL);
    ck_assert_uint_eq(knn_dataset_samples(NULL), 0);
    ck_assert_uint_eq(knn_dataset_skipped(NULL), 0);
    ck_assert_ptr_null(knn_dataset_skipped_path(NULL, 0));
    ck_assert_ptr_null(knn_dataset_path(NULL, 0));
    ck_assert_uint_eq(knn_dataset_class_count(NULL), 0);
    ck_assert_ptr_null(knn_dataset_class_name(NULL, 0));
    ck_assert_uint_eq(knn_dataset_input_length(NULL), 0);
    ck_assert_uint_eq(knn_dataset_output_length(NULL), 0);
    ck_assert_ptr_null(knn_flow_from_directory("/tmp/no such place"));
    ck_assert_int_eq(knn_dataset_sample(NULL, 0, 0, 0, false, x, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "no such place"));           /* why there is none */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data/directory");
    TCase *tests = tcase_create("directory");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, folders_are_classes_and_files_come_in_keras_order);
    tcase_add_test(tests, labels_follow_the_class_mode);
    tcase_add_test(tests, given_classes_decide_on_labels_and_folders);
    tcase_add_test(tests, without_classes_everything_is_listed_by_path_and_nothing_opened);
    tcase_add_test(tests, a_split_is_cut_within_every_class_from_its_head);
    tcase_add_test(tests, missing_empty_and_superfluous_folders_are_named);
    tcase_add_test(tests, senseless_options_are_refused);
    tcase_add_test(tests, bad_pictures_are_found_at_opening_with_up_to_ten_names);
    tcase_add_test(tests, bad_pictures_are_left_out_where_asked_for_and_counted);
    tcase_add_test(tests, too_many_pixels_are_refused_at_opening);
    tcase_add_test(tests, a_picture_that_turns_out_cut_later_is_named);
    tcase_add_test(tests, cache_and_threads_never_change_a_bit);
    tcase_add_test(tests, only_training_is_augmented);
    tcase_add_test(tests, the_first_bad_sample_of_a_batch_is_reported);
    tcase_add_test(tests, without_memory_opening_and_loading_fail_and_leak_nothing);
    tcase_add_test(tests, a_data_set_that_is_none_is_an_error_and_not_a_crash);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
