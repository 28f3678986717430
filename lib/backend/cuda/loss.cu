/* The losses that have one value a row, by the host's formulas in double: few numbers, and the same digits. A sample for each thread. */
#include "backend/cuda/knn_cu.h"

#include "backend/loss_rows.h"

KNN_KERNEL losses(knn__loss_call call)
{
    KNN_EACH (image, (unsigned)call.images)
        call.value[image] = knn__loss_of_sample(&call, (int)image);
}

cudaError_t knn__cuda_loss(cudaStream_t stream, const knn__loss_call *call)
{
    KNN_LAUNCH_EACH((unsigned)call->images, stream, losses, *call);
    return cudaGetLastError();
}
