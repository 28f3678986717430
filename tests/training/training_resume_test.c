/* Backup and restore: an interrupted training goes on bit for bit, wherever it was; a backup that does not fit is refused. */
#include "core/memory.h"
#include "support/check_run.h"
#include "training/tiny.h"

#include <signal.h>
#include <sys/wait.h>

static tiny_data data;
static knn_dataset *training, *validation;
static char backup[200], log_path[200];

static void setup(void)
{
    tiny_fill(&data, 3);
    training = tiny_set(&data, 40);
    validation = knn_flow(data.x + 40 * TINY_LENGTH, data.y + 40, 24, TINY_SIDE, TINY_SIDE, 1);
    snprintf(backup, sizeof backup, "%s", tiny_path("backup.h5"));
    snprintf(log_path, sizeof log_path, "%s", tiny_path("log.csv"));
}

static void teardown(void)
{
    knn_dataset_free(training);
    knn_dataset_free(validation);
    tiny_clean();
}

/* Where a training is interrupted; batch -1: at the epoch's end. */
typedef struct interruption { int epoch, batch; knn_status answer; bool kill; } interruption;

static knn_status interrupt(const knn_event *event, void *user)
{
    const interruption *at = user;
    bool here = at->batch < 0 ? event->kind == KNN_EPOCH_END : event->kind == KNN_BATCH_END && (int)event->batch == at->batch;
    if (here && event->epoch == at->epoch && at->kill)
        raise(SIGKILL);
    return here && event->epoch == at->epoch ? at->answer : KNN_OK;
}

static const interruption never = {.epoch = -1};
enum { FINISHED = 6 };

/* The backup stands first in the list: it must know what those behind it did in the epoch. For the one that stops early only
 * the first epoch is an improvement: it keeps these weights and ends the training behind FINISHED epochs. */
static knn_status train(knn_model *model, const interruption *at)
{
    interruption copy = *at;
    return knn_fit(model, training, .epochs = 50, .batch_size = 16, .validation_data = validation,
                   .callbacks = {knn_backup_and_restore(backup), knn_call(.function = interrupt, .user = &copy),
                                 knn_csv_logger(log_path), knn_reduce_lr_on_plateau(.patience = 1, .min_delta = 0.05, .factor = 0.5),
                                 knn_early_stopping(.min_delta = 10, .patience = FINISHED - 1, .restore_best_weights = true)});
}

static knn_model *fresh(void) { return tiny_model(knn_rmsprop(.momentum = 0.5, .centered = true), 1); }

static void same_training(const knn_model *a, const knn_model *b, const char *log_a)
{
    const knn_history *first = knn_model_history(a), *second = knn_model_history(b);
    ck_assert(tiny_same_weights(a, b));
    ck_assert_uint_eq(knn_history_epochs(first), knn_history_epochs(second));
    ck_assert_uint_eq(knn_history_key_count(first), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(knn_history_key(first, i), knn_history_key(second, i));
        const char *key = knn_history_key(first, i);
        ck_assert_mem_eq(knn_history_values(first, key), knn_history_values(second, key),
                         knn_history_epochs(first) * sizeof(double));
    }
    ck_assert_double_eq(knn_learning_rate(a), knn_learning_rate(b));
    char *log_b = tiny_read(log_path);
    ck_assert_str_eq(log_a, log_b);
    free(log_b);
}

START_TEST(an_interrupted_training_goes_on_bit_for_bit)
{
    static const interruption where[] = {
        {0, 0, KNN_STOP, false}, {0, -1, KNN_STOP, false}, {1, 2, KNN_STOP, false}, {3, 1, KNN_ERROR_IO, false},
        {4, -1, KNN_STOP, false}, {5, 0, KNN_STOP, false}, {5, -1, KNN_STOP, false}};
    knn_model *whole = fresh();
    check_ok(train(whole, &never));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(whole)), FINISHED);
    ck_assert_int_eq(access(backup, F_OK), -1);                 /* it ended by itself */
    char *log = tiny_read(log_path);

    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        knn_model *first = fresh(), *second = fresh();
        ck_assert_int_eq(train(first, &where[i]), where[i].answer == KNN_STOP ? KNN_OK : KNN_ERROR_CALLBACK);
        knn_model_free(first);
        check_ok(train(second, &never));
        same_training(whole, second, log);
        ck_assert_int_eq(access(backup, F_OK), -1);
        knn_model_free(second);
    }
    free(log);
    knn_model_free(whole);
}
END_TEST

/* Each run finishes an epoch, and is stopped in the next one or at its end. */
START_TEST(a_training_interrupted_again_and_again_goes_on)
{
    const int batch = _i == 0 ? 1 : -1;
    knn_model *whole = fresh(), *pieces = NULL;
    check_ok(train(whole, &never));
    char *log = tiny_read(log_path);
    for (int epoch = 0; epoch < FINISHED; epoch++) {
        knn_model_free(pieces);
        pieces = fresh();
        check_ok(train(pieces, &(interruption){epoch, batch, KNN_STOP, false}));
        ck_assert_int_eq((int)knn_history_epochs(knn_model_history(pieces)), batch < 0 ? epoch + 1 : epoch);
    }
    check_ok(train(pieces, &never));
    same_training(whole, pieces, log);
    free(log);
    knn_model_free(whole);
    knn_model_free(pieces);
}
END_TEST

START_TEST(a_killed_training_goes_on_bit_for_bit)
{
    static const interruption where[] = {{0, 1, KNN_OK, true}, {2, 0, KNN_OK, true}, {2, -1, KNN_OK, true}, {5, 2, KNN_OK, true}};
    knn_model *whole = fresh(), *rest = fresh();
    check_ok(train(whole, &never));
    char *log = tiny_read(log_path);
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            train(fresh(), &where[i]);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    check_ok(train(rest, &never));
    same_training(whole, rest, log);
    free(log);
    knn_model_free(whole);
    knn_model_free(rest);
}
END_TEST

START_TEST(early_stopping_ends_a_training_by_itself)
{
    knn_model *model = fresh();
    check_ok(knn_fit(model, training, .epochs = 50, .callbacks = {knn_backup_and_restore(backup),
                     knn_early_stopping("loss", .patience = 1, .min_delta = 10)}));
    ck_assert_uint_lt(knn_history_epochs(knn_model_history(model)), 50);
    ck_assert_int_eq(access(backup, F_OK), -1);
    knn_model_free(model);
}
END_TEST

START_TEST(an_epoch_cut_short_is_not_in_the_backup)
{
    knn_model *model = fresh();
    check_ok(train(model, &(interruption){0, 1, KNN_STOP, false}));
    ck_assert_int_eq(access(backup, F_OK), -1);                 /* there is nothing yet */
    check_ok(train(model, &(interruption){0, -1, KNN_STOP, false}));
    ck_assert_int_eq(access(backup, F_OK), 0);
    knn_model_free(model);
}
END_TEST

START_TEST(a_backup_of_another_training_is_refused_and_named)
{
    knn_model *model = fresh();
    check_ok(train(model, &(interruption){1, -1, KNN_STOP, false}));
    size_t length, after;
    float *before = tiny_weights(model, &length);
    const knn_callback *const restore = knn_backup_and_restore(backup);
    const knn_callback *const rate = knn_reduce_lr_on_plateau();
    ck_assert_int_lt(knn_fit(model, training, .batch_size = 8, .validation_data = validation, .callbacks = {restore, rate}), 0);
    check_error_names("batch size");
    check_error_names("16");
    check_error_names("8");
    check_error_names(backup);
    ck_assert_int_lt(knn_fit(model, validation, .batch_size = 16, .validation_data = validation,
                             .callbacks = {restore, rate}), 0);
    check_error_names("training samples");
    ck_assert_int_lt(knn_fit(model, training, .batch_size = 16, .validation_data = validation, .callbacks = {restore}), 0);
    check_error_names("logs");
    knn_model *other = tiny_model(knn_sgd(), 1);
    ck_assert_int_lt(knn_fit(other, training, .batch_size = 16, .validation_data = validation,
                             .callbacks = {restore, rate}), 0);
    check_error_names("optimizer");
    knn_model_free(other);
    float *now = tiny_weights(model, &after);
    ck_assert_mem_eq(before, now, length * sizeof *now);
    free(before);
    free(now);
    knn_model_free(model);
}
END_TEST

START_TEST(a_file_that_is_no_backup_stays)
{
    FILE *file = fopen(backup, "w");
    fputs("a letter", file);
    fclose(file);
    knn_model *model = fresh();
    ck_assert_int_lt(train(model, &never), 0);
    check_error_names(backup);
    char *text = tiny_read(backup);
    ck_assert_str_eq(text, "a letter");
    free(text);
    knn_model_free(model);
}
END_TEST

START_TEST(a_training_has_one_backup)
{
    knn_model *model = fresh();
    ck_assert_int_eq(knn_fit(model, training, .callbacks = {knn_backup_and_restore(backup), knn_backup_and_restore(log_path)}),
                     KNN_ERROR_ARGUMENT);
    check_error_names("one backup");
    ck_assert_int_eq(knn_fit(model, training, .callbacks = {knn_backup_and_restore("/nowhere/backup.h5")}), KNN_ERROR_IO);
    check_error_names("/nowhere/backup.h5");
    knn_model_free(model);
}
END_TEST

START_TEST(an_appended_csv_log_is_not_doubled_by_resuming)
{
    FILE *file = fopen(log_path, "w");
    fputs("epoch,acc,loss\n0,1,2\n", file);
    fclose(file);
    for (int epoch = 0; epoch < 3; epoch++) {
        interruption at = {epoch, -1, KNN_STOP, false};
        knn_model *model = fresh();
        check_ok(knn_fit(model, training, .epochs = 3, .callbacks = {knn_call(.function = interrupt, .user = &at),
                         knn_csv_logger(log_path, .append = true), knn_backup_and_restore(backup)}));
        knn_model_free(model);
    }
    char *text = tiny_read(log_path);
    int lines = 0;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_int_eq(lines, 5);
    ck_assert_int_eq(strncmp(text, "epoch,acc,loss\n0,1,2\n0,", 23), 0);
    ck_assert_ptr_nonnull(strstr(text, "\n2,"));
    free(text);
}
END_TEST

/* Every allocation of a resumed fit fails once: the backup stays, and nothing leaks. */
START_TEST(failed_allocations_leak_nothing)
{
    knn_model *first = fresh();
    check_ok(train(first, &(interruption){4, -1, KNN_STOP, false}));
    knn_model_free(first);
    size_t blocks = knn__live_blocks();
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status != KNN_OK; n++) {
        ck_assert_int_lt(n, 5000);
        ck_assert_int_eq(access(backup, F_OK), 0);
        knn_model *model = fresh();
        knn__fail_allocation(n);
        status = train(model, &(interruption){5, 0, KNN_STOP, false});
        knn__fail_allocation(0);
        ck_assert_msg(status == KNN_OK || status == KNN_ERROR_MEMORY, "%s", knn_last_error());
        knn_model_free(model);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/resume");
    TCase *cases = tcase_create("resume");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, an_interrupted_training_goes_on_bit_for_bit);
    tcase_add_loop_test(cases, a_training_interrupted_again_and_again_goes_on, 0, 2);
    tcase_add_test(cases, a_killed_training_goes_on_bit_for_bit);
    tcase_add_test(cases, early_stopping_ends_a_training_by_itself);
    tcase_add_test(cases, an_epoch_cut_short_is_not_in_the_backup);
    tcase_add_test(cases, a_backup_of_another_training_is_refused_and_named);
    tcase_add_test(cases, a_file_that_is_no_backup_stays);
    tcase_add_test(cases, a_training_has_one_backup);
    tcase_add_test(cases, an_appended_csv_log_is_not_doubled_by_resuming);
    tcase_add_test(cases, failed_allocations_leak_nothing);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
