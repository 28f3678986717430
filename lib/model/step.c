/* One training step on one batch: forward, loss, backward, update; in two halves, so that a device may have the next one while the host looks at
 * what came out. The loop over batches and epochs is lib/training/fit.c. */
#include "core/memory.h"
#include "core/status.h"
#include "model/model.h"

static knn_status make_plan(knn_model *model, int batch)
{
    knn_node *nodes;
    int count;
    knn_status status = knn__model_nodes(model, &nodes, &count);

    if (status == KNN_OK) {
        const knn_node *last = count > 0 ? &nodes[count - 1] : NULL;
        const knn__arrays arrays = knn__arrays_in_use(model);
        const knn__plan_options options = {.backend = model->backend, .opened = model->on_device.device, .tensor = model->tensor,
            .nodes = nodes, .count = count, .training = true, .capacity = batch,
            .threads = model->threads, .slices = model->training_slices, .force = model->force_kernel, .weights = arrays.weights,
            .gradients = arrays.gradients,
            .loss_before_last = last != NULL && last->op == KNN_OP_ACTIVATION &&
                                knn__loss_takes_logits_of(&model->compiled.loss, last->activation)};
        status = knn__plan_make(&options, &model->training_plan);
    }
    knn__free(nodes);
    return status;
}

static knn_status make_arenas(knn_model *model)
{
    size_t bytes = model->trainable_length * sizeof(float);

    if (bytes == 0)
        return knn__fail(KNN_ERROR_STATE, "%s: no layer has weights to train", model->name);
    if (model->gradients == NULL && (model->gradients = knn__arena_alloc(bytes)) == NULL)
        return KNN_ERROR_MEMORY;
    for (int i = 0; i < model->compiled.optimizer.slots; i++) {
        if (model->slots[i] != NULL)
            continue;
        if ((model->slots[i] = knn__arena_alloc(bytes)) == NULL)
            return KNN_ERROR_MEMORY;
        knn__optimizer_start(&model->compiled.optimizer, i, model->stretches, model->stretch_count, model->slots[i]);
    }
    return KNN_OK;
}

knn_status knn__training_ready(knn_model *model, int batch)
{
    knn_status status = knn__expect_compiled(model, "training");

    if (status == KNN_OK)
        status = knn__model_build(model);
    if (status == KNN_OK)
        status = knn__loss_runs_on(&model->compiled.loss, model->backend);
    if (status == KNN_OK)
        status = make_arenas(model);
    if (status == KNN_OK)
        status = knn__arrays_ready(model);
    if (status != KNN_OK || (model->training_plan != NULL && knn__plan_capacity(model->training_plan) >= batch))
        return status;
    knn__plan_free(model->training_plan);
    model->training_plan = NULL;
    model->training_plan_version = 0;
    knn__free(model->sample_losses);
    model->sample_losses = knn__alloc((size_t)batch, sizeof *model->sample_losses);
    return model->sample_losses != NULL ? make_plan(model, batch) : KNN_ERROR_MEMORY;
}

static bool has_penalty(const knn_model *model)
{
    for (int i = 0; i < model->stretch_count; i++)
        if (model->stretches[i].regularizer != NULL)
            return true;
    return false;
}

/* ---- Where things lie on the host: *penalty is that of the weights before the step ---- */

static void update_here(knn_model *model, double *penalty)
{
    const knn__arrays arrays = knn__arrays_in_use(model);
    *penalty = knn__penalty(model->stretches, model->stretch_count, model->weights);
    knn__penalty_gradient(model->stretches, model->stretch_count, model->weights, model->gradients);
    knn__optimizer_step(&model->compiled.optimizer, model->backend, model->threads, model->training.iteration, model->trainable_length,
                        model->stretches, model->stretch_count, arrays.weights, arrays.gradients, arrays.slots);
    knn__constrain(model->stretches, model->stretch_count, model->weights);
}

/* ---- On a device: described before the work, and queued as a part of it ---- */

static knn__step_call update_there(const knn_model *model)
{
    const knn__device_arrays *on = &model->on_device;
    const knn__device_step there = {on->device, on->table, on->own_table, on->workspace,
        has_penalty(model) ? knn__plan_penalty(model->training_plan) : NULL};
    return knn__optimizer_step_there(&model->compiled.optimizer, &there, model->training.iteration, model->trainable_length,
                                     model->stretch_count, on->there.weights, on->there.gradients, on->there.slots);
}

/* What is the same in each step. */
typedef struct work { knn_model *model; const knn__loss_call *loss; const knn__step_call *update; } work;

static void do_work(void *context)
{
    const work *w = context;
    knn__plan *plan = w->model->training_plan;
    const float *y = knn__plan_go(plan);
    knn__losses(w->model, plan, w->loss, y, NULL);
    knn__plan_backward(plan);
    if (w->update != NULL)
        w->model->backend->step(w->update);
}

static void pack_weights(knn_model *model)
{
    if (model->training_plan_version == model->weights_version)
        return;
    knn__plan_prepare(model->training_plan, 0);
    model->training_plan_version = model->weights_version;
}

/* What failed may have changed the weights or not. */
static void weights_may_have_changed(knn_model *model)
{
    knn__weights_changed(model);
    knn__arrays_ahead(model);
}

knn_status knn__train_begin(knn_model *model, const float *x, const float *target, const float *weight, int images, knn__train_step *step)
{
    knn__plan *plan = model->training_plan;
    const knn_run run = {.images = images, .training = true, .seed = model->seed, .iteration = (uint32_t)model->training.iteration};
    knn_status status = knn__arrays_ready(model);

    if (status != KNN_OK)
        return status;
    *step = (knn__train_step){.target = target, .weight = weight, .images = images, .iteration = model->training.iteration};
    pack_weights(model);
    const knn__loss_call loss = knn__losses_of(model, plan, target, weight, images, model->sample_losses, knn__plan_loss_gradient(plan));
    bool there = model->on_device.device != NULL;
    knn__step_call update = there ? update_there(model) : (knn__step_call){.last = true};
    knn__plan_take(plan, x, &run, &loss, there ? &update : NULL);
    knn__plan_repeat(plan, update.last, do_work, &(work){model, &loss, there ? &update : NULL});
    if (!there)
        update_here(model, &step->penalty);
    weights_may_have_changed(model);
    status = knn__plan_fetch(plan, &step->number);
    if (status == KNN_OK)
        model->training.iteration++;
    return status;
}

knn_status knn__train_end(knn_model *model, const knn__train_step *step, double *loss)
{
    const float *y;
    double penalty = step->penalty;
    int positions, outputs;
    knn_status status = knn__plan_fetched(model->training_plan, step->number, &y, has_penalty(model) ? &penalty : NULL);

    if (status != KNN_OK) {
        model->training.iteration = step->iteration;
        return status;
    }
    knn__output_rows(model, &positions, &outputs);
    for (int i = 0; i < model->compiled.metric_count; i++)
        knn__metric_add(&model->compiled.metrics[i], y, step->target, step->weight, step->images, positions, outputs);
    /* What is reported for the batch: the samples' losses made one, and the penalty. */
    *loss = knn__loss_reduce(&model->compiled.loss, model->sample_losses, step->weight, step->images, positions) + penalty;
    return KNN_OK;
}

void knn__train_finish(knn_model *model)
{
    if (model->gradients == NULL || !model->compiled.optimizer.use_ema)
        return;
    knn__optimizer_finish(&model->compiled.optimizer, model->trainable_length, model->weights, model->slots);
    knn__weights_changed(model);
}

static knn_status train_on_batch(knn_model *model, const float *x, const float *y, size_t samples, double *values, size_t count)
{
    knn__train_step step;
    double loss;

    if (x == NULL || y == NULL || samples == 0 || samples > 1 << 24)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_train_on_batch: expected x, y and 1 to %d samples, got %zu", 1 << 24, samples);
    knn_status status = knn__expect_compiled(model, "knn_train_on_batch");
    if (status != KNN_OK)
        return status;
    if (count > 1 + (size_t)model->compiled.metric_count || (values == NULL && count > 0))
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_train_on_batch: %zu values wanted, the model gives %d", count,
                         1 + model->compiled.metric_count);
    status = knn__training_ready(model, (int)samples);
    if (status != KNN_OK)
        return status;
    for (int i = 0; i < model->compiled.metric_count; i++)
        knn__metric_reset(&model->compiled.metrics[i]);
    status = knn__train_begin(model, x, y, NULL, (int)samples, &step);
    if (status == KNN_OK)
        status = knn__train_end(model, &step, &loss);
    for (size_t i = 0; status == KNN_OK && i < count; i++)
        values[i] = i == 0 ? loss : knn__metric_value(&model->compiled.metrics[i - 1]);
    return status;
}

knn_status knn_train_on_batch(knn_model *model, const float *x, const float *y, size_t samples, double *values, size_t count)
{
    knn_status status = knn__model_write(model, "knn_train_on_batch");

    if (status != KNN_OK)
        return status;
    status = train_on_batch(model, x, y, samples, values, count);
    knn__model_write_end(model);
    return status;
}
