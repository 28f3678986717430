/* What a training step of the tutorial's net moves in a GPU's memory: bytes that threads ask for, and bytes of different sectors, for each
 * kernel, counted with one and with two pictures, and from these for a batch. Of kernels in PTX and of cuBLAS; copies are left out.
 *
 *     traffic [SIDE]         of the pictures: 150; EMULATOR_PTX and EMULATOR_CHECK in the environment */
#include "emulator.h"

#include <knn/knn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KERNELS = 64, BATCH = 32 };
static const double MB = 1e6;

typedef struct count { emulator_traffic of[MOST_KERNELS]; size_t kernels; } count;

static void expect(knn_status status)
{
    if (status == KNN_OK)
        return;
    fprintf(stderr, "%s: %s\n", knn_status_name(status), knn_last_error());
    exit(EXIT_FAILURE);
}

static knn_model *catdog(int side)
{
    static const int filters[] = {32, 64, 128, 128, 256};
    knn_model *model = knn_sequential(.backend = "cuda", .seed = 1);
    knn_add(model, knn_input(side, side, 3));
    for (int i = 0; i < 5; i++) {
        knn_add(model, knn_conv2d(filters[i], 3, .activation = KNN_RELU));
        knn_add(model, knn_max_pooling2d(2));
    }
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.5));
    knn_add(model, knn_dense(512, .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    expect(knn_compile(model, .optimizer = knn_rmsprop(), .loss = knn_binary_crossentropy()));
    return model;
}

/* A step; the weights are on the GPU before it is counted. */
static void count_step(int side, size_t pictures, count *made)
{
    size_t length = pictures * (size_t)side * (size_t)side * 3;
    float *x = calloc(length, sizeof *x), *y = calloc(pictures, sizeof *y);
    knn_model *model = catdog(side);
    if (x == NULL || y == NULL)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < length; i++)
        x[i] = (float)(i * 2654435761u % 256) / 255;
    emulator_count_traffic();
    expect(knn_train_on_batch(model, x, y, pictures, NULL, 0));
    made->kernels = emulator_get_traffic(made->of, MOST_KERNELS);
    knn_model_free(model);
    free(x);
    free(y);
}

static const emulator_traffic *find(const count *in, const char *kernel)
{
    for (size_t i = 0; i < in->kernels && i < MOST_KERNELS; i++)
        if (strcmp(in->of[i].kernel, kernel) == 0)
            return &in->of[i];
    return NULL;
}

/* From one and two pictures, along a line. */
static double of_batch(size_t one, size_t two) { return ((double)one + (BATCH - 1) * ((double)two - (double)one)) / MB; }

static void print_line(const char *name, long launches, const size_t requested[2], const size_t moved[2])
{
    printf("%-40.40s %4ld %9.2f %9.2f %9.2f %9.2f %9.1f %9.1f\n", name, launches, (double)requested[0] / MB, (double)requested[1] / MB,
           (double)moved[0] / MB, (double)moved[1] / MB, of_batch(requested[0], requested[1]), of_batch(moved[0], moved[1]));
}

int main(int words, char **word)
{
    static count one, two;
    int side = words > 1 ? atoi(word[1]) : 150;
    size_t requested[2] = {0}, moved[2] = {0};
    long launches = 0;
    count_step(side, 1, &one);
    count_step(side, 2, &two);
    printf("%-40s %4s %19s %19s %19s\n%-40s %4s %9s %9s %9s %9s %9s %9s\n", "MB a training step", "", "requested by", "sectors by", "of 32 pictures",
           "kernel", "", "1", "2", "1", "2", "requested", "sectors");
    for (size_t i = 0; i < two.kernels && i < MOST_KERNELS; i++) {
        const emulator_traffic *b = &two.of[i], *a = find(&one, b->kernel), none = {.launches = 0};
        a = a != NULL ? a : &none;
        print_line(b->kernel, b->launches, (size_t[]){a->requested, b->requested}, (size_t[]){a->moved, b->moved});
        requested[0] += a->requested, requested[1] += b->requested;
        moved[0] += a->moved, moved[1] += b->moved;
        launches += b->launches;
    }
    print_line("all", launches, requested, moved);
    const char *complaint = emulator_complaint();
    if (complaint[0] != '\0')
        fprintf(stderr, "%s\n", complaint);
    return complaint[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE;
}
