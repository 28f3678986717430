/* The table of chains and shapes that every kernel is run on. */
#ifndef TESTS_HARNESS_CASES_H
#define TESTS_HARNESS_CASES_H

#include "lower.h"

typedef struct chain_case {
    const char *group, *label;
    knn_shape input;
    int images;
    bool inference_only;                    /* where a gradient is zero by theory and noise in float */
    const knn_layer *layers[CHAIN_LAYERS];  /* ends with NULL */
} chain_case;

extern const chain_case chain_cases[];      /* ends with a NULL group */
extern const char *const chain_groups[];    /* ends with NULL */

#endif
