/* Data sets from outside: what all kinds have in common, one sample, one batch. Holds no kind: see directory.c,
 * arrays.c, custom.c. */
#include "data/dataset.h"

#include "core/memory.h"
#include "core/parallel.h"
#include "core/status.h"

#include <limits.h>
#include <pthread.h>

/* ---- Making and freeing ---- */

void knn_dataset_free(knn_dataset *dataset)
{
    if (dataset == NULL)
        return;
    if (dataset->state != NULL)
        dataset->kind->release(dataset);
    for (size_t i = 0; i < dataset->class_count; i++)
        knn__free(dataset->class_names[i]);
    knn__free(dataset->class_names);
    for (size_t i = 0; i < dataset->skipped_count; i++)
        knn__free(dataset->skipped[i]);
    knn__free(dataset->skipped);
    knn__free(dataset);
}

/* ---- Accessors ---- */

size_t knn_dataset_samples(const knn_dataset *dataset)
{
    return dataset != NULL ? dataset->samples : 0;
}

size_t knn_dataset_skipped(const knn_dataset *dataset)
{
    return dataset != NULL ? dataset->skipped_count : 0;
}

const char *knn_dataset_skipped_path(const knn_dataset *dataset, size_t index)
{
    return dataset != NULL && index < dataset->skipped_count ? dataset->skipped[index] : NULL;
}

const char *knn_dataset_path(const knn_dataset *dataset, size_t index)
{
    return dataset != NULL && index < dataset->samples && dataset->kind->path != NULL
               ? dataset->kind->path(dataset, index)
               : NULL;
}

int knn_dataset_label(const knn_dataset *dataset, size_t index)
{
    return dataset != NULL && index < dataset->samples && dataset->class_count > 0 && dataset->kind->class_of != NULL
               ? dataset->kind->class_of(dataset, index)
               : -1;
}

size_t knn_dataset_class_count(const knn_dataset *dataset)
{
    return dataset != NULL ? dataset->class_count : 0;
}

const char *knn_dataset_class_name(const knn_dataset *dataset, size_t index)
{
    return dataset != NULL && index < dataset->class_count ? dataset->class_names[index] : NULL;
}

size_t knn_dataset_input_length(const knn_dataset *dataset)
{
    size_t length = dataset != NULL ? 1 : 0;
    for (int i = 0; dataset != NULL && i < dataset->input.rank; i++)
        length *= (size_t)dataset->input.size[i];
    return length;
}

size_t knn_dataset_output_length(const knn_dataset *dataset)
{
    return dataset != NULL ? (size_t)dataset->outputs : 0;
}

/* ---- Samples ---- */

knn_status knn_dataset_sample(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment,
                              float *x, float *y)
{
    if (dataset == NULL)
        return knn_last_error()[0] != '\0' ? knn__context(KNN_ERROR_ARGUMENT, "dataset_sample: no data set")
                                           : knn__fail(KNN_ERROR_ARGUMENT, "dataset_sample: no data set");
    knn__clear_error();
    if (x == NULL || epoch < 0 || index >= dataset->samples)
        return knn__fail(KNN_ERROR_ARGUMENT, "dataset_sample: index %zu of %zu samples, epoch %d, x %s", index,
                         dataset->samples, epoch, x != NULL ? "given" : "NULL");
    float weight = 1.0f;
    return dataset->kind->load(dataset, seed, epoch, index, augment, x, y, &weight);
}

/* The failure of the earliest sample, whatever thread met it first: same data, same message. */
typedef struct failure {
    pthread_mutex_t mutex;
    int position;
    knn_status status;
    char text[1024];
} failure;

static void note_failure(failure *f, int position, knn_status status)
{
    pthread_mutex_lock(&f->mutex);
    if (position < f->position) {
        f->position = position;
        f->status = status;
        knn__save_error(f->text, sizeof f->text);
    }
    pthread_mutex_unlock(&f->mutex);
}

/* Numbers, or pictures. */
typedef struct batch {
    const knn_dataset *dataset;
    uint64_t seed;
    int epoch;
    const size_t *indices;
    bool augment;
    float *x;                       /* NULL: `pictures` */
    const knn__pictures *pictures;
    float *y, *weights;
    failure failure;
} batch;

static void load_one(int position, void *context)
{
    batch *b = context;
    const knn_dataset *d = b->dataset;
    size_t place = (size_t)position, index = b->indices[place], from = place * knn_dataset_input_length(d);
    float ignored, *weight = b->weights != NULL ? b->weights + place : &ignored;
    float *y = b->y != NULL && d->outputs > 0 ? b->y + place * (size_t)d->outputs : NULL;
    knn_status status;
    *weight = 1.0f;
    if (b->x != NULL)
        status = d->kind->load(d, b->seed, b->epoch, index, b->augment, b->x + from, y, weight);
    else
        status = d->kind->load_picture(d, b->seed, b->epoch, index, b->augment, b->pictures->bytes + from,
                                       b->pictures->changes + place, y, weight);
    if (status != KNN_OK)
        note_failure(&b->failure, position, status);
}

static knn_status load_all(batch *b, int n, int threads)
{
    b->failure = (failure){.mutex = PTHREAD_MUTEX_INITIALIZER, .position = INT_MAX, .status = KNN_OK};
    knn__parallel(n, threads, load_one, b);
    pthread_mutex_destroy(&b->failure.mutex);
    return b->failure.status == KNN_OK ? KNN_OK : knn__fail(b->failure.status, "%s", b->failure.text);
}

knn_status knn__dataset_batch(const knn_dataset *dataset, uint64_t seed, int epoch, const size_t *indices, int n,
                              bool augment, int threads, float *x, float *y, float *weights)
{
    batch b = {.dataset = dataset, .seed = seed, .epoch = epoch, .indices = indices, .augment = augment, .x = x, .y = y,
               .weights = weights};
    return load_all(&b, n, threads);
}

knn_status knn__dataset_pictures(const knn_dataset *dataset, uint64_t seed, int epoch, const size_t *indices, int n,
                                 bool augment, int threads, const knn__pictures *to, float *y, float *weights)
{
    batch b = {.dataset = dataset, .seed = seed, .epoch = epoch, .indices = indices, .augment = augment, .pictures = to,
               .y = y, .weights = weights};
    return load_all(&b, n, threads);
}

int knn__label_class(const knn_dataset *dataset, const float *y)
{
    if (dataset->outputs == 1)
        return (int)(y[0] + 0.5f);
    int best = 0;
    for (int i = 1; i < dataset->outputs; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}
