/* 2x2 max-pooling of a tile in cache, forward and backward; loops over channels, which compilers turn into vectors. Pools no whole
 * pictures: that is pooling2d.c. */
#include "backend/cpu/pool_tile.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* One window: a and b are its numbers in the upper row, c and d in the lower one. The bias is the same for all four: it can wait.
 * `least` is 0 for ReLU, else minus infinity. */
static inline void pool_window(const float *restrict a, const float *restrict b, const float *restrict c, const float *restrict d,
                               const float *restrict bias, float least, int channels, float *restrict y, unsigned char *restrict which)
{
    for (int k = 0; k < channels; k++) {
        float most = a[k];
        int place = 0;
        place = b[k] > most ? 1 : place;
        most = b[k] > most ? b[k] : most;
        place = c[k] > most ? 2 : place;
        most = c[k] > most ? c[k] : most;
        place = d[k] > most ? 3 : place;
        most = d[k] > most ? d[k] : most;
        most += bias != NULL ? bias[k] : 0;
        y[k] = most <= least ? least : most;                    /* NaN stays NaN */
        if (which != NULL)
            which[k] = (unsigned char)(most > least ? place : KNN__POOL_DEAD);
    }
}

void knn__pool_tile(const float *map, int width, int channels, const float *bias, bool relu, float *y, unsigned char *which)
{
    float least = relu ? 0 : -INFINITY;
    const float *lower = map + 2L * width * channels;
    for (int column = 0; column < width; column++, map += 2L * channels, lower += 2L * channels, y += channels) {
        pool_window(map, map + channels, lower, lower + channels, bias, least, channels, y, which);
        if (which != NULL)
            which += channels;
    }
}

/* x or 0, by a mask of bits: written with ?: compilers make a jump a number of it. */
static inline float keep_if(bool kept, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= kept ? UINT32_MAX : 0;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline void unpool_window(const float *restrict dy, const unsigned char *restrict which, int channels, float *restrict a,
                                 float *restrict b, float *restrict c, float *restrict d)
{
    for (int k = 0; k < channels; k++) {
        int place = which[k];
        float gradient = dy[k];
        a[k] = keep_if(place == 0, gradient);
        b[k] = keep_if(place == 1, gradient);
        c[k] = keep_if(place == 2, gradient);
        d[k] = keep_if(place == 3, gradient);
    }
}

static inline void add_alive(const float *restrict dy, const unsigned char *restrict which, int channels, float *restrict db)
{
    for (int k = 0; k < channels; k++)
        db[k] += keep_if(which[k] != KNN__POOL_DEAD, dy[k]);
}

void knn__unpool_tile(const float *dy, const unsigned char *which, int width, int channels, float *map, float *db)
{
    float *lower = map + 2L * width * channels;
    for (int column = 0; column < width; column++, dy += channels, which += channels, map += 2L * channels, lower += 2L * channels) {
        unpool_window(dy, which, channels, map, map + channels, lower, lower + channels);
        if (db != NULL)
            add_alive(dy, which, channels, db);
    }
}
