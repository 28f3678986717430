/* What all .cu files share: launching, loops over a grid, four numbers at a time. Where the compiler is not nvcc, <cudaemu.h> stands in for the
 * language. */
#ifndef KNN_BACKEND_CUDA_KNN_CU_H
#define KNN_BACKEND_CUDA_KNN_CU_H

#include "backend/cuda/kernels.h"

#define KNN_TENSOR_CAPABILITY 80            /* compute capability 8.0: from there on a GPU has tensor cores for TF32 */

#ifdef __CUDACC__
#define KNN_LAUNCH(kernel, blocks, threads, stream, ...) kernel<<<blocks, threads, 0, stream>>>(__VA_ARGS__)
#define KNN_UNROLL _Pragma("unroll")        /* needed where arrays shall be registers */
#define KNN_NOT_UNROLLED _Pragma("unroll 1")        /* of loops that mostly go round once */
/* nvcc warns of templates as if they had no launch bounds. */
#define KNN_KERNELS_ARE_TEMPLATES _Pragma("nv_diag_suppress missing_launch_bounds")

/* ---- Tensor cores. TF32 is fp32 with 10 bits behind the point ---- */

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 10 * KNN_TENSOR_CAPABILITY
#define KNN_HAS_TENSOR_CORES 0
#else
#define KNN_HAS_TENSOR_CORES 1
#endif

/* To nearest; ties away from 0. */
static __device__ inline float knn__rounded_to_tf32(float number)
{
    unsigned rounded = 0;
#if KNN_HAS_TENSOR_CORES
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(number));
#endif
    return __uint_as_float(rounded);
}

/* sums += left right, of 16 x 8 and 8 x 8 numbers, by a warp. Lane 4 g + t has of left the rows g and g + 8 at the depths t and then t + 4; of
 * right the column g at the depths t and t + 4; of the sums the columns 2 t and 2 t + 1 of row g and then of row g + 8. */
static __device__ inline void knn__add_products_in_tf32(const float (&left)[4], const float (&right)[2], float &sum_0, float &sum_1, float &sum_2,
                                                        float &sum_3)
{
#if KNN_HAS_TENSOR_CORES
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum_0), "+f"(sum_1), "+f"(sum_2), "+f"(sum_3)
                 : "r"(__float_as_uint(left[0])), "r"(__float_as_uint(left[1])), "r"(__float_as_uint(left[2])), "r"(__float_as_uint(left[3])),
                   "r"(__float_as_uint(right[0])), "r"(__float_as_uint(right[1])));
#endif
}
#else
#include <cudaemu.h>
#define KNN_UNROLL
#define KNN_NOT_UNROLLED
#define KNN_KERNELS_ARE_TEMPLATES
#endif

enum { KNN_THREADS = 256 };                 /* of a block */

#define KNN_KERNEL static __global__ void __launch_bounds__(KNN_THREADS)

/* for i in [0, n): each thread takes what lies a grid apart. */
#define KNN_EACH(i, n) for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += gridDim.x * blockDim.x)

/* For what one thread does alone. */
#define KNN_ONCE if (blockIdx.x * blockDim.x + threadIdx.x == 0)

static inline unsigned knn__blocks_for(unsigned n)
{
    unsigned blocks = (n + KNN_THREADS - 1) / KNN_THREADS;
    return blocks < knn__cuda_grid_cap ? blocks : knn__cuda_grid_cap;
}

/* Launches kernel(..) so that KNN_EACH covers [0, n); nothing to do is fine. */
#define KNN_LAUNCH_EACH(n, stream, kernel, ...) \
    do { \
        if ((n) > 0) \
            KNN_LAUNCH(kernel, knn__blocks_for(n), KNN_THREADS, stream, __VA_ARGS__); \
    } while (0)

/* ---- Four numbers at a time: a thread loads and stores them at once where they are aligned ---- */

template <class T, unsigned COUNT> struct __align__(COUNT * sizeof(T)) pack { T values[COUNT]; };
template <class T> using four = pack<T, 4>;

template <class T> static __device__ __host__ inline bool is_aligned(const T *array) { return (uintptr_t)array % sizeof(four<T>) == 0; }

template <unsigned COUNT, class T> static __device__ inline pack<T, COUNT> load(const T *from)
{
    return *(const pack<T, COUNT> *)(const void *)from;
}

template <class T, unsigned COUNT> static __device__ inline void store(T *to, const pack<T, COUNT> &values)
{
    *(pack<T, COUNT> *)(void *)to = values;
}

/* Numbers [column, column + 4) of a row of `columns`; those behind its end are 0, and not stored. */
static __device__ inline four<float> load_four(const float *row, unsigned column, unsigned columns, bool aligned)
{
    four<float> made;
    if (aligned && column + 3 < columns)
        return load<4>(row + column);
    KNN_UNROLL
    for (unsigned j = 0; j < 4; j++)
        made.values[j] = column + j < columns ? row[column + j] : 0;
    return made;
}

template <class T> static __device__ inline void store_four(T *row, unsigned column, unsigned columns, bool aligned, const four<T> &values)
{
    if (aligned && column + 3 < columns)
        store(row + column, values);
    else
        KNN_UNROLL
        for (unsigned j = 0; j < 4; j++)
            if (column + j < columns)
                row[column + j] = values.values[j];
}

/* ---- Number by number: each(n, columns, to, function, from..): to[i] = function(i, number of from..) for i in [0, n) ---- */

/* `from` is an array of n numbers, or has one for each column of a matrix: the same for all where there is no array. */
struct by_column { const float *array; float otherwise; };

static __device__ inline bool is_aligned(by_column from) { return is_aligned(from.array); }
static __device__ inline float number_of(const float *from, unsigned i, unsigned) { return from[i]; }
static __device__ inline float number_of(by_column from, unsigned, unsigned c) { return from.array != NULL ? from.array[c] : from.otherwise; }
static __device__ inline four<float> four_of(const float *from, unsigned i, unsigned) { return load<4>(from + i); }

static __device__ inline four<float> four_of(by_column from, unsigned, unsigned column)
{
    float f = from.otherwise;
    return from.array != NULL ? load<4>(from.array + column) : four<float>{{f, f, f, f}};
}

template <class Function, class... Four> static __device__ inline four<float> in_all_four(Function f, unsigned i, Four... x)
{
    return {{f(i, x.values[0]...), f(i + 1, x.values[1]...), f(i + 2, x.values[2]...), f(i + 3, x.values[3]...)}};
}

/* A kernel's body. columns: 0 where no array goes by them. `to` may be one of `from`. Launched by KNN_LAUNCH_FOURS. */
template <class Function, class... From>
static __device__ inline void each(unsigned n, unsigned columns, float *to, Function f, From... from)
{
    bool aligned = columns % 4 == 0 && is_aligned(to) && (is_aligned(from) && ...);
    unsigned fours = aligned ? n / 4 : 0;
    KNN_NOT_UNROLLED
    KNN_EACH (k, fours) {
        unsigned i = 4 * k, column = columns > 0 ? i % columns : 0;
        store(to + i, in_all_four(f, i, four_of(from, i, column)...));
    }
    KNN_NOT_UNROLLED
    KNN_EACH (k, n - 4 * fours) {
        unsigned i = 4 * fours + k, column = columns > 0 ? i % columns : 0;
        to[i] = f(i, number_of(from, i, column)...);
    }
}

#define KNN_LAUNCH_FOURS(n, stream, kernel, ...) KNN_LAUNCH_EACH(((n) + 3) / 4, stream, kernel, __VA_ARGS__)

/* Launches kernel<4>, which does four numbers at a time, or kernel<1>. Both are told n, and have n / COUNT turns. */
#define KNN_LAUNCH_FOURS_IF(fours, n, stream, kernel, ...) \
    do { \
        auto chosen = (fours) ? kernel<4> : kernel<1>; \
        KNN_LAUNCH_EACH((fours) ? (n) / 4 : (n), stream, chosen, __VA_ARGS__); \
    } while (0)

#endif
