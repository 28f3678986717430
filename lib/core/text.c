/* Growing texts, comparisons, and numbers as text. Does not ask the locale: letters are ASCII letters, the point is a point. */
#include "core/text.h"

#include "core/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static char to_lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

/* Room for `more` bytes and the end. */
static bool make_room(knn__text *text, size_t more)
{
    size_t wanted = more < SIZE_MAX - text->length ? text->length + more + 1 : SIZE_MAX;
    if (!text->failed && !knn__reserve((void **)&text->data, &text->capacity, wanted, 1))
        text->failed = true;
    return !text->failed;
}

void knn__text_append(knn__text *text, const char *bytes, size_t length)
{
    if (!make_room(text, length))
        return;
    if (length > 0)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void knn__text_add(knn__text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = true;
        return;
    }
    if (!make_room(text, (size_t)length))
        return;
    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void knn__text_free(knn__text *text)
{
    knn__free(text->data);
    *text = (knn__text){0};
}

bool knn__text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool knn__text_ends_with(const char *text, const char *end, bool ignore_case)
{
    size_t length = strlen(text), tail = strlen(end);
    if (tail > length)
        return false;
    text += length - tail;
    for (size_t i = 0; i < tail; i++)
        if (ignore_case ? to_lower(text[i]) != to_lower(end[i]) : text[i] != end[i])
            return false;
    return true;
}

void knn__snake_case(const char *class_name, char *to, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; class_name[i] != '\0'; i++) {
        char c = class_name[i];
        /* A word begins at a capital beside a small letter: after one ("reLu") or before one ("PRelu"). */
        bool begins = i > 0 && is_upper(c) && (is_lower(class_name[i - 1]) || is_lower(class_name[i + 1]));
        if (begins && length + 1 < size)
            to[length++] = '_';
        if (length + 1 < size)
            to[length++] = to_lower(c);
    }
    if (size > 0)
        to[length] = '\0';
}

/* The locale's decimal point, of one or several bytes, becomes '.'. */
static void restore_point(char *number)
{
    static const char plain[] = "0123456789+-e";
    char *point = number + strspn(number, plain);
    if (*point == '\0')
        return;
    *point++ = '.';
    size_t rest = 0;
    while (point[rest] != '\0' && strchr(plain, point[rest]) == NULL)
        rest++;
    memmove(point, point + rest, strlen(point + rest) + 1);
}

void knn__format_real(char *to, size_t size, double value)
{
    char number[64];
    if (isnan(value)) {
        snprintf(number, sizeof number, "NaN");
    } else if (isinf(value)) {
        snprintf(number, sizeof number, "%sInfinity", value < 0 ? "-" : "");
    } else {
        snprintf(number, sizeof number, "%.17g", value);
        restore_point(number);
    }
    snprintf(to, size, "%s", number);
}

void knn__format_as(char *to, size_t size, char conversion, int precision, double value)
{
    const char format[] = {'%', '.', '*', conversion, '\0'};
    char number[512];
    if (!isfinite(value)) {
        snprintf(to, size, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    snprintf(number, sizeof number, format, precision, value);
    restore_point(number);
    snprintf(to, size, "%s", number);
}

void knn__format_count(char *to, size_t size, unsigned long long count)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", count);
    size_t written = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && written + 1 < size)
            to[written++] = ',';
        if (written + 1 < size)
            to[written++] = digits[i];
    }
    if (size > 0)
        to[written] = '\0';
}
