/* Which place of its input a pixel of a picture shows: windows that are stretched, and pictures that are mirrored, shifted, turned and zoomed
 * at random; for host and GPU. Knows no numbers of pixels.
 *
 * All in float, with Keras' matrices and TensorFlow's rules (ImageProjectiveTransformV3; resize with half-pixel centres): every build and
 * backend then finds the same places. */
#ifndef KNN_BACKEND_IMAGE_GEOMETRY_H
#define KNN_BACKEND_IMAGE_GEOMETRY_H

#include "core/everywhere.h"
#include "core/random.h"
#include "layers/node.h"

/* For one picture: pixel (row, column) of the output shows place (y[0] column + y[1] row + y[2], x[0] column + x[1] row + x[2]) of a window.
 * Both are counted from pixel 0, or, where `centre` is 1/2, from its edge. */
typedef struct knn__image_transform {
    float x[3], y[3], centre;
    int height, width;                      /* of the window: beyond it, the fill mode tells what is there */
    int top, left;                          /* the pixel of the input that is the window's first; negative: there is more of the window */
    int in_height, in_width;                /* of the input */
    knn_outside fill_mode;
    knn_sampling interpolation;
} knn__image_transform;

/* Up to four pixels, blended: `row_part` of row[1], `column_part` of column[1], the rest of the first. -1: outside, where the fill value is. */
typedef struct knn__image_place {
    int row[2], column[2];
    float row_part, column_part;
} knn__image_place;

/* A node of KNN_OP_IMAGE_MAP; `stream` gives what is drawn for this picture. NULL: what is random stays as it is. */
knn__image_transform knn__image_transform_of(const knn_node *node, const knn__stream *stream);

/* Uniform between two bounds. */
double knn__image_draw(const knn__stream *stream, uint32_t position, const double bounds[2]);

/* ---- Places ---- */

/* floorf and roundf (halves away from zero) for numbers that an int holds, without a call. */
KNN_EVERYWHERE float knn__whole_below(float x)
{
    float whole = (float)(int)x;
    return whole > x ? whole - 1 : whole;
}

KNN_EVERYWHERE float knn__nearest_whole(float x)
{
    float whole = (float)(int)x, rest = x - whole;
    return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

/* NaN is 0, too: numbers that have not come to a device must not lead out of a picture. Written so that compilers make it vector code. */
KNN_EVERYWHERE float knn__limited(float x, int n)
{
    float last = (float)(n - 1), positive = x > 0 ? x : 0;
    return positive < last ? positive : last;
}

/* Mirrored at -1/2 and n - 1/2. */
KNN_EVERYWHERE float knn__reflected(float x, int n)
{
    float period = 2 * (float)n, within = x - knn__product(period, knn__whole_below(x / period));
    return knn__limited(within >= (float)n ? period - 1 - within : within, n);
}

/* TensorFlow's rule: whole lengths n are added, but as many as lengths n - 1 fit. */
KNN_EVERYWHERE float knn__wrapped(float x, int n)
{
    if (n <= 1)
        return 0;
    if (x < 0)
        x += (float)(n * ((int)(-x / (float)(n - 1)) + 1));
    else if (x > (float)(n - 1))
        x -= (float)(n * (int)(x / (float)(n - 1)));
    return knn__limited(x, n);
}

KNN_EVERYWHERE float knn__mapped(float x, int n, knn_outside mode)
{
    if (x >= 0 && x <= (float)(n - 1))      /* almost all: spares them the divisions */
        return x;
    switch (mode) {
    case KNN_OUTSIDE_REFLECT: return knn__reflected(x, n);
    case KNN_OUTSIDE_WRAP:    return knn__wrapped(x, n);
    case KNN_OUTSIDE_NEAREST: return knn__limited(x, n);
    default:                  return x;
    }
}

/* The pixel of the input, which is n long, at whole number x of a window that begins at `first`; -1: none. */
KNN_EVERYWHERE int knn__inside(float x, int first, int n)
{
    float place = x + (float)first;
    return place >= 0 && place < (float)n ? (int)place : -1;
}

KNN_EVERYWHERE knn__image_place knn__image_place_of(const knn__image_transform *t, int row, int column)
{
    float i = (float)row + t->centre, j = (float)column + t->centre;
    float x = knn__mapped(t->x[0] * j + t->x[1] * i + t->x[2] - t->centre, t->width, t->fill_mode);
    float y = knn__mapped(t->y[0] * j + t->y[1] * i + t->y[2] - t->centre, t->height, t->fill_mode);

    if (t->interpolation == KNN_SAMPLING_NEAREST) {
        int nearest_row = knn__inside(knn__nearest_whole(y), t->top, t->in_height);
        int nearest_column = knn__inside(knn__nearest_whole(x), t->left, t->in_width);
        knn__image_place nearest = {{nearest_row, nearest_row}, {nearest_column, nearest_column}, 0, 0};
        return nearest;
    }
    float above = knn__whole_below(y), left = knn__whole_below(x);
    knn__image_place blended = {
        {knn__inside(above, t->top, t->in_height), knn__inside(above + 1, t->top, t->in_height)},
        {knn__inside(left, t->left, t->in_width), knn__inside(left + 1, t->left, t->in_width)}, y - above, x - left};
    return blended;
}

#endif
