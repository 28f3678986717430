/* What a file is and who wrote it, without building a model. Refuses what source.c refuses, in its words. */
#include "core/file.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/status.h"
#include "keras/source.h"
#include "keras/weights.h"

#include <knn/files.h>

#include <stdio.h>
#include <string.h>

/* A longer one is cut. */
static void keep(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text != NULL ? text : "");
}

static void keep_json(char *to, size_t size, const cJSON *json, const char *key)
{
    keep(to, size, knn__json_text(knn__json_get(json, key)));
}

/* ---- JSON texts ---- */

/* By its first character: some are JSON texts within a JSON text. */
static knn_status is_json(const char *path, bool *is)
{
    enum { HEAD = 64 };
    void *head;
    size_t size;
    knn_status status = knn__read_head(path, HEAD, &head, &size);

    if (status != KNN_OK)
        return status;
    const char *text = head;
    size_t blank = strspn(text, " \t\r\n");
    *is = text[blank] == '{' || text[blank] == '"';
    knn__free(head);
    return KNN_OK;
}

static knn_status inspect_json(const char *path, knn_file_info *info)
{
    cJSON *json = NULL;
    knn_status status = knn__json_parse_file(path, &json);

    if (status == KNN_OK && knn__json_get(json, "config") == NULL && knn__json_get(json, "layers") == NULL)
        status = knn__fail(KNN_ERROR_FORMAT, "%s: a JSON text, but not of a Keras model", path);
    if (status == KNN_OK) {
        info->kind = KNN_FILE_JSON;
        keep_json(info->keras_version, sizeof info->keras_version, json, "keras_version");
        keep_json(info->backend, sizeof info->backend, json, "backend");
    }
    knn__json_delete(json);
    return status;
}

/* ---- HDF5 and archives ---- */

static knn_status find_kind(const knn__source *source, knn_file_info *info)
{
    if (source->is_archive)
        info->kind = KNN_FILE_KERAS;
    else if (knn__source_is_nested(source))
        info->kind = KNN_FILE_WEIGHTS_H5;
    else if (knn__source_expect_model(source) == KNN_OK)
        info->kind = KNN_FILE_H5;
    else if (knn__source_weights(source) != NULL)
        info->kind = KNN_FILE_H5_WEIGHTS;
    else
        return KNN_ERROR_FORMAT;
    knn__clear_error();                     /* of a kind that it is not */
    return KNN_OK;
}

static knn_status read_text(const knn__source *source, const char *attribute, char *to, size_t size)
{
    char *text = NULL;
    knn_status status = knn__source_text(source, attribute, &text);

    keep(to, size, text);
    knn__free(text);
    return status;
}

static knn_status inspect_source(knn__source *source, knn_file_info *info)
{
    cJSON *ours = NULL;
    knn_status status = find_kind(source, info);

    if (status == KNN_OK)
        status = read_text(source, "keras_version", info->keras_version, sizeof info->keras_version);
    if (status == KNN_OK)
        status = read_text(source, "backend", info->backend, sizeof info->backend);
    if (status == KNN_OK)
        status = knn__source_json(source, KNN__STATE, &ours);
    keep_json(info->libknn_version, sizeof info->libknn_version, ours, "version");
    knn__json_delete(ours);
    return status == KNN_OK ? KNN_OK : knn__context(status, "%s", source->name);
}

static knn_status inspect(const char *path, knn_file_info *info)
{
    knn__source source;
    bool json;
    knn_status status = is_json(path, &json);

    if (status != KNN_OK || json)
        return status == KNN_OK ? inspect_json(path, info) : status;
    status = knn__source_open(&source, path, NULL, 0);
    if (status != KNN_OK)
        return status;
    status = inspect_source(&source, info);
    knn__source_close(&source);
    return status;
}

knn_status knn_inspect(const char *path, knn_file_info *info)
{
    knn_file_info found = {.size = sizeof found};

    if (path == NULL || path[0] == '\0' || info == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_inspect: a path and a place for the answer are required");
    knn_status status = inspect(path, &found);
    if (status == KNN_OK)
        knn__give_options(info, &found, sizeof found);
    return status;
}

/* ---- Weights ---- */

static knn_status list_weights(const knn__source *source, knn__stored *stored)
{
    if (knn__source_is_nested(source))
        return knn__stored_list_nested(source->file, stored);
    const char *group = knn__source_weights(source);
    return group != NULL ? knn__stored_read(source->file, group, stored) : KNN_ERROR_FORMAT;
}

static knn_status inspect_weights(const char *path, knn_array_fn *each, void *user)
{
    knn__source source;
    knn__stored stored = {0};
    knn_status status = knn__source_open(&source, path, NULL, 0);

    if (status != KNN_OK)
        return status;
    status = list_weights(&source, &stored);
    if (status != KNN_OK)
        knn__context(status, "%s", path);
    for (size_t i = 0; status == KNN_OK && i < stored.array_count; i++)
        each(stored.arrays[i].path, stored.arrays[i].shape.rank, stored.arrays[i].shape.size, user);
    knn__stored_free(&stored);
    knn__source_close(&source);
    return status;
}

knn_status knn_inspect_weights(const char *path, knn_array_fn *each, void *user)
{
    bool json;

    if (path == NULL || path[0] == '\0' || each == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "knn_inspect_weights: a path and a function are required");
    knn_status status = is_json(path, &json);
    return status == KNN_OK && !json ? inspect_weights(path, each, user) : status;
}
