/* The error text of this thread: set where a failure is found, read by knn_last_error().
 * Does not decide what to do about a failure: every function returns its knn_status. */
#ifndef KNN_CORE_STATUS_H
#define KNN_CORE_STATUS_H

#include <knn/status.h>

#include <stdarg.h>

/* Sets this thread's error text (one line; line ends become blanks, longer texts are cut) and returns `status`.
 * The innermost failure writes the text; callers pass the status on and add to it with knn__context at most. */
knn_status knn__fail(knn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "text: " in front of this thread's error text and returns `status`: where the failure happened. */
knn_status knn__context(knn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A handle that is NULL, mostly because making it failed: quotes this thread's text of before. `where` begins the new one. */
knn_status knn__fail_null(const char *where, const char *what);

/* Forgets the text: an earlier failure must not be quoted by a later one. */
void knn__clear_error(void);

/* Copies a text into `to` and says whether it fitted; always terminated. */
bool knn__save_error(char *to, size_t size);

#endif
