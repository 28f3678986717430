/* Counted allocation, and allocations that fail on request. Does not pool or cache: every block is the system's. */
#include "core/memory.h"

#include "core/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20, SMALLEST_CAPACITY = 8 };

static atomic_size_t live_blocks;
static atomic_long allocations_until_failure;                   /* 0: never */

static bool failure_is_due(void)
{
    long left = atomic_load(&allocations_until_failure);
    while (left > 0)
        if (atomic_compare_exchange_weak(&allocations_until_failure, &left, left - 1))
            return left == 1;
    return false;
}

/* Counts a new block; NULL becomes the error text. */
static void *counted(void *block, size_t bytes)
{
    if (block != NULL)
        atomic_fetch_add(&live_blocks, 1);
    else
        knn__fail(KNN_ERROR_MEMORY, "no memory for %zu bytes", bytes);
    return block;
}

/* count * size, at least 1, since an empty block has an address too. */
static bool bytes_of(size_t count, size_t size, size_t *bytes)
{
    if (size != 0 && count > SIZE_MAX / size) {
        knn__fail(KNN_ERROR_MEMORY, "no memory for %zu times %zu bytes", count, size);
        return false;
    }
    *bytes = count * size > 0 ? count * size : 1;
    return true;
}

void *knn__alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!bytes_of(count, size, &bytes))
        return NULL;
    return counted(failure_is_due() ? NULL : calloc(1, bytes), bytes);
}

void *knn__realloc(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (!bytes_of(count, size, &bytes))
        return NULL;
    void *block = failure_is_due() ? NULL : realloc(old, bytes);
    if (old == NULL || block == NULL)
        return counted(block, bytes);
    return block;
}

int knn__reserve(void **items, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity)
        return 1;
    size_t larger = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : wanted;
    if (larger < SMALLEST_CAPACITY)
        larger = SMALLEST_CAPACITY;
    if (larger < wanted)
        larger = wanted;

    void *old, *block;          /* *items is really a T *, so it is copied and not accessed as a void * */
    memcpy(&old, items, sizeof old);
    block = knn__realloc(old, larger, size);
    if (block == NULL)
        return 0;
    memcpy(items, &block, sizeof block);
    *capacity = larger;
    return 1;
}

char *knn__copy_text(const char *text)
{
    return knn__copy_bytes(text, strlen(text));
}

char *knn__copy_bytes(const void *bytes, size_t length)
{
    char *copy = knn__alloc(length + 1, 1);
    if (copy != NULL && length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

void knn__free(void *block)
{
    if (block == NULL)
        return;
    atomic_fetch_sub(&live_blocks, 1);
    free(block);
}

/* Whole pages; 0 when that is more than an address holds. */
static size_t whole_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (bytes > SIZE_MAX - HUGE_PAGE - page)
        return 0;
    return (bytes > 0 ? bytes + page - 1 : page) / page * page;
}

/* mmap knows no alignment: maps a huge page more and gives back what lies before and behind. */
static void *map_aligned(size_t bytes)
{
    char *start = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0)
        munmap(start, before);
    munmap(start + before + bytes, HUGE_PAGE - before);
#ifdef MADV_HUGEPAGE
    madvise(start + before, bytes, MADV_HUGEPAGE);              /* advice only: small pages work as well */
#endif
    return start + before;
}

void *knn__arena_alloc(size_t bytes)
{
    size_t mapped = whole_pages(bytes);
    return counted(mapped == 0 || failure_is_due() ? NULL : map_aligned(mapped), bytes);
}

void knn__arena_free(void *block, size_t bytes)
{
    if (block == NULL)
        return;
    atomic_fetch_sub(&live_blocks, 1);
    munmap(block, whole_pages(bytes));
}

size_t knn__live_blocks(void)
{
    return atomic_load(&live_blocks);
}

void knn__fail_allocation(long n)
{
    atomic_store(&allocations_until_failure, n);
}

long knn__allocations_to_failure(void)
{
    return atomic_load(&allocations_until_failure);
}
