/* The parts of the benchmark program. What the figures mean is said in benchmark.c. */
#ifndef KNN_TESTS_BENCHMARK_H
#define KNN_TESTS_BENCHMARK_H

#include <knn/knn.h>

enum { BATCH = 32 };                        /* images a training step and a call of predict */

struct settings {
    const struct net *net;
    int threads;
    bool general;                           /* im2col + OpenBLAS in place of the fused kernels */
    int slices;                             /* that training splits a batch into; 0: the library's choice */
    double seconds;                         /* that one figure is repeated for */
    int epochs;
    const char *data;                       /* directory with train and validation; NULL: none */
    const char *program;                    /* catdog; NULL: none */
    const char *peer;                       /* what is measured in the library's place; NULL: nothing */
};

/* ---- nets.c ---- */

struct net {
    const char *name;
    int height, width, channels, outputs;
    void (*add_layers)(knn_model *model);
    void (*compile)(knn_model *model, const knn_optimizer *optimizer);
};

extern const struct net nets[];                    /* the last one has no name */

/* A compiled model, which the caller frees. optimizer NULL: the net's own. */
knn_model *make_model(const struct settings *settings, const char *backend, const knn_optimizer *optimizer);

/* x[images][input] and y[images][output]: noise, the same in each run. The caller frees both. */
struct batch { float *x, *y; };
struct batch make_batch(const struct net *net, int images);

/* ---- work.c ---- */

struct work {
    knn_model *model;
    struct batch batch;
    int images;
    float *answers;
};

struct work prepare(const struct settings *settings, const char *backend, int images);
void release(struct work *work);
/* Bodies for measure. */
void train(void *work);
void predict(void *work);

/* ---- measure.c ---- */

struct timing {
    double least, median;                   /* milliseconds of wall time an image */
    double cpu;                             /* least, of processor time, all threads together */
    int runs;
    bool elsewhere;                         /* in another process, whose memory is not known here */
};

/* Repeats body, which works on `images` images, after one run that is not timed. */
struct timing measure(double seconds, int images, void (*body)(void *context), void *context);
struct timing timing_of(double *milliseconds, int runs);       /* sorts them; cpu stays 0 */

double now(void);                           /* wall clock, ms */
double peak_memory(void);                   /* of this process until now, MiB */

/* `FIGURE details.. threads=.. kernels=.. blas=.. machine=.. ms=..`: the details by format, e.g. "net=%s". */
void print_line(const struct settings *settings, const struct timing *timing, const char *figure, const char *format, ...);

/* Ends the program with status 1 where a call of the library failed. */
void expect(bool succeeded, const char *what);

/* ---- the figures ---- */

void check_results(const struct settings *settings, int images, bool training);        /* check.c */
void measure_pictures(const struct settings *settings);        /* pictures.c */
void measure_epoch(const struct settings *settings);
void measure_cold(const struct settings *settings);            /* cold.c */
void measure_fma(const struct settings *settings);             /* fma.c */

#endif
