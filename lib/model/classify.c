/* From a picture to a class: with the preprocessing and the class names that travel with the model. Decoding is lib/data's. */
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "model/model.h"

/* Where a picture comes from. */
typedef struct picture {
    const char *path;                       /* or */
    const void *data;                       /* an encoded picture, or */
    size_t size;
    const uint8_t *rgb;                     /* pixels */
    int width, height;
    size_t row_bytes;
} picture;

static knn_status load(const knn__preprocessing *preprocessing, const picture *from, float *x)
{
    if (from->path != NULL)
        return knn__load_picture_file(preprocessing, from->path, x);
    if (from->data != NULL)
        return knn__load_picture_bytes(preprocessing, from->data, from->size, "picture", x);
    if (from->rgb != NULL)
        return knn__load_picture_pixels(preprocessing, from->rgb, from->width, from->height, from->row_bytes, x);
    return knn__fail(KNN_ERROR_ARGUMENT, "classify: no picture given");
}

static knn_shape shape_of(const knn__preprocessing *p) { return (knn_shape){3, {p->height, p->width, p->channels}}; }

static knn_status check_preprocessing(const knn_model *model)
{
    const knn__preprocessing *p = &model->preprocessing;
    const knn_shape shape = shape_of(p);

    if (!model->has_preprocessing)
        return knn__fail(KNN_ERROR_STATE, "%s: the model does not know how its pictures are prepared; call knn_set_preprocessing",
                         model->name);
    if (!knn__sample_fits(model, &shape))
        return knn__fail(KNN_ERROR_SHAPE, "%s: pictures are prepared as (%d, %d, %d), the model takes %zu numbers", model->name, p->height,
                         p->width, p->channels, knn_input_length(model));
    return KNN_OK;
}

/* All outputs for one picture; y has room for them. */
static knn_status predict_picture(const knn_model *model, const picture *from, float *y)
{
    const knn_shape shape = shape_of(&model->preprocessing);
    knn_status status = check_preprocessing(model);

    if (status != KNN_OK)
        return status;
    float *x = knn__alloc(knn_input_length(model), sizeof *x);
    if (x == NULL)
        return KNN_ERROR_MEMORY;
    status = load(&model->preprocessing, from, x);
    if (status == KNN_OK)
        status = knn__give_planes(model, &shape, 1, x);
    if (status == KNN_OK)
        status = knn_predict(model, x, 1, y, knn_output_length(model));
    knn__free(x);
    return status;
}

/* The class with the highest probability; one output is the probability of class 1. */
static size_t likeliest(const float *y, size_t outputs, double *probability)
{
    size_t best = 0;

    if (outputs == 1) {
        best = y[0] > 0.5F;
        *probability = best == 1 ? (double)y[0] : 1.0 - (double)y[0];
        return best;
    }
    for (size_t i = 1; i < outputs; i++)
        if (y[i] > y[best])
            best = i;
    *probability = (double)y[best];
    return best;
}

static knn_status classify(const knn_model *model, const picture *from, const char **class_name, double *probability)
{
    size_t outputs = knn_output_length(model), classes = outputs == 1 ? 2 : outputs;
    double p;

    if (class_name != NULL && model->class_count != classes)
        return knn__fail(KNN_ERROR_STATE, "%s: the model knows %zu class names, its output has %zu classes; call knn_set_preprocessing",
                         model->name, model->class_count, classes);
    float *y = knn__alloc(outputs, sizeof *y);
    if (y == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = predict_picture(model, from, y);
    if (status == KNN_OK) {
        size_t best = likeliest(y, outputs, &p);
        if (class_name != NULL)
            *class_name = model->class_names[best];
        if (probability != NULL)
            *probability = p;
    }
    knn__free(y);
    return status;
}

static knn_status classify_locked(const knn_model *model, const char *function, const picture *from, const char **class_name,
                                  double *probability)
{
    knn_status status = knn__model_read(model, function);

    if (status != KNN_OK)
        return status;
    status = classify(model, from, class_name, probability);
    knn__model_read_end(model);
    return status;
}

knn_status knn_classify_file(const knn_model *model, const char *path, const char **class_name, double *probability)
{
    return classify_locked(model, "knn_classify_file", &(picture){.path = path}, class_name, probability);
}

knn_status knn_classify_bytes(const knn_model *model, const void *data, size_t size, const char **class_name, double *probability)
{
    return classify_locked(model, "knn_classify_bytes", &(picture){.data = data, .size = size}, class_name, probability);
}

knn_status knn_classify_pixels(const knn_model *model, const uint8_t *rgb, int width, int height, size_t row_bytes,
                               const char **class_name, double *probability)
{
    const picture from = {.rgb = rgb, .width = width, .height = height, .row_bytes = row_bytes != 0 ? row_bytes : 3 * (size_t)width};
    return classify_locked(model, "knn_classify_pixels", &from, class_name, probability);
}

knn_status knn_predict_file(const knn_model *model, const char *path, float *y, size_t y_length)
{
    knn_status status = knn__model_read(model, "knn_predict_file");

    if (status != KNN_OK)
        return status;
    if (y == NULL || y_length < knn_output_length(model))
        status = knn__fail(KNN_ERROR_SHAPE, "knn_predict_file: y has %zu floats, the model gives %zu", y == NULL ? (size_t)0 : y_length,
                           knn_output_length(model));
    else
        status = predict_picture(model, &(picture){.path = path}, y);
    knn__model_read_end(model);
    return status;
}

/* ---- What travels with the model ---- */

size_t knn_class_count(const knn_model *model) { return model != NULL ? model->class_count : 0; }

const char *knn_class_name(const knn_model *model, size_t index)
{
    return model != NULL && index < model->class_count ? model->class_names[index] : NULL;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        knn__free(names[i]);
    knn__free(names);
}

knn_status knn__set_class_names(knn_model *model, const char *const *names, size_t count)
{
    char **copies = NULL;

    if (count > 0) {
        copies = knn__alloc(count, sizeof *copies);
        for (size_t i = 0; copies != NULL && i < count; i++)
            if ((copies[i] = knn__copy_text(names[i])) == NULL) {
                free_names(copies, i);
                copies = NULL;
            }
        if (copies == NULL)
            return KNN_ERROR_MEMORY;
    }
    free_names(model->class_names, model->class_count);
    model->class_names = copies;
    model->class_count = count;
    return KNN_OK;
}

knn_status knn__set_preprocessing(knn_model *model, const knn__preprocessing *preprocessing)
{
    size_t bytes = preprocessing != NULL ? knn__whitening_size(preprocessing) * sizeof(float) : 0;
    char *whitening = bytes > 0 ? knn__copy_bytes(preprocessing->whitening, bytes) : NULL;

    if (bytes > 0 && whitening == NULL)
        return KNN_ERROR_MEMORY;
    knn__free((void *)(uintptr_t)model->preprocessing.whitening);
    model->preprocessing = preprocessing != NULL ? *preprocessing : (knn__preprocessing){0};
    model->preprocessing.whitening = (const float *)(const void *)whitening;
    model->has_preprocessing = preprocessing != NULL;
    return KNN_OK;
}

static knn_status set_preprocessing(knn_model *model, const knn_directory_options *as, const char *const *class_names)
{
    knn__preprocessing preprocessing;
    size_t count = 0;
    knn_status status = knn__preprocessing_from_options(as, &preprocessing);

    while (class_names != NULL && class_names[count] != NULL)
        count++;
    if (status == KNN_OK && class_names != NULL)
        status = knn__set_class_names(model, class_names, count);
    if (status == KNN_OK)
        status = knn__set_preprocessing(model, &preprocessing);
    return status;
}

knn_status knn_set_preprocessing(knn_model *model, const knn_directory_options *as, const char *const *class_names)
{
    knn_status status = knn__model_write(model, "knn_set_preprocessing");

    if (status != KNN_OK)
        return status;
    status = set_preprocessing(model, as, class_names);
    knn__model_write_end(model);
    return status;
}

static knn_status get_preprocessing(const knn_model *model, knn_directory_options *as, knn_generator_options *generator)
{
    knn_directory_options options;
    knn_generator_options changes;
    knn_status status = knn__copy_options(&options, sizeof options, as, as != NULL ? as->size : 0, "knn_get_preprocessing options");

    if (status == KNN_OK)
        status = knn__copy_options(&changes, sizeof changes, generator, generator != NULL ? generator->size : 0,
                                   "knn_get_preprocessing generator");
    if (status == KNN_OK && !model->has_preprocessing)
        status = knn__fail(KNN_ERROR_STATE, "%s: the model does not know how its pictures are prepared", model->name);
    if (status != KNN_OK)
        return status;
    knn__preprocessing_to_options(&model->preprocessing, &options, &changes);
    options.generator = generator;
    knn__give_options(generator, &changes, sizeof changes);
    knn__give_options(as, &options, sizeof options);
    return KNN_OK;
}

knn_status knn_get_preprocessing(const knn_model *model, knn_directory_options *as, knn_generator_options *generator)
{
    knn_status status = knn__model_read(model, "knn_get_preprocessing");

    if (status != KNN_OK)
        return status;
    status = get_preprocessing(model, as, generator);
    knn__model_read_end(model);
    return status;
}
