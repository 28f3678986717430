/* How the threads of a block multiply what it keeps of two matrices: by themselves in fp32, or by tensor cores in TF32. Both leave each thread
 * squares of 4 x 4 sums, so that who stores them need not know which of the two it was. Loads nothing: tile.h. */
#ifndef KNN_BACKEND_CUDA_TILE_PRODUCTS_H
#define KNN_BACKEND_CUDA_TILE_PRODUCTS_H

#include "backend/cuda/knn_cu.h"

enum { TILE_THREADS = 128, TILE_DEPTH = 8, TILE_ROWS = 64, TILE_COLUMNS = 32 };

/* Of both operands, TILE_DEPTH numbers of each line. With the gap each depth begins GAP banks behind the one before it. */
template <unsigned GROUPS, unsigned GAP> struct tile_piece {
    __align__(16) float left[TILE_DEPTH][TILE_ROWS * GROUPS + GAP];
    __align__(16) float right[TILE_DEPTH][TILE_COLUMNS * GROUPS + GAP];
};

/* A thread's sums: [of rows][of columns][row][column]. */
template <unsigned GROUPS> struct tile_sums { float square[GROUPS][GROUPS][4][4]; };

/* A way to multiply has
 *
 *   static const bool HERE;                whether this GPU has it
 *   static const unsigned GAP;             between the depths of a piece
 *   float taken(float number);             what is kept of a number
 *   unsigned row(), column();              where a thread's square in a group begins
 *   void add_products(const tile_piece<GROUPS, GAP> &piece, tile_sums<GROUPS> &sums); */

/* Each thread for itself, one depth after the other: thread t has the rows from 4 (t / 8) on, the columns from 4 (t % 8) on. Banks: a warp that
 * keeps eight depths of four lines needs a gap of 4. */
struct in_fp32 {
    static const bool HERE = true;
    static const unsigned GAP = 4;

    static __device__ float taken(float number) { return number; }
    static __device__ unsigned row() { return threadIdx.x / 8 * 4; }
    static __device__ unsigned column() { return threadIdx.x % 8 * 4; }

    template <unsigned GROUPS> static __device__ void add_products(const tile_piece<GROUPS, GAP> &piece, tile_sums<GROUPS> &sums)
    {
        KNN_UNROLL
        for (unsigned k = 0; k < TILE_DEPTH; k++)
            add_products_of(piece.left[k], piece.right[k], sums);
    }

    template <unsigned GROUPS> static __device__ void add_products_of(const float *left, const float *right, tile_sums<GROUPS> &sums)
    {
        float a[GROUPS][4], b[GROUPS][4];
        KNN_UNROLL
        for (unsigned g = 0; g < GROUPS; g++)
            KNN_UNROLL
            for (unsigned i = 0; i < 4; i++) {
                a[g][i] = left[TILE_ROWS * g + row() + i];
                b[g][i] = right[TILE_COLUMNS * g + column() + i];
            }
        KNN_UNROLL
        for (unsigned g = 0; g < GROUPS; g++)
            KNN_UNROLL
            for (unsigned h = 0; h < GROUPS; h++)
                KNN_UNROLL
                for (unsigned i = 0; i < 4; i++)
                    KNN_UNROLL
                    for (unsigned j = 0; j < 4; j++)
                        sums.square[g][h][i][j] += a[g][i] * b[h][j];
    }
};

/* A warp together, all depths at once. Two by two of its products of 16 x 8 sums are 32 x 16 of a group, 4 x 4 a thread, if their lines are
 * dealt out so: row r of the upper (0) or lower (1) product is row 4 (r % 8) + 2 (0 or 1) + r / 8; column c of the left (0) or right (1) one is
 * column 2 c + (0 or 1). For lane 4 g + t (knn_cu.h) these are the rows 4 g .. 4 g + 3 and the columns 4 t .. 4 t + 3 of the sums, and of what
 * is multiplied the rows 4 g .. and the columns 2 g, 2 g + 1, at the depths t and t + 4.
 *
 * Banks: eight lanes load 16 bytes each of left at once, of two g and four t: at 4 g + 8 t (mod 32), all different; sixteen lanes 8 bytes each of
 * right, of four g and four t: at 2 g + 8 t. So the gap is 8, with which two turns are needed to keep eight depths of four lines. */
struct in_tf32 {
    static const bool HERE = KNN_HAS_TENSOR_CORES;
    static const unsigned GAP = 8;

    static __device__ float taken(float number) { return knn__rounded_to_tf32(number); }
    static __device__ unsigned row() { return threadIdx.x / 64 * 32 + threadIdx.x % 32 / 4 * 4; }
    static __device__ unsigned column() { return first_column() + threadIdx.x % 4 * 4; }
    static __device__ unsigned first_column() { return threadIdx.x / 32 % 2 * 16; }         /* of the warp */

    template <unsigned GROUPS> static __device__ void add_products(const tile_piece<GROUPS, GAP> &piece, tile_sums<GROUPS> &sums)
    {
        const unsigned t = threadIdx.x % 4, columns = first_column() + threadIdx.x % 32 / 4 * 2;
        float a[GROUPS][2][4], b[GROUPS][2][2];
        KNN_UNROLL
        for (unsigned g = 0; g < GROUPS; g++)
            KNN_UNROLL
            for (unsigned k = 0; k < 2; k++) {
                KNN_UNROLL
                for (unsigned i = 0; i < 4; i++)
                    a[g][k][i] = piece.left[t + 4 * k][TILE_ROWS * g + row() + i];
                KNN_UNROLL
                for (unsigned j = 0; j < 2; j++)
                    b[g][k][j] = piece.right[t + 4 * k][TILE_COLUMNS * g + columns + j];
            }
        KNN_UNROLL
        for (unsigned g = 0; g < GROUPS; g++)
            KNN_UNROLL
            for (unsigned h = 0; h < GROUPS; h++)
                add_square(a[g], b[h], sums.square[g][h]);
    }

    static __device__ void add_square(const float (&a)[2][4], const float (&b)[2][2], float (&square)[4][4])
    {
        KNN_UNROLL
        for (unsigned i = 0; i < 4; i += 2)
            KNN_UNROLL
            for (unsigned j = 0; j < 2; j++) {
                const float left[4] = {a[0][i], a[0][i + 1], a[1][i], a[1][i + 1]}, right[2] = {b[0][j], b[1][j]};
                knn__add_products_in_tf32(left, right, square[i][j], square[i][j + 2], square[i + 1][j], square[i + 1][j + 2]);
            }
    }
};

#endif
