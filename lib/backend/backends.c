/* Finds a backend by name. Knows which backends this build has, and nothing else about them. */
#include "backend/backend.h"

#include "core/status.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

static const knn_backend *const backends[] = {              /* fastest first */
#ifdef KNN_HAVE_CUDA
    &knn__cuda_backend,
#endif
    &knn__cpu_backend, &knn__reference_backend};
enum { BACKENDS = sizeof backends / sizeof *backends };

enum { MOST_DIGITS = 3 };                                   /* of a device's number */

static bool has(const knn_backend *backend, int number)
{
    return backend->devices == NULL || backend->devices->available(number) == KNN_OK;
}

/* "cuda", and "cuda:1" of a backend that has devices. */
static bool is_called(const knn_backend *backend, const char *name)
{
    size_t length = strlen(backend->name);
    if (strncmp(name, backend->name, length) != 0)
        return false;
    const char *number = name + length + 1;
    size_t digits = name[length] == ':' ? strspn(number, "0123456789") : 0;
    return name[length] == '\0' || (backend->devices != NULL && digits > 0 && digits <= MOST_DIGITS && number[digits] == '\0');
}

int knn__device_number(const char *name)
{
    const char *colon = name != NULL ? strchr(name, ':') : NULL;
    return colon != NULL ? (int)strtol(colon + 1, NULL, 10) : 0;
}

/* The error text: what was asked for, why it cannot be had, and what can. */
static const knn_backend *refuse(knn_status status, const char *name, const char *why)
{
    knn__text there = {0};
    const char *separator = "";
    for (int i = 0; i < BACKENDS; i++)
        if (has(backends[i], 0)) {
            knn__text_add(&there, "%s\"%s\"", separator, backends[i]->name);
            separator = i + 2 < BACKENDS ? ", " : " and ";
        }
    if (!there.failed)
        knn__fail(status, "backend \"%s\": %s; there are %s", name, why, there.data);
    knn__text_free(&there);
    return NULL;
}

/* That a machine has no GPU is no failure: the error text stays what it was. */
static const knn_backend *fastest(void)
{
    char before[1024];
    int i = 0;
    knn__save_error(before, sizeof before);
    while (!has(backends[i], 0))
        i++;
    if (before[0] == '\0')
        knn__clear_error();
    else
        knn__fail(KNN_OK, "%s", before);
    return backends[i];
}

const knn_backend *knn__find_backend(const char *name)
{
    char why[256];

    if (name == NULL || strcmp(name, "auto") == 0)
        return fastest();
    for (int i = 0; i < BACKENDS; i++)
        if (is_called(backends[i], name)) {
            if (has(backends[i], knn__device_number(name)))
                return backends[i];
            knn__save_error(why, sizeof why);
            return refuse(KNN_ERROR_DEVICE, name, why);
        }
    if (strncmp(name, "cuda", 4) == 0)
        return refuse(KNN_ERROR_UNSUPPORTED, name, "this build has no CUDA");
    return refuse(KNN_ERROR_ARGUMENT, name, "there is no such backend");
}
