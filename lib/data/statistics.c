/* knn_generator_fit: mean and standard deviation of each channel over a data set, and the matrix that whitens it: Keras'
 * ImageDataGenerator.fit. */
#include <knn/data.h>

#include "core/memory.h"
#include "core/options.h"
#include "core/parallel.h"
#include "core/status.h"
#include "data/augmentation.h"
#include "data/dataset.h"
#include "data/preprocessing.h"
#include "data/whitening.h"

#include <math.h>

enum { BATCH = 32 };

typedef struct sums {
    double sum[KNN__STATISTICS], squares[KNN__STATISTICS];
    size_t count;                           /* pixels */
} sums;

typedef struct work {
    knn_generator_fit_options options;
    knn_generator_options generator;        /* completed */
    float *x, *changed;                     /* [BATCH] samples, and the same augmented */
    sums sums;
    knn__products products;                 /* for zca_whitening; else closed */
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

/* A batch as it goes into the statistics. */
static void add_batch(work *w, const float *x, int n)
{
    add(&w->sums, x, (size_t)n * knn_dataset_input_length(w->options.data), w->options.data->input.size[2]);
    if (w->generator.zca_whitening)
        knn__products_add(&w->products, x, n, knn__cores());
}

static knn_status change(work *w, const size_t *indices, int n, int round)
{
    const int *size = w->options.data->input.size;
    size_t length = knn_dataset_input_length(w->options.data);
    knn_status status = KNN_OK;

    for (int i = 0; i < n && status == KNN_OK; i++) {
        knn__transformation transformation;
        float *x = w->x + (size_t)i * length;
        knn__draw_transformation(&w->generator, size[0], size[1], w->options.seed, round, indices[i], &transformation);
        status = knn__transform(&(knn__pixels){.height = size[0], .width = size[1], .channels = size[2], .floats = x}, &transformation,
                                w->changed + (size_t)i * length);
    }
    return status;
}

/* Rescaled first, then, where asked for, changed `rounds` times: Keras' order here. */
static knn_status take_batch(work *w, const size_t *indices, int n)
{
    size_t numbers = (size_t)n * knn_dataset_input_length(w->options.data);
    knn_status status = KNN_OK;

    for (size_t i = 0; i < numbers; i++)
        w->x[i] *= (float)w->generator.rescale;
    if (!w->options.augment)
        add_batch(w, w->x, n);
    for (int round = 0; w->options.augment && round < w->options.rounds && status == KNN_OK; round++)
        if ((status = change(w, indices, n, round)) == KNN_OK)
            add_batch(w, w->changed, n);
    return status;
}

static knn_status add_all(work *w)
{
    const knn_dataset *data = w->options.data;
    size_t indices[BATCH];
    knn_status status = KNN_OK;

    for (size_t done = 0; done < data->samples && status == KNN_OK; done += BATCH) {
        int n = (int)(data->samples - done < BATCH ? data->samples - done : BATCH);
        for (int i = 0; i < n; i++)
            indices[i] = done + (size_t)i;
        status = knn__dataset_batch(data, 0, 0, indices, n, false, knn__cores(), w->x, NULL, NULL);
        if (status == KNN_OK)
            status = take_batch(w, indices, n);
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
    if (w->generator.zca_whitening && w->generator.whitening == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_generator_fit: zca_whitening wants memory for a matrix (.whitening), got NULL");
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
static void fill_statistics(const sums *s, int channels, knn_generator_options *generator)
{
    generator->channels = channels;
    for (int c = 0; c < channels; c++) {
        double mean = s->sum[c] / (double)s->count;
        generator->mean[c] = mean;
        generator->std[c] = sqrt(fmax(s->squares[c] / (double)s->count - mean * mean, 0.0));
    }
}

static knn_status finish(work *w, knn_generator_options *generator)
{
    int channels = w->options.data->input.size[2];
    knn_status status;

    fill_statistics(&w->sums, channels, generator);
    if (!w->generator.zca_whitening)
        return KNN_OK;
    generator->whitening_length = 0;
    status = knn__whitening_matrix(&w->products, generator->mean, channels, w->generator.zca_epsilon, knn__cores(), generator->whitening);
    if (status == KNN_OK)
        generator->whitening_length = w->products.length;
    return status;
}

knn_status knn_generator_fit_with(knn_generator_options *generator, const knn_generator_fit_options *given)
{
    work w = {.sums = {.count = 0}};

    knn__clear_error();
    knn_status status = read_options(&w, generator, given);
    if (status != KNN_OK)
        return status;
    if (generator->size < offsetof(knn_generator_options, zca_whitening))
        return knn__fail(KNN_ERROR_VERSION, "knn_generator_fit: the generator is of an older version, without statistics");
    size_t length = knn_dataset_input_length(w.options.data);
    if (w.generator.zca_whitening)
        status = knn__products_open(&w.products, length);
    if (status == KNN_OK) {
        w.x = knn__alloc(BATCH * length, sizeof *w.x);
        w.changed = knn__alloc(w.options.augment ? BATCH * length : 1, sizeof *w.changed);
        status = w.x != NULL && w.changed != NULL ? add_all(&w) : KNN_ERROR_MEMORY;
    }
    if (status == KNN_OK)
        status = finish(&w, generator);
    knn__products_close(&w.products);
    knn__free(w.changed);
    knn__free(w.x);
    return status;
}
