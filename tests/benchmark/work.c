/* What is measured: a model, a batch of noise, and a training step or a prediction with both. Times nothing. */
#include "benchmark.h"

#include <stdlib.h>

struct work prepare(const struct settings *settings, const char *backend, int images)
{
    struct work work = {.model = make_model(settings, backend, NULL), .batch = make_batch(settings->net, images), .images = images};
    work.answers = malloc((size_t)(images * settings->net->outputs) * sizeof(float));
    expect(work.answers != NULL, "memory");
    return work;
}

void release(struct work *work)
{
    knn_model_free(work->model);
    free(work->batch.x);
    free(work->batch.y);
    free(work->answers);
}

void train(void *context)
{
    struct work *work = context;
    expect(knn_train_on_batch(work->model, work->batch.x, work->batch.y, (size_t)work->images, NULL, 0) == KNN_OK, "training");
}

void predict(void *context)
{
    struct work *work = context;
    expect(knn_predict(work->model, work->batch.x, (size_t)work->images, work->answers,
                       (size_t)work->images * knn_output_length(work->model)) == KNN_OK, "predicting");
}
