/* Memory of the host that the GPU copies by itself, while the host goes on: full of NaN at first, as the GPU's own is. */
#include "inside.h"

#include <cstdlib>
#include <cstring>
#include <map>

namespace emulator {

static std::map<const char *, size_t> blocks;               /* bytes of each, by its address */

bool is_pinned(const void *block, size_t bytes)
{
    locked hold(lock);
    auto after = blocks.upper_bound((const char *)block);
    if (after == blocks.begin())
        return false;
    const auto &one = *std::prev(after);
    size_t before = (size_t)((const char *)block - one.first);
    return before < one.second && bytes <= one.second - before;
}

}

using namespace emulator;

extern "C" {

cudaError_t cudaMallocHost(void **block, size_t bytes)
{
    locked hold(lock);
    if (is_illegal("cudaMallocHost", nullptr))
        return cudaErrorStreamCaptureUnsupported;
    if (call_fails() || (*block = malloc(bytes)) == nullptr)
        return cudaErrorMemoryAllocation;
    memset(*block, 0xff, bytes);
    blocks[(const char *)*block] = bytes;
    count_live(1);
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *block)
{
    locked hold(lock);
    if (block == nullptr)
        return cudaSuccess;
    if (is_illegal("cudaFreeHost", nullptr))
        return cudaErrorStreamCaptureUnsupported;
    if (blocks.erase((const char *)block) == 0) {
        complain("cudaFreeHost: %p is no block that is alive", block);
        return cudaErrorInvalidValue;
    }
    finish_all();
    free(block);
    count_live(-1);
    return cudaSuccess;
}

}
