/* What the three files that call libhdf5 share: the fence around it, and looking up objects. For hdf5*.c only. */
#ifndef KNN_KERAS_HDF5_INSIDE_H
#define KNN_KERAS_HDF5_INSIDE_H

#include "keras/hdf5.h"

#include <hdf5.h>

struct knn__h5 {
    hid_t file;
    const void *image;                      /* NULL: being written */
    size_t size;
};

/* One call at a time, and no error output; what the host program's error stack did before is restored. */
typedef struct knn__h5_fence { H5E_auto2_t print; void *context; } knn__h5_fence;
void knn__h5_enter(knn__h5_fence *fence);
void knn__h5_leave(const knn__h5_fence *fence);

/* Within the fence: opens what `path` names ("": the root) if hard links alone lead there. */
knn_status knn__h5_open_object(const knn__h5 *file, const char *path, hid_t *object);
knn_status knn__h5_unreadable(void);                    /* fails: libhdf5 cannot read it */

enum { KNN__H5_HEADER_LIMIT = 64512 };                  /* bytes of an attribute: Keras' HDF5_OBJECT_HEADER_LIMIT */

#endif
