/* Launching a kernel: its grid, and a function that is called once for each thread. */
#ifndef TESTS_CUDA_EMULATOR_LAUNCH_H
#define TESTS_CUDA_EMULATOR_LAUNCH_H

#include "block.h"

namespace emulator {

/* Of the block that runs. */
extern uint3 block_index;
extern dim3 block_size, grid_size;

/* Queues it; what the grid may not be is kept for cudaGetLastError. `shared`: bytes of shared_memory. */
void launch(const char *kernel, dim3 grid, dim3 block, size_t shared, cudaStream_t stream, std::function<void()> thread);

/* A pointer among the arguments of a launch: the device's, or NULL. */
void check_pointer(const char *kernel, const void *argument);

}

#endif
