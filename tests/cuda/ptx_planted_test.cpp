/* Mistakes with memory and barriers, planted in kernels that nvcc compiled, are seen with file and line. */
#include "emulator.h"
#include "inside.h"
#include "launch.h"
#include "ptx.h"

#include "support/check_run.h"

#include <cstring>

using namespace emulator;

enum { THREADS = 64, FIRST = 7 };

static float rotated[THREADS];

/* Runs the kernel of this name in planted.cu, a block of it, on the first half of an allocation: the complaint. */
static std::string run_planted(const std::string &name)
{
    ptx::program all;
    void *memory;
    cudaStream_t stream;
    checking = true;
    const std::string wrong = ptx::parse(PLANTED_PTX, all);
    ck_assert_str_eq(wrong.c_str(), "");
    const ptx::function &f = all.at("_Z" + std::to_string(name.size()) + name + "Pfj");
    ck_assert_int_eq(cudaMalloc(&memory, 2 * sizeof rotated), cudaSuccess);
    ck_assert_uint_gt(knn__cuda_placed(memory, sizeof rotated), 0);
    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    struct { void *to; unsigned first; } parameters = {memory, FIRST};
    launch(name.c_str(), dim3(1), dim3(THREADS), f.shared_bytes, stream, [&] { ptx::run(all, f, (unsigned char *)&parameters); });
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

static Suite *suite(void)
{
    Suite *s = suite_create("ptx_planted");
    TCase *barriers = tcase_create("barriers");
    tcase_add_test(barriers, what_is_right_passes);
    tcase_add_loop_test(barriers, what_is_wrong_is_seen, 0, (int)(sizeof planted / sizeof *planted));
    suite_add_tcase(s, barriers);
    return s;
}

int main(void) { return check_run(suite()); }
