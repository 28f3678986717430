/* This thread's error text, and the names of the statuses. Does not allocate and does not decide what follows from an error. */
#include "core/status.h"

#include <knn/extend.h>

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 1024 };

static _Thread_local char error_text[TEXT_SIZE];

/* One line, whatever a file name holds; a text that was cut does not end within a UTF-8 character. */
static void tidy(char *text, bool cut)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        unsigned char c = (unsigned char)text[length];
        if (c < 0x20 || c == 0x7f)
            text[length] = ' ';
    }
    if (!cut)
        return;
    while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
        length--;
    if (length > 0 && (unsigned char)text[length - 1] >= 0xc0)
        length--;
    text[length] = '\0';
}

/* The arguments may quote the old text, so the new one is made beside it; `tail` follows it. */
static void set_text(const char *format, va_list arguments, const char *separator, const char *tail)
{
    char text[TEXT_SIZE];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0)
        text[length = 0] = '\0';
    bool cut = (size_t)length >= sizeof text;
    if (!cut) {
        size_t room = sizeof text - (size_t)length;
        cut = (size_t)snprintf(text + length, room, "%s%s", separator, tail) >= room;
    }
    tidy(text, cut);
    memcpy(error_text, text, sizeof text);
}

knn_status knn__fail(knn_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_text(format, arguments, "", "");
    va_end(arguments);
    return status;
}

knn_status knn__context(knn_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_text(format, arguments, ": ", error_text);
    va_end(arguments);
    return status;
}

knn_status knn__fail_null(const char *where, const char *what)
{
    char earlier[TEXT_SIZE];
    memcpy(earlier, error_text, sizeof earlier);
    return knn__fail(KNN_ERROR_ARGUMENT, "%s: the %s is NULL%s%s", where, what, earlier[0] != '\0' ? "; before that: " : "", earlier);
}

void knn__clear_error(void)
{
    error_text[0] = '\0';
}

bool knn__save_error(char *to, size_t size)
{
    int length = snprintf(to, size, "%s", error_text);
    return (size_t)length < size;
}

knn_status knn_set_error(knn_status status, const char *message)
{
    return knn__fail(status, "%s", message != NULL ? message : "");
}

const char *knn_last_error(void)
{
    return error_text;
}

const char *knn_status_name(knn_status status)
{
#define NAME(name) case name: return #name
    switch (status) {
    NAME(KNN_OK);
    NAME(KNN_STOP);
    NAME(KNN_ERROR_ARGUMENT);
    NAME(KNN_ERROR_SHAPE);
    NAME(KNN_ERROR_STATE);
    NAME(KNN_ERROR_UNSUPPORTED);
    NAME(KNN_ERROR_MEMORY);
    NAME(KNN_ERROR_DEVICE_MEMORY);
    NAME(KNN_ERROR_IO);
    NAME(KNN_ERROR_FORMAT);
    NAME(KNN_ERROR_VERSION);
    NAME(KNN_ERROR_DATA);
    NAME(KNN_ERROR_DEVICE);
    NAME(KNN_ERROR_CALLBACK);
    NAME(KNN_ERROR_INTERNAL);
    }
#undef NAME
    return "unknown status";
}
