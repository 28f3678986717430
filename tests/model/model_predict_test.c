/* Predicting: batches, threads, the thread rule, memory. */
#include "core/memory.h"
#include "support/check_array.h"
#include "support/check_run.h"

#include <knn/knn.h>

#include <pthread.h>
#include <string.h>

enum { SAMPLES = 70, LENGTH = 12 * 12 * 2, OUTPUTS = 3 };

static float x[SAMPLES * LENGTH], y[SAMPLES * OUTPUTS];

static knn_model *small_net(int threads, const char *backend)
{
    knn_model *model = knn_sequential(.seed = 5, .threads = threads, .backend = backend);
    knn_add(model, knn_input(12, 12, 2));
    knn_add(model, knn_conv2d(8, 3, .activation = KNN_RELU));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(5, 3, .padding = KNN_SAME, .activation = KNN_TANH));
    knn_add(model, knn_average_pooling2d(2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(OUTPUTS, .activation = KNN_SOFTMAX));
    return model;
}

static void setup(void)
{
    unsigned state = 1;
    for (int i = 0; i < SAMPLES * LENGTH; i++) {
        state = state * 1664525U + 1013904223U;
        x[i] = (float)(state >> 8) / 16777216.0F;
    }
}

START_TEST(a_sample_predicts_the_same_alone_and_in_a_batch)
{
    float alone[OUTPUTS];
    knn_model *model = small_net(2, NULL);
    ck_assert_msg(knn_predict(model, x, SAMPLES, y, SAMPLES * OUTPUTS) == KNN_OK, "%s", knn_last_error());
    for (int i = 0; i < SAMPLES; i += 7) {
        ck_assert_int_eq(knn_predict(model, x + i * LENGTH, 1, alone, OUTPUTS), KNN_OK);
        check_floats(alone, y + i * OUTPUTS, OUTPUTS, 1e-6, 0);
    }
    knn_model_free(model);
}
END_TEST

START_TEST(the_number_of_threads_does_not_change_a_bit)
{
    static float one[SAMPLES * OUTPUTS];
    knn_model *model = small_net(1, NULL);
    knn_predict(model, x, SAMPLES, one, SAMPLES * OUTPUTS);
    knn_model_free(model);
    for (int threads = 2; threads <= 4; threads *= 2) {
        model = small_net(threads, NULL);
        ck_assert_int_eq(knn_predict(model, x, SAMPLES, y, SAMPLES * OUTPUTS), KNN_OK);
        ck_assert_mem_eq(one, y, sizeof one);
        knn_model_free(model);
    }
}
END_TEST

START_TEST(backends_agree)
{
    static float reference[SAMPLES * OUTPUTS];
    knn_model *model = small_net(2, "reference");
    knn_predict(model, x, SAMPLES, reference, SAMPLES * OUTPUTS);
    knn_model_free(model);
    model = small_net(2, "cpu");
    ck_assert_str_eq(knn_backend_name(model), "cpu");
    knn_predict(model, x, SAMPLES, y, SAMPLES * OUTPUTS);
    check_floats(y, reference, SAMPLES * OUTPUTS, 1e-5, 0);
    knn_model_free(model);
}
END_TEST

START_TEST(a_thousand_predictions_leave_memory_as_it_was)
{
    knn_model *model = small_net(2, NULL);
    knn_predict(model, x, SAMPLES, y, SAMPLES * OUTPUTS);
    knn_predict(model, x, 1, y, OUTPUTS);
    size_t before = knn__live_blocks();
    for (int i = 0; i < 1000; i++)
        knn_predict(model, x, (size_t)(i % 2 == 0 ? 1 : 3), y, SAMPLES * OUTPUTS);
    ck_assert_uint_eq(knn__live_blocks(), before);
    knn_model_free(model);
}
END_TEST

START_TEST(too_little_room_is_refused)
{
    knn_model *model = small_net(1, NULL);
    ck_assert_int_eq(knn_predict(model, x, 2, y, 2 * OUTPUTS - 1), KNN_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "y has 5 floats, 2 samples need 6"));
    ck_assert_int_eq(knn_predict(model, NULL, 1, y, OUTPUTS), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_predict(model, x, 0, y, 0), KNN_OK);
    knn_model_free(model);
}
END_TEST

static const knn_model *shared_model;
static float expected[SAMPLES * OUTPUTS];

static void *predict_often(void *wrong)
{
    float mine[SAMPLES * OUTPUTS];
    for (int i = 0; i < 30; i++)
        if (knn_predict(shared_model, x, SAMPLES, mine, SAMPLES * OUTPUTS) != KNN_OK || memcmp(mine, expected, sizeof mine) != 0)
            *(int *)wrong = 1;
    return NULL;
}

START_TEST(several_threads_predict_at_once)
{
    pthread_t threads[4];
    int wrong[4] = {0};
    knn_model *model = small_net(2, NULL);

    knn_predict(model, x, SAMPLES, expected, SAMPLES * OUTPUTS);
    shared_model = model;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, predict_often, &wrong[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(wrong[i], 0);
    }
    knn_model_free(model);
}
END_TEST

/* A callback runs in the middle of fit: another thread that uses the model then is refused, this one is not. */
static knn_status status_elsewhere, status_here;

static void *predict_once(void *unused)
{
    float mine[OUTPUTS];
    (void)unused;
    status_elsewhere = knn_predict(shared_model, x, 1, mine, OUTPUTS);
    return NULL;
}

static knn_status look_from_outside(const knn_event *event, void *user)
{
    pthread_t thread;
    float mine[OUTPUTS];

    (void)user;
    if (event->kind != KNN_BATCH_END)
        return KNN_OK;
    pthread_create(&thread, NULL, predict_once, NULL);
    pthread_join(thread, NULL);
    status_here = knn_predict(event->model, x, 1, mine, OUTPUTS);
    return KNN_OK;
}

START_TEST(a_model_in_training_is_refused_to_other_threads)
{
    static float labels[SAMPLES * OUTPUTS];
    for (int i = 0; i < SAMPLES; i++)
        labels[i * OUTPUTS + i % OUTPUTS] = 1;
    knn_model *model = small_net(2, NULL);
    knn_dataset *data = knn_flow(x, labels, SAMPLES, 12, 12, 2, .outputs = OUTPUTS);

    shared_model = model;
    ck_assert_int_eq(knn_compile(model, .loss = knn_categorical_crossentropy()), KNN_OK);
    ck_assert_msg(knn_fit(model, data, .callbacks = {knn_call(look_from_outside)}) == KNN_OK, "%s", knn_last_error());
    ck_assert_int_eq(status_elsewhere, KNN_ERROR_STATE);
    ck_assert_int_eq(status_here, KNN_OK);
    ck_assert_int_eq(knn_predict(model, x, 1, y, OUTPUTS), KNN_OK);
    knn_dataset_free(data);
    knn_model_free(model);
}
END_TEST

START_TEST(a_data_set_predicts_row_by_row)
{
    static float rows[SAMPLES * OUTPUTS];
    knn_model *model = small_net(2, NULL);
    knn_dataset *data = knn_flow(x, NULL, SAMPLES, 12, 12, 2);

    knn_predict(model, x, SAMPLES, y, SAMPLES * OUTPUTS);
    ck_assert_msg(knn_predict_dataset(model, data, rows, SAMPLES * OUTPUTS, .batch_size = 16) == KNN_OK, "%s", knn_last_error());
    check_floats(rows, y, SAMPLES * OUTPUTS, 1e-6, 0);
    double loss;
    knn_compile(model, .loss = knn_categorical_crossentropy());
    ck_assert_int_eq(knn_evaluate(model, data, &loss, 1), KNN_ERROR_DATA);      /* no labels */
    knn_dataset_free(data);
    knn_model_free(model);
}
END_TEST

START_TEST(memory_is_told_before_it_is_taken)
{
    size_t small, large, training;
    knn_model *model = small_net(1, NULL);
    ck_assert_int_eq(knn_memory(model, 1, false, &small), KNN_OK);
    ck_assert_int_eq(knn_memory(model, 64, false, &large), KNN_OK);
    ck_assert_int_eq(knn_memory(model, 64, true, &training), KNN_OK);
    ck_assert(small > 0 && small < large && large < training);
    ck_assert_int_eq(knn_memory(model, 0, true, &training), KNN_ERROR_ARGUMENT);
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/predict");
    TCase *tests = tcase_create("predict");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_sample_predicts_the_same_alone_and_in_a_batch);
    tcase_add_test(tests, the_number_of_threads_does_not_change_a_bit);
    tcase_add_test(tests, backends_agree);
    tcase_add_test(tests, a_thousand_predictions_leave_memory_as_it_was);
    tcase_add_test(tests, too_little_room_is_refused);
    tcase_add_test(tests, several_threads_predict_at_once);
    tcase_add_test(tests, a_model_in_training_is_refused_to_other_threads);
    tcase_add_test(tests, a_data_set_predicts_row_by_row);
    tcase_add_test(tests, memory_is_told_before_it_is_taken);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
