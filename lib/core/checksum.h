/* Checksums of file formats. Not for finding changes that somebody made on purpose. */
#ifndef KNN_CORE_CHECKSUM_H
#define KNN_CORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Polynomials, bits reversed: IEEE 802.3 (PNG), and Castagnoli's (CRC32C: TFRecord). */
#define KNN__CRC32 0xedb88320u
#define KNN__CRC32C 0x82f63b78u

/* The checksum of `n` bytes that follow others whose checksum is `before` (0: none do). */
uint32_t knn__crc32(uint32_t polynomial, uint32_t before, const void *bytes, size_t n);

/* RFC 1950's, which ends a zlib stream; `before` is 1 at its beginning. */
uint32_t knn__adler32(uint32_t before, const void *bytes, size_t n);

/* Bob Jenkins' lookup3 (2006, public domain), its hashlittle with the value 0 in front: HDF5's checksum of metadata. */
uint32_t knn__lookup3(const void *bytes, size_t n);

#endif
