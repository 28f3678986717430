/* Whole models on an emulated GPU: what they predict and learn is what the backend "cpu" does; and they move between both. Also built for a GPU of
 * NVIDIA's (KNN_ON_A_GPU, gpu/no_emulator.c). */
#include "emulator.h"
#include "support/check_run.h"
#include "support/without_gpu.h"

#include <knn/knn.h>

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECONDS = 200 };

static void ok(knn_status status) { ck_assert_msg(status == KNN_OK, "%s: %s", knn_status_name(status), knn_last_error()); }

static void nothing_is_left(void)
{
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 0);
}

/* ---- The tutorial's net, on smaller pictures ---- */

enum { SIDE = 94, PICTURES = 3, INPUT = SIDE * SIDE * 3 };

static knn_model *catdog(const char *backend, knn_float32 float32, const knn_optimizer *optimizer)
{
    static const int filters[] = {32, 64, 128, 128, 256};
    knn_model *model = knn_sequential(.backend = backend, .seed = 5, .threads = 1, .float32 = float32);
    knn_add(model, knn_input(SIDE, SIDE, 3));
    for (int i = 0; i < 5; i++) {
        knn_add(model, knn_conv2d(filters[i], 3, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(64, .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    ok(knn_compile(model, .optimizer = optimizer, .loss = knn_binary_crossentropy(), .metrics = {knn_accuracy()}));
    return model;
}

/* Pictures with some structure: a wave a channel, another one for each. */
static void draw_pictures(float *x, float *y)
{
    for (int picture = 0; picture < PICTURES; picture++) {
        for (int i = 0; i < INPUT; i++)
            x[picture * INPUT + i] = (float)(0.5 + 0.5 * sin(i * (0.013 + 0.007 * picture) + i % 3));
        y[picture] = (float)(picture % 2);
    }
}

static float *weights_of(const knn_model *model, size_t *length)
{
    size_t count = knn_weight_count(model), all = 0;
    float *values = NULL;
    for (size_t i = 0; i < count; i++) {
        int rank, shape[4];
        size_t n = 1;
        ok(knn_weight_info(model, i, NULL, &rank, shape, NULL));
        for (int d = 0; d < rank; d++)
            n *= (size_t)shape[d];
        values = realloc(values, (all + n) * sizeof *values);
        ck_assert_ptr_nonnull(values);
        ok(knn_get_weight(model, i, values + all, n));
        all += n;
    }
    *length = all;
    return values;
}

/* |a - b| / |b - from|: how far off a change is. */
static double off(const float *a, const float *b, const float *from, size_t n)
{
    double difference = 0, change = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        change += ((double)b[i] - from[i]) * ((double)b[i] - from[i]);
    }
    return sqrt(difference / change);
}

typedef struct outcome { float *start, *end; size_t length; double loss, accuracy; float predicted[PICTURES]; } outcome;

static outcome train(const char *backend, knn_float32 float32, const knn_optimizer *optimizer, int steps)
{
    static float x[PICTURES * INPUT], y[PICTURES];
    outcome made;
    double values[2];
    knn_model *model = catdog(backend, float32, optimizer);
    ck_assert_str_eq(knn_backend_name(model), backend);
    draw_pictures(x, y);
    made.start = weights_of(model, &made.length);
    for (int i = 0; i < steps; i++)
        ok(knn_train_on_batch(model, x, y, PICTURES, values, 2));
    made.loss = values[0];
    made.accuracy = values[1];
    ok(knn_predict(model, x, PICTURES, made.predicted, PICTURES));
    made.end = weights_of(model, &made.length);
    knn_model_free(model);
    return made;
}

static void forget(outcome *o)
{
    free(o->start);
    free(o->end);
}

static void compare(knn_float32 float32, const knn_optimizer *optimizer, int steps, double tolerance)
{
    outcome cpu = train("cpu", float32, optimizer, steps), cuda = train("cuda", float32, optimizer, steps);
    ck_assert_uint_eq(cpu.length, cuda.length);
    ck_assert_mem_eq(cpu.start, cuda.start, cpu.length * sizeof *cpu.start);
    ck_assert_double_eq_tol(cuda.loss, cpu.loss, (float32 == KNN_FLOAT32_STRICT ? 1e-5 : 1e-3) * fabs(cpu.loss));
    ck_assert_double_eq(cuda.accuracy, cpu.accuracy);
    for (int i = 0; i < PICTURES; i++)
        ck_assert_float_eq_tol(cuda.predicted[i], cpu.predicted[i], (float)tolerance);
    double error = off(cuda.end, cpu.end, cpu.start, cpu.length);
    if (float32 == KNN_FLOAT32_TENSOR)
        printf("steps in TF32: %d; the weights' change is off by %.2g of itself\n", steps, error);
    ck_assert_msg(error < tolerance, "the weights' change is off by %g of itself", error);
    forget(&cpu);
    forget(&cuda);
    nothing_is_left();
}

/* With a rate of 1 the change of the weights is the gradient. */
START_TEST(gradients_are_those_of_the_cpu) { compare(KNN_FLOAT32_STRICT, knn_sgd(.learning_rate = 1), 1, 1e-4); }
END_TEST

/* RMSprop's first steps are large: at usual rates what lies near a kink takes the other side soon, on one of the backends. */
START_TEST(three_steps_of_each_optimizer_are_those_of_the_cpu)
{
    const knn_optimizer *const optimizers[] = {knn_sgd(.learning_rate = 0.01, .momentum = 0.9, .nesterov = true),
        knn_rmsprop(.learning_rate = 1e-4, .epsilon = 1e-5), knn_adam(.learning_rate = 1e-3, .epsilon = 1e-5)};
    compare(KNN_FLOAT32_STRICT, optimizers[_i], 3, 1e-3);
}
END_TEST

/* ---- The same in TF32. Each layer is off by a thousandth; but of two numbers of a pooling window that are so close the other one is the
 * larger now, or a ReLU opens, and the gradient takes another way ---- */

START_TEST(gradients_in_tf32_are_near_those_of_the_cpu)
{
    emulator_set_capability(80);
    compare(KNN_FLOAT32_TENSOR, knn_sgd(.learning_rate = 1), 1, 0.03);
}
END_TEST

START_TEST(three_steps_in_tf32_are_near_those_of_the_cpu)
{
    emulator_set_capability(90);
    compare(KNN_FLOAT32_TENSOR, knn_sgd(.learning_rate = 0.01, .momentum = 0.9), 3, 0.1);
}
END_TEST

#ifndef KNN_ON_A_GPU                        /* only the emulator counts, and is of any capability */
enum { TINY = 10, TINY_WEIGHTS = 3 * 3 * 3 * 8 + 8 + 3 * 3 * 8 * 5 + 5 + 5 + 1 };

/* The weights of a net with convolutions of both kinds and a Dense layer after a step with a rate of 1. */
static void weights_after_a_step(int capability, knn_float32 float32, float weights[TINY_WEIGHTS])
{
    float x[2 * TINY * TINY * 3], y[] = {0, 1};
    size_t length;
    emulator_set_capability(capability);
    knn_model *model = knn_sequential(.backend = "cuda", .seed = 4, .float32 = float32);
    knn_add(model, knn_input(TINY, TINY, 3));
    knn_add(model, knn_conv2d(8, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(5, 3, .stride_height = 2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    ok(knn_compile(model, .optimizer = knn_sgd(.learning_rate = 1), .loss = knn_binary_crossentropy()));
    for (int i = 0; i < 2 * TINY * TINY * 3; i++)
        x[i] = (float)sin(0.7 * i);
    ok(knn_train_on_batch(model, x, y, 2, NULL, 0));
    float *values = weights_of(model, &length);
    ck_assert_uint_eq(length, TINY_WEIGHTS);
    memcpy(weights, values, TINY_WEIGHTS * sizeof *weights);
    free(values);
    knn_model_free(model);
}

/* By default, and where there are no tensor cores for it. */
START_TEST(products_are_in_fp32)
{
    float older[TINY_WEIGHTS], newer[TINY_WEIGHTS], older_asked[TINY_WEIGHTS], newer_asked[TINY_WEIGHTS];
    weights_after_a_step(75, KNN_FLOAT32_STRICT, older);
    weights_after_a_step(75, KNN_FLOAT32_TENSOR, older_asked);
    weights_after_a_step(80, KNN_FLOAT32_STRICT, newer);
    weights_after_a_step(80, KNN_FLOAT32_TENSOR, newer_asked);
    ck_assert_mem_eq(older, older_asked, sizeof older);
    ck_assert_mem_eq(older, newer, sizeof older);
    for (int i = 0; i < TINY_WEIGHTS; i++)
        ck_assert_float_eq_tol(newer_asked[i], newer[i], 1e-2f);
    ck_assert_mem_ne(older, newer_asked, sizeof older);
    nothing_is_left();
}
END_TEST

/* How many lines of knn_explain say that a layer multiplies in TF32; frees the model. */
static int explained_in_tf32(knn_model *model)
{
    char *text = NULL;
    size_t size;
    int count = 0;
    FILE *stream = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(stream);
    ok(knn_explain(model, stream));
    knn_model_free(model);
    fclose(stream);
    for (const char *found = text; (found = strstr(found, ", in TF32)")) != NULL; found++)
        count++;
    free(text);
    return count;
}

START_TEST(knn_explain_tells_of_tf32)
{
    emulator_set_capability(80);
    int layers = explained_in_tf32(catdog("cuda", KNN_FLOAT32_TENSOR, knn_rmsprop()));
    ck_assert_int_ge(layers, 2 * (5 + 2));                  /* convolutions and Dense, in training and outside */
    ck_assert_int_eq(explained_in_tf32(catdog("cuda", KNN_FLOAT32_STRICT, knn_rmsprop())), 0);
    emulator_set_capability(75);
    ck_assert_int_eq(explained_in_tf32(catdog("cuda", KNN_FLOAT32_TENSOR, knn_rmsprop())), 0);
}
END_TEST

START_TEST(a_file_does_not_say_how_products_are_made)
{
    char path[] = "/tmp/knn-emulator-XXXXXX", *json;
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    emulator_set_capability(80);
    knn_model *model = catdog("cuda", KNN_FLOAT32_TENSOR, knn_rmsprop());
    ok(knn_save_model(model, path));
    ok(knn_model_to_json(model, &json));
    knn_model_free(model);
    ck_assert_int_eq(explained_in_tf32(knn_load_model(path, .backend = "cuda")), 0);
    ck_assert_int_gt(explained_in_tf32(knn_load_model(path, .backend = "cuda", .float32 = KNN_FLOAT32_TENSOR)), 0);
    ck_assert_int_gt(explained_in_tf32(knn_model_from_json(json, .backend = "cuda", .float32 = KNN_FLOAT32_TENSOR)), 0);
    knn_json_free(json);
    unlink(path);
}
END_TEST

START_TEST(a_training_step_has_few_launches)
{
    static float x[PICTURES * INPUT], y[PICTURES];
    enum { MOST = 29 };
    knn_model *model = catdog("cuda", KNN_FLOAT32_STRICT, knn_rmsprop());
    draw_pictures(x, y);
    ok(knn_train_on_batch(model, x, y, PICTURES, NULL, 0));
    long before = emulator_launches();
    ok(knn_train_on_batch(model, x, y, PICTURES, NULL, 0));
    long launches = emulator_launches() - before;
    printf("%ld launches a training step of the tutorial's net\n", launches);
    ck_assert_int_le(launches, MOST);
    knn_model_free(model);
    nothing_is_left();
}
END_TEST

/* Each product is described, and its algorithm searched, once: here those of two layers forward, backward, and in a prediction. */
static long searches_of_a_training(unsigned refused, int late)
{
    static float x[PICTURES * INPUT], y[PICTURES], predicted[PICTURES];
    long before = emulator_searches();
    knn_model *model = catdog("cuda", KNN_FLOAT32_STRICT, knn_sgd());
    draw_pictures(x, y);
    emulator_refuse_epilogues(refused, late);
    ok(knn_train_on_batch(model, x, y, PICTURES, NULL, 0));
    ok(knn_predict(model, x, PICTURES, predicted, PICTURES));
    long searches = emulator_searches() - before;
    for (int i = 0; i < 2; i++) {
        ok(knn_train_on_batch(model, x, y, PICTURES, NULL, 0));
        ok(knn_predict(model, x, PICTURES, predicted, PICTURES));
    }
    ck_assert_int_eq(emulator_searches() - before, searches);
    knn_model_free(model);
    nothing_is_left();
    return searches;
}

START_TEST(products_are_planned_once)
{
    ck_assert_int_eq(searches_of_a_training(0, false), 6);
    ck_assert_int_eq(searches_of_a_training(~0u, false), 6);
    ck_assert_int_eq(searches_of_a_training(~0u, true), 6);
}
END_TEST

#endif

/* More kinds of products than are kept: a batch of another size has others. */
static float *trained_with_many_sizes(const char *backend, size_t *length)
{
    enum { MOST = 100, FEW = 3 };
    float x[MOST * FEW], y[MOST];
    knn_model *model = knn_sequential(.backend = backend, .seed = 1, .threads = 1);
    knn_add(model, knn_input(FEW));
    knn_add(model, knn_dense(1));
    ok(knn_compile(model, .optimizer = knn_sgd(), .loss = knn_mean_squared_error()));
    for (int i = 0; i < MOST; i++) {
        y[i] = (float)(i % 5);
        for (int k = 0; k < FEW; k++)
            x[i * FEW + k] = (float)sin(i + 2 * k);
    }
    for (int turn = 0; turn < 2; turn++)
        for (size_t size = MOST; size > 0; size--)
            ok(knn_train_on_batch(model, x, y, size, NULL, 0));
    float *weights = weights_of(model, length);
    knn_model_free(model);
    return weights;
}

START_TEST(old_plans_of_products_make_room)
{
    size_t length;
    float *cpu = trained_with_many_sizes("cpu", &length), *cuda = trained_with_many_sizes("cuda", &length);
    for (size_t i = 0; i < length; i++)
        ck_assert_float_eq_tol(cuda[i], cpu[i], 1e-5f);
    free(cpu);
    free(cuda);
    nothing_is_left();
}
END_TEST

/* ---- A small net, trained ---- */

enum { SAMPLES = 24, FEATURES = 5, CLASSES = 3 };

static float samples[SAMPLES * FEATURES], labels[SAMPLES];

static knn_dataset *small_data(void)
{
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = (float)(i % CLASSES);
        for (int k = 0; k < FEATURES; k++)
            samples[i * FEATURES + k] = (float)sin(3.1 * i + 1.7 * k) + (k == i % CLASSES ? 2.0f : 0.0f);
    }
    knn_dataset *data = knn_flow(.x = samples, .y = labels, .samples = SAMPLES, .height = FEATURES);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    return data;
}

static knn_model *small_net(const char *backend)
{
    knn_model *model = knn_sequential(.backend = backend, .seed = 2);
    knn_add(model, knn_input(FEATURES));
    knn_add(model, knn_dense(8, .activation = KNN_TANH));
    knn_add(model, knn_dropout(0.2));
    knn_add(model, knn_dense(CLASSES, .activation = KNN_SOFTMAX));
    ok(knn_compile(model, .optimizer = knn_adam(.learning_rate = 0.03), .loss = knn_sparse_categorical_crossentropy(),
                   .metrics = {knn_accuracy()}));
    return model;
}

enum { EPOCHS = 6 };

static void loss_curve(const char *backend, double curve[2 * EPOCHS])
{
    knn_dataset *data = small_data();
    knn_model *model = small_net(backend);
    ok(knn_fit(model, .data = data, .validation_data = data, .epochs = EPOCHS, .batch_size = 10));
    for (int i = 0; i < EPOCHS; i++) {
        curve[2 * i] = knn_history_values(knn_model_history(model), "loss")[i];
        curve[2 * i + 1] = knn_history_values(knn_model_history(model), "val_loss")[i];
    }
    knn_model_free(model);
    knn_dataset_free(data);
}

START_TEST(a_training_has_the_loss_curve_of_the_cpu)
{
    double cpu[2 * EPOCHS], cuda[2 * EPOCHS];
    emulator_set_order(11);
    loss_curve("cpu", cpu);
    loss_curve("cuda", cuda);
    for (int i = 0; i < 2 * EPOCHS; i++)
        ck_assert_double_eq_tol(cuda[i], cpu[i], 1e-4 * cpu[i]);
    ck_assert_double_lt(cuda[2 * EPOCHS - 2], cuda[0]);
    nothing_is_left();
}
END_TEST

/* ---- Every optimizer and what goes around it ---- */

typedef void net(knn_model *model);

static void regularized(knn_model *model)
{
    knn_add(model, knn_conv2d(6, 3, 2, .kernel_regularizer = knn_l1l2(0.01, 0.02), .activation = KNN_TANH));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(CLASSES, .kernel_regularizer = knn_l2(0.1), .bias_regularizer = knn_l1(0.3), .activation = KNN_SOFTMAX));
}

static void constrained(knn_model *model)
{
    knn_add(model, knn_conv2d(6, 3, 2, .kernel_constraint = knn_max_norm(0.8, KNN_AXIS(0) | KNN_AXIS(1) | KNN_AXIS(2)), .activation = KNN_TANH));
    knn_add(model, knn_batch_normalization(.gamma_constraint = knn_unit_norm(), .beta_constraint = knn_non_neg()));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(5, .kernel_regularizer = knn_orthogonal_regularizer(0.2, KNN_COLUMNS), .kernel_constraint = knn_unit_norm(),
                             .bias_constraint = knn_non_neg(), .activation = KNN_TANH));
    knn_add(model, knn_dense(CLASSES, .kernel_regularizer = knn_orthogonal_regularizer(0.2), .bias_regularizer = knn_l1(0.1),
                             .kernel_constraint = knn_min_max_norm(0.4, 0.8, 0.5, KNN_AXIS(1)), .activation = KNN_SOFTMAX));
}

enum { STEPS = 7 };

/* The losses of some steps, which have the penalties in them, and then the weights. */
static float *steps_of(const char *backend, net *layers, const knn_optimizer *optimizer, double losses[STEPS], size_t *length)
{
    float x[SAMPLES * 12 * FEATURES], y[SAMPLES * CLASSES] = {0};
    knn_model *model = knn_sequential(.backend = backend, .seed = 3);
    knn_add(model, knn_input(4, 3, FEATURES));
    layers(model);
    ok(knn_compile(model, .optimizer = optimizer, .loss = knn_categorical_crossentropy()));
    for (int i = 0; i < SAMPLES; i++)
        y[i * CLASSES + i % CLASSES] = 1;
    for (int i = 0; i < SAMPLES * 12 * FEATURES; i++)
        x[i] = (float)sin(0.3 * i + i / 60 % 3);
    knn_dataset *data = knn_flow(.x = x, .y = y, .samples = SAMPLES, .height = 4, .width = 3, .channels = FEATURES, .outputs = CLASSES);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    for (int i = 0; i < STEPS; i++)
        ok(knn_train_on_batch(model, x, y, SAMPLES, &losses[i], 1));
    ok(knn_fit(model, .data = data, .validation_data = data, .epochs = 2, .batch_size = 10));
    losses[0] += knn_history_values(knn_model_history(model), "val_loss")[1];
    float *weights = weights_of(model, length);
    knn_model_free(model);
    knn_dataset_free(data);
    return weights;
}

static void expect_the_same(net *layers, const knn_optimizer *optimizer, size_t number)
{
    double cpu_losses[STEPS], losses[STEPS];
    size_t length;
    float *cpu = steps_of("cpu", layers, optimizer, cpu_losses, &length), *cuda = steps_of("cuda", layers, optimizer, losses, &length);
    for (int s = 0; s < STEPS; s++)
        ck_assert_msg(fabs(losses[s] - cpu_losses[s]) < 1e-4 * cpu_losses[s], "optimizer %zu, step %d: %g, not %g", number, s, losses[s],
                      cpu_losses[s]);
    for (size_t k = 0; k < length; k++)
        ck_assert_msg(fabsf(cuda[k] - cpu[k]) < 1e-3f, "optimizer %zu, weight %zu: %g, not %g", number, k, cuda[k], cpu[k]);
    free(cpu);
    free(cuda);
}

START_TEST(every_optimizer_does_what_it_does_on_the_cpu)
{
    const knn_optimizer *const optimizers[] = {
        knn_sgd(.learning_rate = 0.02, .momentum = 0.9, .clipvalue = 0.05), knn_sgd(.learning_rate = 0.05, .clipnorm = 0.2),
        knn_adam(.epsilon = 1e-4, .global_clipnorm = 0.3), knn_rmsprop(.epsilon = 1e-4, .momentum = 0.5, .centered = true),
        knn_adam(.epsilon = 1e-4, .amsgrad = true, .gradient_accumulation_steps = 3), knn_adamw(.epsilon = 1e-4, .use_ema = true),
        knn_sgd(.learning_rate = 0.02, .use_ema = true, .ema_momentum = 0.5, .ema_overwrite_frequency = 2),
        knn_adagrad(.learning_rate = 0.02), knn_adadelta(.learning_rate = 2, .epsilon = 1e-4), knn_adamax(.epsilon = 1e-4),
        knn_nadam(.epsilon = 1e-4), knn_ftrl(.learning_rate = 0.02, .l1_regularization_strength = 0.01), knn_lion(.learning_rate = 1e-4),
        knn_lamb(.epsilon = 1e-3, .clipnorm = 0.2), knn_lamb(.epsilon = 1e-3, .gradient_accumulation_steps = 2, .use_ema = true),
        knn_adafactor(.learning_rate = 0.01), knn_adafactor(.learning_rate = 0.01, .weight_decay = 0.01, .use_ema = true)};
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        expect_the_same(regularized, optimizers[i], i);
    nothing_is_left();
}
END_TEST

START_TEST(constraints_and_orthogonality_are_those_of_the_cpu)
{
    const knn_optimizer *const optimizers[] = {knn_sgd(.learning_rate = 0.05), knn_adam(.epsilon = 1e-4, .clipnorm = 0.5),
        knn_sgd(.learning_rate = 0.05, .gradient_accumulation_steps = 2, .use_ema = true, .ema_momentum = 0.5, .ema_overwrite_frequency = 2),
        knn_lamb(.epsilon = 1e-3)};
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        expect_the_same(constrained, optimizers[i], i);
    nothing_is_left();
}
END_TEST

/* ---- From one to the other ---- */

/* Trains two epochs on one backend, saves, goes on for two on the other: the weights. */
static float *trained_on(const char *first, const char *then, size_t *length)
{
    char path[] = "/tmp/knn-emulator-XXXXXX";
    knn_dataset *data = small_data();
    knn_model *model = small_net(first);
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    ok(knn_fit(model, .data = data, .epochs = 2, .batch_size = 10));
    ok(knn_save_model(model, path));
    knn_model_free(model);
    model = knn_load_model(path, .backend = then, .seed = 2);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    ok(knn_fit(model, .data = data, .epochs = 4, .initial_epoch = 2, .batch_size = 10));
    float *values = weights_of(model, length);
    knn_model_free(model);
    knn_dataset_free(data);
    unlink(path);
    return values;
}

START_TEST(a_model_goes_on_where_the_other_backend_stopped)
{
    size_t length;
    float *cpu = trained_on("cpu", "cpu", &length), *from_cuda = trained_on("cuda", "cpu", &length), *to_cuda = trained_on("cpu", "cuda", &length);
    for (size_t i = 0; i < length; i++) {
        ck_assert_float_eq_tol(from_cuda[i], cpu[i], 1e-4f);
        ck_assert_float_eq_tol(to_cuda[i], cpu[i], 1e-4f);
    }
    free(cpu);
    free(from_cuda);
    free(to_cuda);
    nothing_is_left();
}
END_TEST

/* ---- The host reads and changes weights while the device has them ---- */

static knn_status read_weight(const knn_event *event, void *user)
{
    float *last = user, bias[8];
    if (event->kind != KNN_BATCH_END)
        return KNN_OK;
    ok(knn_get_weight(event->model, 1, bias, 8));
    ck_assert_mem_ne(bias, last, sizeof bias);
    memcpy(last, bias, sizeof bias);
    return KNN_OK;
}

START_TEST(a_callback_reads_the_weights_of_now)
{
    float last[8] = {0};
    knn_dataset *data = small_data();
    knn_model *model = small_net("cuda");
    ok(knn_fit(model, .data = data, .epochs = 2, .batch_size = 8, .callbacks = {knn_call(read_weight, .user = last)}));
    knn_model_free(model);
    knn_dataset_free(data);
    nothing_is_left();
}
END_TEST

START_TEST(weights_that_the_host_sets_are_used)
{
    float x[FEATURES] = {1, 2, 3, 4, 5}, y[CLASSES], zero[8 * CLASSES] = {0}, bias[CLASSES] = {0, 0, 0};
    knn_dataset *data = small_data();
    knn_model *model = small_net("cuda");
    ok(knn_fit(model, .data = data, .batch_size = 8));
    ok(knn_predict(model, x, 1, y, CLASSES));
    ok(knn_set_weight(model, 2, zero, 8 * CLASSES));
    ok(knn_set_weight(model, 3, bias, CLASSES));
    ok(knn_predict(model, x, 1, y, CLASSES));
    for (int i = 0; i < CLASSES; i++)
        ck_assert_float_eq_tol(y[i], 1.0f / CLASSES, 1e-6f);
    knn_model_free(model);
    knn_dataset_free(data);
    nothing_is_left();
}
END_TEST

/* ---- Several threads predict with one model ---- */

typedef struct job { const knn_model *model; float x[FEATURES], y[CLASSES]; knn_status status; } job;

static void *predict_often(void *given)
{
    job *j = given;
    for (int i = 0; i < 20 && j->status == KNN_OK; i++)
        j->status = knn_predict(j->model, j->x, 1, j->y, CLASSES);
    return NULL;
}

START_TEST(threads_predict_at_the_same_time)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    job jobs[THREADS];
    float alone[CLASSES];
    knn_model *model = small_net("cuda");
    for (int t = 0; t < THREADS; t++) {
        jobs[t] = (job){.model = model, .x = {(float)t, 1, 2, 3, 4}};
        ck_assert_int_eq(pthread_create(&threads[t], NULL, predict_often, &jobs[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
    for (int t = 0; t < THREADS; t++) {
        ok(jobs[t].status);
        ok(knn_predict(model, jobs[t].x, 1, alone, CLASSES));
        ck_assert_mem_eq(jobs[t].y, alone, sizeof alone);
    }
    knn_model_free(model);
    nothing_is_left();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_model");
    TCase *tutorial = tcase_create("tutorial");
    tcase_set_timeout(tutorial, SECONDS);
    tcase_add_test(tutorial, gradients_are_those_of_the_cpu);
    tcase_add_loop_test(tutorial, three_steps_of_each_optimizer_are_those_of_the_cpu, 0, 3);
    tcase_add_test(tutorial, gradients_in_tf32_are_near_those_of_the_cpu);
    tcase_add_test(tutorial, three_steps_in_tf32_are_near_those_of_the_cpu);
#ifndef KNN_ON_A_GPU
    tcase_add_test(tutorial, products_are_in_fp32);
    tcase_add_test(tutorial, knn_explain_tells_of_tf32);
    tcase_add_test(tutorial, a_file_does_not_say_how_products_are_made);
    tcase_add_test(tutorial, a_training_step_has_few_launches);
    tcase_add_test(tutorial, products_are_planned_once);
#endif
    suite_add_tcase(s, tutorial);
    TCase *small = tcase_create("small");
    tcase_set_timeout(small, SECONDS);
    tcase_add_test(small, old_plans_of_products_make_room);
    tcase_add_test(small, a_training_has_the_loss_curve_of_the_cpu);
    tcase_add_test(small, every_optimizer_does_what_it_does_on_the_cpu);
    tcase_add_test(small, constraints_and_orthogonality_are_those_of_the_cpu);
    tcase_add_test(small, a_model_goes_on_where_the_other_backend_stopped);
    tcase_add_test(small, a_callback_reads_the_weights_of_now);
    tcase_add_test(small, weights_that_the_host_sets_are_used);
    tcase_add_test(small, threads_predict_at_the_same_time);
    suite_add_tcase(s, small);
    return s;
}

int main(void)
{
    int missing = without_gpu("cuda");
#ifdef KNN_ON_A_GPU
    setenv("CK_FORK", "no", true);          /* CUDA does not outlive a fork */
#endif
    return missing != EXIT_SUCCESS ? missing : check_run(suite());
}
