/* The reference kernels: plain loops that follow the formulas, for reading, and for checking every other kernel. Not made for speed.
 *
 * They are built twice: in float as the backend "reference", and in double (KNN_DOUBLE) as the oracle of the tests. Sums are kept in
 * double in both, so that a float result is the exact one, rounded once or twice. */
#ifndef KNN_BACKEND_REFERENCE_H
#define KNN_BACKEND_REFERENCE_H

#include "backend/backend.h"

extern const knn_kernel knn__reference_conv2d, knn__reference_max_pooling2d, knn__reference_average_pooling2d, knn__reference_dense,
    knn__reference_activation, knn__reference_dropout, knn__reference_batch_normalization, knn__reference_zero_padding2d,
    knn__reference_rescaling, knn__reference_conv2d_transpose, knn__reference_cropping2d, knn__reference_permute, knn__reference_up_sampling;
extern const knn_kernel knn__reference_softmax, knn__reference_rectifiers, knn__reference_gaussian, knn__reference_group_normalization,
    knn__reference_embedding, knn__reference_normalization, knn__reference_image_map, knn__reference_random_color;
#ifndef KNN_DOUBLE                          /* users' layers compute in float */
extern const knn_kernel knn__reference_custom;
#endif

void knn__reference_loss(const knn__loss_call *call);
void knn__reference_update(const knn__update_call *call, size_t first, size_t last);
void knn__reference_update_array(const knn__update_call *call, size_t first, size_t last);     /* its part for Lamb and Adafactor */

/* For `finish`: this slice's share of gradient[0..length) = the sum over all slices, in order, of what lies in their partial blocks from
 * the first-th double on. A NULL gradient (no such weight, or a frozen one) is fine. */
void knn__reference_add_slices(const knn_step *step, size_t first, knn_real *gradient, size_t length, int slice);

/* What is spread over [images][positions][channels]: position p of an image begins at p * channels. */
static inline int knn__positions(knn_extent extent) { return extent.height * extent.width; }

#endif
