/* The interpreter of PTX by itself: each instruction on numbers worked out by hand, and what it must refuse to read. */
#include "inside.h"
#include "launch.h"
#include "ptx.h"

#include "support/check_run.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>

using namespace emulator;

/* ---- Instructions on registers: %rd1, %rd2, %rd3 hold a, b, c; the result is %rd0 ---- */

static uint64_t f(float x) { uint32_t bits; memcpy(&bits, &x, sizeof bits); return bits; }
static uint64_t d(double x) { uint64_t bits; memcpy(&bits, &x, sizeof bits); return bits; }
static uint64_t u(int32_t x) { return (uint32_t)x; }

struct sample { const char *name; uint64_t a, b, c, expected; };

static const float F_NAN = NAN;
static const double D_NAN = NAN;

static const sample samples[] = {
    {"mov.b32", u(-7), 0, 0, u(-7)}, {"mov.u32", 9, 0, 0, 9}, {"mov.f32", f(1.5f), 0, 0, f(1.5f)}, {"mov.pred", 3, 0, 0, 1},
    {"mov.b64", 1ull << 40, 0, 0, 1ull << 40}, {"mov.u64", ~0ull, 0, 0, ~0ull}, {"mov.f64", d(-2), 0, 0, d(-2)},
    {"cvta.to.global.u64", 77, 0, 0, 77}, {"mov.u16", 0x1ffff, 0, 0, 0xffff},
    {"selp.b16", 0x10001, 2, 1, 1}, {"selp.u16", 1, 2, 0, 2}, {"selp.b32", 1, 2, 1, 1}, {"selp.u32", 1, 2, 0, 2}, {"selp.f32", f(1), f(2), 1, f(1)}, {"selp.b64", 1ull << 50, 2, 1, 1ull << 50},
    {"selp.f64", d(1), d(2), 0, d(2)},

    {"cvt.f64.f32", f(0.1f), 0, 0, d(0.1f)}, {"cvt.rn.f32.f64", d(0.1), 0, 0, f(0.1f)}, {"cvt.rn.f32.s32", u(-3), 0, 0, f(-3)},
    {"cvt.rn.f32.u32", 0xffffffffu, 0, 0, f(4294967296.0f)}, {"cvt.rn.f64.s32", u(-3), 0, 0, d(-3)},
    {"cvt.s64.s32", u(-3), 0, 0, (uint64_t)-3}, {"cvt.u32.u64", 0x500000007ull, 0, 0, 7}, {"cvt.u64.u32", 0x900000001ull, 0, 0, 1},
    {"cvt.rzi.s32.f32", f(-2.9f), 0, 0, u(-2)}, {"cvt.rzi.s32.f32", f(3e9f), 0, 0, u(INT32_MAX)}, {"cvt.rzi.s32.f32", f(F_NAN), 0, 0, 0},
    {"cvt.rni.f32.f32", f(2.5f), 0, 0, f(2)}, {"cvt.rni.f32.f32", f(-3.5f), 0, 0, f(-4)}, {"cvt.rzi.f64.f64", d(-2.9), 0, 0, d(-2)},
    {"cvt.rzi.s32.f64", d(-2.9), 0, 0, u(-2)}, {"cvt.rzi.s32.f64", d(3e9), 0, 0, u(INT32_MAX)}, {"cvt.rmi.f32.f32", f(-2.1f), 0, 0, f(-3)},
    {"cvt.rzi.f32.f32", f(-2.9f), 0, 0, f(-2)}, {"cvt.rn.f64.u64", 1ull << 63, 0, 0, d(0x1p63)},
    {"cvt.sat.f32.f32", f(1.5f), 0, 0, f(1)}, {"cvt.sat.f32.f32", f(-1), 0, 0, f(0)}, {"cvt.sat.f32.f32", f(F_NAN), 0, 0, f(0)},
    {"cvt.u32.u16", 0x5ffff, 0, 0, 0xffff}, {"cvt.u16.u32", 0x50007, 0, 0, 7},
    {"cvt.rn.f32.u16", 0x1fffe, 0, 0, f(65534)},

    {"cvt.rna.tf32.f32", f(1 + 0x1p-11f), 0, 0, f(1 + 0x1p-10f)}, {"cvt.rna.tf32.f32", f(-1 - 0x1p-11f), 0, 0, f(-1 - 0x1p-10f)},
    {"cvt.rna.tf32.f32", f(1 + 0x1.fp-12f), 0, 0, f(1)}, {"cvt.rna.tf32.f32", f(1 + 0x1.8p-10f), 0, 0, f(1 + 0x1p-9f)},
    {"cvt.rna.tf32.f32", f(INFINITY), 0, 0, f(INFINITY)}, {"cvt.rna.tf32.f32", f(0x1.fffffep127f), 0, 0, f(INFINITY)},
    {"cvt.rna.tf32.f32", 0xff812345u, 0, 0, 0x7fffffffu},

    {"add.s32", 0xffffffffu, 2, 0, 1}, {"add.s64", ~0ull, 2, 0, 1}, {"add.f32", f(1), f(0.5f), 0, f(1.5f)}, {"add.f64", d(1), d(0.5), 0, d(1.5)},
    {"add.rn.f64", d(1), d(2), 0, d(3)}, {"add.rz.f32", f(1), f(0x1.8p-24f), 0, f(1)}, {"add.f32", f(1), f(0x1.8p-24f), 0, f(1 + 0x1p-23f)},
    {"add.s16", 0x1ffff, 3, 0, 2}, {"or.b64", 12ull << 40, 10ull << 40, 0, 14ull << 40},
    {"add.u64", ~0ull, 2, 0, 1}, {"add.rn.f32", f(1), f(2), 0, f(3)}, {"sub.s64", 2, 3, 0, ~0ull}, {"mul.rn.f32", f(3), f(-2), 0, f(-6)},
    {"div.s32", u(-7), 2, 0, u(-3)}, {"neg.s32", 5, 0, 0, u(-5)},
    {"sub.s32", 2, 3, 0, u(-1)}, {"sub.f32", f(2), f(3), 0, f(-1)}, {"sub.f64", d(2), d(3), 0, d(-1)},
    {"mul.lo.s32", u(-5), 7, 0, u(-35)}, {"mul.lo.s64", (uint64_t)-5, 7, 0, (uint64_t)-35}, {"mul.f32", f(3), f(-2), 0, f(-6)},
    {"mul.f64", d(3), d(-2), 0, d(-6)}, {"mul.rn.f64", d(3), d(-2), 0, d(-6)},
    {"mul.wide.s32", u(-1), 3, 0, (uint64_t)-3}, {"mul.wide.u32", 0xffffffffu, 3, 0, 0x2fffffffdull}, {"mul.wide.u16", 0x1ffff, 3, 0, 0x2fffd},
    {"mad.lo.s32", 3, 4, 5, 17}, {"fma.rn.f32", f(3), f(4), f(5), f(17)}, {"fma.rn.f64", d(3), d(4), d(5), d(17)},
    {"fma.rm.f32", f(1), f(-0x1p-30f), f(1), f(1 - 0x1p-24f)}, {"fma.rn.f32", f(1), f(-0x1p-30f), f(1), f(1)},
    {"div.u32", 0xfffffffeu, 3, 0, 0x55555554u}, {"rem.u32", 17, 5, 0, 2}, {"div.rn.f32", f(1), f(3), 0, f(1.0f / 3)},
    {"div.rn.f64", d(1), d(3), 0, d(1.0 / 3)}, {"rcp.rn.f32", f(4), 0, 0, f(0.25f)}, {"rcp.rn.f64", d(4), 0, 0, d(0.25)},
    {"rcp.approx.ftz.f32", f(4), 0, 0, f(0.25f)}, {"rcp.approx.ftz.f64", d(3), 0, 0, 0x3fd5555500000000u},
    {"sqrt.rn.f32", f(9), 0, 0, f(3)}, {"sqrt.rn.f64", d(2), 0, 0, d(1.4142135623730951)},
    {"ex2.approx.f32", f(3), 0, 0, f(8)}, {"ex2.approx.ftz.f32", f(-1), 0, 0, f(0.5f)},
    {"neg.f32", f(1), 0, 0, f(-1)}, {"neg.f64", d(1), 0, 0, d(-1)}, {"abs.f32", f(-1), 0, 0, f(1)}, {"abs.f64", d(-1), 0, 0, d(1)},
    {"copysign.f32", f(-1), f(5), 0, f(-5)}, {"copysign.f64", d(1), d(-5), 0, d(5)},
    {"min.u32", 0xffffffffu, 2, 0, 2}, {"max.u32", 0xffffffffu, 2, 0, 0xffffffffu}, {"max.s32", u(-1), 2, 0, 2}, {"max.f32", f(F_NAN), f(2), 0, f(2)},
    {"min.f32", f(F_NAN), f(2), 0, f(2)}, {"min.f32", f(3), f(-2), 0, f(-2)},
    {"max.f64", d(1), d(2), 0, d(2)},

    {"and.b32", 12, 10, 0, 8}, {"and.b64", 12ull << 40, 10ull << 40, 0, 8ull << 40}, {"and.pred", 1, 0, 0, 0}, {"or.b32", 12, 10, 0, 14},
    {"or.pred", 1, 0, 0, 1}, {"xor.b32", 12, 10, 0, 6}, {"xor.b64", ~0ull, 1, 0, ~1ull}, {"xor.pred", 1, 1, 0, 0}, {"not.b32", 1, 0, 0, 0xfffffffeu},
    {"not.pred", 1, 0, 0, 0}, {"shl.b32", 3, 31, 0, 0x80000000u}, {"shl.b32", 3, 32, 0, 0}, {"shl.b64", 1, 63, 0, 1ull << 63},
    {"shr.u32", 0x80000000u, 31, 0, 1}, {"shr.u32", 5, 99, 0, 0}, {"shr.s32", u(-8), 1, 0, u(-4)}, {"shr.s32", u(-8), 40, 0, u(-1)},
    {"shr.u64", 1ull << 63, 63, 0, 1},

    {"setp.eq.s16", 0xffff, u(-1), 0, 1}, {"setp.eq.s32", 3, 3, 0, 1}, {"setp.eq.s64", 3, 1ull << 40, 0, 0}, {"setp.eq.b32", 3, 4, 0, 0}, {"setp.eq.b64", 3, 3, 0, 1},
    {"setp.lt.u64", 1, ~0ull, 0, 1}, {"setp.ge.u64", 1ull << 63, 1, 0, 1},
    {"setp.ne.s32", 3, 4, 0, 1}, {"setp.lt.s32", u(-1), 1, 0, 1}, {"setp.lt.u32", u(-1), 1, 0, 0}, {"setp.le.u32", 2, 2, 0, 1},
    {"setp.gt.s32", u(-1), 1, 0, 0}, {"setp.gt.u32", u(-1), 1, 0, 1}, {"setp.ge.u32", 2, 3, 0, 0},
    {"setp.eq.f32", f(0), f(-0.0f), 0, 1}, {"setp.lt.f32", f(F_NAN), f(1), 0, 0}, {"setp.le.f32", f(1), f(1), 0, 1},
    {"setp.gt.f32", f(2), f(1), 0, 1}, {"setp.ge.f32", f(F_NAN), f(1), 0, 0}, {"setp.ltu.f32", f(F_NAN), f(1), 0, 1},
    {"setp.leu.f32", f(2), f(1), 0, 0}, {"setp.geu.f32", f(F_NAN), f(1), 0, 1}, {"setp.ne.f32", f(F_NAN), f(1), 0, 0},
    {"setp.eq.f64", d(1), d(1), 0, 1}, {"setp.lt.f64", d(1), d(2), 0, 1}, {"setp.le.f64", d(D_NAN), d(2), 0, 0}, {"setp.gt.f64", d(1), d(2), 0, 0},
    {"setp.neu.f64", d(D_NAN), d(2), 0, 1}, {"setp.gtu.f64", d(1), d(2), 0, 0}, {"setp.ltu.f64", d(1), d(2), 0, 1},
    {"setp.leu.f64", d(D_NAN), d(1), 0, 1}, {"setp.geu.f64", d(1), d(1), 0, 1}};
enum { SAMPLES = sizeof samples / sizeof *samples };

START_TEST(an_instruction_gives_the_hand_value)
{
    const sample &s = samples[_i];
    uint64_t registers[4] = {~0ull, s.a, s.b, s.c};
    ptx::operation *does = ptx::find_operation(s.name);
    ck_assert_msg(does != nullptr, "%s is not known", s.name);
    ptx::instruction i = {};
    for (int k = 0; k < 4; k++)
        i.operands[k] = {ptx::operand::REGISTER, 0, k, 0};
    ptx::machine m = {nullptr, registers, nullptr, nullptr};
    does(m, i);
    ck_assert_msg(registers[0] == s.expected, "%s(%#lx, %#lx, %#lx): expected %#lx, got %#lx", s.name, s.a, s.b, s.c, s.expected, registers[0]);
}
END_TEST

/* ---- Whole functions ---- */

static std::string read(const std::string &text, ptx::program &to)
{
    char path[] = "/tmp/knn-ptx-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq((int)write(file, text.data(), text.size()), (int)text.size());
    close(file);
    std::string wrong = ptx::parse(path, to);
    unlink(path);
    return wrong;
}

/* A kernel of two parameters, a number and a struct of 16 bytes. */
static std::string kernel(const char *body)
{
    return std::string(".version 9.0\n.target sm_75\n.address_size 64\n"
                       ".visible .entry k(\n.param .u32 k_param_0,\n.param .align 8 .b8 k_param_1[16]\n)\n.maxntid 256, 1, 1\n{\n.reg .pred %p<3>;\n.reg .b32 %r<9>, %f<3>;\n.reg .b64 %rd<9>, %fd<3>;\n") +
           body + "\n}\n";
}

START_TEST(a_number_with_a_sign_fills_its_register)
{
    ptx::program all;
    std::string wrong = read(kernel("ld.param.s32 %rd1, [k_param_0];\n setp.eq.s64 %p1, %rd1, -5;\n selp.f64 %fd1, 0d4000000000000000, 0d0000000000000000, %p1;\n"
                                    "st.param.f64 [k_param_1+8], %fd1;\n ret;"), all);
    ck_assert_str_eq(wrong.c_str(), "");
    struct { int32_t number, gap; uint64_t other; double result; } parameters = {-5, 0, 0, 0};
    ptx::run(all, all.at("k"), (unsigned char *)&parameters);
    ck_assert_double_eq(parameters.result, 2);
}
END_TEST

START_TEST(jumps_predicates_vectors_and_calls_work)
{
    ptx::program all;
    std::string wrong = read(".func (.param .b64 func_retval0) half(.param .b64 half_param_0)\n{\n .reg .f64 %fd<3>;\n ld.param.f64 %fd1, [half_param_0];\n"
                             " mul.f64 %fd2, %fd1, 0d3FE0000000000000;\n st.param.f64 [func_retval0], %fd2;\n ret;\n}\n" +
                             kernel(".loc 1 2 3\n ld.param.u32 %r1, [k_param_0];\n ld.param.v2.u32 {%r2, %r3}, [k_param_1];\n"
                                    "mov.u32 %r4, 0;\n$L__BB0_1:\n add.s32 %r4, %r4, %r2;\n add.s32 %r1, %r1, -1;\n setp.ne.s32 %p1, %r1, 0;\n"
                                    "@%p1 bra $L__BB0_1;\n @!%p1 add.s32 %r4, %r4, %r3;\n cvt.rn.f64.s32 %fd1, %r4;\n"
                                    "{ // callseq 0, 0\n .param .b64 param0;\n st.param.f64 [param0+0], %fd1;\n .param .b64 retval0;\n"
                                    "call.uni (retval0),\n half,\n (\n param0\n );\n ld.param.f64 %fd2, [retval0+0];\n }\n"
                                    "st.param.f64 [k_param_1+8], %fd2;\n ret;"), all);
    ck_assert_str_eq(wrong.c_str(), "");
    struct { uint32_t times, gap, each, more; double result; } parameters = {5, 0, 7, 3, 0};
    ptx::run(all, all.at("k"), (unsigned char *)&parameters);
    ck_assert_double_eq(parameters.result, (5 * 7 + 3) / 2.0);
}
END_TEST

static const struct { const char *body, *says; } refused[] = {
    {"add.sat.s32 %r1, %r2, %r3;\n ret;", "not known: add.sat.s32"}, {"ld.volatile.global.f32 %f1, [%rd1];\n ret;", "not known: ld.volatile"},
    {"bar.sync.aligned 0;\n ret;", "not known: bar.sync.aligned"}, {"bra $L__nowhere;\n ret;", "no label"}, {"mov.u32 %r1, %clock;\n ret;", "not declared: %clock"},
    {"ld.param.u32 %r1, [other_param_0];\n ret;", "an address of another kind"}, {".local .b8 s[4];\n ret;", "not known: .local"},
    {"mov.u32 %r1, 1;", "does not end with ret"},
    /* What the kernels do not use, and would have to be modelled for: threads of a warp that wait for, or read from, each other; atomics. */
    {"bar.warp.sync -1;\n ret;", "not known: bar.warp.sync"}, {"activemask.b32 %r1;\n ret;", "not known: activemask.b32"},
    {"vote.sync.ballot.b32 %r1, %p1, -1;\n ret;", "not known: vote.sync"},
    {"shfl.sync.down.b32 %r1|%p1, %r2, 16, 31, 3;\n ret;", "not known: shfl.sync"}, {"membar.gl;\n ret;", "not known: membar.gl"},
    {"atom.global.add.f32 %f1, [%rd1], %f2;\n ret;", "not known: atom.global"}, {"red.global.add.f32 [%rd1], %f1;\n ret;", "not known: red.global"}};

START_TEST(what_is_not_known_is_refused)
{
    ptx::program all;
    std::string wrong = read(kernel(refused[_i].body), all);
    ck_assert_msg(wrong.find(refused[_i].says) != std::string::npos, "\"%s\" is not in \"%s\"", refused[_i].says, wrong.c_str());
}
END_TEST

START_TEST(bits_are_inserted)
{
    ptx::program all;
    std::string wrong = read(kernel("ld.param.v2.u32 {%r1, %r2}, [k_param_1];\n bfi.b32 %r3, %r1, %r2, 8, 4;\n bfi.b32 %r4, %r1, %r2, 0, 32;\n"
                                    "bfi.b32 %r5, %r1, %r2, 40, 4;\n cvt.u64.u32 %rd1, %r3;\n shl.b64 %rd1, %rd1, 32;\n cvt.u64.u32 %rd2, %r4;\n"
                                    "xor.b64 %rd1, %rd1, %rd2;\n st.param.f64 [k_param_1], %rd1;\n cvt.u64.u32 %rd3, %r5;\n st.param.f64 [k_param_1+8], %rd3;\n ret;"), all);
    ck_assert_str_eq(wrong.c_str(), "");
    struct { uint32_t n, gap, a, b; uint64_t more; } parameters = {0, 0, 0xabcd, 0x11111111, 0};
    ptx::run(all, all.at("k"), (unsigned char *)&parameters);
    ck_assert_uint_eq(parameters.b, 0x11111d11);
    ck_assert_uint_eq(parameters.a, 0xabcd);
    ck_assert_uint_eq(parameters.more, 0x11111111);
    ptx::program wide;
    wrong = read(kernel("ld.param.u64 %rd1, [k_param_1];\n ld.param.u64 %rd2, [k_param_1+8];\n bfi.b64 %rd3, %rd1, %rd2, 9, 55;\n"
                        "st.param.f64 [k_param_1], %rd3;\n ret;"), wide);
    ck_assert_str_eq(wrong.c_str(), "");
    struct { uint32_t n, gap; uint64_t a, b; } both = {0, 0, 3, 1};
    ptx::run(wide, wide.at("k"), (unsigned char *)&both);
    ck_assert_uint_eq(both.a, 3u << 9 | 1);
}
END_TEST

START_TEST(a_store_that_does_not_reach_the_device_is_seen)
{
    ptx::program all;
    uint64_t parameters[3] = {0, (uint64_t)(uintptr_t)parameters, 0};
    std::string wrong = read(kernel("ld.param.u64 %rd1, [k_param_1];\n mov.f32 %f1, 0f3F800000;\n st.global.f32 [%rd1+4], %f1;\n ret;"), all);
    ck_assert_str_eq(wrong.c_str(), "");
    ptx::run(all, all.at("k"), (unsigned char *)parameters);
    ck_assert_ptr_nonnull(strstr(emulator_complaint(), "which is not in the device's memory"));
}
END_TEST

/* A block of two threads, each of which stores to `step` bytes times its number, at line 7 of a file. */
static std::string stored_by_two(int step)
{
    ptx::program all;
    void *memory;
    cudaStream_t stream;
    std::string text = kernel(".loc 1 7 1\n ld.param.u64 %rd1, [k_param_1];\n ld.param.u32 %r2, [k_param_0];\n mov.u32 %r1, %tid.x;\n"
                              "mul.wide.u32 %rd2, %r1, %r2;\n add.s64 %rd3, %rd1, %rd2;\n mov.f32 %f1, 0f3F800000;\n"
                              "st.global.f32 [%rd3], %f1;\n ret;") + ".file 1 \"/somewhere/planted.cu\"\n";
    std::string wrong = read(text, all);
    ck_assert_str_eq(wrong.c_str(), "");
    ck_assert_int_eq(cudaMalloc(&memory, 8), cudaSuccess);
    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    struct { uint32_t step, gap; void *to; uint64_t more; } parameters = {(uint32_t)step, 0, memory, 0};
    launch("k", dim3(1), dim3(2), all.at("k").shared_bytes, stream, [&] { ptx::run(all, all.at("k"), (unsigned char *)&parameters); });
    ck_assert_int_eq(cudaStreamDestroy(stream), cudaSuccess);
    ck_assert_int_eq(cudaFree(memory), cudaSuccess);
    return emulator_complaint();
}

/* Four numbers at once, through what the block shares, to global memory and back as bytes. */
START_TEST(vectors_go_through_every_memory)
{
    ptx::program all;
    void *memory;
    cudaStream_t stream;
    float numbers[12];
    unsigned char bytes[4];
    std::string wrong = read(kernel(".shared .align 16 .b8 all[32];\n ld.param.u64 %rd1, [k_param_1];\n mov.f32 %f1, 0f3F800000;\n mov.f32 %f2, 0f40000000;\n"
                                    "mov.u32 %r1, all;\n mov.b32 %r2, %f1;\n st.shared.u32 [%r1+16], %r2;\n st.shared.f32 [all+20], %f2;\n st.shared.f32 [all+24], %f1;\n"
                                    "st.shared.f32 [all+28], %f2;\n bar.sync 0;\n ld.shared.v4.f32 {%f1, %f2, %fd1, %fd2}, [%r1+16];\n"
                                    "st.global.v4.f32 [%rd1], {%f2, %f1, %fd2, %fd1};\n ld.global.u8 %r2, [%rd1+3];\n ld.shared.v2.f32 {%f1, %f2}, [all+24];\n"
                                    "ld.global.v4.u8 {%r1, %r1, %r1, %r3}, [%rd1];\n ld.global.v2.u8 {%r1, %r4}, [%rd1+2];\n"
                                    "st.global.f32 [%rd1+16], %f2;\n st.global.v4.u8 [%rd1+16], {%r2, %r2, %r3, %r4};\n st.global.u8 [%rd1+16], %r2;\n"
                                    "ld.global.v4.u16 {%r1, %r2, %r3, %r4}, [%rd1];\n st.global.v4.u16 [%rd1+24], {%r3, %r4, %r1, %r2};\n"
                                    "ld.global.v4.f32 {%f1, %f2, %fd1, %fd2}, [%rd1];\n st.global.v4.f32 [%rd1+32], {%f2, %f1, %fd2, %fd1};\n"
                                    "ld.global.v2.f32 {%f2, %f1}, [%rd1];\n st.global.f32 [%rd1+20], %f1;\n ret;"), all);
    ck_assert_str_eq(wrong.c_str(), "");
    ck_assert_int_eq(cudaMalloc(&memory, sizeof numbers), cudaSuccess);
    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    struct { uint32_t step, gap; void *to; uint64_t more; } parameters = {0, 0, memory, 0};
    launch("k", dim3(1), dim3(1), all.at("k").shared_bytes, stream, [&] { ptx::run(all, all.at("k"), (unsigned char *)&parameters); });
    ck_assert_int_eq(cudaMemcpyAsync(numbers, memory, sizeof numbers, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_int_eq(cudaMemcpyAsync(bytes, (char *)memory + 16, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_int_eq(cudaStreamSynchronize(stream), cudaSuccess);
    ck_assert_int_eq(cudaStreamDestroy(stream), cudaSuccess);
    ck_assert_int_eq(cudaFree(memory), cudaSuccess);
    ck_assert_str_eq(emulator_complaint(), "");
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq(numbers[i], i % 2 == 0 ? 2 : 1);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(bytes[i], 0x40);
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq(numbers[8 + i], i % 2 == 0 ? 1 : 2);
    ck_assert_float_eq(numbers[5], 1);
    ck_assert_float_eq(numbers[6], 1);
    ck_assert_float_eq(numbers[7], 2);
}
END_TEST

/* ---- Tensor cores ---- */

struct matrices { float left[16][8], right[8][8], sums[16][8]; };

/* Where NVIDIA's manual says that number i of a lane is ("Matrix Fragments for mma.m16n8k8", .tf32). */
static float &left_of(matrices &m, int lane, int i) { return m.left[i % 2 == 0 ? lane >> 2 : (lane >> 2) + 8][i < 2 ? lane % 4 : lane % 4 + 4]; }
static float &right_of(matrices &m, int lane, int i) { return m.right[i == 0 ? lane % 4 : lane % 4 + 4][lane >> 2]; }
static float &sum_of(matrices &m, int lane, int i) { return m.sums[i < 2 ? lane >> 2 : (lane >> 2) + 8][lane % 4 * 2 + (i & 1)]; }

/* A lane's ten numbers, one behind the other in memory; the sums go where they came from. `threads` threads, of which those from `late` on do not
 * take part. */
static std::string multiplied(matrices &m, unsigned threads, unsigned late)
{
    float numbers[32][10];
    void *memory;
    cudaStream_t stream;
    ptx::program all;
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 10; i++)
            numbers[lane][i] = i < 4 ? left_of(m, lane, i) : i < 6 ? right_of(m, lane, i - 4) : sum_of(m, lane, i - 6);
    std::string body = ".loc 1 7 1\n ld.param.u64 %rd1, [k_param_1];\n ld.param.u32 %r2, [k_param_0];\n mov.u32 %r1, %tid.x;\n"
                       "setp.ge.u32 %p1, %r1, %r2;\n @%p1 bra $L__end;\n mul.wide.u32 %rd2, %r1, 40;\n add.s64 %rd3, %rd1, %rd2;\n";
    for (int i = 0; i < 10; i++)
        body += "ld.global.f32 %f" + std::to_string(i) + ", [%rd3+" + std::to_string(4 * i) + "];\n";
    body += "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f10, %f11, %f12, %f13}, {%f0, %f1, %f2, %f3}, {%f4, %f5}, {%f6, %f7, %f8, %f9};\n";
    for (int i = 0; i < 4; i++)
        body += "st.global.f32 [%rd3+" + std::to_string(4 * i + 24) + "], %f" + std::to_string(10 + i) + ";\n";
    std::string wrong = read(kernel((body + "$L__end:\n ret;").c_str()) + ".file 1 \"/somewhere/planted.cu\"\n", all);
    ck_assert_str_eq(wrong.c_str(), "");
    ck_assert_int_eq(cudaMalloc(&memory, sizeof numbers), cudaSuccess);
    ck_assert_int_eq(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    ck_assert_int_eq(cudaMemcpyAsync(memory, numbers, sizeof numbers, cudaMemcpyHostToDevice, stream), cudaSuccess);
    struct { uint32_t late, gap; void *to; uint64_t more; } parameters = {late, 0, memory, 0};
    launch("k", dim3(1), dim3(threads), all.at("k").shared_bytes, stream, [&] { ptx::run(all, all.at("k"), (unsigned char *)&parameters); });
    ck_assert_int_eq(cudaMemcpyAsync(numbers, memory, sizeof numbers, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ck_assert_int_eq(cudaStreamSynchronize(stream), cudaSuccess);
    ck_assert_int_eq(cudaStreamDestroy(stream), cudaSuccess);
    ck_assert_int_eq(cudaFree(memory), cudaSuccess);
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 4; i++)
            sum_of(m, lane, i) = numbers[lane][6 + i];
    return emulator_complaint();
}

/* Of whole numbers, another one at each place. */
static matrices some_matrices()
{
    matrices m;
    for (int i = 0; i < 16 * 8; i++)
        m.left[i / 8][i % 8] = (float)(i + 1), m.sums[i / 8][i % 8] = (float)(1000 - 3 * i);
    for (int i = 0; i < 8 * 8; i++)
        m.right[i / 8][i % 8] = (float)(i * i % 67 - 30);
    return m;
}

START_TEST(a_warp_multiplies_matrices)
{
    const int orders[] = {EMULATOR_ASCENDING, EMULATOR_DESCENDING, 5};
    matrices m = some_matrices();
    const matrices before = m;
    emulator_set_capability(80);
    emulator_set_order(orders[_i]);
    std::string complaint = multiplied(m, 32, 32);
    ck_assert_str_eq(complaint.c_str(), "");
    for (int row = 0; row < 16; row++)
        for (int column = 0; column < 8; column++) {
            int expected = 1000 - 3 * (8 * row + column);
            for (int k = 0; k < 8; k++)
                expected += (8 * row + k + 1) * ((8 * k + column) * (8 * k + column) % 67 - 30);
            ck_assert_float_eq(m.sums[row][column], (float)expected);
        }
    ck_assert_mem_eq(m.left, before.left, sizeof m.left);
}
END_TEST

START_TEST(bits_beyond_tf32_count_for_nothing)
{
    matrices m = {};
    m.left[9][6] = 1 + 0x1.fffp-11f;
    m.right[6][5] = -3 - 0x1.ffcp-10f;
    m.sums[9][5] = 0x1p-20f;
    emulator_set_capability(80);
    multiplied(m, 32, 32);
    ck_assert_float_eq(m.sums[9][5], -3 + 0x1p-20f);
}
END_TEST

START_TEST(a_warp_that_is_not_all_there_is_seen)
{
    matrices m = some_matrices();
    emulator_set_capability(80);
    emulator_set_order(EMULATOR_ASCENDING);
    std::string complaint = multiplied(m, 32, 31), few = multiplied(m, 16, 16);
    ck_assert_msg(complaint.find("planted.cu:7: a divergent warp: thread 0 is here, others are not") == 0, "%s", complaint.c_str());
    ck_assert_msg(few.find("planted.cu:7: a divergent warp") == 0, "%s", few.c_str());
}
END_TEST

START_TEST(an_older_gpu_has_no_tensor_cores)
{
    matrices m = some_matrices();
    emulator_set_capability(75);
    std::string complaint = multiplied(m, 32, 32);
    ck_assert_msg(complaint.find("planted.cu:7: tensor cores on a GPU of compute capability 75") == 0, "%s", complaint.c_str());
}
END_TEST

START_TEST(two_threads_do_not_write_one_number)
{
    checking = true;
    std::string complaint = stored_by_two(0), apart = stored_by_two(4);
    ck_assert_str_eq(apart.c_str(), "");
    ck_assert_msg(complaint.find("planted.cu:7: a race: thread 1 writes") == 0, "%s", complaint.c_str());
}
END_TEST

START_TEST(numbers_are_aligned)
{
    std::string complaint = stored_by_two(2);
    ck_assert_msg(complaint.find("planted.cu:7: ") == 0 && complaint.find("is not aligned to 4 bytes") != std::string::npos, "%s", complaint.c_str());
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ptx_operations");
    TCase *operations = tcase_create("operations"), *functions = tcase_create("functions");
    tcase_add_loop_test(operations, an_instruction_gives_the_hand_value, 0, SAMPLES);
    tcase_add_test(functions, a_number_with_a_sign_fills_its_register);
    tcase_add_test(functions, jumps_predicates_vectors_and_calls_work);
    tcase_add_loop_test(functions, what_is_not_known_is_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(functions, bits_are_inserted);
    tcase_add_test(functions, a_store_that_does_not_reach_the_device_is_seen);
    tcase_add_test(functions, vectors_go_through_every_memory);
    tcase_add_loop_test(functions, a_warp_multiplies_matrices, 0, 3);
    tcase_add_test(functions, bits_beyond_tf32_count_for_nothing);
    tcase_add_test(functions, a_warp_that_is_not_all_there_is_seen);
    tcase_add_test(functions, an_older_gpu_has_no_tensor_cores);
    tcase_add_test(functions, two_threads_do_not_write_one_number);
    tcase_add_test(functions, numbers_are_aligned);
    suite_add_tcase(s, operations);
    suite_add_tcase(s, functions);
    return s;
}

int main(void) { return check_run(suite()); }
