/* What a program for a GPU does on a machine that has none. */
#ifndef TESTS_SUPPORT_WITHOUT_GPU_H
#define TESTS_SUPPORT_WITHOUT_GPU_H

#include "backend/backend.h"

#include <knn/knn.h>

#include <stdio.h>
#include <stdlib.h>

enum { SKIPPED = 77 };

/* EXIT_SUCCESS where the backend can be had. Else it says why not: the test is skipped, or fails with KNN_REQUIRE_GPU=1 in the environment. */
static inline int without_gpu(const char *backend)
{
    const char *required = getenv("KNN_REQUIRE_GPU");
    if (knn__find_backend(backend) != NULL)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", knn_last_error());
    return required != NULL && atoi(required) != 0 ? EXIT_FAILURE : SKIPPED;
}

#endif
