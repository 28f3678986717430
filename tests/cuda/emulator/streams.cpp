/* Streams: queues of work that is done when somebody waits, one stream's in order, those of several in any. So what was never waited for is
 * not there, and what must wait for another stream does so by luck only, or by an event. */
#include "inside.h"

#include <deque>
#include <set>
#include <vector>

struct CUstream_st { std::deque<emulator::work> queue; };
struct CUevent_st { long recorded, done; };                 /* how often that was asked for, and how often it has come to pass */

namespace emulator {

static std::set<cudaStream_t> streams;
static std::set<cudaEvent_t> events;

static void do_next(cudaStream_t stream)
{
    work next = stream->queue.front();
    stream->queue.pop_front();
    at_work now(next.what);
    next.does();
}

/* One that has something to do and need not wait for another; there is one while any has something to do: no work waits for later work. */
static cudaStream_t busy_one()
{
    std::vector<cudaStream_t> busy;
    for (cudaStream_t stream : streams)
        if (!stream->queue.empty() && (!stream->queue.front().may_begin || stream->queue.front().may_begin()))
            busy.push_back(stream);
    return busy.empty() ? nullptr : busy[draw((unsigned)busy.size())];
}

static void work_until(const std::function<bool()> &done)
{
    at_work all("");
    while (!done())
        do_next(busy_one());
}

static void finish(cudaStream_t stream)
{
    work_until([=] { return stream->queue.empty(); });
}

void finish_all()
{
    locked hold(lock);
    for (cudaStream_t stream : streams)
        finish(stream);
}

static bool is_stream(const char *what, cudaStream_t stream)
{
    if (streams.count(stream) == 0)
        complain("%s: on a stream that does not exist, or on the default one", what);
    return streams.count(stream) != 0;
}

static bool is_event(const char *what, cudaEvent_t event)
{
    if (events.count(event) == 0)
        complain("%s: no such event", what);
    return events.count(event) != 0;
}

/* Waiting for what will not come ends at once: a mistake. */
static bool was_recorded(const char *what, cudaEvent_t event)
{
    if (event->recorded == 0)
        complain("%s: for an event that was never recorded", what);
    return event->recorded != 0;
}

cudaError_t enqueue(cudaStream_t stream, const char *what, std::function<void()> does, std::function<bool()> may_begin)
{
    locked hold(lock);
    if (!is_stream(what, stream))
        return cudaErrorInvalidResourceHandle;
    const work more = {what, std::move(does), std::move(may_begin)};
    if (is_captured(stream))
        return record(stream, more);
    stream->queue.push_back(more);
    return cudaSuccess;
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
    if (!is_stream("cudaStreamDestroy", stream))
        return cudaErrorInvalidResourceHandle;
    if (is_illegal("cudaStreamDestroy", stream))
        return cudaErrorStreamCaptureUnsupported;
    finish(stream);
    streams.erase(stream);
    delete stream;
    count_live(-1);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    locked hold(lock);
    if (!is_stream("cudaStreamSynchronize", stream))
        return cudaErrorInvalidResourceHandle;
    if (is_illegal("cudaStreamSynchronize", stream))
        return cudaErrorStreamCaptureUnsupported;
    finish(stream);
    return call_fails() ? cudaErrorLaunchFailure : cudaSuccess;
}

/* ---- Events ---- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    locked hold(lock);
    if (call_fails())
        return cudaErrorMemoryAllocation;
    *event = new CUevent_st{0, 0};
    events.insert(*event);
    count_live(1);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    locked hold(lock);
    if (!is_event("cudaEventDestroy", event))
        return cudaErrorInvalidResourceHandle;
    if (event->done != event->recorded) {
        complain("cudaEventDestroy: the event has not come to pass yet");
        finish_all();
    }
    events.erase(event);
    delete event;
    count_live(-1);
    return cudaSuccess;
}

/* Streams that are captured have no events: the library records one stream by itself. */
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    locked hold(lock);
    if (!is_event("cudaEventRecord", event) || !is_stream("cudaEventRecord", stream))
        return cudaErrorInvalidResourceHandle;
    if (is_captured(stream) && is_illegal("cudaEventRecord", stream))
        return cudaErrorStreamCaptureUnsupported;
    if (call_fails())
        return cudaErrorInvalidValue;
    long number = ++event->recorded;
    return enqueue(stream, "cudaEventRecord", [=] { event->done = number; });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    locked hold(lock);
    if (!is_event("cudaStreamWaitEvent", event) || !is_stream("cudaStreamWaitEvent", stream))
        return cudaErrorInvalidResourceHandle;
    if (is_captured(stream) && is_illegal("cudaStreamWaitEvent", stream))
        return cudaErrorStreamCaptureUnsupported;
    if (call_fails() || !was_recorded("cudaStreamWaitEvent", event))
        return cudaErrorInvalidValue;
    long number = event->recorded;
    return enqueue(stream, "cudaStreamWaitEvent", [] {}, [=] { return event->done >= number; });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    locked hold(lock);
    if (!is_event("cudaEventSynchronize", event))
        return cudaErrorInvalidResourceHandle;
    if (is_illegal("cudaEventSynchronize", nullptr))
        return cudaErrorStreamCaptureUnsupported;
    if (was_recorded("cudaEventSynchronize", event))
        work_until([=] { return event->done == event->recorded; });
    return call_fails() ? cudaErrorLaunchFailure : cudaSuccess;
}

}
