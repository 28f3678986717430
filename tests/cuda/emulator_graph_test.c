/* Training steps that are recorded and queued as a whole: the numbers are those of steps whose launches are queued one by one, bit for bit,
 * whatever changes from step to step. And fit is ahead of the device: it loads and queues a batch before it has seen the one before. */
#include "emulator.h"
#include "support/check_run.h"

#include <knn/extend.h>
#include <knn/knn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SAMPLES = 23, SIDE = 6, INPUT = SIDE * SIDE * 2, CLASSES = 3, BATCH = 8, FULL = 2, EPOCHS = 3, SECONDS = 60 };

static float x[SAMPLES * INPUT], y[SAMPLES];

static void ok(knn_status status) { ck_assert_msg(status == KNN_OK, "%s: %s", knn_status_name(status), knn_last_error()); }

static void setup(void)
{
    for (int i = 0; i < SAMPLES; i++) {
        y[i] = (float)(i % CLASSES);
        for (int k = 0; k < INPUT; k++)
            x[i * INPUT + k] = (float)(0.5 + 0.5 * sin(0.7 * i + k * (0.3 + i % CLASSES)));
    }
    emulator_set_order(7);
}

static void nothing_is_left(void)
{
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 0);
}

static knn_dataset *pictures(void)
{
    knn_dataset *data = knn_flow(.x = x, .y = y, .samples = SAMPLES, .height = SIDE, .width = SIDE, .channels = 2);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    return data;
}

/* Dropout, noise, colours: all that is drawn anew in each step; and the moving means of batch normalization. */
static knn_model *net(const knn_layer *first)
{
    knn_model *model = knn_sequential(.backend = "cuda", .seed = 4, .threads = 1);
    knn_add(model, knn_input(SIDE, SIDE, 2));
    knn_add(model, first);
    knn_add(model, knn_random_brightness(.factor = 0.3, .value_low = 0, .value_high = 1));
    knn_add(model, knn_gaussian_noise(.stddev = 0.1));
    knn_add(model, knn_conv2d(4, 3, .activation = KNN_RELU, .name = "conv"));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.3));
    ok(knn_add(model, knn_dense(CLASSES, .activation = KNN_SOFTMAX, .kernel_regularizer = knn_l2(0.01), .name = "dense")));
    return model;
}

static void compile(knn_model *model, const knn_optimizer *optimizer)
{
    ok(knn_compile(model, .optimizer = optimizer, .loss = knn_sparse_categorical_crossentropy(), .metrics = {knn_accuracy()}));
}

/* What a training has made: the losses and accuracies, and the weights. */
typedef struct outcome { double numbers[256]; size_t count; } outcome;

static void note(outcome *o, double number)
{
    ck_assert_uint_lt(o->count, sizeof o->numbers / sizeof *o->numbers);
    o->numbers[o->count++] = number;
}

static void note_weights(outcome *o, const knn_model *model)
{
    float values[256];
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        int rank, shape[4];
        size_t length = 1;
        double sum = 0;
        ok(knn_weight_info(model, i, NULL, &rank, shape, NULL));
        for (int d = 0; d < rank; d++)
            length *= (size_t)shape[d];
        ck_assert_uint_le(length, sizeof values / sizeof *values);
        ok(knn_get_weight(model, i, values, length));
        for (size_t k = 0; k < length; k++)
            sum += (double)(k + 1) * (double)values[k];
        note(o, sum);
    }
}

static void fit(outcome *o, knn_model *model, const knn_dataset *data, int epochs)
{
    const double class_weight[CLASSES] = {1, 2, 0.5};
    ok(knn_fit(model, .data = data, .validation_data = data, .epochs = epochs, .batch_size = BATCH, .class_weight = class_weight,
               .class_weight_count = CLASSES));
    for (int i = 0; i < epochs; i++) {
        note(o, knn_history_values(knn_model_history(model), "loss")[i]);
        note(o, knn_history_values(knn_model_history(model), "accuracy")[i]);
        note(o, knn_history_values(knn_model_history(model), "val_loss")[i]);
    }
    note_weights(o, model);
}

typedef void training(outcome *o, const void *given);

/* As it is, and where nothing can be recorded. How many steps were replayed. */
static long compare(training *train, const void *given)
{
    outcome replayed = {.count = 0}, plain = {.count = 0};
    long before = emulator_replays();
    train(&replayed, given);
    long replays = emulator_replays() - before;
    nothing_is_left();
    emulator_refuse_capture(1);
    train(&plain, given);
    emulator_refuse_capture(0);
    nothing_is_left();
    ck_assert_int_eq(emulator_replays() - before, replays);
    ck_assert_uint_eq(replayed.count, plain.count);
    for (size_t i = 0; i < plain.count; i++)
        ck_assert_msg(replayed.numbers[i] == plain.numbers[i], "number %zu: %.17g, without recording %.17g", i, replayed.numbers[i],
                      plain.numbers[i]);
    return replays;
}

/* ---- What changes from step to step ---- */

static void train_with(outcome *o, const void *given)
{
    knn_dataset *data = pictures();
    knn_model *model = net(knn_random_contrast(.factor = 0.4, .value_low = 0, .value_high = 1));
    compile(model, given);
    fit(o, model, data, EPOCHS);
    knn_model_free(model);
    knn_dataset_free(data);
}

/* The first full batch of a training is queued as it is, the short ones, too. */
START_TEST(replayed_steps_are_those_of_single_launches)
{
    const knn_optimizer *const optimizers[] = {
        knn_adam(.schedule = knn_exponential_decay(.initial_learning_rate = 0.05, .decay_steps = 2, .decay_rate = 0.7)),
        knn_nadam(.learning_rate = 0.02, .global_clipnorm = 0.5), knn_adamax(.learning_rate = 0.02, .use_ema = true),
        knn_sgd(.learning_rate = 0.1, .momentum = 0.9, .use_ema = true, .ema_overwrite_frequency = 2), knn_lamb(.learning_rate = 0.02),
        knn_adafactor(.learning_rate = 0.05), knn_adamw(.learning_rate = 0.02, .use_ema = true, .clipnorm = 0.2)};
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        ck_assert_int_eq(compare(train_with, optimizers[i]), EPOCHS * FULL - 1);
}
END_TEST

/* Steps that only add up gradients are another piece of work than those that change the weights. */
START_TEST(accumulated_gradients_are_replayed_too)
{
    ck_assert_int_eq(compare(train_with, knn_adam(.learning_rate = 0.02, .gradient_accumulation_steps = 2)), EPOCHS * FULL - 2);
}
END_TEST

/* ---- What changes between two trainings ---- */

static void train_in_pieces(outcome *o, const void *given)
{
    float bias[CLASSES] = {0.5f, -0.5f, 0};
    double loss;
    knn_dataset *data = pictures();
    knn_model *model = net(knn_random_contrast(.factor = 0.4, .value_low = 0, .value_high = 1));
    (void)given;
    compile(model, knn_adam(.learning_rate = 0.02));
    fit(o, model, data, 2);
    ok(knn_set_learning_rate(model, 0.1));
    for (int i = 0; i < 3; i++) {                           /* without weights of samples */
        ok(knn_train_on_batch(model, x, y, BATCH, &loss, 1));
        note(o, loss);
    }
    ok(knn_set_weight(model, knn_weight_count(model) - 1, bias, CLASSES));
    fit(o, model, data, 1);
    ok(knn_set_trainable(model, "conv", false));
    compile(model, knn_rmsprop(.learning_rate = 0.02));
    fit(o, model, data, 2);
    compile(model, knn_sgd(.learning_rate = 0.1));
    ok(knn_train_on_batch(model, x, y, SAMPLES, &loss, 1)); /* a larger plan */
    fit(o, model, data, 2);
    knn_model_free(model);
    knn_dataset_free(data);
}

START_TEST(what_is_changed_between_two_trainings_is_not_recorded)
{
    ck_assert_int_gt(compare(train_in_pieces, NULL), 8);
}
END_TEST

static void train_saved(outcome *o, const void *given)
{
    char path[] = "/tmp/knn-emulator-XXXXXX";
    knn_dataset *data = pictures();
    knn_model *model = net(knn_random_contrast(.factor = 0.4, .value_low = 0, .value_high = 1));
    int file = mkstemp(path);
    (void)given;
    ck_assert_int_ge(file, 0);
    close(file);
    compile(model, knn_adam(.learning_rate = 0.02));
    fit(o, model, data, 2);
    ok(knn_save_model(model, path));
    ok(knn_load_weights(model, path));
    fit(o, model, data, 1);
    knn_model_free(model);
    model = knn_load_model(path, .backend = "cuda", .seed = 4);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    fit(o, model, data, 2);
    knn_model_free(model);
    knn_dataset_free(data);
    unlink(path);
}

START_TEST(saved_and_loaded_weights_are_trained_on) { ck_assert_int_eq(compare(train_saved, NULL), 8); }
END_TEST

/* ---- What cannot be recorded ---- */

static void train_flipped(outcome *o, const void *given)
{
    knn_dataset *data = pictures();
    knn_model *model = net(knn_random_flip());
    compile(model, given);
    fit(o, model, data, EPOCHS);
    knn_model_free(model);
    knn_dataset_free(data);
}

START_TEST(layers_that_draw_their_launches_are_not_recorded) { ck_assert_int_eq(compare(train_flipped, knn_adam()), 0); }
END_TEST

/* ---- fit is ahead ---- */

/* A data set that notes, at the first sample of each batch, how much work the device has done. */
typedef struct loads { long launches[16]; size_t batches; } loads;

static size_t count_samples(void *user)
{
    (void)user;
    return SAMPLES;
}

static knn_status load_sample(void *user, uint64_t seed, int epoch, size_t index, bool augment, float *to, float *label, float *weight)
{
    loads *l = user;
    (void)seed, (void)epoch, (void)augment, (void)weight;
    if (index % BATCH == 0)
        l->launches[l->batches++] = emulator_launches();
    memcpy(to, x + index * INPUT, INPUT * sizeof *to);
    if (label != NULL)
        *label = y[index];
    return KNN_OK;
}

static const knn_dataset_class watched = {.size = sizeof watched, .input = {3, {SIDE, SIDE, 2}}, .outputs = 1, .samples = count_samples,
    .load = load_sample};

static knn_status do_nothing(const knn_event *event, void *user)
{
    (void)event, (void)user;
    return KNN_OK;
}

/* An epoch without shuffling; with a user's callback, which might change something, or only with one that looks. */
static void watch(bool with_callback, FILE *stream, loads *l, outcome *o)
{
    knn_dataset *data = knn_custom_dataset(&watched, l);
    knn_model *model = net(knn_random_contrast(.factor = 0.4, .value_low = 0, .value_high = 1));
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    compile(model, knn_adam(.learning_rate = 0.02));
    ok(knn_fit(model, .data = data, .batch_size = BATCH, .no_shuffle = true,
               .callbacks = {knn_progress_bar(.stream = stream), with_callback ? knn_call(do_nothing) : NULL}));
    note(o, knn_history_values(knn_model_history(model), "loss")[0]);
    note(o, knn_history_values(knn_model_history(model), "accuracy")[0]);
    note_weights(o, model);
    knn_model_free(model);
    knn_dataset_free(data);
}

/* When a batch is loaded the device has not done the one before, nor, where nobody interferes, waits for the host with the one after. */
START_TEST(a_batch_is_loaded_while_the_device_has_another)
{
    FILE *stream = fopen("/dev/null", "w");
    for (int with_callback = 0; with_callback < 2; with_callback++) {
        loads l = {.batches = 0};
        outcome o = {.count = 0};
        long before = emulator_launches();
        watch(with_callback == 1, stream, &l, &o);
        ck_assert_uint_eq(l.batches, 3);
        ck_assert_int_eq(l.launches[0], before);
        ck_assert_int_eq(l.launches[1], before);
        ck_assert_int_gt(l.launches[2], before);            /* of batch 0, and none of batch 1 */
        ck_assert_int_lt(l.launches[2] - before, emulator_launches() - l.launches[2]);
        nothing_is_left();
    }
    fclose(stream);
}
END_TEST

START_TEST(being_ahead_changes_no_number)
{
    FILE *stream = fopen("/dev/null", "w");
    outcome ahead = {.count = 0}, with_callback = {.count = 0};
    loads l = {.batches = 0};
    watch(false, stream, &l, &ahead);
    l.batches = 0;
    watch(true, stream, &l, &with_callback);
    ck_assert_uint_eq(ahead.count, with_callback.count);
    ck_assert_mem_eq(ahead.numbers, with_callback.numbers, ahead.count * sizeof *ahead.numbers);
    nothing_is_left();
    fclose(stream);
}
END_TEST

/* An epoch of three batches whose n-th call fails, after a first step; the number of the batch that the error names, 0: none. */
static int failing_batch(long n, long *calls)
{
    int batch = 0;
    knn_dataset *data = pictures();
    knn_model *model = net(knn_random_contrast(.factor = 0.4, .value_low = 0, .value_high = 1));
    compile(model, knn_adam(.learning_rate = 0.02));
    ok(knn_train_on_batch(model, x, y, BATCH, NULL, 0));
    *calls = emulator_calls();
    emulator_fail_call(n);
    knn_status status = knn_fit(model, .data = data, .batch_size = BATCH);
    emulator_fail_call(0);
    *calls = emulator_calls() - *calls;
    if (status != KNN_OK && sscanf(knn_last_error(), "knn_fit: epoch 1, batch %d: GPU 0: ", &batch) == 1)
        ck_assert_uint_eq(knn_iterations(model), (uint64_t)batch);
    ok(knn_train_on_batch(model, x, y, BATCH, NULL, 0));
    knn_model_free(model);
    knn_dataset_free(data);
    nothing_is_left();
    return batch;
}

/* A batch is waited for when the next one has been queued: each error names the batch that it is about, and not the one that is waited for. */
START_TEST(a_failure_is_that_of_its_batch)
{
    long calls, ignored, first[4] = {0}, last[4] = {0};
    ck_assert_int_eq(failing_batch(0, &calls), 0);
    for (long n = 1; n <= calls; n++) {
        int batch = failing_batch(n, &ignored);
        ck_assert_int_le(batch, 3);
        first[batch] = first[batch] == 0 ? n : first[batch];
        last[batch] = n;
    }
    ck_assert(0 < first[1] && first[1] < first[2] && first[2] < last[1]);
    ck_assert(last[1] < first[3] && first[3] < last[2] && last[2] < last[3]);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_graph");
    TCase *graphs = tcase_create("graphs");
    tcase_set_timeout(graphs, SECONDS);
    tcase_add_checked_fixture(graphs, setup, NULL);
    tcase_add_test(graphs, replayed_steps_are_those_of_single_launches);
    tcase_add_test(graphs, accumulated_gradients_are_replayed_too);
    tcase_add_test(graphs, what_is_changed_between_two_trainings_is_not_recorded);
    tcase_add_test(graphs, saved_and_loaded_weights_are_trained_on);
    tcase_add_test(graphs, layers_that_draw_their_launches_are_not_recorded);
    tcase_add_test(graphs, a_batch_is_loaded_while_the_device_has_another);
    tcase_add_test(graphs, being_ahead_changes_no_number);
    tcase_add_test(graphs, a_failure_is_that_of_its_batch);
    suite_add_tcase(s, graphs);
    return s;
}

int main(void) { return check_run(suite()); }
