/* Reads event files again: framed records, protocol buffers, the values of summaries. Independent of the code
 * that writes them but for the CRC. */
#ifndef KNN_TESTS_TRAINING_EVENTS_H
#define KNN_TESTS_TRAINING_EVENTS_H

#include "core/checksum.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stretch of bytes; a field of a message: its number and its bytes, or its number as 64 bits. */
typedef struct bytes { const uint8_t *at; size_t n; } bytes;
typedef struct field { int number; uint64_t value; bytes inner; } field;

typedef struct event { double wall_time; int64_t step; bytes version, summary; } event;

/* One value of a summary. */
typedef struct value {
    char tag[100], plugin[40];
    int data_class, type, dimensions, size[4], text_count;
    bytes content, texts[8];
    float number;
} value;

static inline uint64_t little_endian(const uint8_t *at, int n)
{
    uint64_t result = 0;
    for (int i = 0; i < n; i++)
        result |= (uint64_t)at[i] << 8 * i;
    return result;
}

static inline uint64_t take_varint(bytes *from)
{
    uint64_t result = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        ck_assert_uint_gt(from->n, 0);
        uint8_t byte = *from->at++;
        from->n--;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return result;
    }
    ck_abort_msg("a varint without an end");
    return 0;
}

static inline bool take_field(bytes *from, field *f)
{
    if (from->n == 0)
        return false;
    uint64_t key = take_varint(from);
    *f = (field){.number = (int)(key >> 3)};
    size_t length = 0;
    switch (key & 7) {
    case 0: f->value = take_varint(from); break;
    case 1: length = 8; break;
    case 2: length = (size_t)take_varint(from); break;
    case 5: length = 4; break;
    default: ck_abort_msg("wire type %d", (int)(key & 7));
    }
    ck_assert_uint_le(length, from->n);
    f->inner = (bytes){from->at, length};
    if ((key & 7) == 1 || (key & 7) == 5)
        f->value = little_endian(from->at, (int)length);
    from->at += length;
    from->n -= length;
    return true;
}

static inline double as_double(uint64_t bits)
{
    double result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

static inline float as_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float result;
    memcpy(&result, &low, sizeof result);
    return result;
}

static inline void check_masked(const uint8_t *data, size_t n, const uint8_t *stored)
{
    uint32_t crc = knn__crc32(KNN__CRC32C, 0, data, n), masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
    ck_assert_uint_eq(little_endian(stored, 4), masked);
}

/* The next record's event; false at the end of the file. */
static inline bool take_event(bytes *file, event *e)
{
    if (file->n == 0)
        return false;
    ck_assert_uint_ge(file->n, 16);
    size_t length = (size_t)little_endian(file->at, 8);
    check_masked(file->at, 8, file->at + 8);
    ck_assert_uint_le(length, file->n - 16);
    check_masked(file->at + 12, length, file->at + 12 + length);
    bytes record = {file->at + 12, length};
    *file = (bytes){file->at + length + 16, file->n - length - 16};
    *e = (event){0};
    for (field f; take_field(&record, &f);) {
        if (f.number == 1)
            e->wall_time = as_double(f.value);
        else if (f.number == 2)
            e->step = (int64_t)f.value;
        else if (f.number == 3)
            e->version = f.inner;
        else if (f.number == 5)
            e->summary = f.inner;
    }
    return true;
}

static inline void copy_text(char *to, size_t size, bytes from)
{
    ck_assert_uint_lt(from.n, size);
    memcpy(to, from.at, from.n);
    to[from.n] = '\0';
}

static inline void read_tensor(bytes tensor, value *v)
{
    for (field f; take_field(&tensor, &f);) {
        if (f.number == 1)
            v->type = (int)f.value;
        else if (f.number == 4)
            v->content = f.inner;
        else if (f.number == 5)
            v->number = as_float(f.value);
        else if (f.number == 8)
            v->texts[v->text_count++] = f.inner;
        else if (f.number == 2)
            for (field d; take_field(&f.inner, &d);)
                for (field s; take_field(&d.inner, &s);)
                    v->size[v->dimensions++] = (int)s.value;
    }
}

static inline void read_metadata(bytes metadata, value *v)
{
    for (field f; take_field(&metadata, &f);) {
        if (f.number == 4)
            v->data_class = (int)f.value;
        else if (f.number == 1)
            for (field p; take_field(&f.inner, &p);)
                if (p.number == 1)
                    copy_text(v->plugin, sizeof v->plugin, p.inner);
    }
}

static inline bool take_value(bytes *summary, value *v)
{
    field whole;
    if (!take_field(summary, &whole))
        return false;
    *v = (value){0};
    for (field f; take_field(&whole.inner, &f);) {
        if (f.number == 1)
            copy_text(v->tag, sizeof v->tag, f.inner);
        else if (f.number == 8)
            read_tensor(f.inner, v);
        else if (f.number == 9)
            read_metadata(f.inner, v);
    }
    return true;
}

/* The only event file of a directory; freed by the caller. NULL: no such directory. */
static inline uint8_t *read_events(const char *directory, bytes *file)
{
    DIR *opened = opendir(directory);
    uint8_t *data = NULL;
    if (opened == NULL)
        return NULL;
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;) {
        char path[600];
        if (strstr(entry->d_name, "tfevents") == NULL)
            continue;
        ck_assert_ptr_null(data);
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        FILE *stream = fopen(path, "rb");
        ck_assert_ptr_nonnull(stream);
        data = malloc(1 << 20);
        file->n = fread(data, 1, 1 << 20, stream);
        file->at = data;
        fclose(stream);
    }
    closedir(opened);
    return data;
}

/* The value with a tag at a step. */
static inline bool find_value(bytes file, const char *tag, int64_t step, value *v)
{
    for (event e; take_event(&file, &e);)
        while (e.step == step && take_value(&e.summary, v))
            if (strcmp(v->tag, tag) == 0)
                return true;
    return false;
}

/* How often a tag occurs. */
static inline int count_values(bytes file, const char *tag)
{
    int count = 0;
    value v;
    for (event e; take_event(&file, &e);)
        while (take_value(&e.summary, &v))
            count += strcmp(v.tag, tag) == 0;
    return count;
}

#endif
