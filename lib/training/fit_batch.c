/* One batch of a fit: its samples, loaded and augmented in parallel, and one step of the optimizer. On a device the next batch is loaded while
 * this one is worked on, and queued before the host looks at what came out, where nothing that looks could change the training. */
#include "core/memory.h"
#include "core/status.h"
#include "training/callbacks.h"

knn_status knn__batches_make(const knn__training *training, size_t size, knn__batches *b)
{
    b->count = training->model->backend->devices != NULL ? 2 : 1;
    for (int i = 0; i < b->count; i++) {
        knn__batch *one = &b->batch[i];
        one->y = knn__alloc(size, (size_t)training->options.data->outputs * sizeof *one->y);
        one->weight = knn__alloc(size, sizeof *one->weight);
        if (one->y == NULL || one->weight == NULL)
            return KNN_ERROR_MEMORY;
    }
    return KNN_OK;
}

/* A batch that is under way when the training has failed; of that, the error's text tells. */
static void drop(const knn__training *training, const knn__batch *b)
{
    char error[512];
    double ignored;
    if (b->state != KNN__BATCH_BEGUN || b->status != KNN_OK)
        return;
    knn__save_error(error, sizeof error);
    if (knn__train_end(training->model, &b->step, &ignored) != KNN_OK)
        knn__fail(KNN_ERROR_DEVICE, "%s", error);
}

void knn__batches_free(const knn__training *training, knn__batches *b)
{
    for (int i = 0; i < b->count; i++) {
        knn__batch *one = &b->batch[i];
        drop(training, one);
        knn__free(one->y);
        knn__free(one->weight);
    }
}

/* Keras' class_weight: a factor on the loss of each class's samples. */
static void weigh_classes(const knn_fit_options *options, knn__batch *b)
{
    for (int i = 0; i < b->images && options->class_weight != NULL; i++) {
        int label = knn__label_class(options->data, b->y + (size_t)i * (size_t)options->data->outputs);
        if (label >= 0 && (size_t)label < options->class_weight_count)
            b->weight[i] *= (float)options->class_weight[label];
    }
}

/* What went wrong is kept until the batch's turn comes. */
static void become(knn__batch *b, knn__batch_state state, knn_status status)
{
    b->state = state;
    b->status = status;
    if (status != KNN_OK)
        knn__save_error(b->error, sizeof b->error);
}

/* The samples of the epoch's batch `number`. Where an epoch has more steps than batches, it begins again at the first one. */
static void load(const knn__training *training, const size_t *order, size_t number, knn__batch *b)
{
    const knn_dataset *data = training->options.data;
    knn__plan *plan = training->model->training_plan;
    size_t size = (size_t)training->options.batch_size, all = (data->samples + size - 1) / size;
    size_t first = number % all * size, left = data->samples - first;
    if (b->state == KNN__BATCH_BEGUN || (b->state == KNN__BATCH_LOADED && knn__plan_is_staged(plan)))
        return;                                             /* not staged: a callback has trained, and with it the plan is another one */
    b->images = (int)(left < size ? left : size);
    become(b, KNN__BATCH_LOADED, knn__load_batch(training->model, plan, data, training->epoch, order + first, b->images, true, b->y, b->weight));
    if (b->status == KNN_OK)
        weigh_classes(&training->options, b);
}

static void begin(const knn__training *training, knn__batch *b)
{
    if (b->state == KNN__BATCH_LOADED && b->status == KNN_OK)
        become(b, KNN__BATCH_BEGUN, knn__train_begin(training->model, NULL, b->y, b->weight, b->images, &b->step));
}

static knn_status end(knn__training *training, knn__batch *b)
{
    knn_status status = b->status;
    if (status != KNN_OK)
        knn__fail(status, "%s", b->error);
    else
        status = knn__train_end(training->model, &b->step, &training->batch_loss);
    b->state = KNN__BATCH_EMPTY;
    return status;
}

knn_status knn__train_batch(knn__training *training, knn__batches *b, const size_t *order, int *images)
{
    size_t number = training->batch;
    knn__batch *now = &b->batch[number % (size_t)b->count], *next = &b->batch[(number + 1) % (size_t)b->count];
    load(training, order, number, now);
    begin(training, now);
    if (next != now && number + 1 < training->batches && now->status == KNN_OK) {
        load(training, order, number + 1, next);
        if (knn__callbacks_only_watch(training))
            begin(training, next);
    }
    *images = now->images;
    return end(training, now);
}
