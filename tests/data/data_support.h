/* What the tests of lib/data share: files of the fixtures, and a temporary folder to put pictures in. Tests nothing
 * itself. */
#ifndef KNN_TESTS_DATA_SUPPORT_H
#define KNN_TESTS_DATA_SUPPORT_H

#include "support/check_array.h"
#include "support/fixture.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A whole file in memory, to be freed. */
typedef struct file_bytes {
    unsigned char *data;
    size_t size;
} file_bytes;

static inline file_bytes read_path(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    file_bytes bytes = {malloc(1u << 20), 0};
    bytes.size = fread(bytes.data, 1, 1u << 20, file);
    fclose(file);
    bytes.data = realloc(bytes.data, bytes.size > 0 ? bytes.size : 1);      /* so that ASan sees a byte read too many */
    return bytes;
}

static inline file_bytes read_picture(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/data/%s", KNN_FIXTURES, name);
    return read_path(path);
}

static inline fixture *open_fixture(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/data/%s", KNN_FIXTURES, name);
    fixture *f = fixture_open(path);
    ck_assert_msg(f != NULL, "%s is no fixture", path);
    return f;
}

/* The record, which must be there. */
static inline const float *expect_record(fixture *f, const char *name, int shape[8], size_t *length)
{
    const float *values = fixture_get(f, name, NULL, shape, length);
    ck_assert_msg(values != NULL, "the fixture lacks %s", name);
    return values;
}

/* ---- A temporary folder, a test at a time ---- */

static char test_folder[64];

static inline void make_folder(void)
{
    strcpy(test_folder, "/tmp/knn-data-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(test_folder));
}

static inline int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static inline void remove_folder(void)
{
    nftw(test_folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* "folder/name", making the folders on the way; the text lives until the next but two. */
static inline const char *inside(const char *name)
{
    static char paths[4][1024];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    for (char *slash = path + strlen(test_folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    return path;
}

static inline void put_bytes(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(inside(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* A copy of a fixture picture. */
static inline void put_picture(const char *name, const char *picture)
{
    file_bytes bytes = read_picture(picture);
    put_bytes(name, bytes.data, bytes.size);
    free(bytes.data);
}

#endif
