/* Kernels whose names say which instructions instructions.c must find in them, and no others that it knows: for each compute capability, so that
 * a code that has changed is noticed. */
#define KERNEL(name, ...) extern "C" __global__ void __launch_bounds__(64) name(__VA_ARGS__)

KERNEL(LDG8_STG8, const char *from, char *to) { to[threadIdx.x] = from[threadIdx.x]; }
KERNEL(LDG16_STG16, const short *from, short *to) { to[threadIdx.x] = from[threadIdx.x]; }
KERNEL(LDG32_STG32, const float *from, float *to) { to[threadIdx.x] = from[threadIdx.x]; }
KERNEL(LDG64_STG64, const float2 *from, float2 *to) { to[threadIdx.x] = from[threadIdx.x]; }
KERNEL(LDG128_STG128, const float4 *from, float4 *to) { to[threadIdx.x] = from[threadIdx.x]; }

KERNEL(FFMA_LDG32_STG32, const float *a, float *to) { to[threadIdx.x] = fmaf(a[threadIdx.x], 3, to[threadIdx.x]); }
KERNEL(LDG32_MUFU_STG32, const float *from, float *to)
{
    float root;
    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(root) : "f"(from[threadIdx.x]));
    to[threadIdx.x] = root;
}

/* Numbers go round through memory that the block shares. */
template <class T> static __device__ void turn(const T *from, T *to)
{
    __shared__ T all[64];
    all[threadIdx.x] = from[threadIdx.x];
    __syncthreads();
    to[threadIdx.x] = all[(threadIdx.x + 1) % 64];
}

KERNEL(BAR_LDG32_LDS32_STG32_STS32, const float *from, float *to) { turn(from, to); }
KERNEL(BAR_LDG64_LDS64_STG64_STS64, const float2 *from, float2 *to) { turn(from, to); }
KERNEL(BAR_LDG128_LDS128_STG128_STS128, const float4 *from, float4 *to) { turn(from, to); }

/* An array that cannot be registers. */
KERNEL(LDG32_LDL32_STG32_STL32, const int *at, float *to)
{
    float all[32];
    #pragma unroll 1
    for (int i = 0; i < 32; i++)
        all[at[i]] = (float)i;
    to[threadIdx.x] = all[at[threadIdx.x]];
}

static __device__ __noinline__ unsigned again(const unsigned *from, unsigned i) { return from[from[i]]; }
KERNEL(CALL_LDG32_STG32, const unsigned *from, unsigned *to) { to[threadIdx.x] = again(from, threadIdx.x) + again(from, threadIdx.x + 1); }

/* A product of matrices of numbers of 16 bits, by a warp. */
KERNEL(HMMA_LDG64_STG64, const uint2 *from, uint2 *to)
{
    uint2 a = from[threadIdx.x], c = to[threadIdx.x];
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%0, %1}, {%2, %3}, {%2}, {%0, %1};" : "+r"(c.x), "+r"(c.y) : "r"(a.x), "r"(a.y));
    to[threadIdx.x] = c;
}

/* In TF32. */
#if __CUDA_ARCH__ >= 800
KERNEL(HMMA_LDG128_STG128, const uint4 *from, float4 *to)
{
    uint4 a = from[threadIdx.x];
    float4 c = to[threadIdx.x];
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%4, %5}, {%0, %1, %2, %3};"
                 : "+f"(c.x), "+f"(c.y), "+f"(c.z), "+f"(c.w) : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w));
    to[threadIdx.x] = c;
}
#endif
