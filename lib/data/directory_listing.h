/* Which pictures a directory holds, and of which classes. Opens files to look at their headers only. */
#ifndef KNN_DATA_DIRECTORY_LISTING_H
#define KNN_DATA_DIRECTORY_LISTING_H

#include "core/file.h"
#include "data/image.h"

#include <knn/data.h>

typedef struct knn__found_picture {
    char *path;
    int class_number;
    knn_status status;                  /* of its header: whether it can be read and promises what we can decode */
} knn__found_picture;

typedef struct knn__listing {
    knn__names classes;                 /* folder names in label order; empty with KNN_NO_CLASSES */
    knn__found_picture *pictures;
    size_t count, capacity;
    knn__names skipped;                 /* paths of bad ones that were left out */
} knn__listing;

/* Fills `listing` by complete options, or fails with nothing in it. */
knn_status knn__list_pictures(const knn_directory_options *options, const knn__picture_wish *wish,
                              knn__listing *listing);
void       knn__listing_free(knn__listing *listing);

#endif
