/* A small net trained for 300 steps by the cpu backend's kernels ends where the reference backend's ends. Each kernel alone is held against
 * the reference in tests/harness; here are all of a step, their errors fed back 300 times. */
#include "support/check_array.h"
#include "support/check_run.h"
#include "training/tiny.h"

enum { SIDE = 18, CHANNELS = 3, LENGTH = SIDE * SIDE * CHANNELS, CLASSES = 3, BATCH = 6, BATCHES = 10, STEPS = 300 };
static const double TOLERANCE = 1e-5;       /* the harness', of the largest number of an array */

static float x[BATCHES][BATCH * LENGTH], y[BATCHES][BATCH * CLASSES];

/* Noise, with a bright third of the channels that is the class. */
static void fill(void)
{
    unsigned seed = 7;
    for (int b = 0; b < BATCHES; b++)
        for (int i = 0; i < BATCH; i++) {
            int class = (int)(tiny_random(&seed) * CLASSES);
            for (int k = 0; k < CLASSES; k++)
                y[b][i * CLASSES + k] = k == class;
            for (int j = 0; j < LENGTH; j++)
                x[b][i * LENGTH + j] = 0.7f * tiny_random(&seed) + (j % CHANNELS == class ? 0.3f : 0);
        }
}

/* Direct and Winograd kernels, with and without pooling, a batch normalization, both dense kernels. */
static knn_model *train(const char *backend, float *losses)
{
    knn_model *model = knn_sequential(.seed = 3, .backend = backend, .threads = 2);
    knn_add(model, knn_input(SIDE, SIDE, CHANNELS));
    knn_add(model, knn_conv2d(16, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_conv2d(16, 3, .padding = KNN_SAME, .no_bias = true));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_activation(KNN_TANH));
    knn_add(model, knn_conv2d(16, 3, .padding = KNN_SAME, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(24, .activation = KNN_TANH));
    knn_add(model, knn_dense(CLASSES, .activation = KNN_SOFTMAX));
    check_ok(knn_compile(model, .optimizer = knn_sgd(0.005, 0.9), .loss = knn_categorical_crossentropy()));
    for (int step = 0; step < STEPS; step++) {
        double loss;
        check_ok(knn_train_on_batch(model, x[step % BATCHES], y[step % BATCHES], BATCH, &loss, 1));
        losses[step] = (float)loss;
    }
    return model;
}

START_TEST(three_hundred_steps_end_where_the_reference_does)
{
    static float losses[STEPS], expected_losses[STEPS];
    size_t length, expected_length;
    fill();
    knn_model *model = train("cpu", losses), *reference = train("reference", expected_losses);
    float *weights = tiny_weights(model, &length), *expected = tiny_weights(reference, &expected_length);
    ck_assert_uint_eq(length, expected_length);
    ck_assert_msg(expected_losses[STEPS - 1] < 0.5 * expected_losses[0], "nothing was learnt: loss %g, then %g", expected_losses[0],
                  expected_losses[STEPS - 1]);
    double largest = 0, off = 0;
    for (size_t i = 0; i < length; i++) {
        largest = fmax(largest, fabs(expected[i]));
        off = fmax(off, fabs((double)weights[i] - expected[i]));
    }
    ck_assert_msg(off <= TOLERANCE * largest, "weights differ by %g, the largest is %g", off, largest);
    free(weights);
    free(expected);
    knn_model_free(model);
    knn_model_free(reference);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training/kernels");
    TCase *tests = tcase_create("kernels");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, three_hundred_steps_end_where_the_reference_does);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
