/* Bilinear resampling of a picture under a 2x3 matrix, with SciPy's rules outside of it. Draws nothing, scales nothing. Its formulas are those
 * of backend/pictures.h.
 *
 * The source is first copied to floats whose pixels are padded to a multiple of four channels, so that a pixel is one
 * vector to the compiler, and gets one more row and column that repeat the edge: a position within [0, n - 1] has four
 * neighbours without a test.
 *
 *     pixel (0,0) .. (0,w-1) | edge        stride = (w + 1) * pitch floats a row
 *     ...                                  pitch  = channels, padded
 *     pixel (h-1,0) ..       | edge
 *     edge ..                | edge
 *     cval ..                | cval        two rows of it: all that lies outside with KNN_FILL_CONSTANT
 *     cval ..                | cval
 */
#include "data/affine.h"

#include "core/memory.h"

#include <string.h>

enum { LANES = 4 };

/* ---- The padded source ---- */

typedef struct source {
    float *data;                    /* a knn__alloc block; behind it, in the same block: */
    int *upper, *left;              /* [width]: the upper left neighbour of each pixel of a row of the result */
    float *row_part, *column_part;  /* [width]: how far from it to the lower and to the right neighbour */
    int height, width, channels, pitch, stride;
} source;

static knn_status new_source(const knn__pixels *image, source *s)
{
    *s = (source){.height = image->height, .width = image->width, .channels = image->channels};
    s->pitch = (image->channels + LANES - 1) / LANES * LANES;
    s->stride = (image->width + 1) * s->pitch;
    size_t width = (size_t)image->width, pixels = (size_t)s->stride * ((size_t)image->height + 3);
    s->data = knn__realloc(NULL, pixels + 4 * width, sizeof *s->data);
    if (s->data == NULL)
        return KNN_ERROR_MEMORY;
    s->row_part = s->data + pixels;
    s->column_part = s->row_part + width;
    s->upper = (int *)(s->column_part + width);
    s->left = s->upper + width;
    return KNN_OK;
}

static inline void pad_bytes(const uint8_t *from, int width, int channels, int pitch, float *to)
{
    for (int j = 0; j < width; j++, from += channels, to += pitch)
        for (int c = 0; c < pitch; c++)
            to[c] = c < channels ? (float)from[c] : 0.0f;
}

static inline void pad_floats(const float *from, int width, int channels, int pitch, float *to)
{
    for (int j = 0; j < width; j++, from += channels, to += pitch)
        for (int c = 0; c < pitch; c++)
            to[c] = c < channels ? from[c] : 0.0f;
}

static void fill_source(source *s, const knn__pixels *image, float cval)
{
    size_t row = (size_t)s->width * (size_t)s->channels, pitch = (size_t)s->pitch, stride = (size_t)s->stride;
    float *to = s->data;
    for (int i = 0; i < s->height; i++, to += stride) {
        if (image->floats != NULL)
            pad_floats(image->floats + (size_t)i * row, s->width, s->channels, s->pitch, to);
        else if (s->channels == 3)
            pad_bytes(image->bytes + (size_t)i * row, s->width, 3, LANES, to);
        else
            pad_bytes(image->bytes + (size_t)i * row, s->width, s->channels, s->pitch, to);
        memcpy(to + stride - pitch, to + stride - 2 * pitch, pitch * sizeof *to);
    }
    memcpy(to, to - stride, stride * sizeof *to);
    for (size_t i = stride; i < 3 * stride; i++)
        to[i] = cval;
}

/* ---- Where a row of the result comes from ---- */

/* Coordinate number `axis` (row or column of the source) of all pixels of row i of the result: whole part and rest.
 * Inlined with a constant mode, so that the common ones become vector code. */
static inline void find_coordinate(const double axis[3], int i, int width, int n, knn_fill_mode mode,
                                   int *restrict whole, float *restrict part)
{
    float start = knn__picture_start(axis, i), step = (float)axis[1];
    for (int j = 0; j < width; j++) {
        float x = knn__picture_place(start, step, j, n, mode);
        whole[j] = (int)x;
        part[j] = x - (float)whole[j];
    }
}

static inline void find_row(source *s, const knn__affine *affine, int i, knn_fill_mode mode)
{
    find_coordinate(affine->row, i, s->width, s->height, mode, s->upper, s->row_part);
    find_coordinate(affine->column, i, s->width, s->width, mode, s->left, s->column_part);
}

static void find_outside(source *s, const knn__affine *affine, int i)
{
    for (int j = 0; j < s->width; j++)
        if (knn__is_outside(affine->row, i, j, s->height) || knn__is_outside(affine->column, i, j, s->width)) {
            s->upper[j] = s->height + 1;
            s->left[j] = 0;
            s->row_part[j] = s->column_part[j] = 0.0f;
        }
}

static void find(source *s, const knn__picture_change *change, int i)
{
    switch (change->fill_mode) {
    case KNN_FILL_NEAREST:
        find_row(s, &change->from, i, KNN_FILL_NEAREST);
        break;
    case KNN_FILL_CONSTANT:
        find_row(s, &change->from, i, KNN_FILL_NEAREST);
        find_outside(s, &change->from, i);
        break;
    case KNN_FILL_REFLECT:
        find_row(s, &change->from, i, KNN_FILL_REFLECT);
        break;
    case KNN_FILL_WRAP:
        find_row(s, &change->from, i, KNN_FILL_WRAP);
        break;
    }
}

/* ---- Blending the four neighbours ---- */

/* Channels c .. c + 3 of pixel j of the row that was found. */
static inline void blend(const source *s, int j, int c, int pitch, float *restrict to)
{
    const float *upper = s->data + s->upper[j] * s->stride + s->left[j] * pitch + c, *lower = upper + s->stride;
    float row_part = s->row_part[j], column_part = s->column_part[j];
    for (int k = 0; k < LANES; k++)
        to[k] = knn__picture_blend(upper[k], upper[k + pitch], lower[k], lower[k + pitch], row_part, column_part);
}

/* Of a pixel of three channels four are written, and the fourth is overwritten by the next pixel. */
static void blend_row_of_3(const source *s, float *x)
{
    float pixel[LANES];
    int last = s->width - 1;
    for (int j = 0; j < last; j++, x += 3) {
        blend(s, j, 0, LANES, pixel);
        memcpy(x, pixel, sizeof pixel);
    }
    blend(s, last, 0, LANES, pixel);
    memcpy(x, pixel, 3 * sizeof *x);
}

static void blend_row(const source *s, float *x)
{
    float pixel[LANES];
    for (int j = 0; j < s->width; j++)
        for (int c = 0; c < s->channels; c += LANES) {
            int count = s->channels - c < LANES ? s->channels - c : LANES;
            blend(s, j, c, s->pitch, pixel);
            memcpy(x, pixel, (size_t)count * sizeof *x);
            x += count;
        }
}

knn_status knn__move_image(const knn__pixels *image, const knn__picture_change *change, float *x)
{
    source s;
    knn_status status = new_source(image, &s);
    if (status != KNN_OK)
        return status;
    fill_source(&s, image, change->cval);
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (int i = 0; i < image->height; i++, x += row) {
        find(&s, change, i);
        if (image->channels == 3)
            blend_row_of_3(&s, x);
        else
            blend_row(&s, x);
    }
    knn__free(s.data);
    return KNN_OK;
}

/* ---- Only mirrored ---- */

static void copy_values(const knn__pixels *image, size_t from, size_t count, float *to)
{
    if (image->floats != NULL)
        memcpy(to, image->floats + from, count * sizeof *to);
    else
        for (size_t i = 0; i < count; i++)
            to[i] = (float)image->bytes[from + i];
}

void knn__flip_image(const knn__pixels *image, bool flip_rows, bool flip_columns, float *x)
{
    size_t rows = (size_t)image->height, columns = (size_t)image->width, channels = (size_t)image->channels;
    size_t row = columns * channels;
    if (!flip_rows && !flip_columns) {
        copy_values(image, 0, rows * row, x);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        size_t from = (flip_rows ? rows - 1 - i : i) * row;
        if (!flip_columns)
            copy_values(image, from, row, x + i * row);
        else
            for (size_t j = 0; j < columns; j++)
                copy_values(image, from + (columns - 1 - j) * channels, channels, x + i * row + j * channels);
    }
}
