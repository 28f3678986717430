/* Real photographs, which are not part of the project: those below the folder KNN_TEST_DATA, else skipped. Sees that
 * they load and look like photographs; what their pixels should be is tested with drawn pictures. */
#include "data/data_support.h"
#include "data/dataset.h"
#include "support/check_run.h"

enum { SIDE = 150, LENGTH = SIDE * SIDE * 3, BATCH = 32, SKIPPED = 77 };

static const char *folder_of(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("KNN_TEST_DATA"), name);
    return path;
}

/* Every value within 0..1, and neither a grey nor an empty picture. */
static void check_photograph(const float *x, const char *path)
{
    double sum = 0.0, squares = 0.0;
    int outside = 0;
    for (int i = 0; i < LENGTH; i++) {
        outside += !(x[i] >= 0.0f && x[i] <= 1.0f);
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    double mean = sum / LENGTH, deviation = sqrt(squares / LENGTH - mean * mean);
    ck_assert_msg(outside == 0, "%s: %d numbers are not within 0 to 1", path, outside);
    ck_assert_msg(mean > 0.01 && mean < 0.99 && deviation > 0.02, "%s: mean %g, deviation %g", path, mean, deviation);
}

/* Every step-th one. */
static void check_samples(const knn_dataset *dataset, size_t step, bool augment)
{
    float *x = malloc((size_t)BATCH * LENGTH * sizeof *x);
    for (size_t next = 0; next < knn_dataset_samples(dataset);) {
        size_t order[BATCH];
        int n = 0;
        for (; n < BATCH && next < knn_dataset_samples(dataset); next += step)
            order[n++] = next;
        ck_assert_msg(knn__dataset_batch(dataset, 1, 0, order, n, augment, 2, x, NULL, NULL) == KNN_OK, "%s",
                      knn_last_error());
        for (int i = 0; i < n; i++)
            check_photograph(x + i * LENGTH, knn_dataset_path(dataset, order[i]));
    }
    free(x);
}

START_TEST(photographs_load_plain_and_augmented)
{
    knn_dataset *dataset = knn_flow_from_directory(
        folder_of("catdog/train"), SIDE, SIDE, .class_mode = KNN_BINARY,
        .generator = knn_image_data_generator(.rescale = 1 / 255.0, .rotation_range = 40, .width_shift_range = 0.2,
                                              .height_shift_range = 0.2, .shear_range = 0.2, .zoom_range = 0.2,
                                              .horizontal_flip = true));
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    ck_assert_uint_eq(knn_dataset_samples(dataset), 2000);
    check_samples(dataset, 8, false);
    check_samples(dataset, 8, true);
    knn_dataset_free(dataset);
}
END_TEST

START_TEST(odd_photographs_load_too)
{
    knn_dataset *dataset = knn_flow_from_directory(folder_of("odd-images"), SIDE, SIDE, .class_mode = KNN_NO_CLASSES,
        .interpolation = KNN_RESIZE_BILINEAR, .generator = knn_image_data_generator(.rescale = 1 / 255.0));
    ck_assert_msg(dataset != NULL, "%s", knn_last_error());
    check_samples(dataset, 1, false);
    knn_dataset_free(dataset);
}
END_TEST

int main(void)
{
    const char *folder = getenv("KNN_TEST_DATA");
    if (folder == NULL || folder[0] == '\0') {
        puts("skipped: KNN_TEST_DATA does not name a folder with photographs");
        return SKIPPED;
    }
    Suite *suite = suite_create("data/photographs");
    TCase *tests = tcase_create("photographs");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, photographs_load_plain_and_augmented);
    tcase_add_test(tests, odd_photographs_load_too);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
