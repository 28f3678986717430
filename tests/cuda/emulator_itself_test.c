/* The emulator sees what is planted: each misuse of memory, streams, launches and cuBLAS that it is meant to see; and lets correct use pass. */
#include "emulator.h"
#include "planted.h"
#include "support/check_run.h"

#include <cublas_v2.h>
#include <dlfcn.h>
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

typedef struct functions {
    __typeof__(cublasCreate) *create;
    __typeof__(cublasDestroy) *destroy;
    __typeof__(cublasSetStream) *set_stream;
    __typeof__(cublasSgemm) *sgemm;
} functions;

static functions load(void)
{
    functions f;
    void *library = dlopen("libcublas.so." CUBLAS_MAJOR, RTLD_NOW), *loaded[4];
    ck_assert_msg(library != NULL, "%s", dlerror());
    loaded[0] = dlsym(library, "cublasCreate_v2");
    loaded[1] = dlsym(library, "cublasDestroy_v2");
    loaded[2] = dlsym(library, "cublasSetStream_v2");
    loaded[3] = dlsym(library, "cublasSgemm_v2");
    memcpy(&f, loaded, sizeof f);
    return f;
}

START_TEST(cublas_checks_its_arguments)
{
    const functions f = load();
    const float one = 1, zero = 0;
    cublasHandle_t handle;
    ck_assert_int_eq(f.create(&handle), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(f.set_stream(handle, stream), CUBLAS_STATUS_SUCCESS);
    ck_assert_int_eq(f.sgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, device, 7, device, 8, &zero, device, 8), CUBLAS_STATUS_INVALID_VALUE);
    complains("lda");
    f.sgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, device, 8, device, 8, &zero, device, 8);
    complains("no workspace");
    ck_assert_int_eq(f.sgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, device, 8, device, 8, &zero, device + 1, 8),
                     CUBLAS_STATUS_EXECUTION_FAILED);
    emulator_complaint();
    ck_assert_int_eq(f.sgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, host, 8, device, 8, &zero, device, 8),
                     CUBLAS_STATUS_EXECUTION_FAILED);
    ck_assert_int_eq(f.destroy(handle), CUBLAS_STATUS_SUCCESS);
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
    tcase_add_test(planted, the_default_stream_is_not_used);
    tcase_add_test(planted, a_kernel_that_counts_on_an_order_is_found_by_another);
    tcase_add_test(planted, a_block_has_at_most_1024_threads);
    tcase_add_test(planted, threads_of_a_block_meet_at_a_barrier);
    tcase_add_test(planted, a_barrier_that_is_missing_is_found_by_any_order);
    tcase_add_test(planted, a_barrier_is_for_all_threads);
    tcase_add_test(planted, cublas_checks_its_arguments);
    suite_add_tcase(s, planted);
    return s;
}

int main(void) { return check_run(suite()); }
