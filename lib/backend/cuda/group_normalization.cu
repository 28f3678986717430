/* Layer and group normalization of blocks of [rows][groups][columns]. Sums over a group are made by one thread. */
#include "backend/cuda/knn_cu.h"

#include <math.h>

static __device__ unsigned width_of(const knn__cuda_groups &g) { return g.groups * g.columns; }

/* Where group number `index` of all blocks begins. */
static __device__ unsigned group_start(const knn__cuda_groups &g, unsigned index)
{
    return index / g.groups * g.rows * width_of(g) + index % g.groups * g.columns;
}

/* The group, of all blocks, that number i is in. */
static __device__ unsigned group_of(const knn__cuda_groups &g, unsigned i)
{
    return i / (g.rows * width_of(g)) * g.groups + i % width_of(g) / g.columns;
}

static __device__ float gamma_of(const knn__cuda_groups &g, unsigned i) { return g.gamma != NULL ? g.gamma[i % width_of(g)] : 1; }

/* The mean over a group of what its numbers are away from `middle`, to the first or the second power. */
static __device__ float mean_distance(const knn__cuda_groups &g, const float *x, float middle, bool squared)
{
    float sum = 0;
    for (unsigned row = 0; row < g.rows; row++) {
        float line = 0;
        for (unsigned c = 0; c < g.columns; c++) {
            float distance = x[row * width_of(g) + c] - middle;
            line += squared ? distance * distance : distance;
        }
        sum += line;
    }
    return sum / ((float)g.rows * (float)g.columns);
}

KNN_KERNEL find_statistics(knn__cuda_groups g, unsigned count, const float *x, float *statistics)
{
    KNN_EACH (group, count) {
        const float *first = x + group_start(g, group);
        float mean = *first + mean_distance(g, first, *first, false);
        statistics[2 * group] = mean;
        statistics[2 * group + 1] = 1 / sqrtf(mean_distance(g, first, mean, true) + g.epsilon);
    }
}

static __device__ float normalized(const knn__cuda_groups &g, unsigned i, float x, const float *statistics)
{
    unsigned group = group_of(g, i);
    return (x - statistics[2 * group]) * statistics[2 * group + 1];
}

KNN_KERNEL normalize(knn__cuda_groups g, unsigned n, const float *x, const float *statistics, float *y)
{
    each(n, width_of(g), y, [=](unsigned i, float x, float gamma, float beta) { return gamma * normalized(g, i, x, statistics) + beta; },
         x, by_column{g.gamma, 1}, by_column{g.beta, 0});
}

KNN_KERNEL multiply(knn__cuda_groups g, unsigned n, const float *x, const float *dy, const float *statistics, float *products)
{
    each(n, 0, products, [=](unsigned i, float x, float dy) { return dy * normalized(g, i, x, statistics); }, x, dy);
}

KNN_KERNEL sum_groups(knn__cuda_groups g, unsigned count, const float *dy, const float *products, float *sums)
{
    KNN_EACH (group, count) {
        unsigned first = group_start(g, group);
        float sum = 0, product = 0, share = 1 / ((float)g.rows * (float)g.columns);
        for (unsigned row = 0; row < g.rows; row++)
            for (unsigned c = 0; c < g.columns; c++) {
                unsigned i = first + row * width_of(g) + c;
                sum += gamma_of(g, i) * dy[i];
                product += gamma_of(g, i) * products[i];
            }
        sums[2 * group] = sum * share;
        sums[2 * group + 1] = product * share;
    }
}

/* dx = (dz - mean of dz - m * mean of dz m) / deviation, where dz = gamma dy, and m is the normalized x. */
KNN_KERNEL input_gradient(knn__cuda_groups g, unsigned n, const float *x, const float *dy, const float *statistics, const float *sums, float *dx)
{
    each(n, width_of(g), dx, [=](unsigned i, float x, float dy, float gamma) {
        unsigned group = group_of(g, i);
        return (gamma * dy - sums[2 * group] - normalized(g, i, x, statistics) * sums[2 * group + 1]) * statistics[2 * group + 1];
    }, x, dy, by_column{g.gamma, 1});
}

static unsigned groups_in(knn__cuda_groups g, unsigned n) { return n / (g.rows * g.columns); }

cudaError_t knn__cuda_group_statistics(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, float *statistics)
{
    KNN_LAUNCH_EACH(groups_in(g, n), stream, find_statistics, g, groups_in(g, n), x, statistics);
    return cudaGetLastError();
}

cudaError_t knn__cuda_normalize_groups(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, const float *statistics, float *y)
{
    KNN_LAUNCH_FOURS(n, stream, normalize, g, n, x, statistics, y);
    return cudaGetLastError();
}

cudaError_t knn__cuda_group_products(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, const float *dy,
                                     const float *statistics, float *products)
{
    KNN_LAUNCH_FOURS(n, stream, multiply, g, n, x, dy, statistics, products);
    return cudaGetLastError();
}

cudaError_t knn__cuda_group_sums(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *dy, const float *products, float *sums)
{
    KNN_LAUNCH_EACH(groups_in(g, n), stream, sum_groups, g, groups_in(g, n), dy, products, sums);
    return cudaGetLastError();
}

cudaError_t knn__cuda_normalize_groups_backward(cudaStream_t stream, knn__cuda_groups g, unsigned n, const float *x, const float *dy,
                                                const float *statistics, const float *sums, float *dx)
{
    KNN_LAUNCH_FOURS(n, stream, input_gradient, g, n, x, dy, statistics, sums, dx);
    return cudaGetLastError();
}
