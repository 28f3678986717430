/* cuBLASLt: products to whose sums something is done at once. How such a product is described to it, and the algorithm that it chose, is kept
 * with the device for the next product of this kind. Plain products: blas.c. */
#include "backend/cuda/blas_lt.h"

#include "backend/cuda/library.h"
#include "core/memory.h"

#include <cublasLt.h>
#include <string.h>

#define QUOTE_(text) #text
#define QUOTE(text) QUOTE_(text)
#define LENGTH(array) (sizeof (array) / sizeof *(array))

enum { MOST_PLANS = 128, BEST_ALIGNMENT = 256 };

static struct {
    __typeof__(cublasLtCreate) *create;
    __typeof__(cublasLtDestroy) *destroy;
    __typeof__(cublasLtMatmulPreferenceCreate) *preference_create;
    __typeof__(cublasLtMatmulPreferenceDestroy) *preference_destroy;
    __typeof__(cublasLtMatmulPreferenceSetAttribute) *preference_set;
    __typeof__(cublasLtMatmulDescCreate) *product_create;
    __typeof__(cublasLtMatmulDescDestroy) *product_destroy;
    __typeof__(cublasLtMatmulDescSetAttribute) *product_set;
    __typeof__(cublasLtMatrixLayoutCreate) *layout_create;
    __typeof__(cublasLtMatrixLayoutDestroy) *layout_destroy;
    __typeof__(cublasLtMatmulAlgoGetHeuristic) *search;
    __typeof__(cublasLtMatmul) *multiply;
} lt;

static const knn__cuda_function functions[] = {
    {"cublasLtCreate", &lt.create}, {"cublasLtDestroy", &lt.destroy}, {"cublasLtMatmulPreferenceCreate", &lt.preference_create},
    {"cublasLtMatmulPreferenceDestroy", &lt.preference_destroy}, {"cublasLtMatmulPreferenceSetAttribute", &lt.preference_set},
    {"cublasLtMatmulDescCreate", &lt.product_create}, {"cublasLtMatmulDescDestroy", &lt.product_destroy},
    {"cublasLtMatmulDescSetAttribute", &lt.product_set}, {"cublasLtMatrixLayoutCreate", &lt.layout_create},
    {"cublasLtMatrixLayoutDestroy", &lt.layout_destroy}, {"cublasLtMatmulAlgoGetHeuristic", &lt.search}, {"cublasLtMatmul", &lt.multiply}};

/* What tells kinds of products apart: numbers of one size, so that they can be compared as bytes. */
typedef struct kind {
    int m, n, k, a_stride, b_stride, c_stride, a_transposed, b_transposed;
    uint32_t epilogue, alignment;           /* alignment: bytes, of all arrays */
} kind;

typedef struct plan {
    kind of;
    bool offered;                           /* there is an algorithm */
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulAlgo_t algorithm;
} plan;

struct knn__cuda_lt {
    cublasLtHandle_t handle;
    cublasLtMatmulPreference_t preference;
    plan plans[MOST_PLANS];                 /* the i-th that was made is at i % MOST_PLANS: the oldest makes room */
    size_t made;
};

/* ---- Opening ---- */

bool knn__cuda_lt_load(char *why, size_t size)
{
    return knn__cuda_library("libcublasLt.so." QUOTE(CUBLAS_VER_MAJOR), functions, LENGTH(functions), why, size);
}

knn_status knn__cuda_lt_open(knn_device *device)
{
    const uint64_t workspace = KNN_CUDA_BLAS_WORKSPACE;
    struct knn__cuda_lt *made = device->lt = knn__alloc(1, sizeof *made);
    if (made == NULL)
        return KNN_ERROR_MEMORY;
    bool opened = knn__cuda_blas_did(device, lt.create(&made->handle), "making a cuBLASLt handle") &&
                  knn__cuda_blas_did(device, lt.preference_create(&made->preference), "making cuBLASLt's preferences") &&
                  knn__cuda_blas_did(device, lt.preference_set(made->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                                               sizeof workspace), "giving cuBLASLt a workspace");
    return opened ? KNN_OK : KNN_ERROR_DEVICE;
}

static void forget(plan *p)
{
    if (p->product != NULL)
        lt.product_destroy(p->product);
    cublasLtMatrixLayout_t layouts[] = {p->a, p->b, p->c};
    for (size_t i = 0; i < LENGTH(layouts); i++)
        if (layouts[i] != NULL)
            lt.layout_destroy(layouts[i]);
    *p = (plan){.offered = false};
}

void knn__cuda_lt_close(knn_device *device)
{
    struct knn__cuda_lt *opened = device->lt;
    if (opened == NULL)
        return;
    for (size_t i = 0; i < MOST_PLANS; i++)
        forget(&opened->plans[i]);
    if (opened->preference != NULL)
        lt.preference_destroy(opened->preference);
    if (opened->handle != NULL)
        lt.destroy(opened->handle);
    knn__free(opened);
}

/* ---- Planning ---- */

static bool set(knn_device *device, const plan *p, cublasLtMatmulDescAttributes_t attribute, const void *value, size_t bytes)
{
    return knn__cuda_blas_did(device, lt.product_set(p->product, attribute, value, bytes), "describing a product");
}

/* Of the row-major [rows][columns], which has columns for rows in cuBLAS's eyes. */
static bool lay_out(knn_device *device, cublasLtMatrixLayout_t *layout, int rows, int columns, int stride)
{
    return knn__cuda_blas_did(device, lt.layout_create(layout, CUDA_R_32F, (uint64_t)columns, (uint64_t)rows, stride), "describing a matrix");
}

/* As in blas.c, cuBLAS's product is c^T = b^T a^T: its A is our b. */
static bool describe(knn_device *device, plan *p, const float *vector)
{
    const kind *of = &p->of;
    const cublasOperation_t op_b = of->b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, op_a = of->a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasComputeType_t precision = device->tensor ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    return knn__cuda_blas_did(device, lt.product_create(&p->product, precision, CUDA_R_32F), "describing a product") &&
           set(device, p, CUBLASLT_MATMUL_DESC_TRANSA, &op_b, sizeof op_b) && set(device, p, CUBLASLT_MATMUL_DESC_TRANSB, &op_a, sizeof op_a) &&
           set(device, p, CUBLASLT_MATMUL_DESC_EPILOGUE, &of->epilogue, sizeof of->epilogue) &&
           set(device, p, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &vector, sizeof vector) &&      /* its alignment counts */
           lay_out(device, &p->a, of->a_transposed ? of->k : of->m, of->a_transposed ? of->m : of->k, of->a_stride) &&
           lay_out(device, &p->b, of->b_transposed ? of->n : of->k, of->b_transposed ? of->k : of->n, of->b_stride) &&
           lay_out(device, &p->c, of->m, of->n, of->c_stride);
}

static bool prefer(knn_device *device, uint32_t alignment)
{
    static const cublasLtMatmulPreferenceAttributes_t of[] = {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    bool good = true;
    for (size_t i = 0; good && i < LENGTH(of); i++)
        good = knn__cuda_blas_did(device, lt.preference_set(device->lt->preference, of[i], &alignment, sizeof alignment), "choosing an algorithm");
    return good;
}

/* There is no such product, or not on this GPU. */
static bool is_lacking(cublasStatus_t status) { return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_ARCH_MISMATCH; }

static bool search(knn_device *device, plan *p)
{
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;
    if (!prefer(device, p->of.alignment))
        return false;
    cublasStatus_t status = lt.search(device->lt->handle, p->product, p->b, p->a, p->c, p->c, device->lt->preference, 1, &found, &count);
    if (!is_lacking(status) && !knn__cuda_blas_did(device, status, "choosing an algorithm"))
        return false;
    p->offered = status == CUBLAS_STATUS_SUCCESS && count > 0 && found.state == CUBLAS_STATUS_SUCCESS;
    if (p->offered)
        p->algorithm = found.algo;
    return true;
}

/* The plan of such products; NULL: the device has the failure, and the next one will be tried again. */
static plan *plan_of(knn_device *device, const kind *of, const float *vector)
{
    struct knn__cuda_lt *opened = device->lt;
    for (size_t i = 0; i < opened->made && i < MOST_PLANS; i++)
        if (memcmp(&opened->plans[i].of, of, sizeof *of) == 0)
            return &opened->plans[i];
    plan *made = &opened->plans[opened->made % MOST_PLANS];
    forget(made);
    made->of = *of;
    if (describe(device, made, vector) && search(device, made)) {
        opened->made++;
        return made;
    }
    forget(made);
    return NULL;
}

/* ---- Products ---- */

static uint32_t alignment_of(const void *const *arrays, size_t count)
{
    uintptr_t all = BEST_ALIGNMENT;
    for (size_t i = 0; i < count; i++)
        all |= (uintptr_t)arrays[i];
    return (uint32_t)(all & (~all + 1));                    /* the lowest bit */
}

static cublasLtEpilogue_t epilogue_of(knn__cuda_finish finish)
{
    if (finish.sums != NULL)
        return CUBLASLT_EPILOGUE_BGRADA;
    return finish.bias == NULL ? CUBLASLT_EPILOGUE_RELU : finish.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
}

bool knn__cuda_gemm_and(knn_device *device, size_t m, size_t n, size_t k, knn__cuda_matrix a, knn__cuda_matrix b, float *c, size_t c_stride,
                        knn__cuda_finish finish)
{
    const float one = 1, zero = 0, *vector = finish.sums != NULL ? finish.sums : finish.bias;
    const void *const arrays[] = {a.data, b.data, c, vector};
    const kind of = {(int)m, (int)n, (int)k, (int)a.stride, (int)b.stride, (int)c_stride, a.transposed, b.transposed, epilogue_of(finish),
        alignment_of(arrays, LENGTH(arrays))};
    plan *p = plan_of(device, &of, vector);
    if (p != NULL && !p->offered)
        return false;
    if (p == NULL || !set(device, p, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &vector, sizeof vector))
        return true;
    cublasStatus_t status = lt.multiply(device->lt->handle, p->product, &one, b.data, p->b, a.data, p->a, &zero, c, p->c, c, p->c, &p->algorithm,
                                        device->blas_workspace, KNN_CUDA_BLAS_WORKSPACE, device->stream);
    p->offered = !is_lacking(status);
    if (p->offered)
        knn__cuda_blas_did(device, status, "a matrix product");
    return p->offered;
}
