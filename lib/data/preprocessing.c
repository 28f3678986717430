/* What is done to every picture, in training and at prediction: decode, resize, scale. Augmentation is in
 * augmentation.c. */
#include "data/preprocessing.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "data/resize.h"
#include "data/whitening.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NORMAL_SIZE = 256, LARGEST_SIDE = 65535, LARGEST_PICTURE = 1 << 28 };

/* ---- The options ---- */

static knn_status check_target(const knn_directory_options *options, int height, int width)
{
    if (options->target_height < 0 || options->target_width < 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "flow_from_directory: target size %dx%d, expected positive sides",
                         options->target_height, options->target_width);
    if (height > LARGEST_SIDE || width > LARGEST_SIDE || (int64_t)height * width > LARGEST_PICTURE / 3)
        return knn__fail(KNN_ERROR_ARGUMENT, "flow_from_directory: target size %dx%d is too large", height, width);
    if ((int)options->interpolation < KNN_RESIZE_NEAREST || (int)options->interpolation > KNN_RESIZE_AREA)
        return knn__fail(KNN_ERROR_ARGUMENT, "flow_from_directory: unknown interpolation %d",
                         (int)options->interpolation);
    return KNN_OK;
}

knn_status knn__check_split(double validation_split, knn_subset subset, const char *where)
{
    if (!(validation_split >= 0.0 && validation_split < 1.0))
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: validation_split %g, expected 0 up to below 1", where,
                         validation_split);
    if ((int)subset < KNN_ALL || (int)subset > KNN_VALIDATION)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: unknown subset %d", where, (int)subset);
    if (subset != KNN_ALL && validation_split == 0.0)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: a subset wants a validation_split above 0", where);
    return KNN_OK;
}

/* Finite, and no deviation below 0. */
static bool are_statistics(const knn_generator_options *g)
{
    bool sound = g->channels <= KNN__STATISTICS;
    for (int c = 0; c < g->channels && sound; c++)
        sound = isfinite(g->mean[c]) && isfinite(g->std[c]) && g->std[c] >= 0.0;
    return sound;
}

static knn_status check_statistics(const knn_generator_options *g, int channels)
{
    if (g->channels == 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: featurewise statistics are missing: call knn_generator_fit first");
    if (g->channels != channels)
        return knn__fail(KNN_ERROR_SHAPE, "image_data_generator: statistics of %d channels for samples of %d", g->channels, channels);
    return are_statistics(g) ? KNN_OK : knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: mean or std is not finite, or std below 0");
}

static knn_status set_whitening(knn__preprocessing *p, const knn_generator_options *g)
{
    size_t length = knn__preprocessed_length(p);
    if (g->whitening == NULL || g->whitening_length == 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "image_data_generator: the matrix of zca_whitening is missing: call knn_generator_fit first");
    if (g->whitening_length != length || length > KNN__WHITENING_LIMIT)
        return knn__fail(KNN_ERROR_SHAPE, "image_data_generator: zca_whitening of %zu numbers for samples of %zu", g->whitening_length, length);
    p->whitening = g->whitening;
    return KNN_OK;
}

knn_status knn__set_standardization(knn__preprocessing *preprocessing, const knn_generator_options *generator)
{
    preprocessing->rescale = generator->rescale;
    preprocessing->samplewise_center = generator->samplewise_center;
    preprocessing->samplewise_std_normalization = generator->samplewise_std_normalization;
    preprocessing->featurewise_center = generator->featurewise_center;
    preprocessing->featurewise_std_normalization = generator->featurewise_std_normalization;
    if (!generator->featurewise_center)
        return KNN_OK;
    memcpy(preprocessing->mean, generator->mean, sizeof preprocessing->mean);
    memcpy(preprocessing->std, generator->std, sizeof preprocessing->std);
    knn_status status = check_statistics(generator, preprocessing->channels);
    return status == KNN_OK && generator->zca_whitening ? set_whitening(preprocessing, generator) : status;
}

knn_status knn__preprocessing_from_options(const knn_directory_options *given, knn__preprocessing *preprocessing)
{
    knn_directory_options options;
    knn_generator_options generator;
    knn_status status = knn__copy_options(&options, sizeof options, given, given != NULL ? given->size : 0,
                                          "flow_from_directory options");
    if (status == KNN_OK)
        status = knn__complete_generator(options.generator, &generator);
    if (status != KNN_OK)
        return status;

    int height = options.target_height != 0 ? options.target_height : NORMAL_SIZE;
    int width = options.target_width != 0 ? options.target_width : height;
    *preprocessing = (knn__preprocessing){.height = height, .width = width, .channels = options.grayscale ? 1 : 3,
        .interpolation = options.interpolation, .apply_orientation = options.apply_orientation,
        .max_pixels = options.max_pixels != 0 ? options.max_pixels : KNN__NORMAL_MAX_PIXELS};
    status = knn__set_standardization(preprocessing, &generator);
    return status == KNN_OK ? check_target(&options, height, width) : status;
}

void knn__preprocessing_to_options(const knn__preprocessing *p, knn_directory_options *options, knn_generator_options *generator)
{
    options->target_height = p->height;
    options->target_width = p->width;
    options->grayscale = p->channels == 1;
    options->interpolation = p->interpolation;
    options->apply_orientation = p->apply_orientation;
    options->max_pixels = p->max_pixels;
    generator->rescale = p->rescale;
    generator->samplewise_center = p->samplewise_center;
    generator->samplewise_std_normalization = p->samplewise_std_normalization;
    generator->featurewise_center = p->featurewise_center;
    generator->featurewise_std_normalization = p->featurewise_std_normalization;
    generator->channels = p->featurewise_center ? p->channels : 0;
    memcpy(generator->mean, p->mean, sizeof generator->mean);
    memcpy(generator->std, p->std, sizeof generator->std);
    generator->zca_whitening = p->whitening != NULL;
    generator->whitening = (float *)(uintptr_t)p->whitening;             /* only read */
    generator->whitening_length = p->whitening != NULL ? knn__preprocessed_length(p) : 0;
}

static const char *yes(bool value)
{
    return value ? "yes" : "no";
}

/* The first channel whose statistics differ; -1: none. */
static int different_channel(const knn__preprocessing *a, const knn__preprocessing *b)
{
    for (int c = 0; c < a->channels && c < KNN__STATISTICS && a->featurewise_center; c++)
        if (a->mean[c] != b->mean[c] || (a->featurewise_std_normalization && a->std[c] != b->std[c]))
            return c;
    return -1;
}

size_t knn__whitening_size(const knn__preprocessing *p)
{
    size_t length = knn__preprocessed_length(p);
    return p->whitening != NULL ? length * length : 0;
}

/* Of pictures of the same size. */
static bool same_whitening(const knn__preprocessing *a, const knn__preprocessing *b)
{
    if (a->whitening == b->whitening)
        return true;
    return a->whitening != NULL && b->whitening != NULL && memcmp(a->whitening, b->whitening, knn__whitening_size(a) * sizeof(float)) == 0;
}

bool knn__preprocessing_equal(const knn__preprocessing *a, const knn__preprocessing *b, char *text, size_t size)
{
    static const char *const interpolations[] = {"nearest", "bilinear", "area"};
    int channel = different_channel(a, b);
    if (a->height != b->height || a->width != b->width || a->channels != b->channels)
        snprintf(text, size, "pictures of %dx%dx%d and %dx%dx%d", a->height, a->width, a->channels, b->height, b->width,
                 b->channels);
    else if (a->rescale != b->rescale)
        snprintf(text, size, "rescale %.6g and %.6g", a->rescale, b->rescale);
    else if (a->samplewise_center != b->samplewise_center)
        snprintf(text, size, "samplewise_center %s and %s", yes(a->samplewise_center), yes(b->samplewise_center));
    else if (a->samplewise_std_normalization != b->samplewise_std_normalization)
        snprintf(text, size, "samplewise_std_normalization %s and %s", yes(a->samplewise_std_normalization),
                 yes(b->samplewise_std_normalization));
    else if (a->featurewise_center != b->featurewise_center)
        snprintf(text, size, "featurewise_center %s and %s", yes(a->featurewise_center), yes(b->featurewise_center));
    else if (a->featurewise_std_normalization != b->featurewise_std_normalization)
        snprintf(text, size, "featurewise_std_normalization %s and %s", yes(a->featurewise_std_normalization),
                 yes(b->featurewise_std_normalization));
    else if (channel >= 0)
        snprintf(text, size, "mean %.6g, std %.6g and mean %.6g, std %.6g of channel %d", a->mean[channel], a->std[channel],
                 b->mean[channel], b->std[channel], channel);
    else if (!same_whitening(a, b))
        snprintf(text, size, a->whitening == NULL || b->whitening == NULL ? "zca_whitening and none" : "two matrices of zca_whitening");
    else if (a->interpolation != b->interpolation)
        snprintf(text, size, "interpolation %s and %s", interpolations[a->interpolation],
                 interpolations[b->interpolation]);
    else if (a->apply_orientation != b->apply_orientation)
        snprintf(text, size, "apply_orientation %s and %s", yes(a->apply_orientation), yes(b->apply_orientation));
    else {
        if (size > 0)
            text[0] = '\0';
        return true;
    }
    return false;
}

/* ---- Pixels ---- */

knn__picture_wish knn__wish_of(const knn__preprocessing *p)
{
    return (knn__picture_wish){
        .channels = p->channels, .apply_orientation = p->apply_orientation, .max_pixels = p->max_pixels};
}

size_t knn__preprocessed_length(const knn__preprocessing *p)
{
    return (size_t)p->height * (size_t)p->width * (size_t)p->channels;
}

static knn_status resize_to(const knn__preprocessing *p, const knn__picture *picture, uint8_t *pixels)
{
    return knn__resize(&(knn__resizing){.from = picture->pixels, .height = picture->height, .width = picture->width,
        .channels = picture->channels, .row_bytes = (size_t)picture->width * (size_t)picture->channels,
        .to_height = p->height, .to_width = p->width, .interpolation = p->interpolation}, pixels);
}

static knn_status decode_bytes(const knn__preprocessing *p, const void *data, size_t size, const char *name,
                               uint8_t *pixels)
{
    knn__picture picture;
    knn__picture_wish wish = knn__wish_of(p);
    knn_status status = knn__decode_picture(data, size, name, &wish, &picture);
    if (status != KNN_OK)
        return status;
    status = resize_to(p, &picture, pixels);
    knn__free(picture.pixels);
    return status;
}

knn_status knn__decode_file(const knn__preprocessing *p, const char *path, uint8_t *pixels)
{
    void *data;
    size_t size;
    knn_status status = knn__read_file(path, knn__picture_file_limit(p->max_pixels), &data, &size);
    if (status != KNN_OK)
        return status;
    status = decode_bytes(p, data, size, path, pixels);
    knn__free(data);
    return status;
}

/* ---- Numbers ---- */

/* As Keras, in float32, but with sums in double; std is the population's. */
static void centre(float *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    float mean = (float)(sum / (double)n);
    for (size_t i = 0; i < n; i++)
        x[i] -= mean;
}

static void normalize(float *x, size_t n)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    float divisor = (float)(sqrt(squares / (double)n) + 1e-6);
    for (size_t i = 0; i < n; i++)
        x[i] /= divisor;
}

/* By the statistics of its channels, which are the innermost index. */
static void normalize_channels(const knn__preprocessing *p, float *x, size_t n)
{
    for (int c = 0; c < p->channels; c++) {
        float mean = (float)p->mean[c], divisor = p->featurewise_std_normalization ? (float)(p->std[c] + 1e-6) : 1.0f;
        for (size_t i = (size_t)c; i < n; i += (size_t)p->channels)
            x[i] = (x[i] - mean) / divisor;
    }
}

void knn__standardize(const knn__preprocessing *p, float *x, size_t n)
{
    float rescale = (float)p->rescale;
    if (rescale != 1.0f)
        for (size_t i = 0; i < n; i++)
            x[i] *= rescale;
    if (p->samplewise_center)
        centre(x, n);
    if (p->samplewise_std_normalization)
        normalize(x, n);
    if (p->featurewise_center)
        normalize_channels(p, x, n);
    if (p->whitening != NULL)
        knn__whiten(p->whitening, x, n);
}

bool knn__only_rescales(const knn__preprocessing *p)
{
    return !p->samplewise_center && !p->samplewise_std_normalization && !p->featurewise_center && p->whitening == NULL;
}

static void finish(const knn__preprocessing *p, const uint8_t *pixels, float *x)
{
    size_t n = knn__preprocessed_length(p);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)pixels[i];
    knn__standardize(p, x, n);
}

/* ---- Whole pictures ---- */

static uint8_t *new_pixels(const knn__preprocessing *p)
{
    return knn__realloc(NULL, knn__preprocessed_length(p), 1);
}

knn_status knn__load_picture_file(const knn__preprocessing *p, const char *path, float *x)
{
    uint8_t *pixels = new_pixels(p);
    if (pixels == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = knn__decode_file(p, path, pixels);
    if (status == KNN_OK)
        finish(p, pixels, x);
    knn__free(pixels);
    return status;
}

knn_status knn__load_picture_bytes(const knn__preprocessing *p, const void *data, size_t size, const char *name,
                                   float *x)
{
    uint8_t *pixels = new_pixels(p);
    if (pixels == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = decode_bytes(p, data, size, name, pixels);
    if (status == KNN_OK)
        finish(p, pixels, x);
    knn__free(pixels);
    return status;
}

static knn_status check_pixels(const knn__preprocessing *p, const uint8_t *rgb, int width, int height, size_t row_bytes)
{
    if (rgb == NULL || width <= 0 || height <= 0)
        return knn__fail(KNN_ERROR_ARGUMENT, "pixels: %dx%d at %s, expected a picture", width, height,
                         rgb != NULL ? "an address" : "NULL");
    if (row_bytes < 3 * (size_t)width)
        return knn__fail(KNN_ERROR_ARGUMENT, "pixels: %zu bytes a row, expected at least %zu", row_bytes,
                         3 * (size_t)width);
    if ((uint64_t)width * (uint64_t)height > p->max_pixels)
        return knn__fail(KNN_ERROR_DATA, "pixels: %dx%d, expected at most %zu pixels (.max_pixels)", width, height,
                         p->max_pixels);
    return KNN_OK;
}

/* Without the gaps between rows; grey before it is resized, as load_img does. */
static knn_status take_pixels(const knn__preprocessing *p, const uint8_t *rgb, int width, int height, size_t row_bytes,
                              knn__picture *picture)
{
    knn_status status = knn__new_picture("pixels", width, height, 3, picture);
    if (status != KNN_OK)
        return status;
    size_t row = 3 * (size_t)width;
    for (int i = 0; i < height; i++)
        memcpy(picture->pixels + (size_t)i * row, rgb + (size_t)i * row_bytes, row);
    return knn__set_channels(picture, p->channels);
}

knn_status knn__load_picture_pixels(const knn__preprocessing *p, const uint8_t *rgb, int width, int height,
                                    size_t row_bytes, float *x)
{
    knn__picture picture = {0};
    knn_status status = check_pixels(p, rgb, width, height, row_bytes);
    uint8_t *pixels = status == KNN_OK ? new_pixels(p) : NULL;
    if (status == KNN_OK && pixels == NULL)
        status = KNN_ERROR_MEMORY;
    if (status == KNN_OK)
        status = take_pixels(p, rgb, width, height, row_bytes, &picture);
    if (status == KNN_OK)
        status = resize_to(p, &picture, pixels);
    if (status == KNN_OK)
        finish(p, pixels, x);
    knn__free(picture.pixels);
    knn__free(pixels);
    return status;
}
