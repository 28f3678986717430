/* What tests ask of the emulated GPU, and set on it. Everything holds for the whole process. */
#ifndef TESTS_CUDA_EMULATOR_EMULATOR_H
#define TESTS_CUDA_EMULATOR_EMULATOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many devices there are (at first 1), each with this much memory (1 GiB) and this compute capability (75). Devices -1: no driver. */
void emulator_set_devices(int devices);
void emulator_set_memory(size_t bytes);
void emulator_set_capability(int capability);

/* The order in which a kernel's blocks, and the threads of a block, run. By a seed it is drawn anew for each launch. */
enum { EMULATOR_ASCENDING = 0, EMULATOR_DESCENDING = -1 };      /* else: the seed */
void emulator_set_order(int order);

/* The n-th call from now of the run time or cuBLAS that can fail does so; 0: none. How many such calls there have been. */
void emulator_fail_call(long n);
long emulator_calls(void);

/* Allocations, streams and handles that are alive. */
size_t emulator_live(void);
/* Kernels launched so far, and products of cuBLAS. */
long emulator_launches(void);

/* The library's: an array within an allocation; bytes to leave behind it, which kernels must not touch. */
size_t knn__cuda_placed(void *array, size_t bytes);

/* The first misuse that was seen, and forgets it; "": none. */
const char *emulator_complaint(void);

#ifdef __cplusplus
}
#endif

#endif
