/* The backend "cpu": picks instruction sets at run time, so that one build runs on every CPU. Computes nothing.
 * The build defines KNN_HAVE_AVX2 and KNN_HAVE_AVX512 where it compiled the kernels for these, too. */
#include "backend/cpu/blas.h"
#include "backend/cpu/isa.h"

typedef struct instruction_set {
    const char *name;
    bool (*runs_here)(void);
    const knn_kernel *const *kernels;
    void (*update)(const knn__update_call *call, size_t first, size_t last);
} instruction_set;

/* __builtin_cpu_supports asks the system, too, whether it keeps these registers. */
#ifdef KNN_HAVE_AVX512
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
#endif

#ifdef KNN_HAVE_AVX2
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

static bool always(void) { return true; }

static const instruction_set sets[] = {     /* fastest first */
#ifdef KNN_HAVE_AVX512
    {"avx512", has_avx512, knn__kernels_avx512, knn__update_avx512},
#endif
#ifdef KNN_HAVE_AVX2
    {"avx2", has_avx2, knn__kernels_avx2, knn__update_avx2},
#endif
    {"baseline", always, knn__kernels_baseline, knn__update_baseline},
};
enum { SETS = sizeof sets / sizeof *sets };

/* The list-th set that this machine runs; NULL: there are fewer. */
static const instruction_set *set_of(int list)
{
    for (int i = 0; i < SETS; i++)
        if (sets[i].runs_here() && list-- == 0)
            return &sets[i];
    return NULL;
}

static const knn_kernel *const *kernels(int list)
{
    int sets_here = 0;
    while (set_of(sets_here) != NULL)
        sets_here++;
    return list < sets_here ? set_of(list)->kernels : knn__reference_backend.kernels(list - sets_here);
}

static const char *best_instruction_set(void) { return set_of(0)->name; }

static void loss(const knn__loss_call *call) { knn__reference_backend.loss(call); }

/* Lamb and Adafactor go through an array several times: the plain loops of the reference are good enough for them. */
static void update(const knn__update_call *call, size_t first, size_t last)
{
    bool by_array = call->op == KNN_UPDATE_LAMB || call->op == KNN_UPDATE_ADAFACTOR;
    (by_array ? knn__reference_backend.update : set_of(0)->update)(call, first, last);
}

const knn_backend knn__cpu_backend = {
    .name = "cpu",
    .kernels = kernels,
    .instruction_set = best_instruction_set,
    .enter = knn__blas_enter,
    .leave = knn__blas_leave,
    .loss = loss,
    .update = update,
};
