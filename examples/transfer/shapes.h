/* Draws pictures of simple shapes, white noise around them; the same seed gives the same pictures. Knows nothing of networks. */
#ifndef TRANSFER_SHAPES_H
#define TRANSFER_SHAPES_H

#include <stdint.h>

enum { SIDE = 32, OLD_SHAPES = 6, NEW_SHAPES = 3 };

extern const char *const old_shapes[OLD_SHAPES], *const new_shapes[NEW_SHAPES];

/* pictures x[count][SIDE][SIDE] from 0 to 1, labels y[count]: the numbers of the shapes, which take turns. first: 0, the old ones, or
 * OLD_SHAPES, the new ones. */
void draw_shapes(int first, int kinds, uint64_t seed, int count, float *x, float *y);

#endif
