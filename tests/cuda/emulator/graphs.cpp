/* Capture and graphs: work of a stream that is captured is not done but recorded, with its arguments as they are then; a graph's launch queues it
 * all again. What must not happen during a capture is complained of and spoils it. One stream by itself, as the library has it. */
#include "inside.h"

#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

struct CUgraph_st { std::vector<emulator::work> works; };
struct CUgraphExec_st { std::vector<emulator::work> works; std::shared_ptr<long> in_flight; };

namespace emulator {

struct capture {
    std::thread::id thread;
    cudaStreamCaptureMode mode;
    bool spoilt;
    std::vector<work> works;
};

static std::map<cudaStream_t, capture> captures;
static std::set<cudaGraph_t> graphs;
static std::set<cudaGraphExec_t> executables;
static bool refused;
static long replays;

bool is_captured(cudaStream_t stream) { return captures.count(stream) != 0; }

cudaError_t record(cudaStream_t stream, const work &more)
{
    capture &c = captures[stream];
    c.works.push_back(more);
    return c.spoilt ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}

/* Whether a capture forbids this thread what may wait for the GPU. */
static bool forbids(const capture &c)
{
    return c.mode == cudaStreamCaptureModeGlobal || (c.mode == cudaStreamCaptureModeThreadLocal && c.thread == std::this_thread::get_id());
}

bool is_illegal(const char *what, cudaStream_t stream)
{
    locked hold(lock);
    for (auto &c : captures)
        if (c.first == stream || forbids(c.second)) {
            complain("%s: while a stream is captured", what);
            c.second.spoilt = true;
            return true;
        }
    return false;
}

template <typename T> static bool is_one_of(const std::set<T> &all, T one, const char *what)
{
    if (all.count(one) == 0)
        complain("%s: no such graph", what);
    return all.count(one) != 0;
}

}

using namespace emulator;

extern "C" {

void emulator_refuse_capture(int refuse) { refused = refuse != 0; }
long emulator_replays(void) { return replays; }

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode)
{
    locked hold(lock);
    if (is_captured(stream)) {
        complain("cudaStreamBeginCapture: the stream is captured already");
        return cudaErrorIllegalState;
    }
    if (call_fails() || refused)
        return cudaErrorStreamCaptureUnsupported;
    captures[stream] = {std::this_thread::get_id(), mode, false, {}};
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    locked hold(lock);
    *graph = nullptr;
    if (!is_captured(stream)) {
        complain("cudaStreamEndCapture: the stream is not captured");
        return cudaErrorIllegalState;
    }
    const capture ended = captures[stream];
    if (ended.mode != cudaStreamCaptureModeRelaxed && ended.thread != std::this_thread::get_id()) {
        complain("cudaStreamEndCapture: another thread began it");
        return cudaErrorStreamCaptureWrongThread;
    }
    captures.erase(stream);
    if (call_fails() || ended.spoilt)
        return cudaErrorStreamCaptureInvalidated;
    *graph = new CUgraph_st{ended.works};
    graphs.insert(*graph);
    count_live(1);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    locked hold(lock);
    if (!is_one_of(graphs, graph, "cudaGraphDestroy"))
        return cudaErrorInvalidValue;
    graphs.erase(graph);
    delete graph;
    count_live(-1);
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long)
{
    locked hold(lock);
    if (!is_one_of(graphs, graph, "cudaGraphInstantiate"))
        return cudaErrorInvalidValue;
    if (call_fails())
        return cudaErrorMemoryAllocation;
    *executable = new CUgraphExec_st{graph->works, std::make_shared<long>(0)};
    executables.insert(*executable);
    count_live(1);
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
    locked hold(lock);
    if (!is_one_of(executables, executable, "cudaGraphExecDestroy"))
        return cudaErrorInvalidValue;
    if (*executable->in_flight > 0)
        complain("cudaGraphExecDestroy: the graph has not come to its end yet");
    executables.erase(executable);
    delete executable;
    count_live(-1);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
    locked hold(lock);
    if (!is_one_of(executables, executable, "cudaGraphLaunch"))
        return cudaErrorInvalidValue;
    if (is_captured(stream) && is_illegal("cudaGraphLaunch", stream))
        return cudaErrorStreamCaptureUnsupported;
    if (call_fails())
        return cudaErrorLaunchFailure;
    replays++;
    cudaError_t error = cudaSuccess;
    for (const work &next : executable->works)
        if (error == cudaSuccess)
            error = enqueue(stream, next.what, next.does);
    if (error != cudaSuccess)
        return error;
    std::shared_ptr<long> in_flight = executable->in_flight;
    ++*in_flight;
    return enqueue(stream, "cudaGraphLaunch", [=] { --*in_flight; });
}

}
