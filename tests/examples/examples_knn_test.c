/* The tool knn as a new user tries it: every verb on files of Keras and drawn pictures, as text and as JSON; wrong usage, bad files, full
 * disks. KNN_TOOL is the program. */
#include "support/check_run.h"

#include <cJSON.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FINE = 0, FAILED = 1, USAGE = 2, MOST = 1 << 20 };

static char folder[] = "/tmp/knn-tool-XXXXXX";
static char out[MOST], err[MOST];           /* of the last run */

/* ---- Support ---- */

static void read_whole(const char *path, char *to)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    to[fread(to, 1, MOST - 1, file)] = '\0';
    fclose(file);
}

/* Runs the shell's line in the folder; $knn is the program, $keras the fixtures. */
static int shell(const char *line)
{
    FILE *script = fopen("line", "w");
    fprintf(script, "knn='%s' keras='%s/keras'\n%s\n", getenv("KNN_TOOL"), KNN_FIXTURES, line);
    fclose(script);
    int status = system("sh line >out 2>err");
    read_whole("out", out);
    read_whole("err", err);
    return WEXITSTATUS(status);
}

#define CHECK_RUN(line, expected) \
    do { \
        int status_ = shell(line); \
        ck_assert_msg(status_ == (expected), "%s: status %d, expected %d\n%s%s", line, status_, (int)(expected), out, err); \
    } while (0)
#define CHECK_HAS(text, part) ck_assert_msg(strstr(text, part) != NULL, "expected \"%s\" in:\n%s", part, text)

/* A line "knn: ..", and no other. */
static void check_one_error(const char *part)
{
    ck_assert_msg(strncmp(err, "knn: ", 5) == 0 && strchr(err, '\n') == err + strlen(err) - 1, "not a line of knn: %s", err);
    CHECK_HAS(err, part);
}

/* What the last run wrote; the caller deletes it. */
static cJSON *json(void)
{
    const char *rest;
    cJSON *object = cJSON_ParseWithOpts(out, &rest, 0);
    ck_assert_msg(cJSON_IsObject(object) && strcmp(rest, "\n") == 0, "not one object of JSON: %s", out);
    return object;
}

static const cJSON *at(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(item != NULL, "no member %s in: %s", key, out);
    return item;
}

static const cJSON *element(const cJSON *object, const char *key, int index)
{
    const cJSON *item = cJSON_GetArrayItem(at(object, key), index);
    ck_assert_msg(item != NULL, "no element %d of %s in: %s", index, key, out);
    return item;
}

static void check_text(const cJSON *object, const char *key, const char *expected)
{
    ck_assert_msg(cJSON_IsString(at(object, key)), "%s is no text in: %s", key, out);
    ck_assert_str_eq(at(object, key)->valuestring, expected);
}

static void check_number(const cJSON *object, const char *key, double expected)
{
    ck_assert_msg(cJSON_IsNumber(at(object, key)), "%s is no number in: %s", key, out);
    ck_assert_double_eq_tol(at(object, key)->valuedouble, expected, 1e-6);
}

/* A picture of one colour. */
static void draw(const char *path, int width, int height, int grey)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s", path);
    fprintf(file, "P6 %d %d 255\n", width, height);
    for (int i = 0; i < 3 * width * height; i++)
        fputc(grey, file);
    fclose(file);
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/knn-tool-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL && chdir(folder) == 0);
    CHECK_RUN("mkdir -p data/train/cat data/train/dog data/test/cat data/test/dog", FINE);
    for (int i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "data/%s/%s/%d.ppm", i < 2 ? "train" : "test", i % 2 == 0 ? "cat" : "dog", i);
        draw(path, 10 + i, 20 + i, 60 * i);
    }
}

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert(chdir("/") == 0 && system(command) == 0);
}

/* ---- Usage ---- */

START_TEST(help_and_version_are_fine_and_wrong_usage_is_two)
{
    static const char *const fine[] = {"--help", "-h", "help", "help predict", "--version", "summary --help", "info -h", "convert --help",
                                       "predict --help", "evaluate --help", "check --help", "check --version"};
    static const struct { const char *line, *error; } wrong[] = {
        {"\"$knn\" frobnicate", "no verb \"frobnicate\""}, {"\"$knn\" summary", "expected FILE"}, {"\"$knn\" summary a b", "expected FILE"},
        {"\"$knn\" summary --frob a", "no option --frob"}, {"\"$knn\" summary -x a", "no option -x"},
        {"\"$knn\" summary --json=1 a", "--json=1"}, {"\"$knn\" predict a", "expected FILE PICTURE"},
        {"\"$knn\" predict a b --top", "no value for --top"}, {"\"$knn\" predict a b --top 0", "--top cannot be \"0\""},
        {"\"$knn\" predict a b --top 3x", "--top cannot be"}, {"\"$knn\" predict a b --rescale 1/0", "--rescale cannot be"},
        {"\"$knn\" predict a b --interpolation cubic", "--interpolation cannot be"}, {"\"$knn\" summary --top 3 a", "no option --top"},
        {"\"$knn\" convert \"$keras/cnn-keras2.h5\" b.txt", "expected a name that ends in"},
        {"\"$knn\" convert --weights-only \"$keras/cnn-keras2.h5\" b.keras", "expected a name that ends in"}};
    char line[128];

    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        snprintf(line, sizeof line, "\"$knn\" %s", fine[i]);
        CHECK_RUN(line, FINE);
        ck_assert_msg(strlen(out) > 20 && err[0] == '\0', "%s", line);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_RUN(wrong[i].line, USAGE);
        check_one_error(wrong[i].error);
        ck_assert_str_eq(out, "");
    }
    CHECK_RUN("\"$knn\"", USAGE);
    CHECK_HAS(err, "usage: knn VERB");
}
END_TEST

START_TEST(options_may_follow_and_two_dashes_end_them)
{
    CHECK_RUN("\"$knn\" summary \"$keras/cnn-keras2.h5\" --json", FINE);
    cJSON_Delete(json());
    CHECK_RUN("cp \"$keras/cnn-keras2.h5\" ./--json && \"$knn\" summary -- --json", FINE);
    CHECK_HAS(out, "Model: \"sequential\"");
}
END_TEST

/* ---- Files ---- */

START_TEST(summary_is_that_of_keras)
{
    CHECK_RUN("\"$knn\" summary \"$keras/cnn-keras2.h5\"", FINE);
    CHECK_HAS(out, "conv2d (Conv2D)              (None, 11, 9, 4)          112       \n");
    CHECK_HAS(out, "Non-trainable params: 10\n");
    CHECK_RUN("\"$knn\" summary --json \"$keras/cnn-keras2.h5\"", FINE);
    cJSON *object = json();
    check_number(object, "parameters", 879);
    check_number(object, "trainable_parameters", 869);
    const cJSON *layer = element(object, "layers", 7);
    check_text(layer, "name", "dense");
    check_text(layer, "class", "Dense");
    check_number(layer, "parameters", 606);
    ck_assert_int_eq(element(layer, "output_shape", 0)->valueint, 6);
    cJSON_Delete(object);
}
END_TEST

START_TEST(info_tells_what_keras_wrote)
{
    CHECK_RUN("\"$knn\" info \"$keras/cnn-keras2.h5\"", FINE);
    CHECK_HAS(out, "keras_version          2.21.0\n");
    CHECK_HAS(out, "input_shape            (11, 9, 3)\n");
    CHECK_RUN("\"$knn\" info --json \"$keras/cnn-keras2.h5\"", FINE);
    cJSON *object = json();
    check_text(object, "kind", "whole model, .h5");
    check_text(object, "backend", "tensorflow");
    ck_assert(cJSON_IsNull(at(object, "libknn_version")) && cJSON_IsNull(at(object, "preprocessing")));
    const cJSON *weight = element(object, "weights", 5);
    check_text(weight, "name", "batch_normalization/moving_mean");
    ck_assert(cJSON_IsFalse(at(weight, "trainable")));
    ck_assert_int_eq(element(element(object, "weights", 0), "shape", 3)->valueint, 4);
    check_text(at(object, "compiled"), "optimizer", "Adam");
    ck_assert_str_eq(element(object, "metrics", 0)->valuestring, "acc");
    cJSON_Delete(object);
}
END_TEST

START_TEST(converted_files_predict_the_same)
{
    static const char *const ends[] = {"keras", "h5", "hdf5"};
    char line[512], first[MOST];

    CHECK_RUN("\"$knn\" predict \"$keras/cnn-keras3.h5\" data/test", FINE);
    strcpy(first, out);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(line, sizeof line, "\"$knn\" convert \"$keras/cnn-keras3.h5\" b.%s && \"$knn\" predict b.%s data/test >b && cat b", ends[i], ends[i]);
        CHECK_RUN(line, FINE);
        CHECK_HAS(out, first);
    }
    CHECK_RUN("\"$knn\" convert b.keras b.json && \"$knn\" convert b.keras b.weights.h5 && \"$knn\" convert --weights-only b.keras w.h5", FINE);
    CHECK_RUN("\"$knn\" predict --config b.json b.weights.h5 data/test", FINE);
    ck_assert_str_eq(out, first);
    CHECK_RUN("\"$knn\" predict --config b.json w.h5 data/test", FINE);
    ck_assert_str_eq(out, first);
    CHECK_RUN("\"$knn\" convert --json --config b.json b.weights.h5 again.keras", FINE);
    cJSON *object = json();
    check_text(object, "to", "again.keras");
    check_text(object, "kind", "whole model, .keras");
    cJSON_Delete(object);
    CHECK_RUN("\"$knn\" info w.h5", FINE);
    CHECK_HAS(out, "--config FILE");
    CHECK_HAS(out, "conv2d/conv2d/kernel:0          (3, 3, 3, 4)\n");
    CHECK_RUN("\"$knn\" summary b.json", FINE);
}
END_TEST

START_TEST(what_lacks_a_half_is_refused_with_the_cure)
{
    CHECK_RUN("\"$knn\" convert \"$keras/cnn-keras3.h5\" b.json", FINE);
    CHECK_RUN("\"$knn\" summary \"$keras/cnn-keras3.weights.h5\"", FAILED);
    check_one_error("weights without layers");
    CHECK_RUN("\"$knn\" convert b.json b.h5", FAILED);
    check_one_error("layers without weights");
    CHECK_RUN("test ! -e b.h5", FINE);
    CHECK_RUN("\"$knn\" convert --config b.json b.json b.h5", FAILED);
    check_one_error("b.json");
}
END_TEST

START_TEST(bad_files_fail_in_a_line_and_leave_nothing)
{
    static const char *const files[] = {"\"$keras/bad-missing.h5\"", "\"$keras/bad-enormous.h5\"", "\"$keras/archive-bad-bomb.keras\"",
                                        "\"$keras/archive-bad-circle.keras\"", "nothing.h5", "data", "data/test/cat/2.ppm", "/dev/null"};
    char line[512];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(line, sizeof line, "\"$knn\" convert %s b.keras", files[i]);
        CHECK_RUN(line, FAILED);
        check_one_error("");
        snprintf(line, sizeof line, "\"$knn\" summary --json %s", files[i]);
        CHECK_RUN(line, FAILED);
        cJSON *object = json();
        ck_assert_msg(strstr(err, at(object, "error")->valuestring) != NULL, "%s", err);
        cJSON_Delete(object);
    }
    CHECK_RUN("ls | grep b.keras", FAILED);
    CHECK_RUN("\"$knn\" convert \"$keras/cnn-keras3.h5\" no/such/folder.h5", FAILED);
    check_one_error("no/such/folder.h5");
}
END_TEST

START_TEST(an_output_that_cannot_be_written_is_a_failure)
{
    if (access("/dev/full", W_OK) == 0) {
        CHECK_RUN("\"$knn\" summary \"$keras/cnn-keras2.h5\" >/dev/full", FAILED);
        check_one_error("standard output");
    }
    CHECK_RUN("\"$knn\" info \"$keras/cnn-keras2.h5\" | head -1", FINE);
    ck_assert_str_eq(err, "");
    CHECK_RUN("\"$knn\" info \"$keras/cnn-keras2.h5\" >&-", FAILED);
    check_one_error("standard output");
}
END_TEST

/* ---- Pictures ---- */

START_TEST(predict_answers_for_each_picture_and_names_the_bad_ones)
{
    CHECK_RUN("\"$knn\" predict --classes cat,dog,m\xc3\xbcll --top 2 \"$keras/cnn-keras2.h5\" data/test/cat/2.ppm", FINE);
    CHECK_HAS(out, "data/test/cat/2.ppm: dog 0.");
    CHECK_RUN("printf hello >data/test/cat/3.jpg; \"$knn\" predict --json --classes cat,dog,m\xc3\xbcll \"$keras/cnn-keras2.h5\" data/test nothing.jpg", FAILED);
    CHECK_HAS(err, "knn: data/test/cat/3.jpg: is no picture");
    CHECK_HAS(err, "nothing.jpg");
    cJSON *object = json();
    ck_assert_int_eq(cJSON_GetArraySize(at(object, "predictions")), 4);
    const cJSON *good = element(object, "predictions", 0);
    double sum = 0, last = 1;
    for (int i = 0; i < 3; i++) {
        double p = at(element(good, "classes", i), "probability")->valuedouble;
        ck_assert_double_le(p, last);
        last = p;
        sum += p;
    }
    ck_assert_double_eq_tol(sum, 1, 1e-5);
    check_text(element(good, "classes", 1), "class", "m\xc3\xbcll");
    check_text(element(object, "predictions", 1), "file", "data/test/cat/3.jpg");
    ck_assert(cJSON_IsString(at(element(object, "predictions", 1), "error")));
    cJSON_Delete(object);
}
END_TEST

START_TEST(preparation_follows_the_options)
{
    char first[MOST];

    CHECK_RUN("\"$knn\" predict \"$keras/cnn-keras2.h5\" data/train", FINE);
    strcpy(first, out);
    CHECK_RUN("\"$knn\" predict --rescale 1/255 --interpolation nearest --backend reference --threads 1 \"$keras/cnn-keras2.h5\" data/train", FINE);
    ck_assert_str_eq(out, first);
    CHECK_RUN("\"$knn\" predict --rescale 1 \"$keras/cnn-keras2.h5\" data/train", FINE);
    ck_assert_str_ne(out, first);
    CHECK_RUN("\"$knn\" predict --preprocessing tf \"$keras/cnn-keras2.h5\" data/train", FINE);
    ck_assert_str_ne(out, first);
    CHECK_RUN("\"$knn\" predict --preprocessing torch \"$keras/cnn-keras2.h5\" data/train", FINE);
    CHECK_RUN("\"$knn\" predict --logits \"$keras/cnn-keras2.h5\" data/train", FINE);
    ck_assert_str_ne(out, first);
    CHECK_RUN("\"$knn\" predict --classes a,b \"$keras/cnn-keras2.h5\" data/train", FAILED);
    check_one_error("2 names of classes for 3 classes");
    CHECK_RUN("\"$knn\" predict --backend abacus \"$keras/cnn-keras2.h5\" data/train", FAILED);
    check_one_error("abacus");
    CHECK_RUN("\"$knn\" predict \"$keras/vector-keras2.h5\" data/train", FAILED);
    check_one_error("is no picture");
}
END_TEST

START_TEST(names_of_any_bytes_survive)
{
    CHECK_RUN("mkdir 'a b' && cp data/test/cat/2.ppm 'a b/new\nline \"quoted\" \\ \xc3\xa9.ppm' && cp data/test/cat/2.ppm 'a b/\xff.ppm'", FINE);
    CHECK_RUN("\"$knn\" predict --json --top 1 \"$keras/cnn-keras2.h5\" 'a b'", FINE);
    cJSON *object = json();
    check_text(element(object, "predictions", 0), "file", "a b/new\nline \"quoted\" \\ \xc3\xa9.ppm");
    check_text(element(object, "predictions", 1), "file", "a b/\xef\xbf\xbd.ppm");
    cJSON_Delete(object);
    CHECK_RUN("\"$knn\" info \"a\nb\"", FAILED);
    check_one_error("a b");
}
END_TEST

START_TEST(evaluate_counts_what_predict_says)
{
    CHECK_RUN("mkdir data/test/emu && cp data/test/dog/3.ppm data/test/emu", FINE);
    CHECK_RUN("\"$knn\" evaluate \"$keras/cnn-keras2.h5\" data/test", FINE);
    CHECK_HAS(out, "samples                3\n");
    CHECK_RUN("\"$knn\" evaluate --json --batch-size 2 \"$keras/cnn-keras2.h5\" data/test", FINE);
    cJSON *object = json();
    double right = 0, all = 0;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            double count = cJSON_GetArrayItem(element(object, "confusion", i), k)->valuedouble;
            all += count;
            right += i == k ? count : 0;
        }
    ck_assert(cJSON_IsTrue(at(object, "compiled")));
    ck_assert_double_eq(all, 3);
    check_number(at(object, "values"), "acc", right / all);
    ck_assert(isfinite(at(at(object, "values"), "loss")->valuedouble));
    /* The net takes all of these for the second class. */
    check_number(element(object, "classes", 1), "precision", 1 / 3.0);
    check_number(element(object, "classes", 1), "recall", 1);
    check_number(element(object, "classes", 0), "recall", 0);
    cJSON_Delete(object);
    CHECK_RUN("\"$knn\" convert \"$keras/cnn-keras2.h5\" b.json && \"$knn\" convert \"$keras/cnn-keras2.h5\" b.weights.h5", FINE);
    CHECK_RUN("\"$knn\" evaluate --json --config b.json b.weights.h5 --classes dog,cat,emu data/test", FINE);
    object = json();
    ck_assert(cJSON_IsFalse(at(object, "compiled")));
    check_text(element(object, "classes", 0), "class", "dog");
    check_number(at(object, "values"), "accuracy", 1 / 3.0);
    check_number(element(object, "classes", 1), "recall", 1);            /* the second is cat now */
    cJSON_Delete(object);
    CHECK_RUN("\"$knn\" evaluate \"$keras/cnn-keras2.h5\" data/train", FAILED);
    check_one_error("2");
    CHECK_RUN("\"$knn\" evaluate --classes cat,dog,cow \"$keras/cnn-keras2.h5\" data/test", FAILED);
    check_one_error("cow");
}
END_TEST

START_TEST(check_finds_what_is_wrong)
{
    CHECK_RUN("\"$knn\" check data", FINE);
    CHECK_RUN("\"$knn\" check --json data", FINE);
    cJSON *object = json();
    check_number(object, "pictures", 4);
    check_number(at(object, "width"), "min", 10);
    check_number(at(object, "height"), "max", 23);
    check_number(element(object, "channels", 0), "channels", 3);
    check_text(element(object, "classes", 0), "split", "test");
    check_text(element(object, "classes", 1), "class", "dog");
    ck_assert_int_eq(cJSON_GetArraySize(at(object, "bad")) + cJSON_GetArraySize(at(object, "problems")), 0);
    cJSON_Delete(object);

    CHECK_RUN("cp data/train/dog/1.ppm data/test/dog/copy.ppm; head -c 100 data/train/cat/0.ppm >data/train/cat/cut.ppm; mkdir data/train/emu\n"
              "\"$knn\" check --json data/", FAILED);
    object = json();
    check_text(element(object, "bad", 0), "file", "data/train/cat/cut.ppm");
    check_text(element(object, "bad", 0), "reason", "image file is truncated");
    check_text(element(object, "duplicates", 0), "file", "data/train/dog/1.ppm");
    check_text(element(object, "duplicates", 0), "same_as", "data/test/dog/copy.ppm");
    CHECK_HAS(element(object, "problems", 0)->valuestring, "train/emu: no pictures");
    check_number(element(object, "classes", 2), "bad", 1);
    cJSON_Delete(object);
    CHECK_RUN("\"$knn\" check data", FAILED);
    CHECK_HAS(out, "image file is truncated");
    CHECK_RUN("\"$knn\" check nothing", FAILED);
    check_one_error("nothing");
    CHECK_RUN("mkdir none; \"$knn\" check --json none", FAILED);
    cJSON_Delete(json());
    CHECK_RUN("\"$knn\" check --json data/test/cat", FINE);
    object = json();
    ck_assert(cJSON_IsNull(at(element(object, "classes", 0), "class")));
    cJSON_Delete(object);
}
END_TEST

int main(void)
{
    if (getenv("KNN_TOOL") == NULL) {
        fprintf(stderr, "KNN_TOOL is not set\n");
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("examples/knn");
    TCase *cases = tcase_create("knn");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, help_and_version_are_fine_and_wrong_usage_is_two);
    tcase_add_test(cases, options_may_follow_and_two_dashes_end_them);
    tcase_add_test(cases, summary_is_that_of_keras);
    tcase_add_test(cases, info_tells_what_keras_wrote);
    tcase_add_test(cases, converted_files_predict_the_same);
    tcase_add_test(cases, what_lacks_a_half_is_refused_with_the_cure);
    tcase_add_test(cases, bad_files_fail_in_a_line_and_leave_nothing);
    tcase_add_test(cases, an_output_that_cannot_be_written_is_a_failure);
    tcase_add_test(cases, predict_answers_for_each_picture_and_names_the_bad_ones);
    tcase_add_test(cases, preparation_follows_the_options);
    tcase_add_test(cases, names_of_any_bytes_survive);
    tcase_add_test(cases, evaluate_counts_what_predict_says);
    tcase_add_test(cases, check_finds_what_is_wrong);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
