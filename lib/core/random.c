/* Philox4x32-10 and what is drawn with it. Holds no state; weights and augmentation are made from these numbers elsewhere. */
#include "core/random.h"

#include <math.h>

enum { ROUNDS = 10, BLOCK = 4, LANES = 32 };                    /* BLOCK: words of a counter value; LANES: blocks at once */

static const uint32_t MULTIPLIER_0 = 0xD2511F53u, MULTIPLIER_1 = 0xCD9E8D57u;
static const uint32_t KEY_STEP_0 = 0x9E3779B9u, KEY_STEP_1 = 0xBB67AE85u;       /* the golden ratio, sqrt(3) - 1 */
static const double TWO_PI = 6.283185307179586476925;

/* One round on one counter: section 3.3 of the paper; the constants are Random123's. */
static inline void turn(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, uint32_t k0, uint32_t k1)
{
    uint64_t p0 = (uint64_t)MULTIPLIER_0 * *c0, p1 = (uint64_t)MULTIPLIER_1 * *c2;
    *c0 = (uint32_t)(p1 >> 32) ^ *c1 ^ k0;
    *c1 = (uint32_t)p1;
    *c2 = (uint32_t)(p0 >> 32) ^ *c3 ^ k1;
    *c3 = (uint32_t)p0;
}

void knn__philox(uint64_t key, const uint32_t counter[4], uint32_t words[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < ROUNDS; round++, k0 += KEY_STEP_0, k1 += KEY_STEP_1)
        turn(&c0, &c1, &c2, &c3, k0, k1);
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

static void draw_block(const knn__stream *stream, uint32_t block, uint32_t words[BLOCK])
{
    const uint32_t counter[4] = {stream->stream, stream->epoch, stream->index, block};
    knn__philox(stream->seed, counter, words);
}

static inline float uniform_of(uint32_t bits)
{
    return (float)(int32_t)(bits >> 8) * 0x1p-24f;              /* signed: baseline SSE2 converts only those */
}

uint32_t knn__random_bits(const knn__stream *stream, uint32_t position)
{
    uint32_t words[BLOCK];
    draw_block(stream, position / BLOCK, words);
    return words[position % BLOCK];
}

double knn__uniform(const knn__stream *stream, uint32_t position)
{
    return (double)uniform_of(knn__random_bits(stream, position));
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
    for (int round = 0; round < ROUNDS; round++, k0 += KEY_STEP_0, k1 += KEY_STEP_1)
        for (int i = 0; i < LANES; i++)
            turn(&c0[i], &c1[i], &c2[i], &c3[i], k0, k1);
    for (int i = 0; i < LANES; i++, u += BLOCK) {
        u[0] = uniform_of(c0[i]);
        u[1] = uniform_of(c1[i]);
        u[2] = uniform_of(c2[i]);
        u[3] = uniform_of(c3[i]);
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
            u[i++] = uniform_of(words[word]);
    }
}

double knn__normal(const knn__stream *stream, uint32_t position)
{
    uint32_t words[BLOCK];
    draw_block(stream, position / 2, words);
    const uint32_t *pair = words + position % 2 * 2;
    double radius = sqrt(-2.0 * log(1.0 - (double)uniform_of(pair[0])));     /* 1 - u: never the logarithm of 0 */
    return radius * cos(TWO_PI * (double)uniform_of(pair[1]));
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
