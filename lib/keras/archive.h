/* Zip archives in memory, as Keras 3's .keras files are: members by name. Knows nothing of Keras and touches no file. Error texts
 * name the member; callers put the file in front. */
#ifndef KNN_KERAS_ARCHIVE_H
#define KNN_KERAS_ARCHIVE_H

#include <knn/status.h>

#include <stddef.h>

typedef struct knn__archive knn__archive;

/* The bytes are borrowed until knn__archive_close. KNN_ERROR_UNSUPPORTED in a build without libzip. */
knn_status knn__archive_open(const void *bytes, size_t size, knn__archive **archive);
void       knn__archive_close(knn__archive *archive);           /* NULL is fine */

/* A whole member in a knn__alloc block, a NUL behind it. Memory is asked for when the directory says `limit` bytes at most, and a
 * packed member is no larger than its packing can hold. */
knn_status knn__archive_read(const knn__archive *archive, const char *name, size_t limit, void **data, size_t *size);

typedef struct knn__archive_member { const char *name; const void *data; size_t size; } knn__archive_member;
/* An archive of unpacked members without times, so that equal members give equal bytes, in a knn__alloc block. */
knn_status knn__archive_make(const knn__archive_member *members, size_t count, void **bytes, size_t *size);

#endif
