/* Files of models with channels_first layers: they predict what Keras did, by all ways of loading, and are written with the channels last. */
#include "keras_answers.h"

/* What a fixture has: x, y and how many samples. */
typedef struct answers {
    fixture *file;
    const float *x, *y;
    size_t samples, length;
} answers;

static answers answers_of(const char *name)
{
    int shape[8];
    answers a = {.file = open_answers(in_fixtures("first-%s.fixture", name))};
    a.x = fixture_get(a.file, "x", NULL, shape, NULL);
    a.y = fixture_get(a.file, "y", NULL, NULL, &a.length);
    a.samples = (size_t)shape[0];
    return a;
}

/* A batch, and its first sample alone; frees the model. */
static void check_model(knn_model *model, const char *name)
{
    answers a = answers_of(name);
    float *y = malloc(a.length * sizeof *y);
    ck_assert_msg(model != NULL, "%s: %s", name, knn_last_error());
    check_ok(knn_predict(model, a.x, a.samples, y, a.length));
    check_floats(y, a.y, a.length, 1e-5, 1e-5);
    check_ok(knn_predict(model, a.x, 1, y, a.length));
    check_floats(y, a.y, a.length / a.samples, 1e-5, 1e-5);
    free(y);
    knn_model_free(model);
    fixture_close(a.file);
}

static const char *path_of(const char *name, const char *end)
{
    return in_fixtures("first-%s-%s", name, end);
}

static const char *const files[][2] = {
    {"pictures", "keras2.h5"}, {"pictures", "keras3.h5"}, {"normalizations", "keras2.h5"}, {"normalizations", "keras3.h5"},
    {"orders", "keras2.h5"}, {"orders", "keras3.h5"}, {"sequences", "keras2.h5"}, {"sequences", "keras3.h5"},
    {"nested", "keras2.h5"}, {"nested", "keras3.h5"}, {"chain", "keras2.h5"}, {"chain", "keras3.h5"}, {"statistics", "keras3.h5"},
    {"pictures", "keras2.keras"}, {"pictures", "keras3.keras"}, {"nested", "keras2.keras"}, {"nested", "keras3.keras"}};
enum { FILES = sizeof files / sizeof *files, LEGACY = 13 };

/* A build without libzip has no archives. */
static bool cannot_load(int i)
{
    knn_model *model = i >= LEGACY ? knn_load_model(path_of(files[i][0], files[i][1])) : NULL;
    bool refused = i >= LEGACY && model == NULL && strstr(knn_last_error(), "no libzip") != NULL;
    knn_model_free(model);
    return refused;
}

START_TEST(a_file_predicts_what_keras_predicted)
{
    if (!cannot_load(_i))
        check_model(knn_load_model(path_of(files[_i][0], files[_i][1])), files[_i][0]);
}
END_TEST

START_TEST(a_file_written_of_it_predicts_the_same)
{
    if (cannot_load(_i))
        return;
    const char *copy = in_folder(_i < LEGACY ? "copy.h5" : "copy.keras");
    knn_model *model = knn_load_model(path_of(files[_i][0], files[_i][1]));
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    check_ok(knn_save_model(model, copy));
    knn_model_free(model);
    check_model(knn_load_model(copy), files[_i][0]);
}
END_TEST

/* Layers from a text, weights from a file of Keras or of ours. */
static void check_weights(const char *name, const char *age, const char *weights, bool by_name)
{
    char end[32];
    void *json;
    size_t size;
    snprintf(end, sizeof end, "%s.json", age);
    read_bytes(path_of(name, end), &json, &size);
    knn_model *model = knn_model_from_json(json);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    check_ok(knn_load_weights(model, weights, .by_name = by_name));
    check_model(model, name);
    knn__free(json);
}

START_TEST(weights_are_found_by_order_and_by_name)
{
    static const char *const names[] = {"pictures", "nested"}, *const ages[] = {"keras2", "keras3"};
    const char *name = names[_i / 2], *age = ages[_i % 2];
    char end[32];
    snprintf(end, sizeof end, "%s.weights.h5", age);
    check_weights(name, age, path_of(name, end), false);
    snprintf(end, sizeof end, "%s.h5", age);
    check_weights(name, age, path_of(name, end), false);
    check_weights(name, age, path_of(name, end), true);
    const char *copies[] = {in_folder("copy.h5"), in_folder("copy.weights.h5")};
    for (int i = 0; i < 2; i++) {
        knn_model *model = knn_load_model(path_of(name, end));
        check_ok(knn_save_weights(model, copies[i]));
        knn_model_free(model);
        check_weights(name, age, copies[i], false);
    }
}
END_TEST

/* Where the layers of a model run. */
static void check_layers(const knn_model *model, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        ck_assert_str_eq(i < model->layer_count ? model->layers[i].name : "nothing", names[i]);
}

START_TEST(pictures_are_turned_once_where_no_layer_needs_more)
{
    static const char *const pictures[] = {"permute_for_rescaling", "rescaling", "conv2d", "batch_normalization", "zero_padding2d",
        "depthwise_conv2d", "p_re_lu", "max_pooling2d", "spatial_dropout2d", "separable_conv2d", "conv2d_transpose", "up_sampling2d",
        "cropping2d", "average_pooling2d", "activation", "dropout", "flatten", "dense", NULL};
    static const char *const nested[] = {"first/permute_for_re_lu", "first/re_lu", "first/conv2d", "first/batch_normalization", NULL};
    knn_model *model = knn_load_model(path_of("pictures", "keras2.h5"));
    check_layers(model, pictures);
    ck_assert_uint_eq(model->layer_count, 18);
    ck_assert(model->input.size[0] == 3 && model->layers[1].in.size[2] == 3);
    knn_model_free(model);
    model = knn_load_model(path_of("nested", "keras2.h5"));
    check_layers(model, nested);
    ck_assert_str_eq(model->layers[model->layer_count - 1].name, "permute_for_output");
    ck_assert_int_eq(knn__model_output(model).size[0], 2);
    knn_model_free(model);
}
END_TEST

/* ---- Pictures: as Keras with the channels first gets them ---- */

enum { HEIGHT = 11, WIDTH = 9, PIXELS = HEIGHT * WIDTH, CLASSES = 3 };

static const char *const classes[] = {"ant", "bee", "cow", NULL};
static const knn_generator_options generator = {.size = sizeof generator, .rescale = 1.0 / 255};

/* A picture of a colour that changes, its numbers as they are and plane by plane, and what the model makes of these. */
typedef struct picture {
    uint8_t rgb[PIXELS * 3];
    float x[PIXELS * 3], planes[PIXELS * 3], y[CLASSES];
} picture;

static picture make_picture(const knn_model *model)
{
    picture p;
    for (int i = 0; i < PIXELS * 3; i++) {
        p.rgb[i] = (uint8_t)(i * i % 251);
        p.x[i] = (float)(p.rgb[i] * (1.0 / 255));
        p.planes[i % 3 * PIXELS + i / 3] = p.x[i];
    }
    check_ok(knn_predict(model, p.planes, 1, p.y, CLASSES));
    return p;
}

static const char *write_picture(const picture *p, const char *name)
{
    static const char head[] = "P6 9 11 255\n";
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL && fwrite(head, 1, sizeof head - 1, file) == sizeof head - 1 &&
              fwrite(p->rgb, 1, sizeof p->rgb, file) == sizeof p->rgb && fclose(file) == 0);
    return path;
}

START_TEST(a_picture_is_classified_as_its_planes_are)
{
    knn_model *model = knn_load_model(path_of("pictures", "keras2.h5"));
    const picture p = make_picture(model);
    const char *path = write_picture(&p, "picture.ppm"), *name;
    float y[CLASSES];
    double probability, from_pixels;
    check_ok(knn_set_preprocessing(model, knn_pictures(.target_height = HEIGHT, .target_width = WIDTH, .generator = &generator), classes));
    check_ok(knn_predict_file(model, path, y, CLASSES));
    check_floats(y, p.y, CLASSES, 1e-6, 1e-6);
    check_ok(knn_classify_file(model, path, &name, &probability));
    check_ok(knn_classify_pixels(model, p.rgb, WIDTH, HEIGHT, 0, &name, &from_pixels));
    ck_assert(probability == from_pixels && fabs(probability - (double)fmaxf(fmaxf(p.y[0], p.y[1]), p.y[2])) < 1e-6);
    check_ok(knn_set_preprocessing(model, knn_pictures(.target_height = WIDTH, .target_width = HEIGHT), NULL));
    check_error(knn_predict_file(model, path, y, CLASSES) == KNN_ERROR_SHAPE, "(9, 11, 3)");
    knn_model_free(model);
}
END_TEST

static void check_dataset(const knn_model *model, knn_dataset *dataset, const picture *p)
{
    float y[2 * CLASSES];
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    size_t samples = knn_dataset_samples(dataset);
    check_ok(knn_predict_dataset(model, dataset, y, samples * CLASSES));
    for (size_t i = 0; i < samples; i++)
        check_floats(y + i * CLASSES, p->y, CLASSES, 1e-6, 1e-6);
    knn_dataset_free(dataset);
}

START_TEST(data_sets_of_pictures_and_of_planes_give_the_same)
{
    knn_model *model = knn_load_model(path_of("pictures", "keras3.h5"));
    const picture p = make_picture(model);
    float two[2][PIXELS * 3], rows[2][PIXELS * 3];
    for (int i = 0; i < 2; i++) {
        memcpy(two[i], p.x, sizeof p.x);
        memcpy(rows[i], p.planes, sizeof p.planes);
    }
    write_picture(&p, "a.ppm");
    check_dataset(model, knn_flow_from_directory(folder, HEIGHT, WIDTH, .generator = &generator, .class_mode = KNN_NO_CLASSES), &p);
    check_dataset(model, knn_flow(two[0], NULL, 2, HEIGHT, WIDTH, 3), &p);
    check_dataset(model, knn_flow(rows[0], NULL, 2, 3, HEIGHT, WIDTH), &p);
    knn_dataset *other = knn_flow(two[0], NULL, 2, WIDTH, HEIGHT, 3);
    check_error(knn_predict_dataset(model, other, rows[0], 2 * CLASSES) == KNN_ERROR_SHAPE, "the model takes (3, 11, 9)");
    knn_dataset_free(other);
    knn_model_free(model);
}
END_TEST

/* From arrays of pictures, and of their planes: the same weights and the same loss afterwards. */
START_TEST(training_and_evaluation_turn_pictures_too)
{
    const float labels[] = {0, 1, 0};
    double losses[2];
    knn_model *models[2];
    for (int i = 0; i < 2; i++) {
        models[i] = knn_load_model(path_of("pictures", "keras3.h5"));
        const picture p = make_picture(models[i]);
        knn_dataset *data = i == 0 ? knn_flow(p.x, labels, 1, HEIGHT, WIDTH, 3, 3) : knn_flow(p.planes, labels, 1, 3, HEIGHT, WIDTH, 3);
        check_ok(knn_compile(models[i], .optimizer = knn_sgd(0.01), .loss = knn_categorical_crossentropy()));
        check_ok(knn_fit(models[i], data, .epochs = 2));
        check_ok(knn_evaluate(models[i], data, &losses[i], 1));
        knn_dataset_free(data);
    }
    check_same_weights(models[0], models[1]);
    ck_assert(losses[0] == losses[1]);
    knn_model_free(models[0]);
    knn_model_free(models[1]);
}
END_TEST

START_TEST(what_cannot_be_turned_is_refused_by_name)
{
    static const char *const cases[][2] = {
        {"{\"class_name\": \"BatchNormalization\", \"config\": {\"name\": \"bn\", \"axis\": 4}}", "bn (BatchNormalization): an axis"},
        {"{\"class_name\": \"Normalization\", \"config\": {\"name\": \"known\", \"axis\": [1, 2]}}", "known (Normalization): an axis"},
        {"{\"class_name\": \"Flatten\", \"config\": {\"name\": \"flat\", \"data_format\": \"NCHW\"}}", "flat (Flatten): data_format 'NCHW'"},
        {"{\"class_name\": \"PReLU\", \"config\": {\"name\": \"p\", \"shared_axes\": [1, 4]}}", "p: shared_axes"},
        {"{\"class_name\": \"Conv1D\", \"config\": {\"name\": \"c\", \"filters\": 1, \"kernel_size\": [1], \"data_format\": \"channels_first\"}}",
         "c: expected an input of (length, channels)"}};
    char json[512];
    snprintf(json, sizeof json, "{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{\"class_name\": \"InputLayer\", \"config\": "
             "{\"batch_input_shape\": [null, 3, 4, 5]}}, %s]}}", cases[_i][0]);
    check_error(knn_model_from_json(json) == NULL, cases[_i][1]);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    size_t before = knn__live_blocks();
    knn_model *loaded = NULL;
    for (long n = 1; loaded == NULL; n++) {
        knn__fail_allocation(n);
        loaded = knn_load_model(path_of("sequences", "keras2.h5"));
        knn__fail_allocation(0);
        ck_assert(loaded != NULL || (knn__live_blocks() == before && knn_last_error()[0] != '\0'));
    }
    check_model(loaded, "sequences");
    ck_assert_uint_eq(knn__live_blocks(), before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("channels_first");
    TCase *layouts = tcase_create("layouts");
    tcase_add_checked_fixture(layouts, make_folder, remove_folder);
    tcase_add_loop_test(layouts, a_file_predicts_what_keras_predicted, 0, FILES);
    tcase_add_loop_test(layouts, a_file_written_of_it_predicts_the_same, 0, FILES);
    tcase_add_loop_test(layouts, weights_are_found_by_order_and_by_name, 0, 4);
    tcase_add_test(layouts, pictures_are_turned_once_where_no_layer_needs_more);
    tcase_add_test(layouts, a_picture_is_classified_as_its_planes_are);
    tcase_add_test(layouts, data_sets_of_pictures_and_of_planes_give_the_same);
    tcase_add_test(layouts, training_and_evaluation_turn_pictures_too);
    tcase_add_loop_test(layouts, what_cannot_be_turned_is_refused_by_name, 0, 5);
    tcase_add_test(layouts, every_allocation_may_fail);
    suite_add_tcase(suite, layouts);
    return check_run(suite);
}
