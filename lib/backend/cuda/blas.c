/* cuBLAS, loaded on demand: a handle for each device, and products of row-major matrices. Lays out nothing: im2col.cu. */
#include "backend/cuda/blas.h"

#include "core/status.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#define QUOTE_(text) #text
#define QUOTE(text) QUOTE_(text)
#define LIBRARY "libcublas.so." QUOTE(CUBLAS_VER_MAJOR)

enum { WORKSPACE = 4 << 20 };               /* bytes; what cuBLAS takes by itself before Hopper */

/* The functions that are used, with the types that the header gives them. */
static struct {
    __typeof__(cublasCreate) *create;
    __typeof__(cublasDestroy) *destroy;
    __typeof__(cublasSetStream) *set_stream;
    __typeof__(cublasSetWorkspace) *set_workspace;
    __typeof__(cublasSgemm) *sgemm;
} blas;

static const struct { const char *name; void *place; } functions[] = {
    {"cublasCreate_v2", &blas.create}, {"cublasDestroy_v2", &blas.destroy}, {"cublasSetStream_v2", &blas.set_stream},
    {"cublasSetWorkspace_v2", &blas.set_workspace}, {"cublasSgemm_v2", &blas.sgemm}};

static pthread_once_t loading = PTHREAD_ONCE_INIT;
static bool loaded;
static char missing[256];

/* It stays loaded for as long as the program runs. */
static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    loaded = library != NULL;
    for (size_t i = 0; loaded && i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        memcpy(functions[i].place, &function, sizeof function);
        loaded = function != NULL;
    }
    const char *why = loaded ? NULL : dlerror();
    if (why != NULL)
        strncpy(missing, why, sizeof missing - 1);
}

knn_status knn__cuda_blas_load(void)
{
    pthread_once(&loading, load);
    return loaded ? KNN_OK : knn__fail(KNN_ERROR_DEVICE, "cuBLAS cannot be loaded: %s", missing);
}

static bool did(knn_device *device, cublasStatus_t status, const char *what)
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
    device->blas_workspace = knn__cuda_devices.alloc(device, WORKSPACE);
    if (device->blas_workspace == NULL)
        return KNN_ERROR_DEVICE_MEMORY;
    bool opened = did(device, blas.create(&device->blas), "making a cuBLAS handle") &&
                  did(device, blas.set_stream(device->blas, device->stream), "giving cuBLAS a stream") &&
                  did(device, blas.set_workspace(device->blas, device->blas_workspace, WORKSPACE), "giving cuBLAS a workspace");
    return opened ? KNN_OK : KNN_ERROR_DEVICE;
}

void knn__cuda_blas_close(knn_device *device)
{
    if (device->blas != NULL)
        blas.destroy(device->blas);
    knn__cuda_devices.free(device, device->blas_workspace);
}

bool knn__cuda_gemm_takes(size_t m, size_t n, size_t k) { return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX; }

/* cuBLAS reads columns first: to it our matrices are transposed, and c^T = b^T a^T. */
void knn__cuda_gemm(knn_device *device, size_t m, size_t n, size_t k, knn__cuda_matrix a, knn__cuda_matrix b, bool add, float *c,
                    size_t c_stride)
{
    const float one = 1, keep = add ? 1 : 0;
    cublasStatus_t status = blas.sgemm(device->blas, b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                                       (int)n, (int)m, (int)k, &one, b.data, (int)b.stride, a.data, (int)a.stride, &keep, c, (int)c_stride);
    did(device, status, "a matrix product");
}
