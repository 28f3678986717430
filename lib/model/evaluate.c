/* Losses and metrics over a data set, without training: knn_evaluate and fit's validation. */
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "model/model.h"

/* A user's loss: by its function, sample by sample. */
static void custom_losses(const knn_model *model, const knn__loss_call *call, const float *y, float *scratch)
{
    const knn_loss *loss = model->compiled.loss.description;
    size_t outputs = knn_output_length(model), targets = knn__target_length(model);

    for (int i = 0; i < call->images; i++) {
        float *g = call->gradient != NULL ? call->gradient + (size_t)i * outputs : scratch;
        call->value[i] = loss->custom->value(loss, call->target + (size_t)i * targets, y + (size_t)i * outputs, outputs, g);
        float factor = (call->weight != NULL ? call->weight[i] : 1.0F) / (float)call->images;
        for (size_t k = 0; k < outputs; k++)
            g[k] *= factor;
    }
}

/* Whether the loss starts before the last activation. */
static bool takes_logits(const knn_model *model)
{
    const knn__model_layer *last = &model->layers[model->layer_count - 1];
    knn_node nodes[KNN_LAYER_NODES];
    int count = last->kind->nodes(last->description, &last->in, &last->out, nodes);
    knn_activation ending = count > 0 && nodes[count - 1].op == KNN_OP_ACTIVATION ? nodes[count - 1].activation : KNN_LINEAR;
    return knn__loss_takes_logits_of(&model->compiled.loss, ending);
}

knn__loss_call knn__losses_of(const knn_model *model, const knn__plan *plan, const float *target, const float *weight, int images,
                              double *values, float *gradient)
{
    const knn__loss *loss = &model->compiled.loss;
    bool fused = takes_logits(model);
    knn__loss_call call = loss->call;

    call.from_logits |= fused;
    call.images = images;
    call.prediction = fused ? knn__plan_loss_input(plan) : NULL;
    call.target = target;
    call.weight = weight;
    call.value = values;
    call.gradient = gradient;
    knn__output_rows(model, &call.positions, &call.outputs);
    call.divisor = knn__loss_divisor(loss, weight, images, call.positions);
    call.zero_one = knn__zero_one(call.op, target, (size_t)images * knn__target_length(model));
    return call;
}

void knn__losses(const knn_model *model, knn__plan *plan, const knn__loss_call *call, const float *y, float *scratch)
{
    if (model->compiled.loss.kind == NULL)
        custom_losses(model, call, y, scratch);
    else
        knn__plan_loss(plan);
}

/* Everything that one evaluation allocates. */
typedef struct work {
    size_t *indices;
    float *target, *weight, *scratch;
    double *losses;
    knn__pooled_plan *entry;
} work;

static knn_status prepare(const knn_model *model, int batch, work *w)
{
    size_t n = (size_t)batch;

    w->indices = knn__alloc(n, sizeof *w->indices);
    w->target = knn__alloc(n * knn__target_length(model), sizeof *w->target);
    w->weight = knn__alloc(n, sizeof *w->weight);
    w->scratch = knn__alloc(knn_output_length(model), sizeof *w->scratch);
    w->losses = knn__alloc(n, sizeof *w->losses);
    if (w->indices == NULL || w->target == NULL || w->weight == NULL || w->scratch == NULL || w->losses == NULL)
        return KNN_ERROR_MEMORY;
    return knn__borrow_plan(model, batch, &w->entry);
}

static void release(const knn_model *model, work *w)
{
    if (w->entry != NULL)
        knn__return_plan(model, w->entry);
    knn__free(w->losses);
    knn__free(w->scratch);
    knn__free(w->weight);
    knn__free(w->target);
    knn__free(w->indices);
}

/* One batch: adds its loss, times its samples, to *loss, and its samples to the metrics. */
static knn_status evaluate_batch(const knn_model *model, const knn_dataset *dataset, const work *w, int images, double *loss,
                                 knn__metric *metrics)
{
    const knn_run run = {.images = images, .threads = w->entry->threads, .seed = model->seed};
    int positions, outputs;
    knn_status status = knn__load_batch(model, w->entry->plan, dataset, 0, w->indices, images, false, w->target, w->weight);

    if (status != KNN_OK)
        return status;
    knn__plan *plan = w->entry->plan;
    const knn__loss_call call = knn__losses_of(model, plan, w->target, w->weight, images, w->losses, NULL);
    knn__plan_take(plan, NULL, &run, &call, NULL);
    const float *y = knn__plan_go(plan);
    knn__losses(model, plan, &call, y, w->scratch);
    status = knn__plan_output(plan, &y);
    if (status != KNN_OK)
        return status;
    knn__output_rows(model, &positions, &outputs);
    *loss += images * knn__loss_reduce(&model->compiled.loss, w->losses, w->weight, images, positions);
    for (int m = 0; m < model->compiled.metric_count; m++)
        knn__metric_add(&metrics[m], y, w->target, w->weight, images, positions, outputs);
    return KNN_OK;
}

static knn_status evaluate_batches(const knn_model *model, const knn_dataset *dataset, int batch, const work *w, knn__metric *metrics,
                                   knn__evaluation *result)
{
    double loss = 0;
    knn_status status = KNN_OK;

    for (size_t done = 0; status == KNN_OK && done < dataset->samples; done += (size_t)batch) {
        int images = (int)(dataset->samples - done < (size_t)batch ? dataset->samples - done : (size_t)batch);
        for (int i = 0; i < images; i++)
            w->indices[i] = done + (size_t)i;
        status = evaluate_batch(model, dataset, w, images, &loss, metrics);
    }
    result->count = 1 + model->compiled.metric_count;
    result->values[0] = loss / (double)dataset->samples + knn__penalty(model->stretches, model->stretch_count, model->weights);
    for (int m = 0; m < model->compiled.metric_count; m++)
        result->values[1 + m] = knn__metric_value(&metrics[m]);
    return status;
}

/* With metrics whose sums are this call's own. */
static knn_status evaluate_all(const knn_model *model, const knn_dataset *dataset, int batch, const work *w, knn__evaluation *result)
{
    knn__metric metrics[KNN_MAX_METRICS] = {{0}};
    knn_status status = KNN_OK;

    for (int m = 0; status == KNN_OK && m < model->compiled.metric_count; m++)
        status = knn__metric_fork(&model->compiled.metrics[m], &metrics[m]);
    if (status == KNN_OK)
        status = evaluate_batches(model, dataset, batch, w, metrics, result);
    for (int m = 0; m < model->compiled.metric_count; m++)
        knn__metric_unfork(&metrics[m]);
    return status;
}

knn_status knn__evaluate(const knn_model *model, const knn_dataset *dataset, int batch_size, knn__evaluation *result)
{
    work w = {0};
    int batch = batch_size > 0 ? batch_size : 32;
    knn_status status = knn__expect_compiled(model, "knn_evaluate");

    if (status == KNN_OK)
        status = knn__check_dataset(model, dataset, true, "knn_evaluate");
    if (status == KNN_OK)
        status = knn__loss_runs_on(&model->compiled.loss, model->backend);
    if (status == KNN_OK)                                       /* for the penalty */
        status = knn__arrays_return((knn_model *)(uintptr_t)model);
    if (status == KNN_OK)
        status = prepare(model, batch, &w);
    if (status == KNN_OK)
        status = evaluate_all(model, dataset, batch, &w, result);
    release(model, &w);
    return status;
}

knn_status knn_evaluate_with(const knn_model *model, const knn_evaluate_options *given)
{
    knn_evaluate_options options;
    knn__evaluation result;
    knn_status status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_evaluate options");

    if (status == KNN_OK)
        status = knn__model_read(model, "knn_evaluate");
    if (status != KNN_OK)
        return status;
    if (options.values == NULL || options.count > 1 + (size_t)model->compiled.metric_count)
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_evaluate: %zu values wanted, the model gives %d",
                           options.values == NULL ? (size_t)0 : options.count, 1 + model->compiled.metric_count);
    else
        status = knn__evaluate(model, options.data, options.batch_size, &result);
    for (size_t i = 0; status == KNN_OK && i < options.count; i++)
        options.values[i] = result.values[i];
    knn__model_read_end(model);
    return status;
}

knn_status knn__check_dataset(const knn_model *model, const knn_dataset *dataset, bool labels, const char *what)
{
    char ours[64], theirs[64];

    if (dataset == NULL)
        return knn__fail_null(what, "data set");
    knn__shape_text(&model->input, ours, sizeof ours);
    knn__shape_text(&dataset->input, theirs, sizeof theirs);
    if (!knn__sample_fits(model, &dataset->input))
        return knn__fail(KNN_ERROR_SHAPE, "%s: the model takes %s, the data set gives %s", what, ours, theirs);
    if (!labels)
        return KNN_OK;
    if (dataset->outputs == 0)
        return knn__fail(KNN_ERROR_DATA, "%s: the data set has no labels", what);
    if ((size_t)dataset->outputs != knn__target_length(model))
        return knn__fail(KNN_ERROR_SHAPE, "%s: the model and its loss want %zu numbers a label, the data set gives %d", what,
                         knn__target_length(model), dataset->outputs);
    return KNN_OK;
}
