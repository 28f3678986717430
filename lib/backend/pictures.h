/* What becomes of a picture of 8 bits on its way into a network: it is moved or mirrored, and gets other colours. Keras' ImageDataGenerator,
 * number by number, for host and GPU. Draws nothing (data/augmentation.c does) and knows no arrays.
 *
 * Host and GPU come to the same bits: all is computed in these operations, in this order (knn__product). */
#ifndef KNN_BACKEND_PICTURES_H
#define KNN_BACKEND_PICTURES_H

#include "backend/image_geometry.h"

#include <knn/data.h>

/* Where pixel (i, j) of the result comes from: row[0] * i + row[1] * j + row[2], and likewise the column. */
typedef struct knn__affine {
    double row[3], column[3];
} knn__affine;

/* Of one picture, in this order. Zeros change nothing. */
typedef struct knn__picture_change {
    bool moves;                             /* as `from` says; else it is mirrored at most */
    bool flips_rows, flips_columns;
    bool brightens;
    knn_fill_mode fill_mode;                /* beyond its edges */
    float cval;
    float channel_shift;                    /* added to every number, within least .. most */
    float brightness;                       /* factor */
    float least, most;                      /* of the numbers once they are moved: see knn__wants_range */
    knn__affine from;
} knn__picture_change;

/* A batch of them in the host's memory. */
typedef struct knn__pictures {
    uint8_t *bytes;                         /* [images][height][width][channels] */
    knn__picture_change *changes;           /* [images] */
} knn__pictures;

/* What is the same for all pictures of a data set. */
typedef struct knn__picture_form {
    int height, width, channels;
    float rescale;                          /* comes last */
} knn__picture_form;

/* ---- Places ---- */

/* SciPy's "wrap" has period n - 1: the first and the last pixel count as the same one. */
KNN_EVERYWHERE float knn__picture_wrapped(float x, int n)
{
    float period = (float)(n - 1);
    if (n == 1)
        return 0;
    if (x < 0)
        x += knn__product(period, knn__whole_below(-x / period) + 1);
    else if (x > period)
        x -= knn__product(period, knn__whole_below(x / period));
    return knn__limited(x, n);
}

KNN_EVERYWHERE float knn__picture_within(float x, int n, knn_fill_mode mode)
{
    return mode == KNN_FILL_REFLECT ? knn__reflected(x, n) : mode == KNN_FILL_WRAP ? knn__picture_wrapped(x, n) : knn__limited(x, n);
}

/* Coordinates on an axis of the picture, which is n long, of pixels (i, 0), (i, 1), ..: the first, and pixel j's, within [0, n - 1]. In float:
 * SciPy's doubles differ by 1e-5 of a pixel at 150. */
KNN_EVERYWHERE float knn__picture_start(const double axis[3], int i) { return (float)(axis[2] + knn__double_product(axis[0], i)); }

KNN_EVERYWHERE float knn__picture_place(float start, float step, int j, int n, knn_fill_mode mode)
{
    return knn__picture_within(start + knn__product(step, (float)j), n, mode);
}

/* With KNN_FILL_CONSTANT a position outside takes cval as it is: nothing is blended at the edge. */
KNN_EVERYWHERE bool knn__is_outside(const double axis[3], int i, int j, int n)
{
    double x = axis[2] + knn__double_product(axis[0], i) + knn__double_product(axis[1], j);
    return !(x >= 0 && x <= n - 1);
}

KNN_EVERYWHERE float knn__picture_blend(float upper_left, float upper_right, float lower_left, float lower_right, float row_part,
                                        float column_part)
{
    float above = upper_left + knn__product(upper_right - upper_left, column_part);
    float below = lower_left + knn__product(lower_right - lower_left, column_part);
    return above + knn__product(below - above, row_part);
}

/* ---- Values ---- */

KNN_EVERYWHERE bool knn__recolors(const knn__picture_change *change) { return change->channel_shift != 0 || change->brightens; }

/* Whether the range of a picture of 8 bits must be known more exactly than that it is within 0 .. 255. */
KNN_EVERYWHERE bool knn__wants_range(const knn__picture_change *change)
{
    bool fills = change->moves && change->fill_mode == KNN_FILL_CONSTANT;
    return change->channel_shift != 0 || (change->brightens && fills && !(change->cval >= 0 && change->cval <= 255));
}

KNN_EVERYWHERE float knn__channel_shifted(const knn__picture_change *change, float x)
{
    float value = x + change->channel_shift;
    value = value > change->least ? value : change->least;
    return value < change->most ? value : change->most;
}

/* Pillow's Brightness, on whole levels: clipped at 255, the fraction cut off. */
KNN_EVERYWHERE float knn__brighter_level(float level, float factor)
{
    float value = (float)(int)level * factor;
    return value >= 255 ? 255 : (float)(int)value;
}

/* Where the numbers exceed 0 .. 255 they are squeezed into it for this and stretched back, as Keras does. */
KNN_EVERYWHERE float knn__brightened(float x, float least, float most, float factor)
{
    float range = most - least, divisor = range != 0 ? range : 1;
    if (least >= 0 && most <= 255)
        return knn__brighter_level(x, factor);
    return knn__product(knn__brighter_level((x - least) / divisor * 255, factor) / 255, range) + least;
}

KNN_EVERYWHERE float knn__recolored(const knn__picture_change *change, float x)
{
    float least = change->least, most = change->most;
    if (change->channel_shift != 0) {
        x = knn__channel_shifted(change, x);
        least = knn__channel_shifted(change, least);
        most = knn__channel_shifted(change, most);
    }
    return change->brightens ? knn__brightened(x, least, most, change->brightness) : x;
}

#endif
