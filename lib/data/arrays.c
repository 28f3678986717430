/* A data set of arrays in memory, Keras' flow(x, y). Copies nothing: the arrays stay the caller's. */
#include <knn/data.h>

#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "data/augmentation.h"
#include "data/dataset.h"
#include "data/preprocessing.h"

#include <math.h>
#include <string.h>

typedef struct arrays {
    const float *x, *y;                     /* of the first sample of this subset */
    const double *sample_weight;
    knn__preprocessing preprocessing;
    knn_generator_options generator;
    bool augments;
} arrays;

static void load_x(const knn_dataset *dataset, const float *from, float *x)
{
    const arrays *a = dataset->state;
    size_t length = knn_dataset_input_length(dataset);
    memcpy(x, from, length * sizeof *x);
    knn__standardize(&a->preprocessing, x, length);
}

static knn_status load_augmented(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, const float *from,
                                 float *x)
{
    const arrays *a = dataset->state;
    const int *size = dataset->input.size;
    knn__transformation transformation;
    knn__draw_transformation(&a->generator, size[0], size[1], seed, epoch, index, &transformation);
    knn_status status = knn__transform(
        &(knn__pixels){.height = size[0], .width = size[1], .channels = size[2], .floats = from}, &transformation, x);
    if (status == KNN_OK)
        knn__standardize(&a->preprocessing, x, knn_dataset_input_length(dataset));
    return status;
}

static knn_status load(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, float *x,
                       float *y, float *weight)
{
    const arrays *a = dataset->state;
    const float *from = a->x + index * knn_dataset_input_length(dataset);
    size_t outputs = (size_t)dataset->outputs;
    if (y != NULL && a->y != NULL)
        memcpy(y, a->y + index * outputs, outputs * sizeof *y);
    if (weight != NULL && a->sample_weight != NULL)
        *weight = (float)a->sample_weight[index];
    if (augment && a->augments)
        return load_augmented(dataset, seed, epoch, index, from, x);
    load_x(dataset, from, x);
    return KNN_OK;
}

static void release(knn_dataset *dataset)
{
    knn__free(dataset->state);
}

static const knn__dataset_kind kind = {.name = "arrays", .load = load, .release = release};

/* (height, width, channels), (steps, channels) or (length): zeros only at the end. */
static knn_status shape_of(const knn_flow_options *options, knn_shape *shape)
{
    const int sizes[3] = {options->height, options->width, options->channels};
    *shape = (knn_shape){0};
    while (shape->rank < 3 && sizes[shape->rank] > 0) {
        shape->size[shape->rank] = sizes[shape->rank];
        shape->rank++;
    }
    for (int i = shape->rank; i < 3; i++)
        if (sizes[i] != 0)
            shape->rank = 0;
    if (shape->rank == 0)
        return knn__fail(KNN_ERROR_SHAPE, "flow: a sample of %dx%dx%d, expected positive sides first, then zeros",
                         sizes[0], sizes[1], sizes[2]);
    return KNN_OK;
}

static knn_status check(const knn_flow_options *options, const knn_shape *shape, bool augments)
{
    if (options->x == NULL || options->samples == 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "flow: x and at least one sample are required");
    if (options->outputs < 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "flow: %d outputs, expected at least 1", options->outputs);
    if (augments && shape->rank != 3)
        return knn__fail(KNN_ERROR_SHAPE,
                         "flow: samples of rank %d cannot be augmented, expected height, width and channels",
                         shape->rank);
    if (augments && !knn__can_augment(shape->size[0], shape->size[1], shape->size[2]))
        return knn__fail(KNN_ERROR_SHAPE, "flow: samples of %dx%dx%d are too large to be augmented", shape->size[0],
                         shape->size[1], shape->size[2]);
    return knn__check_split(options->validation_split, options->subset, "flow");
}

/* The last part validates, as in Keras' fit(validation_split=..). */
static knn_status choose(const knn_flow_options *options, size_t *first, size_t *count)
{
    size_t training = (size_t)floor((double)options->samples * (1.0 - options->validation_split));
    *first = options->subset == KNN_VALIDATION ? training : 0;
    *count = options->subset == KNN_ALL        ? options->samples
             : options->subset == KNN_TRAINING ? training
                                               : options->samples - training;
    if (*count == 0)
        return knn__fail(KNN_ERROR_DATA, "flow: validation_split %g of %zu samples leaves none",
                         options->validation_split, options->samples);
    return KNN_OK;
}

static knn_dataset *new_dataset(const knn_flow_options *options, const knn_shape *shape,
                                const knn_generator_options *generator, const knn__preprocessing *preprocessing,
                                size_t first, size_t count)
{
    knn_dataset *dataset = knn__alloc(1, sizeof *dataset);
    arrays *state = dataset != NULL ? knn__alloc(1, sizeof *state) : NULL;
    if (state == NULL) {
        knn__free(dataset);
        return NULL;
    }
    *dataset = (knn_dataset){.kind = &kind, .state = state, .input = *shape, .samples = count};
    dataset->outputs = options->y == NULL ? 0 : options->outputs != 0 ? options->outputs : 1;
    *state = (arrays){.x = options->x + first * knn_dataset_input_length(dataset), .generator = *generator,
        .preprocessing = *preprocessing, .augments = knn__augments(generator) && options->subset != KNN_VALIDATION};
    if (options->y != NULL)
        state->y = options->y + first * (size_t)dataset->outputs;
    if (options->sample_weight != NULL)
        state->sample_weight = options->sample_weight + first;
    return dataset;
}

/* Where a generator was given, x holds pictures as they are, and what the generator does to them travels with the
 * model. Else somebody has prepared x in a way that we do not know. */
static void tell_preprocessing(knn_dataset *dataset, const knn_flow_options *options)
{
    arrays *a = dataset->state;
    int channels = dataset->input.size[2];
    if (options->generator == NULL || dataset->input.rank != 3 || (channels != 1 && channels != 3))
        return;
    knn__preprocessing *p = &a->preprocessing;
    p->max_pixels = KNN__NORMAL_MAX_PIXELS;
    dataset->preprocessing = *p;
    dataset->has_preprocessing = true;
}

knn_dataset *knn_flow_with(const knn_flow_options *given)
{
    knn__clear_error();
    knn_flow_options options;
    knn_generator_options generator;
    knn_shape shape = {0};
    knn__preprocessing preprocessing = {0};
    size_t first, count;
    knn_status status =
        knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0, "flow options");
    if (status == KNN_OK)
        status = knn__complete_generator(options.generator, &generator);
    if (status == KNN_OK)
        status = shape_of(&options, &shape);
    if (status == KNN_OK)
        status = check(&options, &shape, knn__augments(&generator));
    if (shape.rank == 3)
        preprocessing = (knn__preprocessing){.height = shape.size[0], .width = shape.size[1], .channels = shape.size[2]};
    if (status == KNN_OK)
        status = knn__set_standardization(&preprocessing, &generator);
    if (status == KNN_OK)
        status = choose(&options, &first, &count);
    if (status != KNN_OK)
        return NULL;
    knn_dataset *dataset = new_dataset(&options, &shape, &generator, &preprocessing, first, count);
    if (dataset != NULL)
        tell_preprocessing(dataset, &options);
    return dataset;
}
