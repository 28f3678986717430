/* What goes wrong with a GPU: none there, too old, too small, something that the backend lacks, any call that fails: an error with a text that
 * says it, everything given back, and the program goes on. */
#include "emulator.h"
#include "support/check_run.h"

#include "core/memory.h"

#include <knn/extend.h>
#include <knn/knn.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 12, SAMPLES = 4, INPUT = SIDE * SIDE * 2, SECONDS = 120 };

static float x[SAMPLES * INPUT], y[SAMPLES] = {0, 1, 0, 1};

static void ok(knn_status status) { ck_assert_msg(status == KNN_OK, "%s: %s", knn_status_name(status), knn_last_error()); }

static void says(const char *text) { ck_assert_msg(strstr(knn_last_error(), text) != NULL, "\"%s\" is not in \"%s\"", text, knn_last_error()); }

static void nothing_is_left(void)
{
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 0);
    ck_assert_uint_eq(knn__live_blocks(), 0);
}

/* Tensor cores are asked for, so that the GPU is asked whether it has some. */
static knn_model *net(const char *backend)
{
    knn_model *model = knn_sequential(.backend = backend, .seed = 1, .threads = 1, .float32 = KNN_FLOAT32_TENSOR);
    knn_add(model, knn_input(SIDE, SIDE, 2));
    knn_add(model, knn_conv2d(3, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.25));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    return model;
}

static knn_model *constrained_net(const char *backend)
{
    knn_model *model = knn_sequential(.backend = backend, .seed = 1, .threads = 1);
    knn_add(model, knn_input(INPUT));
    knn_add(model, knn_dense(3, .kernel_regularizer = knn_orthogonal_regularizer(0.1, KNN_COLUMNS), .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .kernel_constraint = knn_max_norm(1), .activation = KNN_SIGMOID));
    return model;
}

static knn_model *(*const nets[])(const char *backend) = {net, constrained_net};
enum { NETS = sizeof nets / sizeof *nets };

/* ---- No device ---- */

START_TEST(a_machine_without_a_driver_has_no_backend_cuda)
{
    emulator_set_devices(-1);
    ck_assert_ptr_null(knn_sequential(.backend = "cuda"));
    says("backend \"cuda\": CUDA driver version is insufficient for CUDA runtime version (cudaErrorInsufficientDriver)");
    says("there are \"cpu\" and \"reference\"");
    nothing_is_left();
}
END_TEST

START_TEST(a_machine_without_a_gpu_has_none)
{
    emulator_set_devices(0);
    ck_assert_ptr_null(knn_sequential(.backend = "cuda"));
    says("cudaErrorNoDevice");
    nothing_is_left();
}
END_TEST

START_TEST(a_gpu_that_is_not_there_is_refused)
{
    emulator_set_devices(2);
    knn_model *model = net("cuda:1");
    ck_assert_str_eq(knn_backend_name(model), "cuda");
    knn_model_free(model);
    ck_assert_ptr_null(knn_sequential(.backend = "cuda:2"));
    says("backend \"cuda:2\": there is no GPU 2, there are 2; there are \"cuda\", \"cpu\" and \"reference\"");
    nothing_is_left();
}
END_TEST

START_TEST(an_old_gpu_is_refused)
{
    emulator_set_capability(61);
    ck_assert_ptr_null(knn_sequential(.backend = "cuda"));
    says("GPU 0 has compute capability 6.1, expected at least 7.5");
    nothing_is_left();
}
END_TEST

/* ---- What only users have ---- */

static knn_status same_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    (void)layer;
    *out = *in;
    return KNN_OK;
}

static void pass_on(const knn_layer *layer, const knn_layer_call *call) { (void)layer, (void)call; }
static double no_loss(const knn_loss *loss, const float *target, const float *prediction, size_t outputs, float *gradient)
{
    (void)loss, (void)target, (void)prediction;
    memset(gradient, 0, outputs * sizeof *gradient);
    return 0;
}

static const knn_layer_class own_layers = {.size = sizeof own_layers, .class_name = "Test>Own", .description_size = sizeof(knn_layer),
    .shape = same_shape, .forward = pass_on, .backward = pass_on};
static const knn_layer own_layer = {"Test>Own", sizeof own_layer, &own_layers};
static const knn_loss_class own_losses = {.size = sizeof own_losses, .class_name = "Test>None", .value = no_loss};
static const knn_loss own_loss = {"Test>None", sizeof own_loss, &own_losses};

/* ---- auto ---- */

static const char *chosen(const knn_layer *layer)
{
    static char name[16];
    knn_model *model = net("auto");
    if (layer != NULL)
        ok(knn_add(model, layer));
    ok(knn_compile(model, .loss = knn_mean_squared_error()));
    ok(knn_train_on_batch(model, x, y, SAMPLES, NULL, 0));
    snprintf(name, sizeof name, "%s", knn_backend_name(model));
    knn_model_free(model);
    return name;
}

START_TEST(auto_is_the_gpu_where_there_is_one)
{
    ck_assert_str_eq(chosen(NULL), "cuda");
    emulator_set_devices(-1);
    ck_assert_str_eq(chosen(NULL), "cpu");
    nothing_is_left();
}
END_TEST

START_TEST(auto_is_the_cpu_where_the_gpu_lacks_something)
{
    ck_assert_str_eq(chosen(&own_layer), "cpu");
    nothing_is_left();
}
END_TEST

/* ---- What the backend lacks ---- */

static void refuses(const knn_layer *layer, const knn_loss *loss, const char *text)
{
    knn_model *model = net("cuda");
    if (layer != NULL)
        ok(knn_add(model, layer));
    ok(knn_compile(model, .loss = loss));
    ck_assert_int_eq(knn_train_on_batch(model, x, y, SAMPLES, NULL, 0), KNN_ERROR_UNSUPPORTED);
    says(text);
    knn_model_free(model);
    nothing_is_left();
}

START_TEST(what_is_lacking_is_named)
{
    const knn_loss *loss = knn_binary_crossentropy();
    refuses(&own_layer, loss, "backend cuda has no kernel for this layer");
    refuses(NULL, &own_loss, "backend cuda does not have users' losses");
}
END_TEST

/* ---- Memory ---- */

enum { MANY = 64, PIECE = 16 << 10 };                      /* samples; bytes */

static float many[MANY * INPUT], many_labels[MANY], answers[MANY];

static knn_status train_on(knn_model *model, int batch)
{
    return knn_train_on_batch(model, many, many_labels, (size_t)batch, NULL, 0);
}

static knn_status predict_by(knn_model *model, int batch)
{
    knn_dataset *data = knn_flow(.x = many, .y = many_labels, .samples = MANY, .height = SIDE, .width = SIDE, .channels = 2);
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    knn_status status = knn_predict_dataset(model, .data = data, .y = answers, .y_length = MANY, .batch_size = batch);
    knn_dataset_free(data);
    return status;
}

/* The batch that would fit, of a text that says what was asked for and what there is; 0: none would. */
static int batch_that_would_fit(size_t memory)
{
    const char *text = knn_last_error(), *asked = strstr(text, "GPU 0: no memory for "), *would = strstr(text, "does not fit, one of ");
    size_t bytes, left, all;
    int fits = 0;
    ck_assert_msg(asked != NULL && sscanf(asked, "GPU 0: no memory for %zu bytes: %zu of %zu are free", &bytes, &left, &all) == 3, "%s", text);
    ck_assert_uint_eq(all, memory);
    ck_assert_uint_gt(bytes, left);
    if (would != NULL)
        ck_assert_int_eq(sscanf(would, "does not fit, one of %d would", &fits), 1);
    else
        ck_assert_msg(strstr(text, "no batch would fit") != NULL || strstr(text, "nor would any other") != NULL, "%s", text);
    return fits;
}

static knn_model *compiled_net(void)
{
    knn_model *model = net("cuda");
    ok(knn_compile(model, .loss = knn_binary_crossentropy()));
    return model;
}

typedef knn_status a_use(knn_model *model, int batch);

/* The largest batch for which there is memory: what is said of it is true, and a model that had too little goes on with it. */
static int largest_batch(a_use use, size_t memory)
{
    knn_model *model = compiled_net();
    emulator_set_memory(memory);
    knn_status status = use(model, MANY);
    ck_assert(status == KNN_OK || status == KNN_ERROR_DEVICE_MEMORY);
    int fits = status == KNN_OK ? MANY : batch_that_would_fit(memory);
    if (fits > 0)
        ok(use(model, fits));
    knn_model_free(model);
    if (fits < MANY) {
        model = compiled_net();
        ck_assert_int_eq(use(model, fits + 1), KNN_ERROR_DEVICE_MEMORY);
        knn_model_free(model);
    }
    return fits;
}

/* With ever more memory. Another model keeps its own all the time. */
static void each_size_says_what_fits(a_use use)
{
    float before[SAMPLES], after[SAMPLES];
    int sizes = 0, fits = 0;
    knn_model *other = net("cuda");
    ok(knn_predict(other, x, SAMPLES, before, SAMPLES));
    for (size_t memory = 1 << 20; fits < MANY; memory += PIECE) {
        int more = largest_batch(use, memory);
        ck_assert_int_ge(more, fits);
        sizes += more > fits;
        fits = more;
    }
    ck_assert_int_ge(sizes, 4);
    ok(knn_predict(other, x, SAMPLES, after, SAMPLES));
    ck_assert_mem_eq(before, after, sizeof before);
    knn_model_free(other);
    nothing_is_left();
}

START_TEST(a_training_that_does_not_fit_says_which_batch_would) { each_size_says_what_fits(train_on); }
END_TEST

START_TEST(a_prediction_that_does_not_fit_says_which_batch_would) { each_size_says_what_fits(predict_by); }
END_TEST

/* knn_predict chooses batches itself. */
START_TEST(a_prediction_takes_smaller_batches_where_memory_is_short)
{
    enum { USUAL = 32 };
    float expected[MANY];
    int shorter = 0;
    for (int i = 0; i < MANY * INPUT; i++)
        many[i] = (float)(i % 97) / 97;
    knn_model *model = net("cuda");
    ok(knn_predict(model, many, MANY, expected, MANY));
    knn_model_free(model);
    for (size_t memory = 1 << 20, fits = 0; fits < USUAL; memory += 2 * PIECE) {
        fits = (size_t)largest_batch(predict_by, memory);
        if (fits == 0 || fits >= USUAL)
            continue;
        model = net("cuda");
        ok(knn_predict(model, many, MANY, answers, MANY));
        for (int i = 0; i < MANY; i++)
            ck_assert_float_eq_tol(answers[i], expected[i], 1e-6f);
        knn_model_free(model);
        shorter++;
    }
    ck_assert_int_gt(shorter, 0);
    nothing_is_left();
}
END_TEST

/* ---- Every call fails once ---- */

/* With steps that are recorded and replayed. *working gets the number of calls before all is given back. */
static knn_status whole_life(int which, long *working, float predicted[SAMPLES])
{
    long before = emulator_calls();
    float bias;
    double loss;
    knn_model *model = nets[which]("cuda");
    if (model == NULL)
        return KNN_ERROR_DEVICE;
    knn_status status = knn_compile(model, .optimizer = knn_adam(), .loss = knn_binary_crossentropy());
    for (int i = 0; i < 4 && status == KNN_OK; i++)
        status = knn_train_on_batch(model, x, y, SAMPLES, &loss, 1);
    if (status == KNN_OK)
        status = knn_predict(model, x, SAMPLES, predicted, SAMPLES);
    if (status == KNN_OK)
        status = knn_get_weight(model, 3, &bias, 1);
    *working = emulator_calls() - before;
    knn_model_free(model);
    return status;
}

/* It is an error, or, where a step is recorded, of no consequence. */
START_TEST(each_call_may_fail_and_nothing_leaks)
{
    long working, ignored, harmless = 0;
    float expected[SAMPLES], predicted[SAMPLES];
    ok(whole_life(_i, &working, expected));
    long calls = emulator_calls();
    ck_assert_int_gt(working, 50);
    nothing_is_left();
    for (long n = 1; n <= calls; n++) {
        emulator_fail_call(n);
        knn_status status = whole_life(_i, &ignored, predicted);
        ck_assert_msg(status == KNN_OK || status == KNN_ERROR_DEVICE || status == KNN_ERROR_DEVICE_MEMORY, "call %ld of %ld failed: %s: %s", n,
                      calls, knn_status_name(status), knn_last_error());
        if (status == KNN_OK)
            ck_assert_mem_eq(predicted, expected, sizeof predicted);
        harmless += n <= working && status == KNN_OK;
        emulator_fail_call(0);
        nothing_is_left();
    }
    printf("%ld of %ld calls may fail without an error\n", harmless, working);
    ck_assert(harmless > 0 && harmless < working / 4);
    ok(whole_life(_i, &ignored, predicted));
    nothing_is_left();
}
END_TEST

/* What a failed call has left unmade, the next one makes: fresh memory is NaN, and would show. */
START_TEST(after_each_call_that_fails_the_training_goes_on)
{
    knn_status status = KNN_ERROR_DEVICE;
    for (long n = 1; status != KNN_OK; n++) {
        float predicted[SAMPLES];
        double loss = NAN;
        knn_model *model = nets[_i]("cuda");
        ok(knn_compile(model, .optimizer = knn_adam(.clipnorm = 1), .loss = knn_binary_crossentropy()));
        ok(knn_predict(model, x, SAMPLES, predicted, SAMPLES));                 /* the weights are there before the rest is */
        emulator_fail_call(n);
        status = knn_train_on_batch(model, x, y, SAMPLES, &loss, 1);
        emulator_fail_call(0);
        for (int i = 0; i < 3; i++) {
            ok(knn_train_on_batch(model, x, y, SAMPLES, &loss, 1));
            ck_assert_msg(isfinite(loss), "loss %g after call %ld failed", loss, n);
        }
        knn_model_free(model);
        nothing_is_left();
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_failures");
    TCase *failures = tcase_create("failures");
    tcase_set_timeout(failures, SECONDS);
    tcase_add_test(failures, a_machine_without_a_driver_has_no_backend_cuda);
    tcase_add_test(failures, a_machine_without_a_gpu_has_none);
    tcase_add_test(failures, a_gpu_that_is_not_there_is_refused);
    tcase_add_test(failures, an_old_gpu_is_refused);
    tcase_add_test(failures, auto_is_the_gpu_where_there_is_one);
    tcase_add_test(failures, auto_is_the_cpu_where_the_gpu_lacks_something);
    tcase_add_test(failures, what_is_lacking_is_named);
    tcase_add_test(failures, a_training_that_does_not_fit_says_which_batch_would);
    tcase_add_test(failures, a_prediction_that_does_not_fit_says_which_batch_would);
    tcase_add_test(failures, a_prediction_takes_smaller_batches_where_memory_is_short);
    tcase_add_loop_test(failures, each_call_may_fail_and_nothing_leaks, 0, NETS);
    tcase_add_loop_test(failures, after_each_call_that_fails_the_training_goes_on, 0, NETS);
    suite_add_tcase(s, failures);
    return s;
}

int main(void) { return check_run(suite()); }
