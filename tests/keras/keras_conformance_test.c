/* Everything that fixtures/conformance/cases.py asks real Keras: the same model, made from Keras' own JSON, gives the same numbers.
 * How the answers lie in a record is said in make_conformance_fixtures.py, which wrote them.
 *
 * KNN_CONFORMANCE=FOLDER: other answers than the stored ones (live.sh makes some with another seed).
 * KNN_CONFORMANCE_RESULTS=FILE: a line a case is added to it, of which document.sh makes the table in docs/keras.md. */
#include "core/status.h"
#include "keras/config.h"
#include "keras/training_config.h"
#include "keras_support.h"
#include "support/fixture.h"

enum { SAMPLES = 3, STEPS = 5, BATCH = 4, NAME = 64, KIND = 16 };

/* Of the largest number of an array: values, gradients. Of weights in a training: absolute. */
static const double VALUES = 1e-5, GRADIENTS = 1e-4, TRAINED = 1e-4;

/* Where a Keras is not followed: the case must differ, or be refused, or this line is wrong. */
static const struct exception { const char *version, *name, *why; } exceptions[] = {
    {"keras2", "BatchNormalization/options", "pictures move the variance by N / (N - 1) times the batch's"},
    {"keras2", "training SGD/ema", "the average begins with the weights before the first step, in Keras 3 and here with those behind it"},
    {"keras2", "training Nadam/", "in graph mode the product of the momenta is multiplied once a variable, not once a step"},
    {NULL, NULL, NULL}};

static const char *const versions[] = {"keras3", "keras2"};
enum { VERSIONS = sizeof versions / sizeof *versions };

static const char *root(void)
{
    const char *given = getenv("KNN_CONFORMANCE");
    return given != NULL ? given : KNN_FIXTURES "/conformance";
}

/* ---- Cases ---- */

typedef struct asked {
    char *line, *name, *kind, *model, *training;        /* parts of the line */
    fixture *answers, *others;              /* others: where the answer is when both versions gave the same */
    const float *at;                        /* what is not yet read of the answer */
    size_t left;
} asked;

static FILE *open_cases(const char *version)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.cases", root(), version);
    FILE *file = fopen(path, "r");
    if (file == NULL) {                     /* also asked when no test runs yet */
        perror(path);
        exit(EXIT_FAILURE);
    }
    return file;
}

static int count_cases(const char *version)
{
    FILE *file = open_cases(version);
    int count = 0;
    for (int c; (c = fgetc(file)) != EOF;)
        count += c == '\n';
    fclose(file);
    return count;
}

static fixture *open_answers(const char *version)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.fixture", root(), version);
    fixture *file = fixture_open(path);
    ck_assert_msg(file != NULL, "%s", path);
    return file;
}

static asked open_case(const char *version, int index)
{
    asked a = {.answers = open_answers(version), .others = open_answers(versions[0])};
    FILE *file = open_cases(version);
    size_t room = 0;
    char record[NAME], *rest;
    for (int i = 0; i <= index; i++)
        ck_assert(getline(&a.line, &room, file) > 0);
    fclose(file);
    a.line[strcspn(a.line, "\n")] = '\0';
    a.name = strtok_r(a.line, "\t", &rest);
    a.kind = strtok_r(NULL, "\t", &rest);
    a.model = strtok_r(NULL, "\t", &rest);
    a.training = strtok_r(NULL, "\t", &rest);
    snprintf(record, sizeof record, "%s", a.name);
    for (char *blank = record; (blank = strchr(blank, ' ')) != NULL;)
        *blank = '_';
    a.at = fixture_get(a.answers, record, NULL, NULL, &a.left);
    if (a.at == NULL)
        a.at = fixture_get(a.others, record, NULL, NULL, &a.left);
    ck_assert_msg(a.at != NULL, "no answer to %s", record);
    return a;
}

static void close_case(asked *a)
{
    fixture_close(a->answers);
    fixture_close(a->others);
    free(a->line);
}

static const float *take(asked *a, size_t length)
{
    ck_assert_msg(length <= a->left, "%s: the answer is too short: another shape than Keras'", a->name);
    a->at += length;
    a->left -= length;
    return a->at - length;
}

/* ---- The model, as Keras describes it ---- */

static knn_status compile(knn_model *model, knn__reading *reading, const char *text, cJSON **json)
{
    knn_compile_options options;
    knn_status status = knn__json_parse(text, "training_config", json);
    if (status == KNN_OK && !knn__training_config_read(reading, *json, NULL, &options))
        return knn__fail(KNN_ERROR_UNSUPPORTED, "%s", reading->reason);
    return status == KNN_OK ? knn_compile_with(model, &options) : status;
}

/* NULL with an error where the library cannot have it. */
static knn_model *make_model(const asked *a, const char *backend)
{
    cJSON *json = NULL, *training = NULL;
    knn__reading reading = {.old = false};
    knn__config config = {0};
    knn_model *model = knn_sequential(.backend = backend, .threads = 2);
    knn_status status = knn__json_parse(a->model, "model", &json);
    if (status == KNN_OK)
        status = knn__config_read(&config, &reading, json, NULL);
    if (status == KNN_OK)
        status = knn__config_build(&config, &reading, model);
    if (status == KNN_OK)
        status = knn__model_build(model);
    if (status == KNN_OK && a->training != NULL)
        status = compile(model, &reading, a->training, &training);
    if (status != KNN_OK) {
        knn_model_free(model);
        model = NULL;
    }
    knn__config_free(&config);
    knn__reading_free(&reading);
    knn__json_delete(json);
    knn__json_delete(training);
    return model;
}

static void take_weights(asked *a, knn_model *model)
{
    for (size_t i = 0; i < model->weight_count; i++)
        check_ok(knn_set_weight(model, i, take(a, model->weights_table[i].length), model->weights_table[i].length));
}

/* ---- How far off ---- */

typedef struct verdict { double values, gradients; } verdict;       /* largest error, as a part of what is allowed */

static double largest_of(const float *x, size_t length)
{
    double largest = 0;
    for (size_t i = 0; i < length; i++)
        largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

static void compare(double *worst, const float *got, const float *expected, size_t length, double allowed)
{
    for (size_t i = 0; i < length; i++) {
        double error = fabs((double)got[i] - expected[i]);
        if (!check_same(got[i], expected[i]))
            *worst = fmax(*worst, isnan(error) ? INFINITY : error / allowed);
    }
}

static double relative(const float *expected, size_t length, double tolerance)
{
    return fmax(largest_of(expected, length), 1e-6) * tolerance;
}

/* ---- Layers ---- */

typedef struct backward { knn__plan *plan; knn_node *nodes; float *gradients; } backward;

static backward open_plan(const knn_model *model)
{
    backward b = {.gradients = calloc(model->trainable_length + 1, sizeof *b.gradients)};
    int count;
    check_ok(knn__model_nodes(model, &b.nodes, &count));
    const knn__plan_options options = {.backend = model->backend, .nodes = b.nodes, .count = count, .training = true, .capacity = SAMPLES,
        .threads = 2, .input_gradient = true, .weights = model->weights, .gradients = b.gradients};
    check_ok(knn__plan_make(&options, &b.plan));
    knn__plan_prepare(b.plan, 0);
    return b;
}

static void close_plan(backward *b)
{
    knn__plan_free(b->plan);
    knn__free(b->nodes);
    free(b->gradients);
}

static void check_backward(asked *a, knn_model *model, const float *x, verdict *v)
{
    size_t in = SAMPLES * knn_input_length(model), out = SAMPLES * knn_output_length(model);
    backward b = open_plan(model);
    const float *y = take(a, out), *dy = take(a, out), *dx = take(a, in);
    compare(&v->values, knn__plan_forward(b.plan, x, &(knn_run){.images = SAMPLES, .training = true}), y, out, relative(y, out, VALUES));
    if (knn__plan_loss_gradient(b.plan) != NULL) {      /* NULL: the numbers in another shape, no step to go back through */
        memcpy(knn__plan_loss_gradient(b.plan), dy, out * sizeof *dy);
        knn__plan_backward(b.plan);
        compare(&v->gradients, knn__plan_input_gradient(b.plan), dx, in, relative(dx, in, GRADIENTS));
    } else
        compare(&v->gradients, dy, dx, in, relative(dx, in, GRADIENTS));
    for (int trainable = 1; trainable >= 0; trainable--)        /* gradients of these, then what became of the others */
        for (size_t i = 0; i < model->weight_count; i++) {
            const knn__model_weight *w = &model->weights_table[i];
            if (w->spec.trainable != (trainable == 1))
                continue;
            const float *expected = take(a, w->length), *got = (trainable ? b.gradients : model->weights) + w->offset;
            compare(&v->gradients, got, expected, w->length, relative(expected, w->length, GRADIENTS));
        }
    close_plan(&b);
}

static void check_layer(asked *a, knn_model *model, verdict *v)
{
    size_t out = SAMPLES * knn_output_length(model);
    const float *x = take(a, SAMPLES * knn_input_length(model));
    take_weights(a, model);
    const float *expected = take(a, out);
    float *y = malloc(out * sizeof *y);
    check_ok(knn_predict(model, x, SAMPLES, y, out));
    compare(&v->values, y, expected, out, relative(expected, out, VALUES));
    free(y);
    if (strcmp(a->kind, "layer") == 0)
        check_backward(a, model, x, v);
}

/* ---- Trainings ---- */

static void check_weights(asked *a, const knn_model *model, verdict *v)
{
    for (size_t i = 0; i < model->weight_count; i++) {
        size_t length = model->weights_table[i].length;
        float *got = malloc(length * sizeof *got);
        check_ok(knn_get_weight(model, i, got, length));
        compare(&v->gradients, got, take(a, length), length, TRAINED);
        free(got);
    }
}

static void check_evaluation(asked *a, const knn_model *model, const float *x, const float *y, verdict *v)
{
    double got[1 + KNN_MAX_METRICS];
    size_t count = 1 + (size_t)model->compiled.metric_count;
    knn_shape in = model->input;
    knn_dataset *data = knn_flow(x, y, STEPS * BATCH, in.size[0], in.size[1], in.size[2], .outputs = (int)knn__target_length(model));
    ck_assert_msg(data != NULL, "%s", knn_last_error());
    check_ok(knn_evaluate(model, data, got, count, .batch_size = BATCH));
    const float *expected = take(a, count);
    for (size_t i = 0; i < count; i++) {
        float value = (float)got[i];
        compare(&v->values, &value, &expected[i], 1, fmax(fabs((double)expected[i]), 0.1) * TRAINED);
    }
    knn_dataset_free(data);
}

static void check_training(asked *a, knn_model *model, verdict *v)
{
    size_t in = BATCH * knn_input_length(model), labels = BATCH * knn__target_length(model);
    float *xs = malloc(STEPS * in * sizeof *xs), *ys = malloc(STEPS * labels * sizeof *ys);
    take_weights(a, model);
    for (size_t step = 0; step < STEPS; step++) {
        const float *x = memcpy(xs + step * in, take(a, in), in * sizeof *xs), *y = memcpy(ys + step * labels, take(a, labels), labels * sizeof *ys);
        check_ok(knn_train_on_batch(model, x, y, BATCH, NULL, 0));
        check_weights(a, model, v);
    }
    check_evaluation(a, model, xs, ys, v);
    free(xs);
    free(ys);
}

/* ---- The tests ---- */

static const char *exception_of(const char *version, const char *name)
{
    for (const struct exception *e = exceptions; e->name != NULL; e++)
        if (strcmp(e->version, version) == 0 && strcmp(e->name, name) == 0)
            return e->why;
    return NULL;
}

static void record(const char *version, const asked *a, const verdict *v, const char *remark)
{
    bool training = strcmp(a->kind, "training") == 0;
    const char *path = getenv("KNN_CONFORMANCE_RESULTS");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file == NULL)
        return;
    fprintf(file, "%s\t%s\t%s\t%.1g\t%.1g\t%s\n", version, a->kind, a->name, v->values * (training ? TRAINED : VALUES),
            v->gradients * (training ? TRAINED : GRADIENTS), remark);
    fclose(file);
}

static void run_case(const char *version, int index, const char *backend)
{
    asked a = open_case(version, index);
    verdict v = {0};
    const char *why = exception_of(version, a.name);
    knn_model *model = make_model(&a, backend);
    if (model == NULL)
        v.values = INFINITY;
    else if (strcmp(a.kind, "training") == 0)
        check_training(&a, model, &v);
    else
        check_layer(&a, model, &v);
    if (strcmp(backend, "cpu") == 0)
        record(version, &a, &v, why != NULL ? why : model == NULL ? knn_last_error() : "");
    bool agrees = v.values <= 1 && v.gradients <= 1;
    ck_assert_msg(model != NULL || why != NULL, "%s: %s: %s", version, a.name, knn_last_error());
    ck_assert_msg(agrees || why != NULL, "%s: %s: %s: values off by %.3g, gradients by %.3g times what is allowed", version, a.name, backend,
                  v.values, v.gradients);
    ck_assert_msg(!agrees || why == NULL, "%s: %s agrees, although: %s", version, a.name, why);
    ck_assert_msg(!agrees || a.left == 0, "%s: %s: %zu numbers are left", version, a.name, a.left);
    knn_model_free(model);
    close_case(&a);
}

static void check_case(const char *version, int index)
{
    run_case(version, index, "cpu");
    run_case(version, index, "reference");
}

START_TEST(keras_3_and_the_library_agree) { check_case(versions[0], _i); }
END_TEST
START_TEST(tf_keras_and_the_library_agree) { check_case(versions[1], _i); }
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras/conformance");
    TCase *cases = tcase_create("conformance");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, keras_3_and_the_library_agree, 0, count_cases(versions[0]));
    tcase_add_loop_test(cases, tf_keras_and_the_library_agree, 0, count_cases(versions[1]));
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
