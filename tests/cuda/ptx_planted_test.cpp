/* Mistakes with memory and barriers, planted in kernels that nvcc compiled, are seen with file and line; and what is right, but slow. */
#include "emulator.h"
#include "inside.h"
#include "launch.h"
#include "ptx.h"

#include "support/check_run.h"

#include <cstring>

using namespace emulator;

enum { THREADS = 64, FIRST = 7, COLUMNS = 32 };

static float rotated[THREADS];

/* Runs the kernel of this name in planted.cu, a block of it, on the first half of an allocation, of so many numbers: the complaint. */
static std::string run_planted(const std::string &name, size_t numbers = THREADS)
{
    const size_t bytes = numbers * sizeof *rotated;
    ptx::program all;
    void *memory;
    cudaStream_t stream;
    checking = true;
    const std::string wrong = ptx::parse(PLANTED_PTX, all);
    ck_assert_str_eq(wrong.c_str(), "");
    const ptx::function &f = all.at("_Z" + std::to_string(name.size()) + name + "Pfj");
    ck_assert_int_eq(cudaMalloc(&memory, 2 * bytes), cudaSuccess);
    ck_assert_uint_gt(knn__cuda_placed(memory, bytes), 0);
    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    struct { void *to; unsigned first; } parameters = {memory, FIRST};
    launch(f.name.c_str(), dim3(1), dim3(THREADS), f.shared_bytes, stream, [&] { ptx::run(all, f, (unsigned char *)&parameters); });
    ck_assert_int_eq(cudaMemcpyAsync(rotated, memory, sizeof rotated, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_int_eq(cudaStreamDestroy(stream), cudaSuccess);
    ck_assert_int_eq(cudaFree(memory), cudaSuccess);
    return emulator_complaint();
}

START_TEST(what_is_right_passes)
{
    const std::string complaint = run_planted("rotate");
    ck_assert_str_eq(complaint.c_str(), "");
    for (int i = 0; i < THREADS; i++)
        ck_assert_float_eq(rotated[i], (float)(FIRST + (i + 1) % THREADS));
}
END_TEST

/* Each with the line in planted.cu. */
static const struct { const char *kernel, *says; } planted[] = {
    {"rotate_without_barrier", "planted.cu:31: thread 0 reads "}, {"rotate_without_barrier", ", which was never written"},
    {"rotate_by_some", "planted.cu:39: a divergent barrier: thread 62 waits, thread 63 has ended"},
    {"rotate_too_far", "planted.cu:49: a kernel touches byte 1024 of the 1024 that its block shares"},
    {"share_by_two", "planted.cu:55: a race: thread 1 writes "}, {"add", "planted.cu:61: thread 0 reads "}, {"add", ", which was never written"},
    {"fill_from", "planted.cu:66: thread 57 writes "}, {"fill_from", ", which is of no array"}};

START_TEST(what_is_wrong_is_seen)
{
    std::string complaint = run_planted(planted[_i].kernel);
    ck_assert_msg(complaint.find(planted[_i].says) != std::string::npos, "\"%s\", expected \"%s\"", complaint.c_str(), planted[_i].says);
}
END_TEST

/* What a warp's accesses need and take, in sectors of the device's memory or in turns of the banks. */
static const struct { const char *kernel; int shared; size_t needed, taken; } slow[] = {
    {"write_row", 0, 4, 5}, {"write_column", 0, 4, 32}, {"write_fours", 0, 4, 16}, {"write_tile", 1, 1, 32}, {"write_padded_tile", 1, 1, 1},
    {"rotate", 1, 1, 1}};

/* Of all lines of the kernel. */
START_TEST(what_is_slow_is_counted)
{
    emulator_requests lines[16];
    size_t requests = 0, needed = 0, taken = 0;
    emulator_count_traffic();
    ck_assert_str_eq(run_planted(slow[_i].kernel, THREADS * COLUMNS).c_str(), "");
    const size_t count = emulator_get_requests(lines, sizeof lines / sizeof *lines);
    for (size_t i = 0; i < count; i++)
        if (lines[i].shared == slow[_i].shared) {
            ck_assert_str_eq(lines[i].kernel, slow[_i].kernel);
            requests += lines[i].requests;
            needed += lines[i].needed;
            taken += lines[i].taken;
        }
    ck_assert_uint_gt(requests, 0);
    ck_assert_uint_eq(needed, requests * slow[_i].needed);
    ck_assert_uint_eq(taken, requests * slow[_i].taken);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ptx_planted");
    TCase *barriers = tcase_create("barriers");
    tcase_add_test(barriers, what_is_right_passes);
    tcase_add_loop_test(barriers, what_is_wrong_is_seen, 0, (int)(sizeof planted / sizeof *planted));
    suite_add_tcase(s, barriers);
    TCase *requests = tcase_create("requests");
    tcase_add_loop_test(requests, what_is_slow_is_counted, 0, (int)(sizeof slow / sizeof *slow));
    suite_add_tcase(s, requests);
    return s;
}

int main(void) { return check_run(suite()); }
