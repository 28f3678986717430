/* From the bytes of a picture file to 8-bit grey or colour. Does not resize, and holds no decoder itself. */
#include "data/image.h"

#include <knn/data.h>

#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"

#include <stdio.h>
#include <string.h>

/* Enough for the header of nearly every picture; one with a large Exif block or colour profile is read whole. */
enum { HEAD_BYTES = 16384 };

knn_status knn__truncated(const char *name)
{
    return knn__fail(KNN_ERROR_DATA, "%.700s: image file is truncated", name);
}

knn_status knn__new_picture(const char *name, int width, int height, int channels, knn__picture *picture)
{
    *picture = (knn__picture){.width = width, .height = height, .channels = channels};
    picture->pixels = knn__realloc(NULL, (size_t)width * (size_t)height, (size_t)channels);
    return picture->pixels != NULL ? KNN_OK : knn__context(KNN_ERROR_MEMORY, "%.700s", name);
}

/* No encoding of so many pixels needs more: raw, four channels, 16 bits, and a megabyte around them. */
size_t knn__picture_file_limit(size_t max_pixels)
{
    return max_pixels < SIZE_MAX / 16 ? max_pixels * 8 + (1u << 20) : 0;
}

knn_status knn__read_picture_file_header(const char *path, const knn__picture_wish *wish, knn__picture_header *header)
{
    void *data;
    size_t size;

    knn_status status = knn__read_head(path, HEAD_BYTES, &data, &size);
    if (status != KNN_OK)
        return status;
    status = knn__read_picture_header(data, size, path, wish, header);
    knn__free(data);
    if (status == KNN_ERROR_DATA && size >= HEAD_BYTES) {
        status = knn__read_file(path, knn__picture_file_limit(wish->max_pixels), &data, &size);
        if (status != KNN_OK)
            return status;
        status = knn__read_picture_header(data, size, path, wish, header);
        knn__free(data);
    }
    header->exif = NULL;
    header->exif_size = 0;
    return status;
}

knn_status knn_picture_info(const char *path, int *width, int *height, int *channels)
{
    const knn__picture_wish any = {.channels = 3, .max_pixels = SIZE_MAX};
    knn__picture_header header;

    if (path == NULL || path[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_picture_info: a path is required");
    knn_status status = knn__read_picture_file_header(path, &any, &header);
    if (status != KNN_OK)
        return status;
    if (width != NULL)
        *width = header.width;
    if (height != NULL)
        *height = header.height;
    if (channels != NULL)
        *channels = header.format == KNN__BMP ? 3 : header.components;
    return KNN_OK;
}

/* Pillow's convert("L"): 0.299 red + 0.587 green + 0.114 blue in 16-bit fixed point, rounded. */
static void make_grey(knn__picture *picture)
{
    size_t count = (size_t)picture->width * (size_t)picture->height;
    const uint8_t *rgb = picture->pixels;
    for (size_t i = 0; i < count; i++, rgb += 3)
        picture->pixels[i] = (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >> 16);
    picture->channels = 1;
}

static knn_status make_colour(knn__picture *picture)
{
    size_t count = (size_t)picture->width * (size_t)picture->height;
    uint8_t *pixels = knn__realloc(picture->pixels, count, 3);
    if (pixels == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = count; i-- > 0;)            /* from the end: nothing is overwritten before it is read */
        memset(pixels + 3 * i, pixels[i], 3);
    picture->pixels = pixels;
    picture->channels = 3;
    return KNN_OK;
}

knn_status knn__set_channels(knn__picture *picture, int channels)
{
    if (picture->channels == channels)
        return KNN_OK;
    if (channels == 3)
        return make_colour(picture);
    make_grey(picture);
    return KNN_OK;
}

static knn_status decode(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header,
                         knn__picture *picture)
{
    switch (header->format) {
    case KNN__PPM:
        return knn__decode_ppm(data, size, name, header, picture);
    case KNN__JPEG:
#ifdef KNN_HAVE_JPEG
        return knn__decode_jpeg(data, size, name, header, picture);
#endif
    case KNN__PNG:
    case KNN__BMP:
        break;
    }
    return knn__decode_stb(data, size, name, header, picture);
}

void knn__describe_decoders(char *text, size_t size)
{
#ifdef KNN_HAVE_JPEG
    snprintf(text, size, "%s, stb_image", knn__jpeg_decoder());
#else
    snprintf(text, size, "stb_image");
#endif
}

knn_status knn__decode_picture(const uint8_t *data, size_t size, const char *name, const knn__picture_wish *wish,
                               knn__picture *picture)
{
    knn__picture_header header;
    *picture = (knn__picture){0};
    knn_status status = knn__read_picture_header(data, size, name, wish, &header);
    if (status == KNN_OK)
        status = decode(data, size, name, &header, picture);
    if (status == KNN_OK)
        status = knn__set_channels(picture, wish->channels);
    if (status == KNN_OK && wish->apply_orientation)
        status = knn__turn_picture(picture, knn__exif_orientation(header.exif, header.exif_size));
    if (status == KNN_OK)
        return KNN_OK;
    knn__free(picture->pixels);
    *picture = (knn__picture){0};
    return status;
}
