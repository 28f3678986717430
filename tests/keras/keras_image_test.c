/* HDF5 images are looked over before libhdf5 sees them: what is sound is let through, what is damaged is refused by object and byte, and
 * whatever changes, nothing breaks. */
#include "keras/hdf5_image.h"
#include "core/checksum.h"
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

/* ---- Much work: a root with many links to one object, which takes long to look at ---- */

typedef struct builder { unsigned char *bytes; size_t size; } builder;

static void put(builder *b, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++)
        b->bytes[b->size++] = (unsigned char)(i < 8 ? value >> 8 * i : 0);
}

static void put_text(builder *b, const char *text)
{
    while (*text != '\0')
        put(b, 1, (unsigned char)*text++);
}

/* type(2) size(2) flags(1) reserved(3) */
static void put_message(builder *b, unsigned type, unsigned size)
{
    put(b, 2, type), put(b, 2, size), put(b, 4, 0);
}

/* version(1) reserved(1) messages(2) references(4) size(4), and what makes it a group: no table of its links */
static void put_header(builder *b, uint64_t size)
{
    put(b, 8, 1), put(b, 8, 26 + size);
    put_message(b, 2, 18), put(b, 2, 0), put(b, 16, UINT64_MAX), memset(b->bytes + b->size - 8, 0xff, 8);
}

enum { SUPERBLOCK = 96, LINKS = 30000, LINK = 20, OBJECT = SUPERBLOCK + 42 + LINKS * LINK };

static void put_links(builder *b)
{
    put_text(b, "\x89HDF\r\n\x1a\n"), put(b, 5, 0), put(b, 2, 0x0808), put(b, 1, 0), put(b, 2, 4), put(b, 2, 16), put(b, 4, 0);
    put(b, 16, 0), put(b, 8, 0), put(b, 8, UINT64_MAX), put(b, 8, 0), put(b, 8, SUPERBLOCK), put(b, 24, 0);
    put_header(b, LINKS * LINK);
    for (int i = 0; i < LINKS; i++)
        put_message(b, 6, 12), put(b, 2, 1), put(b, 1, 1), put_text(b, "a"), put(b, 8, OBJECT);
    ck_assert_uint_eq(b->size, OBJECT);
}

/* Lists of texts that are all one, which is empty. */
static void put_texts(builder *b)
{
    enum { ATTRIBUTES = 16, TEXTS = 4000, SIZE = 43 + 16 * TEXTS };
    uint64_t collection = OBJECT + 42 + ATTRIBUTES * (8 + SIZE);

    put_header(b, ATTRIBUTES * (8 + SIZE));
    for (int i = 0; i < ATTRIBUTES; i++) {
        put_message(b, 12, SIZE), put(b, 2, 3), put(b, 2, 2), put(b, 2, 16), put(b, 2, 16), put(b, 1, 0), put_text(b, "a"), put(b, 1, 0);
        put(b, 1, 0x19), put(b, 3, 1), put(b, 4, 16), put(b, 4, 0x13), put(b, 4, 1), put(b, 1, 1), put(b, 7, 1), put(b, 8, TEXTS);
        for (int k = 0; k < TEXTS; k++)
            put(b, 4, 0), put(b, 8, collection), put(b, 4, 1);
    }
    put_text(b, "GCOL"), put(b, 4, 1), put(b, 8, 32), put(b, 16, 1);
}

/* A compact header of nothing, with its checksum. */
static void put_nothing(builder *b)
{
    enum { MESSAGES = 64, SIZE = 65535 };

    put_text(b, "OHDR"), put(b, 1, 2), put(b, 1, 2), put(b, 4, MESSAGES * (4 + SIZE) + 22);
    put(b, 1, 2), put(b, 2, 18), put(b, 1, 0), put(b, 2, 0), put(b, 8, UINT64_MAX), put(b, 8, UINT64_MAX);
    for (int i = 0; i < MESSAGES; i++)
        put(b, 1, 0), put(b, 2, SIZE), put(b, 1, 0), put(b, SIZE, 0);
    put(b, 4, knn__lookup3(b->bytes + OBJECT, b->size - OBJECT));
}

/* A group of the old kind without members, among whose names there are many free places. */
static void put_free_places(builder *b)
{
    enum { TREE = OBJECT + 40, HEAP = TREE + 32 + 32 * 16, PLACES = 1 << 16 };

    put(b, 8, 1), put(b, 8, 24), put_message(b, 17, 16), put(b, 8, TREE), put(b, 8, HEAP);
    put_text(b, "TREE"), put(b, 4, 0), put(b, 16, UINT64_MAX), put(b, 8, 0), put(b, 32 * 16, 0);
    put_text(b, "HEAP"), put(b, 4, 0), put(b, 8, 16 * PLACES), put(b, 8, 0), put(b, 8, HEAP + 32);
    for (uint64_t i = 1; i <= PLACES; i++)
        put(b, 8, i < PLACES ? 16 * i : 1), put(b, 8, 16);
}

START_TEST(an_image_that_takes_long_to_look_at_is_refused)
{
    static void (*const put_object[])(builder *b) = {put_texts, put_nothing, put_free_places};
    builder b = {knn__alloc(8 << 20, 1), 0};

    ck_assert_ptr_nonnull(b.bytes);
    put_links(&b);
    put_object[_i](&b);
    size_t size = b.size;
    b.size = 40, put(&b, 8, size);
    check_error(knn__h5_check(b.bytes, size) == KNN_ERROR_FORMAT, "more than ");
    knn__free(b.bytes);
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
    TCase *work = tcase_create("work");
    tcase_set_timeout(work, 30);
    tcase_add_loop_test(work, an_image_that_takes_long_to_look_at_is_refused, 0, 3);
    suite_add_tcase(suite, work);
    return check_run(suite);
}
