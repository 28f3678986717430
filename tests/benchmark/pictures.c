/* What pictures cost, and the tutorial's whole job on them. Measures nothing that a net does alone: benchmark.c. */
#include "benchmark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PICTURES = 256, MOST_EPOCHS = 100, HEIGHT = 150, WIDTH = 150 };

static const knn_generator_options *augmentation(void)
{
    static const knn_generator_options options = {.size = sizeof options, .rescale = 1 / 255.0, .rotation_range = 40,
        .width_shift_range = 0.2, .height_shift_range = 0.2, .shear_range = 0.2, .zoom_range = 0.2, .horizontal_flip = true,
        .fill_mode = KNN_FILL_NEAREST};
    return &options;
}

static knn_dataset *open_part(const struct settings *settings, const char *part, const knn_generator_options *generator, size_t cache_bytes)
{
    char directory[4096];
    snprintf(directory, sizeof directory, "%s/%s", settings->data, part);
    knn_dataset *dataset = knn_flow_from_directory(directory, HEIGHT, WIDTH, .class_mode = KNN_BINARY, .generator = generator,
                                                   .cache_bytes = cache_bytes);
    expect(dataset != NULL, "opening the pictures");
    return dataset;
}

/* The last folder of the data set's path: lines are published, paths are not. */
static const char *data_name(const struct settings *settings)
{
    const char *slash = strrchr(settings->data, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : settings->data;
}

/* ---- one picture after the other ---- */

struct pass {
    const knn_dataset *dataset;
    size_t pictures;
    bool augment;
    int epoch;                              /* other draws in each pass */
    float *x;
};

/* Pictures from all over the data set, and as many of each class. */
static void run_pass(void *context)
{
    struct pass *pass = context;
    size_t samples = knn_dataset_samples(pass->dataset);

    for (size_t i = 0; i < pass->pictures; i++)
        expect(knn_dataset_sample(pass->dataset, 1, pass->epoch, i * samples / pass->pictures, pass->augment, pass->x, NULL) == KNN_OK,
               "reading a picture");
    pass->epoch++;
}

static void measure_way(const struct settings *settings, bool cached, bool augment)
{
    /* cache_bytes: 0 the default, 1 none. */
    struct pass pass = {.dataset = open_part(settings, "train", augmentation(), cached ? 0 : 1), .augment = augment};

    pass.pictures = knn_dataset_samples(pass.dataset) < MOST_PICTURES ? knn_dataset_samples(pass.dataset) : MOST_PICTURES;
    pass.x = malloc(knn_dataset_input_length(pass.dataset) * sizeof(float));
    expect(pass.x != NULL, "memory");
    struct timing timing = measure(settings->seconds, (int)pass.pictures, run_pass, &pass);
    print_line(settings, &timing, "pictures", "data=%s cached=%s augmented=%s", data_name(settings), cached ? "yes" : "no",
               augment ? "yes" : "no");
    free(pass.x);
    knn_dataset_free((knn_dataset *)(uintptr_t)pass.dataset);
}

void measure_pictures(const struct settings *settings)
{
    struct settings serial = *settings;     /* a data set has no threads of its own */

    serial.threads = 1;
    for (int way = 0; way < 4; way++)
        measure_way(&serial, way & 1, way & 2);
}

/* ---- epochs ---- */

struct epochs {
    double begin, took[MOST_EPOCHS];
    int count;
};

static knn_status time_epoch(const knn_event *event, void *user)
{
    struct epochs *epochs = user;

    if (event->kind == KNN_EPOCH_BEGIN)
        epochs->begin = now();
    if (event->kind == KNN_EPOCH_END)
        epochs->took[epochs->count++] = now() - epochs->begin;
    return KNN_OK;
}

static void print_epochs(const struct settings *settings, size_t training, size_t validation, const char *which, double *took, int count)
{
    struct timing timing = timing_of(took, count);
    print_line(settings, &timing, "epoch", "net=catdog data=%s pictures=%zu+%zu which=%s", data_name(settings), training, validation,
               which);
}

void measure_epoch(const struct settings *settings)
{
    struct settings catdog = *settings;
    struct epochs epochs = {0};

    catdog.net = nets;
    catdog.epochs = settings->epochs < MOST_EPOCHS ? settings->epochs : MOST_EPOCHS;
    knn_dataset *training = open_part(settings, "train", augmentation(), 0);
    knn_dataset *validation = open_part(settings, "validation", knn_image_data_generator(.rescale = 1 / 255.0), 0);
    knn_model *model = make_model(&catdog, "cpu", NULL);
    expect(knn_fit(model, training, .epochs = catdog.epochs, .batch_size = BATCH, .validation_data = validation,
                   .callbacks = {knn_call(time_epoch, &epochs)}) == KNN_OK, "training");
    /* The first epoch makes the memory and decodes what the others find in the cache. */
    print_epochs(settings, knn_dataset_samples(training), knn_dataset_samples(validation), "first", epochs.took, 1);
    if (epochs.count > 1)
        print_epochs(settings, knn_dataset_samples(training), knn_dataset_samples(validation), "later", epochs.took + 1,
                     epochs.count - 1);
    knn_model_free(model);
    knn_dataset_free(validation);
    knn_dataset_free(training);
}
