/* channels_first: models of files whose layers run with the channels first become models that run with them last. */
#ifndef KNN_KERAS_LAYOUT_H
#define KNN_KERAS_LAYOUT_H

#include "keras/config.h"

/* How the numbers between two layers lie: axis i of what runs is Keras' axis number axis[i]; both are counted without the batch, Keras'
 * from 1. (2, 3, 1): Keras has (c, h, w), we have (h, w, c). Zero-initialised: none known yet. */
typedef struct knn__order { int rank, axis[3]; } knn__order;

/* Layer i, or with i = config->count the output, is about to get what lies in `order` and has `rank` axes. Where it must lie otherwise, a
 * Permute is put before it, as layer i; else the layer's own options are turned to fit. `order` is then the one behind layer i. */
knn_status knn__layout_meet(knn__config *config, size_t i, knn__reading *reading, int rank, knn__order *order);

#endif
