/* Random numbers for the drawn data set: SplitMix64 (Steele, Lea, Flood 2014), one stream a picture.
 * Not the library's generator: the examples use nothing but the public interface. */
#ifndef CATDOG_CHANCE_H
#define CATDOG_CHANCE_H

#include <stdint.h>

static inline uint64_t next_number(uint64_t *stream)
{
    uint64_t z = *stream += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline float between(uint64_t *stream, float low, float high)
{
    return low + (high - low) * (float)(next_number(stream) >> 40) * 0x1p-24f;
}

/* Both ends included. */
static inline int whole_between(uint64_t *stream, int low, int high)
{
    return low + (int)(next_number(stream) % (uint64_t)(high - low + 1));
}

#endif
