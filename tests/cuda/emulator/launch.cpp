/* Runs kernels block by block, in whichever order is set. A block's threads: block.cpp. */
#include "inside.h"
#include "launch.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

namespace emulator {

uint3 block_index;
dim3 block_size, grid_size;

static const char *running;
static long launches;
static thread_local cudaError_t last_error = cudaSuccess;

enum { MOST_THREADS = 1024, MOST_ROWS = 65535 };            /* of a block; of a grid in y and z */
static const size_t MOST_SHARED = (size_t)48 << 10;         /* by a block that did not ask for more, as the library does not */

void count_launch() { launches++; }

void describe_thread(char *text, size_t size)
{
    if (running == nullptr)
        text[0] = '\0';
    else
        snprintf(text, size, ", block %u, thread %u", block_index.x, thread_index.x);
}

/* 0 .. n - 1 in the order that is set. */
static std::vector<unsigned> in_order(unsigned n)
{
    std::vector<unsigned> numbers(n);
    std::iota(numbers.begin(), numbers.end(), 0);
    if (order == EMULATOR_DESCENDING)
        std::reverse(numbers.begin(), numbers.end());
    else if (order != EMULATOR_ASCENDING)
        for (unsigned i = n; i > 1; i--)
            std::swap(numbers[i - 1], numbers[draw(i)]);
    return numbers;
}

static std::vector<uint3> places_in_order(dim3 size)
{
    std::vector<uint3> places;
    for (unsigned number : in_order(size.x * size.y * size.z))
        places.push_back({number % size.x, number / size.x % size.y, number / size.x / size.y});
    return places;
}

static void run(const char *kernel, dim3 grid, dim3 block, size_t shared, const std::function<void()> &thread)
{
    running = kernel;
    count_launch();
    check_launch(kernel);
    grid_size = grid;
    block_size = block;
    const std::vector<uint3> blocks = places_in_order(grid), threads = places_in_order(block);
    for (uint3 index : blocks) {
        block_index = index;
        run_block(threads, shared, thread);
    }
    running = nullptr;
}

static bool can_be(dim3 grid, dim3 block)
{
    return grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7fffffffu && grid.y <= MOST_ROWS && grid.z <= MOST_ROWS && block.x > 0 &&
           block.y > 0 && block.z > 0 && block.x * block.y * block.z <= MOST_THREADS;
}

void launch(const char *kernel, dim3 grid, dim3 block, size_t shared, cudaStream_t stream, std::function<void()> thread)
{
    cudaError_t error = cudaSuccess;
    if (!can_be(grid, block)) {
        complain("%s: a grid of %u x %u x %u blocks of %u x %u x %u threads", kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z);
        error = cudaErrorInvalidConfiguration;
    } else if (shared > MOST_SHARED) {
        complain("%s: %zu bytes for a block to share, more than %zu must be asked for", kernel, shared, MOST_SHARED);
        error = cudaErrorInvalidValue;
    } else if (call_fails())
        error = cudaErrorLaunchFailure;
    else
        error = enqueue(stream, kernel, [=] { run(kernel, grid, block, shared, thread); });
    if (error != cudaSuccess)
        last_error = error;
}

void check_pointer(const char *kernel, const void *argument)
{
    if (argument != nullptr)
        expect_on_device(kernel, argument, 1);
}

}

using namespace emulator;

extern "C" {

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

long emulator_launches(void) { return launches; }

}
