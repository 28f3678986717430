/* Streams: queues of work that is done when somebody waits, one stream's in order, those of several in any. So what was never waited for is
 * not there, and what must wait for another stream does so by luck only. */
#include "inside.h"

#include <deque>
#include <set>
#include <vector>

struct CUstream_st {
    struct work { const char *what; std::function<void()> does; };
    std::deque<work> queue;
};

namespace emulator {

static std::set<cudaStream_t> streams;

static void do_next(cudaStream_t stream)
{
    CUstream_st::work next = stream->queue.front();
    stream->queue.pop_front();
    at_work now(next.what);
    next.does();
}

static cudaStream_t busy_one()
{
    std::vector<cudaStream_t> busy;
    for (cudaStream_t stream : streams)
        if (!stream->queue.empty())
            busy.push_back(stream);
    return busy.empty() ? nullptr : busy[draw((unsigned)busy.size())];
}

cudaError_t enqueue(cudaStream_t stream, const char *what, std::function<void()> work)
{
    locked hold(lock);
    if (streams.count(stream) == 0) {
        complain("%s: on a stream that does not exist, or on the default one", what);
        return cudaErrorInvalidResourceHandle;
    }
    stream->queue.push_back({what, std::move(work)});
    return cudaSuccess;
}

void finish_all()
{
    locked hold(lock);
    at_work all("");
    for (cudaStream_t stream; (stream = busy_one()) != nullptr;)
        do_next(stream);
}

static void finish(cudaStream_t stream)
{
    at_work all("");
    while (!stream->queue.empty())
        do_next(busy_one());
}

}

using namespace emulator;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    locked hold(lock);
    if (call_fails())
        return cudaErrorMemoryAllocation;
    *stream = new CUstream_st;
    streams.insert(*stream);
    count_live(1);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    locked hold(lock);
    if (streams.count(stream) == 0) {
        complain("cudaStreamDestroy: no such stream");
        return cudaErrorInvalidResourceHandle;
    }
    finish(stream);
    streams.erase(stream);
    delete stream;
    count_live(-1);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    locked hold(lock);
    if (streams.count(stream) == 0) {
        complain("cudaStreamSynchronize: no such stream");
        return cudaErrorInvalidResourceHandle;
    }
    finish(stream);
    return call_fails() ? cudaErrorLaunchFailure : cudaSuccess;
}

}
