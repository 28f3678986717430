/* What the emulator is set to, what it has counted, and what it has to complain about. */
#include "inside.h"

#include <cstdarg>
#include <cstdio>
#include <random>

namespace emulator {

std::recursive_mutex lock;
int devices = 1, order = EMULATOR_ASCENDING, capability = 75;
size_t memory_of_device = (size_t)1 << 30;
unsigned refused_epilogues;
bool refused_late;
long searches;
bool some_unaligned;

static char complaint[512];
static long calls, calls_to_failure;
static size_t live;
static std::mt19937 generator;

void complain(const char *format, ...)
{
    locked hold(lock);
    if (complaint[0] != '\0')
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint, sizeof complaint, format, arguments);
    va_end(arguments);
}

bool call_fails()
{
    locked hold(lock);
    calls++;
    return calls_to_failure > 0 && --calls_to_failure == 0;
}

unsigned draw(unsigned n) { return n < 2 ? 0 : (unsigned)generator() % n; }

void count_live(int change) { live += (size_t)change; }

}

using namespace emulator;

extern "C" {

void emulator_set_devices(int count) { devices = count; }
void emulator_set_memory(size_t bytes) { memory_of_device = bytes; }
void emulator_set_capability(int wanted) { capability = wanted; }
long emulator_searches(void) { return searches; }
void emulator_set_unaligned(int some) { some_unaligned = some; }
void emulator_fail_call(long n) { calls_to_failure = n; }
long emulator_calls(void) { return calls; }
size_t emulator_live(void) { return live; }

void emulator_refuse_epilogues(unsigned bits, int late)
{
    refused_epilogues = bits;
    refused_late = late != 0;
}

void emulator_set_order(int wanted)
{
    order = wanted;
    generator.seed((unsigned)wanted);
}

const char *emulator_complaint(void)
{
    static char text[sizeof complaint];
    locked hold(lock);
    snprintf(text, sizeof text, "%s", complaint);
    complaint[0] = '\0';
    return text;
}

}
