/* Callbacks that monitor, against Keras 3's, which were played the same numbers with the same options
 * (fixtures/training/make_callback_fixtures.py). The first number is always one: of a NaN there Keras 3 makes the best for good. */
#include "core/memory.h"
#include "support/check_run.h"
#include "support/fixture.h"
#include "training/callbacks.h"
#include "training/tiny.h"

#include <math.h>

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/training/callbacks.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

/* Row `index` of an array; the array's sizes where they are wanted. */
static const float *row(const char *callback, const char *what, int index, int *rows, int *columns)
{
    char name[60];
    int rank, shape[8];
    snprintf(name, sizeof name, "%s/%s", callback, what);
    const float *values = fixture_get(stored, name, &rank, shape, NULL);
    ck_assert_msg(values != NULL && rank == 2, "%s is not in the fixture", name);
    if (rows != NULL)
        *rows = shape[0];
    if (columns != NULL)
        *columns = shape[1];
    return values + index * shape[1];
}

/* A training that passes on val_loss. */
typedef struct stage { knn_model *model; knn__training training; } stage;

static stage begin(const knn_callback *callback)
{
    stage s = {.model = tiny_line(0.8, 0, 0)};
    bool logs_rate;
    check_ok(knn__model_build(s.model));
    s.training = (knn__training){.model = s.model, .options = {.epochs = 100, .callbacks = {callback}}, .batches = 1};
    s.training.logs = (knn__logs){.names = {knn__copy_text("loss"), knn__copy_text("val_loss")}, .training = 1, .count = 2, .rate = 2};
    check_ok(knn__callbacks_describe(&s.training, &logs_rate));
    check_ok(knn__callbacks_create(&s.training));
    check_ok(knn__callbacks_notify(&s.training, KNN_TRAIN_BEGIN));
    return s;
}

static void end_epoch(stage *s, float value)
{
    const float w = (float)s->training.epoch;
    check_ok(knn_set_weight(s->model, 0, &w, 1));
    s->training.logs.values[1] = (double)value;
    check_ok(knn__callbacks_notify(&s->training, KNN_EPOCH_END));
    s->training.epoch++;
}

static void close_stage(stage *s)
{
    knn__callbacks_free(&s->training);
    knn__logs_free(&s->training.logs);
    knn_model_free(s->model);
}

static double real(float value) { return value == 0.0f ? KNN_ZERO : (double)value; }
static int count(float value) { return value == 0.0f ? KNN_NONE : (int)value; }

START_TEST(early_stopping_is_keras)
{
    int cases, epochs;
    row("early_stopping", "values", 0, &cases, &epochs);
    for (int i = 0; i < cases; i++) {
        const float *o = row("early_stopping", "options", i, NULL, NULL), *values = row("early_stopping", "values", i, NULL, NULL),
                    *expected = row("early_stopping", "expected", i, NULL, NULL);
        stage s = begin(knn_early_stopping(.mode = (knn_mode)o[0], .patience = (int)o[1], .min_delta = (double)o[2],
                                           .baseline = o[3] > 0 ? real(o[4]) : 0, .restore_best_weights = o[5] > 0,
                                           .start_from_epoch = (int)o[6]));
        float weight;
        while (s.training.epoch < epochs && !s.training.stop)
            end_epoch(&s, values[s.training.epoch]);
        check_ok(knn__callbacks_notify(&s.training, KNN_TRAIN_END));
        check_ok(knn_get_weight(s.model, 0, &weight, 1));
        ck_assert_msg(s.training.epoch == (int)expected[0] && weight == expected[1], "case %d: %d epochs, weights of %g; expected %g, %g", i,
                      s.training.epoch, (double)weight, (double)expected[0], (double)expected[1]);
        close_stage(&s);
    }
}
END_TEST

START_TEST(reduce_lr_on_plateau_is_keras)
{
    int cases, epochs;
    row("plateau", "values", 0, &cases, &epochs);
    for (int i = 0; i < cases; i++) {
        const float *o = row("plateau", "options", i, NULL, NULL), *values = row("plateau", "values", i, NULL, NULL),
                    *expected = row("plateau", "expected", i, NULL, NULL);
        stage s = begin(knn_reduce_lr_on_plateau(.mode = (knn_mode)o[0], .factor = (double)o[1], .patience = count(o[2]),
                                                 .min_delta = real(o[3]), .cooldown = (int)o[4], .min_lr = (double)o[5]));
        for (int epoch = 0; epoch < epochs; epoch++) {
            end_epoch(&s, values[epoch]);
            double rate = knn_learning_rate(s.model);
            ck_assert_msg(fabs(rate - (double)expected[epoch]) <= 1e-6 * rate, "case %d, epoch %d: rate %g, expected %g", i, epoch, rate,
                          (double)expected[epoch]);
        }
        close_stage(&s);
    }
}
END_TEST

START_TEST(model_checkpoint_is_keras)
{
    int cases, epochs;
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("best.h5"));
    row("checkpoint", "values", 0, &cases, &epochs);
    for (int i = 0; i < cases; i++) {
        const float *o = row("checkpoint", "options", i, NULL, NULL), *values = row("checkpoint", "values", i, NULL, NULL),
                    *expected = row("checkpoint", "expected", i, NULL, NULL);
        stage s = begin(knn_model_checkpoint(path, .save_best_only = true, .save_weights_only = true, .mode = (knn_mode)o[0],
                                             .initial_value_threshold = o[1] > 0 ? real(o[2]) : 0));
        for (int epoch = 0; epoch < epochs; epoch++) {
            end_epoch(&s, values[epoch]);
            ck_assert_msg((unlink(path) == 0) == (expected[epoch] > 0), "case %d, epoch %d: expected %s", i, epoch,
                          expected[epoch] > 0 ? "a file" : "none");
        }
        close_stage(&s);
    }
    tiny_clean();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/monitors");
    TCase *cases = tcase_create("monitors");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, early_stopping_is_keras);
    tcase_add_test(cases, reduce_lr_on_plateau_is_keras);
    tcase_add_test(cases, model_checkpoint_is_keras);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
