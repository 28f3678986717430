/* knn_adapt: Keras' Normalization.adapt: mean and variance of a data set, into the layer's weights. Runs no layer. */
#include "core/memory.h"
#include "core/status.h"
#include "model/model.h"

#include <string.h>

enum { BATCH = 32 };

/* Sums of a channel, of numbers less the first one seen, so that a large mean does not swallow the variance. */
typedef struct sums { double first, sum, squares; } sums;

static void add(sums *channels, int count, const float *x, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sums *s = &channels[i % (size_t)count];
        double value = (double)x[i] - s->first;
        s->sum += value;
        s->squares += value * value;
    }
}

static knn_status add_all(const knn_dataset *data, int threads, sums *channels, int count, float *x)
{
    size_t length = knn_dataset_input_length(data), indices[BATCH];
    knn_status status = KNN_OK;

    for (size_t done = 0; done < data->samples && status == KNN_OK; done += BATCH) {
        int n = (int)(data->samples - done < BATCH ? data->samples - done : BATCH);
        for (int i = 0; i < n; i++)
            indices[i] = done + (size_t)i;
        status = knn__dataset_batch(data, 0, 0, indices, n, false, threads, x, NULL, NULL);
        for (int c = 0; c < count && done == 0; c++)
            channels[c].first = (double)x[c];
        if (status == KNN_OK)
            add(channels, count, x, (size_t)n * length);
    }
    return status;
}

/* The weights of the layer: mean, variance (the population's), and how many numbers of a channel they come from. */
static void fill(knn_model *model, const knn__model_layer *layer, const sums *channels, double numbers)
{
    const knn__model_weight *weight = &model->weights_table[layer->first_weight];
    float *mean = model->weights + weight[KNN_KNOWN_MEAN].offset, *variance = model->weights + weight[KNN_KNOWN_VARIANCE].offset;

    for (size_t c = 0; c < weight[KNN_KNOWN_MEAN].length; c++) {
        double shifted = channels[c].sum / numbers, spread = channels[c].squares / numbers - shifted * shifted;
        mean[c] = (float)(channels[c].first + shifted);
        variance[c] = (float)(spread > 0 ? spread : 0);
    }
    model->weights[weight[KNN_KNOWN_COUNT].offset] = (float)numbers;
    knn__weights_changed(model);
}

static knn_status adapt(knn_model *model, const knn__model_layer *layer, const knn_dataset *data)
{
    int count = layer->in.size[layer->in.rank - 1];
    size_t length = knn_dataset_input_length(data);
    sums *channels = knn__alloc((size_t)count, sizeof *channels);
    float *x = knn__alloc(BATCH * length, sizeof *x);
    knn_status status = channels != NULL && x != NULL ? knn__model_build(model) : KNN_ERROR_MEMORY;

    if (status == KNN_OK)
        status = add_all(data, model->threads, channels, count, x);
    if (status == KNN_OK)
        fill(model, layer, channels, (double)(data->samples * (length / (size_t)count)));
    knn__free(channels);
    knn__free(x);
    return status;
}

/* NULL with an error. */
static const knn__model_layer *find(const knn_model *model, const char *name)
{
    for (size_t i = 0; i < model->layer_count; i++) {
        const knn__model_layer *layer = &model->layers[i];
        bool fits = strcmp(layer->description->class_name, "Normalization") == 0;
        if (name == NULL ? !fits : strcmp(layer->name, name) != 0)
            continue;
        if (fits && layer->weight_count > 0)
            return layer;
        knn__fail(KNN_ERROR_ARGUMENT, "knn_adapt: %s: expected a Normalization without a given mean and variance", layer->name);
        return NULL;
    }
    knn__fail(KNN_ERROR_ARGUMENT, "knn_adapt: there is no layer \"%s\"", name != NULL ? name : "normalization");
    return NULL;
}

static knn_status check(const knn__model_layer *layer, const knn_dataset *data)
{
    if (data == NULL)
        return knn__fail_null("knn_adapt", "data set");
    int expected = layer->in.size[layer->in.rank - 1], got = data->input.rank > 0 ? data->input.size[data->input.rank - 1] : 0;
    if (data->samples > 0 && got == expected)
        return KNN_OK;
    return knn__fail(KNN_ERROR_SHAPE, "knn_adapt: %s: expected samples of %d channels, got %zu of %d", layer->name, expected, data->samples, got);
}

knn_status knn_adapt(knn_model *model, const char *layer, const knn_dataset *data)
{
    knn_status status = knn__model_write(model, "knn_adapt");

    if (status != KNN_OK)
        return status;
    const knn__model_layer *found = find(model, layer);
    status = found != NULL ? check(found, data) : KNN_ERROR_ARGUMENT;
    if (status == KNN_OK)
        status = adapt(model, found, data);
    knn__model_write_end(model);
    return status;
}
