/* The data of a fit: which samples train and which validate, and whether they go together. Trains nothing: see fit.c. */
#include "core/status.h"
#include "training/training.h"

#include <math.h>
#include <string.h>

/* ---- Which samples ---- */

/* Keras' rule: the last samples, cut off before anything is shuffled. */
static knn_status split(knn_fit_options *options, knn__fit_parts *parts)
{
    const knn_dataset *data = options->data;
    if (options->validation_split == 0.0 || options->validation_data != NULL || data == NULL)
        return KNN_OK;
    if (!(options->validation_split > 0.0 && options->validation_split < 1.0))
        return knn__fail(KNN_ERROR_ARGUMENT, "validation_split is %g, expected 0 to below 1", options->validation_split);
    if (data->kind->by_class)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "validation_split: the last pictures of folders are all of one class; open the "
                         "folders twice, with .validation_split and .subset KNN_TRAINING and KNN_VALIDATION");
    size_t left = (size_t)floor((double)data->samples * (1.0 - options->validation_split));
    if (left == 0 || left == data->samples)
        return knn__fail(KNN_ERROR_DATA, "validation_split %g of %zu samples leaves none for %s", options->validation_split, data->samples,
                         left == 0 ? "training" : "validation");
    knn__dataset_take_part(data, 0, left, &parts->training);
    knn__dataset_take_part(data, left, data->samples - left, &parts->validation);
    options->data = &parts->training.view;
    options->validation_data = &parts->validation.view;
    return KNN_OK;
}

static knn_status take_first_steps(knn_fit_options *options, knn__fit_parts *parts)
{
    const knn_dataset *data = options->validation_data;
    size_t wanted = (size_t)options->validation_steps * (size_t)options->validation_batch_size;
    if (data == NULL || wanted == 0 || wanted >= data->samples)
        return KNN_OK;
    if (data->kind->by_class)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "validation_steps: the first %zu of %zu pictures of folders are not of all classes; open "
                         "fewer pictures", wanted, data->samples);
    knn__dataset_take_part(data, 0, wanted, &parts->first_steps);
    options->validation_data = &parts->first_steps.view;
    return KNN_OK;
}

knn_status knn__fit_data(knn_fit_options *options, knn__fit_parts *parts)
{
    knn_status status = split(options, parts);
    return status == KNN_OK ? take_first_steps(options, parts) : status;
}

/* ---- Whether they go together ---- */

static knn_status compare_classes(const knn_dataset *data, const knn_dataset *validation)
{
    if (data->class_count == 0 || validation->class_count == 0)
        return KNN_OK;
    if (data->class_count != validation->class_count)
        return knn__fail(KNN_ERROR_DATA, "the training data have %zu classes, the validation data %zu", data->class_count,
                         validation->class_count);
    for (size_t i = 0; data->class_names != NULL && validation->class_names != NULL && i < data->class_count; i++)
        if (strcmp(data->class_names[i], validation->class_names[i]) != 0)
            return knn__fail(KNN_ERROR_DATA, "class %zu is %s in the training data and %s in the validation data", i,
                             data->class_names[i], validation->class_names[i]);
    return KNN_OK;
}

/* A validation of pictures that were prepared in another way says nothing about the training. */
static knn_status compare_preprocessing(const knn_dataset *data, const knn_dataset *validation)
{
    char difference[256];
    if (!data->has_preprocessing || !validation->has_preprocessing ||
        knn__preprocessing_equal(&data->preprocessing, &validation->preprocessing, difference, sizeof difference))
        return KNN_OK;
    return knn__fail(KNN_ERROR_ARGUMENT, "training and validation data are preprocessed differently: %s", difference);
}

knn_status knn__check_fit_data(const knn_model *model, const knn_fit_options *options)
{
    const knn_dataset *data = options->data, *validation = options->validation_data;
    knn_status status = knn__check_dataset(model, data, true, "training data");
    if (status == KNN_OK && (data->samples == 0 || (validation != NULL && validation->samples == 0)))
        status = knn__fail(KNN_ERROR_DATA, "the %s data have no samples", data->samples == 0 ? "training" : "validation");
    if (status == KNN_OK && validation != NULL)
        status = knn__check_dataset(model, validation, true, "validation data");
    if (status == KNN_OK && validation != NULL)
        status = compare_classes(data, validation);
    if (status == KNN_OK && validation != NULL)
        status = compare_preprocessing(data, validation);
    return status;
}
