/* Reads text attributes and arrays of numbers from an HDF5 image, which hdf5_image.c has looked over: sizes are those of the image, nothing
 * lies elsewhere. Does not know what Keras stores where. */
#include "keras/hdf5_inside.h"

#include "core/memory.h"
#include "core/status.h"
#include "keras/limits.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Static functions run inside the fence. */

/* ---- Text attributes ---- */

static knn_status add_text(knn__names *texts, const char *bytes, size_t length)
{
    if (!knn__reserve((void **)&texts->name, &texts->capacity, texts->count + 1, sizeof *texts->name))
        return KNN_ERROR_MEMORY;
    texts->name[texts->count] = knn__copy_bytes(bytes, length);
    return texts->name[texts->count++] != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

/* Texts of variable length are libhdf5's memory. */
static knn_status read_variable(hid_t attribute, hid_t type, hid_t space, size_t count, knn__names *texts)
{
    knn_status status = KNN_OK;
    char **pointers = knn__alloc(count, sizeof *pointers);

    if (pointers == NULL)
        return KNN_ERROR_MEMORY;
    if (H5Aread(attribute, type, pointers) < 0)
        status = knn__h5_unreadable();
    for (size_t i = 0; i < count && status == KNN_OK; i++) {
        const char *text = pointers[i] != NULL ? pointers[i] : "";
        status = add_text(texts, text, strlen(text));
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers);
    knn__free(pointers);
    return status;
}

/* Texts of a fixed width end at their first NUL, or fill the width. */
static knn_status read_fixed(hid_t attribute, hid_t type, size_t count, knn__names *texts)
{
    size_t width = H5Tget_size(type);
    knn_status status = KNN_OK;

    if (width == 0 || H5Aget_storage_size(attribute) != count * width)
        return knn__h5_unreadable();
    char *bytes = knn__alloc(count, width);
    if (bytes == NULL)
        return KNN_ERROR_MEMORY;
    if (H5Aread(attribute, type, bytes) < 0)
        status = knn__h5_unreadable();
    for (size_t i = 0; i < count && status == KNN_OK; i++) {
        const char *text = bytes + i * width;
        const char *end = memchr(text, 0, width);
        status = add_text(texts, text, end != NULL ? (size_t)(end - text) : width);
    }
    knn__free(bytes);
    return status;
}

static knn_status read_array(hid_t attribute, knn__names *texts)
{
    hid_t space = H5Aget_space(attribute), type = H5Aget_type(attribute);
    hssize_t count = space >= 0 && H5Sget_simple_extent_ndims(space) <= 1 ? H5Sget_simple_extent_npoints(space) : -1;
    knn_status status;

    if (type < 0 || count < 0 || count > KNN__H5_NAMES_LIMIT)
        status = knn__fail(KNN_ERROR_FORMAT, "expected a list of texts");
    else if (count == 0)
        status = KNN_OK;                    /* h5py writes an empty list as one of float64 */
    else if (H5Tget_class(type) != H5T_STRING)
        status = knn__fail(KNN_ERROR_FORMAT, "expected text, got numbers");
    else if (H5Tis_variable_str(type) > 0)
        status = read_variable(attribute, type, space, (size_t)count, texts);
    else
        status = read_fixed(attribute, type, (size_t)count, texts);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

/* Appends an attribute's texts; *found says whether it exists. */
static knn_status read_attribute(hid_t object, const char *name, knn__names *texts, bool *found)
{
    *found = H5Aexists(object, name) > 0;
    if (!*found)
        return KNN_OK;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return knn__h5_unreadable();
    knn_status status = read_array(attribute, texts);
    H5Aclose(attribute);
    return status;
}

knn_status knn__h5_read_texts(knn__h5 *file, const char *path, const char *attribute, knn__names *texts)
{
    knn__h5_fence fence;
    hid_t object;
    bool found = false;
    char name[128];

    knn__h5_enter(&fence);
    knn_status status = knn__h5_open_object(file, path, &object);
    if (status == KNN_OK) {
        status = read_attribute(object, attribute, texts, &found);
        bool more = !found;
        for (int part = 0; more && status == KNN_OK; part++) {
            snprintf(name, sizeof name, "%s%d", attribute, part);
            status = read_attribute(object, name, texts, &more);
        }
        H5Oclose(object);
        if (status != KNN_OK)
            knn__context(status, "/%s: attribute %s", path, attribute);
    }
    knn__h5_leave(&fence);
    return status;
}

knn_status knn__h5_read_text(knn__h5 *file, const char *path, const char *attribute, char **text)
{
    knn__names texts = {0};
    knn_status status = knn__h5_read_texts(file, path, attribute, &texts);

    *text = NULL;
    if (status == KNN_OK && texts.count != 1)
        status =
            knn__fail(KNN_ERROR_FORMAT, "/%s: attribute %s: expected one text, got %zu", path, attribute, texts.count);
    if (status == KNN_OK) {
        *text = texts.name[0];
        texts.count = 0;
    }
    knn__names_free(&texts);
    return status;
}

/* ---- Groups ---- */

typedef struct lister { knn__names *names; knn_status status; } lister;

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    lister *list = context;

    (void)group, (void)info;
    list->status = list->names->count < KNN__H5_NAMES_LIMIT
                       ? add_text(list->names, name, strlen(name))
                       : knn__fail(KNN_ERROR_FORMAT, "a group of more than %d members", KNN__H5_NAMES_LIMIT);
    return list->status == KNN_OK ? 0 : -1;
}

bool knn__h5_is_group(knn__h5 *file, const char *path)
{
    knn__h5_fence fence;
    hid_t object;
    bool group = false;

    knn__h5_enter(&fence);
    if (knn__h5_open_object(file, path, &object) == KNN_OK) {
        group = H5Iget_type(object) == H5I_GROUP;
        H5Oclose(object);
    }
    knn__h5_leave(&fence);
    knn__clear_error();
    return group;
}

knn_status knn__h5_list(knn__h5 *file, const char *path, knn__names *names)
{
    knn__h5_fence fence;
    hid_t object;
    lister list = {names, KNN_OK};

    knn__h5_enter(&fence);
    knn_status status = knn__h5_open_object(file, path, &object);
    if (status == KNN_OK) {
        if (H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, add_link, &list) < 0)
            status = list.status != KNN_OK ? list.status : knn__h5_unreadable();
        H5Oclose(object);
        if (status != KNN_OK)
            knn__context(status, "/%s", path);
    }
    knn__h5_leave(&fence);
    return status;
}

/* ---- Arrays of numbers ---- */

/* What it holds, and that the image pays for it, has been checked when the image was opened: hdf5_image.h. */
static knn_status read_shape(hid_t dataset, knn__h5_shape *shape)
{
    hsize_t size[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    int rank =
        space >= 0 && H5Sget_simple_extent_type(space) != H5S_NULL ? H5Sget_simple_extent_dims(space, size, NULL) : -1;

    if (space >= 0)
        H5Sclose(space);
    if (rank < 0 || rank > KNN__H5_RANK)
        return knn__fail(KNN_ERROR_FORMAT, "expected an array of at most %d dimensions", KNN__H5_RANK);
    shape->rank = rank;
    for (int i = 0; i < rank; i++) {
        if (size[i] > INT_MAX)
            return knn__fail(KNN_ERROR_FORMAT, "larger than the file");
        shape->size[i] = (int)size[i];
    }
    return KNN_OK;
}

static knn_status open_numbers(const knn__h5 *file, const char *path, hid_t *object, knn__h5_shape *shape)
{
    knn_status status = knn__h5_open_object(file, path, object);

    if (status != KNN_OK)
        return status;
    if (H5Iget_type(*object) != H5I_DATASET)
        status = knn__fail(KNN_ERROR_FORMAT, "expected an array, got a group");
    if (status == KNN_OK)
        status = read_shape(*object, shape);
    if (status == KNN_OK)
        return KNN_OK;
    H5Oclose(*object);
    return knn__context(status, "/%s", path);
}

knn_status knn__h5_shape_of(knn__h5 *file, const char *path, knn__h5_shape *shape)
{
    knn__h5_fence fence;
    hid_t object;

    knn__h5_enter(&fence);
    knn_status status = open_numbers(file, path, &object, shape);
    if (status == KNN_OK)
        H5Oclose(object);
    knn__h5_leave(&fence);
    return status;
}

knn_status knn__h5_read(knn__h5 *file, const char *path, float *values, size_t length)
{
    knn__h5_fence fence;
    hid_t object;
    knn__h5_shape shape;
    size_t stored = 1;

    knn__h5_enter(&fence);
    knn_status status = open_numbers(file, path, &object, &shape);
    if (status == KNN_OK) {
        for (int i = 0; i < shape.rank; i++)
            stored *= (size_t)shape.size[i];
        if (stored != length)
            status = knn__fail(KNN_ERROR_SHAPE, "/%s: expected %zu numbers, got %zu", path, length, stored);
        else if (H5Dread(object, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
            status = knn__fail(KNN_ERROR_FORMAT, "/%s: its numbers cannot be read: the file is damaged", path);
        H5Oclose(object);
    }
    knn__h5_leave(&fence);
    return status;
}
