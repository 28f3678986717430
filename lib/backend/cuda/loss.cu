/* The losses, by the host's formulas in double: few numbers, and the same digits. A sample for each thread. */
#include "backend/cuda/knn_cu.h"

#include "backend/loss_overlap.h"
#include "backend/loss_rows.h"

/* A call that is recorded finds other numbers there each time. */
static __device__ void take_now(knn__loss_call *call)
{
    call->divisor = call->now->divisor;
    call->zero_one = call->now->zero_one;
    call->weight = call->now->weighted ? call->weight : NULL;
}

KNN_KERNEL losses(knn__loss_call call)
{
    take_now(&call);
    KNN_EACH (image, (unsigned)call.images)
        call.value[image] = knn__loss_of_sample(&call, (int)image);
}

/* ---- One value for all: sums of each sample, these added up in order behind them, then what follows from them ---- */

static __device__ knn__overlap *sums_of(const knn__loss_call &call, int image) { return (knn__overlap *)call.sums + image; }

KNN_KERNEL overlaps(knn__loss_call call)
{
    take_now(&call);
    KNN_EACH (image, (unsigned)call.images) {
        knn__overlap sums = {0, 0, 0, 0};
        knn__overlap_add(&call, (int)image, &sums);
        *sums_of(call, (int)image) = sums;
    }
}

KNN_KERNEL add_overlaps(knn__loss_call call)
{
    KNN_ONCE {
        knn__overlap all = {0, 0, 0, 0};
        for (int image = 0; image < call.images; image++) {
            const knn__overlap *more = sums_of(call, image);
            all.both += more->both;
            all.targets += more->targets;
            all.predictions += more->predictions;
            all.weights += more->weights;
        }
        *sums_of(call, call.images) = all;
    }
}

KNN_KERNEL overlap_values(knn__loss_call call)
{
    take_now(&call);
    KNN_EACH (image, (unsigned)call.images)
        call.value[image] = knn__overlap_value(&call, sums_of(call, call.images));
}

KNN_KERNEL overlap_gradients(knn__loss_call call, unsigned n)
{
    take_now(&call);
    KNN_EACH (i, n)
        call.gradient[i] = (float)knn__overlap_slope(&call, sums_of(call, call.images), (double)call.target[i]);
}

static void overlap(cudaStream_t stream, const knn__loss_call *call)
{
    unsigned images = (unsigned)call->images, n = images * (unsigned)call->positions * (unsigned)call->outputs;
    KNN_LAUNCH_EACH(images, stream, overlaps, *call);
    KNN_LAUNCH_EACH(1u, stream, add_overlaps, *call);
    KNN_LAUNCH_EACH(images, stream, overlap_values, *call);
    if (call->gradient != NULL)
        KNN_LAUNCH_EACH(n, stream, overlap_gradients, *call, n);
}

cudaError_t knn__cuda_loss(cudaStream_t stream, const knn__loss_call *call)
{
    if (knn__is_overlap(call->op))
        overlap(stream, call);
    else
        KNN_LAUNCH_EACH((unsigned)call->images, stream, losses, *call);
    return cudaGetLastError();
}
