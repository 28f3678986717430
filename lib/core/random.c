/* What is drawn with Philox4x32-10 (philox.h). Holds no state; weights and augmentation are made from these numbers elsewhere. */
#include "core/random.h"

#include "core/philox.h"

#include <math.h>

enum { BLOCK = 4, LANES = 32 };             /* words of a counter value; blocks at once */

static const double TWO_PI = 6.283185307179586476925;

static void draw_block(const knn__stream *stream, uint32_t block, uint32_t words[BLOCK])
{
    const uint32_t counter[4] = {stream->stream, stream->epoch, stream->index, block};
    knn__philox(stream->seed, counter, words);
}

uint32_t knn__random_bits(const knn__stream *stream, uint32_t position)
{
    uint32_t words[BLOCK];
    draw_block(stream, position / BLOCK, words);
    return words[position % BLOCK];
}

double knn__uniform(const knn__stream *stream, uint32_t position)
{
    return (double)knn__uniform_of(knn__random_bits(stream, position));
}

/* u[0..BLOCK * LANES): the same as draw_block for several blocks side by side, a round of all of them at a time, which compilers
 * turn into vectors. */
static void fill_lanes(const knn__stream *stream, uint32_t block, float *restrict u)
{
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    uint32_t k0 = (uint32_t)stream->seed, k1 = (uint32_t)(stream->seed >> 32);
    for (int i = 0; i < LANES; i++) {
        c0[i] = stream->stream;
        c1[i] = stream->epoch;
        c2[i] = stream->index;
        c3[i] = block + (uint32_t)i;
    }
    for (int round = 0; round < KNN_PHILOX_ROUNDS; round++, k0 += KNN_PHILOX_KEY_0, k1 += KNN_PHILOX_KEY_1)
        for (int i = 0; i < LANES; i++)
            knn__philox_round(&c0[i], &c1[i], &c2[i], &c3[i], k0, k1);
    for (int i = 0; i < LANES; i++, u += BLOCK) {
        u[0] = knn__uniform_of(c0[i]);
        u[1] = knn__uniform_of(c1[i]);
        u[2] = knn__uniform_of(c2[i]);
        u[3] = knn__uniform_of(c3[i]);
    }
}

void knn__uniform_fill(const knn__stream *stream, uint32_t first, float *u, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint32_t position = first + (uint32_t)i, words[BLOCK];
        if (position % BLOCK == 0 && n - i >= BLOCK * LANES) {
            fill_lanes(stream, position / BLOCK, u + i);
            i += BLOCK * LANES;
            continue;
        }
        draw_block(stream, position / BLOCK, words);
        for (uint32_t word = position % BLOCK; word < BLOCK && i < n; word++)
            u[i++] = knn__uniform_of(words[word]);
    }
}

double knn__normal(const knn__stream *stream, uint32_t position)
{
    uint32_t words[BLOCK];
    draw_block(stream, position / 2, words);
    const uint32_t *pair = words + position % 2 * 2;
    double radius = sqrt(-2.0 * log(1.0 - (double)knn__uniform_of(pair[0])));     /* 1 - u: never the logarithm of 0 */
    return radius * cos(TWO_PI * (double)knn__uniform_of(pair[1]));
}

void knn__shuffle(uint64_t seed, int epoch, size_t *order, size_t n)
{
    knn__stream stream = {.seed = seed, .stream = KNN__STREAM_ORDER, .epoch = (uint32_t)epoch};
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i-- > 1;) {
        /* Scaled to 0 .. i instead of drawn again until it fits: a fixed place a step, for a bias below n / 2^32. */
        size_t j = (size_t)((uint64_t)knn__random_bits(&stream, (uint32_t)i) * (i + 1) >> 32);
        size_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}
