/* A canvas: smooth shapes in colour, texture, blur and noise over the whole, a JPEG file in the end.
 * Knows nothing of cats and dogs: see draw.c. */
#ifndef CATDOG_CANVAS_H
#define CATDOG_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct colour { float red, green, blue; } colour;       /* 0 to 1 */
typedef struct point { float x, y; } point;                     /* y points down */

typedef struct canvas {
    int width, height;
    colour *pixels;         /* [height][width], the caller's */
} canvas;

typedef enum shape_kind { ELLIPSE, LENS, TRIANGLE, STROKE } shape_kind;

/* All shapes stretch along the way from a to b. */
typedef struct shape {
    shape_kind kind;
    point a, b;             /* the ends of an ellipse's axis, a lens' points, a triangle's base, a stroke */
    float size;             /* how far it reaches to either side of the way; a triangle: to the right only */
} shape;

typedef struct paint {
    colour fill;
    float grow;             /* pixels by which the outline is moved outwards */
    float softness;         /* pixels over which the edge fades; 1: just smooth */
    float shade;            /* how much brighter the upper left is than the middle, and that than the lower right */
} paint;

colour mix(colour a, colour b, float share_of_b);
colour scaled(colour c, float factor);

/* A colour with any hue; saturation is the highest that it may have. */
colour any_colour(uint64_t *stream, float saturation, float darkest, float brightest);

/* The unit vector to the right of the way from a to b. */
point beside(point a, point b);

/* The shape's coordinates are pixels; what lies outside of the canvas is cut off. */
void draw_shape(canvas *picture, const shape *s, const paint *how);

/* Uneven fur, grass and walls: one smooth random pattern, with spots of `cell` pixels, over everything. */
void add_texture(canvas *picture, float strength, float cell, uint64_t grain);

/* Each pixel keeps 1 - 2 strength of itself and takes strength of its neighbours, in both directions; up to 1/3. */
void blur(canvas *picture, float strength);

/* Adds noise, rounds to 8 bits and writes the file; false with a line on stderr where that fails. */
bool save_jpeg(const canvas *picture, const char *path, int quality, float noise, uint64_t grain);

#endif
