/* Loads libraries, and finds functions by name. Knows none of them. */
#include "backend/cuda/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool knn__cuda_library(const char *file, const knn__cuda_function *functions, size_t count, char *why, size_t size)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    bool found = library != NULL;
    for (size_t i = 0; found && i < count; i++) {
        void *function = dlsym(library, functions[i].name);
        memcpy(functions[i].place, &function, sizeof function);
        found = function != NULL;
    }
    const char *error = found ? NULL : dlerror();
    snprintf(why, size, "%s", error != NULL ? error : "");
    return found;
}
