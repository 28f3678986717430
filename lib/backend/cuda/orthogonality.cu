/* The penalty on vectors that are not orthogonal, and its slopes, from the products of all pairs. Multiplies no vectors: optimizer.c does. */
#include "backend/cuda/knn_cu.h"
#include "backend/orthogonality.h"

KNN_KERNEL find_norms(knn__cuda_cosines c)
{
    KNN_EACH (a, c.n)
        c.norms[a] = knn__norm_of(c.products[(size_t)a * c.n + a]);
}

/* A thread makes a column; neighbouring threads read neighbouring columns. */
KNN_KERNEL find_slopes(knn__cuda_cosines c)
{
    KNN_EACH (a, c.n) {
        double sum = 0, own = 0;
        for (unsigned b = 0; b < c.n; b++) {
            float *product = &c.products[(size_t)b * c.n + a];
            double cosine = *product / (c.norms[a] * c.norms[b]);
            knn__cosine_slope slope = knn__slope_of_cosine(cosine, c.norms[a], c.norms[b]);
            if (b == a)
                continue;
            sum += fabs(cosine);
            own += slope.own;
            *product = (float)(c.factor * slope.other);
        }
        c.sums[a] = sum;
        c.products[(size_t)a * c.n + a] = (float)(c.factor * own);
    }
}

/* Each pair is in two of the sums. */
KNN_KERNEL add_cosines(knn__cuda_cosines c, double *penalty)
{
    KNN_ONCE {
        double sum = 0;
        for (unsigned a = 0; a < c.n; a++)
            sum += c.sums[a];
        *penalty += c.factor * sum / 2;
    }
}

cudaError_t knn__cuda_cosine_slopes(cudaStream_t stream, knn__cuda_cosines c)
{
    KNN_LAUNCH_EACH(c.n, stream, find_norms, c);
    KNN_LAUNCH_EACH(c.n, stream, find_slopes, c);
    return cudaGetLastError();
}

cudaError_t knn__cuda_add_cosines(cudaStream_t stream, knn__cuda_cosines c, double *penalty)
{
    KNN_LAUNCH_EACH(1u, stream, add_cosines, c, penalty);
    return cudaGetLastError();
}
