/* An estimate on paper: how long a training step of the tutorial's net, and of one in the style of VGG, takes named GPUs at least. Times nothing;
 * nothing of it was measured on a GPU.
 *
 * For each layer: the larger one of its FLOP at 70 % of the peak rate and its bytes at 85 % of the peak bandwidth, of NVIDIA's data sheets (dense,
 * without sparsity), and 3 us for each launch. FLOP follow from the layers' shapes. Bytes are counted: the sectors that each launch of the kernels'
 * PTX reads and writes, each once, with one and with two pictures, and from these along a line for 32. */
#include "cuda/counted_step.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double OF_PEAK_RATE = 0.70, OF_PEAK_BANDWIDTH = 0.85, LAUNCH_MS = 0.003, GIGA = 1e9, MB = 1e6, MS = 1e3;

/* TFLOP/s in fp32 and in TF32 (0: has none), GB/s. */
static const struct gpu { const char *name; double fp32, tf32, bandwidth; } gpus[] = {
    {"T4", 8.1, 0, 320}, {"L4", 30.3, 60, 300}, {"RTX 4090", 82.6, 82.6, 1008}, {"A100", 19.5, 156, 1555}, {"H100", 67, 494, 3350}};
enum { GPUS = sizeof gpus / sizeof *gpus };

enum { MOST_CONVOLUTIONS = 6, MOST_ROWS = 2 * MOST_CONVOLUTIONS + 3 };

/* Convolutions of 3x3, by their output's side, and the matrix products of the dense layers: multiplications a picture. */
static const struct shape {
    const char *net;
    int convolutions;
    struct { int side, channels, filters; } convolution[MOST_CONVOLUTIONS];
    double dense;
} shapes[] = {
    {"catdog", 5, {{148, 3, 32}, {72, 32, 64}, {34, 64, 128}, {15, 128, 128}, {5, 128, 256}}, 1024 * 512 + 512},
    {"vgg", 6, {{64, 3, 32}, {64, 32, 32}, {32, 32, 64}, {32, 64, 64}, {16, 64, 128}, {16, 128, 128}}, 8192 * 256 + 256 * 10}};

/* What is made of a layer, forward or backward. Bytes and launches are counted with one picture and with two. */
typedef struct row {
    char name[48];
    double flop;                            /* of a batch */
    size_t bytes[2];
    int launches;
} row;

/* Rows: the convolutions forward, in order, these backward, then three for the rest. */
static int forward_row(int convolution) { return convolution; }
static int backward_row(const struct shape *s, int convolution) { return s->convolutions + convolution; }
static int dense_row(const struct shape *s) { return 2 * s->convolutions; }
static int update_row(const struct shape *s) { return 2 * s->convolutions + 1; }
static int rest_row(const struct shape *s) { return 2 * s->convolutions + 2; }
static int row_count(const struct shape *s) { return 2 * s->convolutions + 3; }

static bool has(const char *kernel, const char *word) { return strstr(kernel, word) != NULL; }

/* How far a step has come: backward goes from the last layer to the first. */
typedef struct progress { int forward, weights, inputs; } progress;

/* The row that a launch belongs to. The parts of a sum follow the kernel that made them. */
static int row_of(const struct shape *s, const char *kernel, progress *at)
{
    if (has(kernel, "patches"))
        return forward_row(at->forward++);
    if (has(kernel, "seen"))
        return backward_row(s, s->convolutions - 1 - at->weights++);
    if (has(kernel, "receivers"))
        return backward_row(s, s->convolutions - 1 - at->inputs++);
    if (has(kernel, "sum_parts") && at->weights > 0)
        return backward_row(s, s->convolutions - at->weights);
    return has(kernel, "cublas") ? dense_row(s) : has(kernel, "update") ? update_row(s) : rest_row(s);
}

static void add_launches(const struct shape *s, const counted_step *step, int which, row rows[MOST_ROWS])
{
    progress at = {0, 0, 0};
    for (size_t i = 0; i < step->launch_count; i++) {
        row *to = &rows[row_of(s, step->launches[i].kernel, &at)];
        to->bytes[which] += step->launches[i].moved;
        to->launches += which;                          /* of the step with two pictures */
    }
}

/* Forward one product; backward two, but for the first layer, whose input needs no gradient. */
static void name_rows(const struct shape *s, row rows[MOST_ROWS])
{
    for (int i = 0; i < s->convolutions; i++) {
        double side = s->convolution[i].side, flop = 2 * side * side * 9 * s->convolution[i].channels * s->convolution[i].filters * BATCH;
        row *forward = &rows[forward_row(i)], *backward = &rows[backward_row(s, i)];
        snprintf(forward->name, sizeof forward->name, "convolution %d, %d filters", i + 1, s->convolution[i].filters);
        snprintf(backward->name, sizeof backward->name, "convolution %d, backward", i + 1);
        forward->flop = flop;
        backward->flop = i > 0 ? 2 * flop : flop;
    }
    rows[dense_row(s)].flop = 3 * 2 * s->dense * BATCH;
    strcpy(rows[dense_row(s)].name, "products of dense layers");
    strcpy(rows[update_row(s)].name, "the optimizer's step");
    strcpy(rows[rest_row(s)].name, "the rest");
}

static double bytes_of(const row *r) { return of_batch(r->bytes[0], r->bytes[1]); }

static double milliseconds(const row *r, double tera, double bandwidth)
{
    double work = r->flop / (OF_PEAK_RATE * tera * MS * GIGA) * MS, memory = bytes_of(r) / (OF_PEAK_BANDWIDTH * bandwidth * GIGA) * MS;
    return (work > memory ? work : memory) + r->launches * LAUNCH_MS;
}

static void print_row(const row *r)
{
    printf("| %s | %.2f | %.1f | %d |", r->name, r->flop / GIGA, bytes_of(r) / MB, r->launches);
    for (int g = 0; g < GPUS; g++)
        printf(" %.2f |", milliseconds(r, gpus[g].fp32, gpus[g].bandwidth));
    printf("\n");
}

static void print_sums(const row *rows, int count, bool tf32)
{
    row all = {.launches = 0};
    for (int i = 0; i < count; i++) {
        all.flop += rows[i].flop;
        all.bytes[0] += rows[i].bytes[0];
        all.bytes[1] += rows[i].bytes[1];
        all.launches += rows[i].launches;
    }
    printf("| all, %s | %.2f | %.1f | %d |", tf32 ? "TF32" : "fp32", all.flop / GIGA, bytes_of(&all) / MB, all.launches);
    for (int g = 0; g < GPUS; g++) {
        double sum = 0, rate = tf32 ? gpus[g].tf32 : gpus[g].fp32;
        for (int i = 0; i < count && rate > 0; i++)
            sum += milliseconds(&rows[i], rate, gpus[g].bandwidth);
        if (rate > 0)
            printf(" %.2f |", sum);
        else
            printf(" - |");
    }
    printf("\n");
}

static void print_net(const struct shape *s)
{
    static counted_step step;
    row rows[MOST_ROWS] = {{.launches = 0}};
    const struct net *net = nets;
    while (strcmp(net->name, s->net) != 0)
        net++;
    name_rows(s, rows);
    for (int which = 0; which < 2; which++) {
        expect(count_step(net, which + 1, &step)[0] == '\0', "counting a step");
        add_launches(s, &step, which, rows);
    }
    printf("| %s, a batch of %d | GFLOP | MB | launches |", s->net, BATCH);
    for (int g = 0; g < GPUS; g++)
        printf(" %s |", gpus[g].name);
    printf("\n|---|---|---|---|");
    for (int g = 0; g < GPUS; g++)
        printf("---|");
    printf("\n");
    for (int i = 0; i < row_count(s); i++)
        print_row(&rows[i]);
    print_sums(rows, row_count(s), false);
    print_sums(rows, row_count(s), true);
    printf("\n");
}

int main(void)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        print_net(&shapes[i]);
    return EXIT_SUCCESS;
}
