/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC11): counters, not state.
 * What is drawn depends on (seed, stream, epoch, index, position) only, never on threads, slices or devices. */
#ifndef KNN_CORE_RANDOM_H
#define KNN_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The first word of the counter. Layers' streams: kind + layer index * 16. */
enum { KNN__STREAM_WEIGHTS = 1, KNN__STREAM_ORDER = 2, KNN__STREAM_DROPOUT = 3, KNN__STREAM_AUGMENTATION = 4, KNN__STREAM_IMAGES = 8 };

/* What a draw is for: `epoch` is the epoch or the iteration, `index` the sample, weight or place in the batch. */
typedef struct knn__stream {
    uint64_t seed;
    uint32_t stream, epoch, index;
} knn__stream;

/* 32 random bits at `position`: word position % 4 of the block position / 4. */
uint32_t knn__random_bits(const knn__stream *stream, uint32_t position);

/* Uniform in [0, 1) with 24 bits; the same bits as a float holds exactly. */
double knn__uniform(const knn__stream *stream, uint32_t position);

/* u[0..n): the uniform numbers of positions first .. first + n - 1, as floats. */
void knn__uniform_fill(const knn__stream *stream, uint32_t first, float *u, size_t n);

/* Standard normal by Box and Muller from positions 2 * position and 2 * position + 1. */
double knn__normal(const knn__stream *stream, uint32_t position);

/* order[0..n): a permutation of 0 .. n - 1 (Fisher and Yates), of KNN__STREAM_ORDER, for an epoch. */
void knn__shuffle(uint64_t seed, int epoch, size_t *order, size_t n);

#endif
