/* Decodes PNG and BMP files with stb_image, and JPEG where libjpeg is missing. The only file that knows stb_image. */
#include "data/image.h"

#include "core/memory.h"
#include "core/status.h"

#include <limits.h>
#include <string.h>

/* stb_image asks for memory without a word on what for, and unpacks a compressed file to any size: a small file could
 * ask for gigabytes. Hence the largest block that the picture at hand may need, for this thread. */
static _Thread_local size_t largest_block;

static void *allocate(size_t size)
{
    return size <= largest_block ? knn__alloc(size, 1) : NULL;
}

static void *reallocate(void *old, size_t size)
{
    return size <= largest_block ? knn__realloc(old, size, 1) : NULL;
}

#define STBI_MALLOC(size) allocate(size)
#define STBI_REALLOC(old, size) reallocate(old, size)
#define STBI_FREE(block) knn__free(block)
#define STBI_ASSERT(condition) ((void)0)
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#ifndef KNN_HAVE_JPEG
#define STBI_ONLY_JPEG
#endif
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wunused-function"      /* gcc tells only at the end of the file, so there is no pop */
#endif
#include <stb_image.h>

/* Raw pixels of four channels and 16 bits, twice since buffers grow by doubling; the same for the file; some tables. */
static size_t need(const knn__picture_header *header, size_t size)
{
    return 16 * (size_t)header->width * (size_t)header->height + 4 * (size_t)header->height + 4 * size + (1u << 20);
}

static knn_status failure(const char *name)
{
    const char *reason = stbi_failure_reason();
    if (reason != NULL && strcmp(reason, "outofmem") == 0)
        return knn__fail(KNN_ERROR_MEMORY, "%.700s: no memory to decode it", name);
    return knn__fail(KNN_ERROR_DATA, "%.700s: cannot be decoded: %s", name, reason != NULL ? reason : "unknown reason");
}

/* Without an alpha channel, which Pillow drops, too: 2 channels become 1, 4 become 3. In place. */
static void drop_alpha(knn__picture *picture)
{
    size_t from = (size_t)picture->channels, to = from - 1, count = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 1; i < count; i++)
        memmove(picture->pixels + i * to, picture->pixels + i * from, to);
    picture->channels = (int)to;
}

static knn_status decode_8_bits(const uint8_t *data, int size, const char *name, knn__picture *picture)
{
    picture->pixels = stbi_load_from_memory(data, size, &picture->width, &picture->height, &picture->channels, 0);
    if (picture->pixels == NULL)
        return failure(name);
    if (picture->channels == 2 || picture->channels == 4)
        drop_alpha(picture);
    return KNN_OK;
}

/* 16-bit grey is clipped, not scaled: what Pillow does when it makes it a colour picture. */
static knn_status decode_grey16(const uint8_t *data, int size, const char *name, knn__picture *picture)
{
    stbi_us *deep = stbi_load_16_from_memory(data, size, &picture->width, &picture->height, &picture->channels, 1);
    if (deep == NULL)
        return failure(name);
    picture->channels = 1;
    picture->pixels = (uint8_t *)deep;
    size_t count = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 0; i < count; i++)          /* byte i is written after sample i, which lies behind it, was read */
        picture->pixels[i] = (uint8_t)(deep[i] < 255 ? deep[i] : 255);
    return KNN_OK;
}

/* stb_image takes missing pixels of a BMP file for zeros. Rows are padded to 4 bytes. */
static bool is_cut_bmp(const knn__picture_header *header, size_t size)
{
    uint64_t row = ((uint64_t)header->width * (uint64_t)header->components + 31) / 32 * 4;
    return size < header->pixels_at || size - header->pixels_at < row * (uint64_t)header->height;
}

#ifndef KNN_HAVE_JPEG

/* Huffman tables: class and number(1), how many codes of each length(16), the codes. stb_image 2.27 writes beyond its
 * tables where there are more than 256 codes, and reads a table to its end even where its segment, `length` bytes from
 * data[at] on, ends before. */
static bool has_sound_tables(const uint8_t *data, size_t size, size_t at, size_t length)
{
    enum { COUNTS = 16, MOST_CODES = 256 };
    size_t end = at + length;
    while (at < end) {
        size_t codes = 0;
        for (size_t i = 1; i <= COUNTS; i++)
            codes += at + i < size ? data[at + i] : 0;
        at += 1 + COUNTS + codes;
        if (codes > MOST_CODES || at > end)
            return false;
    }
    return true;
}

/* stb_image takes the missing end of a JPEG file for grey, so we look for the end first. In coded data FF is followed
 * by 00 or by the number of a restart; all else is segments: FF marker length(2) data. */
static knn_status check_jpeg(const uint8_t *data, size_t size, const char *name)
{
    enum { DHT = 0xc4, RST0 = 0xd0, RST7 = 0xd7, EOI = 0xd9 };
    for (size_t at = 2; at + 1 < size;) {
        int marker = data[at + 1];
        if (data[at] != 0xff || marker == 0 || marker == 0xff || (marker >= RST0 && marker <= RST7)) {
            at++;
            continue;
        }
        if (marker == EOI)
            return KNN_OK;
        size_t length = at + 3 < size ? (size_t)data[at + 2] << 8 | data[at + 3] : size;
        if (length > size - at - 2)
            break;
        if (length < 2 || (marker == DHT && !has_sound_tables(data, size, at + 4, length - 2)))
            return knn__fail(KNN_ERROR_DATA, "%.700s: is a damaged JPEG file", name);
        at += 2 + length;
    }
    return knn__truncated(name);
}

#endif

/* What stb_image does not notice, or does not survive. */
static knn_status check_for_stb(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header)
{
    if (size > INT_MAX)
        return knn__fail(KNN_ERROR_DATA, "%.700s: has %zu bytes, expected at most %d", name, size, INT_MAX);
#ifndef KNN_HAVE_JPEG
    if (header->format == KNN__JPEG)
        return check_jpeg(data, size, name);
#else
    (void)data;
#endif
    return header->format == KNN__BMP && is_cut_bmp(header, size) ? knn__truncated(name) : KNN_OK;
}

knn_status knn__decode_stb(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header,
                           knn__picture *picture)
{
    *picture = (knn__picture){0};
    knn_status status = check_for_stb(data, size, name, header);
    if (status != KNN_OK)
        return status;
    largest_block = need(header, size);
    status =
        header->grey16 ? decode_grey16(data, (int)size, name, picture) : decode_8_bits(data, (int)size, name, picture);
    if (status == KNN_OK && (picture->width != header->width || picture->height != header->height))
        status = knn__fail(KNN_ERROR_DATA, "%.700s: is damaged", name);
    return status;
}
