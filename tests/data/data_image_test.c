/* Decoding against Pillow, and all that can be wrong with a file. Resizing and scaling are tested elsewhere. */
#include "data/image.h"

#include "core/memory.h"
#include <knn/data.h>

#include "data/data_support.h"
#include "support/check_run.h"

static const knn__picture_wish colour = {.channels = 3, .max_pixels = 1000000},
                               grey = {.channels = 1, .max_pixels = 1000000};

static const char *const pictures[] = {
    "colour.jpg",      "fine.jpg",     "halved.jpg",     "progressive.jpg",   "restarts.jpg",
    "grey.jpg",        "cmyk.jpg",     "rgb.jpg",        "exif.jpg",          "colour.png",
    "grey.png",        "alpha.png",    "grey-alpha.png", "palette.png",       "palette-transparent.png",
    "black-white.png", "grey16.png",   "colour.bmp",     "alpha.bmp",         "grey.bmp",
    "palette4.bmp",    "palette1.bmp", "colour.ppm",     "grey.ppm",          "dark.ppm",
    "deep.ppm",        "grey16.ppm",   "one.png",        "named-wrongly.jpg",
};
enum { PICTURES = sizeof pictures / sizeof pictures[0] };

static bool is_jpeg(const file_bytes *bytes)
{
    return bytes->data[0] == 0xff;
}

/* JPEG's transforms may be rounded differently: with libjpeg-turbo 2.1 all are as Pillow's 3.2 has them, with stb_image
 * up to 11 levels off, below 0.3 on average (it smooths chroma otherwise). All other kinds are exact. */
static void check_pixels(const knn__picture *picture, fixture *f, const char *record, bool jpeg)
{
    int shape[8];
    size_t n;
    double sum = 0.0;
    const float *expected = expect_record(f, record, shape, &n);
    ck_assert_int_eq(picture->height, shape[0]);
    ck_assert_int_eq(picture->width, shape[1]);
    ck_assert_int_eq(picture->channels, shape[2]);
    float *got = malloc(n * sizeof *got);
    for (size_t i = 0; i < n; i++) {
        got[i] = picture->pixels[i];
        sum += fabs((double)got[i] - (double)expected[i]);
    }
    check_difference d = check_compare_floats(got, expected, n, jpeg ? 12.0 : 0.0, 0.0);
    CHECK_NO_DIFFERENCE(d, record, n);
    ck_assert_msg(sum / (double)n < 0.3, "%s: differs by %g levels on average", record, sum / (double)n);
    free(got);
}

static void check_decoded(const char *name, const knn__picture_wish *wish, fixture *f, const char *record)
{
    file_bytes bytes = read_picture(name);
    knn__picture picture;
    ck_assert_msg(knn__decode_picture(bytes.data, bytes.size, name, wish, &picture) == KNN_OK, "%s", knn_last_error());
    check_pixels(&picture, f, record, is_jpeg(&bytes));
    knn__free(picture.pixels);
    free(bytes.data);
}

START_TEST(every_kind_of_picture_has_pillows_colours)
{
    char record[128];
    fixture *f = open_fixture("pictures.fixture");
    snprintf(record, sizeof record, "%s:rgb", pictures[_i]);
    check_decoded(pictures[_i], &colour, f, record);
    fixture_close(f);
}
END_TEST

START_TEST(every_kind_of_picture_has_pillows_greys)
{
    char record[128];
    fixture *f = open_fixture("pictures.fixture");
    snprintf(record, sizeof record, "%s:grey", pictures[_i]);
    if (fixture_get(f, record, NULL, NULL, NULL) != NULL)
        check_decoded(pictures[_i], &grey, f, record);
    else {                                                      /* 16 bits, which Keras keeps */
        file_bytes bytes = read_picture(pictures[_i]);
        knn__picture picture;
        ck_assert_int_eq(knn__decode_picture(bytes.data, bytes.size, pictures[_i], &grey, &picture), KNN_ERROR_DATA);
        ck_assert_ptr_nonnull(strstr(knn_last_error(), "16-bit grey"));
        free(bytes.data);
    }
    fixture_close(f);
}
END_TEST

START_TEST(the_exif_orientation_counts_only_where_wished)
{
    knn__picture_wish upright = colour;
    upright.apply_orientation = true;
    fixture *f = open_fixture("pictures.fixture");
    check_decoded("exif.jpg", &colour, f, "exif.jpg:rgb");
    check_decoded("exif.jpg", &upright, f, "exif.jpg:upright");
    fixture_close(f);
}
END_TEST

START_TEST(all_eight_orientations_turn_as_pillow_turns)
{
    int shape[8];
    size_t n;
    char record[32];
    fixture *f = open_fixture("pictures.fixture");
    const float *source = expect_record(f, "turned:source", shape, &n);
    knn__picture picture;
    ck_assert_int_eq(knn__new_picture("test", shape[1], shape[0], 3, &picture), KNN_OK);
    for (size_t i = 0; i < n; i++)
        picture.pixels[i] = (uint8_t)source[i];
    ck_assert_int_eq(knn__turn_picture(&picture, _i), KNN_OK);
    snprintf(record, sizeof record, "turned:%d", _i);
    check_pixels(&picture, f, record, false);
    knn__free(picture.pixels);
    fixture_close(f);
}
END_TEST

START_TEST(orientation_is_found_in_both_byte_orders_and_nowhere_else)
{
    static const uint8_t little[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 2, 0, 0x0f, 1, 3, 0, 1, 0, 0, 0, 9, 0, 0, 0,
                                     0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
    static const uint8_t big[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0};
    static const uint8_t wrong[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 9, 0, 0};
    static const uint8_t beyond[] = {'M', 'M', 0, 42, 0xff, 0xff, 0xff, 0xff, 0, 1};
    ck_assert_int_eq(knn__exif_orientation(little, sizeof little), 6);
    ck_assert_int_eq(knn__exif_orientation(big, sizeof big), 8);
    ck_assert_int_eq(knn__exif_orientation(wrong, sizeof wrong), 1);
    ck_assert_int_eq(knn__exif_orientation(beyond, sizeof beyond), 1);
    ck_assert_int_eq(knn__exif_orientation(NULL, 0), 1);
    for (size_t size = 0; size < sizeof big - 3; size++)
        ck_assert_int_eq(knn__exif_orientation(big, size), 1);
}
END_TEST

/* The pixels end up to 24 bytes before the file does: after them come a check sum, an end mark, or padding. */
START_TEST(a_picture_cut_anywhere_is_refused_by_name)
{
    file_bytes bytes = read_picture(pictures[_i]);
    size_t before = knn__live_blocks();
    for (size_t size = 0; size < bytes.size; size++) {
        knn__picture picture;
        unsigned char *part = malloc(size > 0 ? size : 1);      /* its own block: ASan sees a byte read too many */
        memcpy(part, bytes.data, size);
        knn_status status = knn__decode_picture(part, size, "the name", &colour, &picture);
        if (status == KNN_OK)
            ck_assert_msg(size + 24 > bytes.size, "%s cut at %zu of %zu was accepted", pictures[_i], size, bytes.size);
        else {
            ck_assert_int_eq(status, KNN_ERROR_DATA);
            ck_assert_int_eq(strncmp(knn_last_error(), "the name: ", 10), 0);
            ck_assert_ptr_null(picture.pixels);
        }
        knn__free(picture.pixels);
        free(part);
    }
    ck_assert_uint_eq(knn__live_blocks(), before);
    free(bytes.data);
}
END_TEST

START_TEST(a_damaged_byte_is_survived)
{
    static const unsigned char damages[] = {0xff, 0x01, 0x80};
    file_bytes bytes = read_picture(pictures[_i]);
    size_t before = knn__live_blocks();
    for (size_t at = 0; at < bytes.size; at++)
        for (size_t k = 0; k < sizeof damages; k++) {
            knn__picture picture;
            bytes.data[at] ^= damages[k];
            knn_status status = knn__decode_picture(bytes.data, bytes.size, "name", &colour, &picture);
            ck_assert(status == KNN_OK || status == KNN_ERROR_DATA || status == KNN_ERROR_MEMORY);
            knn__free(picture.pixels);
            bytes.data[at] ^= damages[k];
        }
    ck_assert_uint_eq(knn__live_blocks(), before);
    free(bytes.data);
}
END_TEST

START_TEST(without_memory_decoding_fails_and_leaks_nothing)
{
    knn__picture_wish wish = {.channels = _i % 2 == 0 ? 3 : 1, .apply_orientation = true, .max_pixels = 1000000};
    file_bytes bytes = read_picture(pictures[_i]);
    size_t before = knn__live_blocks();
    knn_status status = KNN_ERROR_MEMORY;
    for (long n = 1; status == KNN_ERROR_MEMORY; n++) {
        knn__picture picture;
        ck_assert_int_lt(n, 100);
        knn__fail_allocation(n);
        status = knn__decode_picture(bytes.data, bytes.size, "name", &wish, &picture);
        knn__fail_allocation(0);
        if (status == KNN_ERROR_MEMORY)
            ck_assert_uint_eq(knn__live_blocks(), before);
        knn__free(picture.pixels);
    }
    ck_assert_uint_eq(knn__live_blocks(), before);
    free(bytes.data);
}
END_TEST

static void check_refused(const void *data, size_t size, const char *why)
{
    knn__picture picture;
    ck_assert_int_eq(knn__decode_picture(data, size, "dir/x.jpg", &colour, &picture), KNN_ERROR_DATA);
    ck_assert_int_eq(strncmp(knn_last_error(), "dir/x.jpg: ", 11), 0);
    ck_assert_msg(strstr(knn_last_error(), why) != NULL, "\"%s\" does not say \"%s\"", knn_last_error(), why);
    ck_assert_ptr_null(picture.pixels);
}

START_TEST(what_is_no_picture_is_named_for_what_it_is)
{
    check_refused("", 0, "is empty");
    check_refused("Hello, world!\n", 14, "is no picture (expected JPEG, PNG, BMP or PPM)");
    check_refused("GIF89a\1\0\1\0", 10, "GIF");
    check_refused("II*\0\10\0\0\0", 8, "TIFF");
    check_refused("MM\0*\0\0\0\10", 8, "TIFF");
    check_refused("RIFF1234WEBP", 12, "WebP");
    check_refused("\xff\xd8\xff\xd9\0\0", 6, "without a frame header");
    check_refused("\xff\xd8\xff\xc3\0\13\10\0\1\0\1\1\1\21\0", 15, "lossless");
    check_refused("\xff\xd8\xff\xc1\0\13\14\0\1\0\1\1\1\21\0", 15, "8 bits");
    check_refused("\xff\xd8\xff\xc0\0\13\10\0\1\0\1\2\1\21\0", 15, "components");
    check_refused("\xff\xd8\xff\xc0\0\13\10\0\0\0\1\1\1\21\0", 15, "no pixels");
    check_refused("P6 0 5 255\n", 11, "no pixels");
    check_refused("P6 2 2 70000\nxxxxxxxxxxxxxxxx", 29, "damaged PPM");
}
END_TEST

static const char png_start[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

START_TEST(an_enormous_picture_is_refused_before_it_is_decoded)
{
    char png[64];
    memcpy(png, png_start, 16);
    memcpy(png + 16, "\0\0\x75\x30\0\0\x75\x30\x08\2\0\0\0", 13);            /* 30000 x 30000 */
    check_refused(png, 40, "30000x30000 pixels, expected at most 1000000");
    memcpy(png + 16, "\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\2\0\0\0", 13);
    check_refused(png, 40, "2147483647x2147483647 pixels");
    memcpy(png + 16, "\xff\xff\xff\xff\0\0\0\1\x08\2\0\0\0", 13);
    check_refused(png, 40, "no pixels");
    check_refused("P6 65000 65000 255\n", 19, "65000x65000 pixels");
    check_refused("\xff\xd8\xff\xc0\0\13\10\xff\xff\xff\xff\1\1\21\0", 15, "65535x65535 pixels");
}
END_TEST

START_TEST(headers_tell_size_and_channels)
{
    static const struct { const char *name; int channels; } expected[] = {
        {"colour.jpg", 3}, {"grey.jpg", 1}, {"cmyk.jpg", 4}, {"colour.png", 3}, {"grey.png", 1}, {"alpha.png", 4},
        {"grey-alpha.png", 2}, {"palette.png", 3}, {"colour.bmp", 3}, {"palette4.bmp", 3}, {"colour.ppm", 3}, {"grey.ppm", 1}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char path[1024];
        knn__picture picture;
        int width, height, channels;
        snprintf(path, sizeof path, "%s/data/%s", KNN_FIXTURES, expected[i].name);
        file_bytes bytes = read_path(path);
        ck_assert_int_eq(knn__decode_picture(bytes.data, bytes.size, path, &colour, &picture), KNN_OK);
        ck_assert_int_eq(knn_picture_info(path, &width, &height, &channels), KNN_OK);
        ck_assert_int_eq(width, picture.width);
        ck_assert_int_eq(height, picture.height);
        ck_assert_msg(channels == expected[i].channels, "%s: %d channels", path, channels);
        ck_assert_int_eq(knn_picture_info(path, NULL, NULL, NULL), KNN_OK);
        knn__free(picture.pixels);
        free(bytes.data);
    }
    ck_assert_int_eq(knn_picture_info("/nowhere.jpg", NULL, NULL, NULL), KNN_ERROR_IO);
    ck_assert_int_eq(knn_picture_info(NULL, NULL, NULL, NULL), KNN_ERROR_ARGUMENT);
}
END_TEST

START_TEST(a_header_beyond_the_first_bytes_of_a_file_is_found)
{
    make_folder();
    file_bytes bytes = read_picture("colour.jpg");
    enum { PADDING = 60000 };
    unsigned char *large = calloc(1, bytes.size + PADDING + 4);
    memcpy(large, "\xff\xd8\xff\xe2", 4);                       /* an APP2 segment, as colour profiles are */
    large[4] = (PADDING + 2) >> 8;
    large[5] = (PADDING + 2) & 0xff;
    memcpy(large + PADDING + 6, bytes.data + 2, bytes.size - 2);
    put_bytes("large.jpg", large, bytes.size + PADDING + 4);
    int width, height, channels;
    ck_assert_int_eq(knn_picture_info(inside("large.jpg"), &width, &height, &channels), KNN_OK);
    ck_assert_int_eq(channels, 3);
    put_bytes("cut.jpg", large, PADDING);
    ck_assert_int_eq(knn_picture_info(inside("cut.jpg"), &width, &height, &channels), KNN_ERROR_DATA);
    ck_assert_ptr_nonnull(strstr(knn_last_error(), "is cut off in its header"));
    free(large);
    free(bytes.data);
    remove_folder();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data/image");
    TCase *tests = tcase_create("image");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_kind_of_picture_has_pillows_colours, 0, PICTURES);
    tcase_add_loop_test(tests, every_kind_of_picture_has_pillows_greys, 0, PICTURES);
    tcase_add_test(tests, the_exif_orientation_counts_only_where_wished);
    tcase_add_loop_test(tests, all_eight_orientations_turn_as_pillow_turns, 1, 9);
    tcase_add_test(tests, orientation_is_found_in_both_byte_orders_and_nowhere_else);
    tcase_add_loop_test(tests, a_picture_cut_anywhere_is_refused_by_name, 0, PICTURES);
    tcase_add_loop_test(tests, a_damaged_byte_is_survived, 0, PICTURES);
    tcase_add_loop_test(tests, without_memory_decoding_fails_and_leaks_nothing, 0, PICTURES);
    tcase_add_test(tests, what_is_no_picture_is_named_for_what_it_is);
    tcase_add_test(tests, an_enormous_picture_is_refused_before_it_is_decoded);
    tcase_add_test(tests, headers_tell_size_and_channels);
    tcase_add_test(tests, a_header_beyond_the_first_bytes_of_a_file_is_found);
    suite_add_tcase(suite, tests);
    return check_run(suite);
}
