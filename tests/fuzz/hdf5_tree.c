/* Takes the place of lib/keras/hdf5*.c in the fuzzer of what lies above them: instead of an HDF5 image it reads lines of text behind the
 * signature. Writes nothing.
 *
 *     PATH@NAME=TEXT<tab>TEXT     an attribute of texts; PATH may be empty, for the root
 *     PATH#3x3x1x8                an array of these sizes; "PATH#" is a single number
 *
 * Groups are what paths lead through. */
#include "keras/hdf5.h"

#include "core/memory.h"
#include "core/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE = 8, MOST_NUMBERS = 1 << 18 };

struct knn__h5 { char *text; };

void knn__h5_describe(char *text, size_t size)
{
    snprintf(text, size, "a tree of lines");
}

knn_status knn__h5_open(const void *image, size_t size, knn__h5 **file)
{
    *file = knn__alloc(1, sizeof **file);
    if (*file == NULL)
        return KNN_ERROR_MEMORY;
    (*file)->text = knn__copy_bytes((const char *)image + SIGNATURE, size - SIGNATURE);
    if ((*file)->text != NULL)
        return KNN_OK;
    knn__free(*file);
    *file = NULL;
    return KNN_ERROR_MEMORY;
}

void knn__h5_close(knn__h5 *file)
{
    if (file != NULL)
        knn__free(file->text);
    knn__free(file);
}

/* ---- Lines ---- */

typedef struct line { const char *path, *rest; size_t path_length, rest_length; } line;

/* The next line with a path; `rest` begins with '@' or '#'. Lines without either are passed over. */
static bool next_line(const char **text, line *found)
{
    while (**text != '\0') {
        const char *begin = *text;
        size_t length = strcspn(begin, "\n"), path = strcspn(begin, "@#\n");
        *text += length + (begin[length] != '\0');
        if (path < length) {
            *found = (line){begin, begin + path, path, length - path};
            return true;
        }
    }
    return false;
}

static bool is_at(const line *l, const char *path)
{
    return l->path_length == strlen(path) && strncmp(l->path, path, l->path_length) == 0;
}

/* Whether it is about something in the group `path`; *below is where the name in that group begins. */
static bool is_below(const line *l, const char *path, const char **below)
{
    size_t length = strlen(path);

    *below = l->path + length + (length > 0);
    if (length == 0)
        return l->path_length > 0;
    return l->path_length > length + 1 && strncmp(l->path, path, length) == 0 && l->path[length] == '/';
}

/* The line of an array, or of an attribute of that name; *rest is what follows. */
static bool find(const knn__h5 *file, const char *path, const char *attribute, line *found)
{
    const char *text = file->text;

    while (next_line(&text, found)) {
        size_t length = attribute != NULL ? strlen(attribute) : 0;
        if (!is_at(found, path) || (found->rest[0] == '@') != (attribute != NULL))
            continue;
        if (attribute == NULL)
            return true;
        if (found->rest_length > length + 1 && strncmp(found->rest + 1, attribute, length) == 0 && found->rest[length + 1] == '=') {
            found->rest += length + 2;
            found->rest_length -= length + 2;
            return true;
        }
    }
    return false;
}

/* ---- What lib/keras asks ---- */

bool knn__h5_has(knn__h5 *file, const char *path)
{
    const char *text = file->text, *below;
    line l;

    while (next_line(&text, &l))
        if (is_at(&l, path) || is_below(&l, path, &below))
            return true;
    return path[0] == '\0';
}

bool knn__h5_has_attribute(knn__h5 *file, const char *path, const char *attribute)
{
    line l;
    return find(file, path, attribute, &l);
}

bool knn__h5_is_group(knn__h5 *file, const char *path)
{
    line l;
    return knn__h5_has(file, path) && !find(file, path, NULL, &l);
}

static knn_status add_name(knn__names *names, const char *name, size_t length)
{
    if (!knn__reserve((void **)&names->name, &names->capacity, names->count + 1, sizeof *names->name))
        return KNN_ERROR_MEMORY;
    names->name[names->count] = knn__copy_bytes(name, length);
    return names->name[names->count++] != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

static bool has_name(const knn__names *names, const char *name, size_t length)
{
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->name[i]) == length && strncmp(names->name[i], name, length) == 0)
            return true;
    return false;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

knn_status knn__h5_list(knn__h5 *file, const char *path, knn__names *names)
{
    const char *text = file->text, *below;
    line l;
    knn_status status = KNN_OK;

    if (!knn__h5_has(file, path))
        return knn__fail(KNN_ERROR_FORMAT, "/%s: missing", path);
    while (status == KNN_OK && next_line(&text, &l)) {
        if (!is_below(&l, path, &below))
            continue;
        size_t length = strcspn(below, "/@#");
        if (length > 0 && !has_name(names, below, length))
            status = add_name(names, below, length);
    }
    if (names->count > 0)
        qsort(names->name, names->count, sizeof *names->name, by_bytes);
    return status;
}

static knn_status split_texts(const line *l, knn__names *texts)
{
    knn_status status = KNN_OK;
    const char *text = l->rest, *end = l->rest + l->rest_length;

    for (bool more = true; more && status == KNN_OK;) {
        const char *tab = memchr(text, '\t', (size_t)(end - text));
        more = tab != NULL;
        status = add_name(texts, text, (size_t)((more ? tab : end) - text));
        text = more ? tab + 1 : end;
    }
    return status;
}

knn_status knn__h5_read_texts(knn__h5 *file, const char *path, const char *attribute, knn__names *texts)
{
    char part[128];
    line l;

    if (!knn__h5_has(file, path))
        return knn__fail(KNN_ERROR_FORMAT, "/%s: missing", path);
    if (find(file, path, attribute, &l))
        return split_texts(&l, texts);
    knn_status status = KNN_OK;
    for (int i = 0; status == KNN_OK; i++) {
        snprintf(part, sizeof part, "%s%d", attribute, i);
        if (!find(file, path, part, &l))
            break;
        status = split_texts(&l, texts);
    }
    return status;
}

knn_status knn__h5_read_text(knn__h5 *file, const char *path, const char *attribute, char **text)
{
    line l;

    *text = NULL;
    if (!find(file, path, attribute, &l))
        return knn__fail(KNN_ERROR_FORMAT, "/%s: attribute %s: expected one text", path, attribute);
    *text = knn__copy_bytes(l.rest, l.rest_length);
    return *text != NULL ? KNN_OK : KNN_ERROR_MEMORY;
}

knn_status knn__h5_shape_of(knn__h5 *file, const char *path, knn__h5_shape *shape)
{
    line l;
    size_t length = 1;

    if (!find(file, path, NULL, &l))
        return knn__fail(KNN_ERROR_FORMAT, "/%s: missing", path);
    const char *c = l.rest + 1, *end = l.rest + l.rest_length;
    for (shape->rank = 0; c < end && shape->rank < KNN__H5_RANK; shape->rank++) {
        char *behind;
        long size = strtol(c, &behind, 10);
        if (behind == c || size < 0 || size > MOST_NUMBERS || (length *= (size_t)size) > MOST_NUMBERS)
            return knn__fail(KNN_ERROR_FORMAT, "/%s: larger than the file", path);
        shape->size[shape->rank] = (int)size;
        c = behind + (behind < end);
    }
    return KNN_OK;
}

knn_status knn__h5_read(knn__h5 *file, const char *path, float *values, size_t length)
{
    knn__h5_shape shape;
    size_t stored = 1;
    knn_status status = knn__h5_shape_of(file, path, &shape);

    if (status != KNN_OK)
        return status;
    for (int i = 0; i < shape.rank; i++)
        stored *= (size_t)shape.size[i];
    if (stored != length)
        return knn__fail(KNN_ERROR_SHAPE, "/%s: expected %zu numbers, got %zu", path, length, stored);
    for (size_t i = 0; i < length; i++)
        values[i] = (float)(i % 7) - 3.0f;
    return KNN_OK;
}

/* ---- Writing ---- */

static knn_status no_writing(void)
{
    return knn__fail(KNN_ERROR_UNSUPPORTED, "a tree of lines is not written");
}

knn_status knn__h5_create(knn__h5 **file)
{
    *file = NULL;
    return no_writing();
}

knn_status knn__h5_write_group(knn__h5 *file, const char *path)
{
    (void)file, (void)path;
    return no_writing();
}

knn_status knn__h5_write_text(knn__h5 *file, const char *path, const char *attribute, const char *text, bool utf8)
{
    (void)file, (void)path, (void)attribute, (void)text, (void)utf8;
    return no_writing();
}

knn_status knn__h5_write_texts(knn__h5 *file, const char *path, const char *attribute, const char *const *texts, size_t count)
{
    (void)file, (void)path, (void)attribute, (void)texts, (void)count;
    return no_writing();
}

knn_status knn__h5_write(knn__h5 *file, const char *path, int rank, const int *size, const float *values)
{
    (void)file, (void)path, (void)rank, (void)size, (void)values;
    return no_writing();
}

knn_status knn__h5_image(knn__h5 *file, void **image, size_t *size)
{
    (void)file, (void)image, (void)size;
    return no_writing();
}
