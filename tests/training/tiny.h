/* Small data and models that train within milliseconds. */
#ifndef KNN_TESTS_TRAINING_TINY_H
#define KNN_TESTS_TRAINING_TINY_H

#include <knn/knn.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TINY_SIDE = 8, TINY_LENGTH = TINY_SIDE * TINY_SIDE, TINY_MOST = 64 };

/* Pictures with a bright bar: label 1 where it lies, 0 where it stands. */
typedef struct tiny_data { float x[TINY_MOST * TINY_LENGTH], y[TINY_MOST]; } tiny_data;

/* Numbers in [0, 1) that are the same everywhere. */
static inline float tiny_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 16777216.0f;
}

static inline void tiny_fill(tiny_data *data, unsigned seed)
{
    for (int i = 0; i < TINY_MOST; i++) {
        int lies = i % 2, place = (int)(tiny_random(&seed) * TINY_SIDE);
        data->y[i] = (float)lies;
        for (int row = 0; row < TINY_SIDE; row++)
            for (int column = 0; column < TINY_SIDE; column++) {
                float bar = (lies ? row : column) == place ? 0.6f : 0.0f;
                data->x[i * TINY_LENGTH + row * TINY_SIDE + column] = bar + 0.4f * tiny_random(&seed);
            }
    }
}

static inline knn_dataset *tiny_set(const tiny_data *data, size_t samples)
{
    knn_dataset *set = knn_flow(data->x, data->y, samples, TINY_SIDE, TINY_SIDE, 1);
    ck_assert_msg(set != NULL, "%s", knn_last_error());
    return set;
}

/* Convolution, dropout, batch normalization and two dense layers: all that a training keeps a state of. */
static inline knn_model *tiny_model(const knn_optimizer *optimizer, int threads)
{
    knn_model *model = knn_sequential(.seed = 11, .threads = threads);
    knn_add(model, knn_input(TINY_SIDE, TINY_SIDE, 1));
    knn_add(model, knn_conv2d(4, 3, .activation = KNN_RELU));
    knn_add(model, knn_max_pooling2d(2));
    knn_add(model, knn_batch_normalization());
    knn_add(model, knn_flatten());
    knn_add(model, knn_dropout(0.25));
    knn_add(model, knn_dense(8, .activation = KNN_RELU));
    knn_add(model, knn_dense(1, .activation = KNN_SIGMOID));
    knn_status status = knn_compile(model, .optimizer = optimizer, .loss = knn_binary_crossentropy(),
                                    .metrics = {knn_accuracy("acc")});
    ck_assert_msg(status == KNN_OK, "%s", knn_last_error());
    return model;
}

/* One dense layer from one input, all weights known: y = w x + b. */
static inline knn_model *tiny_line(double rate, double w, double b)
{
    knn_model *model = knn_sequential();
    knn_add(model, knn_input(1));
    knn_add(model, knn_dense(1, .kernel_initializer = knn_constant(w), .bias_initializer = knn_constant(b)));
    knn_status status = knn_compile(model, .optimizer = knn_sgd(rate), .loss = knn_mean_squared_error());
    ck_assert_msg(status == KNN_OK, "%s", knn_last_error());
    return model;
}

/* All weights, one behind the other; freed by the caller. */
static inline float *tiny_weights(const knn_model *model, size_t *length)
{
    float *all = NULL;
    *length = 0;
    for (size_t i = 0; i < knn_weight_count(model); i++) {
        int rank, shape[4];
        size_t n = 1;
        ck_assert_int_eq(knn_weight_info(model, i, NULL, &rank, shape, NULL), KNN_OK);
        for (int k = 0; k < rank; k++)
            n *= (size_t)shape[k];
        all = realloc(all, (*length + n) * sizeof *all);
        ck_assert_int_eq(knn_get_weight(model, i, all + *length, n), KNN_OK);
        *length += n;
    }
    return all;
}

static inline bool tiny_same_weights(const knn_model *a, const knn_model *b)
{
    size_t n, m;
    float *first = tiny_weights(a, &n), *second = tiny_weights(b, &m);
    bool same = n == m && memcmp(first, second, n * sizeof *first) == 0;
    free(first);
    free(second);
    return same;
}

#define check_ok(call) ck_assert_msg((call) == KNN_OK, "%s", knn_last_error())
#define check_error_names(word) \
    ck_assert_msg(strstr(knn_last_error(), (word)) != NULL, "\"%s\" is not in \"%s\"", (word), knn_last_error())

/* A path in a folder of this process; the folder is made on first use and removed by tiny_clean. */
static inline const char *tiny_path(const char *name)
{
    static char path[200];
    char folder[100];
    snprintf(folder, sizeof folder, "/tmp/knn-training-%ld", (long)getpid());
    if (access(folder, F_OK) != 0) {
        char command[120];
        snprintf(command, sizeof command, "mkdir %s", folder);
        ck_assert_int_eq(system(command), 0);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void tiny_clean(void)
{
    char command[120];
    snprintf(command, sizeof command, "rm -rf /tmp/knn-training-%ld", (long)getpid());
    ck_assert_int_eq(system(command), 0);
}

/* A whole file as a text, freed by the caller; NULL where there is none. */
static inline char *tiny_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 100000);
    size_t length = fread(text, 1, 99999, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

#endif
