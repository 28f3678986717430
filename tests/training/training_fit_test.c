/* fit: what it learns, what it counts, what it logs, how it stops, what is left behind a failure. */
#include "core/memory.h"
#include "data/dataset.h"
#include "support/check_array.h"
#include "support/check_run.h"
#include "training/tiny.h"

#include <knn/extend.h>

static tiny_data data;

static void setup(void) { tiny_fill(&data, 1); }

/* ---- Learning ---- */

START_TEST(eight_pictures_are_learnt_by_heart)
{
    for (int i = 0; i < 8; i++)
        data.y[i] = (float)(i / 2 % 2);                 /* nothing that the pictures show */
    knn_dataset *set = tiny_set(&data, 8);
    knn_model *model = tiny_model(knn_adam(0.01), 1);
    double values[2];
    check_ok(knn_fit(model, set, .epochs = 300, .batch_size = 4));
    check_ok(knn_evaluate(model, set, values, 2));
    ck_assert_double_lt(values[0], 0.05);
    ck_assert_double_eq(values[1], 1.0);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(bars_are_told_apart_that_were_never_seen)
{
    tiny_data unseen;
    tiny_fill(&unseen, 2);
    knn_dataset *set = tiny_set(&data, 64), *validation = tiny_set(&unseen, 64);
    knn_model *model = tiny_model(knn_rmsprop(0.005), 1);
    check_ok(knn_fit(model, set, .epochs = 40, .batch_size = 8, .validation_data = validation));
    const knn_history *history = knn_model_history(model);
    ck_assert_uint_eq(knn_history_epochs(history), 40);
    ck_assert_double_lt(knn_history_values(history, "loss")[39], 0.2);
    ck_assert_double_gt(knn_history_values(history, "val_acc")[39], 0.9);
    knn_model_free(model);
    knn_dataset_free(set);
    knn_dataset_free(validation);
}
END_TEST

START_TEST(one_two_and_four_threads_give_the_same_bits)
{
    knn_dataset *set = tiny_set(&data, 50);
    knn_model *models[3];
    for (int i = 0; i < 3; i++) {
        models[i] = tiny_model(knn_rmsprop(), 1 << i);
        check_ok(knn_fit(models[i], set, .epochs = 3, .batch_size = 16, .validation_data = set));
    }
    for (int i = 1; i < 3; i++) {
        ck_assert_msg(tiny_same_weights(models[0], models[i]), "%d threads", 1 << i);
        for (size_t k = 0; k < 4; k++) {
            const char *key = knn_history_key(knn_model_history(models[0]), k);
            ck_assert_mem_eq(knn_history_values(knn_model_history(models[0]), key),
                             knn_history_values(knn_model_history(models[i]), key), 3 * sizeof(double));
        }
    }
    for (int i = 0; i < 3; i++)
        knn_model_free(models[i]);
    knn_dataset_free(set);
}
END_TEST

START_TEST(the_seed_decides)
{
    knn_dataset *set = tiny_set(&data, 32);
    knn_model *a = tiny_model(knn_sgd(), 1), *again = tiny_model(knn_sgd(), 1);
    check_ok(knn_fit(a, set, .epochs = 2));
    check_ok(knn_fit(again, set, .epochs = 2));
    ck_assert(tiny_same_weights(a, again));
    check_ok(knn_fit(again, set));
    ck_assert(!tiny_same_weights(a, again));
    knn_model_free(a);
    knn_model_free(again);
    knn_dataset_free(set);
}
END_TEST

/* ---- Steps, worked out by hand: y = w x + b, mean squared error, w = 1, b = 0 ---- */

typedef struct line { float w, b; } line;

static line weights_of(const knn_model *model)
{
    line l;
    check_ok(knn_get_weight(model, 0, &l.w, 1));
    check_ok(knn_get_weight(model, 1, &l.b, 1));
    return l;
}

START_TEST(a_step_is_the_mean_over_its_samples)
{
    const float x[] = {1, 2}, y[] = {0, 0};
    knn_dataset *set = knn_flow(x, y, 2, 1);
    knn_model *model = tiny_line(0.1, 1, 0);
    check_ok(knn_fit(model, set));
    /* errors 1, 2: d/dw = 2 (1 * 1 + 2 * 2) / 2 = 5, d/db = 2 (1 + 2) / 2 = 3; loss (1 + 4) / 2 */
    line l = weights_of(model);
    ck_assert_float_eq_tol(l.w, 0.5f, 1e-6f);
    ck_assert_float_eq_tol(l.b, -0.3f, 1e-6f);
    ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "loss")[0], 2.5, 1e-6);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(class_weights_are_factors_of_the_loss_and_missing_ones_are_1)
{
    const float x[] = {1, 2, 3}, y[] = {0, 1, 2};
    const double factors[] = {2, 0.5};
    knn_dataset *set = knn_flow(x, y, 3, 1);
    knn_model *model = tiny_line(0.1, 1, 0);
    check_ok(knn_fit(model, set, .class_weight = factors, .class_weight_count = 2));
    /* errors 1 each, weights 2, 0.5, 1: the divisor stays the number of samples */
    line l = weights_of(model);
    ck_assert_float_eq_tol(l.w, (float)(1 - 0.1 * 2 * (2 * 1 + 0.5 * 2 + 1 * 3) / 3), 1e-6f);
    ck_assert_float_eq_tol(l.b, (float)(-0.1 * 2 * 3.5 / 3), 1e-6f);
    ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "loss")[0], 3.5 / 3, 1e-6);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(sample_weights_are_factors_of_the_loss)
{
    const float x[] = {1, 2}, y[] = {0, 0};
    const double weights[] = {3, 0};
    knn_dataset *set = knn_flow(x, y, 2, 1, .sample_weight = weights);
    knn_model *model = tiny_line(0.1, 1, 0);
    check_ok(knn_fit(model, set));
    line l = weights_of(model);
    ck_assert_float_eq_tol(l.w, (float)(1 - 0.1 * 2 * 3 / 2), 1e-6f);
    ck_assert_float_eq_tol(l.b, (float)(-0.1 * 2 * 3 / 2), 1e-6f);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(a_short_last_batch_counts_by_its_size)
{
    const float x[] = {1, 1, 1}, y[] = {0, 0, 3};
    knn_dataset *set = knn_flow(x, y, 3, 1);
    knn_model *model = tiny_line(KNN_ZERO, 1, 0);       /* the weights stay: the losses are 1, 1, 4 */
    check_ok(knn_fit(model, set, .batch_size = 2, .no_shuffle = true, .validation_data = set));
    ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "loss")[0], 2.0, 1e-6);
    ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "val_loss")[0], 2.0, 1e-6);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

/* ---- What is asked of the data, and when ---- */

/* Counts how often each sample was loaded in training, and notes the first 40. */
typedef struct counting { int loaded[10], order[40], count, failing_epoch, failing_sample; } counting;

static size_t ten(void *user) { (void)user; return 10; }

static knn_status load(void *user, uint64_t seed, int epoch, size_t index, bool augment, float *x, float *y, float *weight)
{
    counting *c = user;
    (void)seed;
    (void)weight;
    if (augment && c->count < 40)
        c->order[c->count++] = (int)index;
    if (augment)
        c->loaded[index]++;
    if (epoch == c->failing_epoch && (int)index == c->failing_sample)
        return knn_set_error(KNN_ERROR_DATA, "the sample is broken");
    *x = (float)index / 10;
    if (y != NULL)
        *y = 1;
    return KNN_OK;
}

static knn_dataset *counting_set(counting *c)
{
    const knn_dataset_class class = {.size = sizeof class, .input = {1, {1}}, .outputs = 1, .samples = ten, .load = load};
    *c = (counting){.failing_epoch = -1};
    return knn_custom_dataset(&class, c);
}

static int loaded(const counting *c, int times)
{
    int count = 0;
    for (int i = 0; i < 10; i++)
        count += c->loaded[i] == times;
    return count;
}

START_TEST(an_epoch_has_every_sample_once)
{
    counting c;
    knn_dataset *set = counting_set(&c);
    knn_model *model = tiny_line(0.01, 1, 0);
    knn_set_learning_rate(model, 0.01);
    check_ok(knn_fit(model, set, .epochs = 3, .batch_size = 4));
    ck_assert_int_eq(loaded(&c, 3), 10);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(each_epoch_has_its_own_order)
{
    counting c;
    knn_dataset *set = counting_set(&c);
    knn_model *model = tiny_line(0.01, 1, 0);
    check_ok(knn_fit(model, set, .epochs = 2, .batch_size = 1));
    check_ok(knn_fit(model, set, .batch_size = 1));
    check_ok(knn_fit(model, set, .batch_size = 1, .no_shuffle = true));
    ck_assert_mem_ne(c.order, c.order + 10, 10 * sizeof(int));
    ck_assert_mem_eq(c.order, c.order + 20, 10 * sizeof(int));          /* seed and epoch decide */
    ck_assert_mem_ne(c.order, c.order + 30, 10 * sizeof(int));
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(c.order[30 + i], i);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(fewer_steps_take_a_part_and_more_steps_begin_again)
{
    counting c;
    knn_dataset *set = counting_set(&c);
    knn_model *model = tiny_line(0.01, 1, 0);
    check_ok(knn_fit(model, set, .batch_size = 4, .steps_per_epoch = 2));
    ck_assert_int_eq(loaded(&c, 1), 8);
    ck_assert_int_eq(loaded(&c, 0), 2);
    c = (counting){.failing_epoch = -1};
    check_ok(knn_fit(model, set, .batch_size = 4, .steps_per_epoch = 4));        /* 4, 4, 2, 4 */
    ck_assert_int_eq(loaded(&c, 2), 4);
    ck_assert_int_eq(loaded(&c, 1), 6);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

/* floor(10 * 0.75) = 7 samples are trained on, the last three validate, unaugmented, whatever else is asked for. */
START_TEST(a_validation_split_takes_the_last_samples)
{
    counting c;
    knn_dataset *set = counting_set(&c);
    knn_model *model = tiny_line(KNN_ZERO, 1, 0);
    check_ok(knn_fit(model, set, .epochs = 2, .batch_size = 2, .validation_split = 0.25));
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(c.loaded[i], i < 7 ? 2 : 0);
    /* y = 1, predicted index / 10 */
    ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "val_loss")[1], (0.09 + 0.04 + 0.01) / 3, 1e-6);
    check_ok(knn_fit(model, set, .validation_split = 0.25, .validation_data = set));         /* which goes before, as in Keras */
    ck_assert_int_eq(c.loaded[9], 1);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(validation_steps_take_the_first_batches)
{
    const float x[] = {1, 2, 3, 4}, y[] = {0, 0, 0, 0};
    static const double losses[] = {(1 + 4) / 2.0, (1 + 4 + 9) / 3.0, (1 + 4 + 9 + 16) / 4.0, (9 + 16) / 2.0};
    static const knn_fit_options options[] = {
        {.validation_batch_size = 2, .validation_steps = 1}, {.batch_size = 3, .validation_steps = 1},
        {.validation_batch_size = 2, .validation_steps = 7}, {.validation_split = 0.5, .validation_batch_size = 1, .validation_steps = 2}};
    knn_dataset *set = knn_flow(x, y, 4, 1);
    for (int i = 0; i < 4; i++) {
        knn_model *model = tiny_line(KNN_ZERO, 1, 0);
        knn_fit_options o = options[i];
        o.size = sizeof o;
        o.data = set;
        o.validation_data = o.validation_split > 0 ? NULL : set;
        check_ok(knn_fit_with(model, &o));
        ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "val_loss")[0], losses[i], 1e-5);
        knn_model_free(model);
    }
    knn_dataset_free(set);
}
END_TEST

START_TEST(weights_of_samples_are_split_with_them)
{
    const float x[] = {1, 2, 3, 4}, y[] = {0, 0, 0, 0};
    const double weights[] = {1, 0, 2, 3};
    knn_dataset *set = knn_flow(x, y, 4, 1, .sample_weight = weights);
    knn_model *model = tiny_line(KNN_ZERO, 1, 0);
    check_ok(knn_fit(model, set, .validation_split = 0.5));
    ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "loss")[0], 0.5, 1e-6);
    ck_assert_double_eq_tol(knn_history_values(knn_model_history(model), "val_loss")[0], (2 * 9 + 3 * 16) / 2.0, 1e-5);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(a_broken_sample_leaves_the_model_as_behind_the_last_step)
{
    counting c;
    knn_dataset *set = counting_set(&c), *good = counting_set(&c);
    knn_model *model = tiny_line(0.1, 1, 0), *expected = tiny_line(0.1, 1, 0);
    c.failing_epoch = 1;
    c.failing_sample = 5;                               /* of batches 0-3, 4-7, 8-9, in order */
    ck_assert_int_eq(knn_fit(model, set, .epochs = 3, .batch_size = 4, .no_shuffle = true), KNN_ERROR_DATA);
    check_error_names("the sample is broken");
    check_error_names("epoch 2, batch 2");
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 1);
    c.failing_epoch = -1;
    check_ok(knn_fit(expected, good, .batch_size = 4, .no_shuffle = true));
    check_ok(knn_fit(expected, good, .batch_size = 4, .no_shuffle = true, .steps_per_epoch = 1));
    ck_assert(tiny_same_weights(model, expected));
    check_ok(knn_fit(model, good));
    knn_model_free(model);
    knn_model_free(expected);
    knn_dataset_free(set);
    knn_dataset_free(good);
}
END_TEST

/* ---- Epochs, logs, history ---- */

START_TEST(epochs_is_the_number_of_the_last_one)
{
    knn_dataset *set = tiny_set(&data, 8);
    knn_model *model = tiny_model(knn_sgd(), 1);
    check_ok(knn_fit(model, set, .epochs = 5, .initial_epoch = 3));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 2);
    check_ok(knn_fit(model, set));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 1);
    check_ok(knn_fit(model, set, .epochs = 2, .initial_epoch = 2));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 0);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(the_history_has_training_before_validation)
{
    knn_dataset *set = tiny_set(&data, 8);
    knn_model *model = tiny_model(knn_sgd(), 1);
    ck_assert_ptr_null(knn_model_history(model));
    check_ok(knn_fit(model, set, .epochs = 2, .validation_data = set));
    const knn_history *history = knn_model_history(model);
    static const char *const expected[] = {"loss", "acc", "val_loss", "val_acc"};
    ck_assert_uint_eq(knn_history_key_count(history), 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(knn_history_key(history, i), expected[i]);
    ck_assert_ptr_null(knn_history_key(history, 4));
    ck_assert_ptr_null(knn_history_values(history, "lr"));
    double values[2];
    check_ok(knn_evaluate(model, set, values, 2));
    ck_assert_double_eq(values[0], knn_history_values(history, "val_loss")[1]);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(a_history_is_saved_as_csv_in_the_order_of_the_logs)
{
    const float x[] = {1}, y[] = {0};
    knn_dataset *set = knn_flow(x, y, 1, 1);
    knn_model *model = tiny_line(0.25, 1, 0);
    check_ok(knn_fit(model, set, .epochs = 5, .initial_epoch = 3, .validation_data = set));
    check_ok(knn_history_save_csv(knn_model_history(model), tiny_path("history.csv")));
    char *text = tiny_read(tiny_path("history.csv"));
    /* error 1: w = 1 - 0.5, b = -0.5, so the error is 0 behind one step */
    ck_assert_str_eq(text, "epoch,loss,val_loss\n3,1,0\n4,0,0\n");
    free(text);
    ck_assert_int_eq(knn_history_save_csv(knn_model_history(model), "/nowhere/history.csv"), KNN_ERROR_IO);
    check_error_names("/nowhere/history.csv");
    ck_assert_int_eq(knn_history_save_csv(NULL, "x"), KNN_ERROR_ARGUMENT);
    tiny_clean();
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

/* As folders are: their last pictures are all of one class. */
START_TEST(data_in_the_order_of_classes_are_not_cut)
{
    knn_dataset *set = tiny_set(&data, 8);
    knn__dataset_kind folders = *set->kind;
    const knn__dataset_kind *kind = set->kind;
    knn_model *model = tiny_model(knn_sgd(), 1);
    folders.by_class = true;
    set->kind = &folders;
    ck_assert_int_eq(knn_fit(model, set, .validation_split = 0.5), KNN_ERROR_UNSUPPORTED);
    check_error_names(".subset");
    ck_assert_int_eq(knn_fit(model, set, .validation_data = set, .validation_batch_size = 3, .validation_steps = 2), KNN_ERROR_UNSUPPORTED);
    check_error_names("the first 6 of 8 pictures");
    check_ok(knn_fit(model, set, .validation_data = set, .validation_batch_size = 4, .validation_steps = 2));
    set->kind = kind;
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

/* ---- Users' functions ---- */

typedef struct script { char text[2000]; int stop_epoch, stop_batch; knn_event_kind stop_at; knn_status answer; } script;

static knn_status play(const knn_event *event, void *user)
{
    static const char letters[] = "TEbetBVv";
    script *s = user;
    size_t length = strlen(s->text);
    snprintf(s->text + length, sizeof s->text - length, "%c%d.%zu/%zu:%zu ", letters[event->kind], event->epoch, event->batch,
             event->batches, event->log_count);
    bool batch = (event->kind != KNN_BATCH_BEGIN && event->kind != KNN_BATCH_END) || (int)event->batch == s->stop_batch;
    return event->kind == s->stop_at && event->epoch == s->stop_epoch && batch ? s->answer : KNN_OK;
}

static knn_status fit_with_script(knn_model *model, const knn_dataset *set, script *s)
{
    return knn_fit(model, set, .epochs = 2, .batch_size = 8, .validation_data = set,
                   .callbacks = {NULL, knn_call(.function = play, .user = s)});
}

START_TEST(a_function_sees_every_event)
{
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    script s = {.stop_epoch = -1};
    check_ok(fit_with_script(model, set, &s));
    ck_assert_str_eq(s.text, "T0.0/2:0 "
        "E0.0/2:0 B0.0/2:0 b0.0/2:2 B0.1/2:0 b0.1/2:2 V0.2/2:0 v0.2/2:2 e0.2/2:4 "
        "E1.0/2:0 B1.0/2:0 b1.0/2:2 B1.1/2:0 b1.1/2:2 V1.2/2:0 v1.2/2:2 e1.2/2:4 t2.2/2:0 ");
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(a_stop_within_an_epoch_leaves_it_unfinished)
{
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    script s = {.stop_epoch = 1, .stop_batch = 0, .stop_at = KNN_BATCH_END, .answer = KNN_STOP};
    check_ok(fit_with_script(model, set, &s));
    ck_assert_ptr_nonnull(strstr(s.text, "b1.0/2:2 t"));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 1);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

/* As Keras' stop_training: the batch that has begun is still trained. */
START_TEST(a_stop_at_a_batchs_begin_is_behind_it)
{
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    script s = {.stop_epoch = 0, .stop_batch = 0, .stop_at = KNN_BATCH_BEGIN, .answer = KNN_STOP};
    check_ok(fit_with_script(model, set, &s));
    ck_assert_ptr_nonnull(strstr(s.text, "B0.0/2:0 b0.0/2:2 t"));
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

static knn_status check_validation_logs(const knn_event *event, void *user)
{
    if (event->kind != KNN_TEST_END)
        return KNN_OK;
    *(double *)user = event->log_values[0];
    ck_assert_str_eq(event->log_names[0], "val_loss");
    ck_assert_str_eq(event->log_names[1], "val_acc");
    return KNN_OK;
}

START_TEST(the_end_of_a_validation_has_its_logs)
{
    double loss = 0;
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    check_ok(knn_fit(model, set, .validation_data = set, .callbacks = {knn_call(check_validation_logs, &loss)}));
    ck_assert_double_eq(loss, knn_history_values(knn_model_history(model), "val_loss")[0]);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(a_stop_at_an_epochs_end_is_behind_it)
{
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    script s = {.stop_epoch = 0, .stop_at = KNN_EPOCH_END, .answer = KNN_STOP};
    check_ok(fit_with_script(model, set, &s));
    ck_assert_ptr_nonnull(strstr(s.text, "e0.2/2:4 t"));
    ck_assert_uint_eq(knn_history_epochs(knn_model_history(model)), 1);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(an_error_of_a_function_ends_the_training)
{
    knn_dataset *set = tiny_set(&data, 16);
    knn_model *model = tiny_model(knn_sgd(), 1);
    script s = {.stop_epoch = 0, .stop_batch = 1, .stop_at = KNN_BATCH_END, .answer = KNN_ERROR_IO};
    ck_assert_int_eq(fit_with_script(model, set, &s), KNN_ERROR_CALLBACK);
    check_error_names("KNN_ERROR_IO");
    ck_assert_ptr_null(strchr(s.text, 't'));
    s = (script){.stop_epoch = 0, .stop_at = KNN_TRAIN_BEGIN, .answer = (knn_status)77};
    ck_assert_int_eq(fit_with_script(model, set, &s), KNN_ERROR_CALLBACK);
    check_error_names("77");
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

static knn_status use_the_model(const knn_event *event, void *user)
{
    const knn_dataset *set = user;
    float y[8];
    if (event->kind != KNN_EPOCH_END)
        return KNN_OK;
    check_ok(knn_predict_dataset(event->model, set, y, 8));
    check_ok(knn_set_learning_rate(event->model, 0.5));
    ck_assert_int_eq(knn_fit(event->model, set), KNN_ERROR_STATE);
    return KNN_OK;
}

START_TEST(a_function_may_use_the_model_but_not_fit_it)
{
    knn_dataset *set = tiny_set(&data, 8);
    knn_model *model = tiny_model(knn_sgd(), 1);
    check_ok(knn_fit(model, set, .epochs = 2, .callbacks = {knn_call(.function = use_the_model, .user = set)}));
    ck_assert_double_eq(knn_learning_rate(model), 0.5);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

/* ---- What is refused ---- */

START_TEST(wrong_options_are_refused)
{
    knn_dataset *set = tiny_set(&data, 8);
    knn_model *model = tiny_model(knn_sgd(), 1), *bare = knn_sequential();
    const double broken[] = {1, NAN};
    ck_assert_int_eq(knn_fit(NULL, set), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_fit_with(model, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_fit(model, NULL), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_fit(model, set, .epochs = -1), KNN_ERROR_ARGUMENT);
    check_error_names("epochs is -1");
    ck_assert_int_eq(knn_fit(model, set, .batch_size = -4), KNN_ERROR_ARGUMENT);
    ck_assert_int_eq(knn_fit(model, set, .class_weight = broken, .class_weight_count = 2), KNN_ERROR_ARGUMENT);
    check_error_names("class_weight[1]");
    ck_assert_int_eq(knn_fit(model, set, .callbacks = {knn_early_stopping("val_loss")}), KNN_ERROR_ARGUMENT);
    check_error_names("val_loss");
    check_error_names("loss, acc");
    ck_assert_int_eq(knn_fit(model, set, .validation_split = 1), KNN_ERROR_ARGUMENT);
    check_error_names("validation_split is 1");
    ck_assert_int_eq(knn_fit(model, set, .validation_split = 0.9), KNN_ERROR_DATA);
    check_error_names("none for training");
    ck_assert_int_eq(knn_fit(bare, set), KNN_ERROR_STATE);
    check_error_names("knn_compile");
    knn_model_free(bare);
    knn_model_free(model);
    knn_dataset_free(set);
}
END_TEST

START_TEST(data_that_do_not_fit_are_refused)
{
    const float x[4] = {0}, y[4] = {0};
    knn_dataset *set = tiny_set(&data, 8), *vectors = knn_flow(x, y, 4, 1), *unlabelled = knn_flow(data.x, NULL, 4, 8, 8, 1);
    knn_model *model = tiny_model(knn_sgd(), 1);
    ck_assert_int_eq(knn_fit(model, vectors), KNN_ERROR_SHAPE);
    check_error_names("training data");
    ck_assert_int_eq(knn_fit(model, set, .validation_data = vectors), KNN_ERROR_SHAPE);
    check_error_names("validation data");
    ck_assert_int_eq(knn_fit(model, unlabelled), KNN_ERROR_DATA);
    ck_assert_ptr_null(knn_model_history(model));
    knn_model_free(model);
    knn_dataset_free(set);
    knn_dataset_free(vectors);
    knn_dataset_free(unlabelled);
}
END_TEST

START_TEST(unequal_preprocessing_and_classes_are_named)
{
    char *names[] = {"cat", "dog"}, *turned[] = {"dog", "cat"};
    knn_dataset *set = tiny_set(&data, 8), *validation = tiny_set(&data, 8);
    knn_model *model = tiny_model(knn_sgd(), 1);
    set->has_preprocessing = validation->has_preprocessing = true;
    set->preprocessing = validation->preprocessing =
        (knn__preprocessing){.height = 8, .width = 8, .channels = 1, .rescale = 1 / 255.0};
    set->class_names = names;
    validation->class_names = turned;
    set->class_count = validation->class_count = 2;
    ck_assert_int_eq(knn_fit(model, set, .validation_data = validation), KNN_ERROR_DATA);
    check_error_names("class 0 is cat in the training data and dog in the validation data");
    validation->class_names = names;
    validation->preprocessing.rescale = 1;
    ck_assert_int_eq(knn_fit(model, set, .validation_data = validation), KNN_ERROR_ARGUMENT);
    check_error_names("rescale");
    validation->preprocessing.rescale = 1 / 255.0;
    check_ok(knn_fit(model, set, .validation_data = validation));
    ck_assert_uint_eq(knn_class_count(model), 2);               /* they travel with the model from now on */
    ck_assert_str_eq(knn_class_name(model, 1), "dog");
    set->class_names = validation->class_names = NULL;
    set->class_count = validation->class_count = 0;
    knn_model_free(model);
    knn_dataset_free(set);
    knn_dataset_free(validation);
}
END_TEST

/* Every allocation of a fit fails once. The model stays usable, and nothing leaks. */
START_TEST(failed_allocations_leak_nothing)
{
    knn_dataset *set = tiny_set(&data, 8);
    FILE *nowhere = fopen("/dev/null", "w");
    knn_status status = KNN_ERROR_MEMORY;
    size_t blocks = knn__live_blocks();
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        ck_assert_int_lt(n, 2000);
        knn_model *model = tiny_model(knn_adam(), 1);
        char path[200];
        snprintf(path, sizeof path, "%s", tiny_path("log.csv"));
        knn__fail_allocation(n);
        status = knn_fit(model, set, .epochs = 2, .validation_data = set,
                         .callbacks = {knn_progress_bar(nowhere), knn_csv_logger(path), knn_reduce_lr_on_plateau(.patience = 1),
                                       knn_early_stopping(.restore_best_weights = true)});
        knn__fail_allocation(0);
        knn_model_free(model);
        ck_assert_uint_eq(knn__live_blocks(), blocks);
    }
    ck_assert_int_eq(status, KNN_OK);
    fclose(nowhere);
    tiny_clean();
    knn_dataset_free(set);
}
END_TEST

/* A model that gives its input back: errors 1, 2, 3 with weights 1, 0, 2. */
START_TEST(weights_of_samples_count_for_weighted_metrics_only)
{
    const float x[] = {1, 2, 3}, y[] = {0, 0, 0};
    const double weights[] = {1, 0, 2};
    double values[3];
    knn_model *model = knn_sequential();
    knn_dataset *set = knn_flow(x, y, 3, 1, 1, 1, .sample_weight = weights);
    knn_add(model, knn_input(1, 1, 1));
    knn_add(model, knn_dense(1, .kernel_initializer = knn_ones(), .no_bias = true));
    check_ok(knn_compile(model, .loss = knn_mean_squared_error(KNN_MEAN_WITH_SAMPLE_WEIGHT), .metrics = {knn_mean_squared_error_metric()},
                         .weighted_metrics = {knn_mean_squared_error_metric("weighted")}));
    check_ok(knn_evaluate(model, set, values, 3));
    ck_assert_double_eq_tol(values[0], 19.0 / 3, 1e-6);
    ck_assert_double_eq_tol(values[1], 14.0 / 3, 1e-6);
    ck_assert_double_eq_tol(values[2], 19.0 / 3, 1e-6);
    knn_dataset_free(set);
    knn_model_free(model);
}
END_TEST

START_TEST(more_metrics_than_there_is_room_for_are_refused)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(1, 1, 1));
    knn_add(model, knn_dense(1));
    knn_status status = knn_compile(model, .loss = knn_poisson(),
                                    .metrics = {knn_auc(.name = "a"), knn_auc(.name = "b"), knn_auc(.name = "c"), knn_auc(.name = "d"),
                                                knn_auc(.name = "e"), knn_auc(.name = "f"), knn_auc(.name = "g")},
                                    .weighted_metrics = {knn_auc(.name = "h"), knn_auc(.name = "i")});
    ck_assert_int_eq(status, KNN_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "more than 8 metrics"));
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/fit");
    TCase *cases = tcase_create("fit");
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, eight_pictures_are_learnt_by_heart);
    tcase_add_test(cases, bars_are_told_apart_that_were_never_seen);
    tcase_add_test(cases, one_two_and_four_threads_give_the_same_bits);
    tcase_add_test(cases, the_seed_decides);
    tcase_add_test(cases, a_step_is_the_mean_over_its_samples);
    tcase_add_test(cases, class_weights_are_factors_of_the_loss_and_missing_ones_are_1);
    tcase_add_test(cases, sample_weights_are_factors_of_the_loss);
    tcase_add_test(cases, a_short_last_batch_counts_by_its_size);
    tcase_add_test(cases, an_epoch_has_every_sample_once);
    tcase_add_test(cases, each_epoch_has_its_own_order);
    tcase_add_test(cases, fewer_steps_take_a_part_and_more_steps_begin_again);
    tcase_add_test(cases, a_validation_split_takes_the_last_samples);
    tcase_add_test(cases, validation_steps_take_the_first_batches);
    tcase_add_test(cases, weights_of_samples_are_split_with_them);
    tcase_add_test(cases, data_in_the_order_of_classes_are_not_cut);
    tcase_add_test(cases, a_broken_sample_leaves_the_model_as_behind_the_last_step);
    tcase_add_test(cases, epochs_is_the_number_of_the_last_one);
    tcase_add_test(cases, the_history_has_training_before_validation);
    tcase_add_test(cases, a_history_is_saved_as_csv_in_the_order_of_the_logs);
    tcase_add_test(cases, a_function_sees_every_event);
    tcase_add_test(cases, a_stop_within_an_epoch_leaves_it_unfinished);
    tcase_add_test(cases, a_stop_at_a_batchs_begin_is_behind_it);
    tcase_add_test(cases, the_end_of_a_validation_has_its_logs);
    tcase_add_test(cases, a_stop_at_an_epochs_end_is_behind_it);
    tcase_add_test(cases, an_error_of_a_function_ends_the_training);
    tcase_add_test(cases, a_function_may_use_the_model_but_not_fit_it);
    tcase_add_test(cases, wrong_options_are_refused);
    tcase_add_test(cases, data_that_do_not_fit_are_refused);
    tcase_add_test(cases, unequal_preprocessing_and_classes_are_named);
    tcase_add_test(cases, failed_allocations_leak_nothing);
    tcase_add_test(cases, weights_of_samples_count_for_weighted_metrics_only);
    tcase_add_test(cases, more_metrics_than_there_is_room_for_are_refused);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
