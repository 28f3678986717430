/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC11), the bare generator, for host and GPU. */
#ifndef KNN_CORE_PHILOX_H
#define KNN_CORE_PHILOX_H

#include "core/everywhere.h"

#include <stdint.h>

enum { KNN_PHILOX_ROUNDS = 10 };
#define KNN_PHILOX_KEY_0 0x9E3779B9u        /* the golden ratio */
#define KNN_PHILOX_KEY_1 0xBB67AE85u        /* sqrt(3) - 1 */

/* One round on one counter: section 3.3 of the paper; the constants are Random123's. */
KNN_EVERYWHERE void knn__philox_round(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, uint32_t k0, uint32_t k1)
{
    uint64_t p0 = (uint64_t)0xD2511F53u * *c0, p1 = (uint64_t)0xCD9E8D57u * *c2;
    *c0 = (uint32_t)(p1 >> 32) ^ *c1 ^ k0;
    *c1 = (uint32_t)p1;
    *c2 = (uint32_t)(p0 >> 32) ^ *c3 ^ k1;
    *c3 = (uint32_t)p0;
}

KNN_EVERYWHERE void knn__philox(uint64_t key, const uint32_t counter[4], uint32_t words[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < KNN_PHILOX_ROUNDS; round++, k0 += KNN_PHILOX_KEY_0, k1 += KNN_PHILOX_KEY_1)
        knn__philox_round(&c0, &c1, &c2, &c3, k0, k1);
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

/* Uniform in [0, 1) with 24 bits. */
KNN_EVERYWHERE float knn__uniform_of(uint32_t bits)
{
    return (float)(int32_t)(bits >> 8) * 5.9604644775390625e-8f;        /* 2^-24; signed: baseline SSE2 converts only those */
}

#endif
