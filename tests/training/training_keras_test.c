/* Trainings of 20 steps against Keras 3: running losses, scores, weights (fixtures/training/make_training_fixtures.py).
 *
 * The tolerance is three times the distance of two of Keras' own runs, on TensorFlow and on PyTorch, as the fixture has it;
 * where these agree to the last bits, it is FLOOR: some ten roundings of float32 at 1. */
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"
#include "training/tiny.h"

enum { STEPS = 20, BATCH = 8, TRAINED = STEPS * BATCH, VALIDATION = 12, SAMPLES = TRAINED + VALIDATION, LENGTH = 8 * 8 * 2 };
static const double FLOOR = 3e-6;

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/training/trainings.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

static const float *get(const char *training, const char *what, size_t length)
{
    char name[128];
    size_t found;
    snprintf(name, sizeof name, "%s%s%s", training, training[0] != '\0' ? "/" : "", what);
    const float *values = fixture_get(stored, name, NULL, NULL, &found);
    ck_assert_msg(values != NULL && (length == 0 || found == length), "%s is not in the fixture, or of another length", name);
    return values;
}

static void compare(const char *training, const char *what, const float *got, size_t length)
{
    char distance[64];
    snprintf(distance, sizeof distance, "%s_distance", what);
    double allowed = fmax(FLOOR, 3 * (double)*get(training, distance, 1));
    check_difference d = check_compare_floats(got, get(training, what, length), length, allowed, 0);
    char text[100];
    snprintf(text, sizeof text, "%s: %s (tolerance %.3g)", training, what, allowed);
    CHECK_NO_DIFFERENCE(d, text, length);
}

/* ---- A training ---- */

typedef enum labels { BINARY, ONE_HOT, NUMBERS } labels;

/* Returns how many floats a label has. */
static int fill_labels(labels kind, float *y)
{
    const float *classes = get("", "classes", SAMPLES);
    int width = kind == ONE_HOT ? 3 : 1;
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < width; k++)
            y[i * width + k] = kind == BINARY ? classes[i] > 0 : kind == ONE_HOT ? (int)classes[i] == k : classes[i];
    return width;
}

static void set_weights(knn_model *model, const float *start)
{
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        int rank, shape[4];
        size_t length = 1;
        check_ok(knn_weight_info(model, i, NULL, &rank, shape, NULL));
        for (int k = 0; k < rank; k++)
            length *= (size_t)shape[k];
        check_ok(knn_set_weight(model, i, start, length));
        start += length;
    }
}

static knn_status record_loss(const knn_event *event, void *user)
{
    if (event->kind == KNN_BATCH_END)
        ((float *)user)[event->batch] = (float)event->log_values[0];
    return KNN_OK;
}

typedef struct weighting { const double *classes, *samples; } weighting;

/* Trains a compiled model as the script did, and compares. Frees it. */
static void train_and_compare(const char *name, knn_model *model, labels kind, const weighting *by)
{
    static float y[SAMPLES * 3];
    const float *x = get("", "x", (size_t)SAMPLES * LENGTH);
    int width = fill_labels(kind, y);
    float losses[STEPS];
    knn_dataset *data = knn_flow(x, y, TRAINED, 8, 8, 2, width, .sample_weight = by->samples);
    knn_dataset *validation = knn_flow(x + TRAINED * LENGTH, y + TRAINED * width, VALIDATION, 8, 8, 2, width);

    set_weights(model, get(name, "start", 0));
    check_ok(knn_fit(model, data, .batch_size = BATCH, .no_shuffle = true, .validation_data = validation,
                     .class_weight = by->classes, .class_weight_count = by->classes != NULL ? 2 : 0,
                     .callbacks = {knn_call(record_loss, losses)}));
    static const char *const keys[] = {"acc", "val_loss", "val_acc"};
    float scores[3];
    for (int i = 0; i < 3; i++)
        scores[i] = (float)knn_history_values(knn_model_history(model), keys[i])[0];
    size_t length;
    float *weights = tiny_weights(model, &length);
    compare(name, "losses", losses, STEPS);
    compare(name, "scores", scores, 3);
    compare(name, "weights", weights, length);
    free(weights);
    knn_dataset_free(data);
    knn_dataset_free(validation);
    knn_model_free(model);
}

static knn_model *net(int units, knn_activation activation, bool penalties)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(8, 8, 2));
    knn_add(model, knn_conv2d(3, 3, .activation = KNN_RELU, .kernel_regularizer = penalties ? knn_l1(0.002) : NULL,
                              .bias_regularizer = penalties ? knn_l2(0.1) : NULL));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(5, .activation = KNN_TANH));
    knn_add(model, knn_dense(units, .activation = activation, .kernel_regularizer = penalties ? knn_l1l2(0.001, 0.02) : NULL));
    return model;
}

static void compile(knn_model *model, const knn_optimizer *optimizer, const knn_loss *loss)
{
    knn_status status = knn_compile(model, .optimizer = optimizer, .loss = loss, .metrics = {knn_accuracy("acc")});
    ck_assert_msg(status == KNN_OK, "%s", knn_last_error());
}

static void binary(const char *name, const knn_optimizer *optimizer)
{
    knn_model *model = net(1, KNN_SIGMOID, false);
    compile(model, optimizer, knn_binary_crossentropy());
    train_and_compare(name, model, BINARY, &(weighting){NULL, NULL});
}

static void by_loss(const char *name, int units, knn_activation activation, bool penalties, labels kind, const knn_loss *loss)
{
    knn_model *model = net(units, activation, penalties);
    compile(model, units == 1 ? knn_sgd(0.1) : knn_sgd(0.2, .momentum = 0.5), loss);
    train_and_compare(name, model, kind, &(weighting){NULL, NULL});
}

/* ---- Tests ---- */

START_TEST(sgd_trains_as_keras)
{
    binary("sgd", knn_sgd(0.1));
    binary("sgd_momentum", knn_sgd(0.05, .momentum = 0.9));
    binary("sgd_nesterov", knn_sgd(0.05, .momentum = 0.9, .nesterov = true));
    binary("sgd_decay", knn_sgd(0.1, .weight_decay = 0.05));
}
END_TEST

START_TEST(gradients_are_clipped_as_in_keras)
{
    binary("sgd_clipnorm", knn_sgd(0.5, .clipnorm = 0.05));
    binary("sgd_global_clipnorm", knn_sgd(0.5, .global_clipnorm = 0.05));
    binary("sgd_clipvalue", knn_sgd(0.5, .clipvalue = 0.01));
    binary("adamw_clipnorm", knn_adamw(0.01, .weight_decay = 0.1, .clipnorm = 0.02));
}
END_TEST

START_TEST(rmsprop_trains_as_keras)
{
    binary("rmsprop", knn_rmsprop());
    binary("rmsprop_momentum", knn_rmsprop(0.002, .momentum = 0.7));
    binary("rmsprop_centered", knn_rmsprop(0.002, .centered = true));
    binary("rmsprop_all", knn_rmsprop(0.002, .rho = 0.8, .momentum = 0.5, .epsilon = 1e-3, .centered = true));
}
END_TEST

START_TEST(adam_trains_as_keras)
{
    binary("adam", knn_adam(0.01));
    binary("adam_options", knn_adam(0.01, .beta_1 = 0.8, .beta_2 = 0.95, .epsilon = 1e-3));
    binary("adam_amsgrad", knn_adam(0.01, .beta_2 = 0.5, .amsgrad = true));
    binary("adam_decay", knn_adam(0.01, .weight_decay = 0.1));
    binary("adamw", knn_adamw(0.01));
}
END_TEST

START_TEST(schedules_run_as_in_keras)
{
    binary("exponential", knn_sgd(.schedule = knn_exponential_decay(0.2, 5, 0.5)));
    binary("exponential_stairs", knn_sgd(.schedule = knn_exponential_decay(0.2, 5, 0.5, .staircase = true)));
    binary("inverse_time", knn_sgd(.schedule = knn_inverse_time_decay(0.2, 4, 0.7)));
    binary("cosine", knn_sgd(.schedule = knn_cosine_decay(0.2, 15, .alpha = 0.1)));
    binary("cosine_warmup", knn_sgd(.schedule = knn_cosine_decay(KNN_ZERO, 10, .warmup_target = 0.3, .warmup_steps = 6)));
    binary("polynomial", knn_sgd(.schedule = knn_polynomial_decay(0.2, 12, .end_learning_rate = 0.01, .power = 2)));
    binary("polynomial_cycle", knn_sgd(.schedule = knn_polynomial_decay(0.2, 6, .end_learning_rate = 0.01, .cycle = true)));
    const double boundaries[] = {4, 9}, values[] = {0.3, 0.1, 0.02};
    const knn_schedule *pieces = knn_piecewise_constant_decay(.boundaries = boundaries, .values = values, .count = 2);
    binary("piecewise", knn_sgd(.schedule = pieces));
}
END_TEST

START_TEST(weights_of_classes_and_samples_count_as_in_keras)
{
    const double classes[] = {0.5, 3};
    double samples[TRAINED];
    const float *given = get("sample_weight", "sample_weight", TRAINED);
    for (int i = 0; i < TRAINED; i++)
        samples[i] = (double)given[i];
    knn_model *model = net(1, KNN_SIGMOID, false);
    compile(model, knn_sgd(0.1), knn_binary_crossentropy());
    train_and_compare("class_weight", model, BINARY, &(weighting){.classes = classes});
    model = net(1, KNN_SIGMOID, false);
    compile(model, knn_sgd(0.1), knn_binary_crossentropy());
    train_and_compare("sample_weight", model, BINARY, &(weighting){.samples = samples});
}
END_TEST

START_TEST(losses_train_as_in_keras)
{
    by_loss("smoothing", 1, KNN_SIGMOID, false, BINARY, knn_binary_crossentropy(.label_smoothing = 0.2));
    by_loss("logits", 1, KNN_LINEAR, false, BINARY, knn_binary_crossentropy(.from_logits = true));
    by_loss("clipped", 1, KNN_HARD_SIGMOID, false, BINARY, knn_binary_crossentropy());
    by_loss("categorical", 3, KNN_SOFTMAX, false, ONE_HOT, knn_categorical_crossentropy());
    by_loss("categorical_smoothing", 3, KNN_SOFTMAX, false, ONE_HOT, knn_categorical_crossentropy(.label_smoothing = 0.1));
    by_loss("categorical_clipped", 3, KNN_HARD_SIGMOID, false, ONE_HOT, knn_categorical_crossentropy());
    by_loss("sparse", 3, KNN_SOFTMAX, false, NUMBERS, knn_sparse_categorical_crossentropy());
    by_loss("squared", 3, KNN_LINEAR, false, ONE_HOT, knn_mean_squared_error());
    by_loss("absolute", 3, KNN_TANH, false, ONE_HOT, knn_mean_absolute_error());
}
END_TEST

START_TEST(penalties_are_in_the_loss_and_its_gradient_as_in_keras)
{
    by_loss("penalties", 3, KNN_SOFTMAX, true, ONE_HOT, knn_categorical_crossentropy());
}
END_TEST

START_TEST(batch_normalization_trains_as_in_keras)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(8, 8, 2));
    knn_add(model, knn_conv2d(3, 3, .stride_height = 2, .padding = KNN_SAME, .no_bias = true));
    knn_add(model, knn_batch_normalization(.momentum = 0.9));
    knn_add(model, knn_activation(KNN_RELU));
    knn_add(model, knn_global_average_pooling2d());
    knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX));
    compile(model, knn_sgd(0.2, .momentum = 0.5), knn_categorical_crossentropy());
    train_and_compare("normalised", model, ONE_HOT, &(weighting){NULL, NULL});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/keras");
    TCase *cases = tcase_create("keras");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, sgd_trains_as_keras);
    tcase_add_test(cases, gradients_are_clipped_as_in_keras);
    tcase_add_test(cases, rmsprop_trains_as_keras);
    tcase_add_test(cases, adam_trains_as_keras);
    tcase_add_test(cases, schedules_run_as_in_keras);
    tcase_add_test(cases, weights_of_classes_and_samples_count_as_in_keras);
    tcase_add_test(cases, losses_train_as_in_keras);
    tcase_add_test(cases, penalties_are_in_the_loss_and_its_gradient_as_in_keras);
    tcase_add_test(cases, batch_normalization_trains_as_in_keras);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
