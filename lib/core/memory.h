/* Every allocation of the library, so that failures are reported, counted and, in tests, provoked.
 * Does not free behind the caller's back: what is allocated here is freed by knn__free or knn__arena_free. */
#ifndef KNN_CORE_MEMORY_H
#define KNN_CORE_MEMORY_H

#include <stddef.h>

/* `count` zeroed elements of `size` bytes; NULL with an error text (KNN_ERROR_MEMORY) when there is no memory or the
 * product overflows. A count of 0 gives a valid pointer. */
void *knn__alloc(size_t count, size_t size);

/* Grows or shrinks; new memory is NOT zeroed. On failure the old block stays and NULL is returned. */
void *knn__realloc(void *old, size_t count, size_t size);

/* Makes room for `wanted` elements in a growing array (doubling); true on success. `*items` may be NULL at first. */
int knn__reserve(void **items, size_t *capacity, size_t wanted, size_t size);

/* A copy of a text, or of the first `length` bytes of one; NULL with an error text. */
char *knn__copy_text(const char *text);
char *knn__copy_bytes(const void *bytes, size_t length);      /* a NUL follows the copy */

void knn__free(void *block);                                  /* NULL is fine */

/* Large zeroed memory for a plan or a model: 2 MiB aligned, huge pages advised. Freed with the same size. */
void *knn__arena_alloc(size_t bytes);
void  knn__arena_free(void *block, size_t bytes);

/* For tests: blocks alive now; and make the n-th allocation from now fail (1 = the next; 0 = never). */
size_t knn__live_blocks(void);
void   knn__fail_allocation(long n);
long   knn__allocations_to_failure(void);                     /* 0: it has failed, or none was to */

#endif
