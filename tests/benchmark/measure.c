/* Clocks, repetitions, and the one format of all lines. Knows no net. */
#include "benchmark.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LEAST_RUNS = 5, MOST_RUNS = 10000 };

static double read_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

double now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static double processor_time(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct timing timing_of(double *milliseconds, int runs)
{
    qsort(milliseconds, (size_t)runs, sizeof *milliseconds, compare);
    return (struct timing){.least = milliseconds[0], .median = (milliseconds[(runs - 1) / 2] + milliseconds[runs / 2]) / 2, .runs = runs};
}

struct timing measure(double seconds, int images, void (*body)(void *context), void *context)
{
    static double wall[MOST_RUNS];
    double least_cpu = 0;
    int runs = 0;

    body(context);
    for (double begin = now(); runs < LEAST_RUNS || (now() - begin < 1e3 * seconds && runs < MOST_RUNS); runs++) {
        double cpu = processor_time(), start = now();
        body(context);
        wall[runs] = (now() - start) / images;
        cpu = (processor_time() - cpu) / images;
        least_cpu = runs == 0 || cpu < least_cpu ? cpu : least_cpu;
    }
    struct timing timing = timing_of(wall, runs);
    timing.cpu = least_cpu;
    return timing;
}

/* The value of a line `KEY   : VALUE` of a file in /proc, in `text`; "" where there is none. */
static const char *read_value(const char *path, const char *key, char *text, size_t size)
{
    char line[256];
    FILE *file = fopen(path, "r");

    text[0] = '\0';
    while (file != NULL && text[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (colon != NULL && strncmp(line, key, strlen(key)) == 0)
            snprintf(text, size, "%.*s", (int)strcspn(colon + 1 + strspn(colon + 1, " \t"), "\n"), colon + 1 + strspn(colon + 1, " \t"));
    }
    if (file != NULL)
        fclose(file);
    return text;
}

double peak_memory(void)
{
    char text[64];
    return atof(read_value("/proc/self/status", "VmHWM", text, sizeof text)) / 1024;
}

/* Two processors of one name may differ: so family and model go with it. */
static void print_machine(void)
{
    char name[128], family[16], model[16];
    printf(" machine=\"%s (family %s, model %s)\"", read_value("/proc/cpuinfo", "model name", name, sizeof name),
           read_value("/proc/cpuinfo", "cpu family", family, sizeof family), read_value("/proc/cpuinfo", "model\t", model, sizeof model));
}

/* From "0.1.0 avx2, OpenBLAS 0.3.21 Haswell pthread, openmp, ..": the instruction set and the BLAS. */
static void print_library(const struct settings *settings)
{
    const char *info = knn_build_info(), *isa = info + strcspn(info, " ");
    isa += strspn(isa, " ");
    const char *blas = isa + strcspn(isa, ",");
    blas += strspn(blas, ", ");
    printf(" backend=cpu kernels=%s version=%.*s isa=%.*s blas=\"%.*s\"", settings->general ? "general" : "fused",
           (int)strcspn(info, " "), info, (int)strcspn(isa, ","), isa, (int)strcspn(blas, ","), blas);
    if (settings->slices > 0)
        printf(" slices=%d", settings->slices);
}

void print_line(const struct settings *settings, const struct timing *timing, const char *figure, const char *format, ...)
{
    va_list arguments;

    printf("%s ", figure);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf(" threads=%d", settings->threads);
    if (settings->peer != NULL)
        printf(" peer=\"%s\" variant=primitives", settings->peer);
    else
        print_library(settings);
    print_machine();
    printf(" ms=%.4g median=%.4g", timing->least, timing->median);
    if (timing->cpu > 0)
        printf(" cpu_ms=%.4g", timing->cpu);
    if (!timing->elsewhere)
        printf(" peak_mb=%.0f", peak_memory());
    printf(" runs=%d\n", timing->runs);
    fflush(stdout);
}

void expect(bool succeeded, const char *what)
{
    if (succeeded)
        return;
    fprintf(stderr, "knn_benchmark: %s: %s\n", what, knn_last_error());
    exit(EXIT_FAILURE);
}
