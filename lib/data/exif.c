/* The orientation that a camera noted (Exif, a TIFF block), and turning a picture by it. Reads no other tag. */
#include "data/image.h"

#include "core/memory.h"

#include <string.h>

typedef struct tiff_block {
    const uint8_t *data;
    size_t size;
    bool big_endian;
} tiff_block;

/* `bytes` (2 or 4) at `at` as a number; 0 beyond the end. */
static uint32_t number_at(const tiff_block *tiff, size_t at, unsigned bytes)
{
    if (at > tiff->size || tiff->size - at < bytes)
        return 0;
    uint32_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number = number << 8 | tiff->data[at + (tiff->big_endian ? i : bytes - 1 - i)];
    return number;
}

/* The header is order(2) 42(2) place of the first directory(4); that is count(2) and entries: tag(2) type(2) count(4)
 * value(4). */
int knn__exif_orientation(const uint8_t *data, size_t size)
{
    enum { ENTRY = 12, ORIENTATION = 0x0112, SHORT = 3, UPRIGHT = 1, LAST = 8 };
    if (data == NULL || size < 8 || (memcmp(data, "II", 2) != 0 && memcmp(data, "MM", 2) != 0))
        return UPRIGHT;
    tiff_block tiff = {data, size, data[0] == 'M'};
    if (number_at(&tiff, 2, 2) != 42)
        return UPRIGHT;
    size_t directory = number_at(&tiff, 4, 4), count = number_at(&tiff, directory, 2);
    for (size_t i = 0; i < count; i++) {
        size_t entry = directory + 2 + i * ENTRY;
        if (number_at(&tiff, entry, 2) != ORIENTATION || number_at(&tiff, entry + 2, 2) != SHORT)
            continue;
        uint32_t value = number_at(&tiff, entry + 8, 2);
        return value >= UPRIGHT && value <= LAST ? (int)value : UPRIGHT;
    }
    return UPRIGHT;
}

/* What to do to see a picture upright: read its rows, its columns backwards, after exchanging both. */
typedef struct turning {
    bool transpose, rows_backwards, columns_backwards;
} turning;

static const turning turnings[9] = {
    [2] = {false, false, true}, [3] = {false, true, true}, [4] = {false, true, false}, [5] = {true, false, false},
    [6] = {true, true, false},  [7] = {true, true, true},  [8] = {true, false, true},
};

knn_status knn__turn_picture(knn__picture *picture, int orientation)
{
    if (orientation <= 1)
        return KNN_OK;
    turning how = turnings[orientation];
    size_t rows = (size_t)picture->height, columns = (size_t)picture->width, channels = (size_t)picture->channels;
    size_t height = how.transpose ? columns : rows, width = how.transpose ? rows : columns;
    uint8_t *turned = knn__realloc(NULL, rows * columns, channels);
    if (turned == NULL)
        return KNN_ERROR_MEMORY;

    uint8_t *to = turned;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++, to += channels) {
            size_t row = how.transpose ? j : i, column = how.transpose ? i : j;
            if (how.rows_backwards)
                row = rows - 1 - row;
            if (how.columns_backwards)
                column = columns - 1 - column;
            memcpy(to, picture->pixels + (row * columns + column) * channels, channels);
        }
    knn__free(picture->pixels);
    *picture = (knn__picture){(int)width, (int)height, picture->channels, turned};
    return KNN_OK;
}
