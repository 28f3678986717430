/* Shapes as functions: whether a point lies inside. A picture turns, moves, sizes and shades one by lot, and adds noise. */
#include "shapes.h"

#include <math.h>
#include <stdbool.h>

const char *const old_shapes[OLD_SHAPES] = {"disc", "square", "triangle", "ring", "cross", "bars"};
const char *const new_shapes[NEW_SHAPES] = {"moon", "corner", "arrow"};

/* Points in a square of 2 x 2 around the shape's middle. */
static bool disc(float x, float y) { return x * x + y * y < 0.8f; }
static bool square(float x, float y) { return fabsf(x) < 0.75f && fabsf(y) < 0.75f; }
static bool triangle(float x, float y) { return y < 0.7f && fabsf(x) < (y + 0.9f) * 0.6f; }
static bool ring(float x, float y) { return disc(x, y) && x * x + y * y > 0.3f; }
static bool cross(float x, float y) { return square(x, y) && (fabsf(x) < 0.25f || fabsf(y) < 0.25f); }
static bool bars(float x, float y) { return square(x, y) && fabsf(x) > 0.3f; }
static bool moon(float x, float y) { return disc(x, y) && !disc(x - 0.45f, y); }
static bool corner(float x, float y) { return square(x, y) && (x < -0.3f || y > 0.3f); }
static bool arrow(float x, float y) { return triangle(x * 1.2f, y * 2 + 0.8f) || (y > -0.2f && y < 0.85f && fabsf(x) < 0.2f); }

static bool (*const inside[OLD_SHAPES + NEW_SHAPES])(float, float) = {
    disc, square, triangle, ring, cross, bars, moon, corner, arrow};

/* From low to high; Marsaglia's xorshift64*. */
static float between(uint64_t *stream, float low, float high)
{
    *stream ^= *stream >> 12;
    *stream ^= *stream << 25;
    *stream ^= *stream >> 27;
    return low + (high - low) * (float)((*stream * 0x2545f4914f6cdd1du) >> 40) / 16777216.0f;
}

static void draw(int shape, uint64_t *stream, float *picture)
{
    float angle = between(stream, 0, 6.2831853f), size = between(stream, 7, 12);
    float column = between(stream, 12, 20), row = between(stream, 12, 20);
    float ground = between(stream, 0.1f, 0.9f), contrast = between(stream, 0.3f, 0.6f);
    float ink = ground + (ground < 0.5f ? contrast : -contrast);

    for (int i = 0; i < SIDE * SIDE; i++) {
        float right = ((float)(i % SIDE) - column) / size, down = ((float)(i / SIDE) - row) / size;
        float x = right * cosf(angle) + down * sinf(angle), y = down * cosf(angle) - right * sinf(angle);
        picture[i] = (inside[shape](x, y) ? ink : ground) + between(stream, -0.1f, 0.1f);
    }
}

void draw_shapes(int first, int kinds, uint64_t seed, int count, float *x, float *y)
{
    uint64_t stream = seed * 2 + 1;

    for (int i = 0; i < count; i++) {
        draw(first + i % kinds, &stream, x + i * SIDE * SIDE);
        y[i] = (float)(i % kinds);
    }
}
