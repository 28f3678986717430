/* Launching a kernel: its grid, and a function that is called once for each thread. */
#ifndef TESTS_CUDA_EMULATOR_LAUNCH_H
#define TESTS_CUDA_EMULATOR_LAUNCH_H

#include <cuda_runtime_api.h>

#include <functional>

namespace emulator {

/* Of the thread that runs. */
extern uint3 thread_index, block_index;
extern dim3 block_size, grid_size;

/* Queues it; what the grid may not be is kept for cudaGetLastError. */
void launch(const char *kernel, dim3 grid, dim3 block, cudaStream_t stream, std::function<void()> thread);

/* A pointer among the arguments of a launch: the device's, or NULL. */
void check_pointer(const char *kernel, const void *argument);

}

#endif
