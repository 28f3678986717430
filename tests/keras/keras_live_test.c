/* Writes files for real Keras to read: run by live.sh, which names the folder in KNN_LIVE; without it there is nothing
 * to test. For each case: NAME.h5, NAME_weights.h5, NAME.x and NAME.y (raw floats: a batch, and what the library
 * predicts for it). */
#include "keras_support.h"

enum { SAMPLES = 3, STEPS = 3 };

static const char *live;

static void write_floats(const char *name, const char *end, const float *values, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s", live, name, end);
    write_bytes(path, values, n * sizeof *values);
}

/* Labels that every loss takes: the first class for the sparse one, else one-hot, or 1. */
static float *make_labels(int labels)
{
    float *y = calloc(SAMPLES * (size_t)labels, sizeof *y);
    for (int i = 0; i < SAMPLES; i++)
        y[i * labels] = labels > 1 ? 1.0f : (float)(i % 2);
    return y;
}

static void train(knn_model *model, const float *x, int labels)
{
    float *y = make_labels(labels);
    check_ok(knn_train_on_batch(model, x, y, SAMPLES, NULL, 0));
    free(y);
}

/* What the next steps' losses are: Keras shall have the same, where nothing is random and it takes the optimizer's state. */
static void write_next_steps(knn_model *model, const char *name, const float *x, int labels)
{
    float *y = make_labels(labels), losses[STEPS];
    for (int step = 0; step < STEPS; step++) {
        double logs[1 + 8];
        check_ok(knn_train_on_batch(model, x, y, SAMPLES, logs, 1));
        losses[step] = (float)logs[0];
    }
    write_floats(name, "losses", losses, STEPS);
    write_floats(name, "labels", y, SAMPLES * (size_t)labels);
    free(y);
}

/* labels: floats a label; 0: the model is not compiled. */
static void write_case(const char *name, knn_model *model, int labels)
{
    char path[512];
    size_t in = SAMPLES * knn_input_length(model), out = SAMPLES * knn_output_length(model);
    float *x = malloc(in * sizeof *x), *y = malloc(out * sizeof *y);
    fill_pattern(x, in, 7);
    if (labels > 0)
        train(model, x, labels);
    check_ok(knn_predict(model, x, SAMPLES, y, out));
    write_floats(name, "x", x, in);
    write_floats(name, "y", y, out);
    snprintf(path, sizeof path, "%s/%s.h5", live, name);
    check_ok(knn_save_model(model, path));
    snprintf(path, sizeof path, "%s/%s_weights.h5", live, name);
    check_ok(knn_save_weights(model, path));
    snprintf(path, sizeof path, "%s/%s.keras", live, name);
    check_ok(knn_save_model(model, path));
    snprintf(path, sizeof path, "%s/%s.weights.h5", live, name);
    check_ok(knn_save_weights(model, path));
    if (labels > 0)
        write_next_steps(model, name, x, labels);
    free(x);
    free(y);
    knn_model_free(model);
}

/* The tutorial's network on smaller pictures. */
START_TEST(tutorial)
{
    static const char *const classes[] = {"cat", "dog \"\\ \xc3\xa9", NULL};
    knn_model *model = knn_sequential(.seed = 1);
    knn_add(model, knn_input(40, 40, 3));
    for (int i = 0; i < 3; i++) {
        knn_add(model, knn_conv2d(8 << i, 3, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d());
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(16, .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    check_ok(knn_compile(model, .optimizer = knn_rmsprop(.learning_rate = 1e-4), .loss = knn_binary_crossentropy(),
                         .metrics = {knn_accuracy("acc")}));
    check_ok(knn_set_preprocessing(model, knn_pictures(NULL, 40, 40), classes));
    write_case("tutorial", model, 1);
}
END_TEST

START_TEST(all_layers)
{
    knn_model *model = knn_sequential(.name = "all_layers");
    knn_add(model, knn_input(14, 11, 2, .name = "picture"));
    knn_add(model, knn_rescaling(1 / 2.0, .offset = 0.25));
    knn_add(model, knn_zero_padding2d(1, 2, 0, 3));
    knn_add(model, knn_conv2d(4, 3, 2, .dilation_height = 2, .dilation_width = 1, .activation = KNN_ELU));
    knn_add(model, knn_batch_normalization(.momentum = 0.8, .epsilon = 0.01));
    knn_add(model, knn_activation(KNN_RELU, .name = "bend"));
    knn_add(model, knn_average_pooling2d(2, 3, .stride_height = 1, .padding = KNN_SAME));
    knn_add(model, knn_conv2d(3, 2, .stride_height = 2, .padding = KNN_SAME, .no_bias = true, .frozen = true));
    knn_add(model, knn_zero_padding2d());
    knn_add(model, knn_batch_normalization(.no_center = true, .no_scale = true));
    knn_add(model, knn_max_pooling2d(2, .stride_height = 1));
    knn_add(model, knn_global_average_pooling2d(.keepdims = true));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(2, .activation = KNN_SOFTMAX));
    check_ok(knn_compile(model, .optimizer = knn_adam(.amsgrad = true, .weight_decay = 0.01, .clipnorm = 1),
                         .loss = knn_categorical_crossentropy(.label_smoothing = 0.1),
                         .metrics = {knn_accuracy("hits"), knn_mean_squared_error_metric()}));
    write_case("all_layers", model, 2);
}
END_TEST

START_TEST(convolutions)
{
    knn_model *model = knn_sequential(.name = "convolutions");
    knn_add(model, knn_input(9, 8, 4));
    knn_add(model, knn_conv2d(6, 3, .groups = 2, .padding = KNN_SAME, .activation = KNN_RELU));
    knn_add(model, knn_depthwise_conv2d(3, 2, .depth_multiplier = 2, .stride_height = 2, .padding = KNN_SAME,
                                        .depthwise_initializer = knn_he_normal(), .bias_regularizer = knn_l2(0.1)));
    knn_add(model, knn_separable_conv2d(5, 2, .depth_multiplier = 2, .activation = KNN_TANH, .frozen = true));
    knn_add(model, knn_conv2d_transpose(4, 3, .stride_height = 2, .stride_width = 3, .output_padding_height = 1,
                                        .output_padding_width = KNN_NONE, .padding = KNN_SAME, .activation = KNN_ELU));
    knn_add(model, knn_cropping2d(.top = 1, .right = 2));
    knn_add(model, knn_permute(2, 3, 1));
    knn_add(model, knn_up_sampling2d(1, 2, .interpolation = KNN_RESIZE_BILINEAR));
    knn_add(model, knn_conv2d_transpose(3, 3, 1, .no_bias = true));
    knn_add(model, knn_up_sampling2d());
    knn_add(model, knn_reshape(4, -1, 8));
    knn_add(model, knn_depthwise_conv2d(2, .dilation_height = 2, .no_bias = true));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(2, .activation = KNN_SOFTMAX));
    check_ok(knn_compile(model, .optimizer = knn_adam(), .loss = knn_categorical_crossentropy()));
    write_case("convolutions", model, 2);
}
END_TEST

START_TEST(sequences)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(24, 3));
    knn_add(model, knn_conv1d(6, 3, .padding = KNN_CAUSAL, .dilation_rate = 2, .activation = KNN_RELU));
    knn_add(model, knn_zero_padding1d(1, KNN_NONE));
    knn_add(model, knn_conv1d(8, 4, .strides = 2, .padding = KNN_SAME, .no_bias = true));
    knn_add(model, knn_max_pooling1d(3, 1, KNN_SAME));
    knn_add(model, knn_up_sampling1d(3));
    knn_add(model, knn_cropping1d(KNN_NONE, 4));
    knn_add(model, knn_average_pooling1d());
    knn_add(model, knn_permute(2, 1));
    knn_add(model, knn_reshape(-1, 4));
    knn_add(model, knn_global_max_pooling1d(.keepdims = true));
    knn_add(model, knn_global_average_pooling1d());
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    check_ok(knn_compile(model, .optimizer = knn_sgd(), .loss = knn_binary_crossentropy()));
    write_case("sequences", model, 1);
}
END_TEST

START_TEST(all_image_layers)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(14, 11, 3));
    knn_add(model, knn_random_flip(KNN_FLIP_VERTICAL));
    knn_add(model, knn_random_translation(0.1, -0.2, .width_upper = 0.3, .fill_mode = KNN_OUTSIDE_WRAP));
    knn_add(model, knn_random_rotation(0.1, .fill_mode = KNN_OUTSIDE_CONSTANT, .fill_value = 0.5));
    knn_add(model, knn_random_zoom(0.2, .interpolation = KNN_SAMPLING_NEAREST));
    knn_add(model, knn_random_zoom(0.2, 0.1, .fill_mode = KNN_OUTSIDE_NEAREST));
    knn_add(model, knn_random_contrast(0.2));
    knn_add(model, knn_random_brightness(0.2, .value_low = -2, .value_high = 2));
    knn_add(model, knn_center_crop(12, 9));
    knn_add(model, knn_resizing(8, 10, .crop_to_aspect_ratio = true));
    knn_add(model, knn_resizing(6, 5, KNN_SAMPLING_NEAREST));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    check_ok(knn_compile(model, .optimizer = knn_sgd(), .loss = knn_binary_crossentropy()));
    write_case("all_image_layers", model, 1);
}
END_TEST

START_TEST(all_activations)
{
    static const knn_activation kinds[] = {KNN_LINEAR, KNN_RELU, KNN_SIGMOID,  KNN_SOFTMAX,
                                           KNN_TANH,   KNN_ELU,  KNN_SELU,     KNN_SOFTPLUS,
                                           KNN_SWISH,  KNN_GELU, KNN_SOFTSIGN, KNN_EXPONENTIAL};
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(5, 5, 3));
    knn_add(model, knn_global_max_pooling2d());
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        knn_add(model, knn_dense(4, .activation = kinds[i]));
    check_ok(knn_compile(model, .optimizer = knn_sgd(.momentum = 0.9, .nesterov = true, .clipvalue = 0.5),
                         .loss = knn_mean_squared_error(), .metrics = {knn_mean_absolute_error_metric("mae")}));
    write_case("all_activations", model, 4);
}
END_TEST

/* Those that Keras 2 does not know. */
START_TEST(activations_of_keras3_only)
{
    static const knn_activation kinds[] = {KNN_HARD_SIGMOID, KNN_CELU,        KNN_LOG_SIGMOID, KNN_HARD_SILU,      KNN_HARD_TANH,
                                           KNN_HARD_SHRINK,  KNN_SOFT_SHRINK, KNN_TANH_SHRINK, KNN_SPARSE_PLUS,    KNN_SPARSE_SIGMOID,
                                           KNN_SQUAREPLUS,   KNN_SPARSEMAX,   KNN_LOG_SOFTMAX, KNN_LEAKY_RELU};
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(6));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        knn_add(model, knn_dense(9, .activation = kinds[i]));
        knn_add(model, knn_layer_normalization());
    }
    knn_add(model, knn_dense(4));
    check_ok(knn_compile(model, .optimizer = knn_sgd(), .loss = knn_mean_squared_error()));
    write_case("keras3_activations", model, 4);
}
END_TEST

START_TEST(bends)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(8, 7, 4));
    knn_add(model, knn_layer_normalization());
    knn_add(model, knn_relu());
    knn_add(model, knn_conv2d(6, 2, .activation = KNN_RELU6));
    knn_add(model, knn_group_normalization(3, .epsilon = 0.01));
    knn_add(model, knn_gaussian_noise(0.1));
    knn_add(model, knn_relu(2, 0.1, 0.2));
    knn_add(model, knn_relu(.threshold = 0.1));
    knn_add(model, knn_conv2d(4, 2, .activation = KNN_LEAKY_RELU));
    knn_add(model, knn_group_normalization(-1, .no_center = true));
    knn_add(model, knn_leaky_relu(0.25));
    knn_add(model, knn_spatial_dropout2d(0.25));
    knn_add(model, knn_conv2d(4, 2, .activation = KNN_MISH));
    knn_add(model, knn_layer_normalization(.no_scale = true, .beta_regularizer = knn_l2(0.01)));
    knn_add(model, knn_prelu(KNN_AXIS(1) | KNN_AXIS(2), .alpha_initializer = knn_constant(0.5), .alpha_regularizer = knn_l1(0.01)));
    knn_add(model, knn_softmax(KNN_AXIS(1)));             /* of several axes Keras 3 loads no .h5, not its own either */
    knn_add(model, knn_prelu());
    knn_add(model, knn_elu(0.5));
    knn_add(model, knn_gaussian_dropout(0.2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_leaky_relu());
    knn_add(model, knn_dense(3));
    knn_add(model, knn_softmax());
    check_ok(knn_compile(model, .optimizer = knn_adam(), .loss = knn_categorical_crossentropy()));
    write_case("bends", model, 3);
}
END_TEST

START_TEST(words)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(6));
    knn_add(model, knn_embedding(300, 8, .embeddings_regularizer = knn_l2(0.01)));
    knn_add(model, knn_spatial_dropout1d(0.2));
    knn_add(model, knn_layer_normalization());
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(2));
    check_ok(knn_compile(model, .optimizer = knn_adam(), .loss = knn_mean_squared_error()));
    write_case("words", model, 2);
}
END_TEST

START_TEST(all_initializers)
{
    const knn_initializer *const kinds[] = {
        knn_orthogonal(0.5), knn_identity(0.5), knn_glorot_uniform(), knn_glorot_normal(), knn_he_uniform(), knn_he_normal(), knn_lecun_uniform(),
        knn_lecun_normal(), knn_ones(), knn_constant(0.1), knn_random_uniform(-0.1, 0.2), knn_random_normal(0.1, 0.2),
        knn_truncated_normal(.stddev = 0.3),
        knn_variance_scaling(.scale = 0.5, .mode = KNN_FAN_OUT, .distribution = KNN_UNTRUNCATED_NORMAL)};
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(6));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        knn_add(model, knn_dense(5, .kernel_initializer = kinds[i], .kernel_regularizer = knn_l2(0.01),
                                 .bias_regularizer = knn_l1(0.02)));
    check_ok(
        knn_compile(model, .optimizer = knn_adamw(), .loss = knn_sparse_categorical_crossentropy(.from_logits = true)));
    write_case("all_initializers", model, 1);
}
END_TEST

START_TEST(all_schedules)
{
    const double boundaries[] = {10, 20}, values[] = {0.1, 0.01, 0.001};
    const knn_schedule *const kinds[] = {knn_cosine_decay_restarts(0.1, 100, .m_mul = 0.5),
                                         knn_exponential_decay(0.1, 100, 0.9, .staircase = true),
                                         knn_inverse_time_decay(0.1, 100, 0.5),
                                         knn_cosine_decay(0.1, 100, .alpha = 0.1),
                                         knn_cosine_decay(0.1, 100, .warmup_target = 0.2, .warmup_steps = 10),
                                         knn_polynomial_decay(0.1, 100, .power = 2, .cycle = true),
                                         knn_piecewise_constant_decay(boundaries, values, 2)};
    char name[32];
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(6));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    check_ok(knn_compile(model, .optimizer = knn_rmsprop(.schedule = kinds[_i], .centered = true, .momentum = 0.5),
                         .loss = knn_mean_absolute_error(), .metrics = {knn_binary_accuracy()}));
    snprintf(name, sizeof name, "schedule_%d", _i);
    write_case(name, model, 1);
}
END_TEST

static knn_model *classifier(knn_activation activation)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(6));
    check_ok(knn_add(model, knn_dense(3, .activation = activation)));
    return model;
}

/* tf-keras does not know all of these: names that begin with keras3_ are for Keras 3 only. Files with Lamb Keras 3.15 does not load, its
 * own ones neither. */
START_TEST(all_optimizers)
{
    const struct { const char *name; const knn_optimizer *optimizer; } kinds[] = {
        {"adagrad", knn_adagrad(0.1, .use_ema = true, .ema_momentum = 0.5)}, {"adadelta", knn_adadelta(0.1, .weight_decay = 0.1)},
        {"adamax", knn_adamax(.clipnorm = 1)}, {"nadam", knn_nadam()}, {"ftrl", knn_ftrl(0.1, .l1_regularization_strength = 1e-3)},
        {"lion", knn_lion()}, {"adafactor", knn_adafactor()},
        {"keras3_accumulation", knn_adam(.gradient_accumulation_steps = 2)}};
    knn_model *model = classifier(KNN_SOFTMAX);
    check_ok(knn_compile(model, .optimizer = kinds[_i].optimizer, .loss = knn_log_cosh()));
    write_case(kinds[_i].name, model, 3);
}
END_TEST

START_TEST(all_losses)
{
    const struct { const char *name; const knn_loss *loss; } kinds[] = {
        {"percentage", knn_mean_absolute_percentage_error()}, {"logarithmic", knn_mean_squared_logarithmic_error()},
        {"poisson", knn_poisson(KNN_SUM)}, {"hinge", knn_hinge()}, {"squared_hinge", knn_squared_hinge()},
        {"categorical_hinge", knn_categorical_hinge()}, {"divergence", knn_kl_divergence()}, {"cosine", knn_cosine_similarity()},
        {"huber", knn_huber(0.3)}, {"binary_focal", knn_binary_focal_crossentropy(.apply_class_balancing = true)},
        {"categorical_focal", knn_categorical_focal_crossentropy(.alpha = 0.7)}, {"keras3_dice", knn_dice()},
        {"keras3_tversky", knn_tversky(0.3, 0.7)}, {"keras3_by_weight", knn_huber(.reduction = KNN_MEAN_WITH_SAMPLE_WEIGHT)}};
    char name[64];
    bool newer = strncmp(kinds[_i].name, "keras3_", 7) == 0;
    /* behind a softmax Keras 3 on TensorFlow puts its logits through the binary losses, as if a sigmoid had been there */
    knn_model *model = classifier(strcmp(kinds[_i].name, "binary_focal") == 0 ? KNN_SIGMOID : KNN_SOFTMAX);
    check_ok(knn_compile(model, .loss = kinds[_i].loss));
    snprintf(name, sizeof name, "%sloss_%s", newer ? "keras3_" : "", kinds[_i].name + (newer ? 7 : 0));
    write_case(name, model, 3);
}
END_TEST

START_TEST(all_metrics)
{
    knn_model *model = classifier(KNN_SOFTMAX);
    check_ok(knn_compile(model, .loss = knn_poisson(),
                         .metrics = {knn_precision(.class_id = KNN_NONE), knn_recall(0.3, 2), knn_auc(7, KNN_PR, KNN_MAJORING),
                                     knn_f1_score(KNN_MICRO), knn_false_negatives(0.1), knn_top_k_categorical_accuracy(1, "top")},
                         .weighted_metrics = {knn_fbeta_score(KNN_WEIGHTED, 0.3, 0.5), knn_log_cosh_error()}));
    write_case("metrics_1", model, 3);
    model = classifier(KNN_SOFTMAX);
    check_ok(knn_compile(model, .loss = knn_poisson(),
                         .metrics = {knn_binary_accuracy(.threshold = 0.3), knn_cosine_similarity_metric(), knn_kl_divergence_metric(),
                                     knn_binary_crossentropy_metric(.label_smoothing = 0.1), knn_root_mean_squared_error("rmse"),
                                     knn_mean_absolute_percentage_error_metric(), knn_hinge_metric(), knn_poisson_metric("p")}));
    write_case("metrics_2", model, 3);
}
END_TEST

START_TEST(all_constraints)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(6, 6, 2));
    knn_add(model, knn_conv2d(3, 3, .kernel_constraint = knn_max_norm(1, KNN_AXIS(0) | KNN_AXIS(1) | KNN_AXIS(2)),
                              .bias_constraint = knn_non_neg()));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(3, .kernel_constraint = knn_unit_norm(),
                             .kernel_regularizer = knn_orthogonal_regularizer(.mode = KNN_COLUMNS)));
    knn_add(model, knn_dense(3, .kernel_constraint = knn_min_max_norm(0.1, 0.5, 0.5, KNN_AXIS(-1))));
    check_ok(knn_compile(model, .optimizer = knn_sgd(), .loss = knn_mean_squared_error()));
    write_case("constraints", model, 3);
    model = knn_sequential();
    knn_add(model, knn_input(6, 6, 2));
    knn_add(model, knn_separable_conv2d(3, 2, .depthwise_constraint = knn_non_neg(), .pointwise_constraint = knn_max_norm()));
    knn_add(model, knn_depthwise_conv2d(2, .depthwise_constraint = knn_unit_norm(KNN_AXIS(0) | KNN_AXIS(1)), .bias_constraint = knn_non_neg()));
    knn_add(model, knn_conv2d_transpose(3, 2, .kernel_constraint = knn_max_norm(1, KNN_AXIS(-1))));
    knn_add(model, knn_batch_normalization(.gamma_constraint = knn_non_neg()));
    knn_add(model, knn_layer_normalization(.beta_constraint = knn_max_norm()));
    knn_add(model, knn_group_normalization(1, .gamma_constraint = knn_unit_norm()));
    knn_add(model, knn_prelu(.alpha_constraint = knn_non_neg()));
    knn_add(model, knn_reshape(25, 3));
    knn_add(model, knn_conv1d(2, 3, .kernel_constraint = knn_unit_norm(KNN_AXIS(0) | KNN_AXIS(1)), .bias_constraint = knn_non_neg()));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(3));
    check_ok(knn_compile(model, .optimizer = knn_sgd(), .loss = knn_mean_squared_error()));
    write_case("constraints_2", model, 3);
}
END_TEST

START_TEST(nested)
{
    knn_model *block = knn_sequential(.name = "block"), *body = knn_sequential(.name = "body"), *model = knn_sequential();
    knn_add(block, knn_input(9, 8, 2));
    knn_add(block, knn_conv2d(3, 3, .frozen = true));
    knn_add(block, knn_batch_normalization());
    check_ok(knn_add_model(body, block));
    check_ok(knn_add(body, knn_conv2d(2, 3, .no_bias = true)));
    check_ok(knn_add_model(model, body));
    knn_add(model, knn_global_average_pooling2d());
    check_ok(knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX)));
    check_ok(knn_compile(model, .optimizer = knn_adam(), .loss = knn_categorical_crossentropy()));
    knn_model_free(block);
    knn_model_free(body);
    write_case("nested", model, 3);
}
END_TEST

START_TEST(known_statistics)
{
    float seen[7 * 30];
    knn_model *model = knn_sequential();
    fill_pattern(seen, 7 * 30, 2);
    knn_dataset *data = knn_flow(seen, NULL, 7, 5, 2, 3);
    knn_add(model, knn_input(5, 2, 3));
    knn_add(model, knn_normalization());
    knn_add(model, knn_conv2d(4, 2));
    knn_add(model, knn_normalization((const double[]){1, 0, -1, 2}, (const double[]){1, 2, 0.5, 4}, 4));
    knn_add(model, knn_normalization((const double[]){0.5}, (const double[]){2}, 1, .invert = true));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(2));
    check_ok(knn_adapt(model, NULL, data));
    knn_dataset_free(data);
    check_ok(knn_compile(model, .optimizer = knn_sgd(), .loss = knn_mean_squared_error()));
    write_case("statistics", model, 2);
}
END_TEST

START_TEST(not_compiled)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(4, 3));
    knn_add(model, knn_dense(2));
    knn_add(model, knn_flatten());
    write_case("not_compiled", model, 0);
}
END_TEST

int main(void)
{
    live = getenv("KNN_LIVE");
    if (live == NULL)
        return 77;
    Suite *suite = suite_create("files for Keras");
    TCase *cases = tcase_create("cases");
    tcase_add_test(cases, tutorial);
    tcase_add_test(cases, all_layers);
    tcase_add_test(cases, convolutions);
    tcase_add_test(cases, sequences);
    tcase_add_test(cases, all_image_layers);
    tcase_add_test(cases, all_activations);
    tcase_add_test(cases, activations_of_keras3_only);
    tcase_add_test(cases, bends);
    tcase_add_test(cases, words);
    tcase_add_test(cases, all_initializers);
    tcase_add_loop_test(cases, all_schedules, 0, 7);
    tcase_add_loop_test(cases, all_optimizers, 0, 8);
    tcase_add_loop_test(cases, all_losses, 0, 14);
    tcase_add_test(cases, all_metrics);
    tcase_add_test(cases, all_constraints);
    tcase_add_test(cases, nested);
    tcase_add_test(cases, known_statistics);
    tcase_add_test(cases, not_compiled);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
