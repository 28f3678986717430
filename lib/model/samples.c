/* Samples of data sets and pictures as a model takes them: whether they fit, and with the channels first where Keras' channels_first has it so.
 * Loads none: lib/data does. */
#include "model/model.h"

#include "core/memory.h"

#include <string.h>

static bool same(const knn_shape *a, const knn_shape *b)
{
    return a->rank == b->rank && memcmp(a->size, b->size, (size_t)a->rank * sizeof *a->size) == 0;
}

/* (c, h, w), of one, three or four channels, that the first layer makes (h, w, c): what is loaded of channels_first begins so. */
static bool begins_with_channels(const knn_model *model)
{
    int channels = model->input.size[0];

    if (model->input.rank != 3 || model->layer_count == 0 || strcmp(model->layers[0].kind->kind.class_name, "Permute") != 0)
        return false;
    const knn_permute_layer *permute = (const knn_permute_layer *)(const void *)model->layers[0].description;
    return permute->first == 2 && permute->second == 3 && permute->third == 1 && (channels == 1 || channels == 3 || channels == 4);
}

bool knn__wants_planes(const knn_model *model, const knn_shape *sample)
{
    return begins_with_channels(model) && !same(&model->input, sample) && same(&model->layers[0].out, sample);
}

bool knn__sample_fits(const knn_model *model, const knn_shape *sample)
{
    if (sample->rank == 3 && model->input.rank == 3)
        return same(&model->input, sample) || knn__wants_planes(model, sample);
    return knn__shape_length(&model->input) == knn__shape_length(sample);
}

/* x[n][h][w][c] -> x[n][c][h][w] */
knn_status knn__give_planes(const knn_model *model, const knn_shape *sample, int n, float *x)
{
    if (!knn__wants_planes(model, sample))
        return KNN_OK;
    size_t channels = (size_t)sample->size[2], length = knn__shape_length(sample), pixels = length / channels;
    float *picture = knn__alloc(length, sizeof *picture);
    if (picture == NULL)
        return KNN_ERROR_MEMORY;
    for (int i = 0; i < n; i++, x += length) {
        memcpy(picture, x, length * sizeof *picture);
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                x[c * pixels + p] = picture[p * channels + c];
    }
    knn__free(picture);
    return KNN_OK;
}

/* Where the plan takes them, pictures as they are: a quarter of the bytes. */
static bool gives_pictures(const knn_model *model, const knn__plan *plan, const knn_dataset *dataset)
{
    return dataset->gives_pictures && knn__plan_takes_pictures(plan) && !knn__wants_planes(model, &dataset->input);
}

static knn_status load_pictures(const knn_model *model, knn__plan *plan, const knn_dataset *dataset, int epoch, const size_t *indices, int n,
                                bool augment, float *y, float *weights)
{
    const int *size = dataset->input.size;
    const knn__picture_form form = {size[0], size[1], size[2], (float)dataset->preprocessing.rescale};
    knn__pictures pictures;
    knn_status status = knn__plan_stage_pictures(plan, &form, &pictures);
    if (status != KNN_OK)
        return status;
    return knn__dataset_pictures(dataset, model->seed, epoch, indices, n, augment, model->threads, &pictures, y, weights);
}

static knn_status load_numbers(const knn_model *model, knn__plan *plan, const knn_dataset *dataset, int epoch, const size_t *indices, int n,
                               bool augment, float *y, float *weights)
{
    float *x;
    knn_status status = knn__plan_stage(plan, &x);
    if (status == KNN_OK)
        status = knn__dataset_batch(dataset, model->seed, epoch, indices, n, augment, model->threads, x, y, weights);
    return status == KNN_OK ? knn__give_planes(model, &dataset->input, n, x) : status;
}

knn_status knn__load_batch(const knn_model *model, knn__plan *plan, const knn_dataset *dataset, int epoch, const size_t *indices, int n,
                           bool augment, float *y, float *weights)
{
    return (gives_pictures(model, plan, dataset) ? load_pictures : load_numbers)(model, plan, dataset, epoch, indices, n, augment, y, weights);
}
