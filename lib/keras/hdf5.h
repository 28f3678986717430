/* HDF5 files as images in memory: groups, text attributes, arrays of floats. Knows nothing of Keras and touches no
 * file. Error texts name the object; callers put the file in front. All functions may be called from several threads,
 * for different handles. */
#ifndef KNN_KERAS_HDF5_H
#define KNN_KERAS_HDF5_H

#include "core/file.h"

enum { KNN__H5_RANK = 4 };

typedef struct knn__h5 knn__h5;

/* "HDF5 1.10.8": the running library. */
void knn__h5_describe(char *text, size_t size);

/* rank 0: a single number */
typedef struct knn__h5_shape { int rank, size[KNN__H5_RANK]; } knn__h5_shape;

/* ---- Reading. Paths are looked up link by link: soft and external links are errors of status KNN_ERROR_FORMAT. ---- */

/* The image is borrowed until knn__h5_close. */
knn_status knn__h5_open(const void *image, size_t size, knn__h5 **file);
void       knn__h5_close(knn__h5 *file);                /* of written ones, too; NULL is fine */

/* Whether a group or data set of that path, and there an attribute of that name, exists; "" is the root. */
bool knn__h5_has(knn__h5 *file, const char *path);
bool knn__h5_has_attribute(knn__h5 *file, const char *path, const char *attribute);

/* Whether it is a group, and the names of its links, of any kind, in byte order. */
bool       knn__h5_is_group(knn__h5 *file, const char *path);
knn_status knn__h5_list(knn__h5 *file, const char *path, knn__names *names);

/* A scalar text of any kind; the caller frees it. */
knn_status knn__h5_read_text(knn__h5 *file, const char *path, const char *attribute, char **text);
/* An array of texts, also one split as ATTRIBUTE0, ATTRIBUTE1, ..; an empty array of anything, or a missing one, is no
 * names. */
knn_status knn__h5_read_texts(knn__h5 *file, const char *path, const char *attribute, knn__names *texts);

/* The shape of a data set of real numbers; refuses everything else, and sizes that the image cannot hold. */
knn_status knn__h5_shape_of(knn__h5 *file, const char *path, knn__h5_shape *shape);
/* Its numbers as floats, whatever they are stored as; `length` must be the data set's. */
knn_status knn__h5_read(knn__h5 *file, const char *path, float *values, size_t length);

/* ---- Writing ---- */

knn_status knn__h5_create(knn__h5 **file);
knn_status knn__h5_write_group(knn__h5 *file, const char *path);
/* A variable-length scalar, as h5py writes it: of bytes (ASCII) or of a str (UTF-8). */
knn_status knn__h5_write_text(knn__h5 *file, const char *path, const char *attribute, const char *text, bool utf8);
/* Split by Keras' rule where it is too long for an object header. */
knn_status knn__h5_write_texts(knn__h5 *file, const char *path, const char *attribute, const char *const *texts,
                               size_t count);
knn_status knn__h5_write(knn__h5 *file, const char *path, int rank, const int *size, const float *values);
/* The whole file, in a knn__alloc block. */
knn_status knn__h5_image(knn__h5 *file, void **image, size_t *size);

#endif
