/* Pictures of 8 bits that an emulated GPU moves, colours and rescales itself: trainings from folders are those of the backend "cpu"; batches
 * that are on their way together keep apart, in whatever order the streams run; what fails leaves nothing behind. The numbers of single
 * pictures are the harness's business. */
#include "emulator.h"
#include "support/check_run.h"

#include "core/memory.h"
#include "data/data_support.h"
#include "data/dataset.h"
#include "plan/steps.h"

#include <knn/knn.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 12, EACH = 5, EPOCHS = 4, BATCH = 4, SECONDS = 120, SEEDS = 8 };

static void ok(knn_status status) { ck_assert_msg(status == KNN_OK, "%s: %s", knn_status_name(status), knn_last_error()); }

static void nothing_is_left(void)
{
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 0);
    ck_assert_uint_eq(knn__live_blocks(), 0);
}

/* ---- Folders of pictures: a wave, brighter for one class; larger than what is made of them ---- */

static void put_wave(const char *name, int number, int brightness)
{
    unsigned char file[32 + (SIDE + 3) * (SIDE + 1) * 3];
    int head = snprintf((char *)file, 32, "P6\n%d %d\n255\n", SIDE + 3, SIDE + 1), numbers = (SIDE + 3) * (SIDE + 1) * 3;
    for (int i = 0; i < numbers; i++)
        file[head + i] = (unsigned char)(brightness + 60 * sin(0.05 * i * (1 + number % 3) + number + i % 3));
    put_bytes(name, file, (size_t)(head + numbers));
}

static void draw_pictures(void)
{
    char name[64];
    make_folder();
    for (int i = 0; i < 2 * EACH; i++) {
        snprintf(name, sizeof name, "train/%s/%d.ppm", i % 2 == 0 ? "cat" : "dog", i);
        put_wave(name, i, i % 2 == 0 ? 80 : 150);
        snprintf(name, sizeof name, "validation/%s/%d.ppm", i % 2 == 0 ? "cat" : "dog", i);
        put_wave(name, i + 100, i % 2 == 0 ? 80 : 150);
    }
}

/* The tutorial's, and more. */
static knn_generator_options tutorial(void)
{
    return *knn_image_data_generator(.rescale = 1 / 255.0, .rotation_range = 40, .width_shift_range = 0.2, .height_shift_range = 0.2,
                                    .shear_range = 0.2, .zoom_range = 0.2, .horizontal_flip = true, .fill_mode = KNN_FILL_NEAREST);
}

enum { GENERATORS = 5 };

static knn_generator_options generator_number(int number)
{
    switch (number) {
    case 0: return tutorial();
    case 1: return *knn_image_data_generator(.rotation_range = 90, .zoom_range = 0.5, .fill_mode = KNN_FILL_REFLECT, .brightness_lower = 0.5,
                                             .brightness_upper = 1.5, .rescale = 1 / 255.0);
    case 2: return *knn_image_data_generator(.shear_range = 30, .vertical_flip = true, .fill_mode = KNN_FILL_CONSTANT, .cval = 40,
                                             .channel_shift_range = 30, .rescale = 1 / 255.0);
    case 3: return *knn_image_data_generator(.width_shift_range = 5, .fill_mode = KNN_FILL_WRAP, .rescale = 1 / 128.0);
    default: return *knn_image_data_generator(.rotation_range = 40, .samplewise_center = true, .samplewise_std_normalization = true);
    }
}

static bool is_done_there(int number) { return number < GENERATORS - 1; }

static knn_dataset *open_part(const char *part, knn_generator_options generator)
{
    knn_dataset *data = knn_flow_from_directory(inside(part), SIDE, SIDE, .class_mode = KNN_BINARY, .generator = &generator);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    return data;
}

static knn_model *net(const char *backend)
{
    knn_model *model = knn_sequential(.backend = backend, .seed = 7, .threads = 2);
    knn_add(model, knn_input(SIDE, SIDE, 3));
    knn_add(model, knn_conv2d(4, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    knn_compile(model, .optimizer = knn_sgd(.learning_rate = 0.05), .loss = knn_binary_crossentropy());
    return model;
}

/* ---- Trainings ---- */

typedef struct outcome { double loss[EPOCHS], val_loss[EPOCHS]; float predicted[2 * EACH]; } outcome;

/* The last batch is a short one. */
static outcome train(const char *backend, int number)
{
    const knn_generator_options generator = generator_number(number);
    knn_generator_options plain = {.size = sizeof plain, .rescale = generator.rescale, .samplewise_center = generator.samplewise_center,
        .samplewise_std_normalization = generator.samplewise_std_normalization};
    knn_dataset *training = open_part("train", generator), *validation = open_part("validation", plain);
    knn_model *model = net(backend);
    outcome made;

    ck_assert_str_eq(knn_backend_name(model), backend);
    ck_assert(training->gives_pictures == is_done_there(number));
    ok(knn_fit(model, training, .epochs = EPOCHS, .batch_size = BATCH, .validation_data = validation));
    memcpy(made.loss, knn_history_values(knn_model_history(model), "loss"), sizeof made.loss);
    memcpy(made.val_loss, knn_history_values(knn_model_history(model), "val_loss"), sizeof made.val_loss);
    ok(knn_predict_dataset(model, .data = validation, .y = made.predicted, .y_length = 2 * EACH, .batch_size = 3));
    knn_model_free(model);
    knn_dataset_free(training);
    knn_dataset_free(validation);
    return made;
}

START_TEST(a_training_from_pictures_is_that_of_the_cpu)
{
    draw_pictures();
    for (int number = 0; number < GENERATORS; number++) {
        emulator_set_order(3 + number);
        outcome cpu = train("cpu", number), cuda = train("cuda", number);
        for (int i = 0; i < EPOCHS; i++) {
            ck_assert_double_eq_tol(cuda.loss[i], cpu.loss[i], 1e-5 * cpu.loss[i]);
            ck_assert_double_eq_tol(cuda.val_loss[i], cpu.val_loss[i], 1e-5 * cpu.val_loss[i]);
        }
        for (int i = 0; i < 2 * EACH; i++)
            ck_assert_float_eq_tol(cuda.predicted[i], cpu.predicted[i], 1e-5f);
        ck_assert_double_ne(cpu.loss[0], cpu.loss[1]);
        nothing_is_left();
    }
    remove_folder();
}
END_TEST

/* One plan is fed with pictures, then with numbers, then with pictures again. */
static double fed_by_turns(const char *backend)
{
    static float x[6 * SIDE * SIDE * 3], y[6] = {0, 1, 0, 1, 1, 0};
    knn_dataset *pictures = open_part("train", tutorial());
    knn_model *model = net(backend);
    for (int i = 0; i < 6 * SIDE * SIDE * 3; i++)
        x[i] = (float)sin(0.1 * i);
    knn_dataset *numbers = knn_flow(.x = x, .y = y, .samples = 6, .height = SIDE, .width = SIDE, .channels = 3);
    ck_assert_ptr_nonnull(numbers);
    ok(knn_fit(model, pictures, .batch_size = BATCH));
    ok(knn_fit(model, numbers, .batch_size = BATCH));
    ok(knn_fit(model, pictures, .batch_size = BATCH));
    ok(knn_fit(model, pictures, .batch_size = BATCH + 3));
    double loss = knn_history_values(knn_model_history(model), "loss")[0];
    knn_model_free(model);
    knn_dataset_free(numbers);
    knn_dataset_free(pictures);
    return loss;
}

START_TEST(pictures_and_numbers_take_turns)
{
    draw_pictures();
    double cpu = fed_by_turns("cpu");
    ck_assert_double_eq_tol(fed_by_turns("cuda"), cpu, 1e-5 * cpu);
    nothing_is_left();
    remove_folder();
}
END_TEST

/* With it the plan that the next batch has been loaded into is another one. */
static knn_status train_on_more(const knn_event *event, void *user)
{
    static float x[(BATCH + 1) * SIDE * SIDE * 3], y[BATCH + 1];
    if (event->kind != KNN_BATCH_END || event->batch != 0)
        return KNN_OK;
    (void)user;
    return knn_train_on_batch(event->model, x, y, BATCH + 1, NULL, 0);
}

static double trained_in_between(const char *backend)
{
    knn_dataset *pictures = open_part("train", tutorial());
    knn_model *model = net(backend);
    ok(knn_fit(model, pictures, .batch_size = BATCH, .epochs = 2, .callbacks = {knn_call(train_on_more)}));
    double loss = knn_history_values(knn_model_history(model), "loss")[1];
    knn_model_free(model);
    knn_dataset_free(pictures);
    return loss;
}

START_TEST(a_callback_may_train_between_two_batches)
{
    draw_pictures();
    double cpu = trained_in_between("cpu");
    ck_assert_double_eq_tol(trained_in_between("cuda"), cpu, 1e-5 * cpu);
    nothing_is_left();
    remove_folder();
}
END_TEST

/* ---- Batches on their way together ---- */

enum { AHEAD = 7, NUMBERS = 2 * 3 * 4 };    /* batches of two pictures that nobody waits for */

/* A plan that hands on what it is fed with, divided by 2. */
static knn__plan *halves(void)
{
    static const knn_node node = {.name = "half", .op = KNN_OP_RESCALING, .in = {3, 4, 1}, .out = {3, 4, 1}, .scale = 0.5};
    knn__plan *plan;
    ok(knn__plan_make(&(knn__plan_options){.backend = knn__find_backend("cuda"), .nodes = &node, .count = 1, .capacity = 2}, &plan));
    return plan;
}

static void stage_pictures(knn__plan *plan, int batch)
{
    const knn__picture_form form = {3, 4, 1, 1};
    knn__pictures pictures;
    ok(knn__plan_stage_pictures(plan, &form, &pictures));
    for (int i = 0; i < NUMBERS; i++)
        pictures.bytes[i] = (uint8_t)(10 * batch + i);
    for (int i = 0; i < 2; i++)
        pictures.changes[i] = (knn__picture_change){.flips_rows = i == 1};
}

static void stage_numbers(knn__plan *plan, int batch)
{
    float *x;
    ok(knn__plan_stage(plan, &x));
    for (int i = 0; i < NUMBERS; i++)
        x[i] = (float)(10 * batch + i);
}

/* The second picture of a batch stands on its head. */
static int number_of(bool pictures, int batch, int i)
{
    int at = i % 12, turned = pictures && i >= 12 ? 12 + (2 - at / 4) * 4 + at % 4 : i;
    return 10 * batch + turned;
}

static void run_ahead(bool pictures)
{
    float out[AHEAD][NUMBERS];
    knn__plan *plan = halves();
    for (int batch = 0; batch < AHEAD; batch++) {
        (pictures ? stage_pictures : stage_numbers)(plan, batch);
        const float *y = knn__plan_forward(plan, NULL, &(knn_run){.images = 2});
        knn__devices(plan)->read(plan->device, out[batch], y, sizeof out[batch]);
    }
    ok(knn__devices(plan)->wait(plan->device));
    for (int batch = 0; batch < AHEAD; batch++)
        for (int i = 0; i < NUMBERS; i++)
            ck_assert_msg(2 * out[batch][i] == (float)number_of(pictures, batch, i), "%s, batch %d, number %d: %g, not %d",
                          pictures ? "pictures" : "numbers", batch, i, (double)(2 * out[batch][i]), number_of(pictures, batch, i));
    knn__plan_free(plan);
}

START_TEST(batches_that_are_on_their_way_together_keep_apart)
{
    for (int seed = 1; seed <= SEEDS; seed++) {
        emulator_set_order(seed);
        run_ahead(true);
        run_ahead(false);
        nothing_is_left();
    }
}
END_TEST

/* ---- Failures ---- */

static knn_status whole_life(const knn_dataset *data, long *working, float predicted[2 * EACH])
{
    long before = emulator_calls();
    double loss;
    knn_model *model = net("cuda");
    if (model == NULL)
        return KNN_ERROR_DEVICE;
    knn_status status = knn_fit(model, data, .batch_size = BATCH);
    if (status == KNN_OK)
        status = knn_evaluate(model, .data = data, .values = &loss, .count = 1);
    if (status == KNN_OK)
        status = knn_predict_dataset(model, .data = data, .y = predicted, .y_length = 2 * EACH, .batch_size = BATCH);
    *working = emulator_calls() - before;
    knn_model_free(model);
    return status;
}

static bool is_of_a_device(knn_status status)
{
    return status == KNN_ERROR_DEVICE || status == KNN_ERROR_DEVICE_MEMORY;
}

/* It is an error, or, where a step is recorded, of no consequence. */
START_TEST(each_call_may_fail_and_nothing_leaks)
{
    long working, ignored;
    float expected[2 * EACH], predicted[2 * EACH];
    draw_pictures();
    knn_dataset *data = open_part("train", tutorial());
    ok(whole_life(data, &working, expected));
    size_t blocks = knn__live_blocks();
    ck_assert_int_gt(working, 100);
    for (long n = 1; n <= working; n++) {
        emulator_fail_call(n);
        knn_status status = whole_life(data, &ignored, predicted);
        emulator_fail_call(0);
        if (status == KNN_OK)
            ck_assert_mem_eq(predicted, expected, sizeof predicted);
        ck_assert_msg(status == KNN_OK || is_of_a_device(status), "call %ld of %ld failed: %s: %s", n, working, knn_status_name(status), knn_last_error());
        ck_assert_str_eq(emulator_complaint(), "");
        ck_assert_uint_eq(emulator_live(), 0);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
    }
    ok(whole_life(data, &ignored, predicted));
    knn_dataset_free(data);
    nothing_is_left();
    remove_folder();
}
END_TEST

START_TEST(after_each_call_that_fails_the_training_goes_on)
{
    draw_pictures();
    knn_dataset *data = open_part("train", tutorial());
    knn_status status = KNN_ERROR_DEVICE;
    for (long n = 1; status != KNN_OK; n++) {
        knn_model *model = net("cuda");
        emulator_fail_call(n);
        status = knn_fit(model, data, .batch_size = BATCH);
        emulator_fail_call(0);
        ok(knn_fit(model, data, .batch_size = BATCH, .epochs = 2));
        double loss = knn_history_values(knn_model_history(model), "loss")[1];
        ck_assert_msg(isfinite(loss), "loss %g after call %ld failed", loss, n);
        knn_model_free(model);
    }
    knn_dataset_free(data);
    nothing_is_left();
    remove_folder();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_pictures");
    TCase *pictures = tcase_create("pictures");
    tcase_set_timeout(pictures, SECONDS);
    tcase_add_test(pictures, a_training_from_pictures_is_that_of_the_cpu);
    tcase_add_test(pictures, pictures_and_numbers_take_turns);
    tcase_add_test(pictures, a_callback_may_train_between_two_batches);
    tcase_add_test(pictures, batches_that_are_on_their_way_together_keep_apart);
    tcase_add_test(pictures, each_call_may_fail_and_nothing_leaks);
    tcase_add_test(pictures, after_each_call_that_fails_the_training_goes_on);
    suite_add_tcase(s, pictures);
    return s;
}

int main(void) { return check_run(suite()); }
