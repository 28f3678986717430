/* Moving a picture: one bilinear resampling by a 2x3 matrix, as scipy.ndimage.affine_transform(order=1) does it.
 * Does not know angles, zooms or random numbers. */
#ifndef KNN_DATA_AFFINE_H
#define KNN_DATA_AFFINE_H

#include <knn/data.h>

/* A picture [height][width][channels], of bytes or of floats (the other is NULL). */
typedef struct knn__image {
    int height, width, channels;
    const uint8_t *bytes;
    const float *floats;
} knn__image;

/* Where pixel (i, j) of the result comes from: row[0] * i + row[1] * j + row[2], and likewise the column. */
typedef struct knn__affine {
    double row[3], column[3];
} knn__affine;

typedef struct knn__move {
    knn__affine affine;
    knn_fill_mode fill_mode;
    float cval;
} knn__move;

/* x[height][width][channels] */
knn_status knn__move_image(const knn__image *image, const knn__move *move, float *x);

/* Without resampling, mirrored at most. */
void knn__flip_image(const knn__image *image, bool flip_rows, bool flip_columns, float *x);

#endif
