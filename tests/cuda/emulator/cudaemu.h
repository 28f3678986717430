/* Enough of CUDA's language for g++ to compile the library's kernels as ordinary functions, which the emulator calls once for each thread. */
#ifndef TESTS_CUDA_EMULATOR_CUDAEMU_H
#define TESTS_CUDA_EMULATOR_CUDAEMU_H

#include "launch.h"
#include "tensor_cores.h"

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

/* What knn_cu.h has in the language of PTX. */
#define KNN_HAS_TENSOR_CORES 1
static inline float knn__rounded_to_tf32(float number) { return emulator::rounded_to_tf32(number); }
static inline void knn__add_products_in_tf32(const float (&left)[4], const float (&right)[2], float &sum_0, float &sum_1, float &sum_2, float &sum_3)
{
    emulator::tensor_lane mine = {{left[0], left[1], left[2], left[3]}, {right[0], right[1]}, {sum_0, sum_1, sum_2, sum_3}};
    emulator::add_products_in_tf32(__FILE__, __LINE__, mine);
    sum_0 = mine.sums[0], sum_1 = mine.sums[1], sum_2 = mine.sums[2], sum_3 = mine.sums[3];
}

#define KNN_LAUNCH(kernel, blocks, threads, stream, ...) emulator::launch_kernel(#kernel, blocks, threads, stream, kernel, __VA_ARGS__)

#endif
