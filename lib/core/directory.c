/* Directories: walked in byte order, whatever the file system and the locale say, and made. Does not open the files. */
#include "core/file.h"

#include "core/memory.h"
#include "core/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NONE SIZE_MAX

enum { MOST_FOLDERS = 1 << 12 };            /* below one, where links are followed: a few that link to each other make more than can be walked */

/* A directory that a walk has found. */
typedef struct folder {
    char *path;
    size_t parent;              /* index, NONE for the first */
    dev_t device;
    ino_t inode;
} folder;

typedef struct folders {
    folder *item;
    size_t count, capacity;
} folders;

/* strcmp compares bytes as unsigned: the order of code points in UTF-8, which is Python's. */
static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const folder *)a)->path, ((const folder *)b)->path);
}

/* Takes `name` over, also where it fails; a NULL is the failure of whoever made it. */
static knn_status add_name(knn__names *names, char *name)
{
    if (name == NULL || !knn__reserve((void **)&names->name, &names->capacity, names->count + 1, sizeof *names->name)) {
        knn__free(name);
        return KNN_ERROR_MEMORY;
    }
    names->name[names->count++] = name;
    return KNN_OK;
}

/* "directory/name" */
static char *join(const char *directory, const char *name)
{
    size_t length = strlen(directory), tail = strlen(name);
    bool slash = length > 0 && directory[length - 1] != '/';
    char *path = knn__alloc(length + slash + tail + 1, 1);
    if (path == NULL)
        return NULL;
    memcpy(path, directory, length);
    if (slash)
        path[length++] = '/';
    memcpy(path + length, name, tail);
    return path;
}

/* Whether an entry is of type S_IFDIR or S_IFREG, or with follow_links a link to one. What vanished meanwhile is neither. */
static bool is_of_type(int directory, const struct dirent *entry, mode_t type, bool follow_links)
{
    if (entry->d_type == DT_REG || entry->d_type == DT_DIR)
        return type == (entry->d_type == DT_DIR ? S_IFDIR : S_IFREG);
    struct stat info;           /* a link, or a file system that does not tell */
    int flags = follow_links ? 0 : AT_SYMLINK_NOFOLLOW;
    return fstatat(directory, entry->d_name, &info, flags) == 0 && (info.st_mode & S_IFMT) == type;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The entries of a type, unsorted, added to `names`. */
static knn_status read_entries(DIR *stream, const char *path, mode_t type, bool follow_links, knn__names *names)
{
    knn_status status = KNN_OK;
    while (status == KNN_OK) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL)
            return errno == 0 ? KNN_OK : knn__system_error(path, "read the directory", errno);
        if (!is_dots(entry->d_name) && is_of_type(dirfd(stream), entry, type, follow_links))
            status = add_name(names, knn__copy_text(entry->d_name));
    }
    return status;
}

/* The names of a type, sorted; none on failure. */
static knn_status list(const char *path, mode_t type, bool follow_links, knn__names *names)
{
    *names = (knn__names){0};
    int descriptor = knn__open(path, O_RDONLY | O_DIRECTORY, 0);
    DIR *stream = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (stream == NULL) {
        int error = errno;
        if (descriptor >= 0)
            close(descriptor);
        return knn__system_error(path, "read the directory", error);
    }
    knn_status status = read_entries(stream, path, type, follow_links, names);
    closedir(stream);
    if (status != KNN_OK)
        knn__names_free(names);
    else if (names->count > 0)
        qsort(names->name, names->count, sizeof *names->name, by_name);
    return status;
}

knn_status knn__list_directories(const char *directory, bool follow_links, knn__names *names)
{
    knn_status status = list(directory, S_IFDIR, follow_links, names);
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++)
        if (names->name[i][0] == '.')
            knn__free(names->name[i]);
        else
            names->name[kept++] = names->name[i];
    names->count = kept;
    return status;
}

/* Whether a folder to be added is one of its own ancestors: a link, or a mount, upwards. */
static bool closes_a_loop(const folders *found, const folder *added)
{
    for (size_t i = added->parent; i != NONE; i = found->item[i].parent)
        if (found->item[i].inode == added->inode && found->item[i].device == added->device)
            return true;
    return false;
}

/* Takes `path` over, also where it fails; leaves out what closes a loop. */
static knn_status add_folder(folders *found, char *path, size_t parent)
{
    struct stat info = {0};
    knn_status status = path == NULL ? KNN_ERROR_MEMORY : KNN_OK;
    if (status == KNN_OK && stat(path, &info) != 0)
        status = knn__system_error(path, "read the directory", errno);
    folder added = {path, parent, info.st_dev, info.st_ino};
    if (status == KNN_OK && !closes_a_loop(found, &added)) {
        if (knn__reserve((void **)&found->item, &found->capacity, found->count + 1, sizeof *found->item)) {
            found->item[found->count++] = added;
            return KNN_OK;
        }
        status = KNN_ERROR_MEMORY;
    }
    knn__free(path);
    return status;
}

/* `found` is its own queue: what is behind `i` has still to be read. */
static knn_status find_folders(const char *directory, bool follow_links, folders *found)
{
    knn_status status = add_folder(found, knn__copy_text(directory), NONE);
    for (size_t i = 0; status == KNN_OK && i < found->count; i++) {
        knn__names inner;
        status = list(found->item[i].path, S_IFDIR, follow_links, &inner);
        for (size_t j = 0; status == KNN_OK && j < inner.count; j++)
            status = add_folder(found, join(found->item[i].path, inner.name[j]), i);
        if (status == KNN_OK && follow_links && found->count > MOST_FOLDERS)
            status = knn__fail(KNN_ERROR_DATA, "%.700s: more than %d folders, with those that links lead to", directory, MOST_FOLDERS);
        knn__names_free(&inner);
    }
    return status;
}

static knn_status add_files(const char *directory, knn__names *paths)
{
    knn__names files;
    knn_status status = list(directory, S_IFREG, true, &files);
    for (size_t i = 0; status == KNN_OK && i < files.count; i++)
        status = add_name(paths, join(directory, files.name[i]));
    knn__names_free(&files);
    return status;
}

/* Directories are sorted by their whole path, after all are known: "a-b" comes before "a/b", as in Keras' sorted(os.walk()). */
knn_status knn__walk_files(const char *directory, bool follow_links, knn__names *paths)
{
    *paths = (knn__names){0};
    folders found = {0};
    knn_status status = find_folders(directory, follow_links, &found);
    if (status == KNN_OK && found.count > 0)
        qsort(found.item, found.count, sizeof *found.item, by_path);
    for (size_t i = 0; status == KNN_OK && i < found.count; i++)
        status = add_files(found.item[i].path, paths);
    if (status != KNN_OK)
        knn__names_free(paths);
    for (size_t i = 0; i < found.count; i++)
        knn__free(found.item[i].path);
    knn__free(found.item);
    return status;
}

void knn__names_free(knn__names *names)
{
    for (size_t i = 0; i < names->count; i++)
        knn__free(names->name[i]);
    knn__free(names->name);
    *names = (knn__names){0};
}

bool knn__is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static knn_status make_directory(const char *path)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && knn__is_directory(path)))
        return KNN_OK;
    return knn__system_error(path, "make the directory", errno);
}

knn_status knn__make_directories_above(const char *path)
{
    knn_status status = KNN_OK;
    char *part = knn__copy_text(path);
    if (part == NULL)
        return KNN_ERROR_MEMORY;
    for (char *end = part; *end != '\0' && status == KNN_OK; end++) {
        if (*end != '/' || end == part)
            continue;
        *end = '\0';
        status = make_directory(part);
        *end = '/';
    }
    knn__free(part);
    return status;
}

knn_status knn__make_directories(const char *path)
{
    knn_status status = knn__make_directories_above(path);
    return status == KNN_OK ? make_directory(path) : status;
}
