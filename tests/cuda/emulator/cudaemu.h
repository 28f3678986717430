/* Enough of CUDA's language for g++ to compile the library's kernels as ordinary functions, which the emulator calls once for each thread. */
#ifndef TESTS_CUDA_EMULATOR_CUDAEMU_H
#define TESTS_CUDA_EMULATOR_CUDAEMU_H

#include "launch.h"

#include <tuple>

#define __launch_bounds__(...)
#undef __shared__
#define __shared__ static                   /* one block runs at a time */
#define __syncthreads() emulator::barrier(__FILE__, __LINE__)
#define threadIdx emulator::thread_index
#define blockIdx emulator::block_index
#define blockDim emulator::block_size
#define gridDim emulator::grid_size

namespace emulator {

template <typename T> void check_argument(const char *, const T &) {}
template <typename T> void check_argument(const char *kernel, T *const &argument) { check_pointer(kernel, argument); }

template <typename... Declared, typename... Given>
void launch_kernel(const char *name, unsigned blocks, unsigned threads, cudaStream_t stream, void (*kernel)(Declared...), Given... given)
{
    std::tuple<Declared...> arguments(given...);
    std::apply([=](const auto &...argument) { (check_argument(name, argument), ...); }, arguments);
    launch(name, dim3(blocks), dim3(threads), 0, stream, [=] { std::apply(kernel, arguments); });
}

}

#define KNN_LAUNCH(kernel, blocks, threads, stream, ...) emulator::launch_kernel(#kernel, blocks, threads, stream, kernel, __VA_ARGS__)

#endif
