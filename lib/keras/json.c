/* Reads JSON through cJSON and writes it itself: cJSON prints numbers by the host program's locale. Does not know what
 * the texts are about. */
#include "keras/json.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/status.h"
#include "keras/limits.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Reading ---- */

static cJSON *parse(const char *text, const char **end)
{
    size_t length = strlen(text);
    return length <= KNN__JSON_LIMIT ? cJSON_ParseWithLengthOpts(text, length + 1, end, 1) : NULL;
}

knn_status knn__json_parse(const char *text, const char *what, cJSON **json)
{
    const char *end = text;

    *json = parse(text, &end);
    if (cJSON_IsString(*json)) {
        cJSON *inner = parse((*json)->valuestring, &end);
        end = text;
        cJSON_Delete(*json);
        *json = inner;
    }
    if (*json != NULL)
        return KNN_OK;
    return knn__fail(KNN_ERROR_FORMAT, "%s: not a JSON text of at most %d bytes (wrong from byte %td on)", what,
                     KNN__JSON_LIMIT, end - text);
}

knn_status knn__json_parse_file(const char *path, cJSON **json)
{
    void *text;
    size_t size;
    knn_status status = knn__read_file(path, KNN__JSON_LIMIT, &text, &size);

    *json = NULL;
    if (status != KNN_OK)
        return status;
    status = knn__json_parse(text, path, json);
    knn__free(text);
    return status;
}

void knn__json_delete(cJSON *json)
{
    cJSON_Delete(json);
}

const cJSON *knn__json_get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
    return cJSON_IsNull(item) ? NULL : item;
}

const char *knn__json_text(const cJSON *item)
{
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool knn__json_real(const cJSON *item, double *value)
{
    const char *text = knn__json_text(item);

    if (cJSON_IsNumber(item))
        *value = item->valuedouble;
    else if (knn__text_equal(text, "NaN"))
        *value = NAN;
    else if (knn__text_equal(text, "Infinity"))
        *value = INFINITY;
    else if (knn__text_equal(text, "-Infinity"))
        *value = -INFINITY;
    else
        return false;
    return true;
}

bool knn__json_int(const cJSON *item, int *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= INT_MIN && item->valuedouble <= INT_MAX) ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *value = (int)item->valuedouble;
    return true;
}

bool knn__json_count(const cJSON *item, uint64_t *value)
{
    const char *digits = knn__json_text(item);
    uint64_t n = 0;

    if (digits == NULL || digits[0] == '\0')
        return false;
    for (; *digits != '\0'; digits++) {
        unsigned digit = (unsigned)(unsigned char)*digits - '0';
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = 10 * n + digit;
    }
    *value = n;
    return true;
}

bool knn__json_bool(const cJSON *item, bool *value)
{
    int number = 0;

    if (cJSON_IsBool(item))
        number = cJSON_IsTrue(item);
    else if (!knn__json_int(item, &number) || number < 0 || number > 1)
        return false;
    *value = number != 0;
    return true;
}

/* ---- Writing ---- */

static void put_quoted(knn__text *text, const char *value)
{
    knn__text_append(text, "\"", 1);
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if (c < 0x20 || c == 0x7f)
            knn__text_add(text, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            knn__text_add(text, "\\%c", c);
        else
            knn__text_append(text, value, 1);
    }
    knn__text_append(text, "\"", 1);
}

/* A comma is due unless something has just begun; texts end with a quote, so the last byte tells. */
static void put_key(knn__text *text, const char *key)
{
    char last = text->length > 0 ? text->data[text->length - 1] : '{';

    if (last != '{' && last != '[')
        knn__text_append(text, ",", 1);
    if (key != NULL) {
        put_quoted(text, key);
        knn__text_append(text, ":", 1);
    }
}

void knn__json_begin(knn__text *text, const char *key, char bracket)
{
    put_key(text, key);
    knn__text_append(text, &bracket, 1);
}

void knn__json_end(knn__text *text, char bracket)
{
    knn__text_append(text, &bracket, 1);
}

void knn__json_put_text(knn__text *text, const char *key, const char *value)
{
    put_key(text, key);
    if (value != NULL)
        put_quoted(text, value);
    else
        knn__text_add(text, "null");
}

void knn__json_put_real(knn__text *text, const char *key, double value)
{
    char number[64];

    knn__format_real(number, sizeof number, value);
    if (!isfinite(value)) {
        knn__json_put_text(text, key, number);
        return;
    }
    put_key(text, key);
    knn__text_add(text, strpbrk(number, ".e") != NULL ? "%s" : "%s.0", number);
}

void knn__json_put_int(knn__text *text, const char *key, long value)
{
    put_key(text, key);
    knn__text_add(text, "%ld", value);
}

void knn__json_put_bool(knn__text *text, const char *key, bool value)
{
    put_key(text, key);
    knn__text_add(text, value ? "true" : "false");
}

void knn__json_put_count(knn__text *text, const char *key, uint64_t value)
{
    put_key(text, key);
    knn__text_add(text, "\"%llu\"", (unsigned long long)value);
}
