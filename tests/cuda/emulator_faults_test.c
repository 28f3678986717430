/* Every single call of the run time and of cuBLAS fails once in a model's life: training with validation, evaluation, prediction, saving, loading
 * and going on, with a net that has most kinds of launches. What follows is an error with a text, or the same answers; nothing is left. */
#include "emulator.h"
#include "support/check_run.h"

#include "core/memory.h"

#include <knn/knn.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIDE = 8, CHANNELS = 3, INPUT = SIDE * SIDE * CHANNELS, SAMPLES = 5, CLASSES = 3, SECONDS = 300 };

/* Of so many calls one fails. */
#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 11 };
#else
enum { EVERY = 1 };
#endif

static float x[SAMPLES * INPUT], y[SAMPLES];

static void nothing_is_left(void)
{
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 0);
    ck_assert_uint_eq(knn__live_blocks(), 0);
}

static knn_model *net(void)
{
    knn_model *model = knn_sequential(.backend = "cuda", .seed = 1, .threads = 1);
    if (model == NULL)
        return NULL;
    knn_add(model, knn_input(SIDE, SIDE, CHANNELS));
    knn_add(model, knn_random_flip());
    knn_add(model, knn_conv2d(4, 3, .padding = KNN_SAME, .activation = KNN_RELU, .kernel_regularizer = knn_l2(0.01)));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(4, 2, .stride_height = 2, .stride_width = 2));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_prelu());
    knn_add(model, knn_conv2d_transpose(4, 2));
    knn_add(model, knn_group_normalization(.groups = 2));
    knn_add(model, knn_average_pooling2d(2, .stride_height = 1, .stride_width = 1));
    knn_add(model, knn_flatten());
    knn_add(model, knn_gaussian_noise(0.1));
    knn_add(model, knn_dropout(0.25));
    knn_add(model, knn_dense(6, .activation = KNN_RELU));
    knn_add(model, knn_dense(CLASSES, .activation = KNN_SOFTMAX));
    return model;
}

static knn_status train(knn_model *model, const knn_dataset *data, int first, int epochs)
{
    return knn_fit(model, .data = data, .validation_data = data, .initial_epoch = first, .epochs = epochs, .batch_size = SAMPLES);
}

static knn_status answer(const knn_model *model, float answers[SAMPLES * CLASSES])
{
    return knn_predict(model, x, SAMPLES, answers, SAMPLES * CLASSES);
}

static knn_status first_half(const knn_dataset *data, const char *path)
{
    float ignored[SAMPLES * CLASSES];
    double loss;
    knn_model *model = net();
    if (model == NULL)
        return KNN_ERROR_DEVICE;
    knn_status status = knn_compile(model, .optimizer = knn_adam(.clipnorm = 1, .use_ema = true), .loss = knn_sparse_categorical_crossentropy());
    if (status == KNN_OK)
        status = train(model, data, 0, 1);
    if (status == KNN_OK)
        status = knn_evaluate(model, data, &loss, 1);
    if (status == KNN_OK)
        status = answer(model, ignored);
    if (status == KNN_OK)
        status = knn_save_model(model, path);
    knn_model_free(model);
    return status;
}

static knn_status second_half(const knn_dataset *data, const char *path, float answers[SAMPLES * CLASSES])
{
    knn_model *model = knn_load_model(path, .backend = "cuda", .seed = 1);
    if (model == NULL)
        return KNN_ERROR_DEVICE;
    knn_status status = train(model, data, 1, 2);
    if (status == KNN_OK)
        status = answer(model, answers);
    knn_model_free(model);
    return status;
}

static knn_status life(const char *path, float answers[SAMPLES * CLASSES])
{
    knn_dataset *data = knn_flow(.x = x, .y = y, .samples = SAMPLES, .height = SIDE, .width = SIDE, .channels = CHANNELS);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    knn_status status = first_half(data, path);
    if (status == KNN_OK)
        status = second_half(data, path, answers);
    knn_dataset_free(data);
    return status;
}

static void draw(void)
{
    for (int i = 0; i < SAMPLES * INPUT; i++)
        x[i] = (float)sin(0.37 * i + i % 5);
    for (int i = 0; i < SAMPLES; i++)
        y[i] = (float)(i % CLASSES);
}

static void check_outcome(long n, knn_status status, const float answers[SAMPLES * CLASSES], const float expected[SAMPLES * CLASSES])
{
    bool fine = status == KNN_OK;
    ck_assert_msg(fine || status == KNN_ERROR_DEVICE || status == KNN_ERROR_DEVICE_MEMORY, "call %ld failed: %s: %s", n, knn_status_name(status),
                  knn_last_error());
    ck_assert_msg(fine || knn_last_error()[0] != '\0', "call %ld failed without a text", n);
    for (int i = 0; fine && i < SAMPLES * CLASSES; i++)
        ck_assert_msg(fabsf(answers[i] - expected[i]) < 1e-5f, "call %ld failed: answer %d is %g, not %g", n, i, answers[i], expected[i]);
}

START_TEST(each_call_of_a_life_may_fail)
{
    char path[] = "/tmp/knn-life-XXXXXX";
    float expected[SAMPLES * CLASSES], answers[SAMPLES * CLASSES];
    int file = mkstemp(path), harmless = 0, lives = 0;
    ck_assert_int_ge(file, 0);
    close(file);
    draw();
    long before = emulator_calls();
    knn_status status = life(path, expected);
    ck_assert_msg(status == KNN_OK, "%s", knn_last_error());
    long calls = emulator_calls() - before;
    for (long n = 1 + calls % EVERY; n <= calls; n += EVERY, lives++) {
        emulator_fail_call(n);
        status = life(path, answers);
        emulator_fail_call(0);
        check_outcome(n, status, answers, expected);
        nothing_is_left();
        harmless += status == KNN_OK;
    }
    printf("%d of %d calls that failed had no consequence\n", harmless, lives);
    ck_assert_int_lt(harmless, lives / 4);
    status = life(path, answers);
    check_outcome(0, status, answers, expected);
    ck_assert_int_eq(status, KNN_OK);
    nothing_is_left();
    unlink(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_faults");
    TCase *faults = tcase_create("faults");
    tcase_set_timeout(faults, SECONDS);
    tcase_add_test(faults, each_call_of_a_life_may_fail);
    suite_add_tcase(s, faults);
    return s;
}

int main(void) { return check_run(suite()); }
