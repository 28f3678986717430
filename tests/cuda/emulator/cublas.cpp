/* cuBLAS, as much of it as the library uses: the argument checks that its manual documents, then OpenBLAS, in the order of the stream. */
#include "matrices.h"

#include <algorithm>

struct cublasContext { cudaStream_t stream; void *workspace; cublasMath_t math; };

using namespace emulator;

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

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math)
{
    if (call_fails())
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->math = math;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k, const float *alpha,
                              const float *a, int lda, const float *b, int ldb, const float *beta, float *c, int ldc)
{
    matrix of_a = {m, k, lda}, of_b = {k, n, ldb}, of_c = {m, n, ldc};
    of_a = op_a == CUBLAS_OP_N ? of_a : transposed(of_a);
    of_b = op_b == CUBLAS_OP_N ? of_b : transposed(of_b);
    if (refuse(m < 0 || n < 0 || k < 0, "a negative size") || refuse(lda < std::max(1, of_a.rows), "lda") ||
        refuse(ldb < std::max(1, of_b.rows), "ldb") || refuse(ldc < std::max(1, m), "ldc") ||
        refuse(alpha == nullptr || beta == nullptr, "no alpha or beta"))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (handle->workspace == nullptr)
        complain("cublasSgemm: no workspace: cuBLAS would allocate one");
    if (!expect_on_device("cublasSgemm, a", a, extent(of_a)) || !expect_on_device("cublasSgemm, b", b, extent(of_b)) ||
        !expect_on_device("cublasSgemm, c", c, extent(of_c)) || call_fails())
        return CUBLAS_STATUS_EXECUTION_FAILED;
    float scale = *alpha, keep = *beta;
    bool in_tf32 = handle->math == CUBLAS_TF32_TENSOR_OP_MATH;
    cudaError_t error = enqueue(handle->stream, "cublasSgemm", [=] {
        count_launch();
        const operand left(a, of_a, in_tf32), right(b, of_b, in_tf32);
        cblas_sgemm(CblasColMajor, transposition(op_a), transposition(op_b), m, n, k, scale, left.numbers, left.stride, right.numbers, right.stride,
                    keep, c, ldc);
        if (counting)
            count_from("cublasSgemm");
        touch(a, of_a, false);
        touch(b, of_b, false);
        if (keep != 0)
            touch(c, of_c, false);
        touch(c, of_c, true);
    });
    return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}
