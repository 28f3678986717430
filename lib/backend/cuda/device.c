/* Devices: finding, opening, memory, copies, waiting; failures are kept until somebody waits or marks. Computes nothing. */
#include "backend/cuda/device.h"

#include "backend/cuda/blas.h"
#include "backend/cuda/graph.h"
#include "backend/cuda/kernels.h"
#include "core/memory.h"
#include "core/status.h"

#include <stdio.h>

enum { OLDEST_MAJOR = 7, OLDEST_MINOR = 5 };                /* compute capability that the kernels are compiled for at least */

void knn__cuda_failed(knn_device *device, const char *what, const char *why)
{
    if (!device->failed)
        snprintf(device->failure, sizeof device->failure, "GPU %d: %s: %s", device->number, what, why);
    device->failed = true;
}

void knn__cuda_did(knn_device *device, cudaError_t error, const char *what)
{
    if (error != cudaSuccess)
        knn__cuda_failed(device, what, cudaGetErrorString(error));
}

/* ---- Finding ---- */

static knn_status refuse(cudaError_t error)
{
    cudaGetLastError();                                     /* a later launch shall not find it */
    return knn__fail(KNN_ERROR_DEVICE, "%s (%s)", cudaGetErrorString(error), cudaGetErrorName(error));
}

static knn_status check_capability(int number)
{
    int major = 0, minor = 0;
    cudaError_t error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, number);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, number);
    if (error != cudaSuccess)
        return refuse(error);
    if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR))
        return KNN_OK;
    return knn__fail(KNN_ERROR_DEVICE, "GPU %d has compute capability %d.%d, expected at least %d.%d", number, major, minor, OLDEST_MAJOR,
                     OLDEST_MINOR);
}

static knn_status available(int number)
{
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess)
        return refuse(error);
    if (number >= count)
        return knn__fail(KNN_ERROR_DEVICE, "there is no GPU %d, there are %d", number, count);
    knn_status status = check_capability(number);
    return status == KNN_OK ? knn__cuda_blas_load() : status;
}

/* ---- Opening ---- */

void knn__cuda_enter(knn_device *device) { knn__cuda_did(device, cudaSetDevice(device->number), "choosing the device"); }

static void close(knn_device *device)
{
    if (device == NULL)
        return;
    knn__cuda_enter(device);
    if (device->stream != NULL)
        cudaStreamSynchronize(device->stream);
    knn__cuda_close_stages(device);
    knn__cuda_blas_close(device);
    for (int i = 0; i < KNN_MARKS; i++)
        if (device->marks[i] != NULL)
            cudaEventDestroy(device->marks[i]);
    if (device->stream != NULL)
        cudaStreamDestroy(device->stream);
    knn__free(device);
}

static bool make_queue(knn_device *device)
{
    knn__cuda_enter(device);
    knn__cuda_did(device, cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking), "making a stream");
    for (int i = 0; i < KNN_MARKS && !device->failed; i++)
        knn__cuda_did(device, cudaEventCreateWithFlags(&device->marks[i], cudaEventDisableTiming), "making an event");
    return !device->failed;
}

static bool has_tensor_cores(knn_device *device)
{
    bool has;
    knn__cuda_did(device, knn__cuda_has_tensor_cores(&has), "looking for tensor cores");
    return has;
}

static knn_status open(int number, bool tensor, knn_device **device)
{
    *device = knn__alloc(1, sizeof **device);
    if (*device == NULL)
        return KNN_ERROR_MEMORY;
    (*device)->number = number;
    knn__cuda_enter(*device);
    (*device)->tensor = tensor && has_tensor_cores(*device);
    knn_status status = !(*device)->failed && make_queue(*device) ? knn__cuda_blas_open(*device) : KNN_ERROR_DEVICE;
    if (status == KNN_OK)
        return KNN_OK;
    if ((*device)->failed)
        knn__fail(status, "%s", (*device)->failure);
    close(*device);
    *device = NULL;
    return status;
}

/* ---- Memory ---- */

static void *allocate(knn_device *device, size_t bytes)
{
    void *block = NULL;
    size_t free_bytes = 0, all_bytes = 0;
    knn__cuda_enter(device);
    cudaError_t error = cudaMalloc(&block, bytes);
    if (error == cudaSuccess)
        return block;
    cudaGetLastError();
    cudaMemGetInfo(&free_bytes, &all_bytes);
    knn__fail(KNN_ERROR_DEVICE_MEMORY, "GPU %d: no memory for %zu bytes: %zu of %zu are free (%s)", device->number, bytes, free_bytes, all_bytes,
              cudaGetErrorName(error));
    return NULL;
}

static size_t room(knn_device *device)
{
    size_t free_bytes = 0, all_bytes = 0;
    knn__cuda_enter(device);
    return cudaMemGetInfo(&free_bytes, &all_bytes) == cudaSuccess ? free_bytes : 0;
}

/* The tests' run time has this function, NVIDIA's has not. */
size_t knn__cuda_placed(void *array, size_t bytes) __attribute__((weak));

static size_t placed(void *array, size_t bytes) { return knn__cuda_placed != NULL ? knn__cuda_placed(array, bytes) : 0; }

static void release(knn_device *device, void *block)
{
    if (block == NULL)
        return;
    knn__cuda_enter(device);
    cudaFree(block);
}

static void *pin(knn_device *device, size_t bytes)
{
    void *block = NULL;
    knn__cuda_enter(device);
    cudaError_t error = cudaMallocHost(&block, bytes);
    if (error == cudaSuccess)
        return block;
    cudaGetLastError();
    knn__fail(KNN_ERROR_DEVICE_MEMORY, "GPU %d: no pinned memory for %zu bytes (%s)", device->number, bytes, cudaGetErrorName(error));
    return NULL;
}

static void unpin(knn_device *device, void *block)
{
    if (block == NULL)
        return;
    knn__cuda_enter(device);
    if (device->copies != NULL)
        cudaStreamSynchronize(device->copies);
    cudaFreeHost(block);
}

static void write(knn_device *device, void *to, const void *from, size_t bytes)
{
    knn__cuda_enter(device);
    knn__cuda_did(device, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream), "copying to the device");
}

static void read(knn_device *device, void *to, const void *from, size_t bytes)
{
    knn__cuda_enter(device);
    knn__cuda_did(device, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream), "copying from the device");
}

static void zero(knn_device *device, void *block, size_t bytes)
{
    knn__cuda_enter(device);
    knn__cuda_did(device, cudaMemsetAsync(block, 0, bytes, device->stream), "zeroing");
}

/* ---- Waiting ---- */

/* The first failure since the last time. */
static knn_status report(knn_device *device)
{
    if (!device->failed)
        return KNN_OK;
    device->failed = false;
    return knn__fail(KNN_ERROR_DEVICE, "%s", device->failure);
}

static knn_status wait(knn_device *device)
{
    knn__cuda_enter(device);
    knn__cuda_did(device, cudaStreamSynchronize(device->stream), "waiting for the device");
    return report(device);
}

static knn_status mark(knn_device *device, int number)
{
    knn__cuda_enter(device);
    knn__cuda_did(device, cudaEventRecord(device->marks[number], device->stream), "marking a place in the queue");
    return device->failed ? wait(device) : KNN_OK;
}

static knn_status reach(knn_device *device, int number)
{
    knn__cuda_enter(device);
    knn__cuda_did(device, cudaEventSynchronize(device->marks[number]), "waiting for the device");
    return report(device);
}

const knn__device_class knn__cuda_devices = {
    .available = available, .open = open, .close = close, .alloc = allocate, .free = release, .room = room, .placed = placed, .write = write,
    .read = read, .zero = zero, .wait = wait, .pin = pin, .unpin = unpin, .send = knn__cuda_send,
    .received = knn__cuda_received, .sent = knn__cuda_sent, .mark = mark, .reach = reach, .record = knn__cuda_record,
    .recorded = knn__cuda_recorded, .replay = knn__cuda_replay, .forget = knn__cuda_forget,
};
