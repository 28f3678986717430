/* The ABI rule of option structs: they begin with their size; a smaller one (older program) is completed with zeros, a larger one
 * (newer program) is accepted where its unknown tail is zero. */
#ifndef KNN_CORE_OPTIONS_H
#define KNN_CORE_OPTIONS_H

#include <knn/status.h>

/* Copies `from` (whose size is `from_size`) into `to` of `size` bytes. `what` names it in the error: "knn_fit options". */
knn_status knn__copy_options(void *to, size_t size, const void *from, size_t from_size, const char *what);

/* The way back: as much of `from`, which has `size` bytes, as the caller's struct has room for by the size that it begins with. That stays. */
void knn__give_options(void *to, const void *from, size_t size);

/* A field that means its default when 0 and a real zero when KNN_ZERO. */
double knn__real_or(double value, double normal);
/* The same for integers, with KNN_NONE. */
int knn__int_or(int value, int normal);

#endif
