/* 2x2 max-pooling of two rows of a convolution's map, with bias and ReLU, and back: a value and a byte a pooled number are all that is
 * kept of the map. */
#ifndef KNN_BACKEND_CPU_POOL_TILE_H
#define KNN_BACKEND_CPU_POOL_TILE_H

#include "backend/cpu/isa.h"

#define knn__pool_tile KNN_ISA_NAME(knn__pool_tile)
#define knn__unpool_tile KNN_ISA_NAME(knn__unpool_tile)

/* The byte: which of the window's four numbers was the largest (row by row; the first of equals), or that ReLU cut it off. */
enum { KNN__POOL_DEAD = 4 };

/* map[2][2 * width][channels] -> y[width][channels], which[width][channels] (NULL: not wanted); bias NULL: none. */
void knn__pool_tile(const float *map, int width, int channels, const float *bias, bool relu, float *y, unsigned char *which);

/* dy and which as above -> the gradient of the map, zeros included; adds the bias' gradient to db (NULL: not wanted). */
void knn__unpool_tile(const float *dy, const unsigned char *which, int width, int channels, float *map, float *db);

#endif
