/* A device's work recorded as a CUDA graph, and queued again as a whole. Does not know what the work is. */
#include "backend/cuda/graph.h"

static cudaGraphExec_t graph_of(knn_recording *recording) { return (cudaGraphExec_t)(void *)recording; }

/* Other threads may go on allocating meanwhile. */
bool knn__cuda_record(knn_device *device)
{
    knn__cuda_enter(device);
    if (device->failed)
        return false;
    bool began = cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess;
    if (!began)
        cudaGetLastError();                                 /* a later launch shall not find it */
    return began;
}

/* What failed has not been recorded, and is no failure of the device: the work can be queued by itself. */
knn_recording *knn__cuda_recorded(knn_device *device)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t executable = NULL;
    bool whole = cudaStreamEndCapture(device->stream, &graph) == cudaSuccess && !device->failed;
    if (whole && cudaGraphInstantiateWithFlags(&executable, graph, 0) != cudaSuccess)
        executable = NULL;
    if (graph != NULL)
        cudaGraphDestroy(graph);
    device->failed = false;
    cudaGetLastError();
    return (knn_recording *)(void *)executable;
}

/* Weights do not change by what was not made. */
void knn__cuda_replay(knn_device *device, knn_recording *recording)
{
    knn__cuda_enter(device);
    if (!device->failed)
        knn__cuda_did(device, cudaGraphLaunch(graph_of(recording), device->stream), "a recorded step");
}

void knn__cuda_forget(knn_device *device, knn_recording *recording)
{
    if (recording == NULL)
        return;
    knn__cuda_enter(device);
    cudaStreamSynchronize(device->stream);
    cudaGraphExecDestroy(graph_of(recording));
}
