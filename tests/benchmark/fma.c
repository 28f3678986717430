/* What the processor's multipliers can do at best: independent multiply-adds on registers, on each thread. The bound of every kernel; no
 * kernel itself. */
#include "benchmark.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 1000000, MOST_THREADS = 256 };

static volatile float sink;                 /* keeps the sums from being optimized away */

#if defined(__x86_64__)
#include <immintrin.h>

/* 12 sums: latency 4 times 2 a cycle, and some more; they and two factors fit into the 16 registers of AVX2. */
#define DEFINE_BURN(isa, flags, vector, fma, set1, reduce) \
    __attribute__((target(flags))) static void burn_##isa(void) \
    { \
        vector a = set1(0.999f), b = set1(0.001f), s[12]; \
        for (int i = 0; i < 12; i++) \
            s[i] = set1((float)i); \
        for (int round = 0; round < ROUNDS; round++) { \
            s[0] = fma(s[0], a, b), s[1] = fma(s[1], a, b), s[2] = fma(s[2], a, b), s[3] = fma(s[3], a, b); \
            s[4] = fma(s[4], a, b), s[5] = fma(s[5], a, b), s[6] = fma(s[6], a, b), s[7] = fma(s[7], a, b); \
            s[8] = fma(s[8], a, b), s[9] = fma(s[9], a, b), s[10] = fma(s[10], a, b), s[11] = fma(s[11], a, b); \
        } \
        for (int i = 1; i < 12; i++) \
            s[0] = fma(s[i], a, s[0]); \
        sink = reduce(s[0]); \
    }
DEFINE_BURN(avx2, "avx2,fma", __m256, _mm256_fmadd_ps, _mm256_set1_ps, _mm256_cvtss_f32)
DEFINE_BURN(avx512, "avx512f", __m512, _mm512_fmadd_ps, _mm512_set1_ps, _mm512_cvtss_f32)

struct way { const char *isa; void (*burn)(void); int floats; };
static const struct way ways[] = {{"avx512", burn_avx512, 16}, {"avx2", burn_avx2, 8}};

static bool runs_here(const struct way *way)
{
    __builtin_cpu_init();
    if (strcmp(way->isa, "avx512") == 0)
        return __builtin_cpu_supports("avx512f");
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

struct trial { const struct way *way; int threads; };

static void *burn(void *context)
{
    ((const struct way *)context)->burn();
    return NULL;
}

static void burn_all(void *context)
{
    struct trial *trial = context;
    pthread_t threads[MOST_THREADS];

    for (int i = 0; i < trial->threads; i++)
        expect(pthread_create(&threads[i], NULL, burn, (void *)(uintptr_t)trial->way) == 0, "making a thread");
    for (int i = 0; i < trial->threads; i++)
        pthread_join(threads[i], NULL);
}

void measure_fma(const struct settings *settings)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct trial trial = {&ways[i], settings->threads < MOST_THREADS ? settings->threads : MOST_THREADS};
        if (!runs_here(trial.way))
            continue;
        struct timing timing = measure(settings->seconds, 1, burn_all, &trial);
        double operations = 2.0 * 12 * trial.way->floats * ROUNDS * trial.threads;
        print_line(settings, &timing, "fma", "registers=%s gflops=%.1f", trial.way->isa, 1e-6 * operations / timing.least);
    }
}

#else

void measure_fma(const struct settings *settings)
{
    (void)settings;
    fprintf(stderr, "knn_benchmark: fma is written for x86-64 only\n");
}

#endif
