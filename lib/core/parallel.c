/* The parallel loop on OpenMP or on pthreads. Does not choose the number of slices or threads, and keeps no thread of its own. */
#include "core/parallel.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(_OPENMP) && !defined(KNN_PTHREADS)
#define WITH_OPENMP
#include <omp.h>
#else
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif

/* A loop, and the part of it that one thread has. */
typedef struct share {
    int slices, part, parts;
    knn__body *body;
    void *context;
} share;

static _Thread_local bool inside_a_body;

static void run_share(const share *own)
{
    long first, last;
    knn__share(own->slices, own->part, own->parts, &first, &last);
    bool before = inside_a_body;
    inside_a_body = true;
    for (long slice = first; slice < last; slice++)
        own->body((int)slice, own->context);
    inside_a_body = before;
}

#ifdef WITH_OPENMP

static void run_team(share loop, int threads)
{
#pragma omp parallel num_threads(threads) firstprivate(loop)
    {
        loop.part = omp_get_thread_num();
        loop.parts = omp_get_num_threads();                     /* may be fewer than asked for */
        run_share(&loop);
    }
}

int knn__cores(void)
{
    return omp_get_num_procs();         /* the affinity mask before OMP_PROC_BIND narrowed it for this thread */
}

const char *knn__parallel_kind(void)
{
    return "openmp";
}

#else

enum { LARGEST_TEAM = 256, MASK_WORDS = 8 };                    /* MASK_WORDS: of 1024 cores each */

static void *run_thread(void *own)
{
    run_share(own);
    return NULL;
}

/* The caller is part 0; it also does the parts whose threads the system refused. */
static void run_team(share loop, int threads)
{
    pthread_t thread[LARGEST_TEAM];
    bool started[LARGEST_TEAM];
    share shares[LARGEST_TEAM];
    int parts = threads < LARGEST_TEAM ? threads : LARGEST_TEAM;
    for (int part = 0; part < parts; part++) {
        shares[part] = loop;
        shares[part].part = part;
        shares[part].parts = parts;
        started[part] = part > 0 && pthread_create(&thread[part], NULL, run_thread, &shares[part]) == 0;
    }
    for (int part = 0; part < parts; part++)
        if (!started[part])
            run_share(&shares[part]);
    for (int part = 0; part < parts; part++)
        if (started[part])
            pthread_join(thread[part], NULL);
}

int knn__cores(void)
{
#ifdef __linux__
    cpu_set_t mask[MASK_WORDS];
    if (sched_getaffinity(0, sizeof mask, mask) == 0)
        return CPU_COUNT_S(sizeof mask, mask);
#endif
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 1 ? (int)cores : 1;
}

const char *knn__parallel_kind(void)
{
    return "pthreads";
}

#endif

void knn__parallel(int slices, int threads, knn__body *body, void *context)
{
    share loop = {.slices = slices, .part = 0, .parts = 1, .body = body, .context = context};
    int useful = threads < slices ? threads : slices;
    if (useful <= 1 || inside_a_body)
        run_share(&loop);
    else
        run_team(loop, useful);
}
