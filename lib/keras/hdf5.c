/* The fence around libhdf5: one call at a time, no error output, no file access, no version mismatch; opens images and
 * looks up objects. Does not read or write what is in them. */
#include "keras/hdf5_inside.h"

#include "core/memory.h"
#include "core/status.h"
#include "keras/hdf5_image.h"
#include "keras/limits.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- The fence ---- */

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void knn__h5_enter(knn__h5_fence *fence)
{
    pthread_mutex_lock(&library);
    *fence = (knn__h5_fence){NULL, NULL};
    H5Eget_auto2(H5E_DEFAULT, &fence->print, &fence->context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void knn__h5_leave(const knn__h5_fence *fence)
{
    H5Eset_auto2(H5E_DEFAULT, fence->print, fence->context);
    pthread_mutex_unlock(&library);
}

static void get_version(unsigned *major, unsigned *minor, unsigned *release)
{
    *major = *minor = *release = 0;
    pthread_mutex_lock(&library);
    H5get_libversion(major, minor, release);
    pthread_mutex_unlock(&library);
}

void knn__h5_describe(char *text, size_t size)
{
    unsigned major, minor, release;

    get_version(&major, &minor, &release);
    snprintf(text, size, "HDF5 %u.%u.%u", major, minor, release);
}

/* Most other functions of the library abort the program where header and library differ. */
static knn_status check_version(void)
{
    unsigned major, minor, release;

    get_version(&major, &minor, &release);
    if (major == H5_VERS_MAJOR && minor == H5_VERS_MINOR && release == H5_VERS_RELEASE)
        return KNN_OK;
    return knn__fail(KNN_ERROR_VERSION, "libhdf5: expected version %d.%d.%d, as libknn was compiled with, got %u.%u.%u",
                     H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE, major, minor, release);
}

/* ---- Opening and closing ---- */

/* The core driver asks these for copies of the image; all of its copies are the caller's one, which is only read. */
static void *lend_image(size_t size, H5FD_file_image_op_t op, void *image)
{
    (void)size, (void)op;
    return image;
}

static void *keep_image(void *to, const void *from, size_t size, H5FD_file_image_op_t op, void *image)
{
    (void)from, (void)size, (void)op, (void)image;
    return to;
}

static void *refuse_growth(void *block, size_t size, H5FD_file_image_op_t op, void *image)
{
    (void)block, (void)size, (void)op, (void)image;
    return NULL;
}

static herr_t return_image(void *block, H5FD_file_image_op_t op, void *image)
{
    (void)block, (void)op, (void)image;
    return 0;
}

static void *same_context(void *image)
{
    return image;
}

static herr_t forget_context(void *image)
{
    (void)image;
    return 0;
}

static bool set_image(hid_t access, const void *image, size_t size)
{
    void *bytes = (void *)(uintptr_t)image;
    H5FD_file_image_callbacks_t callbacks = {lend_image,   keep_image,     refuse_growth, return_image,
                                             same_context, forget_context, bytes};

    return H5Pset_file_image_callbacks(access, &callbacks) >= 0 && H5Pset_file_image(access, bytes, size) >= 0;
}

/* A file in memory. libhdf5 takes two open files of one name for the same, and looks for the name on disk before it
 * creates one. */
static hid_t open_in_memory(const knn__h5 *file)
{
    char name[64];
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), opened = -1;

    snprintf(name, sizeof name, "/dev/null/%p", (const void *)file);
    if (access >= 0 && H5Pset_fapl_core(access, 1 << 16, 0) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0) {
        if (file->image == NULL)
            opened = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
        else if (set_image(access, file->image, file->size))
            opened = H5Fopen(name, H5F_ACC_RDONLY, access);
    }
    if (access >= 0)
        H5Pclose(access);
    return opened;
}

static knn_status make_handle(const void *image, size_t size, knn__h5 **file)
{
    knn__h5_fence fence;
    knn_status status = check_version();

    *file = NULL;
    if (status != KNN_OK)
        return status;
    knn__h5 *made = knn__alloc(1, sizeof *made);
    if (made == NULL)
        return KNN_ERROR_MEMORY;
    made->image = image;
    made->size = size;
    knn__h5_enter(&fence);
    made->file = open_in_memory(made);
    knn__h5_leave(&fence);
    if (made->file < 0) {
        knn__free(made);
        return image != NULL ? knn__fail(KNN_ERROR_FORMAT, "a damaged or incomplete HDF5 file (%zu bytes)", size)
                             : knn__fail(KNN_ERROR_MEMORY, "libhdf5 cannot make a file in memory");
    }
    *file = made;
    return KNN_OK;
}

knn_status knn__h5_open(const void *image, size_t size, knn__h5 **file)
{
    knn_status status = knn__h5_check(image, size);

    *file = NULL;
    return status == KNN_OK ? make_handle(image, size, file) : status;
}

knn_status knn__h5_create(knn__h5 **file)
{
    return make_handle(NULL, 0, file);
}

void knn__h5_close(knn__h5 *file)
{
    knn__h5_fence fence;

    if (file == NULL)
        return;
    knn__h5_enter(&fence);
    H5Fclose(file->file);
    knn__h5_leave(&fence);
    knn__free(file);
}

/* ---- Looking up. ---- */

knn_status knn__h5_unreadable(void)
{
    return knn__fail(KNN_ERROR_FORMAT, "libhdf5 cannot read it");
}

/* Opens what `path` names if hard links alone lead there. */
knn_status knn__h5_open_object(const knn__h5 *file, const char *path, hid_t *object)
{
    char part[KNN__H5_PATH_LIMIT];
    H5L_info_t link;
    size_t length = strlen(path);

    *object = -1;
    if (length >= sizeof part)
        return knn__fail(KNN_ERROR_FORMAT, "a path of %zu bytes, at most %d are supported", length, KNN__H5_PATH_LIMIT - 1);
    for (size_t end = 0; end < length;) {
        end += strspn(path + end, "/");
        end += strcspn(path + end, "/");
        memcpy(part, path, end);
        part[end] = '\0';
        if (H5Lexists(file->file, part, H5P_DEFAULT) <= 0 || H5Lget_info(file->file, part, &link, H5P_DEFAULT) < 0)
            return knn__fail(KNN_ERROR_FORMAT, "/%s: missing", part);
        if (link.type != H5L_TYPE_HARD)
            return knn__fail(KNN_ERROR_FORMAT, "/%s: a soft or external link, which is not followed", part);
    }
    *object = H5Oopen(file->file, length > 0 ? path : "/", H5P_DEFAULT);
    return *object >= 0 ? KNN_OK : knn__h5_unreadable();
}

bool knn__h5_has(knn__h5 *file, const char *path)
{
    knn__h5_fence fence;
    hid_t object;

    knn__h5_enter(&fence);
    bool found = knn__h5_open_object(file, path, &object) == KNN_OK;
    if (found)
        H5Oclose(object);
    knn__h5_leave(&fence);
    knn__clear_error();
    return found;
}

bool knn__h5_has_attribute(knn__h5 *file, const char *path, const char *attribute)
{
    knn__h5_fence fence;
    hid_t object;

    knn__h5_enter(&fence);
    bool found = knn__h5_open_object(file, path, &object) == KNN_OK;
    if (found) {
        found = H5Aexists(object, attribute) > 0;
        H5Oclose(object);
    }
    knn__h5_leave(&fence);
    knn__clear_error();
    return found;
}
