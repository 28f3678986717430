/* Compile: resolves loss, metrics and optimizer, and the learning rate in force. Does not train: step.c and lib/training. */
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

static void release(knn__compiled *compiled)
{
    knn__optimizer_release(&compiled->optimizer);
    knn__loss_release(&compiled->loss);
    for (int i = 0; i < compiled->metric_count; i++)
        knn__metric_release(&compiled->metrics[i]);
    *compiled = (knn__compiled){0};
}

void knn__release_compiled(knn_model *model) { release(&model->compiled); }

static knn_status add_metric(const knn_model *model, const knn_metric *description, bool weighted, knn__compiled *compiled)
{
    knn_shape output = knn__model_output(model);
    bool sparse = compiled->loss.kind != NULL && compiled->loss.call.op == KNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
    int count = compiled->metric_count;

    if (count == KNN_MAX_METRICS)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_compile: more than %d metrics", KNN_MAX_METRICS);
    knn__metric *metric = &compiled->metrics[count];
    knn_status status = knn__metric_resolve(description, &output, sparse, metric);
    if (status != KNN_OK)
        return knn__context(status, "knn_compile");
    metric->weighted = weighted;
    compiled->metric_count++;
    for (int i = 0; i < count; i++)
        if (strcmp(compiled->metrics[i].key, metric->key) == 0)
            return knn__fail(KNN_ERROR_ARGUMENT, "knn_compile: two metrics are called %s", metric->key);
    return KNN_OK;
}

static knn_status resolve_metrics(const knn_model *model, const knn_compile_options *options, knn__compiled *compiled)
{
    knn_status status = KNN_OK;

    for (int i = 0; status == KNN_OK && i < KNN_MAX_METRICS && options->metrics[i] != NULL; i++)
        status = add_metric(model, options->metrics[i], false, compiled);
    for (int i = 0; status == KNN_OK && i < KNN_MAX_METRICS && options->weighted_metrics[i] != NULL; i++)
        status = add_metric(model, options->weighted_metrics[i], true, compiled);
    return status;
}

static knn_status resolve(const knn_model *model, const knn_compile_options *options, knn__compiled *compiled)
{
    if (model->layer_count == 0)
        return knn__fail(KNN_ERROR_STATE, "knn_compile: the model has no layers");
    if (options->loss == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_compile: a loss is required");
    knn_status status = knn__optimizer_resolve(options->optimizer != NULL ? options->optimizer : knn_rmsprop(), &compiled->optimizer);
    if (status == KNN_OK)
        status = knn__loss_resolve(options->loss, &compiled->loss);
    if (status != KNN_OK)
        return knn__context(status, "knn_compile");
    return resolve_metrics(model, options, compiled);
}

/* A new optimizer starts anew: its slots, its counter of steps, and what is known of an earlier training go. */
static void start_anew(knn_model *model)
{
    knn__arrays_free(model, true);
    for (int i = 0; i < KNN_MAX_SLOTS; i++) {
        knn__arena_free(model->slots[i], model->trainable_length * sizeof(float));
        model->slots[i] = NULL;
    }
    knn__plan_free(model->training_plan);
    model->training_plan = NULL;
    knn__training_state_clear(&model->training);
}

knn_status knn_compile_with(knn_model *model, const knn_compile_options *given)
{
    knn_compile_options options;
    knn__compiled compiled = {0};
    knn_status status = knn__model_write_alone(model, "knn_compile");

    if (status != KNN_OK)
        return status;
    status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "knn_compile options");
    if (status == KNN_OK)
        status = resolve(model, &options, &compiled);
    if (status == KNN_OK) {
        start_anew(model);
        release(&model->compiled);
        model->compiled = compiled;
        model->compiled.done = true;
        knn__backend_meets_compiled(model);
    } else {
        release(&compiled);
        knn__model_break(model, status);
    }
    knn__model_write_end(model);
    return status;
}

knn_status knn__expect_compiled(const knn_model *model, const char *function)
{
    if (model->compiled.done)
        return KNN_OK;
    return knn__fail(KNN_ERROR_STATE, "%s: the model is not compiled; call knn_compile first", function);
}

double knn_learning_rate(const knn_model *model)
{
    double rate = NAN;

    if (knn__model_read(model, "knn_learning_rate") != KNN_OK)
        return rate;
    if (knn__expect_compiled(model, "knn_learning_rate") == KNN_OK)
        rate = knn__optimizer_rate(&model->compiled.optimizer, model->training.iteration);
    knn__model_read_end(model);
    return rate;
}

knn_status knn_set_learning_rate(knn_model *model, double rate)
{
    knn_status status = knn__model_write(model, "knn_set_learning_rate");

    if (status != KNN_OK)
        return status;
    status = knn__expect_compiled(model, "knn_set_learning_rate");
    if (status == KNN_OK && !(rate >= 0 && rate <= 1e30))
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_set_learning_rate: %g is no learning rate", rate);
    if (status == KNN_OK) {
        model->compiled.optimizer.rate = rate;
        model->compiled.optimizer.schedule = NULL;
    }
    knn__model_write_end(model);
    return status;
}
