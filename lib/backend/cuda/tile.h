/* Products of matrices, a tile of the result for each block: the core of the convolutions. Knows neither where the operands' numbers come
 * from nor where the sums go: both are types that a kernel gives.
 *
 * 128 threads make a tile of GROUPS x GROUPS groups, 64 rows and 32 columns each, of which a thread has a square of 4 x 4 sums: tile_products.h.
 *
 * An operand is a bundle of lines (rows of the left one, columns of the right one) of numbers one behind the other in depth. It has
 *
 *   static const bool ALONG_DEPTH;         whether a line's numbers lie side by side in memory, or else those of neighbouring lines
 *   knn__digits sizes;                     a depth as three digits: what the lines' numbers are of, such as row, column and channel
 *   struct line;                           what is known of a line beforehand
 *   line begin(unsigned number) const;     also for numbers behind the last line: then all of the line is 0
 *   float at(const line &, knn__digits depth, unsigned number_of_the_depth) const; */
#ifndef KNN_BACKEND_CUDA_TILE_H
#define KNN_BACKEND_CUDA_TILE_H

#include "backend/cuda/tile_products.h"

enum { TILE_BLOCKS = 6 };                   /* of one group, at once on a multiprocessor: 85 registers a thread; more make ptxas spill */

/* A number as three digits, each below its size; or the sizes, of which the highest is not looked at. */
typedef struct knn__digits { unsigned high, middle, low; } knn__digits;

static __device__ inline knn__digits digits_of(unsigned number, knn__digits sizes)
{
    unsigned above = number / sizes.low;
    return {above / sizes.middle, above % sizes.middle, number % sizes.low};
}

/* += by, which is small: without division. */
static __device__ inline void advance(knn__digits &digits, knn__digits sizes, unsigned by)
{
    for (digits.low += by; digits.low >= sizes.low; digits.low -= sizes.low)
        if (++digits.middle == sizes.middle) {
            digits.middle = 0;
            digits.high++;
        }
}

/* A thread's share in fetching LINES lines: COUNT numbers. Neighbouring threads fetch what lies side by side in memory: the same depth of
 * neighbouring lines, or, Operand::ALONG_DEPTH, neighbouring depths of a line. */
template <class Operand, unsigned LINES, bool ALONG_DEPTH> struct tile_fetch;

/* COUNT depths of one line. */
template <class Operand, unsigned LINES> struct tile_fetch<Operand, LINES, false> {
    static const unsigned COUNT = LINES * TILE_DEPTH / TILE_THREADS;
    const Operand &operand;
    typename Operand::line line;
    unsigned depth, last;
    knn__digits digits;
    float values[COUNT];

    __device__ tile_fetch(const Operand &from, unsigned first_line, unsigned first_depth, unsigned last_depth)
        : operand(from), line(from.begin(first_line + threadIdx.x % LINES)), depth(first_depth + threadIdx.x / LINES * COUNT), last(last_depth),
          digits(digits_of(depth, from.sizes))
    {
    }

    __device__ void fetch()
    {
        KNN_UNROLL
        for (unsigned i = 0; i < COUNT; i++) {
            values[i] = depth + i < last ? operand.at(line, digits, depth + i) : 0;
            advance(digits, operand.sizes, 1);
        }
        if (COUNT < TILE_DEPTH)
            advance(digits, operand.sizes, TILE_DEPTH - COUNT);
        depth += TILE_DEPTH;
    }

    template <class Way> __device__ void put(float (*to)[LINES + Way::GAP]) const
    {
        KNN_UNROLL
        for (unsigned i = 0; i < COUNT; i++)
            to[threadIdx.x / LINES * COUNT + i][threadIdx.x % LINES] = Way::taken(values[i]);
    }
};

/* One depth of COUNT lines, STEP apart. */
template <class Operand, unsigned LINES> struct tile_fetch<Operand, LINES, true> {
    static const unsigned COUNT = LINES * TILE_DEPTH / TILE_THREADS, STEP = TILE_THREADS / TILE_DEPTH;
    const Operand &operand;
    typename Operand::line lines[COUNT];
    unsigned depth, last;
    knn__digits digits;
    float values[COUNT];

    __device__ tile_fetch(const Operand &from, unsigned first_line, unsigned first_depth, unsigned last_depth)
        : operand(from), depth(first_depth + threadIdx.x % TILE_DEPTH), last(last_depth), digits(digits_of(depth, from.sizes))
    {
        KNN_UNROLL
        for (unsigned i = 0; i < COUNT; i++)
            lines[i] = from.begin(first_line + threadIdx.x / TILE_DEPTH + STEP * i);
    }

    __device__ void fetch()
    {
        KNN_UNROLL
        for (unsigned i = 0; i < COUNT; i++)
            values[i] = depth < last ? operand.at(lines[i], digits, depth) : 0;
        advance(digits, operand.sizes, TILE_DEPTH);
        depth += TILE_DEPTH;
    }

    template <class Way> __device__ void put(float (*to)[LINES + Way::GAP]) const
    {
        KNN_UNROLL
        for (unsigned i = 0; i < COUNT; i++)
            to[threadIdx.x % TILE_DEPTH][threadIdx.x / TILE_DEPTH + STEP * i] = Way::taken(values[i]);
    }
};

/* The sums over the depths [first, last) of the tile that begins at this row and column. All threads of the block call it. What it keeps of
 * the operands it has twice: one piece is filled while the other is multiplied. */
template <unsigned GROUPS, class Way, class Left, class Right>
static __device__ tile_sums<GROUPS> multiply(const Left &left, const Right &right, unsigned row, unsigned column, unsigned first, unsigned last)
{
    __shared__ tile_piece<GROUPS, Way::GAP> pieces[2];
    tile_fetch<Left, TILE_ROWS * GROUPS, Left::ALONG_DEPTH> rows(left, row, first, last);
    tile_fetch<Right, TILE_COLUMNS * GROUPS, Right::ALONG_DEPTH> columns(right, column, first, last);
    tile_sums<GROUPS> sums = {};
    unsigned half = 0;
    rows.fetch();
    columns.fetch();
    __syncthreads();                        /* the product before this one may still be read */
    for (unsigned depth = first; depth < last; depth += TILE_DEPTH) {
        rows.template put<Way>(pieces[half].left);
        columns.template put<Way>(pieces[half].right);
        __syncthreads();
        rows.fetch();
        columns.fetch();
        Way::add_products(pieces[half], sums);
        half = 1 - half;
    }
    return sums;
}

static inline bool rows_are_aligned(const float *matrix, unsigned columns)
{
    return columns % 4 == 0 && is_aligned(matrix);
}

static __device__ inline four<float> row_of(const float (&square)[4][4], unsigned row)
{
    return {{square[row][0], square[row][1], square[row][2], square[row][3]}};
}

/* Sums that are stored as they are, of a depth in one part. */
struct tile_matrix {
    float *to;
    unsigned rows, columns;
    bool aligned;

    __device__ void store(unsigned, unsigned row, unsigned column, const float (&square)[4][4]) const
    {
        KNN_UNROLL
        for (unsigned i = 0; i < 4; i++)
            if (row + i < rows)
                store_four(to + (row + i) * columns, column, columns, aligned, row_of(square, i));
    }
};

/* ---- The kernel ---- */

KNN_KERNELS_ARE_TEMPLATES

/* A product's sizes. The depth is cut into parts, each with sums of its own. */
typedef struct tile_shape { unsigned rows, columns, depth, parts; } tile_shape;

static __device__ __host__ inline unsigned tiles_across(unsigned groups, tile_shape s) { return (s.columns - 1) / (TILE_COLUMNS * groups) + 1; }

static __device__ __host__ inline unsigned tiles_of(unsigned groups, tile_shape s)
{
    return ((s.rows - 1) / (TILE_ROWS * groups) + 1) * tiles_across(groups, s);
}

/* To has: void store(unsigned part, unsigned row, unsigned column, const float (&square)[4][4]) const: the sums from this row and column on,
 * which may lie behind the product's end. */
template <unsigned GROUPS, class Way, class Left, class Right, class To>
static __global__ void __launch_bounds__(TILE_THREADS, TILE_BLOCKS / GROUPS) product(Left left, Right right, To to, tile_shape s)
{
    unsigned across = tiles_across(GROUPS, s), tiles = tiles_of(GROUPS, s), deep = (s.depth - 1) / s.parts + 1;
    for (unsigned tile = blockIdx.x; Way::HERE && tile < tiles * s.parts; tile += gridDim.x) {
        unsigned part = tile / tiles, row = tile % tiles / across * TILE_ROWS * GROUPS, column = tile % tiles % across * TILE_COLUMNS * GROUPS;
        unsigned first = part * deep, last = first + deep < s.depth ? first + deep : s.depth;
        tile_sums<GROUPS> sums = multiply<GROUPS, Way>(left, right, row, column, first, last);
        KNN_UNROLL
        for (unsigned g = 0; g < GROUPS; g++)
            KNN_UNROLL
            for (unsigned h = 0; h < GROUPS; h++)
                to.store(part, row + TILE_ROWS * g + Way::row(), column + TILE_COLUMNS * h + Way::column(), sums.square[g][h]);
    }
}

/* Tiles that keep a GPU busy. */
enum { ENOUGH_TILES = 128 };

/* Whether tiles of two groups are better, which load half as much for a product: if they are enough, and not half empty. */
static inline bool large_tiles(tile_shape s)
{
    unsigned large = tiles_of(2, s), most = ENOUGH_TILES, enough = knn__cuda_grid_cap < most ? knn__cuda_grid_cap : most;
    return large * s.parts >= enough && tiles_of(1, s) > 2 * large;
}

template <class Way, class Left, class Right, class To>
static cudaError_t launch_product_in(cudaStream_t stream, const Left &left, const Right &right, const To &to, tile_shape s)
{
    bool large = large_tiles(s);
    unsigned tiles = tiles_of(large ? 2 : 1, s) * s.parts;
    auto kernel = large ? product<2, Way, Left, Right, To> : product<1, Way, Left, Right, To>;
    KNN_LAUNCH(kernel, tiles < knn__cuda_grid_cap ? tiles : knn__cuda_grid_cap, TILE_THREADS, stream, left, right, to, s);
    return cudaGetLastError();
}

/* tensor: the GPU has tensor cores for TF32, and they are wanted. */
template <class Left, class Right, class To>
static cudaError_t launch_product(cudaStream_t stream, bool tensor, const Left &left, const Right &right, const To &to, tile_shape s)
{
    return tensor ? launch_product_in<in_tf32>(stream, left, right, to, s) : launch_product_in<in_fp32>(stream, left, right, to, s);
}

#endif
