/* Named arrays of float32 that scripts in tests/fixtures made with the Python libraries named in their first line.
 * Does not compare them: see check_array.h.
 *
 * A file: the line "knn-fixture 1 ORIGIN", then records: a line "NAME RANK D0 D1 ..." and D0 * D1 * ... little-endian
 * floats. */
#ifndef KNN_TESTS_FIXTURE_H
#define KNN_TESTS_FIXTURE_H

#include <stddef.h>

typedef struct fixture fixture;

/* NULL where there is no such file, or where it is none of ours. */
fixture *fixture_open(const char *path);
void     fixture_close(fixture *fixture);                       /* NULL is fine */

/* The values of a record, valid until fixture_close; NULL where there is none of that name. rank, shape and length may
 * be NULL. */
const float *fixture_get(fixture *fixture, const char *name, int *rank, int shape[8], size_t *length);

/* The first line's end: what made the file. */
const char *fixture_origin(const fixture *fixture);

#endif
