/* What the tests of real Keras' files share: paths of files in tests/fixtures/keras, loading, and comparing with the answers that Keras gave, which a
 * .fixture has: x, y, and of what was trained on labels and losses. Makes no files. */
#ifndef KNN_TESTS_KERAS_ANSWERS_H
#define KNN_TESTS_KERAS_ANSWERS_H

#include "keras_support.h"
#include "model/model.h"
#include "support/fixture.h"

#include <math.h>
#include <stdarg.h>

/* A path in tests/fixtures/keras; four may be in use at a time. */
__attribute__((format(printf, 1, 2))) static inline const char *in_fixtures(const char *format, ...)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    int length = snprintf(path, sizeof paths[0], KNN_FIXTURES "/keras/");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + length, sizeof paths[0] - (size_t)length, format, arguments);
    va_end(arguments);
    return path;
}

static inline knn_model *load(const char *path)
{
    knn_model *model = knn_load_model(path);
    ck_assert_msg(model != NULL, "%s", knn_last_error());
    return model;
}

static inline fixture *open_answers(const char *path)
{
    fixture *file = fixture_open(path);
    ck_assert_msg(file != NULL, "no fixture %s", path);
    return file;
}

static inline void check_prediction(const knn_model *model, const char *answers)
{
    int shape[8];
    size_t length;
    fixture *file = open_answers(answers);
    const float *x = fixture_get(file, "x", NULL, shape, NULL), *expected = fixture_get(file, "y", NULL, NULL, &length);
    float *y = malloc(length * sizeof *y);
    check_ok(knn_predict(model, x, (size_t)shape[0], y, length));
    check_floats(y, expected, length, 1e-5, 1e-5);
    free(y);
    fixture_close(file);
}

/* The optimizer has made `steps` steps, and the next losses are Keras', too. */
static inline void check_training_goes_on(knn_model *model, const char *answers, unsigned steps, double tolerance)
{
    int shape[8];
    size_t count;
    fixture *file = open_answers(answers);
    const float *x = fixture_get(file, "x", NULL, shape, NULL), *y = fixture_get(file, "labels", NULL, NULL, NULL),
                *losses = fixture_get(file, "losses", NULL, NULL, &count);
    ck_assert_uint_eq(model->training.iteration, steps);
    for (size_t step = 0; step < count; step++) {
        double loss;
        check_ok(knn_train_on_batch(model, x, y, (size_t)shape[0], &loss, 1));
        ck_assert_msg(fabs(loss - losses[step]) <= tolerance * fabs(losses[step]) + 1e-6, "%s, step %zu: expected %.8g, got %.8g", answers, step,
                      losses[step], loss);
    }
    fixture_close(file);
}

#endif
