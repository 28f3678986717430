/* The headers of JPEG, PNG, BMP and PPM files: kind, size, and what our decoders cannot do. Decodes no pixels. */
#include "data/image.h"

#include "core/status.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The readers below return NULL or what is wrong, to follow the name of the file. */
static const char cut_off[] = "is cut off in its header";

static unsigned be16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }
static unsigned le16(const uint8_t *p) { return (unsigned)p[1] << 8 | p[0]; }
static uint32_t be32(const uint8_t *p) { return (uint32_t)be16(p) << 16 | be16(p + 2); }
static uint32_t le32(const uint8_t *p) { return (uint32_t)le16(p + 2) << 16 | le16(p); }

static const char *set_size(knn__picture_header *header, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0 || width > INT_MAX || height > INT_MAX)
        return "has no pixels";
    header->width = (int)width;
    header->height = (int)height;
    return NULL;
}

/* ---- JPEG: segments FF marker length(2) data, up to the frame header SOFn ---- */

enum { SOF0 = 0xc0, SOF1 = 0xc1, SOF2 = 0xc2, DHT = 0xc4, JPG = 0xc8, SOF9 = 0xc9, SOF10 = 0xca, DAC = 0xcc, SOF15 = 0xcf,
       RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP1 = 0xe1, TEM = 0x01 };

static bool stands_alone(int marker)
{
    return marker == TEM || (marker >= RST0 && marker <= SOI);
}

static bool is_frame(int marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

/* precision(1) height(2) width(2) components(1) ... */
static const char *read_frame(const uint8_t *frame, size_t length, int marker, knn__picture_header *header)
{
    if (length < 6)
        return cut_off;
    if (marker != SOF0 && marker != SOF1 && marker != SOF2 && marker != SOF9 && marker != SOF10)
        return "is a lossless or hierarchical JPEG file, which is not supported";
    if (frame[0] != 8)
        return "is a JPEG file of more than 8 bits a sample, which is not supported";
    header->components = frame[5];
    if (header->components != 1 && header->components != 3 && header->components != 4)
        return "is a JPEG file with other than 1, 3 or 4 components";
    return set_size(header, be16(frame + 3), be16(frame + 1));
}

static void note_exif(const uint8_t *segment, size_t length, knn__picture_header *header)
{
    static const char mark[6] = "Exif\0";
    if (length <= sizeof mark || memcmp(segment, mark, sizeof mark) != 0 || header->exif != NULL)
        return;
    header->exif = segment + sizeof mark;
    header->exif_size = length - sizeof mark;
}

static const char *read_jpeg(const uint8_t *data, size_t size, knn__picture_header *header)
{
    size_t at = 2;
    while (at + 4 <= size) {
        int marker = data[at + 1];
        if (data[at] != 0xff || marker == 0xff || marker == 0) {        /* fill bytes, or garbage that libjpeg skips */
            at++;
            continue;
        }
        if (stands_alone(marker)) {
            at += 2;
            continue;
        }
        if (marker == SOS || marker == EOI)
            return "is a JPEG file without a frame header";
        size_t length = be16(data + at + 2);
        if (length < 2)
            return "is a damaged JPEG file";
        if (length > size - at - 2)
            return cut_off;
        if (is_frame(marker))
            return read_frame(data + at + 4, length - 2, marker, header);
        if (marker == APP1)
            note_exif(data + at + 4, length - 2, header);
        at += 2 + length;
    }
    return cut_off;
}

/* ---- PNG: signature(8), then the chunk IHDR: length(4) name(4) width(4) height(4) depth(1) colour(1) ---- */

static const char *read_png(const uint8_t *data, size_t size, knn__picture_header *header)
{
    enum { GREY = 0, COLOURS = 7 };
    static const int components[COLOURS] = {[GREY] = 1, [2] = 3, [3] = 3, [4] = 2, [6] = 4};
    if (size < 33)
        return cut_off;
    if (be32(data + 8) != 13 || memcmp(data + 12, "IHDR", 4) != 0)
        return "is a damaged PNG file";
    int depth = data[24], colour = data[25];
    if (colour >= COLOURS || components[colour] == 0)
        return "is a damaged PNG file";
    header->components = components[colour];
    header->grey16 = colour == GREY && depth == 16;
    return set_size(header, be32(data + 16), be32(data + 20));
}

/* ---- BMP: "BM", at 10 the place of the pixels(4), at 14 the size(4) of the next header: 12 (OS/2), 40 or more ---- */

static const char *read_bmp(const uint8_t *data, size_t size, knn__picture_header *header)
{
    enum { OS2_HEADER = 12, WINDOWS_HEADER = 40, RGB = 0, BITFIELDS = 3 };
    if (size < 14 + OS2_HEADER)
        return cut_off;
    uint32_t length = le32(data + 14);
    header->pixels_at = le32(data + 10);
    if (length == OS2_HEADER) {
        header->components = (int)le16(data + 24);
        return set_size(header, le16(data + 18), le16(data + 20));
    }
    if (length < WINDOWS_HEADER)
        return "is a BMP file of an unknown version";
    if (size < 14 + WINDOWS_HEADER)
        return cut_off;
    uint32_t compression = le32(data + 30), height = le32(data + 22);
    if (compression != RGB && compression != BITFIELDS)
        return "is a compressed BMP file, which is not supported";
    header->components = (int)le16(data + 28);
    return set_size(header, le32(data + 18), height > INT_MAX ? 0u - height : height); /* negative: top row first */
}

/* ---- PPM: "P5" or "P6", then width, height, maximum as text, a white space, the samples ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The number at *at, after white space and comments; 0 where there is none. */
static uint32_t read_number(const uint8_t *data, size_t size, size_t *at)
{
    while (*at < size && (is_space(data[*at]) || data[*at] == '#')) {
        if (data[*at] == '#')
            while (*at < size && data[*at] != '\n' && data[*at] != '\r')
                ++*at;
        else
            ++*at;
    }
    uint32_t number = 0;
    for (; *at < size && data[*at] >= '0' && data[*at] <= '9'; ++*at) {
        number = number * 10 + data[*at] - '0';
        if (number > INT_MAX / 10)
            return 0;
    }
    return number;
}

static const char *read_ppm(const uint8_t *data, size_t size, knn__picture_header *header)
{
    size_t at = 2;
    uint32_t width = read_number(data, size, &at);
    uint32_t height = read_number(data, size, &at);
    uint32_t maximum = read_number(data, size, &at);
    if (at >= size)
        return cut_off;
    if (maximum == 0 || maximum > 65535 || !is_space(data[at]))
        return "is a damaged PPM file";
    header->components = data[1] == '5' ? 1 : 3;
    header->maximum = (int)maximum;
    header->grey16 = header->components == 1 && maximum > 255;
    header->pixels_at = at + 1;
    return set_size(header, width, height);
}

/* ---- Any of them ---- */

typedef struct picture_kind {
    const char *signature;
    size_t length;
    knn__picture_format format;
    const char *(*read)(const uint8_t *data, size_t size, knn__picture_header *header); /* NULL: known, not supported */
    const char *refusal;
} picture_kind;

static const picture_kind kinds[] = {
    {"\xff\xd8\xff", 3, KNN__JPEG, read_jpeg, NULL},
    {"\x89PNG\r\n\x1a\n", 8, KNN__PNG, read_png, NULL},
    {"BM", 2, KNN__BMP, read_bmp, NULL},
    {"P5", 2, KNN__PPM, read_ppm, NULL},
    {"P6", 2, KNN__PPM, read_ppm, NULL},
    {"II*\0", 4, 0, NULL, "is a TIFF file, which is not supported (expected JPEG, PNG, BMP or PPM)"},
    {"MM\0*", 4, 0, NULL, "is a TIFF file, which is not supported (expected JPEG, PNG, BMP or PPM)"},
    {"GIF8", 4, 0, NULL, "is a GIF file, which is not supported (expected JPEG, PNG, BMP or PPM)"},
    {"RIFF", 4, 0, NULL, "is a RIFF file (WebP?), which is not supported (expected JPEG, PNG, BMP or PPM)"},
};

static const char *read_any(const uint8_t *data, size_t size, knn__picture_header *header)
{
    if (size == 0)
        return "is empty";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (size >= kinds[i].length && memcmp(data, kinds[i].signature, kinds[i].length) == 0) {
            header->format = kinds[i].format;
            return kinds[i].read != NULL ? kinds[i].read(data, size, header) : kinds[i].refusal;
        }
    return "is no picture (expected JPEG, PNG, BMP or PPM)";
}

knn_status knn__read_picture_header(const uint8_t *data, size_t size, const char *name, const knn__picture_wish *wish,
                                    knn__picture_header *header)
{
    *header = (knn__picture_header){0};
    const char *problem = read_any(data, size, header);
    if (problem != NULL)
        return knn__fail(KNN_ERROR_DATA, "%.700s: %s", name, problem);
    if ((uint64_t)header->width * (uint64_t)header->height > wish->max_pixels)
        return knn__fail(KNN_ERROR_DATA, "%.700s: has %dx%d pixels, expected at most %zu (.max_pixels)", name,
                         header->width, header->height, wish->max_pixels);
    if (header->grey16 && wish->channels == 1)                  /* Keras would keep 0..65535 here; we hold 8 bits */
        return knn__fail(KNN_ERROR_DATA, "%.700s: is a 16-bit grey picture, expected 8 bits with .grayscale", name);
    return KNN_OK;
}
