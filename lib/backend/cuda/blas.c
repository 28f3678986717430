/* cuBLAS, loaded on demand: a handle for each device, and products of row-major matrices. Lays out nothing: im2col.cu. */
#include "backend/cuda/blas_lt.h"

#include "backend/cuda/library.h"
#include "core/status.h"

#include <pthread.h>
#include <stdio.h>

#define QUOTE_(text) #text
#define QUOTE(text) QUOTE_(text)
#define LIBRARY "libcublas.so." QUOTE(CUBLAS_VER_MAJOR)

/* The functions that are used, with the types that the header gives them. */
static struct {
    __typeof__(cublasCreate) *create;
    __typeof__(cublasDestroy) *destroy;
    __typeof__(cublasSetStream) *set_stream;
    __typeof__(cublasSetWorkspace) *set_workspace;
    __typeof__(cublasSetMathMode) *set_math_mode;
    __typeof__(cublasSgemm) *sgemm;
} blas;

static const knn__cuda_function functions[] = {
    {"cublasCreate_v2", &blas.create}, {"cublasDestroy_v2", &blas.destroy}, {"cublasSetStream_v2", &blas.set_stream},
    {"cublasSetWorkspace_v2", &blas.set_workspace}, {"cublasSetMathMode", &blas.set_math_mode},
    {"cublasSgemm_v2", &blas.sgemm}};

static pthread_once_t loading = PTHREAD_ONCE_INIT;
static bool loaded;
static char missing[256];

static void load(void)
{
    loaded = knn__cuda_library(LIBRARY, functions, sizeof functions / sizeof *functions, missing, sizeof missing) &&
             knn__cuda_lt_load(missing, sizeof missing);
}

knn_status knn__cuda_blas_load(void)
{
    pthread_once(&loading, load);
    return loaded ? KNN_OK : knn__fail(KNN_ERROR_DEVICE, "cuBLAS cannot be loaded: %s", missing);
}

bool knn__cuda_blas_did(knn_device *device, cublasStatus_t status, const char *what)
{
    char why[32];
    if (status == CUBLAS_STATUS_SUCCESS)
        return true;
    snprintf(why, sizeof why, "cuBLAS status %d", (int)status);
    knn__cuda_failed(device, what, why);
    return false;
}

knn_status knn__cuda_blas_open(knn_device *device)
{
    device->blas_workspace = knn__cuda_devices.alloc(device, KNN_CUDA_BLAS_WORKSPACE);
    if (device->blas_workspace == NULL)
        return KNN_ERROR_DEVICE_MEMORY;
    bool opened = knn__cuda_blas_did(device, blas.create(&device->blas), "making a cuBLAS handle") &&
                  knn__cuda_blas_did(device, blas.set_stream(device->blas, device->stream), "giving cuBLAS a stream") &&
                  knn__cuda_blas_did(device, blas.set_workspace(device->blas, device->blas_workspace, KNN_CUDA_BLAS_WORKSPACE),
                                     "giving cuBLAS a workspace") &&
                  knn__cuda_blas_did(device, blas.set_math_mode(device->blas, device->tensor ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH),
                                     "telling cuBLAS how to multiply");
    return opened ? knn__cuda_lt_open(device) : KNN_ERROR_DEVICE;
}

void knn__cuda_blas_close(knn_device *device)
{
    knn__cuda_lt_close(device);
    if (device->blas != NULL)
        blas.destroy(device->blas);
    knn__cuda_devices.free(device, device->blas_workspace);
}

/* cuBLAS reads columns first: to it our matrices are transposed, and c^T = b^T a^T. */
void knn__cuda_gemm(knn_device *device, size_t m, size_t n, size_t k, knn__cuda_matrix a, knn__cuda_matrix b, bool add, float *c,
                    size_t c_stride)
{
    const float one = 1, keep = add ? 1 : 0;
    cublasStatus_t status = blas.sgemm(device->blas, b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                                       (int)n, (int)m, (int)k, &one, b.data, (int)b.stride, a.data, (int)a.stride, &keep, c, (int)c_stride);
    knn__cuda_blas_did(device, status, "a matrix product");
}
