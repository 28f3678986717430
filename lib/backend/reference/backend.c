/* The backend "reference": one list of plain kernels. Knows no instruction set and no BLAS. */
#include "backend/reference/reference.h"

#include "core/parallel.h"

static const knn_kernel *const reference_kernels[] = {
    &knn__reference_conv2d,
    &knn__reference_max_pooling2d,
    &knn__reference_average_pooling2d,
    &knn__reference_dense,
    &knn__reference_activation,
    &knn__reference_dropout,
    &knn__reference_batch_normalization,
    &knn__reference_zero_padding2d,
    &knn__reference_rescaling,
    &knn__reference_conv2d_transpose,
    &knn__reference_cropping2d,
    &knn__reference_permute,
    &knn__reference_up_sampling,
    &knn__reference_softmax,
    &knn__reference_rectifiers,
    &knn__reference_gaussian,
    &knn__reference_group_normalization,
    &knn__reference_embedding,
    &knn__reference_image_map,
    &knn__reference_random_color,
    &knn__reference_normalization,
#ifndef KNN_DOUBLE
    &knn__reference_custom,
#endif
    NULL
};

static const knn_kernel *const *kernels(int list) { return list == 0 ? reference_kernels : NULL; }

static const char *instruction_set(void) { return ""; }

const knn_backend knn__reference_backend = {
    .name = "reference",
    .kernels = kernels,
    .instruction_set = instruction_set,
    .loss = knn__reference_loss,
    .update = knn__reference_update,
};

void knn__reference_add_slices(const knn_step *step, size_t first, knn_real *gradient, size_t length, int slice)
{
    if (gradient == NULL)
        return;
    long from, to;
    knn__share((long)length, slice, step->request.slices, &from, &to);
    for (long i = from; i < to; i++) {
        double sum = 0;
        for (int s = 0; s < step->request.slices; s++) {
            const double *partial = knn__partial(step, s);
            sum += partial[first + (size_t)i];
        }
        gradient[i] = (knn_real)sum;
    }
}
