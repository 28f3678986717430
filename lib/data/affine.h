/* Moving a picture: one bilinear resampling by a 2x3 matrix, as scipy.ndimage.affine_transform(order=1) does it.
 * Does not know angles, zooms or random numbers. */
#ifndef KNN_DATA_AFFINE_H
#define KNN_DATA_AFFINE_H

#include "backend/pictures.h"

#include <knn/data.h>

/* A picture [height][width][channels], of bytes or of floats (the other is NULL). */
typedef struct knn__pixels {
    int height, width, channels;
    const uint8_t *bytes;
    const float *floats;
} knn__pixels;

/* x[height][width][channels], of a change that moves. */
knn_status knn__move_image(const knn__pixels *image, const knn__picture_change *change, float *x);

/* Without resampling, mirrored at most. */
void knn__flip_image(const knn__pixels *image, bool flip_rows, bool flip_columns, float *x);

#endif
