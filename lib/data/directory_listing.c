/* Keras' walk over class folders, plus what Keras lacks: bad pictures are found before training. Loads no pixels. */
#include "data/directory_listing.h"

#include "core/memory.h"
#include "core/parallel.h"
#include "core/status.h"
#include "core/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char extensions[] = ".png, .jpg, .jpeg, .bmp or .ppm";

/* TIFF is listed, so that it is refused by name instead of being passed over in silence. */
static bool is_tiff(const char *path)
{
    return knn__text_ends_with(path, ".tif", true) || knn__text_ends_with(path, ".tiff", true);
}

static bool is_picture(const char *path)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".bmp", ".ppm"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (knn__text_ends_with(path, endings[i], true))
            return true;
    return is_tiff(path);
}

/* ---- Adding ---- */

static knn_status add_picture(knn__listing *listing, char *path, int class_number)
{
    if (!knn__reserve((void **)&listing->pictures, &listing->capacity, listing->count + 1, sizeof *listing->pictures))
        return KNN_ERROR_MEMORY;
    listing->pictures[listing->count++] = (knn__found_picture){path, class_number, KNN_OK};
    return KNN_OK;
}

/* All pictures below a folder; their paths move from the walk to the listing. */
static knn_status add_folder(knn__listing *listing, const char *folder, bool follow_links, int class_number)
{
    knn__names paths;
    size_t before = listing->count;
    knn_status status = knn__walk_files(folder, follow_links, &paths);
    for (size_t i = 0; status == KNN_OK && i < paths.count; i++) {
        if (!is_picture(paths.name[i]))
            continue;
        status = add_picture(listing, paths.name[i], class_number);
        if (status == KNN_OK)
            paths.name[i] = NULL;
    }
    knn__names_free(&paths);
    if (status == KNN_OK && listing->count == before)
        return knn__fail(KNN_ERROR_DATA, "%.700s: no pictures (%s)", folder, extensions);
    return status;
}

static knn_status add_name(knn__names *names, char *name)
{
    if (name == NULL || !knn__reserve((void **)&names->name, &names->capacity, names->count + 1, sizeof *names->name)) {
        knn__free(name);
        return KNN_ERROR_MEMORY;
    }
    names->name[names->count++] = name;
    return KNN_OK;
}

/* ---- Classes ---- */

static knn_status given_classes(const char *const *given, knn__names *classes)
{
    knn_status status = KNN_OK;
    for (size_t i = 0; status == KNN_OK && given[i] != NULL; i++)
        status = add_name(classes, knn__copy_text(given[i]));
    return status;
}

static knn_status find_classes(const knn_directory_options *options, knn__names *classes)
{
    const char *directory = options->directory;
    knn_status status = options->classes != NULL ? given_classes(options->classes, classes)
                                                 : knn__list_directories(directory, options->follow_links, classes);
    if (status != KNN_OK)
        return status;
    if (classes->count == 0)
        return knn__fail(KNN_ERROR_DATA, "%.700s: no class folders, expected one a class with pictures in it",
                         directory);
    if (options->class_mode == KNN_BINARY && classes->count != 2)
        return knn__fail(KNN_ERROR_DATA, "%.700s: %zu class%s (%.100s%s), expected 2 with KNN_BINARY", directory,
                         classes->count, classes->count == 1 ? "" : "es", classes->name[0],
                         classes->count == 1 ? "" : ", ...");
    return KNN_OK;
}

static knn_status add_class(knn__listing *listing, const knn_directory_options *options, int class_number)
{
    knn__text folder = {0};
    knn__text_add(&folder, "%s/%s", options->directory, listing->classes.name[class_number]);
    knn_status status =
        folder.failed ? KNN_ERROR_MEMORY : add_folder(listing, folder.data, options->follow_links, class_number);
    knn__text_free(&folder);
    return status;
}

/* ---- Bad pictures ---- */

static knn_status check_picture(const char *path, const knn__picture_wish *wish)
{
    if (is_tiff(path))
        return knn__fail(KNN_ERROR_DATA, "%.700s: TIFF files are not supported (expected %s)", path, extensions);
    knn__picture_header header;
    return knn__read_picture_file_header(path, wish, &header);
}

typedef struct header_check {
    knn__listing *listing;
    const knn__picture_wish *wish;
} header_check;

static void check_one(int index, void *context)
{
    const header_check *check = context;
    knn__found_picture *picture = &check->listing->pictures[index];
    picture->status = check_picture(picture->path, check->wish);
}

/* A picture for which there was no memory is not a bad one. */
static knn_status count_bad(const knn__listing *listing, size_t *bad)
{
    *bad = 0;
    for (size_t i = 0; i < listing->count; i++) {
        if (listing->pictures[i].status == KNN_ERROR_MEMORY)
            return knn__fail(KNN_ERROR_MEMORY, "%.700s: no memory to read its header", listing->pictures[i].path);
        *bad += listing->pictures[i].status != KNN_OK;
    }
    return KNN_OK;
}

/* Names up to ten bad pictures with what is wrong. They are looked at once more, since other threads had met them. */
static knn_status report_bad(const knn_directory_options *options, const knn__listing *listing,
                             const knn__picture_wish *wish, size_t bad)
{
    enum { MOST_NAMES = 10 };
    char text[1024];
    size_t length = 0, named = 0;
    for (size_t i = 0; i < listing->count && named < MOST_NAMES && length < sizeof text; i++) {
        const knn__found_picture *picture = &listing->pictures[i];
        if (picture->status == KNN_OK || check_picture(picture->path, wish) == KNN_OK)
            continue;
        named++;
        length += (size_t)snprintf(text + length, sizeof text - length, "; %s", knn_last_error());
    }
    return knn__fail(KNN_ERROR_DATA, "%.200s: %zu of %zu pictures cannot be used%s", options->directory, bad,
                     listing->count, length > 0 ? text : "");
}

/* Moves the bad ones' paths to `skipped`. */
static knn_status skip_bad(knn__listing *listing)
{
    size_t kept = 0;
    knn_status status = KNN_OK;
    for (size_t i = 0; i < listing->count; i++) {
        knn__found_picture picture = listing->pictures[i];
        if (picture.status == KNN_OK)
            listing->pictures[kept++] = picture;
        else if (status == KNN_OK)
            status = add_name(&listing->skipped, picture.path);
        else
            knn__free(picture.path);
    }
    listing->count = kept;
    return status;
}

static knn_status expect_every_class(const knn_directory_options *options, const knn__listing *listing)
{
    size_t i = 0;
    for (size_t c = 0; c < listing->classes.count; c++) {
        if (i == listing->count || listing->pictures[i].class_number != (int)c)
            return knn__fail(KNN_ERROR_DATA, "%.600s/%.100s: no usable picture", options->directory,
                             listing->classes.name[c]);
        while (i < listing->count && listing->pictures[i].class_number == (int)c)
            i++;
    }
    return KNN_OK;
}

static knn_status check_headers(const knn_directory_options *options, const knn__picture_wish *wish,
                                knn__listing *listing)
{
    if (listing->count > INT_MAX)
        return knn__fail(KNN_ERROR_DATA, "%.700s: %zu pictures, expected at most %d", options->directory,
                         listing->count, INT_MAX);
    header_check check = {listing, wish};
    knn__parallel((int)listing->count, knn__cores(), check_one, &check);
    size_t bad;
    knn_status status = count_bad(listing, &bad);
    if (status != KNN_OK || bad == 0)
        return status;
    if (!options->skip_bad_files)
        return report_bad(options, listing, wish, bad);
    status = skip_bad(listing);
    return status == KNN_OK ? expect_every_class(options, listing) : status;
}

/* ---- Subsets ---- */

/* Of each class, listing->pictures[first .. last), the head validates and the rest trains. */
static size_t keep_subset(knn__listing *listing, const knn_directory_options *options, size_t first, size_t last,
                          size_t kept)
{
    size_t head = first + (size_t)(options->validation_split * (double)(last - first));
    size_t from = options->subset == KNN_TRAINING ? head : first, to = options->subset == KNN_VALIDATION ? head : last;
    for (size_t i = first; i < last; i++)
        if (i >= from && i < to)
            listing->pictures[kept++] = listing->pictures[i];
        else
            knn__free(listing->pictures[i].path);
    return kept;
}

static knn_status choose_subset(knn__listing *listing, const knn_directory_options *options)
{
    size_t kept = 0, last;
    for (size_t first = 0; first < listing->count; first = last) {
        int class_number = listing->pictures[first].class_number;
        for (last = first; last < listing->count && listing->pictures[last].class_number == class_number;)
            last++;
        kept = keep_subset(listing, options, first, last, kept);
    }
    listing->count = kept;
    if (kept == 0)
        return knn__fail(KNN_ERROR_DATA, "%.700s: validation_split %g leaves no pictures", options->directory,
                         options->validation_split);
    return KNN_OK;
}

/* ---- All of it ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const knn__found_picture *)a)->path, ((const knn__found_picture *)b)->path);
}

/* No class folders, no headers: whatever lies there. */
static knn_status list_all(const knn_directory_options *options, knn__listing *listing)
{
    knn_status status = add_folder(listing, options->directory, options->follow_links, 0);
    if (status == KNN_OK)
        qsort(listing->pictures, listing->count, sizeof *listing->pictures, by_path);
    return status;
}

static knn_status list_classes(const knn_directory_options *options, const knn__picture_wish *wish,
                               knn__listing *listing)
{
    knn_status status = find_classes(options, &listing->classes);
    for (size_t c = 0; status == KNN_OK && c < listing->classes.count; c++)
        status = add_class(listing, options, (int)c);
    return status == KNN_OK ? check_headers(options, wish, listing) : status;
}

knn_status knn__list_pictures(const knn_directory_options *options, const knn__picture_wish *wish,
                              knn__listing *listing)
{
    *listing = (knn__listing){0};
    knn_status status =
        options->class_mode == KNN_NO_CLASSES ? list_all(options, listing) : list_classes(options, wish, listing);
    if (status == KNN_OK)
        status = choose_subset(listing, options);
    if (status != KNN_OK)
        knn__listing_free(listing);
    return status;
}

void knn__listing_free(knn__listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        knn__free(listing->pictures[i].path);
    knn__free(listing->pictures);
    knn__names_free(&listing->classes);
    knn__names_free(&listing->skipped);
    *listing = (knn__listing){0};
}
