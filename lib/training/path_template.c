/* Fills in a checkpoint's path, "model-{epoch:02d}-{val_loss:.2f}.h5", as Python's format does. Knows the kinds of numbers
 * that logs hold and no others. */
#include "core/status.h"
#include "core/text.h"
#include "training/training.h"

#include <stdio.h>
#include <string.h>

/* What stands behind the colon: [0][width][.precision][type]. */
typedef struct format {
    char type;                              /* 0: none given */
    bool zeros;
    int width, precision;                   /* precision -1: none given */
} format;

static bool read_digits(const char **at, const char *end, int *number)
{
    int digits = 0;
    for (*number = 0; *at < end && **at >= '0' && **at <= '9' && digits < 3; digits++)
        *number = *number * 10 + (*(*at)++ - '0');
    return digits > 0;
}

static bool read_format(const char *at, const char *end, format *to)
{
    *to = (format){.precision = -1};
    to->zeros = at < end && *at == '0';
    read_digits(&at, end, &to->width);
    if (at < end && *at == '.') {
        at++;
        if (!read_digits(&at, end, &to->precision) || to->precision > 99)
            return false;
    }
    if (at < end)
        to->type = *at++;
    return at == end;
}

/* Zeros stand behind the sign, blanks before it. */
static void add_padded(knn__text *to, const format *as, const char *number)
{
    int missing = as->width - (int)strlen(number);
    if (as->zeros && *number == '-')
        knn__text_append(to, number++, 1);
    for (; missing > 0; missing--)
        knn__text_append(to, as->zeros ? "0" : " ", 1);
    knn__text_add(to, "%s", number);
}

static bool add_count(knn__text *to, const format *as, size_t count)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", count);
    add_padded(to, as, number);
    return (as->type == 0 || as->type == 'd') && as->precision < 0;
}

static bool add_real(knn__text *to, const format *as, double value)
{
    char number[512];
    int precision = as->precision >= 0 ? as->precision : 6;
    if (as->type == 0 && as->precision < 0)
        knn__format_real(number, sizeof number, value);
    else
        knn__format_as(number, sizeof number, as->type == 0 ? 'g' : as->type, precision, value);
    add_padded(to, as, number);
    return as->type == 0 || as->type == 'e' || as->type == 'f' || as->type == 'g';
}

/* A field, without its braces. */
static knn_status add_field(knn__text *to, const char *field, int length, const knn__training *training, bool within_epoch)
{
    char key[128];
    format as;
    const char *colon = memchr(field, ':', (size_t)length), *end = field + length;
    snprintf(key, sizeof key, "%.*s", colon != NULL ? (int)(colon - field) : length, field);
    bool known = read_format(colon != NULL ? colon + 1 : end, end, &as);
    if (known && strcmp(key, "epoch") == 0) {
        known = add_count(to, &as, (size_t)training->epoch + 1);
    } else if (known && within_epoch && strcmp(key, "batch") == 0) {
        known = add_count(to, &as, training->batch + 1);
    } else if (known) {
        int log = knn__logs_find(&training->logs, key);
        if (within_epoch && log >= training->logs.training)
            return knn__fail(KNN_ERROR_ARGUMENT, "path: {%s} is not known within an epoch", key);
        if (log < 0)
            return knn__logs_unknown(&training->logs, "path: field", key);
        known = add_real(to, &as, training->logs.values[log]);
    }
    if (known)
        return KNN_OK;
    return knn__fail(KNN_ERROR_ARGUMENT, "path: the format of {%.*s} is not supported, expected as in {epoch:02d} and "
                     "{loss:.2f}", length, field);
}

knn_status knn__expand_path(const char *path, const knn__training *training, bool within_epoch, knn__text *expanded)
{
    knn_status status = KNN_OK;
    while (*path != '\0' && status == KNN_OK) {
        size_t plain = strcspn(path, "{}");
        knn__text_append(expanded, path, plain);
        path += plain;
        if (path[0] != '\0' && path[0] == path[1]) {            /* a doubled brace stands for itself */
            knn__text_append(expanded, path, 1);
            path += 2;
        } else if (path[0] != '\0') {
            const char *end = strchr(path, '}');
            if (*path == '}' || end == NULL)
                return knn__fail(KNN_ERROR_ARGUMENT, "path \"%s\": a brace has no partner", path);
            status = add_field(expanded, path + 1, (int)(end - path - 1), training, within_epoch);
            path = end + 1;
        }
    }
    return status == KNN_OK && expanded->failed ? KNN_ERROR_MEMORY : status;
}
