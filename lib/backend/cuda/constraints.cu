/* Constraints on the weights of all arrays, in one launch: a thread makes a vector, or a number where each stands by itself. */
#include "backend/cuda/optimizer_step.h"

KNN_KERNEL constrain(knn__cuda_step s, size_t first, unsigned count)
{
    KNN_EACH (k, count) {
        size_t vector = first + k;
        const knn__weight_array &array = s.arrays[knn__last_array<&knn__weight_array::first_vector>(s, vector)];
        knn__constrain_vector(&array.constraint, s.weights + array.offset, vector - array.first_vector);
    }
}

cudaError_t knn__cuda_constrain(cudaStream_t stream, knn__cuda_step s, size_t vectors)
{
    KNN_LAUNCH_ELEMENTS(vectors, stream, constrain, s);
    return cudaGetLastError();
}
