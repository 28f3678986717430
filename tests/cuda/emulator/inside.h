/* What the emulator's files share. One lock for all: the emulated GPU does one thing at a time. */
#ifndef TESTS_CUDA_EMULATOR_INSIDE_H
#define TESTS_CUDA_EMULATOR_INSIDE_H

#include "emulator.h"

#include <cuda_runtime_api.h>

#include <functional>
#include <mutex>
#include <string>

namespace emulator {

namespace ptx { struct function; struct instruction; }

extern std::recursive_mutex lock;
typedef std::lock_guard<std::recursive_mutex> locked;

/* ---- state.cpp ---- */

extern int devices, order;
extern size_t memory_of_device;
extern int capability;
extern unsigned refused_epilogues;
extern bool refused_late;
extern long searches;
extern bool some_unaligned;

/* Keeps the first misuse for emulator_complaint. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether this call, which can fail, is the one that shall. */
bool call_fails();
/* A number below n; the same ones in every run with the same order. */
unsigned draw(unsigned n);
/* Something came alive (1) or went (-1). */
void count_live(int change);

/* ---- memory.cpp ---- */

/* Whether all of it lies in one allocation that is alive. */
bool is_on_device(const void *block, size_t bytes);
/* Whether it could be: an address of the range that all allocations are taken from. */
extern char *device_range;
static const size_t DEVICE_RANGE = (size_t)1 << 36;
static inline bool is_an_address_of_the_device(const void *place)
{
    return device_range != nullptr && (size_t)((const char *)place - device_range) < DEVICE_RANGE;
}
/* Complains where it does not. */
bool expect_on_device(const char *what, const void *block, size_t bytes);
/* Of the host: zeros, which cost nothing until they are written. */
void *lazy_bytes(size_t bytes);
template <typename T> T *lazy_room(size_t count) { return (T *)lazy_bytes(count * sizeof(T)); }

/* While one exists the GPU is at work, and its memory can be touched: code of the host that does so stops with a message. */
struct at_work {
    explicit at_work(const char *what);
    ~at_work();
};

/* ---- streams.cpp ---- */

struct work {
    const char *what;
    std::function<void()> does;
    std::function<bool()> may_begin;                        /* empty: as soon as what is queued before it is done */
};
/* Queues work; it is done when somebody waits, or recorded if the stream is captured. */
cudaError_t enqueue(cudaStream_t stream, const char *what, std::function<void()> does, std::function<bool()> may_begin = nullptr);
/* Does all work of all streams. */
void finish_all();

/* ---- graphs.cpp ---- */

bool is_captured(cudaStream_t stream);
cudaError_t record(cudaStream_t stream, const work &more);
/* Whether a capture forbids this thread a call that may wait for the GPU (stream NULL), or anybody one that is about the stream. Complains, and
 * the capture is spoilt. */
bool is_illegal(const char *what, cudaStream_t stream);

/* ---- pinned.cpp ---- */

/* Whether all of it lies in one block of cudaMallocHost's. */
bool is_pinned(const void *block, size_t bytes);

/* ---- launch.cpp ---- */

void count_launch();
/* Where a kernel is, for messages. */
void describe_thread(char *text, size_t size);

/* ---- checker.cpp: what kernels touch, checked byte by byte. For kernels in PTX only ---- */

/* Whether that is wanted: it is slow. With EMULATOR_CHECK in the environment. */
extern bool checking;
/* Bytes of the device's memory have become somebody's, were written by others than kernels, or are nobody's again. */
void check_allocated(const void *block, size_t bytes);
void check_written(const void *block, size_t bytes);
void check_freed(const void *block, size_t bytes);
/* A new launch: what threads of others touched is of no interest. A new block, with memory that its threads share. All of its threads
 * met: what they touched before is done. */
void check_launch(const char *kernel);
void check_block(const void *shared, size_t bytes);
void check_barrier();
/* The thread that runs reads or writes; `where` says in which line, if that is asked for. false: it must not. */
bool check_access(const void *place, size_t bytes, bool writes, const std::function<std::string()> &where);

/* ---- traffic.cpp ---- */

extern bool counting;
/* A launch begins; it touches the device's memory. */
void count_from(const char *kernel);
void count_moved(const void *place, size_t bytes, bool writes);
/* Of the launch that was counted last, as people read it. */
const char *kernel_name();

/* ---- requests.cpp ---- */

/* The thread that runs asks for these bytes at this instruction. A block has ended: its requests are whole. */
void count_request(const ptx::function &f, const ptx::instruction &i, const void *place, size_t bytes, bool shared);
void finish_requests();
void forget_requests();

}

#endif
