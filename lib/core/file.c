/* Whole files in and out (POSIX). Does not buffer or cache; directories are read in directory.c. */
#include "core/file.h"

#include "core/memory.h"
#include "core/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY ".tmp-libknn"

enum { LONGEST_PATH = PATH_MAX + sizeof TEMPORARY, MOST_LINKS = 40 };

/* ---- Errors and descriptors ---- */

/* Long paths are cut, so that the reason still has room. */
knn_status knn__system_error(const char *path, const char *what, int error)
{
    char buffer[128] = "";
#ifdef __GLIBC__
    const char *reason = strerror_r(error, buffer, sizeof buffer);
#else
    const char *reason = strerror_r(error, buffer, sizeof buffer) == 0 ? buffer : "unknown error";
#endif
    return knn__fail(KNN_ERROR_IO, "%.700s: cannot %s: %s", path, what, reason);
}

static knn_status not_a_file(const char *path, mode_t mode)
{
    return knn__fail(KNN_ERROR_IO, "%.700s: %s, expected a regular file", path,
                     S_ISDIR(mode) ? "is a directory" : "is a device, pipe or socket");
}

int knn__open(const char *path, int flags, mode_t mode)
{
    int descriptor;
    do
        descriptor = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0 || descriptor > STDERR_FILENO)
        return descriptor;
    int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    close(descriptor);
    errno = error;
    return higher;
}

/* ---- Reading ---- */

static knn_status read_bytes(int descriptor, const char *path, char *to, size_t size)
{
    while (size > 0) {
        ssize_t got = read(descriptor, to, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return knn__system_error(path, "read", errno);
        if (got == 0)
            return knn__fail(KNN_ERROR_IO, "%.700s: shrank while it was read, %zu bytes are missing", path, size);
        to += got;
        size -= (size_t)got;
    }
    return KNN_OK;
}

/* The length of an open file, at most `wanted` where more than `limit` is no error. */
static knn_status length_of(int descriptor, const char *path, size_t limit, size_t wanted, size_t *size)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return knn__system_error(path, "read", errno);
    if (!S_ISREG(info.st_mode))
        return not_a_file(path, info.st_mode);
    uintmax_t length = (uintmax_t)info.st_size;
    if (length > limit)
        return knn__fail(KNN_ERROR_FORMAT, "%.700s: has %ju bytes, expected at most %zu", path, length, limit);
    *size = length < wanted ? (size_t)length : wanted;
    return KNN_OK;
}

static knn_status read_start(const char *path, size_t limit, size_t wanted, void **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    int descriptor = knn__open(path, O_RDONLY, 0);
    if (descriptor < 0)
        return knn__system_error(path, "open", errno);

    char *bytes = NULL;
    size_t length = 0;
    knn_status status = length_of(descriptor, path, limit, wanted, &length);
    if (status == KNN_OK && (bytes = knn__alloc(length + 1, 1)) == NULL)
        status = knn__context(KNN_ERROR_MEMORY, "%.700s", path);
    if (status == KNN_OK)
        status = read_bytes(descriptor, path, bytes, length);
    close(descriptor);
    if (status != KNN_OK) {
        knn__free(bytes);
        return status;
    }
    *data = bytes;
    *size = length;
    return KNN_OK;
}

knn_status knn__read_file(const char *path, size_t limit, void **data, size_t *size)
{
    size_t most = limit > 0 ? limit : SIZE_MAX - 1;             /* and a NUL */
    return read_start(path, most, most, data, size);
}

knn_status knn__read_head(const char *path, size_t wanted, void **data, size_t *size)
{
    return read_start(path, SIZE_MAX, wanted, data, size);
}

/* ---- Writing ---- */

/* Where a file is made, and the temporary one beside it. */
typedef struct target {
    char path[PATH_MAX], temporary[LONGEST_PATH];
    int descriptor;             /* of the temporary file */
    bool exists;
    mode_t mode;                /* of an existing file */
} target;

/* The length of the folder's part of a path, with the '/'. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* Replaces path, a symbolic link, by what it points to, seen from the link's folder. */
static int follow_link(char path[PATH_MAX])
{
    char link[PATH_MAX];
    ssize_t length = readlink(path, link, sizeof link);
    if (length < 0)
        return errno;
    size_t folder = length > 0 && link[0] == '/' ? 0 : folder_length(path);
    if (folder + (size_t)length >= PATH_MAX)
        return ENAMETOOLONG;
    memcpy(path + folder, link, (size_t)length);
    path[folder + (size_t)length] = '\0';
    return 0;
}

/* Follows links to the end, which need not exist. realpath() would ask that it does. */
static int resolve(const char *path, target *to)
{
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof to->path)
        return length == 0 ? ENOENT : ENAMETOOLONG;
    memcpy(to->path, path, length + 1);
    struct stat info;
    for (int links = 0; lstat(to->path, &info) == 0; links++) {
        if (!S_ISLNK(info.st_mode)) {
            to->exists = true;
            to->mode = info.st_mode;
            return 0;
        }
        int error = links < MOST_LINKS ? follow_link(to->path) : ELOOP;
        if (error != 0)
            return error;
    }
    return errno == ENOENT ? 0 : errno;
}

/* Locks a temporary file, so that a second writer of the same path is refused and not mixed in; a killed one's lock is gone.
 * False also where the name was taken away before the lock was had. File systems without locks only lack that protection. */
static bool own(int descriptor, const char *temporary)
{
    struct stat opened, named;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return fstat(descriptor, &opened) == 0 && lstat(temporary, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

/* Removes what a killed writer left; EBUSY where it is alive. */
static int remove_stale(const char *temporary)
{
    int descriptor = knn__open(temporary, O_RDONLY | O_NOFOLLOW, 0);
    if (descriptor < 0 && errno == ENOENT)
        return 0;
    int error = descriptor < 0 || own(descriptor, temporary) ? 0 : EBUSY;
    if (error == 0 && unlink(temporary) != 0)
        error = errno;
    if (descriptor >= 0)
        close(descriptor);
    return error;
}

/* Until it is finished, nobody may read what replaces a private file. */
static int open_temporary(target *to)
{
    int error = remove_stale(to->temporary);
    if (error != 0)
        return error;
    to->descriptor = knn__open(to->temporary, O_WRONLY | O_CREAT | O_EXCL, to->exists ? 0600 : 0666);
    if (to->descriptor < 0)
        return errno == EEXIST ? EBUSY : errno;
    if (own(to->descriptor, to->temporary))
        return 0;
    close(to->descriptor);
    return EBUSY;
}

/* Unlocks first, for a forked child may hold the descriptor, too. Write errors were told by fsync. */
static void close_temporary(const target *to)
{
    flock(to->descriptor, LOCK_UN);
    close(to->descriptor);
}

/* Everything that can be refused before the first byte is written. */
static knn_status begin(const char *path, target *to)
{
    to->exists = false;
    int error = resolve(path, to);
    if (error != 0)
        return knn__system_error(path, "write", error);
    if (to->exists && !S_ISREG(to->mode))
        return not_a_file(path, to->mode);
    if (to->exists && faccessat(AT_FDCWD, to->path, W_OK, AT_EACCESS) != 0)
        return knn__system_error(path, "write", errno);
    snprintf(to->temporary, sizeof to->temporary, "%s" TEMPORARY, to->path);
    error = open_temporary(to);
    if (error == EBUSY)
        return knn__fail(KNN_ERROR_IO, "%.700s: cannot write: another writer is at it", path);
    return error == 0 ? KNN_OK : knn__system_error(path, "write", error);
}

static int write_bytes(int descriptor, const char *from, size_t size)
{
    while (size > 0) {
        ssize_t put = write(descriptor, from, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : EIO;
        from += put;
        size -= (size_t)put;
    }
    return 0;
}

/* On the disk, not only in the system's memory. File systems that cannot say so answer EINVAL. */
static int sync_to_disk(int descriptor)
{
    while (fsync(descriptor) != 0)
        if (errno != EINTR)
            return errno == EINVAL ? 0 : errno;
    return 0;
}

/* Makes the renaming last through a power cut. Its failure is none of ours: the old file or the new one is there, whole. */
static void sync_folder(char path[PATH_MAX])
{
    size_t length = folder_length(path);
    path[length] = '\0';
    int folder = knn__open(length > 0 ? path : ".", O_RDONLY | O_DIRECTORY, 0);
    if (folder < 0)
        return;
    sync_to_disk(folder);
    close(folder);
}

knn_status knn__write_file(const char *path, const void *data, size_t size)
{
    target to;
    knn_status status = begin(path, &to);
    if (status != KNN_OK)
        return status;

    int error = write_bytes(to.descriptor, data, size);
    if (error == 0 && to.exists && fchmod(to.descriptor, to.mode & 07777) != 0)
        error = errno;
    if (error == 0)
        error = sync_to_disk(to.descriptor);
    if (error == 0 && rename(to.temporary, to.path) != 0)
        error = errno;
    if (error != 0)
        unlink(to.temporary);
    close_temporary(&to);
    if (error != 0)
        return knn__system_error(path, "write", error);
    sync_folder(to.path);
    return KNN_OK;
}

knn_status knn__try_path(const char *path)
{
    target to;
    knn_status status = begin(path, &to);
    if (status != KNN_OK)
        return status;
    unlink(to.temporary);
    close_temporary(&to);
    return KNN_OK;
}
