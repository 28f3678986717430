/* Checksums, bit by bit: what is checked here is small, and a table would be longer than the code. */
#include "core/checksum.h"

uint32_t knn__crc32(uint32_t polynomial, uint32_t before, const void *bytes, size_t n)
{
    const uint8_t *byte = bytes;
    uint32_t crc = ~before;
    for (size_t i = 0; i < n; i++) {
        crc ^= byte[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1u) != 0 ? polynomial : 0u);
    }
    return ~crc;
}

uint32_t knn__adler32(uint32_t before, const void *bytes, size_t n)
{
    enum { PRIME = 65521 };             /* the largest below 2^16 */
    const uint8_t *byte = bytes;
    uint32_t low = before & 0xffffu, high = before >> 16;
    for (size_t i = 0; i < n; i++) {
        low = (low + byte[i]) % PRIME;
        high = (high + low) % PRIME;
    }
    return high << 16 | low;
}
