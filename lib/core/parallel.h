/* The one parallel loop: OpenMP where the compiler has it, a pthread team otherwise (KNN_PTHREADS).
 * No nesting, no work stealing: what runs where is fixed by the numbers alone. */
#ifndef KNN_CORE_PARALLEL_H
#define KNN_CORE_PARALLEL_H

typedef void knn__body(int slice, void *context);

/* Calls body(0..slices - 1, context); thread t of T has the slices [t * slices / T, (t + 1) * slices / T).
 * Returns when all are done. threads <= 1, or a call from inside a body: runs here, in order. */
void knn__parallel(int slices, int threads, knn__body *body, void *context);

/* The cores that this process may use (affinity mask), at least 1. */
int knn__cores(void);

/* "openmp" or "pthreads" */
const char *knn__parallel_kind(void);

/* The share [first, last) of `total` items that part `part` of `parts` has. */
static inline void knn__share(long total, int part, int parts, long *first, long *last)
{
    *first = total * part / parts;
    *last = total * (part + 1) / parts;
}

#endif
