/* cuBLAS, as much of it as the library uses: the argument checks that its manual documents, then OpenBLAS, in the order of the stream. */
#include "inside.h"

#include <cblas.h>
#include <cublas_v2.h>

#include <algorithm>

struct cublasContext { cudaStream_t stream; void *workspace; };

using namespace emulator;

static CBLAS_TRANSPOSE transposition(cublasOperation_t op) { return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans; }

/* Bytes from the first number of a column-major matrix to behind its last. */
static size_t extent(int rows, int columns, int stride)
{
    return rows > 0 && columns > 0 ? ((size_t)(columns - 1) * (size_t)stride + (size_t)rows) * sizeof(float) : 0;
}

/* Tells the checker of a matrix. */
static void touch(const float *matrix, int rows, int columns, int stride, bool writes)
{
    for (int column = 0; column < columns; column++) {
        const float *first = matrix + (size_t)column * (size_t)stride;
        size_t bytes = (size_t)rows * sizeof *first;
        if (counting && bytes > 0)
            count_moved(first, bytes, writes);
        if (writes)
            check_written(first, bytes);
    }
}

static bool refuse(bool bad, const char *what)
{
    if (bad)
        complain("cublasSgemm: %s", what);
    return bad;
}

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    if (call_fails())
        return CUBLAS_STATUS_ALLOC_FAILED;
    *handle = new cublasContext{};
    count_live(1);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    delete handle;
    count_live(-1);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    handle->workspace = nullptr;                            /* as the manual says: a new stream takes the default one */
    return call_fails() ? CUBLAS_STATUS_NOT_INITIALIZED : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes)
{
    if (call_fails() || !expect_on_device("cublasSetWorkspace", workspace, bytes))
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = workspace;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k, const float *alpha,
                              const float *a, int lda, const float *b, int ldb, const float *beta, float *c, int ldc)
{
    int rows_a = op_a == CUBLAS_OP_N ? m : k, rows_b = op_b == CUBLAS_OP_N ? k : n;
    if (refuse(m < 0 || n < 0 || k < 0, "a negative size") || refuse(lda < std::max(1, rows_a), "lda") ||
        refuse(ldb < std::max(1, rows_b), "ldb") || refuse(ldc < std::max(1, m), "ldc") || refuse(alpha == nullptr || beta == nullptr, "no alpha or beta"))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (handle->workspace == nullptr)
        complain("cublasSgemm: no workspace: cuBLAS would allocate one");
    if (!expect_on_device("cublasSgemm, a", a, extent(rows_a, op_a == CUBLAS_OP_N ? k : m, lda)) ||
        !expect_on_device("cublasSgemm, b", b, extent(rows_b, op_b == CUBLAS_OP_N ? n : k, ldb)) ||
        !expect_on_device("cublasSgemm, c", c, extent(m, n, ldc)) || call_fails())
        return CUBLAS_STATUS_EXECUTION_FAILED;
    float scale = *alpha, keep = *beta;
    cudaError_t error = enqueue(handle->stream, "cublasSgemm", [=] {
        count_launch();
        cblas_sgemm(CblasColMajor, transposition(op_a), transposition(op_b), m, n, k, scale, a, lda, b, ldb, keep, c, ldc);
        if (counting)
            count_from("cublasSgemm");
        touch(a, rows_a, op_a == CUBLAS_OP_N ? k : m, lda, false);
        touch(b, rows_b, op_b == CUBLAS_OP_N ? n : k, ldb, false);
        if (keep != 0)
            touch(c, m, n, ldc, false);
        touch(c, m, n, ldc, true);
    });
    return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}
