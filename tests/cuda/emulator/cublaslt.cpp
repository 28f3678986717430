/* cuBLASLt, as much of it as the library uses: the argument checks that its manual documents, then OpenBLAS and the epilogue, in the order of the
 * stream. */
#include "matrices.h"

#include <cublasLt.h>

#include <algorithm>
#include <cstring>
#include <set>

struct cublasLtContext {};

namespace emulator {

/* ---- What the caller describes ---- */

struct product {
    int32_t op_a, op_b;
    uint32_t epilogue;
    int32_t bias_type;
    float *bias;
    bool in_tf32;
};

struct preference { uint64_t workspace; uint32_t alignments[4]; };

/* What an algorithm was chosen for. It lies in the caller's cublasLtMatmulAlgo_t. */
struct choice {
    matrix a, b, d;
    uint32_t ops, epilogue, alignment, workspace;
};
static_assert(sizeof(choice) <= sizeof(cublasLtMatmulAlgo_t), "room for a choice");

static const uint32_t WORKSPACE = 1 << 16;                  /* of every algorithm, in bytes, if it may have so much */

static std::set<const void *> &alive = *new std::set<const void *>;        /* what a test leaves is no leak of the process */

template <typename Handle, typename Made> static cublasStatus_t create(Handle *handle, Made *made)
{
    *handle = (Handle)made;
    alive.insert(made);
    count_live(1);
    return CUBLAS_STATUS_SUCCESS;
}

static bool is_alive(const char *what, const void *thing)
{
    if (alive.count(thing) == 0)
        complain("%s: a handle or description that does not exist", what);
    return alive.count(thing) != 0;
}

template <typename Made> static cublasStatus_t destroy(const char *what, Made *made)
{
    locked hold(lock);
    if (!is_alive(what, made))
        return CUBLAS_STATUS_INVALID_VALUE;
    alive.erase(made);
    delete made;
    count_live(-1);
    return CUBLAS_STATUS_SUCCESS;
}

/* Sets one of the members that these functions know: `place`, of this size; NULL: the attribute is unknown. */
static cublasStatus_t set(const char *what, int attribute, void *place, size_t size, const void *value, size_t bytes)
{
    if (place == nullptr || value == nullptr || bytes != size) {
        complain("%s: attribute %d of %zu bytes%s", what, attribute, bytes, place == nullptr ? " is not emulated" : "");
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    memcpy(place, value, bytes);
    return call_fails() ? CUBLAS_STATUS_INVALID_VALUE : CUBLAS_STATUS_SUCCESS;
}

/* ---- Products ---- */

/* op(a) is [m][k], op(b) [k][n], d [m][n]. */
struct call {
    product p;
    matrix of_a, of_b, of_d;
    const float *a, *b;
    float *d, scale;
    choice chosen;
    void *workspace;
    size_t workspace_bytes;
};

static bool has(const product &p, cublasLtEpilogue_t epilogue) { return (p.epilogue & epilogue) == (uint32_t)epilogue; }
static bool sums_a(const product &p) { return p.epilogue == CUBLASLT_EPILOGUE_BGRADA; }
static bool uses_bias(const product &p) { return has(p, CUBLASLT_EPILOGUE_BIAS) || sums_a(p); }

static bool refuse(bool bad, const char *what)
{
    if (bad)
        complain("cublasLtMatmul: %s", what);
    return bad;
}

static bool is_known(uint32_t epilogue)
{
    static const uint32_t known[] = {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_RELU, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS,
        CUBLASLT_EPILOGUE_BGRADA};
    return !refuse(std::find(std::begin(known), std::end(known), epilogue) == std::end(known), "an epilogue that is not emulated");
}

static choice choice_for(const product &p, matrix a, matrix b, matrix d, uint32_t alignment, uint32_t workspace)
{
    return {a, b, d, (uint32_t)(2 * p.op_a + p.op_b), p.epilogue, alignment, workspace};
}

static matrix turned(int32_t op, matrix m) { return op == CUBLAS_OP_N ? m : transposed(m); }

static bool sizes_agree(const product &p, matrix a, matrix b, matrix d)
{
    a = turned(p.op_a, a);
    b = turned(p.op_b, b);
    return !refuse(a.rows != d.rows || b.columns != d.columns || a.columns != b.rows, "sizes that do not go together");
}

static bool is_aligned(const void *array, uint32_t alignment) { return (uintptr_t)array % alignment == 0; }

static bool is_right(const call &c)
{
    const choice fitting = choice_for(c.p, c.of_a, c.of_b, c.of_d, c.chosen.alignment, c.chosen.workspace);
    if (!sizes_agree(c.p, c.of_a, c.of_b, c.of_d) ||
        refuse(memcmp(&c.chosen, &fitting, sizeof fitting) != 0, "an algorithm that was chosen for another product") ||
        refuse(c.workspace_bytes < c.chosen.workspace || !is_aligned(c.workspace, 256), "too small a workspace, or one that is not aligned") ||
        refuse(uses_bias(c.p) && c.p.bias_type != CUDA_R_32F, "a bias of another type") || refuse(uses_bias(c.p) && c.p.bias == nullptr, "no bias"))
        return false;
    for (const float *array : {c.a, c.b, (const float *)c.d, (const float *)(uses_bias(c.p) ? c.p.bias : c.d)})
        if (refuse(!is_aligned(array, c.chosen.alignment), "an array that is not as aligned as was said"))
            return false;
    return true;
}

static bool is_there(const call &c)
{
    return expect_on_device("cublasLtMatmul, a", c.a, extent(c.of_a)) && expect_on_device("cublasLtMatmul, b", c.b, extent(c.of_b)) &&
           expect_on_device("cublasLtMatmul, d", c.d, extent(c.of_d)) &&
           expect_on_device("cublasLtMatmul, workspace", c.workspace, c.chosen.workspace) &&
           (!uses_bias(c.p) || expect_on_device("cublasLtMatmul, bias", c.p.bias, (size_t)c.of_d.rows * sizeof *c.d));
}

/* NaN is no number above 0. */
static void add_bias_and_cut(const product &p, float *d, matrix of_d)
{
    for (int column = 0; column < of_d.columns; column++, d += of_d.stride)
        for (int row = 0; row < of_d.rows; row++) {
            d[row] += has(p, CUBLASLT_EPILOGUE_BIAS) ? p.bias[row] : 0;
            d[row] = has(p, CUBLASLT_EPILOGUE_RELU) && !(d[row] > 0) ? 0 : d[row];
        }
}

/* Of op(a), over its columns. */
static void sum_rows(int32_t op, const float *a, matrix of_a, float *sums)
{
    size_t down = op == CUBLAS_OP_N ? 1 : (size_t)of_a.stride, across = op == CUBLAS_OP_N ? (size_t)of_a.stride : 1;
    const matrix m = turned(op, of_a);
    for (int row = 0; row < m.rows; row++) {
        float sum = 0;
        for (int column = 0; column < m.columns; column++)
            sum += a[(size_t)row * down + (size_t)column * across];
        sums[row] = sum;
    }
}

static void run(const call &c)
{
    memset(c.workspace, 0xff, c.chosen.workspace);
    const operand left(c.a, c.of_a, c.p.in_tf32), right(c.b, c.of_b, c.p.in_tf32);
    cblas_sgemm(CblasColMajor, transposition((cublasOperation_t)c.p.op_a), transposition((cublasOperation_t)c.p.op_b), c.of_d.rows, c.of_d.columns,
                turned(c.p.op_a, c.of_a).columns, c.scale, left.numbers, left.stride, right.numbers, right.stride, 0, c.d, c.of_d.stride);
    add_bias_and_cut(c.p, c.d, c.of_d);
    if (sums_a(c.p))
        sum_rows(c.p.op_a, c.a, c.of_a, c.p.bias);
    if (counting)
        count_from("cublasLtMatmul");
    touch(c.a, c.of_a, false);
    touch(c.b, c.of_b, false);
    touch(c.d, c.of_d, true);
    if (uses_bias(c.p))
        touch(c.p.bias, {c.of_d.rows, 1, c.of_d.rows}, sums_a(c.p));
}

}

using namespace emulator;

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    locked hold(lock);
    return call_fails() ? CUBLAS_STATUS_ALLOC_FAILED : create(handle, new cublasLtContext);
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy("cublasLtDestroy", handle); }

/* ---- Descriptions ---- */

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type, uint64_t rows, uint64_t columns, int64_t stride)
{
    locked hold(lock);
    if (type != CUDA_R_32F || rows == 0 || columns == 0 || stride < (int64_t)rows) {
        complain("cublasLtMatrixLayoutCreate: %llu x %llu, %lld apart, type %d", (unsigned long long)rows, (unsigned long long)columns,
                 (long long)stride, (int)type);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return call_fails() ? CUBLAS_STATUS_ALLOC_FAILED : create(layout, new matrix{(int)rows, (int)columns, (int)stride});
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroy("cublasLtMatrixLayoutDestroy", (matrix *)layout); }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *description, cublasComputeType_t compute, cudaDataType_t scale)
{
    locked hold(lock);
    bool known = compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_PEDANTIC || compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    if (!known || scale != CUDA_R_32F) {
        complain("cublasLtMatmulDescCreate: compute type %d, scale type %d", (int)compute, (int)scale);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    return call_fails() ? CUBLAS_STATUS_ALLOC_FAILED
                        : create(description, new product{CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, CUDA_R_32F, nullptr, compute == CUBLAS_COMPUTE_32F_FAST_TF32});
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) { return destroy("cublasLtMatmulDescDestroy", (product *)description); }

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description, cublasLtMatmulDescAttributes_t attribute, const void *value,
                                              size_t bytes)
{
    static const char what[] = "cublasLtMatmulDescSetAttribute";
    locked hold(lock);
    product *p = (product *)description;
    if (!is_alive(what, p))
        return CUBLAS_STATUS_INVALID_VALUE;
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:         return set(what, attribute, &p->op_a, sizeof p->op_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:         return set(what, attribute, &p->op_b, sizeof p->op_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:       return set(what, attribute, &p->epilogue, sizeof p->epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:   return set(what, attribute, &p->bias, sizeof p->bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return set(what, attribute, &p->bias_type, sizeof p->bias_type, value, bytes);
    default:                                  return set(what, attribute, nullptr, 0, value, bytes);
    }
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *made)
{
    locked hold(lock);
    return call_fails() ? CUBLAS_STATUS_ALLOC_FAILED : create(made, new preference{0, {256, 256, 256, 256}});
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t made)
{
    return destroy("cublasLtMatmulPreferenceDestroy", (preference *)made);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t made, cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t bytes)
{
    static const char what[] = "cublasLtMatmulPreferenceSetAttribute";
    locked hold(lock);
    preference *p = (preference *)made;
    if (!is_alive(what, p))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
        return set(what, attribute, &p->workspace, sizeof p->workspace, value, bytes);
    bool of_alignment = attribute >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES && attribute <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES;
    uint32_t *alignment = of_alignment ? &p->alignments[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES] : nullptr;
    return set(what, attribute, alignment, sizeof *alignment, value, bytes);
}

/* ---- Algorithms ---- */

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t of_a,
                                              cublasLtMatrixLayout_t of_b, cublasLtMatrixLayout_t of_c, cublasLtMatrixLayout_t of_d,
                                              cublasLtMatmulPreference_t wanted, int most, cublasLtMatmulHeuristicResult_t *results, int *count)
{
    static const char what[] = "cublasLtMatmulAlgoGetHeuristic";
    locked hold(lock);
    *count = 0;
    for (const void *thing : {(void *)handle, (void *)description, (void *)of_a, (void *)of_b, (void *)of_c, (void *)of_d, (void *)wanted})
        if (!is_alive(what, thing))
            return CUBLAS_STATUS_INVALID_VALUE;
    const product &p = *(product *)description;
    const preference &preferred = *(preference *)wanted;
    const matrix &a = *(matrix *)of_a, &b = *(matrix *)of_b, &d = *(matrix *)of_d;
    uint32_t alignment = *std::min_element(std::begin(preferred.alignments), std::end(preferred.alignments));
    if (most < 1 || !sizes_agree(p, a, b, d) || !is_known(p.epilogue) || call_fails())
        return CUBLAS_STATUS_INVALID_VALUE;
    searches++;
    if ((p.epilogue & refused_epilogues) != 0 && !refused_late)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    choice chosen = choice_for(p, a, b, d, alignment, preferred.workspace < WORKSPACE ? 0 : WORKSPACE);
    memcpy(&results->algo, &chosen, sizeof chosen);
    results->workspaceSize = chosen.workspace;
    results->state = CUBLAS_STATUS_SUCCESS;
    *count = 1;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t of_a, const void *b, cublasLtMatrixLayout_t of_b, const void *beta, const void *c,
                              cublasLtMatrixLayout_t of_c, void *d, cublasLtMatrixLayout_t of_d, const cublasLtMatmulAlgo_t *algorithm,
                              void *workspace, size_t workspace_bytes, cudaStream_t stream)
{
    static const char what[] = "cublasLtMatmul";
    locked hold(lock);
    for (const void *thing : {(void *)handle, (void *)description, (void *)of_a, (void *)of_b, (void *)of_c, (void *)of_d})
        if (!is_alive(what, thing))
            return CUBLAS_STATUS_INVALID_VALUE;
    if (refuse(algorithm == nullptr, "no algorithm: each call would look for one") ||
        refuse(alpha == nullptr || beta == nullptr, "no alpha or beta") ||
        refuse(*(const float *)beta != 0 || c != d || of_c != of_d, "adding to a matrix is not emulated"))
        return CUBLAS_STATUS_INVALID_VALUE;
    call made = {*(product *)description, *(matrix *)of_a, *(matrix *)of_b, *(matrix *)of_d, (const float *)a, (const float *)b, (float *)d,
        *(const float *)alpha, {}, workspace, workspace_bytes};
    memcpy(&made.chosen, algorithm, sizeof made.chosen);
    if (!is_right(made))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!is_there(made) || call_fails())
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if ((made.p.epilogue & refused_epilogues) != 0)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    return enqueue(stream, what, [=] { count_launch(), run(made); }) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}
