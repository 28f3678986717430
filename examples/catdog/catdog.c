/* catdog: tells cats from dogs; a Keras tutorial's CatDogClassifier, in C.
 *
 *     catdog                      train on CatAndDog/, save the model, draw the curves
 *     catdog -f FILE              say what a picture shows       (--file)
 *     catdog -d DIRECTORY         say it of each picture in it   (--directory)
 *
 * --backend says where: cuda, cpu, or auto, the default: on the GPU where there is one.
 * Training may be interrupted at any time, by Ctrl-C or by pulling the plug: the next run goes on with the epoch it was in.
 */
#include <knn/knn.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define MODEL   "CatDogClassifier_model.h5"     /* Keras opens it, too */
#define BACKUP  "CatDogClassifier_backup.h5"
#define HISTORY "history.csv"

enum { HEIGHT = 150, WIDTH = 150, CHANNELS = 3, BATCH_SIZE = 32 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) { interrupted = signal_number; }

/* Called after each batch: the library leaves signals to us, we ask it to stop. */
static knn_status stop_if_interrupted(const knn_event *event, void *user)
{
    (void)event, (void)user;
    return interrupted ? KNN_STOP : KNN_OK;
}

static int complain(void)
{
    fprintf(stderr, "catdog: %s\n", knn_last_error());
    return EXIT_FAILURE;
}

/* Five times convolution and pooling, then two dense layers: 1,061,313 parameters.
 * A mistake in here sticks to the model and is reported by the first call that uses it. */
static knn_model *create_model(const char *backend, unsigned long seed)
{
    static const int filters[] = {32, 64, 128, 128, 256};
    knn_model *model = knn_sequential(.backend = backend, .seed = seed);

    knn_add(model, knn_input(HEIGHT, WIDTH, CHANNELS));
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        knn_add(model, knn_conv2d(filters[i], 3, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(512, .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    knn_compile(model, .optimizer = knn_rmsprop(), .loss = knn_binary_crossentropy(), .metrics = {knn_accuracy("acc")});
    return model;
}

static knn_dataset *load_data(const char *root, const char *part, const knn_generator_options *generator)
{
    char directory[4096];
    snprintf(directory, sizeof directory, "%s/%s", root, part);
    knn_dataset *dataset = knn_flow_from_directory(directory, HEIGHT, WIDTH, .class_mode = KNN_BINARY, .generator = generator);
    if (dataset == NULL)
        complain();
    else
        printf("Found %zu images belonging to %zu classes.\n", knn_dataset_samples(dataset), knn_dataset_class_count(dataset));
    return dataset;
}

/* One figure: points for training, a line for validation. */
static void show(const char *metric, const char *title, const char *file)
{
    char command[1024];
    snprintf(command, sizeof command, "gnuplot -e \"set datafile separator ','; set terminal pngcairo size 800,500; set output '%s'; "
        "set title '%s'; set xlabel 'epoch'; plot '%s' using 'epoch':'%s' with points pointtype 7 title 'training', "
        "'' using 'epoch':'val_%s' with lines linewidth 2 title 'validation'\"", file, title, HISTORY, metric, metric);
    if (system(command) == 0)
        printf("%s: see %s\n", title, file);
    else
        fprintf(stderr, "catdog: gnuplot did not draw %s; the numbers are in %s\n", file, HISTORY);
}

static int train(const char *root, int epochs, const char *backend, unsigned long seed)
{
    /* Only the training pictures are augmented. */
    knn_dataset *training = load_data(root, "train", knn_image_data_generator(.rescale = 1 / 255.0,
        .rotation_range = 40, .width_shift_range = 0.2, .height_shift_range = 0.2, .shear_range = 0.2, .zoom_range = 0.2,
        .horizontal_flip = true, .fill_mode = KNN_FILL_NEAREST));
    knn_dataset *validation = load_data(root, "validation", knn_image_data_generator(.rescale = 1 / 255.0));
    knn_model *model = create_model(backend, seed);
    int result = EXIT_FAILURE;

    signal(SIGINT, on_interrupt);
    if (training == NULL || validation == NULL)
        fprintf(stderr, "catdog: expected pictures in %s/train/CLASS and %s/validation/CLASS\n", root, root);
    else if (knn_summary(model, stdout) ||
             knn_fit(model, training, .epochs = epochs, .batch_size = BATCH_SIZE, .validation_data = validation,
                 .callbacks = {knn_progress_bar(stdout), knn_csv_logger(HISTORY), knn_model_checkpoint(MODEL),
                               knn_backup_and_restore(BACKUP), knn_call(stop_if_interrupted)}))
        complain();
    else if (interrupted)
        fprintf(stderr, "catdog: interrupted; the next run goes on from %s\n", BACKUP);
    else {
        printf("The model is in %s.\n", MODEL);
        show("acc", "Training and validation accuracy", "accuracy.png");
        show("loss", "Training and validation loss", "loss.png");
        result = EXIT_SUCCESS;
    }
    knn_model_free(model);
    knn_dataset_free(validation);
    knn_dataset_free(training);
    return result;
}

static int predict_file(const knn_model *model, const char *path)
{
    const char *class_name;
    double probability;

    if (knn_classify_file(model, path, &class_name, &probability) != KNN_OK)
        return complain();
    printf("%s: %s %.4f\n", path, class_name, probability);
    return EXIT_SUCCESS;
}

/* A file that cannot be read is reported, and the others still get their answer. */
static int predict_directory(const knn_model *model, const char *directory)
{
    knn_dataset *pictures = knn_flow_from_directory(directory, .class_mode = KNN_NO_CLASSES);
    int result = EXIT_SUCCESS;

    if (pictures == NULL)
        return complain();
    for (size_t i = 0; i < knn_dataset_samples(pictures); i++)
        if (predict_file(model, knn_dataset_path(pictures, i)) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
    knn_dataset_free(pictures);
    return result;
}

static int predict(const char *file, const char *directory, const char *backend)
{
    static const char *const classes[] = {"cat", "dog", NULL};
    knn_model *model = knn_load_model(MODEL, .backend = backend, .no_compile = true);
    int result = EXIT_FAILURE;

    /* A file that Keras wrote knows neither how our pictures are prepared nor what the classes are called. */
    if (model == NULL || (knn_class_count(model) == 0 &&
            knn_set_preprocessing(model, knn_pictures(.target_height = HEIGHT, .target_width = WIDTH,
                .generator = knn_image_data_generator(.rescale = 1 / 255.0)), classes) != KNN_OK))
        complain();
    else
        result = file != NULL ? predict_file(model, file) : predict_directory(model, directory);
    knn_model_free(model);
    return result;
}

static bool read_number(const char *text, unsigned long most, unsigned long *number)
{
    char *end;
    errno = 0;
    *number = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *number <= most;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"file", required_argument, NULL, 'f'}, {"directory", required_argument, NULL, 'd'}, {"data", required_argument, NULL, 'D'},
        {"epochs", required_argument, NULL, 'e'}, {"seed", required_argument, NULL, 's'}, {"backend", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'}, {0}};
    static const char usage[] = "usage: catdog [--backend NAME] ([--data DIRECTORY] [--epochs N] [--seed N] | -f FILE | -d DIRECTORY)\n";
    const char *file = NULL, *directory = NULL, *data = "CatAndDog", *backend = "auto";
    unsigned long epochs = 30, seed = 0;
    bool understood = true;
    int option;

    while ((option = getopt_long(argc, argv, "f:d:h", options, NULL)) != -1)
        switch (option) {
        case 'f': file = optarg; break;
        case 'd': directory = optarg; break;
        case 'D': data = optarg; break;
        case 'e': understood &= read_number(optarg, INT_MAX, &epochs) && epochs > 0; break;
        case 's': understood &= read_number(optarg, ULONG_MAX, &seed); break;
        case 'b': backend = optarg; break;
        case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
        default: understood = false;
        }
    if (!understood || optind < argc || (file != NULL && directory != NULL)) {
        fputs(usage, stderr);
        return 2;
    }
    return file != NULL || directory != NULL ? predict(file, directory, backend) : train(data, (int)epochs, backend, seed);
}
