/* How much a file may ask for. All limits of lib/keras stand here, so that errors and docs/files.md agree; those of pictures are in
 * knn/data.h (.max_pixels), those of folders in core/file.h. */
#ifndef KNN_KERAS_LIMITS_H
#define KNN_KERAS_LIMITS_H

#include <stdint.h>

enum {
    /* HDF5 images */
    KNN__H5_PATH_LIMIT = 4096,              /* bytes of an object's path, the end included */
    KNN__H5_DEPTH_LIMIT = 40,               /* groups in each other: two a nested model */
    KNN__H5_GROUP_LIMIT = 1 << 13,          /* groups looked at for layers */
    KNN__H5_NAMES_LIMIT = 1 << 16,          /* texts of an attribute */
    KNN__H5_LINKS_LIMIT = 1 << 15,          /* links of an image; what several links lead to counts several times */
    KNN__H5_ARRAYS_LIMIT = 1024,            /* arrays of a layer in Keras 3's layout */
    KNN__H5_RANK_LIMIT = 32,                /* libhdf5's own */
    KNN__H5_NODE_LIMIT = 4096,              /* half of the entries of a B-tree's node */
    KNN__H5_LEVELS_LIMIT = 16,              /* of a B-tree */
    KNN__H5_CHUNKS_LIMIT = 256,             /* pieces of an object's header */
    KNN__H5_FILTERS_LIMIT = 8,              /* of an array */
    KNN__H5_CHUNK_LIMIT = 1 << 20,          /* bytes of a chunk, which may be as large as its array, too */
    KNN__H5_STEPS_LIMIT = 1 << 20,          /* messages, nodes, records and chunks of an image, counted alike: libhdf5 looks at them again
                                               and again; .. */
    KNN__H5_STEP = 64,                      /* .. large ones count once more for each of so many bytes */
    KNN__H5_TEXTS_LIMIT = 1 << 25,          /* texts that are passed in collections of them */

    /* What is packed may unpack to so many bytes, or to so many times as much as the file has. */
    KNN__UNPACKED_LIMIT = 256 << 20, KNN__UNPACKED_GROWTH = 16,

    /* Texts and configurations */
    KNN__JSON_LIMIT = 4 << 20,              /* bytes of a JSON text: a tree takes 40 times as much, and three may be there at once */
    KNN__LAYERS_LIMIT = 4096,               /* layers of a model, and of a list of weights */
    KNN__ARRAYS_LIMIT = 1 << 14,            /* arrays of weights */
    KNN__NESTING_LIMIT = 16,                /* models in each other */
    KNN__NUMBERS_LIMIT = 1 << 28            /* numbers that a layer makes of a sample: 1 GiB */
};

/* How many bytes may come out of a file, archive or image of `size`. */
static inline uint64_t knn__unpacked_limit(uint64_t size)
{
    return size > KNN__UNPACKED_LIMIT / KNN__UNPACKED_GROWTH ? size * KNN__UNPACKED_GROWTH : KNN__UNPACKED_LIMIT;
}

#endif
