/* Counts what kernels move: bytes that their threads ask for, and different sectors of memory, as if what a launch reads twice were found in
 * a cache. For kernels in PTX, and cuBLAS, each of whose matrices counts once. */
#include "emulator.h"
#include "inside.h"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <vector>

namespace emulator {

static const size_t SECTOR = 32;

bool counting;
static std::vector<emulator_traffic> kernels;
static emulator_traffic *current;
static unsigned *seen[2];                   /* of each sector of the device's memory: the last launch that read it, and that wrote it */
static unsigned launch_number;

/* "im2col" of "_Z6im2col..": without the types of its arguments. */
static std::string plain_name(const char *kernel)
{
    int status;
    char *made = abi::__cxa_demangle(kernel, nullptr, nullptr, &status);
    std::string name = made != nullptr ? made : kernel;
    free(made);
    return name.substr(0, name.find('('));
}

void count_from(const char *mangled)
{
    const std::string kernel = plain_name(mangled);
    launch_number++;
    for (emulator_traffic &t : kernels)
        if (kernel.compare(0, sizeof t.kernel - 1, t.kernel) == 0) {
            t.launches++;
            current = &t;
            return;
        }
    kernels.push_back({"", 1, 0, 0});
    current = &kernels.back();
    snprintf(current->kernel, sizeof current->kernel, "%s", kernel.c_str());
}

void count_moved(const void *place, size_t bytes, bool writes)
{
    size_t at = (size_t)((const char *)place - device_range);
    current->requested += bytes;
    for (size_t sector = at / SECTOR; sector <= (at + bytes - 1) / SECTOR; sector++) {
        current->moved += seen[writes][sector] != launch_number ? SECTOR : 0;
        seen[writes][sector] = launch_number;
    }
}

}

using namespace emulator;

extern "C" {

void emulator_count_traffic(void)
{
    for (unsigned *&of : seen)
        of = of != nullptr ? of : lazy_room<unsigned>(DEVICE_RANGE / SECTOR);
    kernels.clear();
    counting = true;
}

size_t emulator_get_traffic(emulator_traffic *to, size_t most)
{
    for (size_t i = 0; i < kernels.size() && i < most; i++)
        to[i] = kernels[i];
    return kernels.size();
}

}
