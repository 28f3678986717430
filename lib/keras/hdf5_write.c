/* Writes groups, text attributes and arrays of floats into an HDF5 image, in the layout of h5py. The only thing that
 * can fail is memory. Does not know what Keras stores where. */
#include "keras/hdf5_inside.h"

#include "core/memory.h"
#include "core/status.h"

#include <stdio.h>
#include <string.h>

/* Static functions run inside the fence. */

static knn_status unwritten(const char *path)
{
    return knn__fail(KNN_ERROR_MEMORY, "/%s: libhdf5 cannot write it in memory", path);
}

static hid_t close_type(hid_t type)
{
    if (type >= 0)
        H5Tclose(type);
    return -1;
}

static hid_t text_type(size_t width, H5T_str_t padding, H5T_cset_t characters)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0 && H5Tset_size(type, width) >= 0 && H5Tset_strpad(type, padding) >= 0 &&
        H5Tset_cset(type, characters) >= 0)
        return type;
    return close_type(type);
}

static bool write_attribute(const knn__h5 *file, const char *path, const char *name, hid_t type, hid_t space,
                            const void *value)
{
    hid_t object = H5Oopen(file->file, path[0] != '\0' ? path : "/", H5P_DEFAULT);
    hid_t attribute = object >= 0 ? H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
    bool done = attribute >= 0 && (value == NULL || H5Awrite(attribute, type, value) >= 0);

    if (attribute >= 0)
        done = H5Aclose(attribute) >= 0 && done;
    if (object >= 0)
        H5Oclose(object);
    return done;
}

knn_status knn__h5_write_group(knn__h5 *file, const char *path)
{
    knn__h5_fence fence;

    knn__h5_enter(&fence);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    hid_t group = links >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0
                      ? H5Gcreate2(file->file, path, links, H5P_DEFAULT, H5P_DEFAULT) : -1;
    knn_status status = group >= 0 && H5Gclose(group) >= 0 ? KNN_OK : unwritten(path);
    if (links >= 0)
        H5Pclose(links);
    knn__h5_leave(&fence);
    return status;
}

knn_status knn__h5_write_text(knn__h5 *file, const char *path, const char *attribute, const char *text, bool utf8)
{
    knn__h5_fence fence;

    knn__h5_enter(&fence);
    hid_t type = text_type(H5T_VARIABLE, H5T_STR_NULLTERM, utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII),
          space = H5Screate(H5S_SCALAR);
    bool done = type >= 0 && space >= 0 && write_attribute(file, path, attribute, type, space, &text);
    close_type(type);
    if (space >= 0)
        H5Sclose(space);
    knn__h5_leave(&fence);
    return done ? KNN_OK : unwritten(path);
}

/* One piece of an array of texts: of a fixed width, padded with NULs. No texts: an empty array of float64, as h5py
 * writes it. */
static knn_status write_texts(const knn__h5 *file, const char *path, const char *name, const char *const *texts,
                              size_t count, size_t width)
{
    hsize_t size = count;
    char *bytes = knn__alloc(count, width);

    if (bytes == NULL)
        return KNN_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * width, texts[i], strlen(texts[i]));
    hid_t type = count > 0 ? text_type(width, H5T_STR_NULLPAD, H5T_CSET_ASCII) : H5Tcopy(H5T_IEEE_F64LE);
    hid_t space = H5Screate_simple(1, &size, NULL);
    bool done = type >= 0 && space >= 0 && write_attribute(file, path, name, type, space, count > 0 ? bytes : NULL);
    close_type(type);
    if (space >= 0)
        H5Sclose(space);
    knn__free(bytes);
    return done ? KNN_OK : unwritten(path);
}

/* Keras splits as numpy.array_split does: as few parts as hold the limit, the first ones longer by one. */
knn_status knn__h5_write_texts(knn__h5 *file, const char *path, const char *attribute, const char *const *texts,
                               size_t count)
{
    knn__h5_fence fence;
    char name[128];
    size_t width = 1, first = 0;
    knn_status status = KNN_OK;

    for (size_t i = 0; i < count; i++)
        width = strlen(texts[i]) > width ? strlen(texts[i]) : width;
    if (width > KNN__H5_HEADER_LIMIT)
        return knn__fail(KNN_ERROR_ARGUMENT, "a name of %zu bytes, at most %d fit into a file", width,
                         KNN__H5_HEADER_LIMIT);
    size_t most = KNN__H5_HEADER_LIMIT / width, parts = count > most ? (count + most - 1) / most : 1;
    knn__h5_enter(&fence);
    for (size_t part = 0; part < parts && status == KNN_OK; part++) {
        size_t length = count / parts + (part < count % parts);
        snprintf(name, sizeof name, parts > 1 ? "%s%zu" : "%s", attribute, part);
        status = write_texts(file, path, name, texts + first, length, width);
        first += length;
    }
    knn__h5_leave(&fence);
    return status;
}

/* Groups on the way are made; no times are kept, so that equal models give equal files. */
knn_status knn__h5_write(knn__h5 *file, const char *path, int rank, const int *size, const float *values)
{
    knn__h5_fence fence;
    hsize_t dimensions[KNN__H5_RANK];

    for (int i = 0; i < rank; i++)
        dimensions[i] = (hsize_t)size[i];
    knn__h5_enter(&fence);
    hid_t links = H5Pcreate(H5P_LINK_CREATE), creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(rank, dimensions, NULL), dataset = -1;
    if (links >= 0 && creation >= 0 && space >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0 &&
        H5Pset_obj_track_times(creation, 0) >= 0)
        dataset = H5Dcreate2(file->file, path, H5T_IEEE_F32LE, space, links, creation, H5P_DEFAULT);
    bool done = dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (dataset >= 0)
        done = H5Dclose(dataset) >= 0 && done;
    if (space >= 0)
        H5Sclose(space);
    if (creation >= 0)
        H5Pclose(creation);
    if (links >= 0)
        H5Pclose(links);
    knn__h5_leave(&fence);
    return done ? KNN_OK : unwritten(path);
}

knn_status knn__h5_image(knn__h5 *file, void **image, size_t *size)
{
    knn__h5_fence fence;

    *image = NULL;
    knn__h5_enter(&fence);
    ssize_t length = H5Fflush(file->file, H5F_SCOPE_GLOBAL) >= 0 ? H5Fget_file_image(file->file, NULL, 0) : -1;
    knn_status status = length > 0 ? KNN_OK : unwritten("");
    if (status == KNN_OK && (*image = knn__alloc(1, (size_t)length)) == NULL)
        status = KNN_ERROR_MEMORY;
    if (status == KNN_OK && H5Fget_file_image(file->file, *image, (size_t)length) != length)
        status = unwritten("");
    knn__h5_leave(&fence);
    if (status != KNN_OK) {
        knn__free(*image);
        *image = NULL;
    }
    *size = (size_t)length;
    return status;
}
