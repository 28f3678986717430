/* The one place that prints. Knows no verb. */
#include "output.h"

#include <knn/knn.h>

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 8192, NUMBER = 32, MEMBER = 2, ELEMENT = 3 };     /* depth of members of lists' and objects', of elements' members */

void say(const output *to, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (!to->json)
        vprintf(format, values);
    va_end(values);
}

/* ---- JSON's texts ---- */

/* Bytes of the UTF-8 character there; 0: none. */
static size_t character(const unsigned char *c)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = c[0] < 0x80 ? 1 : c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    unsigned long code = length == 1 ? c[0] : c[0] & (0x7fu >> length);

    if (c[0] >= 0x80 && (c[0] < 0xc2 || c[0] > 0xf4))
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (c[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

static void quote(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
        size_t length = character(c);
        if (length == 0)
            fputs("\\ufffd", stdout);
        else if (*c < 0x20 || *c == 0x7f)
            printf("\\u%04x", *c);
        else if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else
            fwrite(c, 1, length, stdout);
        c += length > 0 ? length : 1;
    }
    putchar('"');
}

/* ---- The document ---- */

static void separate(output *to, const char *key)
{
    if (to->filled)
        fputs(", ", stdout);
    to->filled = true;
    if (key != NULL) {
        quote(key);
        fputs(": ", stdout);
    }
}

static void say_heading(output *to)
{
    if (to->heading != NULL)
        printf("\n%s\n", to->heading);
    to->heading = NULL;
}

/* Texts speak for themselves and stand in columns; numbers want their key. */
static void say_in_line(output *to, const char *key, const char *value)
{
    enum { COLUMN = 30, GAP = 2 };
    int length = printf("%*s%s%s%s", to->gap, "", key != NULL ? key : "", key != NULL ? " " : "", value) - to->gap;
    to->gap = key == NULL && length < COLUMN ? COLUMN - length + GAP : GAP;
}

static void say_value(output *to, const char *key, const char *value, bool is_number)
{
    say_heading(to);
    if (to->depth < MEMBER)
        printf("%-22s %s\n", key, value);
    else if (to->depth == MEMBER)
        printf(key != NULL ? "  %-20s %s\n" : "  %.0s%s\n", key != NULL ? key : "", value);
    else
        say_in_line(to, is_number ? key : NULL, value);
}

static void put(output *to, const char *key, const char *value, bool is_number)
{
    if (to->json) {
        separate(to, key);
        if (value == NULL || is_number)
            fputs(value != NULL ? value : "null", stdout);
        else
            quote(value);
    } else if (value != NULL && !to->own_text)
        say_value(to, key, value, is_number);
}

void begin(output *to, const char *key, char bracket)
{
    if (to->json) {
        separate(to, key);
        putchar(bracket);
    } else if (!to->own_text && key != NULL)
        to->heading = key;
    else if (!to->own_text)
        say_heading(to);
    to->filled = false;
    to->gap = 2;
    to->depth++;
}

void end(output *to, char bracket)
{
    if (to->json)
        putchar(bracket);
    else if (!to->own_text && to->depth == ELEMENT)
        putchar('\n');
    to->filled = true;
    to->heading = NULL;
    to->depth--;
}

void put_text(output *to, const char *key, const char *value) { put(to, key, value, false); }
void put_bool(output *to, const char *key, bool value) { put(to, key, value ? "true" : "false", true); }

void put_count(output *to, const char *key, unsigned long long value)
{
    char text[NUMBER];
    snprintf(text, sizeof text, "%llu", value);
    put(to, key, text, true);
}

void put_real(output *to, const char *key, double value)
{
    char text[NUMBER];
    snprintf(text, sizeof text, to->json ? "%.9g" : "%.4g", value);
    put(to, key, isfinite(value) ? text : NULL, true);
}

void put_reals(output *to, const char *key, const double *values, int count)
{
    char text[LONGEST_LINE];
    size_t length = 0;

    for (int i = 0; i < count && length < sizeof text; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%.9g", i == 0 ? "[" : ", ", values[i]);
    if (count > 0 && length < sizeof text)
        snprintf(text + length, sizeof text - length, "]");
    put(to, key, count > 0 ? text : NULL, true);
}

void shape_text(char text[SHAPE_TEXT], int rank, const int *size)
{
    size_t length = 0;
    for (int i = 0; i < rank; i++)
        length += (size_t)snprintf(text + length, SHAPE_TEXT - length, "%s%d", i == 0 ? "(" : ", ", size[i]);
    snprintf(text + length, SHAPE_TEXT - length, rank > 0 ? ")" : "()");
}

void put_shape(output *to, const char *key, int rank, const int *size)
{
    char text[SHAPE_TEXT];
    shape_text(text, rank, size);
    if (to->json) {
        text[0] = '[';
        text[strlen(text) - 1] = ']';
    }
    put(to, key, text, to->json);
}

/* ---- Failures ---- */

/* A line break in a file's name would make two lines of one. */
static void write_line(char *text)
{
    for (char *c = text; (c = strpbrk(c, "\r\n")) != NULL;)
        *c = ' ';
    fflush(stdout);
    fprintf(stderr, "knn: %s\n", text);
}

void warn(const char *format, ...)
{
    char text[LONGEST_LINE];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    write_line(text);
}

int fail(output *to, const char *format, ...)
{
    char text[LONGEST_LINE];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (to->json)
        put_text(to, "error", text);
    write_line(text);
    return EXIT_FAILURE;
}

int complain(output *to)
{
    return fail(to, "%s", knn_last_error());
}

int finish(int status)
{
    bool broken = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !broken)
        return status;
    warn("standard output: %s", strerror(errno));
    return EXIT_FAILURE;
}
