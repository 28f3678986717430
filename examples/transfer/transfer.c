/* transfer: what a net has learnt of one kind of pictures helps with another, of which there are few.
 *
 *     transfer [--pictures N] [--epochs N] [--few N]
 *
 * 1. trains a net on N pictures of six shapes, and saves it to shapes.h5;
 * 2. trains the same net from nothing on a few pictures of three other shapes;
 * 3. takes the body of shapes.h5, frozen, with a new head, and trains that on the same few pictures.
 * Each time it prints the accuracy on pictures that no training has seen.
 */
#include "shapes.h"

#include <knn/knn.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define OLD_MODEL "shapes.h5"

enum { TEST_PICTURES = 600, HEAD_EPOCHS = 60 };

typedef struct pictures { float *x, *y; knn_dataset *data; } pictures;

static int complain(void)
{
    fprintf(stderr, "transfer: %s\n", knn_last_error());
    return EXIT_FAILURE;
}

static bool draw(pictures *p, int first, int kinds, uint64_t seed, int count)
{
    p->x = malloc((size_t)count * SIDE * SIDE * sizeof *p->x);
    p->y = malloc((size_t)count * sizeof *p->y);
    if (p->x == NULL || p->y == NULL)
        return false;
    draw_shapes(first, kinds, seed, count, p->x, p->y);
    p->data = knn_flow(p->x, p->y, (size_t)count, SIDE, SIDE, 1);
    return p->data != NULL;
}

static void discard(pictures *p)
{
    knn_dataset_free(p->data);
    free(p->x);
    free(p->y);
}

/* The layers up to "features" tell what is in a picture; the head tells which class that is. */
static void add_head(knn_model *model, int classes)
{
    knn_add(model, knn_dropout(0.3));
    knn_add(model, knn_dense(classes, .activation = KNN_SOFTMAX));
}

static knn_model *new_model(int classes)
{
    knn_model *model = knn_sequential(.seed = 1);

    knn_add(model, knn_input(SIDE, SIDE, 1));
    for (int filters = 16; filters <= 64; filters *= 2) {
        knn_add(model, knn_conv2d(filters, 3, .padding = KNN_SAME, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(64, .activation = KNN_RELU, .name = "features"));
    add_head(model, classes);
    return model;
}

/* The body of a saved model, frozen, under a new head. */
static knn_model *transferred(const char *path, int classes)
{
    knn_model *old = knn_load_model(path, .no_compile = true), *model = knn_sequential(.seed = 1);

    knn_add_layers(model, old, "features", .frozen = true);
    add_head(model, classes);
    knn_model_free(old);
    return model;
}

/* Trains, and prints the accuracy on the test pictures; a failure of any earlier call on the model shows here, too. */
static bool train(const char *what, knn_model *model, double rate, int epochs, const pictures *training, const pictures *test)
{
    double values[2];

    if (knn_compile(model, .optimizer = knn_adam(rate), .loss = knn_sparse_categorical_crossentropy(), .metrics = {knn_accuracy()}) ||
        knn_fit(model, training->data, .epochs = epochs, .batch_size = 16) || knn_evaluate(model, test->data, values, 2))
        return false;
    printf("%-46s %.4f\n", what, values[1]);
    fflush(stdout);
    return true;
}

static int run(int count, int epochs, int few)
{
    pictures old = {0}, old_test = {0}, new = {0}, new_test = {0};
    knn_model *first = new_model(OLD_SHAPES), *alone = new_model(NEW_SHAPES), *model = NULL;
    bool done = draw(&old, 0, OLD_SHAPES, 1, count) && draw(&old_test, 0, OLD_SHAPES, 2, TEST_PICTURES) &&
                draw(&new, OLD_SHAPES, NEW_SHAPES, 3, few) && draw(&new_test, OLD_SHAPES, NEW_SHAPES, 4, TEST_PICTURES);

    printf("%-46s accuracy\n", "");
    done = done && train("six shapes, many pictures", first, 0.001, epochs, &old, &old_test) && knn_save_model(first, OLD_MODEL) == KNN_OK;
    done = done && train("three others, few pictures, from nothing", alone, 0.001, HEAD_EPOCHS, &new, &new_test);
    model = done ? transferred(OLD_MODEL, NEW_SHAPES) : NULL;
    done = done && train("the same, with the body of the first, frozen", model, 0.003, HEAD_EPOCHS, &new, &new_test);
    int result = done ? EXIT_SUCCESS : complain();

    knn_model_free(first);
    knn_model_free(alone);
    knn_model_free(model);
    discard(&old);
    discard(&old_test);
    discard(&new);
    discard(&new_test);
    return result;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"pictures", required_argument, NULL, 'p'}, {"epochs", required_argument, NULL, 'e'}, {"few", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'}, {0}};
    int count = 3000, epochs = 10, few = 60, option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        int *number = option == 'p' ? &count : option == 'e' ? &epochs : &few;
        if (option == 'h' || option == '?' || (*number = atoi(optarg)) < 1) {
            fprintf(option == 'h' ? stdout : stderr, "usage: transfer [--pictures N] [--epochs N] [--few N]\n");
            return option == 'h' ? EXIT_SUCCESS : 2;
        }
    }
    return run(count, epochs, few);
}
