/* The model in words: Keras' summary table (as tf.keras 2.6 prints it), which kernels run it, how much memory that takes. */
#include "core/memory.h"
#include "core/status.h"
#include "core/text.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#include <knn/version.h>

enum { LINE = 65 };
static const int column_end[3] = {29, 55, LINE};

static void rule(FILE *stream, char mark)
{
    for (int i = 0; i < LINE; i++)
        fputc(mark, stream);
    fputc('\n', stream);
}

/* A row as Keras up to 2.6 makes it: each field is cut at its column's end, and the column before it ends in a blank. */
static void row(FILE *stream, const char *const fields[3])
{
    char line[LINE + 1];
    int length = 0;

    for (int i = 0; i < 3; i++) {
        if (i > 0)
            line[length - 1] = ' ';
        for (const char *c = fields[i]; *c != '\0' && length < column_end[i]; c++)
            line[length++] = *c;
        while (length < column_end[i])
            line[length++] = ' ';
    }
    line[LINE] = '\0';
    fprintf(stream, "%s\n", line);
}

/* "(None, 148, 148, 32)" */
static void batch_shape(const knn_shape *shape, char *to, size_t size)
{
    char inner[64];
    knn__shape_text(shape, inner, sizeof inner);
    snprintf(to, size, "(None, %s", inner + 1);
}

/* Of layers [first, end). */
static size_t parameters(const knn_model *model, size_t first, size_t end, bool only_trainable)
{
    size_t sum = 0;
    for (size_t i = 0; i < model->weight_count; i++) {
        const knn__model_weight *weight = &model->weights_table[i];
        if ((size_t)weight->layer >= first && (size_t)weight->layer < end && (weight->spec.trainable || !only_trainable))
            sum += weight->length;
    }
    return sum;
}

/* Layers [first, end): one, or a model inside, which Keras shows as one. */
static void unit_row(const knn_model *model, size_t first, size_t end, FILE *stream)
{
    char text[256], shape[80], count[24];
    int length;
    bool is_model;
    const char *name = knn__unit_name(model, first, 0, &length, &is_model);

    snprintf(text, sizeof text, "%.*s (%s)", length, name, is_model ? "Sequential" : model->layers[first].description->class_name);
    batch_shape(&model->layers[end - 1].out, shape, sizeof shape);
    snprintf(count, sizeof count, "%zu", parameters(model, first, end, false));
    row(stream, (const char *const[3]){text, shape, count});
}

static void total(FILE *stream, const char *what, size_t count)
{
    char text[40];
    knn__format_count(text, sizeof text, count);
    fprintf(stream, "%s params: %s\n", what, text);
}

static void summary(const knn_model *model, FILE *stream)
{
    size_t all = parameters(model, 0, model->layer_count, false), trainable = parameters(model, 0, model->layer_count, true);

    fprintf(stream, "Model: \"%s\"\n", model->name);
    rule(stream, '_');
    row(stream, (const char *const[3]){"Layer (type)", "Output Shape", "Param #"});
    rule(stream, '=');
    for (size_t i = 0, end; i < model->layer_count; i = end) {
        end = knn__unit_end(model, i, 0);
        unit_row(model, i, end, stream);
        rule(stream, end < model->layer_count ? '_' : '=');
    }
    total(stream, "Total", all);
    total(stream, "Trainable", trainable);
    total(stream, "Non-trainable", all - trainable);
    rule(stream, '_');
}

knn_status knn_summary(const knn_model *model, FILE *stream)
{
    knn_status status = knn__model_read(model, "knn_summary");

    if (status != KNN_OK)
        return status;
    if (stream == NULL)
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_summary: the stream is NULL");
    else if (model->layer_count == 0)
        status = knn__fail(KNN_ERROR_STATE, "knn_summary: the model has no layers");
    else {
        summary(model, stream);
        if (ferror(stream))
            status = knn__fail(KNN_ERROR_IO, "knn_summary: the stream cannot be written");
    }
    knn__model_read_end(model);
    return status;
}

/* ---- Explain and memory: a plan is made for the purpose ---- */

static knn_status look_at_plan(const knn_model *model, int batch, bool training, knn_node **nodes, knn__plan **plan)
{
    int count;
    knn_status status = knn__model_build((knn_model *)(uintptr_t)model);

    if (status == KNN_OK)
        status = knn__model_nodes(model, nodes, &count);
    if (status != KNN_OK)
        return status;
    if ((status = knn__arrays_ready((knn_model *)(uintptr_t)model)) != KNN_OK)
        return status;
    const knn__arrays arrays = knn__arrays_in_use(model);
    const knn__plan_options options = {.backend = model->backend, .device = model->device, .tensor = model->tensor,
        .nodes = *nodes, .count = count, .training = training, .capacity = batch,
        .threads = model->threads, .weights = arrays.weights, .gradients = arrays.gradients};
    return knn__plan_make(&options, plan);
}

static void write_line(void *context, const char *line) { fprintf(context, "  %s\n", line); }

static knn_status explain(const knn_model *model, bool training, FILE *stream)
{
    knn_node *nodes = NULL;
    knn__plan *plan = NULL;
    knn_status status = look_at_plan(model, 32, training, &nodes, &plan);

    if (status == KNN_OK) {
        fprintf(stream, "%s, batches of 32, %d threads, %d slices, %zu KiB\n", training ? "Training" : "Inference", model->threads,
                knn__plan_slices(plan), knn__plan_bytes(plan) / 1024);
        knn__plan_explain(plan, write_line, stream);
    }
    knn__plan_free(plan);
    knn__free(nodes);
    return status;
}

knn_status knn_explain(const knn_model *model, FILE *stream)
{
    knn_status status = knn__model_read(model, "knn_explain");

    if (status != KNN_OK)
        return status;
    if (stream == NULL)
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_explain: the stream is NULL");
    else
        status = knn__model_build((knn_model *)(uintptr_t)model);
    if (status == KNN_OK) {
        fprintf(stream, "libknn %s; model %s on backend %s\n", knn_build_info(), model->name, model->backend->name);
        status = explain(model, false, stream);
        if (status == KNN_OK)
            status = explain(model, true, stream);
    }
    knn__model_read_end(model);
    return status;
}

static knn_status memory(const knn_model *model, int batch, bool training, size_t *bytes)
{
    knn_node *nodes = NULL;
    knn__plan *plan = NULL;
    knn_status status = look_at_plan(model, batch, training, &nodes, &plan);

    if (status == KNN_OK) {
        size_t arenas = training ? 1 + (size_t)(model->compiled.done ? model->compiled.optimizer.slots : 0) : 0;
        *bytes = knn__plan_bytes(plan) + arenas * model->trainable_length * sizeof(float);
    }
    knn__plan_free(plan);
    knn__free(nodes);
    return status;
}

knn_status knn_memory(const knn_model *model, int batch_size, bool training, size_t *bytes)
{
    knn_status status = knn__model_read(model, "knn_memory");

    if (status != KNN_OK)
        return status;
    if (bytes == NULL || batch_size < 1)
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_memory: expected a batch of at least 1 and a place for the answer, got %d", batch_size);
    else
        status = memory(model, batch_size, training, bytes);
    knn__model_read_end(model);
    return status;
}
