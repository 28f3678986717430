/* Inference: plans borrowed from the model's pool, one for each call that runs. */
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "model/model.h"

enum { BATCH = 32 };                    /* images at a time, where the caller does not say */

static bool is_loss_activation(const knn_node *node)
{
    return node->op == KNN_OP_ACTIVATION && (node->activation == KNN_SIGMOID || node->activation == KNN_SOFTMAX);
}

static knn_status make_plan(const knn_model *model, int capacity, knn__plan **plan)
{
    knn_node *nodes;
    int count;
    knn_status status = knn__model_nodes(model, &nodes, &count);

    if (status == KNN_OK) {
        /* The logits are kept, too: evaluation takes the loss from them. */
        const knn__plan_options options = {.backend = model->backend, .device = model->device, .tensor = model->tensor,
            .nodes = nodes, .count = count, .capacity = capacity,
            .threads = model->threads, .force = model->force_kernel, .weights = knn__arrays_in_use(model).weights,
            .loss_before_last = count > 0 && is_loss_activation(&nodes[count - 1])};
        status = knn__plan_make(&options, plan);
    }
    knn__free(nodes);
    return status;
}

static knn_status new_entry(const knn_model *model, int capacity, knn__pooled_plan **made)
{
    knn__pooled_plan *entry = knn__alloc(1, sizeof *entry);

    if (entry == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = make_plan(model, capacity, &entry->plan);
    if (status != KNN_OK) {
        knn__free(entry);
        return status;
    }
    entry->busy = true;
    *made = entry;
    return KNN_OK;
}

/* A fair share of the model's threads for a prediction that has just begun: a host that predicts in many threads keeps to its cores. */
static int threads_for_one_more(knn_model *shared)
{
    int running = 0;
    pthread_mutex_lock(&shared->lock);
    for (const knn__pooled_plan *entry = shared->pool; entry != NULL; entry = entry->next)
        running += entry->busy;
    pthread_mutex_unlock(&shared->lock);
    return shared->threads > running ? shared->threads / running : 1;
}

knn_status knn__borrow_plan(const knn_model *model, int capacity, knn__pooled_plan **borrowed)
{
    knn_model *shared = (knn_model *)(uintptr_t)model;          /* only the pool, under its lock */
    knn_status status = knn__model_build(shared);
    knn__pooled_plan *entry;

    if (status == KNN_OK)
        status = knn__arrays_ready(shared);
    if (status != KNN_OK)
        return status;
    pthread_mutex_lock(&shared->lock);
    for (entry = shared->pool; entry != NULL; entry = entry->next)
        if (!entry->busy && knn__plan_capacity(entry->plan) == capacity)
            break;
    if (entry != NULL)
        entry->busy = true;
    pthread_mutex_unlock(&shared->lock);
    bool fresh = entry == NULL;
    if (fresh) {
        status = new_entry(model, capacity, &entry);
        if (status != KNN_OK)
            return status;
        pthread_mutex_lock(&shared->lock);
        entry->next = shared->pool;
        shared->pool = entry;
        pthread_mutex_unlock(&shared->lock);
    }
    /* A program that asks for one picture and ends is done before a team has met: OpenBLAS' threads spin for their first 25 ms
     * (catdog -f on two cores took 80 ms instead of 30). So threads share an image from the second one on. */
    entry->threads = capacity == 1 && fresh ? 1 : threads_for_one_more(shared);
    if (entry->version != model->weights_version) {
        knn__plan_prepare(entry->plan, entry->threads);
        entry->version = model->weights_version;
    }
    *borrowed = entry;
    return KNN_OK;
}

void knn__return_plan(const knn_model *model, knn__pooled_plan *borrowed)
{
    knn_model *shared = (knn_model *)(uintptr_t)model;
    pthread_mutex_lock(&shared->lock);
    borrowed->busy = false;
    pthread_mutex_unlock(&shared->lock);
}

static knn_status run(const knn_model *model, const knn__pooled_plan *entry, const float *x, int images, float *y)
{
    const knn_run call = {.images = images, .threads = entry->threads, .seed = model->seed};
    return knn__plan_read(entry->plan, y, knn__plan_forward(entry->plan, x, &call), (size_t)images * knn_output_length(model));
}

static knn_status check_output(const knn_model *model, const char *function, const float *y, size_t samples, size_t y_length)
{
    size_t wanted = samples * knn_output_length(model);

    if (y == NULL || y_length < wanted)
        return knn__fail(KNN_ERROR_SHAPE, "%s: y has %zu floats, %zu samples need %zu", function, y == NULL ? (size_t)0 : y_length, samples,
                         wanted);
    return KNN_OK;
}

/* For batches of *batch, or of fewer where a device has no room for so many. */
static knn_status borrow_for_up_to(const knn_model *model, size_t *batch, knn__pooled_plan **borrowed)
{
    knn_status status;
    while ((status = knn__borrow_plan(model, (int)*batch, borrowed)) == KNN_ERROR_DEVICE_MEMORY && *batch > 1)
        *batch /= 2;
    return status;
}

static knn_status predict(const knn_model *model, const float *x, size_t samples, float *y, size_t y_length)
{
    knn__pooled_plan *entry;
    size_t in = knn_input_length(model), out = knn_output_length(model), batch = samples == 1 ? 1 : BATCH;

    if (x == NULL && samples > 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_predict: x is NULL");
    knn_status status = check_output(model, "knn_predict", y, samples, y_length);
    if (status != KNN_OK || samples == 0)
        return status;
    status = borrow_for_up_to(model, &batch, &entry);
    if (status != KNN_OK)
        return status;
    for (size_t done = 0; status == KNN_OK && done < samples; done += batch) {
        int images = (int)(samples - done < batch ? samples - done : batch);
        status = run(model, entry, x + done * in, images, y + done * out);
    }
    knn__return_plan(model, entry);
    return status;
}

knn_status knn_predict(const knn_model *model, const float *x, size_t samples, float *y, size_t y_length)
{
    knn_status status = knn__model_read(model, "knn_predict");

    if (status != KNN_OK)
        return status;
    status = predict(model, x, samples, y, y_length);
    knn__model_read_end(model);
    return status;
}

static knn_status predict_dataset(const knn_model *model, const knn_predict_options *options)
{
    const knn_dataset *data = options->data;
    int batch = options->batch_size > 0 ? options->batch_size : BATCH;
    size_t out = knn_output_length(model), *indices = NULL;
    knn__pooled_plan *entry = NULL;
    knn_status status = knn__check_dataset(model, data, false, "knn_predict_dataset");

    if (status == KNN_OK)
        status = check_output(model, "knn_predict_dataset", options->y, data->samples, options->y_length);
    if (status == KNN_OK) {
        indices = knn__alloc((size_t)batch, sizeof *indices);
        status = indices != NULL ? knn__borrow_plan(model, batch, &entry) : KNN_ERROR_MEMORY;
    }
    for (size_t done = 0; status == KNN_OK && done < data->samples; done += (size_t)batch) {
        int images = (int)(data->samples - done < (size_t)batch ? data->samples - done : (size_t)batch);
        for (int i = 0; i < images; i++)
            indices[i] = done + (size_t)i;
        status = knn__load_batch(model, entry->plan, data, 0, indices, images, false, NULL, NULL);
        if (status == KNN_OK)
            status = run(model, entry, NULL, images, options->y + done * out);
    }
    if (entry != NULL)
        knn__return_plan(model, entry);
    knn__free(indices);
    return status;
}

knn_status knn_predict_dataset_with(const knn_model *model, const knn_predict_options *given)
{
    knn_predict_options options;
    knn_status status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_predict_dataset options");

    if (status == KNN_OK)
        status = knn__model_read(model, "knn_predict_dataset");
    if (status != KNN_OK)
        return status;
    status = predict_dataset(model, &options);
    knn__model_read_end(model);
    return status;
}
