/* From public descriptions of layers to nodes, as the model does it. Draws no weights. */
#ifndef TESTS_HARNESS_LOWER_H
#define TESTS_HARNESS_LOWER_H

#include "layers/layer.h"

enum { CHAIN_LAYERS = 8, CHAIN_NODES = KNN_LAYER_NODES * CHAIN_LAYERS, CHAIN_WEIGHTS = 4 * CHAIN_LAYERS };

typedef struct chain_weight {
    const char *name;                       /* "kernel" */
    size_t offset, length;
    int fan_in;                             /* products in one output number */
    bool trainable;
} chain_weight;

typedef struct chain {
    int layers, count, weight_count;
    knn_layer *layer[CHAIN_LAYERS];         /* copies with defaults filled in */
    char name[CHAIN_LAYERS][16];
    knn_node nodes[CHAIN_NODES];
    chain_weight weight[CHAIN_WEIGHTS];
    size_t weights_length, in, out;         /* in, out: numbers an image */
} chain;

/* `layers` ends with NULL. false with knn_last_error(); chain_free is due in any case. */
bool chain_lower(chain *made, const knn_layer *const *layers, knn_shape input);
void chain_free(chain *made);

#endif
