/* What the tests of Keras files share: a folder of their own, small models, whole files as bytes. Checks nothing that a
 * test is about. */
#ifndef KNN_TESTS_KERAS_SUPPORT_H
#define KNN_TESTS_KERAS_SUPPORT_H

#include "core/file.h"
#include "core/memory.h"
#include "support/check_array.h"
#include "support/check_run.h"

#include <knn/knn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define check_ok(call) ck_assert_msg((call) == KNN_OK, "%s: %s", #call, knn_last_error())
#define check_error(call, text)                                                                                             \
    do {                                                                                                                    \
        ck_assert_msg((call), "%s: no error", #call);                                                                       \
        ck_assert_msg(strstr(knn_last_error(), (text)) != NULL, "expected \"%s\" in: %s", (text), knn_last_error());        \
    } while (0)

static char folder[64];

static inline void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/knn-keras-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL);
}

static inline void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* A path in the folder; four may be in use at a time. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static inline void read_bytes(const char *path, void **bytes, size_t *size)
{
    check_ok(knn__read_file(path, 0, bytes, size));
}

/* 6x5x2 in, three classes out; an optimizer with slots. */
static inline knn_model *small_model(uint64_t seed)
{
    knn_model *model = knn_sequential(.name = "small", .seed = seed);
    knn_add(model, knn_input(6, 5, 2));
    knn_add(model, knn_conv2d(3, 3, .activation = KNN_RELU));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_flatten());
    knn_add(model, knn_dense(3, .activation = KNN_SOFTMAX));
    check_ok(knn_compile(model, .optimizer = knn_adam(), .loss = knn_categorical_crossentropy(), .metrics = {knn_accuracy("acc")}));
    return model;
}

enum { SMALL_INPUT = 60, SMALL_OUTPUT = 3 };

/* Numbers between -1 and 1 that differ by place. */
static inline void fill_pattern(float *values, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

static inline void train_small(knn_model *model, int steps)
{
    float x[4 * SMALL_INPUT], y[4 * SMALL_OUTPUT] = {0};
    for (int step = 0; step < steps; step++) {
        fill_pattern(x, 4 * SMALL_INPUT, (unsigned)step);
        for (int i = 0; i < 4; i++)
            y[i * SMALL_OUTPUT + (i + step) % SMALL_OUTPUT] = 1;
        check_ok(knn_train_on_batch(model, x, y, 4, NULL, 0));
        memset(y, 0, sizeof y);
    }
}

/* All weights of both are the same bits. */
static inline void check_same_weights(const knn_model *a, const knn_model *b)
{
    ck_assert_uint_eq(knn_weight_count(a), knn_weight_count(b));
    for (size_t i = 0; i < knn_weight_count(a); i++) {
        const char *name;
        int rank, shape[4];
        size_t length = 1;
        check_ok(knn_weight_info(a, i, &name, &rank, shape, NULL));
        for (int d = 0; d < rank; d++)
            length *= (size_t)shape[d];
        float *of_a = malloc(length * sizeof *of_a), *of_b = malloc(length * sizeof *of_b);
        check_ok(knn_get_weight(a, i, of_a, length));
        check_ok(knn_get_weight(b, i, of_b, length));
        ck_assert_msg(memcmp(of_a, of_b, length * sizeof *of_a) == 0, "%s differs", name);
        free(of_a);
        free(of_b);
    }
}

#endif
