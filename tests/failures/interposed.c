/* The interposed malloc. Finds out who calls by the address it returns to. Only for glibc and without sanitizers. */
#include "failures/interposed.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define INTERPOSED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INTERPOSED 0
#endif
#endif
#ifndef INTERPOSED
#define INTERPOSED 1
#endif

static atomic_long counted, failing;
static atomic_bool counting;

bool interposed_works(void) { return INTERPOSED; }

void interposed_fail(long n)
{
    atomic_store(&counted, 0);
    atomic_store(&failing, n);
    atomic_store(&counting, n > 0);
}

long interposed_count(knn_status (*run)(const char *), const char *argument)
{
    atomic_store(&failing, 0);
    atomic_store(&counted, 0);
    atomic_store(&counting, true);
    run(argument);
    atomic_store(&counting, false);
    return atomic_load(&counted);
}

#if INTERPOSED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static _Thread_local bool looking;              /* dladdr may allocate */

static bool must_fail(const void *caller)
{
    static const char *const fallible[] = {"libhdf5", "libcjson", "libjpeg"};
    Dl_info info;

    if (!atomic_load(&counting) || looking)
        return false;
    looking = true;
    bool ours = false;
    if (dladdr(caller, &info) != 0 && info.dli_fname != NULL)
        for (size_t i = 0; i < sizeof fallible / sizeof *fallible; i++)
            ours |= strstr(info.dli_fname, fallible[i]) != NULL;
    looking = false;
    return ours && atomic_fetch_add(&counted, 1) + 1 == atomic_load(&failing);
}

void *malloc(size_t size) { return must_fail(__builtin_return_address(0)) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return must_fail(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return must_fail(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size); }
#endif
