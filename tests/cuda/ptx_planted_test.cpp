/* Mistakes with memory and barriers, planted in kernels that nvcc compiled, are seen with file and line; what is right, but slow, is counted; launches
 * that no GPU takes are refused. */
#include "emulator.h"
#include "inside.h"
#include "launch.h"
#include "ptx.h"

#include "support/check_run.h"

#include <cstring>

using namespace emulator;

enum { THREADS = 64, FIRST = 7, COLUMNS = 32 };

static float rotated[THREADS];

static const ptx::function &find(const ptx::program &all, const std::string &name)
{
    const std::string begin = "_Z" + std::to_string(name.size()) + name;
    auto found = all.lower_bound(begin);
    ck_assert(found != all.end() && found->first.compare(0, begin.size(), begin) == 0);
    return found->second;
}

static cudaStream_t make_stream()
{
    cudaStream_t stream;
    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    return stream;
}

/* Runs the kernel of this name in planted.cu on the first half of an allocation, of so many numbers, or on the host's memory: the complaint. */
static std::string run_planted(const std::string &name, unsigned first = FIRST, unsigned blocks = 1, bool on_host = false, size_t numbers = THREADS)
{
    const size_t bytes = numbers * sizeof *rotated;
    ptx::program all;
    void *memory;
    cudaStream_t stream = make_stream();
    checking = true;
    const std::string wrong = ptx::parse(PLANTED_PTX, all);
    ck_assert_str_eq(wrong.c_str(), "");
    const ptx::function &f = find(all, name);
    ck_assert_int_eq(cudaMalloc(&memory, 2 * bytes), cudaSuccess);
    ck_assert_uint_gt(knn__cuda_placed(memory, bytes), 0);
    struct { void *to; unsigned first; } parameters = {on_host ? rotated : memory, first};
    launch(f.name.c_str(), dim3(blocks), dim3(THREADS), f.shared_bytes, stream, [&] { ptx::run(all, f, (unsigned char *)&parameters); });
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
static const struct { const char *kernel, *says; unsigned first, blocks; bool on_host; } planted[] = {
    {"rotate_without_barrier", "planted.cu:31: thread 0 reads ", FIRST, 1, false},
    {"rotate_without_barrier", ", which was never written", FIRST, 1, false},
    {"rotate_in_place", "planted.cu:74: a race: thread 1 writes ", FIRST, 1, false},
    {"rotate_by_some", "planted.cu:39: a divergent barrier: thread 62 waits, thread 63 has ended", FIRST, 1, false},
    {"rotate_too_far", "planted.cu:49: a kernel touches byte 1024 of the 1024 that its block shares", FIRST, 1, false},
    {"rotate_into_another", "planted.cu:84: a kernel touches byte 1024 of the 2112 that its block shares, which is of no array", FIRST, 1, false},
    {"share_by_two", "planted.cu:55: a race: thread 1 writes ", FIRST, 1, false},
    {"fill_by_all_blocks", "planted.cu:89: a race: thread 64 writes ", FIRST, 2, false},
    {"add", "planted.cu:61: thread 0 reads ", FIRST, 1, false}, {"add", ", which was never written", FIRST, 1, false},
    {"fill_from", "planted.cu:66: thread 57 writes ", FIRST, 1, false}, {"fill_from", ", which is of no array", FIRST, 1, false},
    {"fill_from", "planted.cu:66: thread 48 writes ", 2 * THREADS - 48, 1, false},           /* beyond the allocation */
    {"fill_by_four", "planted.cu:95: ", FIRST, 1, false}, {"fill_by_four", " is not aligned to 16 bytes", FIRST, 1, false},
    {"fill_through_struct", "planted.cu:102: a kernel touches ", FIRST, 1, true},
    {"fill_through_struct", ", which is not in the device's memory", FIRST, 1, true}};

START_TEST(what_is_wrong_is_seen)
{
    const auto &p = planted[_i];
    std::string complaint = run_planted(p.kernel, p.first, p.blocks, p.on_host);
    ck_assert_msg(complaint.find(p.says) != std::string::npos, "\"%s\", expected \"%s\"", complaint.c_str(), p.says);
}
END_TEST

/* Grid, block, bytes that a block shares. */
static const struct { unsigned blocks, threads; size_t shared; const char *says; } launches[] = {
    {1, 2048, 0, "large: a grid of 1 x 1 x 1 blocks of 2048 x 1 x 1 threads"}, {0, 64, 0, "large: a grid of 0 x 1 x 1 blocks"},
    {1, 64, (48 << 10) + 1, "large: 49153 bytes for a block to share, more than 49152 must be asked for"}, {1, 1024, 48 << 10, ""}};

START_TEST(what_no_gpu_launches_is_refused)
{
    const auto &l = launches[_i];
    cudaStream_t stream = make_stream();
    launch("large", dim3(l.blocks), dim3(l.threads), l.shared, stream, [] {});
    ck_assert_int_eq(cudaGetLastError() == cudaSuccess, l.says[0] == '\0');
    ck_assert_int_eq(cudaStreamDestroy(stream), cudaSuccess);
    const std::string complaint = emulator_complaint();
    ck_assert_msg(complaint.find(l.says) == 0 && complaint.empty() == (l.says[0] == '\0'), "\"%s\", expected \"%s\"", complaint.c_str(), l.says);
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
    const std::string complaint = run_planted(slow[_i].kernel, FIRST, 1, false, THREADS * COLUMNS);
    ck_assert_str_eq(complaint.c_str(), "");
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
    tcase_add_loop_test(barriers, what_no_gpu_launches_is_refused, 0, (int)(sizeof launches / sizeof *launches));
    suite_add_tcase(s, barriers);
    TCase *requests = tcase_create("requests");
    tcase_add_loop_test(requests, what_is_slow_is_counted, 0, (int)(sizeof slow / sizeof *slow));
    suite_add_tcase(s, requests);
    return s;
}

int main(void) { return check_run(suite()); }
