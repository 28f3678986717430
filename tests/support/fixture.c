/* Reads fixture files; fixture.h says how they look. Checks what it reads: a damaged file is no fixture. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RECORDS = 512, MOST_DIMENSIONS = 8 };

typedef struct record {
    char name[64];
    int rank, shape[MOST_DIMENSIONS];
    size_t length;
    float *values;
} record;

struct fixture {
    char origin[256];
    size_t count;
    record records[MOST_RECORDS];
};

/* The values come from little-endian bytes, so that tests run on any machine. */
static int read_values(FILE *file, record *r)
{
    r->values = malloc((r->length > 0 ? r->length : 1) * sizeof *r->values);
    if (r->values == NULL || fread(r->values, sizeof *r->values, r->length, file) != r->length)
        return 0;
    const unsigned char *bytes = (const unsigned char *)r->values;
    for (size_t i = 0; i < r->length; i++, bytes += 4) {
        unsigned bits = bytes[0] | (unsigned)bytes[1] << 8 | (unsigned)bytes[2] << 16 | (unsigned)bytes[3] << 24;
        memcpy(&r->values[i], &bits, sizeof bits);
    }
    return 1;
}

/* 1: read, 0: damaged, -1: no more. */
static int read_record(FILE *file, record *r)
{
    if (fscanf(file, "%63s", r->name) != 1)
        return -1;
    if (fscanf(file, "%d", &r->rank) != 1 || r->rank < 0 || r->rank > MOST_DIMENSIONS)
        return 0;
    r->length = 1;
    for (int i = 0; i < r->rank; i++) {
        if (fscanf(file, "%d", &r->shape[i]) != 1 || r->shape[i] < 0)
            return 0;
        r->length *= (size_t)r->shape[i];
    }
    return fgetc(file) == '\n' && read_values(file, r);
}

static int read_all(FILE *file, fixture *f)
{
    if (fscanf(file, "knn-fixture 1 %255[^\n]", f->origin) != 1 || fgetc(file) != '\n')
        return 0;
    int result = 1;
    while (result == 1 && f->count < MOST_RECORDS) {
        result = read_record(file, &f->records[f->count]);
        if (result >= 0)
            f->count++;             /* a damaged one, too: its values are freed */
    }
    return result == -1;
}

fixture *fixture_open(const char *path)
{
    FILE *file = fopen(path, "rb");
    fixture *f = file != NULL ? calloc(1, sizeof *f) : NULL;
    if (f != NULL && !read_all(file, f)) {
        fixture_close(f);
        f = NULL;
    }
    if (file != NULL)
        fclose(file);
    return f;
}

void fixture_close(fixture *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++)
        free(f->records[i].values);
    free(f);
}

const float *fixture_get(fixture *f, const char *name, int *rank, int shape[8], size_t *length)
{
    for (size_t i = 0; i < f->count; i++) {
        const record *r = &f->records[i];
        if (strcmp(r->name, name) != 0)
            continue;
        if (rank != NULL)
            *rank = r->rank;
        if (shape != NULL)
            memcpy(shape, r->shape, sizeof r->shape);
        if (length != NULL)
            *length = r->length;
        return r->values;
    }
    return NULL;
}

const char *fixture_origin(const fixture *f)
{
    return f->origin;
}
