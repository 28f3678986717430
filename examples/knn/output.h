/* What the tool says: one document on standard output, as JSON or as text, and failures on standard error.
 *
 * As text, members of the outermost object are lines "key  value"; lists and objects in it have their key for a heading and a line for each
 * element or member, and what is null or empty is left out. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct output {
    bool json;
    bool own_text;                          /* the verb finds words of its own, by say(): the functions below write JSON alone */
    bool filled;                            /* the innermost bracket has something in it */
    int depth;                              /* brackets that are open */
    int gap;                                /* blanks that are due before the next text or number of a line */
    const char *heading;                    /* of a list or object at depth 2 that has nothing in it yet; NULL: said, or none */
} output;

void say(const output *to, const char *format, ...) __attribute__((format(printf, 2, 3)));       /* as text only */

/* key NULL: an element of a list, or the document. A text that is NULL, and a number that is none, are null; bytes that are no UTF-8
 * become U+FFFD in JSON. */
void begin(output *to, const char *key, char bracket);          /* '{' or '[' */
void end(output *to, char bracket);                             /* '}' or ']' */
void put_text(output *to, const char *key, const char *value);
void put_count(output *to, const char *key, unsigned long long value);
void put_real(output *to, const char *key, double value);
void put_bool(output *to, const char *key, bool value);
void put_reals(output *to, const char *key, const double *values, int count);
void put_shape(output *to, const char *key, int rank, const int *size);         /* as text "(28, 28, 1)": */
enum { SHAPE_TEXT = 64 };
void shape_text(char text[SHAPE_TEXT], int rank, const int *size);

/* One line "knn: ..." on standard error. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* That, and in JSON a member "error" of the innermost object; the exit status is returned. complain() says what the library said last. */
int fail(output *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
int complain(output *to);

/* All of standard output has been written: `status`; else EXIT_FAILURE and a line that says why. */
int finish(int status);

#endif
