/* Walks a backend's kernels. */
#ifndef TESTS_HARNESS_KERNELS_H
#define TESTS_HARNESS_KERNELS_H

#include "problem.h"

#include "backend/backend.h"

/* The index-th kernel of all lists of a backend; NULL: no more. */
const knn_kernel *kernel_at(const knn_backend *backend, int index);

/* Whether a kernel is the backend's own, and not one of the reference kernels that end its lists. */
bool kernel_belongs(const knn_kernel *kernel, const knn_backend *backend);

/* Whether a kernel covers something somewhere in a problem, in training or outside. */
bool kernel_covers(const knn_kernel *kernel, const problem *p);

/* Whether a backend has a kernel for every node of a problem, each taken alone. */
bool backend_covers(const knn_backend *backend, const problem *p);

/* Whether "[name]" is in a list of what a plan has chosen. */
bool kernel_ran(const knn_kernel *kernel, const char *kernels);

/* How far results of the chosen kernels may be off; tensor: products are in TF32. */
tolerance kernels_tolerance(const char *kernels, bool tensor, const problem *p);

#endif
