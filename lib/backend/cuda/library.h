/* NVIDIA's libraries that are loaded on demand. */
#ifndef KNN_BACKEND_CUDA_LIBRARY_H
#define KNN_BACKEND_CUDA_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* Where the address of a function of this name is to be put: a pointer to such functions. */
typedef struct knn__cuda_function { const char *name; void *place; } knn__cuda_function;

/* Finds all of a library's functions. false: `why` says what is missing. It stays loaded for as long as the program runs. */
bool knn__cuda_library(const char *file, const knn__cuda_function *functions, size_t count, char *why, size_t size);

#endif
