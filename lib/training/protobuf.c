/* Protocol buffers, encoded (protobuf.dev/programming-guides/encoding): a key of field number and wire type, then the value. */
#include "training/protobuf.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* Seven bits a byte, lowest first; the highest bit says that more follow. */
static void put_varint(knn__text *message, uint64_t value)
{
    char bytes[10];
    size_t n = 0;
    for (; value > 0x7f; value >>= 7)
        bytes[n++] = (char)((value & 0x7f) | 0x80);
    bytes[n++] = (char)value;
    knn__text_append(message, bytes, n);
}

static void put_key(knn__text *message, int field, int wire_type)
{
    put_varint(message, (uint64_t)(field << 3 | wire_type));
}

void knn__put_little_endian(knn__text *message, uint64_t value, int bytes)
{
    char reversed[8];
    for (int i = 0; i < bytes; i++)
        reversed[i] = (char)(value >> 8 * i);
    knn__text_append(message, reversed, (size_t)bytes);
}

void knn__put_int(knn__text *message, int field, uint64_t value)
{
    put_key(message, field, VARINT);
    put_varint(message, value);
}

void knn__put_float(knn__text *message, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(message, field, FIXED32);
    knn__put_little_endian(message, bits, sizeof bits);
}

void knn__put_double(knn__text *message, int field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(message, field, FIXED64);
    knn__put_little_endian(message, bits, sizeof bits);
}

void knn__put_bytes(knn__text *message, int field, const void *bytes, size_t n)
{
    put_key(message, field, BYTES);
    put_varint(message, n);
    knn__text_append(message, bytes, n);
}

void knn__put_text(knn__text *message, int field, const char *value)
{
    knn__put_bytes(message, field, value, strlen(value));
}

void knn__put_message(knn__text *message, int field, knn__text *inner)
{
    message->failed = message->failed || inner->failed;
    knn__put_bytes(message, field, inner->data, inner->length);
    knn__text_free(inner);
}
