/* Where a backend's arrays lie: in the host's memory, where they are used as they are, or on a device, where they have copies. */
#ifndef TESTS_HARNESS_PLACE_H
#define TESTS_HARNESS_PLACE_H

#include "backend/backend.h"

typedef struct place {
    const knn__device_class *devices;       /* NULL: the host's memory */
    knn_device *device;
} place;

static inline bool place_open(place *p, const knn_backend *backend)
{
    *p = (place){.devices = backend->devices};
    return p->devices == NULL || p->devices->open(0, false, &p->device) == KNN_OK;
}

static inline void place_close(const place *p)
{
    if (p->devices != NULL)
        p->devices->close(p->device);
}

/* What the backend uses instead of a host array: itself, or room on the device. NULL for NULL, or where there is no memory. */
static inline void *place_make(const place *p, void *array, size_t bytes)
{
    return p->devices == NULL || array == NULL ? array : p->devices->alloc(p->device, bytes);
}

static inline void place_free(const place *p, void *there)
{
    if (p->devices != NULL)
        p->devices->free(p->device, there);
}

/* Copies between both, which may be one. false: the device failed. */
static inline bool place_write(const place *p, void *there, const void *array, size_t bytes)
{
    if (p->devices == NULL || there == NULL)
        return true;
    p->devices->write(p->device, there, array, bytes);
    return p->devices->wait(p->device) == KNN_OK;
}

static inline bool place_read(const place *p, void *array, const void *there, size_t bytes)
{
    if (p->devices == NULL || there == NULL)
        return true;
    p->devices->read(p->device, array, there, bytes);
    return p->devices->wait(p->device) == KNN_OK;
}

#endif
