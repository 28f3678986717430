/* Data sets of arrays and of users' functions. Pictures in folders are tested elsewhere. */
#include "core/memory.h"
#include "data/data_support.h"
#include "data/dataset.h"
#include "support/check_run.h"

/* ---- Arrays ---- */

enum { SAMPLES = 5, HEIGHT = 4, WIDTH = 3, CHANNELS = 2, LENGTH = HEIGHT * WIDTH * CHANNELS };

static float pictures[SAMPLES * LENGTH], labels[SAMPLES * 3];
static const double sample_weights[SAMPLES] = {0.5, 1, 1.5, 2, 2.5};

static void fill_arrays(void)
{
    for (int i = 0; i < SAMPLES * LENGTH; i++)
        pictures[i] = (float)(i * i % 97);
    for (int i = 0; i < SAMPLES * 3; i++)
        labels[i] = (float)i;
}

START_TEST(samples_are_rows_of_the_arrays)
{
    float x[2 * LENGTH], y[6], weights[2];
    static const size_t order[] = {4, 1};
    knn_dataset *dataset =
        knn_flow(pictures, labels, SAMPLES, HEIGHT, WIDTH, CHANNELS, 3, .sample_weight = sample_weights);
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    ck_assert_uint_eq(knn_dataset_samples(dataset), SAMPLES);
    ck_assert_uint_eq(knn_dataset_input_length(dataset), LENGTH);
    ck_assert_uint_eq(knn_dataset_output_length(dataset), 3);
    ck_assert_uint_eq(knn_dataset_class_count(dataset), 0);
    ck_assert_ptr_null(knn_dataset_path(dataset, 0));
    ck_assert_int_eq(knn__dataset_batch(dataset, 0, 0, order, 2, true, 1, x, y, weights), KNN_OK);
    check_floats(x, pictures + 4 * LENGTH, LENGTH, 0.0, 0.0);
    check_floats(x + LENGTH, pictures + LENGTH, LENGTH, 0.0, 0.0);
    check_floats(y, ((float[]){12, 13, 14, 3, 4, 5}), 6, 0.0, 0.0);
    check_floats(weights, ((float[]){2.5f, 1.0f}), 2, 0.0, 0.0);
    ck_assert_int_eq(knn__label_class(dataset, (float[]){0.1f, 0.7f, 0.2f}), 1);
    knn_dataset_free(dataset);
}
END_TEST

START_TEST(labels_and_trailing_sides_may_be_left_out)
{
    float x[LENGTH], y[1] = {42};
    knn_dataset *dataset = knn_flow(pictures, NULL, SAMPLES, LENGTH);
    ck_assert_int_eq(dataset->input.rank, 1);
    ck_assert_uint_eq(knn_dataset_input_length(dataset), LENGTH);
    ck_assert_uint_eq(knn_dataset_output_length(dataset), 0);
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 1, false, x, y), KNN_OK);
    check_floats(x, pictures + LENGTH, LENGTH, 0.0, 0.0);
    ck_assert(y[0] == 42.0f);
    knn_dataset_free(dataset);
    dataset = knn_flow(pictures, labels, SAMPLES, HEIGHT, WIDTH * CHANNELS);
    ck_assert_int_eq(dataset->input.rank, 2);
    ck_assert_uint_eq(knn_dataset_output_length(dataset), 1);
    knn_dataset_free(dataset);
}
END_TEST

START_TEST(the_last_part_validates)
{
    float x[LENGTH], y[1], weight;
    static const size_t first = 0;
    knn_dataset *training =
        knn_flow(pictures, labels, SAMPLES, LENGTH, .validation_split = 0.3, .subset = KNN_TRAINING);
    knn_dataset *validation = knn_flow(pictures, labels, SAMPLES, LENGTH, .validation_split = 0.3,
                                       .subset = KNN_VALIDATION, .sample_weight = sample_weights);
    ck_assert_uint_eq(knn_dataset_samples(training), 3);        /* floor(5 * 0.7) */
    ck_assert_uint_eq(knn_dataset_samples(validation), 2);
    ck_assert_int_eq(knn__dataset_batch(validation, 0, 0, &first, 1, false, 1, x, y, &weight), KNN_OK);
    check_floats(x, pictures + 3 * LENGTH, LENGTH, 0.0, 0.0);
    ck_assert(y[0] == 3.0f && weight == 2.0f);
    knn_dataset_free(training);
    knn_dataset_free(validation);
}
END_TEST

START_TEST(a_generator_rescales_always_and_augments_in_training)
{
    float plain[LENGTH], x[LENGTH], expected[LENGTH];
    const knn_generator_options *generator = knn_image_data_generator(.rescale = 0.5, .horizontal_flip = true);
    knn_dataset *dataset = knn_flow(pictures, labels, SAMPLES, HEIGHT, WIDTH, CHANNELS, .generator = generator);
    for (int i = 0; i < LENGTH; i++)
        expected[i] = pictures[i] * 0.5f;
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 0, false, plain, NULL), KNN_OK);
    check_floats(plain, expected, LENGTH, 0.0, 0.0);
    int flipped = 0;
    for (int epoch = 0; epoch < 20; epoch++) {
        ck_assert_int_eq(knn_dataset_sample(dataset, 0, epoch, 0, true, x, NULL), KNN_OK);
        if (memcmp(x, plain, sizeof x) == 0)
            continue;
        flipped++;
        check_floats(x, plain + (WIDTH - 1) * CHANNELS, CHANNELS, 0.0, 0.0);
    }
    ck_assert(flipped > 2 && flipped < 18);
    knn_dataset_free(dataset);
}
END_TEST

START_TEST(preprocessing_is_known_where_a_generator_got_pictures)
{
    knn_dataset *plain = knn_flow(pictures, NULL, 1, HEIGHT, WIDTH, 3);
    knn_dataset *rescaled =
        knn_flow(pictures, NULL, 1, HEIGHT, WIDTH, 3, .generator = knn_image_data_generator(.rescale = 0.5));
    ck_assert(!plain->has_preprocessing);
    ck_assert(rescaled->has_preprocessing);
    ck_assert_int_eq(rescaled->preprocessing.height, HEIGHT);
    ck_assert(rescaled->preprocessing.rescale == 0.5);
    knn_dataset_free(plain);
    knn_dataset_free(rescaled);
}
END_TEST

static void check_refused(const knn_flow_options *options, const char *why)
{
    ck_assert_ptr_null(knn_flow_with(options));
    ck_assert_msg(strstr(knn_last_error(), why) != NULL, "\"%s\" does not say \"%s\"", knn_last_error(), why);
}
#define CHECK_REFUSED(why, ...) check_refused(KNN_OPTIONS(knn_flow_options, __VA_ARGS__), why)

START_TEST(senseless_arrays_are_refused)
{
    CHECK_REFUSED("x and at least one sample", NULL, NULL, 1, 4);
    CHECK_REFUSED("x and at least one sample", pictures, NULL, 0, 4);
    CHECK_REFUSED("a sample of 0x0x0", pictures, NULL, 1);
    CHECK_REFUSED("a sample of 4x0x3", pictures, NULL, 1, 4, 0, 3);
    CHECK_REFUSED("a sample of -4x0x0", pictures, NULL, 1, -4);
    CHECK_REFUSED("-1 outputs", pictures, labels, 1, 4, .outputs = -1);
    CHECK_REFUSED("rank 1 cannot be augmented", pictures, NULL, 1, 4,
                  .generator = knn_image_data_generator(.rotation_range = 3));
    CHECK_REFUSED("leaves none", pictures, NULL, 1, 4, .validation_split = 0.5, .subset = KNN_TRAINING);
    CHECK_REFUSED("wants a validation_split", pictures, NULL, 1, 4, .subset = KNN_TRAINING);
    check_refused(NULL, "options: NULL");
}
END_TEST

START_TEST(senseless_samples_are_refused)
{
    float x[LENGTH];
    knn_dataset *dataset = knn_flow(pictures, NULL, SAMPLES, LENGTH);
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, SAMPLES, false, x, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "index 5 of 5 samples"));
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, -1, 0, false, x, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 0, false, NULL, NULL), KNN_ERROR_ARGUMENT);
    knn_dataset_free(dataset);
}
END_TEST

START_TEST(without_memory_arrays_fail_and_leak_nothing)
{
    size_t before = knn__live_blocks();
    for (long n = 1; n <= 2; n++) {
        knn__fail_allocation(n);
        ck_assert_ptr_null(knn_flow(pictures, NULL, SAMPLES, LENGTH));
        knn__fail_allocation(0);
        ck_assert_uint_eq(knn__live_blocks(), before);
    }
}
END_TEST

/* ---- A user's functions ---- */

typedef struct squares {
    size_t samples;
    int released;
    knn_status result;              /* of load, for sample 1 */
} squares;

static size_t count_squares(void *user)
{
    return ((squares *)user)->samples;
}

static knn_status load_square(void *user, uint64_t seed, int epoch, size_t index, bool augment, float *x, float *y,
                              float *weight)
{
    const squares *s = user;
    x[0] = (float)index;
    x[1] = (float)(epoch + (int)seed + augment);
    if (y != NULL)
        y[0] = (float)(index * index);
    if (weight != NULL && index == 2)
        *weight = 0.25f;
    return index == 1 ? s->result : KNN_OK;
}

static void release_squares(void *user)
{
    ((squares *)user)->released++;
}

static knn_dataset_class square_class(void)
{
    return (knn_dataset_class){.size = sizeof(knn_dataset_class),
                               .input = {1, {2}},
                               .outputs = 1,
                               .samples = count_squares,
                               .load = load_square,
                               .release = release_squares};
}

START_TEST(a_users_functions_answer_and_are_released_once)
{
    float x[6], y[3], weights[3];
    static const size_t order[] = {2, 0, 1};
    squares user = {.samples = 3};
    knn_dataset_class functions = square_class();
    knn_dataset *dataset = knn_custom_dataset(&functions, &user);
    memset(&functions, 0, sizeof functions);                    /* it was copied */
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    ck_assert_uint_eq(knn_dataset_samples(dataset), 3);
    ck_assert_int_eq(knn__dataset_batch(dataset, 10, 4, order, 3, true, 2, x, y, weights), KNN_OK);
    check_floats(x, ((float[]){2, 15, 0, 15, 1, 15}), 6, 0.0, 0.0);
    check_floats(y, ((float[]){4, 0, 1}), 3, 0.0, 0.0);
    check_floats(weights, ((float[]){0.25f, 1, 1}), 3, 0.0, 0.0);
    ck_assert_int_eq(user.released, 0);
    knn_dataset_free(dataset);
    ck_assert_int_eq(user.released, 1);
}
END_TEST

START_TEST(a_users_failure_names_its_sample)
{
    float x[2];
    squares user = {.samples = 3, .result = KNN_ERROR_DATA};
    knn_dataset_class functions = square_class();
    knn_dataset *dataset = knn_custom_dataset(&functions, &user);
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 1, false, x, NULL), KNN_ERROR_DATA);
    ck_assert_str_eq(knn_last_error(), "custom data set, sample 1: load failed with KNN_ERROR_DATA");
    user.result = KNN_STOP;
    ck_assert_int_eq(knn_dataset_sample(dataset, 0, 0, 1, false, x, NULL), KNN_ERROR_CALLBACK);
    knn_dataset_free(dataset);
}
END_TEST

static void check_class_refused(knn_dataset_class functions, size_t samples, const char *why)
{
    squares user = {.samples = samples};
    ck_assert_ptr_null(knn_custom_dataset(&functions, &user));
    ck_assert_msg(strstr(knn_last_error(), why) != NULL, "\"%s\" does not say \"%s\"", knn_last_error(), why);
    ck_assert_int_eq(user.released, 0);
}

START_TEST(senseless_classes_are_refused)
{
    knn_dataset_class functions = square_class();
    check_class_refused(functions, 0, "no samples");
    functions.input.rank = 4;
    check_class_refused(functions, 1, "rank 4");
    functions.input.rank = 2;
    check_class_refused(functions, 1, "side 1 is 0");
    functions = square_class();
    functions.outputs = -1;
    check_class_refused(functions, 1, "-1 outputs");
    functions = square_class();
    functions.load = NULL;
    check_class_refused(functions, 1, "load are required");
    ck_assert_ptr_null(knn_custom_dataset(NULL, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data/arrays");
    TCase *arrays = tcase_create("arrays");
    tcase_add_checked_fixture(arrays, fill_arrays, NULL);
    tcase_add_test(arrays, samples_are_rows_of_the_arrays);
    tcase_add_test(arrays, labels_and_trailing_sides_may_be_left_out);
    tcase_add_test(arrays, the_last_part_validates);
    tcase_add_test(arrays, a_generator_rescales_always_and_augments_in_training);
    tcase_add_test(arrays, preprocessing_is_known_where_a_generator_got_pictures);
    tcase_add_test(arrays, senseless_arrays_are_refused);
    tcase_add_test(arrays, senseless_samples_are_refused);
    tcase_add_test(arrays, without_memory_arrays_fail_and_leak_nothing);
    suite_add_tcase(suite, arrays);
    TCase *custom = tcase_create("custom");
    tcase_add_test(custom, a_users_functions_answer_and_are_released_once);
    tcase_add_test(custom, a_users_failure_names_its_sample);
    tcase_add_test(custom, senseless_classes_are_refused);
    suite_add_tcase(suite, custom);
    return check_run(suite);
}
