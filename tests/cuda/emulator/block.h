/* The threads of a block: run to their barriers, and what they share. */
#ifndef TESTS_CUDA_EMULATOR_BLOCK_H
#define TESTS_CUDA_EMULATOR_BLOCK_H

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace emulator {

/* Of the thread that runs. */
extern uint3 thread_index;

/* Runs a thread of the kernel for each of these, in this order from barrier to barrier. */
void run_block(const std::vector<uint3> &order, size_t shared_bytes, const std::function<void()> &kernel);

/* The thread that runs waits until all of its block have come here. The place is for messages, and stays alive. */
void barrier(const char *file, int line);

/* The 32 threads of a warp meet; each brings something of its own. Who comes last does the work on all of it, lane by lane in `brought`, and
 * then all go on. */
enum { WARP = 32 };
typedef void warp_work(void *const *brought);
void meet(const char *file, int line, void *mine, warp_work *work);

/* What kernels in PTX share, full of NaN at the begin of each block; the C++ compiler makes such variables itself. */
unsigned char *shared_memory();
size_t shared_bytes();

}

#endif
