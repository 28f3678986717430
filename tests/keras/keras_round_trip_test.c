/* What is saved comes back: layers with all options, weights to the bit, compilation, history, state of a training. */
#include "keras/keras.h"
#include "keras/hdf5.h"
#include "keras_support.h"
#include "model/history.h"

#include <knn/extend.h>
#include <pthread.h>

static knn_model *load(const char *path)
{
    knn_model *model = knn_load_model(path);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    return model;
}

static void check_same_files(const char *a, const char *b)
{
    void *bytes_a, *bytes_b;
    size_t size_a, size_b;
    read_bytes(a, &bytes_a, &size_a);
    read_bytes(b, &bytes_b, &size_b);
    ck_assert_uint_eq(size_a, size_b);
    ck_assert(memcmp(bytes_a, bytes_b, size_a) == 0);
    knn__free(bytes_a);
    knn__free(bytes_b);
}

/* Saves, loads, saves again: the second file is the first to the byte, so nothing was lost. Gives the loaded model. */
static knn_model *check_round_trip(const knn_model *model)
{
    const char *first = in_folder("first.h5"), *second = in_folder("second.h5");
    check_ok(knn_save_model(model, first));
    knn_model *loaded = load(first);
    check_ok(knn_save_model(loaded, second));
    check_same_files(first, second);
    check_same_weights(model, loaded);
    return loaded;
}

/* ---- Layers ---- */

START_TEST(every_layer_with_every_option_comes_back)
{
    knn_model *model = knn_sequential(.name = "everything", .seed = 3);
    knn_add(model, knn_input(14, 11, 2, .name = "picture"));
    knn_add(model, knn_rescaling(KNN_ZERO, .offset = 0.25));
    knn_add(model, knn_zero_padding2d(1, 2, 0, 3));
    knn_add(model, knn_zero_padding2d(KNN_NONE));
    knn_add(model, knn_conv2d(4, 3, 2, .dilation_height = 2, .dilation_width = 1, .activation = KNN_HARD_SIGMOID,
                              .kernel_initializer = knn_random_uniform(-0.1, 0.3),
                              .bias_initializer = knn_constant(0.5), .kernel_regularizer = knn_l1l2(0.01, 0.02)));
    knn_add(model,
            knn_batch_normalization(.momentum = KNN_ZERO, .epsilon = 0.01,
                                    .gamma_initializer = knn_random_normal(1, 0.1), .beta_regularizer = knn_l2(0.1)));
    knn_add(model, knn_activation(KNN_GELU, .name = "bend"));
    knn_add(model, knn_average_pooling2d(2, 3, .stride_height = 1, .padding = KNN_SAME));
    knn_add(model, knn_conv2d(3, 2, .stride_height = 2, .padding = KNN_SAME, .no_bias = true, .frozen = true,
                              .kernel_initializer = knn_variance_scaling(2, KNN_FAN_OUT, KNN_UNTRUNCATED_NORMAL)));
    knn_add(model, knn_batch_normalization(.no_center = true, .no_scale = true, .frozen = true));
    knn_add(model, knn_max_pooling2d(2, 1, .stride_height = 1, .stride_width = 2));
    knn_add(model, knn_global_max_pooling2d(.keepdims = true));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(1.0));
    knn_add(model, knn_dense(3, .activation = KNN_SWISH, .kernel_initializer = knn_truncated_normal(0.1, 0.2),
                             .bias_regularizer = knn_l1(0.1)));
    check_ok(knn_add(model, knn_dense(2, .name = "out \"quoted\" \\ \xc3\xa9")));
    knn_model *loaded = check_round_trip(model);
    ck_assert_str_eq(loaded->name, "everything");
    ck_assert_str_eq(loaded->input_name, "picture");
    ck_assert_uint_eq(knn_layer_count(loaded), 15);
    ck_assert_str_eq(knn_layer_name(loaded, 14), "out \"quoted\" \\ \xc3\xa9");
    const knn_conv2d_layer *conv = (const knn_conv2d_layer *)(const void *)loaded->layers[3].description;
    ck_assert_int_eq(conv->dilation_height, 2);
    ck_assert_int_eq(conv->dilation_width, 1);
    ck_assert_int_eq((int)conv->activation, KNN_HARD_SIGMOID);
    ck_assert_double_eq(((const knn_l1l2_regularizer *)(const void *)conv->kernel_regularizer)->l2, 0.02);
    ck_assert_double_eq(((const knn_random_uniform_initializer *)(const void *)conv->kernel_initializer)->maxval, 0.3);
    const knn_batch_normalization_layer *bn =
        (const knn_batch_normalization_layer *)(const void *)loaded->layers[4].description;
    ck_assert_double_eq(bn->momentum, 0.0);
    ck_assert_double_eq(((const knn_rescaling_layer *)(const void *)loaded->layers[0].description)->scale, 0.0);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

/* Inputs of lower rank; a model of one layer without weights. */
START_TEST(inputs_of_every_rank_come_back)
{
    for (int rank = 1; rank <= 3; rank++) {
        knn_model *model = knn_sequential();
        knn_add(model, knn_input(7, rank > 1 ? 5 : 0, rank > 2 ? 4 : 0));
        check_ok(knn_add(model, knn_flatten()));
        knn_model *loaded = check_round_trip(model);
        ck_assert_int_eq(loaded->input.rank, rank);
        ck_assert_uint_eq(knn_input_length(loaded), rank == 1 ? 7 : rank == 2 ? 35 : 140);
        knn_model_free(model);
        knn_model_free(loaded);
    }
}
END_TEST

/* Lists of names that are too long for one attribute of HDF5 are split. */
START_TEST(a_thousand_layers_with_long_names_come_back)
{
    enum { LAYERS = 1000 };
    char name[128];
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(1));
    for (int i = 0; i < LAYERS; i++) {
        snprintf(name, sizeof name,
                 "a_layer_with_a_name_of_some_length_that_is_not_the_same_in_any_two_layers_of_the_model_number_%d", i);
        check_ok(knn_add(model, knn_dense(1, .name = name)));
    }
    knn_model *loaded = check_round_trip(model);
    ck_assert_str_eq(knn_layer_name(loaded, LAYERS - 1), name);
    void *bytes;
    size_t size;
    knn__h5 *file;
    read_bytes(in_folder("first.h5"), &bytes, &size);
    check_ok(knn__h5_open(bytes, size, &file));
    ck_assert(!knn__h5_has_attribute(file, "model_weights", "layer_names"));
    ck_assert(knn__h5_has_attribute(file, "model_weights", "layer_names1"));
    knn__h5_close(file);
    knn__free(bytes);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

/* A layer of the user's own: y = factor x. */
typedef struct factor_layer { knn_layer layer; double factor; bool loud; } factor_layer;

static knn_status factor_shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    (void)layer;
    *out = *in;
    return KNN_OK;
}

static void factor_forward(const knn_layer *layer, const knn_layer_call *call)
{
    double factor = ((const factor_layer *)(const void *)layer)->factor;
    for (int i = 0; i < call->images * call->in.size[0]; i++)
        call->y[i] = (float)factor * call->x[i];
}

static void factor_backward(const knn_layer *layer, const knn_layer_call *call)
{
    (void)layer, (void)call;
}

static const knn_field factor_fields[] = {
    {.name = "factor", .kind = KNN_FIELD_REAL, .offset = offsetof(factor_layer, factor), .normal = 1},
    {.name = "bias", .kind = KNN_FIELD_BOOL, .offset = offsetof(factor_layer, loud)}, {.name = NULL}};      /* Keras 1's word for use_bias */
static const knn_layer_class factor_class = {.size = sizeof factor_class,
                                             .class_name = "Test>Factor",
                                             .description_size = sizeof(factor_layer),
                                             .fields = factor_fields,
                                             .shape = factor_shape,
                                             .forward = factor_forward,
                                             .backward = factor_backward};

START_TEST(a_users_own_layer_comes_back_where_its_class_is_given)
{
    const factor_layer factor = {{"Test>Factor", sizeof factor, &factor_class}, 2.5, true};
    const knn_layer_class *const classes[] = {&factor_class, NULL};
    const char *path = in_folder("own.h5");
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(2));
    check_ok(knn_add(model, &factor.layer));
    check_ok(knn_save_model(model, path));
    knn_model_free(model);
    check_error(knn_load_model(path) == NULL, "(Test>Factor)");
    model = knn_load_model(path, .layers = classes);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    float x[2] = {1, -2}, y[2];
    check_ok(knn_predict(model, x, 1, y, 2));
    ck_assert_float_eq(y[0], 2.5f);
    ck_assert_float_eq(y[1], -5.0f);
    ck_assert(((const factor_layer *)(const void *)model->layers[0].description)->loud);
    knn_model_free(model);
}
END_TEST

/* ---- Compilation ---- */

static knn_model *compiled(const knn_optimizer *optimizer, const knn_loss *loss, const knn_metric *metric)
{
    knn_model *model = knn_sequential(.seed = 9);
    knn_add(model, knn_input(4));
    knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX));
    check_ok(knn_compile(model, .optimizer = optimizer, .loss = loss, .metrics = {metric}));
    return model;
}

START_TEST(every_optimizer_with_every_option_comes_back)
{
    const double boundaries[] = {10, 20}, values[] = {0.1, 0.01, 0.001};
    const knn_optimizer *const optimizers[] = {
        knn_sgd(0.5, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1, .clipnorm = 2),
        knn_rmsprop(0.3, .rho = KNN_ZERO, .momentum = 0.2, .epsilon = 0.1, .centered = true, .epsilon_outside = true,
                    .clipvalue = 3),
        knn_adam(KNN_ZERO, .beta_1 = 0.5, .beta_2 = 0.25, .epsilon = 1e-3, .amsgrad = true, .global_clipnorm = 4),
        knn_adamw(.weight_decay = KNN_ZERO),
        knn_adamw(),
        knn_sgd(.schedule = knn_exponential_decay(0.1, 100, 0.9, .staircase = true)),
        knn_sgd(.schedule = knn_cosine_decay(0.1, 100, .warmup_target = 0.2, .warmup_steps = 10)),
        knn_sgd(.schedule = knn_polynomial_decay(0.1, 100, .end_learning_rate = KNN_ZERO, .power = 2, .cycle = true)),
        knn_sgd(.schedule = knn_piecewise_constant_decay(boundaries, values, 2)),
        knn_sgd(.schedule = knn_inverse_time_decay(0.1, 10, 0.5))};
    knn_model *model = compiled(optimizers[_i], knn_categorical_crossentropy(), NULL),
              *loaded = check_round_trip(model);
    const knn__optimizer *a = &model->compiled.optimizer, *b = &loaded->compiled.optimizer;
    ck_assert(loaded->compiled.done);
    ck_assert_str_eq(a->kind->class_name, b->kind->class_name);
    ck_assert(memcmp(&a->update, &b->update, sizeof a->update) == 0);
    ck_assert_double_eq(a->weight_decay, b->weight_decay);
    ck_assert_double_eq(a->clipnorm + 10 * a->clipvalue + 100 * a->global_clipnorm,
                        b->clipnorm + 10 * b->clipvalue + 100 * b->global_clipnorm);
    for (uint64_t step = 0; step < 300; step += 7)
        ck_assert_double_eq(knn__optimizer_rate(a, step), knn__optimizer_rate(b, step));
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

START_TEST(losses_and_metrics_come_back)
{
    const knn_loss *const losses[] = {knn_binary_crossentropy(),
                                      knn_categorical_crossentropy(.label_smoothing = 0.1),
                                      knn_categorical_crossentropy(.from_logits = true),
                                      knn_mean_squared_error(),
                                      knn_mean_absolute_error(),
                                      knn_categorical_crossentropy()};
    const knn_metric *const metrics[] = {knn_accuracy(),
                                         knn_accuracy("acc"),
                                         knn_accuracy("hits"),
                                         knn_mean_squared_error_metric("mse"),
                                         knn_mean_absolute_error_metric(),
                                         knn_categorical_accuracy()};
    knn_model *model = compiled(NULL, losses[_i], metrics[_i]), *loaded = check_round_trip(model);
    const knn__compiled *a = &model->compiled, *b = &loaded->compiled;
    ck_assert_str_eq(a->loss.kind->class_name, b->loss.kind->class_name);
    ck_assert_double_eq(a->loss.call.label_smoothing, b->loss.call.label_smoothing);
    ck_assert_int_eq(a->loss.call.from_logits, b->loss.call.from_logits);
    ck_assert_int_eq(b->metric_count, 1);
    ck_assert_str_eq(a->metrics[0].key, b->metrics[0].key);
    ck_assert_int_eq((int)a->metrics[0].op, (int)b->metrics[0].op);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

START_TEST(a_learning_rate_that_was_set_replaces_the_schedule_in_the_file_too)
{
    knn_model *model =
        compiled(knn_sgd(.schedule = knn_exponential_decay(0.1, 1, 0.5)), knn_mean_squared_error(), NULL);
    check_ok(knn_set_learning_rate(model, 0.0123456789012345));
    knn_model *loaded = check_round_trip(model);
    ck_assert_double_eq(knn_learning_rate(loaded), 0.0123456789012345);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

/* ---- Classes and preprocessing ---- */

START_TEST(class_names_and_preprocessing_come_back)
{
    static const char *const names[] = {"cat", "dog \"\\\n\xc3\xa9", NULL};
    knn_model *model = small_model(1);
    check_ok(knn_set_preprocessing(
        model,
        knn_pictures(NULL, 6, 5, .interpolation = KNN_RESIZE_AREA, .apply_orientation = true,
                     .generator = knn_image_data_generator(.rescale = 1 / 255.0, .samplewise_center = true)),
        names));
    knn_model *loaded = check_round_trip(model), *other = small_model(2);
    char text[128];
    ck_assert_uint_eq(knn_class_count(loaded), 2);
    ck_assert_str_eq(knn_class_name(loaded, 1), names[1]);
    ck_assert(loaded->has_preprocessing);
    ck_assert_msg(knn__preprocessing_equal(&model->preprocessing, &loaded->preprocessing, text, sizeof text), "%s",
                  text);
    const char *path = in_folder("weights.h5");
    check_ok(knn_save_weights(model, path));
    check_ok(knn_load_weights(other, path));
    check_same_weights(model, other);
    ck_assert_str_eq(knn_class_name(other, 1), names[1]);
    ck_assert(knn__preprocessing_equal(&model->preprocessing, &other->preprocessing, text, sizeof text));
    knn_model_free(model);
    knn_model_free(loaded);
    knn_model_free(other);
}
END_TEST

START_TEST(featurewise_statistics_come_back)
{
    knn_model *model = small_model(1);
    char text[128];
    for (int normalized = 0; normalized < 2; normalized++) {
        const knn_generator_options *generator =
            knn_image_data_generator(.featurewise_center = true, .featurewise_std_normalization = normalized == 1, .channels = 3,
                                     .mean = {0.1, 2, 1 / 3.0}, .std = {1, 0, 0.7});
        check_ok(knn_set_preprocessing(model, knn_pictures(NULL, 6, 5, .generator = generator), NULL));
        knn_model *loaded = check_round_trip(model);
        ck_assert(loaded->preprocessing.featurewise_center && loaded->preprocessing.mean[2] == 1 / 3.0);
        ck_assert(knn__preprocessing_equal(&model->preprocessing, &loaded->preprocessing, text, sizeof text));
        knn_model_free(loaded);
    }
    knn_model_free(model);
}
END_TEST

START_TEST(whitening_comes_back)
{
    enum { NUMBERS = 2 * 2 * 3 };
    knn_model *model = small_model(1), *other = small_model(2);
    float *matrix = malloc(NUMBERS * NUMBERS * sizeof *matrix);
    char text[128];
    fill_pattern(matrix, NUMBERS * NUMBERS, 5);
    check_ok(knn_set_preprocessing(model, knn_pictures(NULL, 2, 2, .generator = knn_image_data_generator(.zca_whitening = true, .channels = 3,
        .mean = {0.1, 2, 1 / 3.0}, .whitening = matrix, .whitening_length = NUMBERS)), NULL));
    memset(matrix, 0, NUMBERS * NUMBERS * sizeof *matrix);              /* the model has its own */
    free(matrix);
    knn_model *loaded = check_round_trip(model);
    ck_assert(loaded->preprocessing.whitening != NULL && loaded->preprocessing.whitening != model->preprocessing.whitening);
    ck_assert_msg(knn__preprocessing_equal(&model->preprocessing, &loaded->preprocessing, text, sizeof text), "%s", text);
    const char *path = in_folder("weights.h5");
    check_ok(knn_save_weights(model, path));
    check_ok(knn_load_weights(other, path));
    ck_assert_msg(knn__preprocessing_equal(&model->preprocessing, &other->preprocessing, text, sizeof text), "%s", text);
    check_ok(knn_set_preprocessing(other, knn_pictures(NULL, 2, 2), NULL));
    ck_assert_ptr_null(other->preprocessing.whitening);
    knn_model_free(model);
    knn_model_free(loaded);
    knn_model_free(other);
}
END_TEST

/* ---- Training ---- */

static void give_history(knn_model *model)
{
    static const char *const keys[] = {"loss", "val_acc"};
    model->history = knn__history_new(keys, 2);
    check_ok(knn__history_append(model->history, 3, (const double[]){0.1, NAN}));
    check_ok(knn__history_append(model->history, 4, (const double[]){-INFINITY, 1.0 / 3}));
}

static void give_callbacks(knn_model *model)
{
    knn__training_state *state = &model->training;
    state->epoch = 5;
    state->fingerprint = knn__copy_text("seed: 1\nbatch size: 32\n");
    state->callback_count = 2;
    state->callbacks = knn__alloc(2, sizeof *state->callbacks);
    for (int i = 0; i < 2; i++) {
        knn__callback_state *callback = &state->callbacks[i];
        callback->name = knn__copy_text(i == 0 ? "EarlyStopping 0" : "ModelCheckpoint 1");
        callback->count = 2;
        callback->keys = knn__alloc(2, sizeof *callback->keys);
        callback->values = knn__alloc(2, sizeof *callback->values);
        callback->keys[0] = knn__copy_text("best");
        callback->keys[1] = knn__copy_text("wait");
        callback->values[0] = i == 0 ? INFINITY : 0.1;
        callback->values[1] = 7;
    }
    check_ok(knn__model_build(model));
    state->callbacks[0].weights = knn__alloc(model->weights_length, sizeof(float));
    memcpy(state->callbacks[0].weights, model->weights, model->weights_length * sizeof(float));
}

static void check_training(const knn_model *a, const knn_model *b)
{
    const knn__training_state *x = &a->training, *y = &b->training;
    ck_assert_int_eq(x->epoch, y->epoch);
    ck_assert_uint_eq(x->iteration, y->iteration);
    ck_assert_str_eq(x->fingerprint, y->fingerprint);
    ck_assert_uint_eq(x->callback_count, y->callback_count);
    ck_assert_str_eq(y->callbacks[1].name, "ModelCheckpoint 1");
    ck_assert_str_eq(y->callbacks[1].keys[1], "wait");
    ck_assert(isinf(y->callbacks[0].values[0]));
    ck_assert_double_eq(y->callbacks[1].values[0], 0.1);
    ck_assert(memcmp(x->callbacks[0].weights, y->callbacks[0].weights, a->weights_length * sizeof(float)) == 0);
    ck_assert_ptr_null(y->callbacks[1].weights);
    for (int i = 0; i < a->compiled.optimizer.slots; i++)
        ck_assert(memcmp(a->slots[i], b->slots[i], a->trainable_length * sizeof(float)) == 0);
    ck_assert_uint_eq(a->seed, b->seed);
}

START_TEST(history_and_the_state_of_the_training_come_back)
{
    knn_model *model = small_model(0xfedcba9876543210u);
    train_small(model, 3);
    give_history(model);
    give_callbacks(model);
    knn_model *loaded = check_round_trip(model);
    check_training(model, loaded);
    ck_assert_uint_eq(loaded->history->epochs, 2);
    ck_assert_int_eq(loaded->history->epoch_numbers[1], 4);
    ck_assert_str_eq(loaded->history->keys[1], "val_acc");
    ck_assert_double_eq(loaded->history->values[1][1], 1.0 / 3);
    ck_assert(isnan(loaded->history->values[1][0]) && loaded->history->values[0][1] == -INFINITY);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

START_TEST(training_goes_on_bit_for_bit_from_a_file)
{
    knn_model *model = small_model(5);
    train_small(model, 3);
    knn_model *loaded = check_round_trip(model);
    train_small(model, 4);
    train_small(loaded, 4);
    check_same_weights(model, loaded);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

START_TEST(a_restored_training_goes_on_bit_for_bit)
{
    knn_model *model = small_model(5), *fresh = small_model(5), *used = small_model(5);
    const char *path = in_folder("backup.h5");
    train_small(model, 3);
    give_callbacks(model);
    give_history(model);
    check_ok(knn__save(model, path, KNN__SAVE_MODEL));
    train_small(used, 5);
    check_ok(knn__restore(fresh, path, "seed: 1\nbatch size: 32\n"));
    check_ok(knn__restore(used, path, "seed: 1\nbatch size: 32\n"));
    check_training(model, fresh);
    train_small(model, 4);
    train_small(fresh, 4);
    train_small(used, 4);
    check_same_weights(model, fresh);
    check_same_weights(model, used);
    knn_model_free(model);
    knn_model_free(fresh);
    knn_model_free(used);
}
END_TEST

START_TEST(a_backup_of_another_training_is_refused_naming_the_difference)
{
    knn_model *model = small_model(5), *other = small_model(5), *copy = small_model(5);
    const char *path = in_folder("backup.h5");
    train_small(model, 2);
    train_small(other, 1);
    train_small(copy, 1);
    check_error(knn__save(model, path, KNN__SAVE_MODEL_WITHOUT_OPTIMIZER) == KNN_OK &&
                    knn__restore(other, path, "") != KNN_OK,
                "expected a model with the state of its training");
    give_callbacks(model);
    check_ok(knn__save(model, path, KNN__SAVE_MODEL));
    check_error(knn__restore(other, path, "seed: 1\nbatch size: 16\n") == KNN_ERROR_STATE,
                "expected \"batch size: 16\", got \"batch size: 32\"");
    check_error(knn__restore(other, path, "seed: 1\n") == KNN_ERROR_STATE, "expected \"\", got \"batch size: 32\"");
    check_same_weights(other, copy);
    ck_assert_uint_eq(other->training.iteration, 1);
    knn_model_free(model);
    knn_model_free(other);
    knn_model_free(copy);
}
END_TEST

START_TEST(a_fingerprint_tells_seed_layers_optimizer_loss_and_metrics)
{
    knn__text text = {0}, other = {0};
    knn_model *model = small_model(5);
    knn__fingerprint(model, &text);
    ck_assert(!text.failed);
    ck_assert(strstr(text.data, "seed: 5\n") != NULL);
    ck_assert(strstr(text.data, "\nlayer conv2d: {\"class_name\":\"Conv2D\"") != NULL);
    ck_assert(strstr(text.data, "\noptimizer: {\"class_name\":\"Adam\"") != NULL);
    ck_assert(strstr(text.data, "\nloss: \"categorical_crossentropy\"\nmetrics: [\"acc\"]\n") != NULL);
    check_ok(knn_set_learning_rate(model, 0.5));
    knn__fingerprint(model, &other);
    ck_assert_str_eq(text.data, other.data);
    knn__text_free(&text);
    knn__text_free(&other);
    knn_model_free(model);
}
END_TEST

START_TEST(without_the_optimizer_only_its_state_is_missing)
{
    knn_model *model = small_model(1);
    const char *with = in_folder("with.h5"), *without = in_folder("without.h5");
    struct stat with_size, without_size;
    train_small(model, 2);
    check_ok(knn_save_model(model, with));
    check_ok(knn_save_model(model, without, .no_optimizer = true));
    ck_assert(stat(with, &with_size) == 0 && stat(without, &without_size) == 0 &&
              without_size.st_size < with_size.st_size);
    knn_model *loaded = load(without);
    check_same_weights(model, loaded);
    ck_assert(loaded->compiled.done);
    ck_assert_uint_eq(loaded->training.iteration, 0);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

/* ---- Threads, memory ---- */

static void *save_often(void *context)
{
    static int number;
    char path[256];
    snprintf(path, sizeof path, "%s/thread-%d.h5", folder, __atomic_fetch_add(&number, 1, __ATOMIC_RELAXED));
    for (int i = 0; i < 20; i++) {
        if (knn_save_model((const knn_model *)context, path) != KNN_OK)
            return context;
        knn_model *loaded = knn_load_model(path);
        if (loaded == NULL)
            return context;
        knn_model_free(loaded);
    }
    return NULL;
}

START_TEST(several_threads_save_one_model_and_load_at_once)
{
    knn_model *model = small_model(1);
    pthread_t threads[4];
    void *failed;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, save_often, model), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    check_same_files(in_folder("thread-0.h5"), in_folder("thread-3.h5"));
    knn_model_free(model);
}
END_TEST

START_TEST(a_model_is_loaded_from_memory)
{
    knn_model *model = small_model(1);
    void *bytes;
    size_t size;
    check_ok(knn_save_model(model, in_folder("model.h5")));
    read_bytes(in_folder("model.h5"), &bytes, &size);
    knn_model *loaded = knn_load_model(.data = bytes, .data_size = size);
    knn__free(bytes);
    ck_assert_msg(loaded != NULL, "%s", knn_last_error());
    check_same_weights(model, loaded);
    knn_model_free(model);
    knn_model_free(loaded);
}
END_TEST

START_TEST(a_thousand_loads_leave_the_allocations_where_they_were)
{
    knn_model *model = small_model(1);
    const char *path = in_folder("model.h5");
    train_small(model, 1);
    check_ok(knn_save_model(model, path));
    size_t before = knn__live_blocks();
    for (int i = 0; i < 1000; i++) {
        knn_model_free(load(path));
        check_ok(knn_load_weights(model, path));
    }
    ck_assert_uint_eq(knn__live_blocks(), before);
    knn_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("saving and loading");
    TCase *cases = tcase_create("round trips");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, every_layer_with_every_option_comes_back);
    tcase_add_test(cases, inputs_of_every_rank_come_back);
    tcase_add_test(cases, a_thousand_layers_with_long_names_come_back);
    tcase_add_test(cases, a_users_own_layer_comes_back_where_its_class_is_given);
    tcase_add_loop_test(cases, every_optimizer_with_every_option_comes_back, 0, 10);
    tcase_add_loop_test(cases, losses_and_metrics_come_back, 0, 6);
    tcase_add_test(cases, a_learning_rate_that_was_set_replaces_the_schedule_in_the_file_too);
    tcase_add_test(cases, class_names_and_preprocessing_come_back);
    tcase_add_test(cases, featurewise_statistics_come_back);
    tcase_add_test(cases, whitening_comes_back);
    tcase_add_test(cases, history_and_the_state_of_the_training_come_back);
    tcase_add_test(cases, training_goes_on_bit_for_bit_from_a_file);
    tcase_add_test(cases, a_restored_training_goes_on_bit_for_bit);
    tcase_add_test(cases, a_backup_of_another_training_is_refused_naming_the_difference);
    tcase_add_test(cases, a_fingerprint_tells_seed_layers_optimizer_loss_and_metrics);
    tcase_add_test(cases, without_the_optimizer_only_its_state_is_missing);
    tcase_add_test(cases, several_threads_save_one_model_and_load_at_once);
    tcase_add_test(cases, a_model_is_loaded_from_memory);
    tcase_add_test(cases, a_thousand_loads_leave_the_allocations_where_they_were);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
