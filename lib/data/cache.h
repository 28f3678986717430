/* Decoded 8-bit pictures of a data set, kept for its life up to a limit. Which are kept is fixed beforehand: the first
 * ones by number. Does not decode, and forgets nothing: what is kept never changes a result, and memory never grows
 * with the data set. */
#ifndef KNN_DATA_CACHE_H
#define KNN_DATA_CACHE_H

#include <stddef.h>
#include <stdint.h>

typedef struct knn__cache knn__cache;

/* For `pictures` of `bytes` each, of which at most `limit` bytes are kept. NULL without memory. */
knn__cache *knn__cache_new(size_t pictures, size_t bytes, size_t limit);
void        knn__cache_free(knn__cache *cache);                 /* NULL is fine */

/* The kept picture, or NULL. Any number of threads may call both at once. */
const uint8_t *knn__cache_find(const knn__cache *cache, size_t index);

/* Offers a decoded picture, a knn__alloc block. Where it is kept, *pixels becomes NULL; the picture to use is returned
 * in any case. */
const uint8_t *knn__cache_keep(knn__cache *cache, size_t index, uint8_t **pixels);

#endif
