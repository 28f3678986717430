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
/* From now on every second array of a plan is aligned to 8 bytes only, as views of arrays may be. */
void emulator_set_unaligned(int some);

/* The order in which a kernel's blocks, and the threads of a block, run. By a seed it is drawn anew for each launch. */
enum { EMULATOR_ASCENDING = 0, EMULATOR_DESCENDING = -1 };      /* else: the seed */
void emulator_set_order(int order);

/* A runtime that cannot record: each capture is refused. */
void emulator_refuse_capture(int refuse);

/* The n-th call from now of the run time or cuBLAS that can fail does so; 0: none. How many such calls there have been. */
void emulator_fail_call(long n);
long emulator_calls(void);

/* Of cuBLASLt's epilogues those with one of these bits of cublasLtEpilogue_t are not supported: there is no algorithm, or, if it is `late`,
 * there is one, but it does not run. 0: all are supported, as at first. How often an algorithm has been searched. */
void emulator_refuse_epilogues(unsigned bits, int late);
long emulator_searches(void);

/* Allocations, streams, events, graphs, handles and descriptions that are alive. */
size_t emulator_live(void);
/* Kernels that have run so far, and products of cuBLAS. */
long emulator_launches(void);
/* Graphs launched so far. */
long emulator_replays(void);

/* The library's: an array within an allocation; bytes to leave behind it, which kernels must not touch. */
size_t knn__cuda_placed(void *array, size_t bytes);

/* ---- What kernels in PTX and cuBLAS move, from now on; EMULATOR_CHECK must be set ---- */

/* A launch: bytes that its threads asked for; bytes of the sectors that it read or wrote, each once. */
typedef struct emulator_traffic { char kernel[64]; size_t requested, moved; } emulator_traffic;
void emulator_count_traffic(void);
/* Fills in as many as there were, at most `most`; how many there were. */
size_t emulator_get_traffic(emulator_traffic *to, size_t most);

/* What the warps of a kernel ask for at once in a line of its source: of the device's memory 32-byte sectors, those that would do and those that it
 * takes; of what a block shares turns, at least and with those that wait for a bank. */
typedef struct emulator_requests { char kernel[64], place[64]; int shared; size_t requests, needed, taken; } emulator_requests;
size_t emulator_get_requests(emulator_requests *to, size_t most);

/* ---- Kernels in PTX: how much of them was run, and mutants of them ---- */

/* How many instructions there are; `ran`, of this length, gets whether each was run since the last call of emulator_forget_runs. */
size_t emulator_instructions(void);
void emulator_get_runs(unsigned char *ran);
void emulator_forget_runs(void);

/* A small mistake in one instruction, which is drawn: first a kernel, then a place in it. The same ones for the same seed. */
typedef struct emulator_mutant {
    size_t instruction;                     /* its place in `ran` */
    char text[256];                         /* "im2col.cu:16: add.s32 -> sub.s32, _Z6im2col.." */
} emulator_mutant;
emulator_mutant emulator_draw_mutant(unsigned seed);
/* From now on the kernels have it. */
void emulator_make_mutant(unsigned seed);

/* The first misuse that was seen, and forgets it; "": none. */
const char *emulator_complaint(void);

#ifdef __cplusplus
}
#endif

#endif
