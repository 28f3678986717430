/* The history inside: made by fit, read and written by the files' floor. */
#ifndef KNN_MODEL_HISTORY_H
#define KNN_MODEL_HISTORY_H

#include "core/text.h"
#include "model/model.h"

/* Without epochs; copies the keys. NULL with an error text: no memory. */
knn__history *knn__history_new(const char *const *keys, size_t count);
void          knn__history_free(knn__history *history);         /* NULL is fine */

/* A row; values in the order of the keys. On failure the history is as before. */
knn_status    knn__history_append(knn__history *history, int epoch, const double *values);

/* The rows as CSV: the epoch's number (from 0), then the values, in the order of the keys or sorted by them. */
void          knn__history_add_csv(const knn__history *history, const char *separator, bool header, bool sorted, knn__text *text);

#endif
