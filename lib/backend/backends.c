/* Finds a backend by name. Knows which backends this build has, and nothing else about them. */
#include "backend/backend.h"

#include "core/status.h"

#include <string.h>

static const knn_backend *const backends[] = {&knn__cpu_backend, &knn__reference_backend};       /* fastest first */

const knn_backend *knn__find_backend(const char *name)
{
    if (name == NULL || strcmp(name, "auto") == 0)
        return backends[0];
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(name, backends[i]->name) == 0)
            return backends[i];
    if (strncmp(name, "cuda", 4) == 0)
        knn__fail(KNN_ERROR_UNSUPPORTED, "backend \"%s\": this build has no CUDA; it has \"cpu\" and \"reference\"", name);
    else
        knn__fail(KNN_ERROR_ARGUMENT, "backend \"%s\": there is no such backend; there are \"cpu\" and \"reference\"", name);
    return NULL;
}
