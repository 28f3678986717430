/* Which devices there are, and errors by name. */
#include "inside.h"

#include <cstring>

namespace emulator {

struct named_error { cudaError_t error; const char *name, *text; };
static const named_error errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver", "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported", "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated", "operation failed due to a previous error during capture"}};

static const named_error *find(cudaError_t error)
{
    for (const named_error &e : errors)
        if (e.error == error)
            return &e;
    return nullptr;
}

}

using namespace emulator;

extern "C" {

const char *cudaGetErrorName(cudaError_t error) { return find(error) != nullptr ? find(error)->name : "unrecognized error code"; }
const char *cudaGetErrorString(cudaError_t error) { return find(error) != nullptr ? find(error)->text : "unrecognized error code"; }

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = devices > 0 ? devices : 0;
    if (devices < 0)
        return cudaErrorInsufficientDriver;
    return devices == 0 || call_fails() ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return device < 0 || device >= devices || call_fails() ? cudaErrorInvalidDevice : cudaSuccess; }

/* All kernels are compiled for the GPU that there is. */
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *of, const void *)
{
    *of = {};
    of->ptxVersion = of->binaryVersion = capability;
    return call_fails() ? cudaErrorInvalidDeviceFunction : cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device)
{
    if (device < 0 || device >= devices || call_fails())
        return cudaErrorInvalidDevice;
    if (attribute == cudaDevAttrComputeCapabilityMajor)
        *value = capability / 10;
    else if (attribute == cudaDevAttrComputeCapabilityMinor)
        *value = capability % 10;
    else {
        complain("cudaDeviceGetAttribute: attribute %d is not emulated", (int)attribute);
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
}

}
