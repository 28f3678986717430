/* Protocol buffers' wire format, as much of it as event files need: appends fields to a growing text of bytes. Reads nothing. */
#ifndef KNN_TRAINING_PROTOBUF_H
#define KNN_TRAINING_PROTOBUF_H

#include "core/text.h"

#include <stdint.h>

/* `field` is the number that a .proto file gives it. */
void knn__put_int(knn__text *message, int field, uint64_t value);
void knn__put_float(knn__text *message, int field, float value);
void knn__put_double(knn__text *message, int field, double value);
void knn__put_text(knn__text *message, int field, const char *value);
void knn__put_bytes(knn__text *message, int field, const void *bytes, size_t n);

/* A message within `message`; empties `inner`. */
void knn__put_message(knn__text *message, int field, knn__text *inner);

/* The bytes of numbers, least first, whatever this machine's order is. */
void knn__put_little_endian(knn__text *message, uint64_t value, int bytes);

#endif
