/* A malloc in front of libc's that can let the n-th allocation of HDF5, cJSON or libjpeg fail, and spares all others (OpenMP's run time and
 * OpenBLAS exit when they get none: docs/dependencies.md). */
#ifndef KNN_TESTS_INTERPOSED_H
#define KNN_TESTS_INTERPOSED_H

#include <knn/status.h>

#include <stdbool.h>

bool interposed_works(void);                    /* false in sanitizer builds: they have their own malloc */
long interposed_count(knn_status (*run)(const char *), const char *argument);   /* allocations of those libraries in a run */
void interposed_fail(long n);                   /* the n-th from now; 0: none */

#endif
