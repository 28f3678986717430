/* The vector layer: VL floats a vector and some thirty operations of one line, for each instruction set; all kernels are written in them once.
 * Knows nothing of convolutions. Multiply-add is spelled out, because C11 without GNU extensions forbids the compiler to contract a * b + c.
 *
 * vec and ivec hold VL floats or VL 32-bit integers; + - * work on vec. A mask has one answer a lane. */
#ifndef KNN_BACKEND_CPU_SIMD_H
#define KNN_BACKEND_CPU_SIMD_H

#include "backend/cpu/isa.h"

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

/* On every loop over accumulators: an array of vectors stays in registers only if no loop over it is left. */
#if defined(KNN_SANITIZED)                  /* the checks of every unrolled operation would take minutes to compile */
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

/* Keeps loads where they are written. Without it GCC hoists those of an unrolled loop to its head and spills the accumulators: 40 instead of
 * 98 GFLOP/s in the direct convolution of 3 channels (Zen 3). */
#define BARRIER __asm__ volatile("" ::: "memory")

#define KNN__LEVEL_baseline 0
#define KNN__LEVEL_avx2 2
#define KNN__LEVEL_avx512 3
#define SIMD_LEVEL KNN__PASTE(KNN__LEVEL, KNN_ISA)

/* compress_bytes[m]: the numbers of the set bits of m in ascending order, one a byte, the first one lowest. */
#define KNN__BIT(m, i) ((uint64_t)((m) >> (i) & 1) * (i) << 8 * __builtin_popcount((m) & ((1 << (i)) - 1)))
#define KNN__1(m) (KNN__BIT(m, 1) | KNN__BIT(m, 2) | KNN__BIT(m, 3) | KNN__BIT(m, 4) | KNN__BIT(m, 5) | KNN__BIT(m, 6) | KNN__BIT(m, 7))
#define KNN__4(m) KNN__1(m), KNN__1((m) + 1), KNN__1((m) + 2), KNN__1((m) + 3)
#define KNN__16(m) KNN__4(m), KNN__4((m) + 4), KNN__4((m) + 8), KNN__4((m) + 12)
#define KNN__64(m) KNN__16(m), KNN__16((m) + 16), KNN__16((m) + 32), KNN__16((m) + 48)
static const uint64_t compress_bytes[256] = {KNN__64(0), KNN__64(64), KNN__64(128), KNN__64(192)};

#if SIMD_LEVEL == KNN__LEVEL_avx512
#include <immintrin.h>
enum { VL = 16, REGISTERS = 32 };
typedef __m512 vec;
typedef __m512i ivec;
typedef __mmask16 mask;

INLINE mask lanes_below(int n) { return (mask)((1u << n) - 1); }
INLINE vec load(const float *p) { return _mm512_loadu_ps(p); }
INLINE vec load_part(const float *p, int n) { return _mm512_maskz_loadu_ps(lanes_below(n), p); }        /* n < VL lanes, the others 0 */
INLINE void store(float *p, vec a) { _mm512_storeu_ps(p, a); }
INLINE void store_part(float *p, vec a, int n) { _mm512_mask_storeu_ps(p, lanes_below(n), a); }
INLINE vec all(float a) { return _mm512_set1_ps(a); }
INLINE vec multiply_add(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }                       /* a * b + c */
INLINE vec multiply_subtract(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }                 /* c - a * b */
INLINE vec maximum(vec a, vec b) { return _mm512_max_ps(a, b); }                                        /* b where one is NaN */
INLINE mask greater(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INLINE vec keep(mask m, vec a) { return _mm512_maskz_mov_ps(m, a); }                                    /* a, or 0 */
INLINE ivec load_integers(const int32_t *p) { return _mm512_loadu_si512(p); }
INLINE void store_integers(int32_t *p, ivec a) { _mm512_storeu_si512(p, a); }
INLINE ivec load_bytes(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)); }
INLINE void store_bytes(uint8_t *p, ivec a) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(a)); }
INLINE ivec all_integers(int32_t a) { return _mm512_set1_epi32(a); }
INLINE ivec add_integers(ivec a, ivec b) { return _mm512_add_epi32(a, b); }
INLINE mask less_integers(ivec a, ivec b) { return _mm512_cmplt_epi32_mask(a, b); }
INLINE ivec choose_integers(mask m, ivec a, ivec b) { return _mm512_mask_blend_epi32(m, b, a); }        /* m ? a : b */
INLINE unsigned mask_bits(mask m) { return m; }
INLINE ivec as_integers(vec a) { return _mm512_castps_si512(a); }
INLINE vec as_floats(ivec a) { return _mm512_castsi512_ps(a); }
/* The lanes whose bits are set, moved together; the lanes behind them are undefined. */
typedef __mmask16 compression;
INLINE compression compression_of(unsigned bits) { return (compression)bits; }
INLINE vec compress(compression c, vec a) { return _mm512_maskz_compress_ps(c, a); }
/* Choice of one of four floats, table[id] with id = 0..3, for each lane. `repeat4` makes the table; where many tables are asked with the same
 * ids, `pick4_control` prepares these. */
INLINE vec repeat4(const float *p) { return _mm512_broadcast_f32x4(_mm_loadu_ps(p)); }
INLINE ivec pick4_control(ivec id) { return id; }
INLINE vec pick4(vec table, ivec control) { return _mm512_permutevar_ps(table, control); }

INLINE void transpose_quarters(const vec a[4], vec t[4])        /* t[i] = the i-th 128 bits of a[0], a[1], a[2], a[3] */
{
    vec low01 = _mm512_shuffle_f32x4(a[0], a[1], 0x44), high01 = _mm512_shuffle_f32x4(a[0], a[1], 0xee);
    vec low23 = _mm512_shuffle_f32x4(a[2], a[3], 0x44), high23 = _mm512_shuffle_f32x4(a[2], a[3], 0xee);
    t[0] = _mm512_shuffle_f32x4(low01, low23, 0x88), t[1] = _mm512_shuffle_f32x4(low01, low23, 0xdd);
    t[2] = _mm512_shuffle_f32x4(high01, high23, 0x88), t[3] = _mm512_shuffle_f32x4(high01, high23, 0xdd);
}
INLINE void transpose_in_quarters(const vec a[4], vec t[4])     /* each 4x4 block of 128 bits of four rows */
{
    __m512d low01 = _mm512_castps_pd(_mm512_unpacklo_ps(a[0], a[1])), high01 = _mm512_castps_pd(_mm512_unpackhi_ps(a[0], a[1]));
    __m512d low23 = _mm512_castps_pd(_mm512_unpacklo_ps(a[2], a[3])), high23 = _mm512_castps_pd(_mm512_unpackhi_ps(a[2], a[3]));
    t[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low01, low23)), t[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low01, low23));
    t[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high01, high23)), t[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high01, high23));
}
INLINE void transpose(vec r[VL])
{
    vec t[VL];                                                  /* t[4 g + i], quarter q = column 4 q + i of the rows 4 g .. 4 g + 3 */
    UNROLL for (int g = 0; g < 4; g++)
        transpose_in_quarters(r + 4 * g, t + 4 * g);
    UNROLL for (int i = 0; i < 4; i++) {
        vec column[4] = {t[i], t[4 + i], t[8 + i], t[12 + i]}, whole[4];
        transpose_quarters(column, whole);
        UNROLL for (int q = 0; q < 4; q++)
            r[4 * q + i] = whole[q];
    }
}
/* p[4 i ..] = a[i], b[i], c[i], d[i] */
INLINE void store_interleaved(float *p, vec a, vec b, vec c, vec d)
{
    vec rows[4] = {a, b, c, d}, inner[4], whole[4];
    transpose_in_quarters(rows, inner);
    transpose_quarters(inner, whole);
    UNROLL for (int q = 0; q < 4; q++)
        store(p + q * VL, whole[q]);
}

#elif SIMD_LEVEL == KNN__LEVEL_avx2
#include <immintrin.h>
enum { VL = 8, REGISTERS = 16 };
typedef __m256 vec;
typedef __m256i ivec;
typedef __m256i mask;

INLINE mask lanes_below(int n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
INLINE vec load(const float *p) { return _mm256_loadu_ps(p); }
INLINE vec load_part(const float *p, int n) { return _mm256_maskload_ps(p, lanes_below(n)); }           /* n < VL lanes, the others 0 */
INLINE void store(float *p, vec a) { _mm256_storeu_ps(p, a); }
INLINE void store_part(float *p, vec a, int n) { _mm256_maskstore_ps(p, lanes_below(n), a); }
INLINE vec all(float a) { return _mm256_set1_ps(a); }
INLINE vec multiply_add(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }                       /* a * b + c */
INLINE vec multiply_subtract(vec a, vec b, vec c) { return _mm256_fnmadd_ps(a, b, c); }                 /* c - a * b */
INLINE vec maximum(vec a, vec b) { return _mm256_max_ps(a, b); }                                        /* b where one is NaN */
INLINE mask greater(vec a, vec b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GT_OQ)); }
INLINE vec keep(mask m, vec a) { return _mm256_and_ps(_mm256_castsi256_ps(m), a); }                     /* a, or 0 */
INLINE ivec load_integers(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
INLINE void store_integers(int32_t *p, ivec a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
INLINE ivec load_bytes(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)); }
INLINE void store_bytes(uint8_t *p, ivec a)
{
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(words, words));
}
INLINE ivec all_integers(int32_t a) { return _mm256_set1_epi32(a); }
INLINE ivec add_integers(ivec a, ivec b) { return _mm256_add_epi32(a, b); }
INLINE mask less_integers(ivec a, ivec b) { return _mm256_cmpgt_epi32(b, a); }
INLINE ivec choose_integers(mask m, ivec a, ivec b) { return _mm256_blendv_epi8(b, a, m); }             /* m ? a : b */
INLINE unsigned mask_bits(mask m) { return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(m)); }
INLINE ivec as_integers(vec a) { return _mm256_castps_si256(a); }
INLINE vec as_floats(ivec a) { return _mm256_castsi256_ps(a); }
/* The lanes whose bits are set, moved together; the lanes behind them are undefined. AVX2 has no such instruction, but any permutation. */
typedef __m256i compression;
INLINE compression compression_of(unsigned bits)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)&compress_bytes[bits]));
}
INLINE vec compress(compression c, vec a) { return _mm256_permutevar8x32_ps(a, c); }
/* Choice of one of four floats, table[id] with id = 0..3, for each lane. `repeat4` makes the table; where many tables are asked with the same
 * ids, `pick4_control` prepares these. By bytes: nine picks and nine multiply-adds take 7.1 cycles, with vpermilps 8.9 (Zen 3: ports). */
INLINE vec repeat4(const float *p) { return _mm256_broadcast_ps((const __m128 *)(const void *)p); }
INLINE ivec pick4_control(ivec id)
{
    const __m256i bytes = _mm256_setr_epi32(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c);
    return as_integers(_mm256_permutevar_ps(as_floats(bytes), id));
}
INLINE vec pick4(vec table, ivec control) { return as_floats(_mm256_shuffle_epi8(as_integers(table), control)); }

INLINE void transpose_in_halves(const vec a[4], vec t[4])       /* each 4x4 block of 128 bits of four rows */
{
    vec low01 = _mm256_unpacklo_ps(a[0], a[1]), high01 = _mm256_unpackhi_ps(a[0], a[1]);
    vec low23 = _mm256_unpacklo_ps(a[2], a[3]), high23 = _mm256_unpackhi_ps(a[2], a[3]);
    t[0] = _mm256_shuffle_ps(low01, low23, 0x44), t[1] = _mm256_shuffle_ps(low01, low23, 0xee);
    t[2] = _mm256_shuffle_ps(high01, high23, 0x44), t[3] = _mm256_shuffle_ps(high01, high23, 0xee);
}
INLINE void transpose(vec r[VL])
{
    vec upper[4], lower[4];
    transpose_in_halves(r, upper);
    transpose_in_halves(r + 4, lower);
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(upper[i], lower[i], 0x20);
        r[4 + i] = _mm256_permute2f128_ps(upper[i], lower[i], 0x31);
    }
}
/* p[4 i ..] = a[i], b[i], c[i], d[i] */
INLINE void store_interleaved(float *p, vec a, vec b, vec c, vec d)
{
    vec rows[4] = {a, b, c, d}, t[4];
    transpose_in_halves(rows, t);
    store(p, _mm256_permute2f128_ps(t[0], t[1], 0x20));
    store(p + VL, _mm256_permute2f128_ps(t[2], t[3], 0x20));
    store(p + 2 * VL, _mm256_permute2f128_ps(t[0], t[1], 0x31));
    store(p + 3 * VL, _mm256_permute2f128_ps(t[2], t[3], 0x31));
}

#else   /* baseline: the compiler's own vectors of 16 bytes, on any processor */
enum { VL = 4, REGISTERS = 16 };
typedef float vec __attribute__((vector_size(16)));
typedef int32_t ivec __attribute__((vector_size(16)));
typedef ivec mask;

INLINE vec load(const float *p) { vec a; memcpy(&a, p, sizeof a); return a; }
INLINE vec load_part(const float *p, int n) { vec a = {0}; memcpy(&a, p, (size_t)n * sizeof *p); return a; }    /* n < VL lanes, the others 0 */
INLINE void store(float *p, vec a) { memcpy(p, &a, sizeof a); }
INLINE void store_part(float *p, vec a, int n) { memcpy(p, &a, (size_t)n * sizeof *p); }
INLINE vec all(float a) { return (vec){a, a, a, a}; }
INLINE vec multiply_add(vec a, vec b, vec c) { return a * b + c; }                                      /* a * b + c */
INLINE vec multiply_subtract(vec a, vec b, vec c) { return c - a * b; }                                 /* c - a * b */
INLINE ivec as_integers(vec a) { return (ivec)a; }
INLINE vec as_floats(ivec a) { return (vec)a; }
INLINE mask greater(vec a, vec b) { return (mask)(a > b); }
INLINE vec keep(mask m, vec a) { return (vec)(m & (ivec)a); }                                           /* a, or 0 */
INLINE ivec choose_integers(mask m, ivec a, ivec b) { return (m & a) | (~m & b); }                      /* m ? a : b */
INLINE vec maximum(vec a, vec b) { return (vec)choose_integers(greater(a, b), (ivec)a, (ivec)b); }      /* b where one is NaN */
INLINE ivec load_integers(const int32_t *p) { ivec a; memcpy(&a, p, sizeof a); return a; }
INLINE void store_integers(int32_t *p, ivec a) { memcpy(p, &a, sizeof a); }
INLINE ivec load_bytes(const uint8_t *p) { return (ivec){p[0], p[1], p[2], p[3]}; }
INLINE void store_bytes(uint8_t *p, ivec a)
{
    for (int i = 0; i < VL; i++)
        p[i] = (uint8_t)a[i];
}
INLINE ivec all_integers(int32_t a) { return (ivec){a, a, a, a}; }
INLINE ivec add_integers(ivec a, ivec b) { return a + b; }
INLINE mask less_integers(ivec a, ivec b) { return (mask)(a < b); }
INLINE unsigned mask_bits(mask m) { return (unsigned)((m[0] & 1) | (m[1] & 2) | (m[2] & 4) | (m[3] & 8)); }
/* The lanes whose bits are set, moved together; the lanes behind them are undefined. */
typedef unsigned compression;
INLINE compression compression_of(unsigned bits) { return bits; }
INLINE vec compress(compression c, vec a)
{
    uint64_t from = compress_bytes[c];
    return (vec){a[from & 3], a[from >> 8 & 3], a[from >> 16 & 3], a[from >> 24 & 3]};
}
/* Choice of one of four floats, table[id] with id = 0..3, for each lane. */
INLINE vec repeat4(const float *p) { return load(p); }
INLINE ivec pick4_control(ivec id) { return id; }
INLINE vec pick4(vec table, ivec id) { return (vec){table[id[0] & 3], table[id[1] & 3], table[id[2] & 3], table[id[3] & 3]}; }
INLINE void transpose(vec r[VL])
{
    vec a = r[0], b = r[1], c = r[2], d = r[3];
    for (int i = 0; i < VL; i++)
        r[i] = (vec){a[i], b[i], c[i], d[i]};
}
/* p[4 i ..] = a[i], b[i], c[i], d[i] */
INLINE void store_interleaved(float *p, vec a, vec b, vec c, vec d)
{
    vec rows[VL] = {a, b, c, d};
    transpose(rows);
    for (int i = 0; i < VL; i++)
        store(p + i * VL, rows[i]);
}
#endif

/* The first n of VL floats; n may be more than VL, or none. What lies beyond is 0, and neither read nor written. */
INLINE vec load_up_to(const float *p, int n) { return n >= VL ? load(p) : n > 0 ? load_part(p, n) : all(0); }
INLINE void store_up_to(float *p, vec a, int n)
{
    if (n >= VL)
        store(p, a);
    else if (n > 0)
        store_part(p, a, n);
}

/* Bit i: p[i] == value, i = 0..15. */
#ifdef __SSE2__
#include <emmintrin.h>
INLINE unsigned equal_bytes(const uint8_t *p, int value)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8((char)value)));
}
#else
INLINE unsigned equal_bytes(const uint8_t *p, int value)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < 16; i++)
        bits |= (unsigned)(p[i] == value) << i;
    return bits;
}
#endif

INLINE long round_up(long n, long multiple) { return (n + multiple - 1) / multiple * multiple; }
INLINE int smaller(int a, int b) { return a < b ? a : b; }
INLINE int larger(int a, int b) { return a > b ? a : b; }

#endif
