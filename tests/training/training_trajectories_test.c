/* 60 steps with every optimizer against Keras 3 (fixtures/training/make_trajectory_fixtures.py): losses of all steps, weights.
 *
 * Steps 1 to 5 within 1e-4, and all steps within three times the distance of two of Keras' own runs, on TensorFlow and on PyTorch, as the
 * fixture has it for each step; where these agree to the last bits, within FLOOR: some ten roundings of float32 at 1. */
#include "model/model.h"
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"
#include "training/tiny.h"

enum { STEPS = 60, BATCH = 8, BATCHES = 10, LENGTH = 36, KEPT = 6, WEIGHTS = 87 };
static const double FLOOR = 1e-6, EARLY = 1e-4;

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/training/trajectories.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

static const float *find(const char *training, const char *what, size_t length)
{
    char name[128];
    size_t found;
    snprintf(name, sizeof name, "%s%s%s", training, training[0] != '\0' ? "/" : "", what);
    const float *values = fixture_get(stored, name, NULL, NULL, &found);
    ck_assert_msg(values == NULL || found == length, "%s has another length", name);
    return values;
}

static const float *get(const char *training, const char *what, size_t length)
{
    const float *values = find(training, what, length);
    ck_assert_msg(values != NULL, "%s/%s is not in the fixture", training, what);
    return values;
}

/* What one training gave. */
typedef struct trajectory { float losses[STEPS], weights[KEPT][WEIGHTS], end[WEIGHTS]; } trajectory;

static void copy_weights(const knn_model *model, float *to)
{
    size_t length;
    float *weights = tiny_weights(model, &length);
    ck_assert_uint_eq(length, WEIGHTS);
    memcpy(to, weights, sizeof(float) * WEIGHTS);
    free(weights);
}

static void set_weights(knn_model *model)
{
    static const size_t lengths[] = {27, 3, 48, 4, 4, 1};
    const float *start = get("", "start", WEIGHTS);
    for (size_t i = 0; i < 6; start += lengths[i++])
        check_ok(knn_set_weight(model, i, start, lengths[i]));
}

/* Trains a net of the script's shape, and frees it. */
static void train(knn_model *model, const knn_optimizer *optimizer, trajectory *made)
{
    const float *x = get("", "x", BATCHES * BATCH * LENGTH), *y = get("", "y", BATCHES * BATCH);
    int kept = 0;
    check_ok(knn_compile(model, .optimizer = optimizer, .loss = knn_binary_crossentropy()));
    set_weights(model);
    for (int step = 0; step < STEPS; step++) {
        int batch = step % BATCHES * BATCH;
        double loss;
        check_ok(knn_train_on_batch(model, x + batch * LENGTH, y + batch, BATCH, &loss, 1));
        made->losses[step] = (float)loss;
        if (step < KEPT - 1 || step == STEPS - 1)
            copy_weights(model, made->weights[kept++]);
    }
    knn__train_finish(model);                   /* as the end of knn_fit */
    copy_weights(model, made->end);
    knn_model_free(model);
}

/* How far the numbers of one step are off, relative to what is allowed. */
static double excess(const float *got, const float *expected, size_t length, double distance, bool early)
{
    double allowed = fmax(FLOOR, 3 * distance), worst = 0;
    allowed = early ? fmin(allowed, EARLY) : allowed;
    for (size_t i = 0; i < length; i++) {
        double off = fabs((double)got[i] - (double)expected[i]);
        worst = fmax(worst, isnan(off) ? INFINITY : off / allowed);
    }
    return worst;
}

/* The largest excess of a trajectory: above 1 it is another one than Keras'. */
static double compare(const char *name, const trajectory *made)
{
    const float *losses = get(name, "losses", STEPS), *loss_distance = get(name, "losses_distance", STEPS);
    const float *weights = get(name, "weights", (size_t)KEPT * WEIGHTS), *distance = get(name, "weights_distance", KEPT);
    const float *end = find(name, "end", WEIGHTS);
    double worst = 0;
    for (int step = 0; step < STEPS; step++)
        worst = fmax(worst, excess(&made->losses[step], &losses[step], 1, (double)loss_distance[step], step < 5));
    for (int i = 0; i < KEPT; i++)
        worst = fmax(worst, excess(made->weights[i], weights + (size_t)i * WEIGHTS, WEIGHTS, (double)distance[i], i < 5));
    end = end != NULL ? end : weights + (size_t)(KEPT - 1) * WEIGHTS;
    return fmax(worst, excess(made->end, end, WEIGHTS, (double)distance[KEPT - 1], false));
}

static knn_model *net(const knn_layer *convolution, const knn_layer *dense)
{
    knn_model *model = knn_sequential(.threads = 2);
    knn_add(model, knn_input(6, 6, 1));
    knn_add(model, convolution != NULL ? convolution : knn_conv2d(3, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_flatten());
    knn_add(model, dense != NULL ? dense : knn_dense(4, .activation = KNN_TANH));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    return model;
}

static double excess_of(const char *name, knn_model *model, const knn_optimizer *optimizer)
{
    static trajectory made;
    train(model, optimizer, &made);
    return compare(name, &made);
}

static void same(const char *name, const knn_optimizer *optimizer)
{
    double worst = excess_of(name, net(NULL, NULL), optimizer);
    ck_assert_msg(worst <= 1, "%s: %.3g times what is allowed", name, worst);
}

static void same_net(const char *name, double rate, const knn_layer *convolution, const knn_layer *dense)
{
    double worst = excess_of(name, net(convolution, dense), knn_sgd(rate));
    ck_assert_msg(worst <= 1, "%s: %.3g times what is allowed", name, worst);
}

static void another(const char *name, const knn_optimizer *optimizer)
{
    double worst = excess_of(name, net(NULL, NULL), optimizer);
    ck_assert_msg(worst > 2, "%s: a wrong option is only %.3g times what is allowed", name, worst);
}

START_TEST(sgd_and_rmsprop_go_keras_way)
{
    same("sgd", knn_sgd(0.1));
    same("sgd_nesterov", knn_sgd(0.05, 0.9, true));
    same("rmsprop", knn_rmsprop());
    same("rmsprop_all", knn_rmsprop(0.002, .rho = 0.8, .momentum = 0.5, .epsilon = 1e-4, .centered = true));
}
END_TEST

START_TEST(adam_and_its_kin_go_keras_way)
{
    same("adam", knn_adam(0.01));
    same("adam_amsgrad", knn_adam(0.01, 0.8, 0.95, 1e-3, .amsgrad = true));
    same("adamw", knn_adamw(0.01, .weight_decay = 0.05));
    same("adamax", knn_adamax(0.01));
    same("adamax_options", knn_adamax(0.01, 0.7, 0.9, 1e-3, .global_clipnorm = 0.2));
    same("nadam", knn_nadam(0.01));
    same("nadam_options", knn_nadam(0.01, 0.8, 0.95, 1e-3, .clipvalue = 0.01));
    same("lion", knn_lion(0.002));
    same("lion_options", knn_lion(0.002, 0.8, 0.9, .weight_decay = 0.2));
}
END_TEST

START_TEST(optimizers_that_sum_go_keras_way)
{
    same("adagrad", knn_adagrad(0.05));
    same("adagrad_options", knn_adagrad(0.02, 1e-3, 1e-3, .weight_decay = 0.1));
    same("adadelta", knn_adadelta(1.0));
    same("adadelta_options", knn_adadelta(5.0, 0.8, 1e-5, .clipnorm = 0.1));
    same("ftrl", knn_ftrl(0.1));
    same("ftrl_options", knn_ftrl(0.1, -0.6, 0.2, 0.002, 0.01, 0.003, 0.1));
}
END_TEST

START_TEST(optimizers_of_whole_arrays_go_keras_way)
{
    same("lamb", knn_lamb(0.01));
    same("lamb_options", knn_lamb(0.01, 0.8, 0.95, 1e-3, .weight_decay = 0.1));
    same("adafactor", knn_adafactor(0.01));
    same("adafactor_options", knn_adafactor(0.2, -0.6, 1e-5, 0.02, 0.8, true, .weight_decay = 0.05));
}
END_TEST

START_TEST(averages_and_accumulation_go_keras_way)
{
    same("ema", knn_rmsprop(0.002, .use_ema = true, .ema_momentum = 0.9));
    same("ema_overwrite", knn_adam(0.01, .use_ema = true, .ema_momentum = 0.8, .ema_overwrite_frequency = 3));
    same("accumulation", knn_adam(0.02, .gradient_accumulation_steps = 3, .clipnorm = 0.1, .weight_decay = 0.1));
    same("accumulation_nadam", knn_nadam(.schedule = knn_exponential_decay(0.05, 10, 0.7), .gradient_accumulation_steps = 4,
                                         .use_ema = true, .ema_momentum = 0.7, .ema_overwrite_frequency = 5));
}
END_TEST

START_TEST(fit_ends_with_the_average_of_the_weights)
{
    static float end[WEIGHTS];
    const float *x = get("", "x", BATCHES * BATCH * LENGTH), *y = get("", "y", BATCHES * BATCH);
    const float *distance = get("ema", "weights_distance", KEPT);
    knn_dataset *data = knn_flow(x, y, BATCHES * BATCH, 6, 6, 1);
    knn_model *model = net(NULL, NULL);
    check_ok(knn_compile(model, .optimizer = knn_rmsprop(0.002, .use_ema = true, .ema_momentum = 0.9), .loss = knn_binary_crossentropy()));
    set_weights(model);
    check_ok(knn_fit(model, data, .batch_size = BATCH, .epochs = STEPS / BATCHES, .no_shuffle = true));
    copy_weights(model, end);
    ck_assert_double_le(excess(end, get("ema", "end", WEIGHTS), WEIGHTS, (double)distance[KEPT - 1], false), 1);
    knn_dataset_free(data);
    knn_model_free(model);
}
END_TEST

START_TEST(restarts_come_when_keras_has_them)
{
    same("restarts", knn_sgd(.schedule = knn_cosine_decay_restarts(0.3, 9, 1.5, 0.8, 0.05)));
    same("restarts_even", knn_sgd(.schedule = knn_cosine_decay_restarts(0.3, 7, 1, 0.9)));
}
END_TEST

START_TEST(constraints_and_penalties_keep_weights_where_keras_does)
{
    same_net("constraints", 0.3,
             knn_conv2d(3, 3, .activation = KNN_RELU, .bias_constraint = knn_non_neg(),
                        .kernel_constraint = knn_max_norm(0.8, .axis = KNN_AXIS(0) | KNN_AXIS(1) | KNN_AXIS(2))),
             knn_dense(4, .activation = KNN_TANH, .kernel_constraint = knn_unit_norm(), .bias_constraint = knn_max_norm(0.3)));
    same_net("constraints_between", 0.3, knn_conv2d(3, 3, .activation = KNN_RELU, .kernel_constraint = knn_non_neg()),
             knn_dense(4, .activation = KNN_TANH, .kernel_constraint = knn_min_max_norm(0.9, 1.1, 0.5, KNN_AXIS(1)),
                       .bias_constraint = knn_min_max_norm(0.1, 0.4)));
    same_net("orthogonal", 0.1, NULL,
             knn_dense(4, .activation = KNN_TANH, .kernel_regularizer = knn_orthogonal_regularizer(0.5)));
    same_net("orthogonal_columns", 0.1, NULL,
             knn_dense(4, .activation = KNN_TANH, .kernel_regularizer = knn_orthogonal_regularizer(0.5, KNN_COLUMNS),
                       .bias_regularizer = knn_l1(0.02)));
}
END_TEST

/* The comparison itself: a slightly wrong option is noticed. */
START_TEST(a_wrong_epsilon_or_rho_is_noticed)
{
    another("rmsprop", knn_rmsprop(.epsilon = 2e-7));
    another("rmsprop", knn_rmsprop(.epsilon_outside = true));
    another("rmsprop", knn_rmsprop(.rho = 0.901));
    another("adam", knn_adam(0.01, .epsilon = 1e-6));
    another("adam", knn_adam(0.01, .beta_2 = 0.9991));
    another("adadelta", knn_adadelta(1.0, .epsilon = 2e-7));
    another("adadelta", knn_adadelta(1.0, .rho = 0.951));
    another("adagrad", knn_adagrad(0.05, .epsilon = 1e-4));
    another("adagrad_options", knn_adagrad(0.02, 1e-3, 1.1e-3, .weight_decay = 0.1));
    another("adamax", knn_adamax(0.01, .epsilon = 1e-6));
    another("nadam", knn_nadam(0.01, .epsilon = 1e-6));
    another("lamb", knn_lamb(0.01, .epsilon = 1e-6));
    another("lion_options", knn_lion(0.002, 0.8, 0.91, .weight_decay = 0.2));
    another("ftrl_options", knn_ftrl(0.1, -0.6, 0.2, 0.002, 0.01, 0.0031, 0.1));
    another("adafactor_options", knn_adafactor(0.2, -0.6, 1.1e-5, 0.02, 0.8, true, .weight_decay = 0.05));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/trajectories");
    TCase *cases = tcase_create("trajectories");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, sgd_and_rmsprop_go_keras_way);
    tcase_add_test(cases, adam_and_its_kin_go_keras_way);
    tcase_add_test(cases, optimizers_that_sum_go_keras_way);
    tcase_add_test(cases, optimizers_of_whole_arrays_go_keras_way);
    tcase_add_test(cases, averages_and_accumulation_go_keras_way);
    tcase_add_test(cases, fit_ends_with_the_average_of_the_weights);
    tcase_add_test(cases, restarts_come_when_keras_has_them);
    tcase_add_test(cases, constraints_and_penalties_keep_weights_where_keras_does);
    tcase_add_test(cases, a_wrong_epsilon_or_rho_is_noticed);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
