/* Writes PNG (RFC 2083) with stored blocks (RFC 1951, 3.2.4): every reader takes them, and nothing can go wrong but memory. Does
 * not compress. */
#include "data/image_png.h"

#include "core/checksum.h"

enum { MOST_STORED = 65535 };           /* bytes of a stored block */

static void put_bytes(knn__text *text, const void *bytes, size_t n)
{
    knn__text_append(text, bytes, n);
}

static void put_number(knn__text *text, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    put_bytes(text, bytes, sizeof bytes);
}

/* Length, type, data, checksum of type and data. */
static void put_chunk(knn__text *png, const char type[4], const knn__text *data)
{
    put_number(png, (uint32_t)data->length);
    put_bytes(png, type, 4);
    if (data->length > 0)
        put_bytes(png, data->data, data->length);
    put_number(png, knn__crc32(KNN__CRC32, knn__crc32(KNN__CRC32, 0, type, 4), data->data, data->length));
}

/* Each row behind the number of its filter: 0, none. */
static void put_rows(knn__text *rows, const uint8_t *pixels, int height, size_t row)
{
    for (int i = 0; i < height; i++) {
        put_bytes(rows, "", 1);
        put_bytes(rows, pixels + (size_t)i * row, row);
    }
}

/* RFC 1950: a header, the blocks, the checksum of what they hold. */
static void put_zlib(knn__text *zlib, const knn__text *rows)
{
    put_bytes(zlib, "\x78\x01", 2);
    for (size_t done = 0; done < rows->length;) {
        size_t left = rows->length - done, n = left < MOST_STORED ? left : MOST_STORED;
        const uint8_t header[] = {n == left, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
        put_bytes(zlib, header, sizeof header);
        put_bytes(zlib, rows->data + done, n);
        done += n;
    }
    put_number(zlib, knn__adler32(1, rows->data, rows->length));
}

static void put_header(knn__text *header, int height, int width, int channels)
{
    const uint8_t colour_type = channels == 1 ? 0 : channels == 3 ? 2 : 6;
    const uint8_t rest[] = {8, colour_type, 0, 0, 0};           /* bits a sample; deflate, filters by row, not interlaced */
    put_number(header, (uint32_t)width);
    put_number(header, (uint32_t)height);
    put_bytes(header, rest, sizeof rest);
}

void knn__encode_png(const uint8_t *pixels, int height, int width, int channels, knn__text *png)
{
    knn__text header = {0}, rows = {0}, zlib = {0}, nothing = {0};
    put_header(&header, height, width, channels);
    put_rows(&rows, pixels, height, (size_t)width * (size_t)channels);
    if (!rows.failed)
        put_zlib(&zlib, &rows);
    png->failed = png->failed || header.failed || rows.failed || zlib.failed;
    if (!png->failed) {
        put_bytes(png, "\x89PNG\r\n\x1a\n", 8);
        put_chunk(png, "IHDR", &header);
        put_chunk(png, "IDAT", &zlib);
        put_chunk(png, "IEND", &nothing);
    }
    knn__text_free(&header);
    knn__text_free(&rows);
    knn__text_free(&zlib);
}
