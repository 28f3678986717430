/* Which place of its input a pixel of a picture shows: windows that are stretched, and pictures that are mirrored, shifted, turned and zoomed
 * at random. Knows no numbers of pixels: see image_map.c.
 *
 * All in float, with Keras' matrices and TensorFlow's rules (ImageProjectiveTransformV3; resize with half-pixel centres): every build and
 * backend then finds the same places. */
#ifndef KNN_BACKEND_REFERENCE_IMAGE_GEOMETRY_H
#define KNN_BACKEND_REFERENCE_IMAGE_GEOMETRY_H

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

knn__image_place knn__image_place_of(const knn__image_transform *transform, int row, int column);

/* Uniform between two bounds. */
double knn__image_draw(const knn__stream *stream, uint32_t position, const double bounds[2]);

#endif
