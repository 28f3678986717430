/* Holds what is about to be timed, answers or a training step, against the reference backend. It is a check that the right thing is timed,
 * not a test of the kernels: that is tests/harness. */
#include "benchmark.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECKED = 2 };                       /* images: the reference takes its time */

/* Of an answer, by the rounding of Winograd's transforms; and of the gradient as a whole, in which a maximum that nearly ties may have
 * been another one. */
static const double answer_tolerance = 1e-4, gradient_tolerance = 1e-2;

static void compare(const char *what, double expected, double got, double tolerance)
{
    if (fabs(got - expected) <= tolerance)
        return;
    fprintf(stderr, "knn_benchmark: %s: the reference says %.7g, the cpu backend %.7g\n", what, expected, got);
    exit(EXIT_FAILURE);
}

static size_t weight_length(const knn_model *model, size_t index)
{
    int rank, shape[4];
    size_t length = 1;

    expect(knn_weight_info(model, index, NULL, &rank, shape, NULL) == KNN_OK, "looking at a weight");
    for (int i = 0; i < rank; i++)
        length *= (size_t)shape[i];
    return length;
}

/* All weights of a model, one behind the other; the caller frees them. */
static float *read_weights(const knn_model *model, size_t *length)
{
    float *all = NULL;

    *length = 0;
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        size_t more = weight_length(model, i);
        all = realloc(all, (*length + more) * sizeof *all);
        expect(all != NULL && knn_get_weight(model, i, all + *length, more) == KNN_OK, "reading a weight");
        *length += more;
    }
    return all;
}

static void write_weights(knn_model *model, const float *all)
{
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        size_t length = weight_length(model, i);
        expect(knn_set_weight(model, i, all, length) == KNN_OK, "writing a weight");
        all += length;
    }
}

static double step(knn_model *model, const struct batch *batch, size_t images)
{
    double loss;
    expect(knn_train_on_batch(model, batch->x, batch->y, images, &loss, 1) == KNN_OK, "a training step");
    return loss;
}

/* By calls for `images` images, as in the measurement: the choice of kernels may depend on their number. */
static void compare_answers(const struct settings *settings, knn_model *reference, knn_model *tested, const struct batch *batch, int images)
{
    size_t outputs = (size_t)settings->net->outputs, count = (size_t)images, checked = images < CHECKED ? count : CHECKED;
    float *expected = malloc(checked * outputs * sizeof *expected), *got = malloc(count * outputs * sizeof *got);

    expect(expected != NULL && got != NULL, "memory");
    expect(knn_predict(reference, batch->x, checked, expected, checked * outputs) == KNN_OK &&
           knn_predict(tested, batch->x, count, got, count * outputs) == KNN_OK, "predicting");
    for (size_t i = 0; i < checked * outputs; i++)
        compare("an answer", (double)expected[i], (double)got[i], answer_tolerance);
    free(expected);
    free(got);
}

/* From the same weights; what a step of SGD changes is the gradient. */
static void compare_steps(knn_model *reference, knn_model *tested, const struct batch *batch, const float *before)
{
    double error = 0, change = 0, loss = step(reference, batch, CHECKED);
    size_t length;

    compare("the loss", loss, step(tested, batch, CHECKED), answer_tolerance * (1 + loss));
    float *expected = read_weights(reference, &length), *got = read_weights(tested, &length);
    for (size_t i = 0; i < length; i++) {
        error += pow((double)(got[i] - expected[i]), 2);
        change += pow((double)(expected[i] - before[i]), 2);
    }
    compare("the gradient's relative error", 0, sqrt(error / change), gradient_tolerance);
    free(expected);
    free(got);
}

static void check(const struct settings *settings, int images, bool training)
{
    const knn_optimizer *optimizer = knn_sgd(.learning_rate = 0.1);
    knn_model *tested = make_model(settings, "cpu", optimizer), *reference = make_model(settings, "reference", optimizer);
    struct batch batch = make_batch(settings->net, BATCH);
    size_t length;

    /* A full batch first: it makes the plan that is measured later. The reference takes a step, too, because Dropout counts them. */
    step(tested, &batch, BATCH);
    step(reference, &batch, 1);
    float *weights = read_weights(tested, &length);
    write_weights(reference, weights);
    if (training)
        compare_steps(reference, tested, &batch, weights);
    else
        compare_answers(settings, reference, tested, &batch, images);
    free(weights);
    knn_model_free(tested);
    knn_model_free(reference);
    free(batch.x);
    free(batch.y);
}

/* In a child, so that the peak of the memory is the measurement's. */
void check_results(const struct settings *settings, int images, bool training)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        check(settings, images, training);
        _exit(EXIT_SUCCESS);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
        exit(EXIT_FAILURE);                 /* the child has said why */
}
