/* Paints shapes by their distance from each pixel, which gives smooth edges without supersampling, and writes JPEG
 * files. Does not decide what is painted: see draw.c. */
#include "canvas.h"
#include "chance.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- colours ----------------------------------------------------------------------------------------------------- */

colour mix(colour a, colour b, float share_of_b)
{
    return (colour){a.red + (b.red - a.red) * share_of_b, a.green + (b.green - a.green) * share_of_b,
                    a.blue + (b.blue - a.blue) * share_of_b};
}

colour scaled(colour c, float factor)
{
    return (colour){c.red * factor, c.green * factor, c.blue * factor};
}

colour any_colour(uint64_t *stream, float saturation, float darkest, float brightest)
{
    static const float third = 2.0943951f;      /* of a circle */
    float hue = between(stream, 0, 3 * third), value = between(stream, darkest, brightest);
    float amount = 0.5f * between(stream, 0, saturation), rest = 1 - amount;

    return (colour){value * (rest + amount * cosf(hue)), value * (rest + amount * cosf(hue - third)),
                    value * (rest + amount * cosf(hue + third))};
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static float length(float x, float y)
{
    return sqrtf(x * x + y * y);
}

point beside(point a, point b)
{
    float x = b.x - a.x, y = b.y - a.y, way = length(x, y);
    return (point){-y / way, x / way};
}

/* First order only: exact on the outline, which is where it matters. */
static float ellipse_distance(float half, float size, float u, float v)
{
    float x = u / half, y = v / size, reach = length(x, y), slope = length(x / half, y / size);
    return slope > 0 ? reach * (reach - 1) / slope : -fminf(half, size);
}

/* The meet of two discs whose circles cross in both points. */
static float lens_distance(float half, float size, float u, float v)
{
    float radius = (half * half + size * size) / (2 * size);
    return length(u, fabsf(v) + radius - size) - radius;
}

static float triangle_distance(float half, float size, float u, float v)
{
    float leg = ((fabsf(u) - half) * size + v * half) / length(half, size);
    return fmaxf(leg, -v);
}

static float stroke_distance(float half, float size, float u, float v)
{
    return length(fmaxf(fabsf(u) - half, 0), v) - size;
}

/* Negative inside. u runs along the way from its middle on, v across it, to the right; half is half the way. */
static float distance(shape_kind kind, float half, float size, float u, float v)
{
    switch (kind) {
    case ELLIPSE:  return ellipse_distance(half, size, u, v);
    case LENS:     return lens_distance(half, size, u, v);
    case TRIANGLE: return triangle_distance(half, size, u, v);
    default:       return stroke_distance(half, size, u, v);
    }
}

static int clamped(float value, int highest)
{
    return value < 0 ? 0 : value > (float)highest ? highest : (int)value;
}

void draw_shape(canvas *picture, const shape *s, const paint *how)
{
    point middle = {(s->a.x + s->b.x) / 2, (s->a.y + s->b.y) / 2}, across = beside(s->a, s->b);
    float half = length(s->b.x - s->a.x, s->b.y - s->a.y) / 2;
    float margin = s->size + 2 * how->grow + how->softness + 1;
    float wide = half * fabsf(across.y) + margin, high = half * fabsf(across.x) + margin;
    int left = clamped(middle.x - wide, picture->width), right = clamped(middle.x + wide, picture->width);
    int top = clamped(middle.y - high, picture->height), bottom = clamped(middle.y + high, picture->height);

    for (int row = top; row < bottom; row++)
        for (int column = left; column < right; column++) {
            float x = (float)column + 0.5f - middle.x, y = (float)row + 0.5f - middle.y;
            float u = x * across.y - y * across.x, v = x * across.x + y * across.y;
            float outside = (distance(s->kind, half, s->size, u, v) - how->grow) / how->softness;

            if (outside < 0.5f) {
                colour *pixel = &picture->pixels[row * picture->width + column];
                colour lit = scaled(how->fill, 1 - how->shade * (x + y) / (wide + high));
                *pixel = mix(*pixel, lit, fminf(0.5f - outside, 1));
            }
        }
}

/* ---- the whole picture ------------------------------------------------------------------------------------------- */

/* From -1 to 1, a fixed number for each knot of the texture's grid. */
static float knot(uint64_t grain, int x, int y)
{
    uint64_t place = grain ^ ((uint64_t)(uint32_t)x << 32 | (uint32_t)y);
    return between(&place, -1, 1);
}

void add_texture(canvas *picture, float strength, float cell, uint64_t grain)
{
    for (int row = 0; row < picture->height; row++)
        for (int column = 0; column < picture->width; column++) {
            float x = (float)column / cell, y = (float)row / cell;
            int i = (int)x, j = (int)y;
            float u = x - (float)i, v = y - (float)j;
            float upper = knot(grain, i, j) * (1 - u) + knot(grain, i + 1, j) * u;
            float lower = knot(grain, i, j + 1) * (1 - u) + knot(grain, i + 1, j + 1) * u;
            colour *pixel = &picture->pixels[row * picture->width + column];

            *pixel = scaled(*pixel, 1 + strength * (upper * (1 - v) + lower * v));
        }
}

/* A row or a column: count pixels that lie `step` apart. */
static void blur_line(colour *line, int count, int step, float strength)
{
    colour before = line[0];

    for (int i = 0; i < count; i++) {
        colour here = line[i * step], after = line[(i + 1 < count ? i + 1 : i) * step];
        line[i * step] = mix(here, mix(before, after, 0.5f), 2 * strength);
        before = here;
    }
}

void blur(canvas *picture, float strength)
{
    for (int row = 0; row < picture->height; row++)
        blur_line(picture->pixels + row * picture->width, picture->width, 1, strength);
    for (int column = 0; column < picture->width; column++)
        blur_line(picture->pixels + column, picture->height, picture->width, strength);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* One channel of one pixel; the noise is the difference of two even distributions. */
static unsigned char develop(float value, float noise, uint64_t *stream)
{
    uint64_t bits = next_number(stream);
    float deviation = ((float)(bits >> 40) - (float)(bits & 0xffffff)) * 0x1p-24f;

    return (unsigned char)clamped(255 * (value + 2 * noise * deviation) + 0.5f, 255);
}

static unsigned char *developed(const canvas *picture, float noise, uint64_t grain)
{
    size_t count = (size_t)picture->width * (size_t)picture->height;
    unsigned char *bytes = malloc(3 * count);

    for (size_t i = 0; bytes != NULL && i < count; i++) {
        bytes[3 * i] = develop(picture->pixels[i].red, noise, &grain);
        bytes[3 * i + 1] = develop(picture->pixels[i].green, noise, &grain);
        bytes[3 * i + 2] = develop(picture->pixels[i].blue, noise, &grain);
    }
    return bytes;
}

/* A failed fwrite leaves its mark in the stream, and save_jpeg asks for it. */
static void write_bytes(void *file, void *bytes, int count)
{
    fwrite(bytes, 1, (size_t)count, file);
}

bool save_jpeg(const canvas *picture, const char *path, int quality, float noise, uint64_t grain)
{
    unsigned char *bytes = developed(picture, noise, grain);
    FILE *file = bytes != NULL ? fopen(path, "wb") : NULL;
    bool good = file != NULL &&
                stbi_write_jpg_to_func(write_bytes, file, picture->width, picture->height, 3, bytes, quality) != 0 &&
                ferror(file) == 0;

    if (file != NULL && fclose(file) != 0)
        good = false;
    free(bytes);
    if (!good)
        fprintf(stderr, "draw: cannot write %s: %s\n", path, strerror(errno));
    return good;
}
