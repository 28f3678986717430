/* A model for each test, to which layers are added that are taken or refused. Checks nothing by itself. */
#ifndef KNN_TESTS_MODEL_SUPPORT_H
#define KNN_TESTS_MODEL_SUPPORT_H

#include "support/check_run.h"

#include <knn/knn.h>

#include <string.h>

static knn_model *model;

static inline void setup(void)
{
    model = knn_sequential();
    ck_assert_ptr_nonnull(model);
}

static inline void teardown(void) { knn_model_free(model); }

static inline void add(const knn_layer *layer) { ck_assert_msg(knn_add(model, layer) == KNN_OK, "%s", knn_last_error()); }

static inline void refuses(const knn_layer *layer, knn_status status, const char *words)
{
    ck_assert_int_eq(knn_add(model, layer), status);
    ck_assert_msg(strstr(knn_last_error(), words) != NULL, "\"%s\" does not contain \"%s\"", knn_last_error(), words);
}

static inline void check_weight(size_t index, const char *expected, int rank, const int shape[4])
{
    const char *name;
    int got_rank, got[4];
    bool trainable;
    ck_assert_int_eq(knn_weight_info(model, index, &name, &got_rank, got, &trainable), KNN_OK);
    ck_assert_str_eq(name, expected);
    ck_assert_int_eq(got_rank, rank);
    ck_assert_mem_eq(got, shape, (size_t)rank * sizeof *got);
    ck_assert(trainable);
}

#endif
