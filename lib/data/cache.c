/* One slot a picture, filled by whoever decodes it first. Has no lock: a slot changes once, from NULL to a picture. */
#include "data/cache.h"

#include "core/memory.h"

#include <stdatomic.h>

typedef _Atomic(uint8_t *) slot;

struct knn__cache {
    size_t count;               /* pictures 0 .. count - 1 are kept */
    slot slots[];
};

knn__cache *knn__cache_new(size_t pictures, size_t bytes, size_t limit)
{
    size_t count = bytes > 0 && limit / bytes < pictures ? limit / bytes : pictures;
    knn__cache *cache = knn__alloc(sizeof *cache + count * sizeof cache->slots[0], 1);
    if (cache == NULL)
        return NULL;
    cache->count = count;
    for (size_t i = 0; i < count; i++)
        atomic_init(&cache->slots[i], NULL);
    return cache;
}

void knn__cache_free(knn__cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->count; i++)
        knn__free(atomic_load_explicit(&cache->slots[i], memory_order_relaxed));
    knn__free(cache);
}

const uint8_t *knn__cache_find(const knn__cache *cache, size_t index)
{
    return index < cache->count ? atomic_load_explicit(&cache->slots[index], memory_order_acquire) : NULL;
}

const uint8_t *knn__cache_keep(knn__cache *cache, size_t index, uint8_t **pixels)
{
    if (index >= cache->count)
        return *pixels;
    uint8_t *kept = NULL, *offered = *pixels;
    if (!atomic_compare_exchange_strong_explicit(&cache->slots[index], &kept, offered, memory_order_acq_rel,
                                                 memory_order_acquire))
        return kept;            /* another thread was faster: the same picture */
    *pixels = NULL;
    return offered;
}
