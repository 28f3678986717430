/* A model's arrays in the memory of a device: made, copied there when the host has changed them, copied back when it wants to read them.
 * Knows no GPU: the backend does. Does not run anything. */
#include "core/memory.h"
#include "core/status.h"
#include "model/model.h"

static const knn__device_class *devices(const knn_model *model) { return model->backend->devices; }

knn__arrays knn__arrays_in_use(const knn_model *model)
{
    if (devices(model) != NULL)
        return model->on_device.there;
    knn__arrays own = {.weights = model->weights, .gradients = model->gradients};
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        own.slots[i] = model->slots[i];
    return own;
}

/* ---- Making ---- */

/* An array like the model's own; the model has none: neither does the device. */
static knn_status make(knn_model *model, float **array, const float *own, size_t length)
{
    if (own == NULL || *array != NULL)
        return KNN_OK;
    *array = devices(model)->alloc(model->on_device.device, length * sizeof **array);
    model->on_device.stale = true;
    return *array != NULL ? KNN_OK : KNN_ERROR_DEVICE_MEMORY;
}

/* What lies between the gradients of two arrays stays 0. */
static knn_status make_gradients(knn_model *model)
{
    knn__device_arrays *on = &model->on_device;
    bool there = on->there.gradients != NULL;
    knn_status status = make(model, &on->there.gradients, model->gradients, model->trainable_length);

    if (status == KNN_OK && !there && on->there.gradients != NULL)
        devices(model)->zero(on->device, on->there.gradients, model->trainable_length * sizeof(float));
    return status;
}

/* What an optimizer's step wants beside the arenas. The table comes last, and only when it is written: what fails is made by the next call. */
static knn_status make_table(knn_model *model)
{
    knn__device_arrays *on = &model->on_device;
    size_t count = (size_t)model->stretch_count;

    if (model->gradients == NULL || on->table != NULL)
        return KNN_OK;
    if (on->own_table == NULL && (on->own_table = knn__alloc(count, sizeof *on->own_table)) == NULL)
        return KNN_ERROR_MEMORY;
    knn__weight_arrays(model->stretches, model->stretch_count, on->own_table);
    if (on->workspace == NULL)
        on->workspace = devices(model)->alloc(on->device, knn__step_workspace(on->own_table, model->stretch_count) * sizeof(double));
    knn__weight_array *table = on->workspace != NULL ? devices(model)->alloc(on->device, count * sizeof *table) : NULL;
    if (table == NULL)
        return KNN_ERROR_DEVICE_MEMORY;
    devices(model)->write(on->device, table, on->own_table, count * sizeof *table);
    knn_status status = devices(model)->wait(on->device);
    if (status == KNN_OK)
        on->table = table;
    else
        devices(model)->free(on->device, table);
    return status;
}

static knn_status make_all(knn_model *model)
{
    knn__device_arrays *on = &model->on_device;
    knn_status status = on->device != NULL ? KNN_OK : devices(model)->open(model->device, model->tensor, &on->device);

    if (status == KNN_OK)
        status = make(model, &on->there.weights, model->weights, model->weights_length);
    if (status == KNN_OK)
        status = make_gradients(model);
    for (int i = 0; i < KNN_MAX_SLOTS && status == KNN_OK; i++)
        status = make(model, &on->there.slots[i], model->slots[i], model->trainable_length);
    return status == KNN_OK ? make_table(model) : status;
}

void knn__arrays_free(knn_model *model, bool only_training)
{
    knn__device_arrays *on = &model->on_device;

    if (on->device == NULL)
        return;
    devices(model)->free(on->device, on->there.gradients);
    on->there.gradients = NULL;
    devices(model)->free(on->device, on->table);
    on->table = NULL;
    knn__free(on->own_table);
    on->own_table = NULL;
    devices(model)->free(on->device, on->workspace);
    on->workspace = NULL;
    for (int i = 0; i < KNN_MAX_SLOTS; i++) {
        devices(model)->free(on->device, on->there.slots[i]);
        on->there.slots[i] = NULL;
    }
    if (only_training)
        return;
    devices(model)->free(on->device, on->there.weights);
    devices(model)->close(on->device);
    *on = (knn__device_arrays){0};
}

/* ---- Copying ---- */

static knn_status send_all(knn_model *model)
{
    knn__device_arrays *on = &model->on_device;

    devices(model)->write(on->device, on->there.weights, model->weights, model->weights_length * sizeof(float));
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        if (on->there.slots[i] != NULL && model->slots[i] != NULL)
            devices(model)->write(on->device, on->there.slots[i], model->slots[i], model->trainable_length * sizeof(float));
    knn_status status = devices(model)->wait(on->device);
    if (status == KNN_OK) {
        on->version = model->weights_version;
        on->stale = false;
    }
    return status;
}

static knn_status ready(knn_model *model)
{
    knn_status status = make_all(model);

    if (status == KNN_ERROR_DEVICE_MEMORY)
        return knn__context(status, "%s: no batch would fit, nor do the weights", model->name);
    if (status == KNN_OK && (model->on_device.stale || model->on_device.version != model->weights_version))
        status = send_all(model);
    return status;
}

knn_status knn__arrays_ready(knn_model *model)
{
    if (devices(model) == NULL)
        return KNN_OK;
    pthread_mutex_lock(&model->lock);
    knn_status status = ready(model);
    pthread_mutex_unlock(&model->lock);
    return status;
}

void knn__arrays_ahead(knn_model *model)
{
    model->on_device.ahead = devices(model) != NULL;
    model->on_device.version = model->weights_version;
}

static knn_status bring_back(knn_model *model)
{
    knn__device_arrays *on = &model->on_device;

    devices(model)->read(on->device, model->weights, on->there.weights, model->weights_length * sizeof(float));
    for (int i = 0; i < KNN_MAX_SLOTS; i++)
        if (on->there.slots[i] != NULL && model->slots[i] != NULL)
            devices(model)->read(on->device, model->slots[i], on->there.slots[i], model->trainable_length * sizeof(float));
    knn_status status = devices(model)->wait(on->device);
    on->ahead = status != KNN_OK;
    return status;
}

knn_status knn__arrays_return(knn_model *model)
{
    pthread_mutex_lock(&model->lock);
    knn_status status = model->on_device.ahead ? bring_back(model) : KNN_OK;
    pthread_mutex_unlock(&model->lock);
    return status;
}

/* ---- What cannot be done there ---- */

static bool gives_way(const knn_model *model) { return model->backend_is_ours && devices(model) != NULL; }

static void take_cpu(knn_model *model)
{
    knn__model_free_plans(model);
    model->backend = &knn__cpu_backend;
}

void knn__backend_meets(knn_model *model, const knn__model_layer *layer)
{
    knn_node nodes[KNN_LAYER_NODES];
    int count = layer->kind->nodes(layer->description, &layer->in, &layer->out, nodes);

    for (int i = 0; i < count && gives_way(model); i++)
        if (!knn__plan_covers(model->backend, &nodes[i], true, 1) || !knn__plan_covers(model->backend, &nodes[i], false, 1))
            take_cpu(model);
}

void knn__backend_meets_compiled(knn_model *model)
{
    if (!gives_way(model) || knn__loss_runs_on(&model->compiled.loss, model->backend) == KNN_OK)
        return;
    take_cpu(model);
    knn__clear_error();
}
