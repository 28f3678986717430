/* Files: read whole, write atomically, walk a directory in byte order. Does not know what is in them. */
#ifndef KNN_CORE_FILE_H
#define KNN_CORE_FILE_H

#include <knn/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* open() with O_CLOEXEC that never returns 0 to 2: in a program that closed its standard streams, the next printf would go
 * into our file. -1 and errno on failure; does not wait for the other end of a FIFO. */
int knn__open(const char *path, int flags, mode_t mode);

/* KNN_ERROR_IO with "PATH: cannot WHAT: the system's reason for errno `error`". */
knn_status knn__system_error(const char *path, const char *what, int error);

/* The whole file in a knn__alloc block (a NUL follows it); `limit` bytes at most (0: no limit). Errors name the path and the
 * system's reason; a directory, a device or a FIFO is refused, and so is a file that shrinks while it is read. */
knn_status knn__read_file(const char *path, size_t limit, void **data, size_t *size);
/* At most the first `wanted` bytes: for looking at headers. */
knn_status knn__read_head(const char *path, size_t wanted, void **data, size_t *size);

/* The old file or the new one, never half: temporary file `PATH.tmp-libknn` in the same folder (one left by a killed run is
 * replaced, one of a living writer is an error), fsync, rename, fsync of the folder. Keeps the mode of an existing file; follows a
 * symbolic link to its target. On failure the old file is untouched and the temporary one removed. */
knn_status knn__write_file(const char *path, const void *data, size_t size);

/* Whether knn__write_file could write there now (creates and removes the temporary file); changes nothing else. */
knn_status knn__try_path(const char *path);

/* Names in a directory, sorted by bytes, without "." and "..". */
typedef struct knn__names {
    char **name;
    size_t count, capacity;
} knn__names;

/* The subdirectories of `directory` that do not begin with a dot; a link to one counts with follow_links. */
knn_status knn__list_directories(const char *directory, bool follow_links, knn__names *names);

/* All regular files (and links to such) below `directory`, as paths beginning with `directory`, sorted: directories by path,
 * files by name, as Keras does it. A loop of links ends. */
knn_status knn__walk_files(const char *directory, bool follow_links, knn__names *paths);

void knn__names_free(knn__names *names);
bool knn__is_directory(const char *path);

/* A directory and those above it, as far as they do not exist; only those above it, which a file wants. */
knn_status knn__make_directories(const char *path);
knn_status knn__make_directories_above(const char *path);

#endif
