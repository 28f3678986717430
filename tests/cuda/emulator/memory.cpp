/* The GPU's memory: each allocation on pages of its own, between pages without access, full of NaN, its addresses never used again. It can
 * be touched only while the GPU is at work. */
#include "inside.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

namespace emulator {

static const size_t PAGE = 4096, ALIGNMENT = 256, PIECE = (size_t)4 << 20;
static const int NAN_BYTE = 0xff;

typedef struct allocation { size_t bytes, mapped; char *first_page, *start; long number; } allocation;

typedef std::map<char *, allocation> by_address;

static by_address allocations, freed;
char *device_range;
static char *next;
static int nan_file;                                        /* PIECE bytes of NaN; pages that nobody writes stay the file's */
static size_t in_use;
static long made;
static int working;
static const char *work_name = "";

/* ---- What was touched that must not be ---- */

static const allocation *last_before(const by_address &all, const char *address)
{
    auto after = all.upper_bound((char *)address);
    return after == all.begin() ? nullptr : &std::prev(after)->second;
}

static const allocation *nearest(const char *address)
{
    const allocation *live = last_before(allocations, address + PAGE), *gone = last_before(freed, address + PAGE);
    return gone == nullptr || (live != nullptr && live->first_page > gone->first_page) ? live : gone;
}

static void explain_crash(int signal, siginfo_t *info, void *)
{
    char text[512], thread[128];
    char *address = (char *)info->si_addr;
    if (is_an_address_of_the_device(address)) {
        const allocation *near = nearest(address);
        describe_thread(thread, sizeof thread);
        int length = snprintf(text, sizeof text, "emulator: %s%s touched %p: %s allocation %ld of %zu bytes\n",
                              working ? work_name : "code of the host", working ? thread : "", (void *)address,
                              near == nullptr ? "before" : !working ? "of the device's memory," : freed.count(near->start) == 0 ? "beyond" : "of the freed",
                              near != nullptr ? near->number : 0, near != nullptr ? near->bytes : 0);
        if (write(STDERR_FILENO, text, (size_t)length) < 0)
            _exit(98);
        _exit(99);
    }
    ::signal(signal, SIG_DFL);
    raise(signal);
}

static void make_nan_file()
{
    nan_file = memfd_create("nan", MFD_CLOEXEC);
    void *piece = ftruncate(nan_file, (off_t)PIECE) == 0 ? mmap(nullptr, PIECE, PROT_WRITE, MAP_SHARED, nan_file, 0) : MAP_FAILED;
    if (piece == MAP_FAILED)
        return;
    memset(piece, NAN_BYTE, PIECE);
    munmap(piece, PIECE);
}

static bool fill(char *first, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += PIECE)
        if (mmap(first + at, bytes - at < PIECE ? bytes - at : PIECE, PROT_NONE, MAP_PRIVATE | MAP_FIXED, nan_file, 0) == MAP_FAILED)
            return false;
    return true;
}

static void reserve()
{
    make_nan_file();
    device_range = (char *)mmap(nullptr, DEVICE_RANGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    next = device_range + PAGE;
    struct sigaction action = {};
    action.sa_sigaction = explain_crash;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
}

/* ---- Opening and closing it ---- */

static void protect(const allocation &a)
{
    mprotect(a.first_page, a.mapped, working ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static void protect_all()
{
    for (auto &a : allocations)
        protect(a.second);
}

at_work::at_work(const char *what)
{
    lock.lock();
    work_name = what;
    if (working++ == 0)
        protect_all();
}

at_work::~at_work()
{
    if (--working == 0)
        protect_all();
    lock.unlock();
}

void *lazy_bytes(size_t bytes)
{
    void *made = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED)
        abort();
    return made;
}

/* ---- Looking things up ---- */

bool is_on_device(const void *block, size_t bytes)
{
    locked hold(lock);
    const allocation *a = last_before(allocations, (const char *)block);
    size_t before = a != nullptr ? (size_t)((const char *)block - a->start) : 0;
    return a != nullptr && before < a->bytes && bytes <= a->bytes - before;
}

bool expect_on_device(const char *what, const void *block, size_t bytes)
{
    if (is_on_device(block, bytes))
        return true;
    complain("%s: %zu bytes at %p are not within one allocation of the device", what, bytes, block);
    return false;
}

static cudaError_t allocate(void **block, size_t bytes)
{
    if (device_range == nullptr)
        reserve();
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, mapped = (rounded + PAGE - 1) / PAGE * PAGE;
    if (bytes == 0 || in_use + rounded > memory_of_device)
        return bytes == 0 ? cudaErrorInvalidValue : cudaErrorMemoryAllocation;
    if (next + mapped + PAGE > device_range + DEVICE_RANGE || !fill(next, mapped))
        return cudaErrorMemoryAllocation;
    char *start = next + mapped - rounded;                  /* against the page behind it */
    allocation a = {bytes, mapped, next, start, ++made};
    next += mapped + PAGE;
    allocations[start] = a;
    protect(a);
    check_allocated(start, bytes);
    in_use += rounded;
    count_live(1);
    *block = start;
    return cudaSuccess;
}

static cudaError_t release(void *block)
{
    auto found = allocations.find((char *)block);
    if (found == allocations.end()) {
        complain("cudaFree: %p is no allocation that is alive", block);
        return cudaErrorInvalidValue;
    }
    const allocation a = found->second;
    freed.insert(*found);
    allocations.erase(found);
    check_freed(a.start, a.bytes);
    mmap(a.first_page, a.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    in_use -= (a.bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    count_live(-1);
    return cudaSuccess;
}

static size_t free_bytes() { return memory_of_device > in_use ? memory_of_device - in_use : 0; }

}

using namespace emulator;

extern "C" {

cudaError_t cudaMalloc(void **block, size_t bytes)
{
    locked hold(lock);
    if (is_illegal("cudaMalloc", nullptr))
        return cudaErrorStreamCaptureUnsupported;
    return call_fails() ? cudaErrorMemoryAllocation : allocate(block, bytes);
}

cudaError_t cudaFree(void *block)
{
    locked hold(lock);
    if (is_illegal("cudaFree", nullptr))
        return cudaErrorStreamCaptureUnsupported;
    finish_all();
    return block == nullptr ? cudaSuccess : release(block);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *all)
{
    locked hold(lock);
    *available = free_bytes();
    *all = memory_of_device;
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (call_fails())
        return cudaErrorInvalidValue;
    const void *there = kind == cudaMemcpyHostToDevice ? to : from, *here = kind == cudaMemcpyHostToDevice ? from : to;
    if (kind != cudaMemcpyHostToDevice && kind != cudaMemcpyDeviceToHost) {
        complain("cudaMemcpyAsync: only copies between host and device are used");
        return cudaErrorInvalidMemcpyDirection;
    }
    if (bytes == 0)
        return cudaSuccess;
    if (!expect_on_device("cudaMemcpyAsync", there, bytes))
        return cudaErrorInvalidValue;
    if (is_on_device(here, 1)) {
        complain("cudaMemcpyAsync: %p is the device's, expected the host's", here);
        return cudaErrorInvalidValue;
    }
    if (is_captured(stream) && !is_pinned(here, bytes) && is_illegal("cudaMemcpyAsync of memory that is not pinned", stream))
        return cudaErrorStreamCaptureUnsupported;
    return enqueue(stream, "cudaMemcpyAsync", [=] {
        memcpy(to, from, bytes);
        check_written(to, bytes);
    });
}

cudaError_t cudaMemsetAsync(void *block, int value, size_t bytes, cudaStream_t stream)
{
    if (call_fails() || !expect_on_device("cudaMemsetAsync", block, bytes))
        return cudaErrorInvalidValue;
    return enqueue(stream, "cudaMemsetAsync", [=] {
        memset(block, value, bytes);
        check_written(block, bytes);
    });
}

}
