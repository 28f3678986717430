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

static uint32_t turned(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

/* Twelve bytes, zeros behind the last one, are added to three words. */
static void add_words(uint32_t word[3], const uint8_t *byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        word[i / 4] += (uint32_t)byte[i] << 8 * (i % 4);
}

uint32_t knn__lookup3(const void *bytes, size_t n)
{
    static const int mixing[] = {4, 6, 8, 16, 19, 4}, ending[] = {14, 11, 25, 16, 4, 14, 24};
    const uint8_t *byte = bytes;
    uint32_t word[3];

    word[0] = word[1] = word[2] = 0xdeadbeefu + (uint32_t)n;
    if (n == 0)
        return word[2];
    for (; n > 12; n -= 12, byte += 12) {
        add_words(word, byte, 12);
        for (int i = 0; i < 6; i++) {
            uint32_t *x = &word[i % 3], *y = &word[(i + 1) % 3], *z = &word[(i + 2) % 3];
            *x = (*x - *z) ^ turned(*z, mixing[i]);
            *z += *y;
        }
    }
    add_words(word, byte, n);
    for (int i = 0; i < 7; i++) {
        uint32_t *x = &word[(i + 2) % 3], *y = &word[(i + 1) % 3];
        *x = (*x ^ *y) - turned(*y, ending[i]);
    }
    return word[2];
}
