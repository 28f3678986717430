/* Growing texts and small things on strings. Does not know files or JSON. */
#ifndef KNN_CORE_TEXT_H
#define KNN_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A text that grows. Zero-initialised is empty. A failed allocation sticks in `failed`; the text is then unusable, and
 * knn__text_free is still due. */
typedef struct knn__text {
    char *data;                     /* terminated; NULL while empty */
    size_t length, capacity;
    bool failed;
} knn__text;

void knn__text_add(knn__text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void knn__text_append(knn__text *text, const char *bytes, size_t length);
void knn__text_free(knn__text *text);

bool knn__text_equal(const char *a, const char *b);            /* NULL equals NULL only */
bool knn__text_ends_with(const char *text, const char *end, bool ignore_case);

/* Keras' snake case of a class name: "MaxPooling2D" -> "max_pooling2d", "ReLU" -> "re_lu". `to` is always terminated. */
void knn__snake_case(const char *class_name, char *to, size_t size);

/* Numbers as text in the C locale, whatever the host program has set: "%.17g" with a point, "NaN", "Infinity". */
void knn__format_real(char *to, size_t size, double value);

/* printf's conversion 'f', 'e' or 'g' with a precision, in the C locale; what is not finite as Python writes it: "nan", "inf", "-inf". */
void knn__format_as(char *to, size_t size, char conversion, int precision, double value);

/* 1061313 -> "1,061,313" */
void knn__format_count(char *to, size_t size, unsigned long long count);

#endif
