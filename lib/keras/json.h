/* JSON: a tree from a text (cJSON), careful access to it, and a writer of our own. Knows nothing of Keras. */
#ifndef KNN_KERAS_JSON_H
#define KNN_KERAS_JSON_H

#include "core/text.h"

#include <knn/status.h>

#include <cJSON.h>
#include <stdint.h>

/* ---- Reading. Everything takes NULL, and an item of another type, for "not there". ---- */

/* The caller deletes the tree. A JSON text that holds another JSON text, as some files have it, is unpacked. `what`
 * names it in errors. */
knn_status knn__json_parse(const char *text, const char *what, cJSON **json);
knn_status knn__json_parse_file(const char *path, cJSON **json);        /* whose bytes are such a text */
void       knn__json_delete(cJSON *json);

const cJSON *knn__json_get(const cJSON *object, const char *key);       /* NULL also where it is null */
const char  *knn__json_text(const cJSON *item);                         /* NULL: not a text */
bool knn__json_real(const cJSON *item, double *value);                  /* a number, or "NaN", "Infinity", "-Infinity" */
bool knn__json_int(const cJSON *item, int *value);                      /* an integral number in range */
bool knn__json_count(const cJSON *item, uint64_t *value);               /* the decimal digits of one, as a text */
bool knn__json_bool(const cJSON *item, bool *value);                    /* true, false, 1, 0 */

/* ---- Writing. Commas are put where they are due; key NULL: an element of an array, or the whole text. ---- */

void knn__json_begin(knn__text *text, const char *key, char bracket);   /* '{' or '[' */
void knn__json_end(knn__text *text, char bracket);                      /* '}' or ']' */
void knn__json_put_text(knn__text *text, const char *key, const char *value);       /* NULL: null */
void knn__json_put_real(knn__text *text, const char *key, double value);            /* always with a point or an exponent */
void knn__json_put_int(knn__text *text, const char *key, long value);
void knn__json_put_bool(knn__text *text, const char *key, bool value);
void knn__json_put_count(knn__text *text, const char *key, uint64_t value); /* as a text: a double holds 53 bits only */

#endif
