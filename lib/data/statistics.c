/* knn_generator_fit: mean and standard deviation of each channel over a data set, Keras' ImageDataGenerator.fit. */
#include <knn/data.h>

#include "core/memory.h"
#include "core/options.h"
#include "core/parallel.h"
#include "core/status.h"
#include "data/augmentation.h"
#include "data/dataset.h"
#include "data/preprocessing.h"

#include <math.h>

enum { BATCH = 32 };

typedef struct sums {
    double sum[KNN__STATISTICS], squares[KNN__STATISTICS];
    size_t count;                           /* pixels */
} sums;

typedef struct work {
    knn_generator_fit_options options;
    knn_generator_options generator;        /* completed */
    float *x, *changed;                     /* [BATCH] samples, and one that is augmented */
    sums sums;
} work;

static void add(sums *s, const float *x, size_t length, int channels)
{
    for (size_t i = 0; i < length; i++) {
        double value = (double)x[i];
        s->sum[i % (size_t)channels] += value;
        s->squares[i % (size_t)channels] += value * value;
    }
    s->count += length / (size_t)channels;
}

/* Rescaled first, then, where asked for, changed `rounds` times: Keras' order here. */
static knn_status add_sample(work *w, float *x, size_t index)
{
    const int *size = w->options.data->input.size;
    size_t length = knn_dataset_input_length(w->options.data);
    knn_status status = KNN_OK;

    for (size_t i = 0; i < length; i++)
        x[i] *= (float)w->generator.rescale;
    if (!w->options.augment)
        add(&w->sums, x, length, size[2]);
    for (int round = 0; w->options.augment && round < w->options.rounds && status == KNN_OK; round++) {
        knn__transformation transformation;
        knn__draw_transformation(&w->generator, size[0], size[1], w->options.seed, round, index, &transformation);
        status = knn__transform(&(knn__image){.height = size[0], .width = size[1], .channels = size[2], .floats = x}, &transformation,
                                w->changed);
        add(&w->sums, w->changed, length, size[2]);
    }
    return status;
}

static knn_status add_all(work *w)
{
    const knn_dataset *data = w->options.data;
    size_t length = knn_dataset_input_length(data), indices[BATCH];
    knn_status status = KNN_OK;

    for (size_t done = 0; done < data->samples && status == KNN_OK; done += BATCH) {
        int n = (int)(data->samples - done < BATCH ? data->samples - done : BATCH);
        for (int i = 0; i < n; i++)
            indices[i] = done + (size_t)i;
        status = knn__dataset_batch(data, 0, 0, indices, n, false, knn__cores(), w->x, NULL, NULL);
        for (int i = 0; i < n && status == KNN_OK; i++)
            status = add_sample(w, w->x + (size_t)i * length, indices[i]);
    }
    return status;
}

/* ---- The options ---- */

static bool is_untouched(const knn_dataset *data)
{
    const knn__preprocessing *p = &data->preprocessing;
    return !data->has_preprocessing || (p->rescale == 1.0 && !p->samplewise_center && !p->featurewise_center);
}

static knn_status check_data(const work *w)
{
    const knn_dataset *data = w->options.data;
    if (data == NULL)
        return knn__fail_null("knn_generator_fit", "data set");
    const int *size = data->input.size;
    if (data->input.rank != 3 || size[2] > KNN__STATISTICS)
        return knn__fail(KNN_ERROR_SHAPE, "knn_generator_fit: samples of rank %d, expected height, width and 1 to %d channels",
                         data->input.rank, KNN__STATISTICS);
    if (!is_untouched(data))
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_generator_fit: the data set has a generator already: open it without one");
    if (w->options.augment && !knn__can_augment(size[0], size[1], size[2]))
        return knn__fail(KNN_ERROR_SHAPE, "knn_generator_fit: samples of %dx%dx%d are too large to be augmented", size[0],
                         size[1], size[2]);
    return KNN_OK;
}

static knn_status read_options(work *w, const knn_generator_options *generator, const knn_generator_fit_options *given)
{
    if (generator == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_generator_fit: the generator is NULL");
    knn_status status = knn__copy_options(&w->options, sizeof w->options, given, given != NULL ? given->size : 0,
                                          "knn_generator_fit options");
    if (status == KNN_OK && w->options.rounds < 0)
        status = knn__fail(KNN_ERROR_ARGUMENT, "knn_generator_fit: rounds is %d, expected at least 1", w->options.rounds);
    w->options.rounds += w->options.rounds == 0;
    if (status == KNN_OK)
        status = knn__complete_generator(generator, &w->generator);
    return status == KNN_OK ? check_data(w) : status;
}

/* The deviation is the population's, as NumPy's. */
static void finish(const sums *s, int channels, knn_generator_options *generator)
{
    generator->channels = channels;
    for (int c = 0; c < channels; c++) {
        double mean = s->sum[c] / (double)s->count;
        generator->mean[c] = mean;
        generator->std[c] = sqrt(fmax(s->squares[c] / (double)s->count - mean * mean, 0.0));
    }
}

knn_status knn_generator_fit_with(knn_generator_options *generator, const knn_generator_fit_options *given)
{
    work w = {.sums = {.count = 0}};

    knn__clear_error();
    knn_status status = read_options(&w, generator, given);
    if (status != KNN_OK)
        return status;
    if (generator->size < sizeof *generator)
        return knn__fail(KNN_ERROR_VERSION, "knn_generator_fit: the generator is of an older version, without statistics");
    size_t length = knn_dataset_input_length(w.options.data);
    w.x = knn__alloc(BATCH * length, sizeof *w.x);
    w.changed = knn__alloc(length, sizeof *w.changed);
    status = w.x != NULL && w.changed != NULL ? add_all(&w) : KNN_ERROR_MEMORY;
    if (status == KNN_OK)
        finish(&w.sums, w.options.data->input.size[2], generator);
    knn__free(w.changed);
    knn__free(w.x);
    return status;
}
