/* Pictures to PNG. Reading them is image.h's. */
#ifndef KNN_DATA_IMAGE_PNG_H
#define KNN_DATA_IMAGE_PNG_H

#include "core/text.h"

#include <stdint.h>

/* Appends pixels[height][width][channels] as a PNG file; channels: 1 grey, 3 colours, 4 colours and alpha. */
void knn__encode_png(const uint8_t *pixels, int height, int width, int channels, knn__text *png);

#endif
