/* A malloc in front of libc's that can let the n-th allocation of some libraries fail, and spares all others (OpenMP's run time and
 * OpenBLAS exit when they get none: docs/dependencies.md). */
#ifndef KNN_TESTS_INTERPOSED_H
#define KNN_TESTS_INTERPOSED_H

#include <knn/status.h>

#include <stdbool.h>

enum { INTERPOSED_PICTURES_AND_JSON = 1, INTERPOSED_HDF5 = 2 };         /* libjpeg and cJSON; libhdf5 */

bool interposed_works(void);                    /* false in sanitizer builds: they have their own malloc */
long interposed_count(int libraries, knn_status (*run)(const char *), const char *argument);    /* their allocations in a run */
void interposed_fail(int libraries, long n);    /* the n-th from now; 0: none */

#endif
