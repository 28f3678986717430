/* Decodes binary PGM and PPM files (netpbm's P5 and P6). Reads no text variants and no header: that was done in
 * image_header.c. */
#include "data/image.h"

#include <string.h>

/* value of 0..maximum as one of 0..white, rounded to nearest even as Python does. */
static unsigned scaled(unsigned value, unsigned maximum, unsigned white)
{
    uint64_t doubled = (uint64_t)2 * white * (value < maximum ? value : maximum);
    unsigned level = (unsigned)(doubled / (2 * maximum)), rest = (unsigned)(doubled % (2 * maximum));
    return level + (rest > maximum || (rest == maximum && level % 2 == 1));
}

/* Pillow takes 16-bit grey for 0..65535, and clips that when it makes it a colour picture. */
static unsigned clipped(unsigned value, unsigned maximum)
{
    unsigned level = scaled(value, maximum, 65535);
    return level < 255 ? level : 255;
}

knn_status knn__decode_ppm(const uint8_t *data, size_t size, const char *name, const knn__picture_header *header,
                           knn__picture *picture)
{
    unsigned maximum = (unsigned)header->maximum;
    size_t sample = maximum > 255 ? 2 : 1;
    size_t count = (size_t)header->width * (size_t)header->height * (size_t)header->components;
    if (size < header->pixels_at || (size - header->pixels_at) / sample < count)
        return knn__truncated(name);
    knn_status status = knn__new_picture(name, header->width, header->height, header->components, picture);
    if (status != KNN_OK)
        return status;

    const uint8_t *from = data + header->pixels_at;
    if (maximum == 255)
        memcpy(picture->pixels, from, count);
    else if (sample == 1)
        for (size_t i = 0; i < count; i++)
            picture->pixels[i] = (uint8_t)scaled(from[i], maximum, 255);
    else
        for (size_t i = 0; i < count; i++, from += 2) {
            unsigned value = (unsigned)from[0] << 8 | from[1];
            picture->pixels[i] = (uint8_t)(header->grey16 ? clipped(value, maximum) : scaled(value, maximum, 255));
        }
    return KNN_OK;
}
