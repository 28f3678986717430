/* A data set of pictures in folders, Keras' flow_from_directory. Finding them is directory_listing.c's work. */
#include <knn/data.h>

#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "data/augmentation.h"
#include "data/cache.h"
#include "data/dataset.h"
#include "data/directory_listing.h"
#include "data/preprocessing.h"

#include <string.h>

enum { NORMAL_CACHE_BYTES = 160 << 20 };

typedef struct folder {
    knn__found_picture *pictures;
    knn__cache *cache;
    knn_class_mode class_mode;
    knn_generator_options generator;
    bool augments;
} folder;

/* ---- Samples ---- */

static knn__picture_change draw(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment)
{
    const folder *f = dataset->state;
    const knn__preprocessing *p = &dataset->preprocessing;
    knn__transformation transformation;
    if (!augment || !f->augments)
        return (knn__picture_change){0};
    knn__draw_transformation(&f->generator, p->height, p->width, seed, epoch, index, &transformation);
    return knn__change_of(&transformation, p->height, p->width);
}

/* The picture as it lies in the cache; where it is not kept it is *decoded, which the caller frees in any case. */
static knn_status find_picture(const knn_dataset *dataset, size_t index, const uint8_t **picture, uint8_t **decoded)
{
    const folder *f = dataset->state;
    *decoded = NULL;
    *picture = knn__cache_find(f->cache, index);
    if (*picture != NULL)
        return KNN_OK;
    *decoded = knn__realloc(NULL, knn__preprocessed_length(&dataset->preprocessing), 1);
    if (*decoded == NULL)
        return KNN_ERROR_MEMORY;
    knn_status status = knn__decode_file(&dataset->preprocessing, f->pictures[index].path, *decoded);
    if (status == KNN_OK)
        *picture = knn__cache_keep(f->cache, index, decoded);
    return status;
}

/* From 8-bit pixels to what the network sees. */
static knn_status prepare(const knn__preprocessing *p, const uint8_t *picture, const knn__picture_change *change, float *x)
{
    knn__pixels pixels = {.height = p->height, .width = p->width, .channels = p->channels, .bytes = picture};
    knn_status status = knn__change_picture(&pixels, change, x);
    if (status == KNN_OK)
        knn__standardize(p, x, knn__preprocessed_length(p));
    return status;
}

static void write_label(const knn_dataset *dataset, size_t index, float *y)
{
    const folder *f = dataset->state;
    int class_number = f->pictures[index].class_number;
    if (f->class_mode != KNN_CATEGORICAL) {
        y[0] = (float)class_number;
        return;
    }
    memset(y, 0, (size_t)dataset->outputs * sizeof *y);
    y[class_number] = 1.0f;
}

/* The weight stays 1, here and below. */
static knn_status load(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment, float *x,
                       float *y, float *weight)
{
    const uint8_t *picture;
    uint8_t *decoded;
    (void)weight;
    if (y != NULL && dataset->outputs > 0)
        write_label(dataset, index, y);
    knn_status status = find_picture(dataset, index, &picture, &decoded);
    if (status == KNN_OK) {
        knn__picture_change change = draw(dataset, seed, epoch, index, augment);
        status = prepare(&dataset->preprocessing, picture, &change, x);
    }
    knn__free(decoded);
    return status;
}

static knn_status load_picture(const knn_dataset *dataset, uint64_t seed, int epoch, size_t index, bool augment,
                               uint8_t *bytes, knn__picture_change *change, float *y, float *weight)
{
    const uint8_t *picture;
    uint8_t *decoded;
    (void)weight;
    if (y != NULL && dataset->outputs > 0)
        write_label(dataset, index, y);
    knn_status status = find_picture(dataset, index, &picture, &decoded);
    if (status == KNN_OK) {
        memcpy(bytes, picture, knn__preprocessed_length(&dataset->preprocessing));
        *change = draw(dataset, seed, epoch, index, augment);
    }
    knn__free(decoded);
    return status;
}

static const char *path_of(const knn_dataset *dataset, size_t index)
{
    const folder *f = dataset->state;
    return f->pictures[index].path;
}

static int class_of(const knn_dataset *dataset, size_t index)
{
    const folder *f = dataset->state;
    return f->pictures[index].class_number;
}

static void release(knn_dataset *dataset)
{
    folder *f = dataset->state;
    for (size_t i = 0; f->pictures != NULL && i < dataset->samples; i++)
        knn__free(f->pictures[i].path);
    knn__free(f->pictures);
    knn__cache_free(f->cache);
    knn__free(f);
}

static const knn__dataset_kind kind = {
    .name = "directory", .load = load, .load_picture = load_picture, .path = path_of, .class_of = class_of,
    .release = release, .by_class = true,
};

/* ---- Opening ---- */

static knn_status check(const knn_directory_options *options)
{
    if (options->directory == NULL || options->directory[0] == '\0')
        return knn__fail(KNN_ERROR_ARGUMENT, "flow_from_directory: a directory is required");
    if ((int)options->class_mode < KNN_CATEGORICAL || (int)options->class_mode > KNN_NO_CLASSES)
        return knn__fail(KNN_ERROR_ARGUMENT, "flow_from_directory: unknown class_mode %d", (int)options->class_mode);
    if (options->class_mode == KNN_NO_CLASSES && options->classes != NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "flow_from_directory: classes are given with KNN_NO_CLASSES");
    return knn__check_split(options->validation_split, options->subset, "flow_from_directory");
}

static int outputs_of(knn_class_mode mode, size_t classes)
{
    return mode == KNN_NO_CLASSES ? 0 : mode == KNN_CATEGORICAL ? (int)classes : 1;
}

/* Takes the listing's blocks over. */
static void take_listing(knn_dataset *dataset, knn__listing *listing)
{
    folder *f = dataset->state;
    f->pictures = listing->pictures;
    dataset->samples = listing->count;
    dataset->class_names = listing->classes.name;
    dataset->class_count = listing->classes.count;
    dataset->skipped = listing->skipped.name;
    dataset->skipped_count = listing->skipped.count;
    *listing = (knn__listing){0};
}

static knn_status fill(knn_dataset *dataset, const knn_directory_options *options)
{
    folder *f = dataset->state;
    knn__preprocessing *p = &dataset->preprocessing;
    knn__listing listing;
    knn_status status = knn__complete_generator(options->generator, &f->generator);
    if (status == KNN_OK)
        status = knn__preprocessing_from_options(options, p);
    if (status != KNN_OK)
        return status;
    dataset->has_preprocessing = true;
    dataset->gives_pictures = knn__only_rescales(p);
    dataset->input = (knn_shape){3, {p->height, p->width, p->channels}};

    knn__picture_wish wish = knn__wish_of(p);
    status = knn__list_pictures(options, &wish, &listing);
    if (status != KNN_OK)
        return status;
    take_listing(dataset, &listing);
    dataset->outputs = outputs_of(options->class_mode, dataset->class_count);
    dataset->sparse_labels = options->class_mode == KNN_SPARSE;
    f->class_mode = options->class_mode;
    f->augments = knn__augments(&f->generator) && options->subset != KNN_VALIDATION;
    size_t limit = options->cache_bytes != 0 ? options->cache_bytes : NORMAL_CACHE_BYTES;
    f->cache = knn__cache_new(dataset->samples, knn__preprocessed_length(p), limit);
    return f->cache != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

knn_dataset *knn_flow_from_directory_with(const knn_directory_options *given)
{
    knn__clear_error();
    knn_directory_options options;
    size_t size = given != NULL ? given->size : 0;
    if (knn__copy_options(&options, sizeof options, given, size, "flow_from_directory options") != KNN_OK ||
        check(&options) != KNN_OK)
        return NULL;
    options.size = sizeof options;

    knn_dataset *dataset = knn__alloc(1, sizeof *dataset);
    if (dataset == NULL)
        return NULL;
    dataset->kind = &kind;
    dataset->state = knn__alloc(1, sizeof(folder));
    if (dataset->state == NULL || fill(dataset, &options) != KNN_OK) {
        knn_dataset_free(dataset);
        return NULL;
    }
    return dataset;
}
