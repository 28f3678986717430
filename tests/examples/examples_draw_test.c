/* The drawn data set of examples/catdog: complete, repeatable, and not to be told apart by colours and rough shapes.
 * The program is named by the environment variable KNN_DRAW; without it the test is skipped. */
#include "support/check_run.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

enum { TRAIN = 640, HELD_BACK = 320, THUMBNAIL = 8, FEATURES = THUMBNAIL * THUMBNAIL * 3, SKIPPED = 77 };

static const char *const classes[] = {"cat", "dog"};
static char folder[] = "/tmp/knn-draw-XXXXXX";

/* ---- running the program ----------------------------------------------------------------------------------------- */

static int run(const char *command)
{
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The exit status of draw; its output is dropped. */
static int draw(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd '%s' && \"$KNN_DRAW\" %s >/dev/null 2>&1", folder, arguments);
    return run(command);
}

/* True where a shell command over the drawn folders succeeds. */
static bool holds(const char *condition)
{
    char command[1024];
    snprintf(command, sizeof command, "cd '%s' && %s", folder, condition);
    return run(command) == 0;
}

static void draw_defaults(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(draw("all"), 0);
}

static void remove_all(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(run(command), 0);
}

/* ---- thumbnails -------------------------------------------------------------------------------------------------- */

typedef struct picture {
    bool dog;
    int width, height;
    double features[FEATURES];      /* [THUMBNAIL][THUMBNAIL][3], means of the pixels in each cell */
} picture;

static double cell_mean(const unsigned char *pixels, int width, int height, int row, int column, int channel)
{
    int top = row * height / THUMBNAIL, bottom = (row + 1) * height / THUMBNAIL;
    int left = column * width / THUMBNAIL, right = (column + 1) * width / THUMBNAIL;
    double sum = 0;

    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            sum += pixels[(y * width + x) * 3 + channel];
    return sum / ((bottom - top) * (right - left));
}

static void read_picture(picture *p, const char *part, int index)
{
    char path[256];
    int channels;

    p->dog = index % 2 == 1;
    snprintf(path, sizeof path, "%s/all/%s/%s/%04d.jpg", folder, part, classes[index % 2], index / 2);
    unsigned char *pixels = stbi_load(path, &p->width, &p->height, &channels, 3);
    ck_assert_msg(pixels != NULL && channels == 3, "%s is no colour picture", path);
    for (int i = 0; i < FEATURES; i++)
        p->features[i] = cell_mean(pixels, p->width, p->height, i / (3 * THUMBNAIL), i / 3 % THUMBNAIL, i % 3);
    stbi_image_free(pixels);
}

static picture *read_pictures(const char *const *parts, int count, int each)
{
    picture *pictures = calloc((size_t)(count * each), sizeof *pictures);

    ck_assert_ptr_nonnull(pictures);
    for (int part = 0; part < count; part++)
        for (int i = 0; i < each; i++)
            read_picture(&pictures[part * each + i], parts[part], i);
    return pictures;
}

/* Mean 0 and standard deviation 1 on the training pictures; the others are treated alike. */
static void standardise(picture *training, picture *others)
{
    for (int f = 0; f < FEATURES; f++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < TRAIN; i++) {
            sum += training[i].features[f];
            squares += training[i].features[f] * training[i].features[f];
        }
        double mean = sum / TRAIN, deviation = sqrt(squares / TRAIN - mean * mean);
        for (int i = 0; i < TRAIN; i++)
            training[i].features[f] = (training[i].features[f] - mean) / deviation;
        for (int i = 0; i < HELD_BACK; i++)
            others[i].features[f] = (others[i].features[f] - mean) / deviation;
    }
}

/* ---- logistic regression ----------------------------------------------------------------------------------------- */

typedef struct regression { double weights[FEATURES], bias; } regression;

static double score(const regression *r, const picture *p)
{
    double sum = r->bias;
    for (int f = 0; f < FEATURES; f++)
        sum += r->weights[f] * p->features[f];
    return sum;
}

/* Gradient descent over all pictures at once; the penalty is half its square sum of weights. */
static regression fit(const picture *pictures, int count, double penalty)
{
    enum { STEPS = 200 };
    static const double rate = 0.1;
    regression r = {0};

    for (int step = 0; step < STEPS; step++) {
        double gradient[FEATURES] = {0}, bias_gradient = 0;
        for (int i = 0; i < count; i++) {
            double error = 1 / (1 + exp(-score(&r, &pictures[i]))) - pictures[i].dog;
            for (int f = 0; f < FEATURES; f++)
                gradient[f] += error * pictures[i].features[f];
            bias_gradient += error;
        }
        for (int f = 0; f < FEATURES; f++)
            r.weights[f] -= rate * (gradient[f] / count + penalty * r.weights[f]);
        r.bias -= rate * bias_gradient / count;
    }
    return r;
}

static double accuracy(const regression *r, const picture *pictures, int count)
{
    int right = 0;
    for (int i = 0; i < count; i++)
        right += (score(r, &pictures[i]) > 0) == pictures[i].dog;
    return (double)right / count;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

START_TEST(default_counts_are_640_160_160_half_of_each_class)
{
    ck_assert(holds("test $(find all -type f | wc -l) = 960"));
    ck_assert(holds("for class in cat dog; do test $(ls all/train/$class/*.jpg | wc -l) = 320 || exit 1; done"));
    ck_assert(holds("for each in all/validation/cat all/validation/dog all/test/cat all/test/dog; "
                    "do test $(ls $each/*.jpg | wc -l) = 80 || exit 1; done"));
}
END_TEST

START_TEST(counts_are_those_asked_for)
{
    ck_assert_int_eq(draw("--train 5 --validation 2 --test 0 asked"), 0);
    ck_assert(holds("test \"$(cd asked && echo */*/*.jpg)\" = 'train/cat/0000.jpg train/cat/0001.jpg train/cat/0002.jpg "
                    "train/dog/0000.jpg train/dog/0001.jpg validation/cat/0000.jpg validation/dog/0000.jpg'"));
    ck_assert(holds("test -d asked/test/cat && test -d asked/test/dog"));
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bytes)
{
    ck_assert_int_eq(draw("--train 6 --validation 4 --test 4 --seed 7 first"), 0);
    ck_assert_int_eq(draw("--seed 7 --test 4 --validation 4 --train 6 second"), 0);
    ck_assert(holds("diff -r first second"));
}
END_TEST

START_TEST(another_seed_and_another_folder_give_other_pictures)
{
    ck_assert_int_eq(draw("--train 6 --validation 6 --test 6 --seed 7 seven"), 0);
    ck_assert_int_eq(draw("--train 6 --validation 6 --test 6 --seed 8 eight"), 0);
    ck_assert(holds("test $(find seven eight -type f -exec cksum {} + | cut -d ' ' -f 1,2 | sort -u | wc -l) = 36"));
}
END_TEST

START_TEST(sides_differ_and_are_180_to_360_pixels)
{
    picture *pictures = read_pictures((const char *const[]){"train"}, 1, TRAIN);
    int smallest = pictures[0].width, largest = pictures[0].width, upright = 0;

    for (int i = 0; i < TRAIN; i++) {
        int shorter = pictures[i].width < pictures[i].height ? pictures[i].width : pictures[i].height;
        int longer = pictures[i].width + pictures[i].height - shorter;
        smallest = shorter < smallest ? shorter : smallest;
        largest = longer > largest ? longer : largest;
        upright += pictures[i].height > pictures[i].width;
    }
    ck_assert_int_ge(smallest, 180);
    ck_assert_int_lt(smallest, 200);
    ck_assert_int_le(largest, 360);
    ck_assert_int_gt(largest, 340);
    ck_assert_int_gt(upright, TRAIN / 5);
    ck_assert_int_lt(upright, TRAIN / 2);
    free(pictures);
}
END_TEST

START_TEST(logistic_regression_on_thumbnails_stays_under_65_percent)
{
    static const double penalties[] = {0.3, 0.03, 0.003};
    picture *training = read_pictures((const char *const[]){"train"}, 1, TRAIN);
    picture *others = read_pictures((const char *const[]){"validation", "test"}, 2, HELD_BACK / 2);

    standardise(training, others);
    for (size_t i = 0; i < sizeof penalties / sizeof penalties[0]; i++) {
        regression r = fit(training, TRAIN, penalties[i]);
        double reached = accuracy(&r, others, HELD_BACK);
        ck_assert_msg(reached < 0.65, "penalty %g: accuracy %.3f, expected under 0.65", penalties[i], reached);
    }
    free(others);
    free(training);
}
END_TEST

/* The test above means something only if this regression does see what is to be seen. */
START_TEST(logistic_regression_finds_slightly_brighter_dogs)
{
    picture *training = read_pictures((const char *const[]){"train"}, 1, TRAIN);
    picture *others = read_pictures((const char *const[]){"validation", "test"}, 2, HELD_BACK / 2);

    standardise(training, others);
    for (int f = 0; f < FEATURES; f++) {
        for (int i = 0; i < TRAIN; i++)
            training[i].features[f] += training[i].dog ? 0.5 : -0.5;
        for (int i = 0; i < HELD_BACK; i++)
            others[i].features[f] += others[i].dog ? 0.5 : -0.5;
    }
    regression r = fit(training, TRAIN, 0.03);
    ck_assert_double_gt(accuracy(&r, others, HELD_BACK), 0.8);
    free(others);
    free(training);
}
END_TEST

START_TEST(wrong_usage_exits_with_2)
{
    static const char *const wrong[] = {"", "one two", "--train", "--train x out", "--train -1 out", "--test 1.5 out",
                                        "--seed '' out", "--validation 99999999999999999999 out", "--colour red out"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(draw(wrong[i]) == 2, "draw %s: expected exit status 2", wrong[i]);
    ck_assert(holds("test ! -e out"));
    ck_assert_int_eq(draw("--help"), 0);
}
END_TEST

START_TEST(what_cannot_be_written_exits_with_1)
{
    ck_assert(holds("touch file"));
    ck_assert_int_eq(draw("file"), 1);
    ck_assert_int_eq(draw("missing/folder"), 1);
    ck_assert(holds("mkdir -p taken/train/cat/0000.jpg"));
    ck_assert_int_eq(draw("--train 2 taken"), 1);
}
END_TEST

int main(void)
{
    if (getenv("KNN_DRAW") == NULL) {
        fprintf(stderr, "KNN_DRAW does not name the draw program: skipped\n");
        return SKIPPED;
    }
    Suite *suite = suite_create("examples/draw");
    TCase *tests = tcase_create("draw");
    tcase_add_unchecked_fixture(tests, draw_defaults, remove_all);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, default_counts_are_640_160_160_half_of_each_class);
    tcase_add_test(tests, counts_are_those_asked_for);
    tcase_add_test(tests, the_same_seed_gives_the_same_bytes);
    tcase_add_test(tests, another_seed_and_another_folder_give_other_pictures);
    tcase_add_test(tests, sides_differ_and_are_180_to_360_pixels);
    tcase_add_test(tests, logistic_regression_on_thumbnails_stays_under_65_percent);
    tcase_add_test(tests, logistic_regression_finds_slightly_brighter_dogs);
    tcase_add_test(tests, wrong_usage_exits_with_2);
    tcase_add_test(tests, what_cannot_be_written_exits_with_1);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
