/* HDF5 images are looked over before libhdf5 sees them: what is sound is let through, what is damaged is refused by object and byte, and
 * whatever changes, nothing breaks. */
#include "keras/hdf5_image.h"
#include "keras_support.h"

#define CORPUS KNN_FIXTURES "/../fuzz/corpus/model/seed-"

static unsigned char *read_image(const char *name, size_t *size)
{
    char path[512];
    void *bytes;

    snprintf(path, sizeof path, CORPUS "%s.h5", name);
    read_bytes(path, &bytes, size);
    return bytes;
}

START_TEST(every_form_that_h5py_writes_is_let_through_and_loads)
{
    static const char *const names[] = {"plain", "fixed", "big-endian", "half", "integers", "chunks", "packed", "many-links", "latest",
                                        "latest-fixed", "latest-chunks", "latest-packed", "latest-one-chunk", "latest-many-links",
                                        "latest-many-attributes"};
    size_t size;
    unsigned char *image = read_image(names[_i], &size);

    ck_assert_msg(knn__h5_check(image, size) == KNN_OK, "%s: %s", names[_i], knn_last_error());
    knn_model *model = knn_load_model(.data = image, .data_size = size);
    ck_assert_msg(model != NULL, "%s: %s", names[_i], knn_last_error());
    knn_model_free(model);
    knn__free(image);
}
END_TEST

/* ---- Damages ---- */

static const uint64_t ITSELF = UINT64_MAX - 1;          /* the structure's own address */

/* What is put where, counted from a signature; "" is the image's first byte. */
static const struct damage { const char *image, *signature; size_t at, bytes; uint64_t value; const char *error; } damages[] = {
    {"plain", "", 8, 1, 9, "a damaged or incomplete HDF5 file"},
    {"plain", "", 13, 1, 4, "a damaged or incomplete HDF5 file"},
    {"plain", "", 16, 2, 60000, "a damaged or incomplete HDF5 file"},
    {"plain", "", 40, 4, 1 << 20, "a damaged or incomplete HDF5 file"},
    {"plain", "", 64, 8, 1 << 20, "/: no object header here"},
    {"plain", "", 80, 8, 8, "the root is no group, or the superblock says another one"},
    {"plain", "TREE", 5, 1, 3, "the table of its members is damaged"},
    {"plain", "TREE", 6, 2, 1000, "the table of its members is damaged"},
    {"plain", "TREE", 32, 8, ITSELF, "the table of its members is damaged"},
    {"plain", "SNOD", 6, 2, 1000, "the table of its members is damaged"},
    {"plain", "SNOD", 8, 8, 1 << 20, "the table of its members is damaged"},
    {"plain", "SNOD", 24, 4, 2, "/model_weights: a soft or external link"},
    {"plain", "HEAP", 8, 8, 1 << 20, "the names of its members are damaged"},
    {"plain", "HEAP", 16, 8, 0, "the names of its members are damaged"},          /* a list that goes in circles */
    {"plain", "GCOL", 8, 8, 1 << 20, "a collection of texts that is damaged"},
    {"plain", "GCOL", 24, 8, UINT64_MAX - 3, "a collection of texts that is damaged"},
    {"plain", "GCOL", 16, 2, 60000, "a collection of texts that is damaged"},
    {"plain", "GCOL", 16, 2, 77, "a text that is missing"},
    {"latest", "OHDR", 40, 1, 255, "no object header here, or one that is damaged"},
    {"packed", "TREE\1", 6, 2, 1000, "its data are damaged, or lie outside of the file"},
    {"latest-packed", "FADB", 14, 4, 1 << 20, "its data are damaged, or lie outside of the file"},
    {"latest-many-links", "FRHP", 5, 1, 99, "the heap of its members is damaged"},
    {"latest-many-links", "BTLF", 10, 1, 99, "the heap of its members is damaged"},
};

START_TEST(a_damage_is_refused_by_name)
{
    const struct damage *d = &damages[_i];
    size_t size, length = strlen(d->signature);
    unsigned char *image = read_image(d->image, &size), *begin = length > 0 ? memmem(image, size, d->signature, length) : image;

    ck_assert_ptr_nonnull(begin);
    uint64_t value = d->value == ITSELF ? (uint64_t)(begin - image) : d->value;
    for (size_t i = 0; i < d->bytes; i++)
        begin[d->at + i] = (unsigned char)(value >> 8 * i);
    check_error(knn__h5_check(image, size) == KNN_ERROR_FORMAT, d->error);
    knn__free(image);
}
END_TEST

START_TEST(an_image_that_is_cut_is_refused)
{
    size_t size;
    unsigned char *image = read_image("plain", &size);

    for (size_t length = 0; length < size; length++)
        ck_assert(knn__h5_check(image, length) != KNN_OK);
    knn__free(image);
}
END_TEST

/* Any answer is right but a crash, a leak, a wait. */
START_TEST(an_image_with_any_byte_changed_is_loaded_or_refused)
{
    static const unsigned char changes[] = {0xff, 0x01};
    size_t size, before;
    unsigned char *image = read_image(_i == 0 ? "plain" : "latest", &size);

    before = knn__live_blocks();
    for (size_t i = 0; i < size; i++)
        for (size_t change = 0; change < sizeof changes; change++) {
            image[i] ^= changes[change];
            knn_model_free(knn_load_model(.data = image, .data_size = size));
            image[i] ^= changes[change];
        }
    ck_assert_uint_eq(knn__live_blocks(), before);
    knn__free(image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("HDF5 images");
    TCase *cases = tcase_create("images");
    tcase_set_timeout(cases, 100);
    tcase_add_loop_test(cases, every_form_that_h5py_writes_is_let_through_and_loads, 0, 15);
    tcase_add_loop_test(cases, a_damage_is_refused_by_name, 0, (int)(sizeof damages / sizeof *damages));
    tcase_add_test(cases, an_image_that_is_cut_is_refused);
    tcase_add_loop_test(cases, an_image_with_any_byte_changed_is_loaded_or_refused, 0, 2);
    suite_add_tcase(suite, cases);
    return check_run(suite);
}
