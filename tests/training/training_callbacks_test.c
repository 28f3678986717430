/* Callbacks that watch or write the logs: given sequences of numbers by hand, without a training. */
#include "core/memory.h"
#include "model/history.h"
#include "support/check_run.h"
#include "training/callbacks.h"
#include "training/tiny.h"

#include <math.h>

/* A training that only passes on numbers: logs val_loss, or another key. */
typedef struct stage {
    knn_model *model;
    knn__training training;
} stage;

static stage open_stage(const char *key, const knn_callback *callback)
{
    stage s = {.model = tiny_line(0.8, 1, 0)};
    bool logs_rate;
    check_ok(knn__model_build(s.model));
    s.training = (knn__training){.model = s.model, .options = {.epochs = 100, .callbacks = {callback}}, .batches = 1};
    s.training.logs = (knn__logs){.names = {knn__copy_text("loss"), knn__copy_text(key)}, .training = 1, .count = 2, .rate = 2};
    s.model->history = knn__history_new((const char *const *)s.training.logs.names, 2);
    check_ok(knn__callbacks_describe(&s.training, &logs_rate));
    return s;
}

static stage begin(const char *key, const knn_callback *callback)
{
    stage s = open_stage(key, callback);
    check_ok(knn__callbacks_create(&s.training));
    check_ok(knn__callbacks_notify(&s.training, KNN_TRAIN_BEGIN));
    return s;
}

static void end_epoch(stage *s, double value)
{
    s->training.logs.values[0] = value / 2;
    s->training.logs.values[1] = value;
    check_ok(knn__history_append(s->model->history, s->training.epoch, s->training.logs.values));
    check_ok(knn__callbacks_notify(&s->training, KNN_EPOCH_END));
    s->training.epoch++;
}

static void close_stage(stage *s)
{
    knn__callbacks_free(&s->training);
    knn__logs_free(&s->training.logs);
    knn_model_free(s->model);
}

/* ---- EarlyStopping ---- */

/* The epoch in which training stops (-1: never), and the one whose weights are there at the end. */
typedef struct outcome { int stopped, weights; } outcome;

static outcome run(const char *key, const knn_callback *callback, const double *values, int count)
{
    stage s = begin(key, callback);
    outcome result = {-1, -1};
    for (int i = 0; i < count && result.stopped < 0; i++) {
        const float w = (float)i;
        check_ok(knn_set_weight(s.model, 0, &w, 1));
        end_epoch(&s, values[i]);
        if (s.training.stop)
            result.stopped = i;
    }
    check_ok(knn__callbacks_notify(&s.training, KNN_TRAIN_END));
    float w;
    check_ok(knn_get_weight(s.model, 0, &w, 1));
    result.weights = (int)w;
    close_stage(&s);
    return result;
}

#define check_run_of(callback, stops_at, weights_of, ...)                                                                   \
    do {                                                                                                                    \
        const double check_values[] = {__VA_ARGS__};                                                                        \
        outcome check_o = run("val_loss", callback, check_values, sizeof check_values / sizeof(double));                    \
        ck_assert_int_eq(check_o.stopped, stops_at);                                                                        \
        ck_assert_int_eq(check_o.weights, weights_of);                                                                      \
    } while (0)

START_TEST(early_stopping_waits_for_its_patience)
{
    check_run_of(knn_early_stopping(.patience = 2, .restore_best_weights = true), 3, 1, 1.0, 0.9, 0.95, 0.96, 0.5);
    check_run_of(knn_early_stopping(.patience = 2), 3, 3, 1.0, 0.9, 0.95, 0.96, 0.5);
    check_run_of(knn_early_stopping(), 1, 1, 1.0, 1.1, 0.5);
    check_run_of(knn_early_stopping(.patience = 2), -1, 5, 1.0, 1.1, 0.9, 1.1, 0.8, 1.1);
}
END_TEST

START_TEST(early_stopping_restores_the_best_weights_also_where_it_did_not_stop)
{
    check_run_of(knn_early_stopping(.patience = 5, .restore_best_weights = true), -1, 2, 1.0, 0.9, 0.8);
    check_run_of(knn_early_stopping(.patience = 5, .restore_best_weights = true), -1, 1, 1.0, 0.8, 0.9);
}
END_TEST

START_TEST(an_improvement_of_exactly_min_delta_does_not_count)
{
    check_run_of(knn_early_stopping(.patience = 2, .min_delta = 0.1), 2, 2, 1.0, 0.9, 0.95);
    check_run_of(knn_early_stopping(.patience = 2, .min_delta = -0.125), 2, 2, 1.0, 0.875, 1.0);
}
END_TEST

START_TEST(early_stopping_has_a_baseline)
{
    /* it improves, but never below the baseline */
    check_run_of(knn_early_stopping(.patience = 3, .baseline = 0.5), 4, 4, 1.0, 0.9, 0.8, 0.7, 0.75);
    check_run_of(knn_early_stopping(.patience = 2, .baseline = 0.5), 3, 3, 1.0, 0.4, 0.45, 0.45);
    check_run_of(knn_early_stopping(.patience = 1, .baseline = KNN_ZERO), 2, 2, 2.0, 1.0, 1.5);
}
END_TEST

START_TEST(early_stopping_leaves_the_first_epochs_alone)
{
    check_run_of(knn_early_stopping(.start_from_epoch = 2, .restore_best_weights = true), 3, 2, 0.1, 0.2, 0.3, 0.4);
}
END_TEST

START_TEST(early_stopping_takes_nan_for_no_improvement)
{
    check_run_of(knn_early_stopping(.patience = 2, .restore_best_weights = true), 2, 0, 1.0, NAN, NAN, 0.1);
}
END_TEST

START_TEST(accuracies_are_better_when_they_grow)
{
    const double values[] = {0.5, 0.6, 0.55};
    ck_assert_int_eq(run("val_acc", knn_early_stopping("val_acc"), values, 3).stopped, 2);
    ck_assert_int_eq(run("val_accuracy", knn_early_stopping("val_acc"), values, 3).stopped, 2);        /* the same key */
    ck_assert_int_eq(run("val_auc", knn_early_stopping("val_auc"), values, 3).stopped, 2);
    ck_assert_int_eq(run("val_acc", knn_early_stopping("val_acc", .mode = KNN_MODE_MIN), values, 3).stopped, 1);
    ck_assert_int_eq(run("val_x", knn_early_stopping("val_x", .mode = KNN_MODE_MAX), values, 3).stopped, 2);
    ck_assert_int_eq(run("val_x", knn_early_stopping("val_x"), values, 3).stopped, 1);
}
END_TEST

/* ---- Learning rates ---- */

START_TEST(reduce_on_plateau_reduces_once_a_patience)
{
    stage s = begin("val_loss", knn_reduce_lr_on_plateau(.factor = 0.5, .patience = 2, .min_lr = 0.15));
    static const double values[] = {1, 1, 1, 0.99995, 1, 0.5, 1, 1}, rates[] = {0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2, 0.15};
    for (int i = 0; i < 8; i++) {
        end_epoch(&s, values[i]);
        ck_assert_double_eq_tol(knn_learning_rate(s.model), rates[i], 1e-12);
    }
    close_stage(&s);
}
END_TEST

START_TEST(nothing_counts_while_it_cools_down)
{
    stage s = begin("val_loss", knn_reduce_lr_on_plateau(.factor = 0.5, .patience = 1, .cooldown = 2));
    static const double rates[] = {0.8, 0.4, 0.4, 0.2, 0.2, 0.1};
    for (int i = 0; i < 6; i++) {
        end_epoch(&s, 1);
        ck_assert_double_eq_tol(knn_learning_rate(s.model), rates[i], 1e-12);
    }
    close_stage(&s);
}
END_TEST

static double halve(int epoch, double rate, void *user)
{
    ck_assert_int_eq(epoch, ++*(int *)user - 1);
    return rate / 2;
}

START_TEST(a_scheduler_sets_the_rate_of_each_epoch)
{
    int epoch = 0;
    stage s = begin("val_loss", knn_learning_rate_scheduler(halve, &epoch));
    for (int i = 0; i < 2; i++) {
        check_ok(knn__callbacks_notify(&s.training, KNN_EPOCH_BEGIN));
        ck_assert_double_eq_tol(knn_learning_rate(s.model), i == 0 ? 0.4 : 0.2, 1e-12);
        end_epoch(&s, 1);
    }
    close_stage(&s);
}
END_TEST

static double no_rate(int epoch, double rate, void *user) { (void)epoch; (void)user; return rate * NAN; }

START_TEST(a_schedulers_rate_must_be_one)
{
    stage s = begin("val_loss", knn_learning_rate_scheduler(no_rate));
    ck_assert_int_eq(knn__callbacks_notify(&s.training, KNN_EPOCH_BEGIN), KNN_ERROR_ARGUMENT);
    check_error_names("LearningRateScheduler");
    close_stage(&s);
}
END_TEST

/* In a fit, since the rate's place in the logs is fit's. */
START_TEST(the_logged_rate_is_the_one_of_the_epoch)
{
    const float x[] = {1}, y[] = {0};
    knn_dataset *set = knn_flow(x, y, 1, 1);
    knn_model *model = tiny_line(0.5, 1, 0);
    check_ok(knn_fit(model, set, .epochs = 3, .callbacks = {knn_reduce_lr_on_plateau("loss", .patience = 1)}));
    const double *rates = knn_history_values(knn_model_history(model), "lr");
    ck_assert_ptr_nonnull(rates);                       /* w x + b oscillates between 1 and -1: the loss stays */
    ck_assert_double_eq(rates[0], 0.5);
    ck_assert_double_eq(rates[1], 0.5);
    ck_assert_double_eq_tol(rates[2], 0.05, 1e-12);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(terminate_on_nan_stops_behind_the_batch)
{
    stage s = begin("val_loss", knn_terminate_on_nan());
    s.training.batch_loss = 1;
    check_ok(knn__callbacks_notify(&s.training, KNN_BATCH_END));
    ck_assert(!s.training.stop);
    s.training.batch_loss = INFINITY;
    check_ok(knn__callbacks_notify(&s.training, KNN_BATCH_END));
    ck_assert(s.training.stop && !s.training.interrupted);
    close_stage(&s);
}
END_TEST

/* ---- Files ---- */

START_TEST(the_csv_log_has_sorted_keys_and_is_whole_each_epoch)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("log.csv"));
    stage s = begin("acc", knn_csv_logger(path));
    char *text = tiny_read(path);
    ck_assert_str_eq(text, "epoch,acc,loss\n");
    free(text);
    end_epoch(&s, 0.5);
    end_epoch(&s, NAN);
    text = tiny_read(path);
    ck_assert_str_eq(text, "epoch,acc,loss\n0,0.5,0.25\n1,NaN,NaN\n");
    free(text);
    close_stage(&s);
    tiny_clean();
}
END_TEST

START_TEST(an_appended_csv_log_has_one_header)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("log.csv"));
    for (int i = 0; i < 2; i++) {
        stage s = begin("acc", knn_csv_logger(path, .append = true));
        end_epoch(&s, i + 1);
        close_stage(&s);
    }
    char *text = tiny_read(path);
    ck_assert_str_eq(text, "epoch,acc,loss\n0,1,0.5\n0,2,1\n");
    free(text);
    tiny_clean();
}
END_TEST

START_TEST(keys_with_commas_are_quoted)
{
    const char *const keys[] = {"a,b", "c\"d"};
    knn__history *history = knn__history_new(keys, 2);
    knn__text text = {0};
    check_ok(knn__history_append(history, 0, (double[]){1, 2}));
    knn__history_add_csv(history, ",", true, false, &text);
    ck_assert_str_eq(text.data, "epoch,\"a,b\",\"c\"\"d\"\n0,1,2\n");
    knn__text_free(&text);
    knn__history_add_csv(history, ";", true, false, &text);
    ck_assert_str_eq(text.data, "epoch;a,b;\"c\"\"d\"\n0;1;2\n");
    knn__text_free(&text);
    knn__history_free(history);
}
END_TEST

START_TEST(a_csv_log_may_have_another_separator)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("log.csv"));
    stage s = begin("acc", knn_csv_logger(path, .separator = "\t"));
    end_epoch(&s, 0.5);
    char *text = tiny_read(path);
    ck_assert_str_eq(text, "epoch\tacc\tloss\n0\t0.5\t0.25\n");
    free(text);
    close_stage(&s);
    tiny_clean();
}
END_TEST

static bool exists(const char *name) { return access(tiny_path(name), F_OK) == 0; }

START_TEST(a_checkpoints_path_has_fields)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("{epoch:03d}-{val_loss:.2f}-{loss:06.1f}{{}}.h5"));
    stage s = begin("val_loss", knn_model_checkpoint(path));
    ck_assert(!exists("001-0.00-0000.0{}.h5"));         /* tried, but not left behind */
    end_epoch(&s, 0.126);
    ck_assert(exists("001-0.13-0000.1{}.h5"));
    end_epoch(&s, -3);
    ck_assert(exists("002--3.00--001.5{}.h5"));
    close_stage(&s);
    tiny_clean();
}
END_TEST

START_TEST(a_checkpoint_may_keep_the_best_only)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("{epoch}.h5"));
    stage s = begin("val_acc", knn_model_checkpoint(path, "val_acc", .save_best_only = true));
    static const double values[] = {0.5, 0.5, 0.6, NAN, 0.55};
    for (int i = 0; i < 5; i++)
        end_epoch(&s, values[i]);
    ck_assert(exists("1.h5") && !exists("2.h5") && exists("3.h5") && !exists("4.h5") && !exists("5.h5"));
    close_stage(&s);
    tiny_clean();
}
END_TEST

START_TEST(a_checkpoint_may_have_a_number_to_beat)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("{epoch}.h5"));
    stage s = begin("val_loss", knn_model_checkpoint(path, .save_best_only = true, .initial_value_threshold = 0.5));
    static const double values[] = {0.6, 0.5, 0.4};
    for (int i = 0; i < 3; i++)
        end_epoch(&s, values[i]);
    ck_assert(!exists("1.h5") && !exists("2.h5") && exists("3.h5"));
    close_stage(&s);
    tiny_clean();
}
END_TEST

/* Batches are counted over the epochs; folders are made. */
START_TEST(a_checkpoint_may_save_each_few_batches)
{
    char path[200];
    snprintf(path, sizeof path, "%s", tiny_path("new/{epoch}/{batch:02d}-{loss:.1f}.h5"));
    stage s = begin("val_loss", knn_model_checkpoint(path, .save_freq = 2));
    for (s.training.epoch = 0; s.training.epoch < 2; s.training.epoch++) {
        for (s.training.batch = 0; s.training.batch < 3; s.training.batch++) {
            s.training.logs.values[0] = (double)s.training.batch;
            check_ok(knn__callbacks_notify(&s.training, KNN_BATCH_END));
        }
        check_ok(knn__callbacks_notify(&s.training, KNN_EPOCH_END));
    }
    ck_assert(exists("new/1/02-1.0.h5") && exists("new/2/01-0.0.h5") && exists("new/2/03-2.0.h5"));
    ck_assert(!exists("new/1/01-0.0.h5") && !exists("new/1/03-2.0.h5") && !exists("new/2/02-1.0.h5"));
    close_stage(&s);
    tiny_clean();
}
END_TEST

START_TEST(metrics_that_are_errors_are_better_when_they_shrink)
{
    const float x[] = {1}, y[] = {0};
    knn_dataset *set = knn_flow(x, y, 1, 1);
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(1));
    knn_add(model, knn_dense(1, .kernel_initializer = knn_constant(1)));
    check_ok(knn_compile(model, .optimizer = knn_sgd(0.1), .loss = knn_mean_squared_error(),
                         .metrics = {knn_mean_absolute_error_metric("mae"), knn_binary_accuracy("hits")}));
    /* the error shrinks; the accuracy stays, which is no improvement */
    check_ok(knn_fit(model, set, .epochs = 4, .callbacks = {knn_early_stopping("mae")}));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 4);
    check_ok(knn_fit(model, set, .epochs = 4, .validation_data = set, .callbacks = {knn_early_stopping("val_hits")}));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 2);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

static void refused(const char *key, const knn_callback *callback, knn_status status, const char *words)
{
    stage s = open_stage(key, callback);
    ck_assert_int_eq(knn__callbacks_create(&s.training), status);
    check_error_names(words);
    check_error_names(callback->class_name);
    close_stage(&s);
}

START_TEST(what_cannot_work_is_refused_before_the_first_epoch)
{
    refused("acc", knn_early_stopping(), KNN_ERROR_ARGUMENT,
            "monitor \"val_loss\" is no key of this training, expected one of loss, acc");
    refused("acc", knn_reduce_lr_on_plateau("x"), KNN_ERROR_ARGUMENT, "monitor \"x\"");
    refused("val_loss", knn_reduce_lr_on_plateau(.factor = 1), KNN_ERROR_ARGUMENT, "factor is 1");
    refused("acc", knn_model_checkpoint("a.h5", .save_best_only = true), KNN_ERROR_ARGUMENT, "val_loss");
    refused("acc", knn_model_checkpoint(NULL), KNN_ERROR_ARGUMENT, "NULL");
    refused("acc", knn_model_checkpoint("/dev/null/a.h5"), KNN_ERROR_IO, "/dev/null");
    refused("acc", knn_model_checkpoint("{val_acc:.2f}.h5"), KNN_ERROR_ARGUMENT, "val_acc");
    refused("acc", knn_model_checkpoint("{epoch:.2f}.h5"), KNN_ERROR_ARGUMENT, "{epoch:.2f}");
    refused("acc", knn_model_checkpoint("{acc:d}.h5"), KNN_ERROR_ARGUMENT, "{acc:d}");
    refused("acc", knn_model_checkpoint("{epoch.h5"), KNN_ERROR_ARGUMENT, "brace");
    refused("val_acc", knn_model_checkpoint("{val_acc}.h5", .save_freq = 1), KNN_ERROR_ARGUMENT, "within an epoch");
    refused("val_acc", knn_model_checkpoint("a.h5", "val_acc", .save_freq = 1), KNN_ERROR_ARGUMENT, "within an epoch");
    refused("acc", knn_csv_logger("a", .separator = ""), KNN_ERROR_ARGUMENT, "separator");
    refused("acc", knn_csv_logger(NULL), KNN_ERROR_ARGUMENT, "NULL");
    refused("acc", knn_progress_bar(NULL), KNN_ERROR_ARGUMENT, "NULL");
    refused("acc", knn_call(NULL), KNN_ERROR_ARGUMENT, "NULL");
    refused("acc", knn_learning_rate_scheduler(NULL), KNN_ERROR_ARGUMENT, "NULL");
    refused("acc", knn_backup_and_restore(""), KNN_ERROR_ARGUMENT, "empty");
}
END_TEST

START_TEST(an_unwritable_csv_log_ends_the_training_before_it_begins)
{
    stage s = open_stage("acc", knn_csv_logger("/nowhere/log.csv"));
    check_ok(knn__callbacks_create(&s.training));
    ck_assert_int_eq(knn__callbacks_notify(&s.training, KNN_TRAIN_BEGIN), KNN_ERROR_IO);
    check_error_names("CSVLogger: /nowhere/log.csv");
    close_stage(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/callbacks");
    TCase *cases = tcase_create("callbacks");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, early_stopping_waits_for_its_patience);
    tcase_add_test(cases, early_stopping_restores_the_best_weights_also_where_it_did_not_stop);
    tcase_add_test(cases, an_improvement_of_exactly_min_delta_does_not_count);
    tcase_add_test(cases, early_stopping_has_a_baseline);
    tcase_add_test(cases, early_stopping_leaves_the_first_epochs_alone);
    tcase_add_test(cases, early_stopping_takes_nan_for_no_improvement);
    tcase_add_test(cases, accuracies_are_better_when_they_grow);
    tcase_add_test(cases, reduce_on_plateau_reduces_once_a_patience);
    tcase_add_test(cases, nothing_counts_while_it_cools_down);
    tcase_add_test(cases, a_scheduler_sets_the_rate_of_each_epoch);
    tcase_add_test(cases, a_schedulers_rate_must_be_one);
    tcase_add_test(cases, the_logged_rate_is_the_one_of_the_epoch);
    tcase_add_test(cases, terminate_on_nan_stops_behind_the_batch);
    tcase_add_test(cases, the_csv_log_has_sorted_keys_and_is_whole_each_epoch);
    tcase_add_test(cases, an_appended_csv_log_has_one_header);
    tcase_add_test(cases, keys_with_commas_are_quoted);
    tcase_add_test(cases, a_checkpoints_path_has_fields);
    tcase_add_test(cases, a_checkpoint_may_keep_the_best_only);
    tcase_add_test(cases, a_csv_log_may_have_another_separator);
    tcase_add_test(cases, a_checkpoint_may_have_a_number_to_beat);
    tcase_add_test(cases, a_checkpoint_may_save_each_few_batches);
    tcase_add_test(cases, metrics_that_are_errors_are_better_when_they_shrink);
    tcase_add_test(cases, what_cannot_work_is_refused_before_the_first_epoch);
    tcase_add_test(cases, an_unwritable_csv_log_ends_the_training_before_it_begins);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
