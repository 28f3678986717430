/* Copies option structs of other sizes. Does not check what is in them. */
#include "core/options.h"

#include "core/status.h"

#include <string.h>

knn_status knn__copy_options(void *to, size_t size, const void *from, size_t from_size, const char *what)
{
    if (from == NULL)
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: NULL", what);
    if (from_size < sizeof(size_t))
        return knn__fail(KNN_ERROR_ARGUMENT, "%s: size %zu, expected at least %zu", what, from_size, sizeof(size_t));
    const unsigned char *bytes = from;
    for (size_t i = size; i < from_size; i++)
        if (bytes[i] != 0)
            return knn__fail(KNN_ERROR_VERSION, "%s: uses members that this version of libknn does not know", what);
    memset(to, 0, size);
    memcpy(to, from, from_size < size ? from_size : size);
    return KNN_OK;
}

void knn__give_options(void *to, const void *from, size_t size)
{
    size_t room;
    memcpy(&room, to, sizeof room);
    if (room > size)
        room = size;
    if (room > sizeof room)
        memcpy((unsigned char *)to + sizeof room, (const unsigned char *)from + sizeof room, room - sizeof room);
}

double knn__real_or(double value, double normal)
{
    return value == KNN_ZERO ? 0.0 : value == 0.0 ? normal : value;
}

int knn__int_or(int value, int normal)
{
    return value == KNN_NONE ? 0 : value == 0 ? normal : value;
}
