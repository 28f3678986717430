/* Losses and optimizer steps of a backend on numbers in double. Built twice, as chain.h: `library_` in float, `oracle_` in double. */
#ifndef TESTS_HARNESS_LEARNING_H
#define TESTS_HARNESS_LEARNING_H

#include "backend/backend.h"

/* The settings are read from `call`, whose arrays are ignored: their type differs between the two builds, all else is the same. */
typedef struct loss_numbers {
    const double *prediction, *target, *weight;         /* weight NULL: all 1 */
    double *value, *gradient;
} loss_numbers;

typedef struct update_numbers {
    size_t length;
    double *weights, *slot[KNN_OWN_SLOTS];              /* changed by the step */
    const double *gradients;
} update_numbers;

/* false: no such backend. */
bool library_loss(const char *backend, const knn__loss_call *call, const loss_numbers *numbers);
bool library_update(const char *backend, const knn__update_call *call, const update_numbers *numbers);
KNN_API bool oracle_loss(const char *backend, const knn__loss_call *call, const loss_numbers *numbers);
KNN_API bool oracle_update(const char *backend, const knn__update_call *call, const update_numbers *numbers);

#endif
