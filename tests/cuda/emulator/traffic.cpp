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
static std::vector<emulator_traffic> launches;
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

const char *kernel_name() { return launches.back().kernel; }

void count_from(const char *kernel)
{
    launch_number++;
    launches.push_back({});
    snprintf(launches.back().kernel, sizeof launches.back().kernel, "%s", plain_name(kernel).c_str());
}

void count_moved(const void *place, size_t bytes, bool writes)
{
    size_t at = (size_t)((const char *)place - device_range);
    launches.back().requested += bytes;
    for (size_t sector = at / SECTOR; sector <= (at + bytes - 1) / SECTOR; sector++) {
        launches.back().moved += seen[writes][sector] != launch_number ? SECTOR : 0;
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
    launches.clear();
    forget_requests();
    counting = true;
}

size_t emulator_get_traffic(emulator_traffic *to, size_t most)
{
    for (size_t i = 0; i < launches.size() && i < most; i++)
        to[i] = launches[i];
    return launches.size();
}

}
