/* knn check DIR: whether a data set of pictures is sound, and what is in it. Changes nothing. */
#include "verbs.h"

#include <knn/knn.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct picture {
    const char *path;
    size_t group;
    int width, height, channels;            /* channels 0: a bad one */
    uint64_t bytes, checksum;               /* of the file */
} picture;

/* A class of a part of the data set. */
typedef struct group {
    const char *split, *class_name;         /* within a path, */
    int split_length, class_length;         /* 0: none */
    size_t good, bad;
} group;

typedef struct report {
    const char *directory;
    output *to;
    picture *pictures;
    size_t count;
    group *groups;                          /* room for one a picture */
    size_t group_count;
    int status;
} report;

/* ---- Groups ---- */

static bool is_split(const char *name, size_t length)
{
    static const char *const splits[] = {"train", "training", "val", "valid", "validation", "test", "testing"};
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++)
        if (strlen(splits[i]) == length && memcmp(splits[i], name, length) == 0)
            return true;
    return false;
}

/* DIR/train/cat/1.jpg; what is no folder is no class. */
static group group_of(const char *directory, const char *path)
{
    const char *name = path + strlen(directory);
    group g = {.split = "", .class_name = ""};

    name += strspn(name, "/");
    size_t length = strcspn(name, "/");
    if (name[length] == '/' && is_split(name, length)) {
        g.split = name;
        g.split_length = (int)length;
        name += length + strspn(name + length, "/");
        length = strcspn(name, "/");
    }
    if (name[length] == '/') {
        g.class_name = name;
        g.class_length = (int)length;
    }
    return g;
}

static bool same(const char *a, int a_length, const char *b, int b_length)
{
    return a_length == b_length && memcmp(a, b, (size_t)a_length) == 0;
}

/* From the last one: paths are sorted. */
static size_t find_group(report *r, const char *path)
{
    group wanted = group_of(r->directory, path);

    for (size_t i = r->group_count; i-- > 0;)
        if (same(r->groups[i].split, r->groups[i].split_length, wanted.split, wanted.split_length) &&
            same(r->groups[i].class_name, r->groups[i].class_length, wanted.class_name, wanted.class_length))
            return i;
    r->groups[r->group_count] = wanted;
    return r->group_count++;
}

/* ---- Pictures ---- */

/* FNV-1a, 64 bits. A file that cannot be read has been found to be bad before. */
static void sum_up(picture *p)
{
    unsigned char block[4096];
    FILE *file = fopen(p->path, "rb");
    size_t length;

    p->checksum = 0xcbf29ce484222325;
    while (file != NULL && (length = fread(block, 1, sizeof block, file)) > 0) {
        for (size_t i = 0; i < length; i++)
            p->checksum = (p->checksum ^ block[i]) * 0x100000001b3;
        p->bytes += length;
    }
    if (file != NULL)
        fclose(file);
}

/* The library's reason, without the path in front. */
static const char *reason(const char *path)
{
    const char *text = knn_last_error();
    size_t length = strlen(path);
    return strncmp(text, path, length) == 0 && text[length] == ':' ? text + length + 1 + strspn(text + length + 1, " ") : text;
}

static void put_bad(report *r, const char *path)
{
    begin(r->to, NULL, '{');
    put_text(r->to, "file", path);
    put_text(r->to, "reason", reason(path));
    end(r->to, '}');
    r->status = EXIT_FAILURE;
}

/* Decodes all; one pixel is all that is kept of each. */
static void look_at_pictures(report *r, const knn_dataset *data)
{
    float pixel[3];

    begin(r->to, "bad", '[');
    for (size_t i = 0; i < r->count; i++) {
        picture *p = &r->pictures[i];
        p->path = knn_dataset_path(data, i);
        p->group = find_group(r, p->path);
        if (knn_dataset_sample(data, 0, 0, i, false, pixel, NULL) != KNN_OK ||
            knn_picture_info(p->path, &p->width, &p->height, &p->channels) != KNN_OK) {
            put_bad(r, p->path);
            r->groups[p->group].bad++;
            continue;
        }
        sum_up(p);
        r->groups[p->group].good++;
    }
    end(r->to, ']');
}

/* ---- What there is of them ---- */

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

/* Of the good ones; `offset`: of an int in struct picture. */
static void put_sizes(const report *r, const char *key, size_t offset)
{
    int *sizes = malloc(r->count * sizeof *sizes);
    size_t n = 0;

    for (size_t i = 0; sizes != NULL && i < r->count; i++)
        if (r->pictures[i].channels != 0)
            memcpy(&sizes[n++], (const char *)&r->pictures[i] + offset, sizeof *sizes);
    if (n > 0) {
        qsort(sizes, n, sizeof *sizes, compare_ints);
        begin(r->to, key, '{');
        put_count(r->to, "min", (unsigned long long)sizes[0]);
        put_count(r->to, "median", (unsigned long long)sizes[n / 2]);
        put_count(r->to, "max", (unsigned long long)sizes[n - 1]);
        end(r->to, '}');
    }
    free(sizes);
}

static void put_channels(const report *r)
{
    enum { MOST_CHANNELS = 4 };

    begin(r->to, "channels", '[');
    for (int channels = 1; channels <= MOST_CHANNELS; channels++) {
        size_t count = 0;
        for (size_t i = 0; i < r->count; i++)
            count += r->pictures[i].channels == channels;
        if (count == 0)
            continue;
        begin(r->to, NULL, '{');
        put_count(r->to, "channels", (unsigned long long)channels);
        put_count(r->to, "pictures", count);
        end(r->to, '}');
    }
    end(r->to, ']');
}

static void put_part(const report *r, const char *key, const char *text, int length)
{
    char copy[256];                         /* NAME_MAX and a NUL */
    snprintf(copy, sizeof copy, "%.*s", length, text);
    put_text(r->to, key, length > 0 ? copy : NULL);
}

static void put_groups(const report *r)
{
    begin(r->to, "classes", '[');
    for (const group *g = r->groups; g < r->groups + r->group_count; g++) {
        begin(r->to, NULL, '{');
        put_part(r, "split", g->split, g->split_length);
        put_part(r, "class", g->class_name, g->class_length);
        put_count(r->to, "pictures", g->good);
        put_count(r->to, "bad", g->bad);
        end(r->to, '}');
    }
    end(r->to, ']');
}

/* ---- Duplicates ---- */

static int compare_contents(const void *a, const void *b)
{
    const picture *p = a, *q = b;
    if (p->checksum != q->checksum)
        return p->checksum < q->checksum ? -1 : 1;
    if (p->bytes != q->bytes)
        return p->bytes < q->bytes ? -1 : 1;
    return strcmp(p->path, q->path);
}

/* The order of the pictures is lost. */
static void put_duplicates(report *r)
{
    const picture *first = r->pictures;

    qsort(r->pictures, r->count, sizeof *r->pictures, compare_contents);
    begin(r->to, "duplicates", '[');
    for (const picture *p = r->pictures + 1; p < r->pictures + r->count; p++) {
        if (p->channels == 0 || p->bytes != first->bytes || p->checksum != first->checksum) {
            first = p;
            continue;
        }
        begin(r->to, NULL, '{');
        put_text(r->to, "file", p->path);
        put_text(r->to, "same_as", first->path);
        end(r->to, '}');
    }
    end(r->to, ']');
}

/* ---- Classes ---- */

/* What keeps training from opening the folder. */
static void open_part(report *r, const char *split, int length)
{
    size_t room = strlen(r->directory) + (size_t)length + 2;
    char *path = malloc(room);

    if (path == NULL)
        return;
    snprintf(path, room, "%s/%.*s", r->directory, length, split);
    knn_dataset *data = knn_flow_from_directory(length > 0 ? path : r->directory, .skip_bad_files = true);
    if (data == NULL) {
        put_text(r->to, NULL, knn_last_error());
        r->status = EXIT_FAILURE;
    }
    knn_dataset_free(data);
    free(path);
}

/* Splits lie one behind the other. A folder of pictures without classes is not meant for training. */
static void look_at_classes(report *r)
{
    begin(r->to, "problems", '[');
    for (size_t i = 0; i < r->group_count; i++) {
        const group *g = &r->groups[i], *before = i > 0 ? g - 1 : NULL;
        if (g->class_length > 0 && (before == NULL || before->class_length == 0 ||
                                    !same(g->split, g->split_length, before->split, before->split_length)))
            open_part(r, g->split, g->split_length);
    }
    end(r->to, ']');
}

static int look_at(report *r, const knn_dataset *data)
{
    put_text(r->to, "directory", r->directory);
    put_count(r->to, "pictures", r->count);
    look_at_pictures(r, data);
    look_at_classes(r);
    put_sizes(r, "width", offsetof(picture, width));
    put_sizes(r, "height", offsetof(picture, height));
    put_channels(r);
    put_groups(r);
    put_duplicates(r);
    return r->status;
}

int check(const options *o, output *to)
{
    knn_dataset *data = knn_flow_from_directory(o->arguments[0], 1, 1, .class_mode = KNN_NO_CLASSES, .cache_bytes = 1);
    report r = {.directory = o->arguments[0], .to = to, .count = knn_dataset_samples(data)};

    if (data == NULL)
        return complain(to);
    r.pictures = calloc(r.count, sizeof *r.pictures);
    r.groups = calloc(r.count, sizeof *r.groups);
    int status = r.pictures != NULL && r.groups != NULL ? look_at(&r, data) : fail(to, "no memory for %zu pictures", r.count);
    free(r.groups);
    free(r.pictures);
    knn_dataset_free(data);
    return status;
}
