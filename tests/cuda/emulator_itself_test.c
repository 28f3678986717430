/* The emulator sees what is planted: each misuse of memory, streams, graphs, launches and cuBLAS that it is meant to see; and lets correct use
 * pass. */
#include "emulator.h"
#include "planted.h"
#include "support/check_run.h"

#include <cublasLt.h>
#include <cublas_v2.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { N = 64, CRASHED = 99 };              /* floats: 256 bytes, an allocation without slack; the emulator's exit status */

static cudaStream_t stream;
static float *device, host[N];

static void setup(void)
{
    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    ck_assert_int_eq(cudaMalloc((void **)&device, sizeof host), cudaSuccess);
    memset(host, 0, sizeof host);
}

static void complains(const char *text)
{
    const char *complaint = emulator_complaint();
    ck_assert_msg(strstr(complaint, text) != NULL, "\"%s\" is not in \"%s\"", text, complaint);
}

static void fetch(void)
{
    ck_assert_int_eq(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_int_eq(cudaStreamSynchronize(stream), cudaSuccess);
}

/* ---- Correct use ---- */

START_TEST(work_is_done_when_somebody_waits)
{
    ck_assert_int_eq(planted_fill(stream, device, N), cudaSuccess);
    ck_assert_int_eq(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_float_eq(host[N - 1], 0);
    ck_assert_int_eq(cudaStreamSynchronize(stream), cudaSuccess);
    for (int i = 0; i < N; i++)
        ck_assert_float_eq(host[i], (float)i);
    ck_assert_str_eq(emulator_complaint(), "");
    ck_assert_uint_eq(emulator_live(), 2);
    ck_assert_int_eq(cudaFree(device), cudaSuccess);
    ck_assert_int_eq(cudaStreamDestroy(stream), cudaSuccess);
    ck_assert_uint_eq(emulator_live(), 0);
}
END_TEST

/* ---- Memory ---- */

START_TEST(fresh_memory_is_not_a_number)
{
    fetch();
    ck_assert_float_nan(host[0]);
    ck_assert_float_nan(host[N - 1]);
}
END_TEST

START_TEST(a_kernel_that_writes_beyond_its_array_is_stopped)
{
    planted_fill(stream, device, N + 1);
    cudaStreamSynchronize(stream);
}
END_TEST

START_TEST(memory_that_was_freed_is_gone)
{
    float *freed = device;
    ck_assert_int_eq(cudaFree(device), cudaSuccess);
    planted_fill(stream, freed, N);
    cudaStreamSynchronize(stream);
}
END_TEST

START_TEST(the_host_cannot_read_the_devices_memory)
{
    volatile float *read = device;
    ck_assert_float_ne(read[0], 1);
}
END_TEST

START_TEST(a_host_pointer_is_no_argument_of_a_kernel)
{
    planted_fill(stream, host, N);
    complains("fill: 1 bytes at");
}
END_TEST

START_TEST(a_copy_stays_within_its_allocation)
{
    ck_assert_int_eq(cudaMemcpyAsync(device + 1, host, sizeof host, cudaMemcpyHostToDevice, stream), cudaErrorInvalidValue);
    complains("cudaMemcpyAsync: 256 bytes");
    ck_assert_int_eq(cudaMemcpyAsync(device, device, 4, cudaMemcpyHostToDevice, stream), cudaErrorInvalidValue);
    complains("expected the host's");
}
END_TEST

START_TEST(nothing_is_freed_twice)
{
    ck_assert_int_eq(cudaFree(device), cudaSuccess);
    ck_assert_int_eq(cudaFree(device), cudaErrorInvalidValue);
    complains("cudaFree");
}
END_TEST

START_TEST(memory_has_an_end)
{
    void *block;
    emulator_set_memory(1000);
    ck_assert_int_eq(cudaMalloc(&block, 1000), cudaErrorMemoryAllocation);
    ck_assert_int_eq(cudaMalloc(&block, 512), cudaSuccess);
}
END_TEST

/* ---- Streams, orders, launches ---- */

START_TEST(another_streams_work_has_no_place_in_time)
{
    cudaStream_t other;
    bool early = false, late = false;
    ck_assert_int_eq(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
    for (int seed = 1; seed <= 20; seed++) {
        emulator_set_order(seed);
        ck_assert_int_eq(cudaMemsetAsync(device, 0, sizeof host, stream), cudaSuccess);
        ck_assert_int_eq(cudaStreamSynchronize(stream), cudaSuccess);
        planted_fill(other, device, N);
        fetch();
        early |= host[N - 1] == 0;
        late |= host[N - 1] != 0;
        ck_assert_int_eq(cudaStreamSynchronize(other), cudaSuccess);
    }
    ck_assert(early && late);
}
END_TEST

START_TEST(an_event_gives_it_one)
{
    cudaStream_t other;
    cudaEvent_t filled;
    ck_assert_int_eq(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
    ck_assert_int_eq(cudaEventCreateWithFlags(&filled, cudaEventDisableTiming), cudaSuccess);
    for (int seed = 1; seed <= 20; seed++) {
        emulator_set_order(seed);
        ck_assert_int_eq(cudaMemsetAsync(device, 0, sizeof host, other), cudaSuccess);
        planted_fill(other, device, N);
        ck_assert_int_eq(cudaEventRecord(filled, other), cudaSuccess);
        ck_assert_int_eq(cudaStreamWaitEvent(stream, filled, 0), cudaSuccess);
        fetch();
        ck_assert_float_eq(host[N - 1], N - 1);
    }
    ck_assert_int_eq(cudaEventDestroy(filled), cudaSuccess);
    ck_assert_int_eq(cudaStreamDestroy(other), cudaSuccess);
    ck_assert_uint_eq(emulator_live(), 2);
    ck_assert_str_eq(emulator_complaint(), "");
}
END_TEST

START_TEST(the_host_waits_for_an_event_and_no_longer)
{
    cudaEvent_t filled;
    ck_assert_int_eq(cudaEventCreateWithFlags(&filled, cudaEventDisableTiming), cudaSuccess);
    planted_fill(stream, device, N);
    ck_assert_int_eq(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_int_eq(cudaEventRecord(filled, stream), cudaSuccess);
    ck_assert_int_eq(cudaMemsetAsync(device, 0, sizeof host, stream), cudaSuccess);
    ck_assert_int_eq(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_int_eq(cudaEventSynchronize(filled), cudaSuccess);
    ck_assert_float_eq(host[N - 1], N - 1);
    ck_assert_int_eq(cudaStreamSynchronize(stream), cudaSuccess);
    ck_assert_float_eq(host[N - 1], 0);
    ck_assert_str_eq(emulator_complaint(), "");
}
END_TEST

START_TEST(an_event_comes_to_pass_before_somebody_waits_for_it_or_destroys_it)
{
    cudaEvent_t event;
    ck_assert_int_eq(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    cudaStreamWaitEvent(stream, event, 0);
    complains("cudaStreamWaitEvent: for an event that was never recorded");
    cudaEventSynchronize(event);
    complains("cudaEventSynchronize: for an event that was never recorded");
    ck_assert_int_eq(cudaEventRecord(event, stream), cudaSuccess);
    cudaEventDestroy(event);
    complains("cudaEventDestroy: the event has not come to pass yet");
}
END_TEST

/* The GPU reads it while the host goes on. */
START_TEST(pinned_memory_is_read_when_the_copy_is_made)
{
    float *pinned;
    ck_assert_int_eq(cudaMallocHost((void **)&pinned, sizeof host), cudaSuccess);
    ck_assert_float_nan(pinned[N - 1]);
    pinned[0] = 1;
    ck_assert_int_eq(cudaMemcpyAsync(device, pinned, sizeof host, cudaMemcpyHostToDevice, stream), cudaSuccess);
    pinned[0] = 2;
    fetch();
    ck_assert_float_eq(host[0], 2);
    ck_assert_int_eq(cudaFreeHost(pinned), cudaSuccess);
    ck_assert_int_eq(cudaFreeHost(pinned), cudaErrorInvalidValue);
    complains("cudaFreeHost");
    ck_assert_uint_eq(emulator_live(), 2);
}
END_TEST

START_TEST(the_default_stream_is_not_used)
{
    planted_fill(NULL, device, N);
    complains("default");
}
END_TEST

START_TEST(a_kernel_that_counts_on_an_order_is_found_by_another)
{
    planted_fill_neighbour(stream, device, N);
    fetch();
    ck_assert_float_eq(host[N - 1], N - 1);
    ck_assert_int_eq(cudaMemsetAsync(device, 0, sizeof host, stream), cudaSuccess);
    emulator_set_order(EMULATOR_DESCENDING);
    planted_fill_neighbour(stream, device, N);
    fetch();
    ck_assert_float_ne(host[N - 1], N - 1);
}
END_TEST

START_TEST(a_block_has_at_most_1024_threads)
{
    ck_assert_int_eq(planted_large_block(stream, device, 1024), cudaSuccess);
    ck_assert_int_eq(planted_large_block(stream, device, 1025), cudaErrorInvalidConfiguration);
    complains("1 x 1 x 1 blocks of 1025");
    ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
}
END_TEST

/* ---- Capture and graphs ---- */

/* What is queued between these two is a graph; NULL: the capture was spoilt. */
static void begin(void) { ck_assert_int_eq(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess); }

static cudaGraphExec_t end(void)
{
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    if (cudaStreamEndCapture(stream, &graph) != cudaSuccess)
        return NULL;
    ck_assert_int_eq(cudaGraphInstantiateWithFlags(&executable, graph, 0), cudaSuccess);
    ck_assert_int_eq(cudaGraphDestroy(graph), cudaSuccess);
    return executable;
}

START_TEST(a_graph_does_what_was_recorded_as_often_as_it_is_launched)
{
    begin();
    unsigned first = 100;
    ck_assert_int_eq(planted_rotate(stream, device, N, first), cudaSuccess);
    ck_assert_int_eq(planted_add(stream, device, N, first), cudaSuccess);
    cudaGraphExec_t graph = end();
    first = 200;                                            /* too late */
    long before = emulator_launches();
    fetch();
    ck_assert_float_nan(host[0]);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cudaMemsetAsync(device, 0, sizeof host, stream), cudaSuccess);
        ck_assert_int_eq(cudaGraphLaunch(graph, stream), cudaSuccess);
        fetch();
        ck_assert_float_eq(host[0], 201);
    }
    ck_assert_int_eq(emulator_launches() - before, 6);
    ck_assert_int_eq(cudaGraphExecDestroy(graph), cudaSuccess);
    ck_assert_uint_eq(emulator_live(), 2);
    ck_assert_str_eq(emulator_complaint(), "");
}
END_TEST

static void synchronize(void) { cudaStreamSynchronize(stream); }

static void allocate(void)
{
    void *block;
    ck_assert_int_eq(cudaMalloc(&block, 1), cudaErrorStreamCaptureUnsupported);
}

static void release(void) { ck_assert_int_eq(cudaFree(device), cudaErrorStreamCaptureUnsupported); }

static void allocate_pinned(void)
{
    void *block;
    ck_assert_int_eq(cudaMallocHost(&block, 1), cudaErrorStreamCaptureUnsupported);
}

static void copy_pageable(void) { cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, stream); }

static void destroy_stream(void) { ck_assert_int_eq(cudaStreamDestroy(stream), cudaErrorStreamCaptureUnsupported); }

START_TEST(what_would_wait_or_read_later_spoils_a_capture)
{
    static const struct { void (*does)(void); const char *complaint; } spoils[] = {
        {synchronize, "cudaStreamSynchronize: while"}, {allocate, "cudaMalloc: while"}, {release, "cudaFree: while"},
        {allocate_pinned, "cudaMallocHost: while"}, {copy_pageable, "cudaMemcpyAsync of memory that is not pinned"},
        {destroy_stream, "cudaStreamDestroy: while"}};
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        begin();
        spoils[i].does();
        complains(spoils[i].complaint);
        planted_fill(stream, device, N);
        ck_assert_ptr_null(end());
    }
    fetch();
    ck_assert_uint_eq(emulator_live(), 2);
    ck_assert_str_eq(emulator_complaint(), "");
}
END_TEST

static void *allocate_and_free(void *given)
{
    void *block = NULL;
    cudaMalloc(&block, 1);
    cudaFree(block);
    return given;
}

/* In the mode that the library uses; not in the global one. */
START_TEST(another_thread_may_wait_during_a_capture)
{
    static const enum cudaStreamCaptureMode modes[] = {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeGlobal};
    for (int i = 0; i < 2; i++) {
        pthread_t other;
        ck_assert_int_eq(cudaStreamBeginCapture(stream, modes[i]), cudaSuccess);
        ck_assert_int_eq(pthread_create(&other, NULL, allocate_and_free, NULL), 0);
        ck_assert_int_eq(pthread_join(other, NULL), 0);
        cudaGraphExec_t graph = end();
        ck_assert((graph != NULL) == (modes[i] == cudaStreamCaptureModeThreadLocal));
        if (graph != NULL) {
            ck_assert_str_eq(emulator_complaint(), "");
            ck_assert_int_eq(cudaGraphExecDestroy(graph), cudaSuccess);
        }
    }
    complains("cudaMalloc: while");
}
END_TEST

START_TEST(a_graph_that_runs_is_not_destroyed)
{
    begin();
    planted_fill(stream, device, N);
    cudaGraphExec_t graph = end();
    ck_assert_int_eq(cudaGraphLaunch(graph, stream), cudaSuccess);
    cudaGraphExecDestroy(graph);
    complains("cudaGraphExecDestroy: the graph has not come to its end yet");
    cudaGraphExecDestroy(graph);
    complains("no such graph");
}
END_TEST

START_TEST(a_graph_whose_memory_was_freed_is_stopped)
{
    begin();
    planted_fill(stream, device, N);
    cudaGraphExec_t graph = end();
    ck_assert_int_eq(cudaFree(device), cudaSuccess);
    ck_assert_int_eq(cudaGraphLaunch(graph, stream), cudaSuccess);
    cudaStreamSynchronize(stream);
}
END_TEST

/* ---- Barriers ---- */

static bool rotates(cudaError_t rotate(cudaStream_t, float *, unsigned, unsigned), int order)
{
    bool right = true;
    unsigned first = (unsigned)(10 * order + 100);          /* not what was shared before */
    emulator_set_order(order);
    ck_assert_int_eq(rotate(stream, device, N, first), cudaSuccess);
    fetch();
    for (unsigned i = 0; i < N; i++)
        right &= host[i] == (float)(first + (i + 1) % N);
    ck_assert_str_eq(emulator_complaint(), "");
    return right;
}

START_TEST(threads_of_a_block_meet_at_a_barrier)
{
    for (int order = EMULATOR_DESCENDING; order <= 5; order++)
        ck_assert(rotates(planted_rotate, order));
}
END_TEST

START_TEST(a_barrier_that_is_missing_is_found_by_any_order)
{
    for (int order = EMULATOR_DESCENDING; order <= 5; order++)
        ck_assert(!rotates(planted_rotate_without_barrier, order));
}
END_TEST

START_TEST(a_barrier_is_for_all_threads)
{
    ck_assert_int_eq(planted_rotate_by_some(stream, device, N, 0), cudaSuccess);
    fetch();
    complains("planted.cu:39: a divergent barrier: thread 62 waits, thread 63 has ended");
}
END_TEST

/* ---- cuBLAS ---- */

START_TEST(cublas_checks_its_arguments)
{
    const float one = 1, zero = 0;
    cublasHandle_t handle;
    ck_assert_int_eq(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSetStream(handle, stream), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, device, 7, device, 8, &zero, device, 8), CUBLAS_STATUS_INVALID_VALUE);
    complains("lda");
    cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, device, 8, device, 8, &zero, device, 8);
    complains("no workspace");
    ck_assert_int_eq(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, device, 8, device, 8, &zero, device + 1, 8),
                     CUBLAS_STATUS_EXECUTION_FAILED);
    emulator_complaint();
    ck_assert_int_eq(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, host, 8, device, 8, &zero, device, 8),
                     CUBLAS_STATUS_EXECUTION_FAILED);
    ck_assert_int_eq(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);
}
END_TEST

/* ---- cuBLASLt: d = a b with a bias, of 2 x 2 numbers at `device`, + 16, + 32, the bias at + 48 ---- */

typedef struct lt {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t layout;
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulHeuristicResult_t found;
    void *workspace;
} lt;

enum { WORKSPACE = 1 << 20 };

static void describe(lt *made)
{
    const uint64_t workspace = WORKSPACE;
    const uint32_t epilogue = CUBLASLT_EPILOGUE_RELU_BIAS, alignment = 16;
    const float *bias = device + 48;
    ck_assert_int_eq(cudaMalloc(&made->workspace, WORKSPACE), cudaSuccess);
    ck_assert_int_eq(cublasLtCreate(&made->handle), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasLtMatmulDescCreate(&made->product, CUBLAS_COMPUTE_32F, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
    cublasLtMatmulDescSetAttribute(made->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    cublasLtMatmulDescSetAttribute(made->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    ck_assert_int_eq(cublasLtMatrixLayoutCreate(&made->layout, CUDA_R_32F, 2, 2, 2), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(cublasLtMatmulPreferenceCreate(&made->preference), CUBLAS_STATUS_SUCCESS);
    cublasLtMatmulPreferenceSetAttribute(made->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    for (int of = CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES; of <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES; of++)
        cublasLtMatmulPreferenceSetAttribute(made->preference, of, &alignment, sizeof alignment);
}

static cublasStatus_t search(lt *made, int *count)
{
    return cublasLtMatmulAlgoGetHeuristic(made->handle, made->product, made->layout, made->layout, made->layout, made->layout, made->preference, 1,
                                          &made->found, count);
}

static lt describe_and_search(void)
{
    lt made;
    int count;
    describe(&made);
    ck_assert_int_eq(search(&made, &count), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(count, 1);
    return made;
}

static cublasStatus_t multiply(const lt *made, const float *a, float *d, size_t workspace)
{
    const float one = 1, zero = 0;
    return cublasLtMatmul(made->handle, made->product, &one, a, made->layout, device + 16, made->layout, &zero, d, made->layout, d, made->layout,
                          &made->found.algo, made->workspace, workspace, stream);
}

START_TEST(cublaslt_multiplies_and_adds_a_bias)
{
    const lt made = describe_and_search();
    const float numbers[N] = {1, 2, 3, 4, [16] = 1, 0, 0, -1, [48] = 0.5f, 10}, expected[4] = {1.5f, 12, 0, 6};
    ck_assert_int_eq(cudaMemcpyAsync(device, numbers, sizeof numbers, cudaMemcpyHostToDevice, stream), cudaSuccess);
    ck_assert_int_eq(multiply(&made, device, device + 32, WORKSPACE), CUBLAS_STATUS_SUCCESS);
    fetch();
    ck_assert_mem_eq(host + 32, expected, sizeof expected);
    ck_assert_uint_eq(emulator_live(), 7);
    cublasLtMatmulDescDestroy(made.product);
    cublasLtMatrixLayoutDestroy(made.layout);
    cublasLtMatmulPreferenceDestroy(made.preference);
    cublasLtDestroy(made.handle);
    ck_assert_uint_eq(emulator_live(), 3);
    ck_assert_str_eq(emulator_complaint(), "");
}
END_TEST

START_TEST(cublaslt_checks_its_arguments)
{
    lt made = describe_and_search();
    const int32_t half = CUDA_R_16F, single = CUDA_R_32F, other = CUBLAS_OP_T;
    multiply(&made, device, device + 32, made.found.workspaceSize - 1);
    complains("too small a workspace");
    multiply(&made, device + 1, device + 32, WORKSPACE);
    complains("not as aligned");
    multiply(&made, device, host, WORKSPACE);
    complains("cublasLtMatmul, d");
    multiply(&made, device, device + N, WORKSPACE);
    complains("cublasLtMatmul, d");
    cublasLtMatmulDescSetAttribute(made.product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &half, sizeof half);
    multiply(&made, device, device + 32, WORKSPACE);
    complains("a bias of another type");
    cublasLtMatmulDescSetAttribute(made.product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &single, sizeof single);
    cublasLtMatmulDescSetAttribute(made.product, CUBLASLT_MATMUL_DESC_TRANSA, &other, 1);
    complains("of 1 bytes");
    cublasLtMatmulDescSetAttribute(made.product, CUBLASLT_MATMUL_DESC_TRANSA, &other, sizeof other);
    multiply(&made, device, device + 32, WORKSPACE);
    complains("chosen for another product");
    cublasLtMatmulDescDestroy(made.product);
    multiply(&made, device, device + 32, WORKSPACE);
    complains("does not exist");
    cublasLtMatmulDescDestroy(made.product);
    complains("does not exist");
    ck_assert_int_eq(cublasLtMatrixLayoutCreate(&made.layout, CUDA_R_32F, 2, 2, 1), CUBLAS_STATUS_INVALID_VALUE);
    complains("2 x 2, 1 apart");
}
END_TEST

START_TEST(cublaslt_lacks_what_it_is_told_to)
{
    lt made;
    int count;
    describe(&made);
    emulator_refuse_epilogues(CUBLASLT_EPILOGUE_BIAS, false);
    ck_assert_int_eq(search(&made, &count), CUBLAS_STATUS_NOT_SUPPORTED);
    emulator_refuse_epilogues(CUBLASLT_EPILOGUE_BGRADA, false);
    ck_assert_int_eq(search(&made, &count), CUBLAS_STATUS_SUCCESS);
    emulator_refuse_epilogues(CUBLASLT_EPILOGUE_RELU, true);
    ck_assert_int_eq(multiply(&made, device, device + 32, WORKSPACE), CUBLAS_STATUS_NOT_SUPPORTED);
    ck_assert_str_eq(emulator_complaint(), "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("emulator_itself");
    TCase *planted = tcase_create("planted");
    tcase_add_checked_fixture(planted, setup, NULL);
    tcase_add_test(planted, work_is_done_when_somebody_waits);
    tcase_add_test(planted, fresh_memory_is_not_a_number);
    tcase_add_exit_test(planted, a_kernel_that_writes_beyond_its_array_is_stopped, CRASHED);
    tcase_add_exit_test(planted, memory_that_was_freed_is_gone, CRASHED);
    tcase_add_exit_test(planted, the_host_cannot_read_the_devices_memory, CRASHED);
    tcase_add_test(planted, a_host_pointer_is_no_argument_of_a_kernel);
    tcase_add_test(planted, a_copy_stays_within_its_allocation);
    tcase_add_test(planted, nothing_is_freed_twice);
    tcase_add_test(planted, memory_has_an_end);
    tcase_add_test(planted, another_streams_work_has_no_place_in_time);
    tcase_add_test(planted, an_event_gives_it_one);
    tcase_add_test(planted, the_host_waits_for_an_event_and_no_longer);
    tcase_add_test(planted, an_event_comes_to_pass_before_somebody_waits_for_it_or_destroys_it);
    tcase_add_test(planted, pinned_memory_is_read_when_the_copy_is_made);
    tcase_add_test(planted, the_default_stream_is_not_used);
    tcase_add_test(planted, a_kernel_that_counts_on_an_order_is_found_by_another);
    tcase_add_test(planted, a_block_has_at_most_1024_threads);
    tcase_add_test(planted, a_graph_does_what_was_recorded_as_often_as_it_is_launched);
    tcase_add_test(planted, what_would_wait_or_read_later_spoils_a_capture);
    tcase_add_test(planted, another_thread_may_wait_during_a_capture);
    tcase_add_test(planted, a_graph_that_runs_is_not_destroyed);
    tcase_add_exit_test(planted, a_graph_whose_memory_was_freed_is_stopped, CRASHED);
    tcase_add_test(planted, threads_of_a_block_meet_at_a_barrier);
    tcase_add_test(planted, a_barrier_that_is_missing_is_found_by_any_order);
    tcase_add_test(planted, a_barrier_is_for_all_threads);
    tcase_add_test(planted, cublas_checks_its_arguments);
    tcase_add_test(planted, cublaslt_multiplies_and_adds_a_bias);
    tcase_add_test(planted, cublaslt_checks_its_arguments);
    tcase_add_test(planted, cublaslt_lacks_what_it_is_told_to);
    suite_add_tcase(s, planted);
    return s;
}

int main(void) { return check_run(suite()); }
