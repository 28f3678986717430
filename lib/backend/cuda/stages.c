/* Batches on their way to a device: sent by a stream of their own from memory of the host that the GPU reads by itself, while kernels work on
 * others. Events keep both in order. Knows nothing of what is sent. */
#include "backend/cuda/device.h"

/* Nothing was sent yet: nobody shall wait. */
static bool make_event(knn_device *device, cudaEvent_t *event, cudaStream_t stream)
{
    if (*event == NULL)
        knn__cuda_did(device, cudaEventCreateWithFlags(event, cudaEventDisableTiming), "making an event");
    if (!device->failed)
        knn__cuda_did(device, cudaEventRecord(*event, stream), "recording an event");
    return !device->failed;
}

/* All of it is made for the first batch; what fails, for the next one. */
static bool open_stages(knn_device *device)
{
    knn__cuda_enter(device);
    if (device->stages_are_open)
        return true;
    if (device->copies == NULL)
        knn__cuda_did(device, cudaStreamCreateWithFlags(&device->copies, cudaStreamNonBlocking), "making a stream");
    for (int i = 0; i < KNN_STAGES && !device->failed; i++)
        if (make_event(device, &device->sent[i], device->copies))
            make_event(device, &device->received[i], device->stream);
    device->stages_are_open = !device->failed;
    return device->stages_are_open;
}

void knn__cuda_close_stages(knn_device *device)
{
    if (device->copies == NULL)
        return;
    cudaStreamSynchronize(device->copies);
    for (int i = 0; i < KNN_STAGES; i++) {
        if (device->sent[i] != NULL)
            cudaEventDestroy(device->sent[i]);
        if (device->received[i] != NULL)
            cudaEventDestroy(device->received[i]);
    }
    cudaStreamDestroy(device->copies);
}

void knn__cuda_send(knn_device *device, int number, void *to, const void *from, size_t bytes)
{
    if (!open_stages(device))
        return;
    knn__cuda_did(device, cudaStreamWaitEvent(device->copies, device->received[number], 0), "waiting for a batch");
    knn__cuda_did(device, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->copies), "sending a batch");
    knn__cuda_did(device, cudaEventRecord(device->sent[number], device->copies), "recording an event");
    knn__cuda_did(device, cudaStreamWaitEvent(device->stream, device->sent[number], 0), "waiting for a batch");
}

void knn__cuda_received(knn_device *device, int number)
{
    if (open_stages(device))
        knn__cuda_did(device, cudaEventRecord(device->received[number], device->stream), "recording an event");
}

void knn__cuda_sent(knn_device *device, int number)
{
    if (open_stages(device))
        knn__cuda_did(device, cudaEventSynchronize(device->sent[number]), "waiting for a batch");
}
