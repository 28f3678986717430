/* One-thread matrix products by OpenBLAS, of whichever flavour the program was linked with. Has no threads of its own and makes no
 * decision about sizes.
 *
 * Why a guard: kernels are parallel over images, and OpenBLAS' own threads would fight with ours for the cores. How it is kept to one
 * thread depends on its flavour, which is known at run time only (distributions exchange one for the other):
 * - pthread: openblas_set_num_threads is a setting of the process; a counter remembers how many threads want it.
 * - OpenMP: openblas_set_num_threads would also set OpenMP's own number, and our parallel loops would lose their threads. Instead
 *   OpenMP's number for the calling thread is set: OpenBLAS asks for it in every call. */
#include "backend/cpu/blas.h"

#include <cblas.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* OpenMP's functions, where a runtime of it is loaded (with OpenBLAS' OpenMP flavour one always is): this file must also work in builds
 * without OpenMP. */
extern int  omp_get_max_threads(void) __attribute__((weak));
extern void omp_set_num_threads(int threads) __attribute__((weak));

/* The setting is the process's or the thread's, so its keeper must be, too. */
static struct {
    pthread_mutex_t lock;
    int depth;                              /* enters without a leave, in all threads */
    int host_threads;
} process = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local struct {
    int depth, host_threads;
} thread;

static void enter_process(void)
{
    pthread_mutex_lock(&process.lock);
    if (process.depth++ == 0) {
        process.host_threads = openblas_get_num_threads();
        if (process.host_threads != 1)
            openblas_set_num_threads(1);
    }
    pthread_mutex_unlock(&process.lock);
}

static void leave_process(void)
{
    pthread_mutex_lock(&process.lock);
    if (--process.depth == 0 && process.host_threads != 1)
        openblas_set_num_threads(process.host_threads);
    pthread_mutex_unlock(&process.lock);
}

static void enter_thread(void)
{
    if (thread.depth++ == 0 && omp_get_max_threads != NULL) {
        thread.host_threads = omp_get_max_threads();
        omp_set_num_threads(1);
    }
}

static void leave_thread(void)
{
    if (--thread.depth == 0 && omp_set_num_threads != NULL)
        omp_set_num_threads(thread.host_threads);
}

void knn__blas_enter(void)
{
    switch (openblas_get_parallel()) {
    case OPENBLAS_THREAD: enter_process(); break;
    case OPENBLAS_OPENMP: enter_thread(); break;
    default: break;
    }
}

void knn__blas_leave(void)
{
    switch (openblas_get_parallel()) {
    case OPENBLAS_THREAD: leave_process(); break;
    case OPENBLAS_OPENMP: leave_thread(); break;
    default: break;
    }
}

void knn__blas_describe(char *text, size_t size)
{
    int parallel = openblas_get_parallel();
    const char *flavour = parallel == OPENBLAS_THREAD ? "pthread" : parallel == OPENBLAS_OPENMP ? "openmp" : "sequential";
    char name[32] = "OpenBLAS", version[32] = "";
    sscanf(openblas_get_config(), "%31s %31s", name, version);          /* "OpenBLAS 0.3.21 DYNAMIC_ARCH ..." */
    snprintf(text, size, "%s %s %s %s", name, version, openblas_get_corename(), flavour);
}

bool knn__gemm_takes(size_t m, size_t n, size_t k)
{
    return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX;
}

/* c is cleared here: OpenBLAS' own way of doing it (beta = 0) takes several times as long as memset. */
void knn__gemm(size_t m, size_t n, size_t k, knn__matrix a, knn__matrix b, bool add, float *c, size_t c_stride)
{
    for (size_t row = 0; row < m && !add; row++)
        memset(c + row * c_stride, 0, n * sizeof *c);
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a.data, (blasint)a.stride, b.data, (blasint)b.stride, 1.0f, c, (blasint)c_stride);
}
