/* The look at an HDF5 image before libhdf5 sees it. */
#ifndef KNN_KERAS_HDF5_IMAGE_H
#define KNN_KERAS_HDF5_IMAGE_H

#include <knn/status.h>

#include <stddef.h>

/* Follows all that can be reached from the root and refuses, by object and byte, what is damaged, what lies outside of the image or
 * goes in circles, and what Keras does not write: soft and external links, data in other files, filters that libhdf5 has not got
 * itself, data sets of other things than numbers. Allocates nothing. */
knn_status knn__h5_check(const void *image, size_t size);

#endif
