/* im2col and col2im, one row of a convolution's output at a time. */
#ifndef KNN_BACKEND_CPU_COLUMNS_H
#define KNN_BACKEND_CPU_COLUMNS_H

#include "backend/cpu/isa.h"

#define knn__columns_from_image KNN_ISA_NAME(knn__columns_from_image)
#define knn__columns_to_image KNN_ISA_NAME(knn__columns_to_image)

/* What the output positions (row, 0 .. width - 1) see of an image, one after the other, zeros where they see padding:
 * columns[width][kernel_height][kernel_width][channels of a group]. `image` is [height][width][channels]. */
void knn__columns_from_image(const knn_node *node, const float *image, int group, int row, int width, float *columns);

/* The transposed map: adds columns to the places of the image that they came from. */
void knn__columns_to_image(const knn_node *node, float *image, int group, int row, int width, const float *columns);

#endif
