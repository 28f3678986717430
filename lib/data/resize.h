/* Resizing 8-bit pictures, to the bit as Pillow does it. Does not keep aspect ratios: the picture is stretched, as in
 * Keras. */
#ifndef KNN_DATA_RESIZE_H
#define KNN_DATA_RESIZE_H

#include <knn/data.h>

/* from[height][width][channels] (channels 1 or 3, rows `row_bytes` apart) to to[to_height][to_width][channels], without
 * gaps. */
typedef struct knn__resizing {
    const uint8_t *from;
    int height, width, channels;
    size_t row_bytes;
    int to_height, to_width;
    knn_interpolation interpolation;
} knn__resizing;

knn_status knn__resize(const knn__resizing *resizing, uint8_t *to);

#endif
