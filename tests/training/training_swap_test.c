/* SwapEMAWeights against Keras 3 (fixtures/training/make_swap_fixtures.py), in backups, and after failures. */
#include "support/check_array.h"
#include "support/check_run.h"
#include "support/fixture.h"
#include "training/tiny.h"

enum { EPOCHS = 4, WEIGHTS = 8, TRAINED_ON = 24, SAMPLES = 32, BATCH = 8 };

static fixture *stored;

static void setup(void)
{
    stored = fixture_open(KNN_FIXTURES "/training/swap.fixture");
    ck_assert_ptr_nonnull(stored);
}

static void teardown(void) { fixture_close(stored); }

static const float *get(const char *what, const char *part)
{
    char name[32];
    snprintf(name, sizeof name, "%s%s", what, part);
    const float *values = fixture_get(stored, name, NULL, NULL, NULL);
    ck_assert_msg(values != NULL, "%s", name);
    return values;
}

static knn_model *net(bool use_ema)
{
    const float *start = get("start", "");
    knn_model *model = knn_sequential(.threads = 2);
    knn_add(model, knn_input(3));
    knn_add(model, knn_dense(2));
    check_ok(knn_compile(model, .optimizer = knn_sgd(0.2, .momentum = 0.9, .use_ema = use_ema, .ema_momentum = 0.9),
                         .loss = knn_mean_squared_error()));
    check_ok(knn_set_weight(model, 0, start, 6));
    check_ok(knn_set_weight(model, 1, start + 6, 2));
    return model;
}

static knn_dataset *part(int first, int count)
{
    knn_dataset *data = knn_flow(get("x", "") + 3 * first, get("y", "") + 2 * first, (size_t)count, 3, .outputs = 2);
    ck_assert_ptr_nonnull(data);
    return data;
}

typedef struct record { float seen[EPOCHS][WEIGHTS]; int fail_at; } record;     /* fail_at: an epoch, from 1; 0: none */

static void copy_weights(const knn_model *model, float *to)
{
    check_ok(knn_get_weight(model, 0, to, 6));
    check_ok(knn_get_weight(model, 1, to + 6, 2));
}

static knn_status see(const knn_event *event, void *user)
{
    record *seen = user;
    if (event->kind != KNN_EPOCH_END)
        return KNN_OK;
    copy_weights(event->model, seen->seen[event->epoch]);
    return event->epoch + 1 == seen->fail_at ? KNN_ERROR_CALLBACK : KNN_OK;
}

static knn_status fit(knn_model *model, bool on_epoch, record *seen, const knn_callback *more)
{
    knn_dataset *data = part(0, TRAINED_ON), *validation = part(TRAINED_ON, SAMPLES - TRAINED_ON);
    knn_status status = knn_fit(model, data, .epochs = EPOCHS, .batch_size = BATCH, .no_shuffle = true, .validation_data = validation,
                                .callbacks = {knn_swap_ema_weights(on_epoch), knn_call(see, seen), more});
    knn_dataset_free(data);
    knn_dataset_free(validation);
    return status;
}

START_TEST(weights_change_places_when_keras_changes_them)
{
    const char *mode = _i == 1 ? "epoch" : "test";
    record seen = {.fail_at = 0};
    float end[WEIGHTS], losses[EPOCHS];
    knn_model *model = net(true);
    check_ok(fit(model, _i == 1, &seen, NULL));
    const double *values = knn_history_values(knn_model_history(model), "val_loss");
    for (int i = 0; i < EPOCHS; i++)
        losses[i] = (float)values[i];
    copy_weights(model, end);
    check_floats(losses, get(mode, "/val_loss"), EPOCHS, 1e-5, 1e-6);
    check_floats(seen.seen[0], get(mode, "/seen"), (size_t)EPOCHS * WEIGHTS, 1e-5, 1e-6);
    check_floats(end, get(mode, "/end"), WEIGHTS, 1e-5, 1e-6);
    knn_model_free(model);
}
END_TEST

/* The model has the average when the second epoch fails: afterwards it has its weights again. */
START_TEST(after_a_failure_the_weights_are_back)
{
    record seen = {.fail_at = 2}, plain = {.fail_at = 2};
    float got[WEIGHTS], expected[WEIGHTS];
    knn_model *model = net(true), *other = net(true);
    ck_assert_int_eq(fit(model, true, &seen, NULL), KNN_ERROR_CALLBACK);
    ck_assert_int_eq(fit(other, false, &plain, NULL), KNN_ERROR_CALLBACK);
    copy_weights(model, got);
    copy_weights(other, expected);
    ck_assert_mem_eq(got, expected, sizeof got);
    ck_assert(memcmp(seen.seen[1], got, sizeof got) != 0);
    knn_model_free(model);
    knn_model_free(other);
}
END_TEST

/* A backup of the second epoch's end holds the average as the weights. */
START_TEST(a_backup_knows_what_is_swapped)
{
    char path[200];
    record whole = {.fail_at = 0}, cut = {.fail_at = 3};
    knn_model *model = net(true), *resumed = net(true);
    snprintf(path, sizeof path, "%s", tiny_path("swap.h5"));
    check_ok(fit(model, true, &whole, NULL));
    ck_assert_int_eq(fit(resumed, true, &cut, knn_backup_and_restore(path)), KNN_ERROR_CALLBACK);
    knn_model_free(resumed);
    resumed = net(true);
    cut.fail_at = 0;
    check_ok(fit(resumed, true, &cut, knn_backup_and_restore(path)));
    ck_assert(tiny_same_weights(model, resumed));
    ck_assert_mem_eq(whole.seen[3], cut.seen[3], sizeof whole.seen[3]);
    knn_model_free(model);
    knn_model_free(resumed);
    tiny_clean();
}
END_TEST

START_TEST(an_optimizer_without_an_average_is_refused)
{
    record seen = {.fail_at = 0};
    knn_model *model = net(false);
    ck_assert_int_eq(fit(model, false, &seen, NULL), KNN_ERROR_ARGUMENT);
    check_error_names("SwapEMAWeights: expected an optimizer with .use_ema");
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/swap");
    TCase *cases = tcase_create("swap");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, weights_change_places_when_keras_changes_them, 0, 2);
    tcase_add_test(cases, after_a_failure_the_weights_are_back);
    tcase_add_test(cases, a_backup_knows_what_is_swapped);
    tcase_add_test(cases, an_optimizer_without_an_average_is_refused);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
