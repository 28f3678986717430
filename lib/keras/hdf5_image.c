/* Looks over an HDF5 image before libhdf5 sees it: the superblock here, then every object that links lead to, from the root on:
 * hdf5_image_object.c. Bytes only: no allocation, no libhdf5. */
#include "keras/hdf5_image_inside.h"

#include "core/checksum.h"
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Bytes ---- */

uint64_t knn__h5_left(const knn__h5_reader *reader)
{
    return (uint64_t)(reader->end - reader->at);
}

void knn__h5_skip(knn__h5_reader *reader, uint64_t bytes)
{
    knn__h5_part(reader, bytes);
}

knn__h5_reader knn__h5_part(knn__h5_reader *reader, uint64_t length)
{
    const uint8_t *begin = reader->at;

    if (length > knn__h5_left(reader)) {
        reader->at = reader->end;
        reader->cut = true;
        return (knn__h5_reader){reader->end, reader->end, true};
    }
    reader->at += length;
    return (knn__h5_reader){begin, reader->at, false};
}

uint64_t knn__h5_take(knn__h5_reader *reader, unsigned bytes)
{
    uint64_t number = 0;
    const knn__h5_reader part = knn__h5_part(reader, bytes);

    for (unsigned i = 0; i < bytes && !part.cut; i++)
        number |= (uint64_t)part.at[i] << 8 * i;
    return number;
}

bool knn__h5_signature(knn__h5_reader *reader, const char signature[4])
{
    const knn__h5_reader part = knn__h5_part(reader, 4);
    return !part.cut && memcmp(part.at, signature, 4) == 0;
}

/* ---- The scan ---- */

bool knn__h5_is_inside(const knn__h5_scan *scan, uint64_t address, uint64_t length)
{
    return address <= scan->size && length <= scan->size - address;
}

knn__h5_reader knn__h5_at(const knn__h5_scan *scan, uint64_t address, uint64_t length)
{
    const uint8_t *end = scan->image + scan->size;

    if (!knn__h5_is_inside(scan, address, length))
        return (knn__h5_reader){end, end, true};
    return (knn__h5_reader){scan->image + address, scan->image + address + length, false};
}

bool knn__h5_sealed(knn__h5_scan *scan, uint64_t address, knn__h5_reader *reader)
{
    const uint8_t *begin = scan->image + address, *end = reader->at;
    uint64_t seal = knn__h5_take(reader, 4);

    if (reader->cut || begin > end)
        return false;
    knn__h5_spend(scan, (uint64_t)(end - begin));
    return knn__lookup3(begin, (size_t)(end - begin)) == seal;
}

uint64_t knn__h5_where(const knn__h5_scan *scan, const knn__h5_reader *reader)
{
    return (uint64_t)(reader->at - scan->image);
}

knn_status knn__h5_refuse(const knn__h5_scan *scan, uint64_t at, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return knn__fail(KNN_ERROR_FORMAT, "/%.500s: %s (HDF5, byte %llu)", scan->path, text, (unsigned long long)at);
}

knn_status knn__h5_count(const knn__h5_scan *scan, uint64_t at, long *left)
{
    if ((*left)-- > 0)
        return KNN_OK;
    return knn__h5_refuse(scan, at, "more than %d links, %d messages, records or chunks, or %d texts in all", KNN__H5_LINKS_LIMIT, KNN__H5_STEPS_LIMIT,
                          KNN__H5_TEXTS_LIMIT);
}

void knn__h5_spend(knn__h5_scan *scan, uint64_t bytes)
{
    scan->steps -= (long)(bytes / KNN__H5_STEP);
}

knn_status knn__h5_count_bytes(knn__h5_scan *scan, uint64_t at, uint64_t bytes)
{
    uint64_t most = knn__unpacked_limit(scan->size);

    if (bytes > most - scan->unpacked)
        return knn__h5_refuse(scan, at, "larger than the file may unpack to: %llu bytes, in all at most %llu", (unsigned long long)bytes,
                              (unsigned long long)most);
    scan->unpacked += bytes;
    return KNN_OK;
}

/* ---- The superblock ---- */

/* Versions 0 and 1: free space, root and shared headers' versions, sizes of addresses and lengths, K's, flags, addresses, the root's entry. */
static bool read_plain_superblock(knn__h5_scan *scan, knn__h5_reader *block, uint64_t version, uint64_t *end, knn__h5_root *root)
{
    knn__h5_skip(block, 4);
    bool fits = knn__h5_take(block, 2) == 0x0808;

    knn__h5_skip(block, 1);
    scan->leaf_k = (unsigned)knn__h5_take(block, 2);
    scan->group_k = (unsigned)knn__h5_take(block, 2);
    knn__h5_skip(block, 4);
    scan->chunk_k = version == 1 ? (unsigned)knn__h5_take(block, 4) & 0xffff : 32;
    fits = fits && knn__h5_take(block, 8) == 0;
    knn__h5_skip(block, 8);
    *end = knn__h5_take(block, 8);
    fits = fits && knn__h5_take(block, 8) == KNN__H5_NOWHERE;       /* no driver */
    knn__h5_skip(block, 8);
    root->address = knn__h5_take(block, 8);
    knn__h5_skip(block, 8);
    root->tree = knn__h5_take(block, 8);    /* of the entry's scratch */
    root->heap = knn__h5_take(block, 8);
    return fits;
}

/* Versions 2 and 3: sizes of addresses and lengths, flags, base, extension, end, root, checksum. */
static bool read_compact_superblock(knn__h5_scan *scan, knn__h5_reader *block, uint64_t *end, knn__h5_root *root)
{
    bool fits = knn__h5_take(block, 2) == 0x0808;

    scan->leaf_k = 4;
    scan->group_k = 16;
    scan->chunk_k = 32;
    knn__h5_skip(block, 1);
    fits = fits && knn__h5_take(block, 8) == 0 && knn__h5_take(block, 8) == KNN__H5_NOWHERE;
    *end = knn__h5_take(block, 8);
    root->address = knn__h5_take(block, 8);
    return fits && knn__h5_sealed(scan, 0, block);
}

static bool is_k(unsigned k)
{
    return k >= 1 && k <= KNN__H5_NODE_LIMIT;
}

static knn_status read_superblock(knn__h5_scan *scan, knn__h5_root *root)
{
    knn__h5_reader block = knn__h5_at(scan, 0, scan->size);
    uint64_t end = 0;

    knn__h5_skip(&block, 8);
    uint64_t version = knn__h5_take(&block, 1);
    if (block.cut || version > 3)
        return knn__fail(KNN_ERROR_FORMAT, "a damaged or incomplete HDF5 file (%llu bytes)", (unsigned long long)scan->size);
    bool fits = version < 2 ? read_plain_superblock(scan, &block, version, &end, root) : read_compact_superblock(scan, &block, &end, root);
    if (!block.cut && end > scan->size)
        return knn__fail(KNN_ERROR_FORMAT, "a damaged or incomplete HDF5 file: %llu bytes of %llu", (unsigned long long)scan->size, (unsigned long long)end);
    if (block.cut || !fits || !is_k(scan->leaf_k) || !is_k(scan->group_k) || !is_k(scan->chunk_k))
        return knn__fail(KNN_ERROR_FORMAT, "a damaged or incomplete HDF5 file, or one with a superblock that Keras does not write");
    scan->size = end;
    return KNN_OK;
}

knn_status knn__h5_check(const void *image, size_t size)
{
    knn__h5_scan scan = {.image = image, .size = size, .links = KNN__H5_LINKS_LIMIT, .steps = KNN__H5_STEPS_LIMIT,
                         .texts = KNN__H5_TEXTS_LIMIT, .heap = KNN__H5_NOWHERE};
    knn__h5_root root = {0};
    knn_status status = read_superblock(&scan, &root);

    return status == KNN_OK ? knn__h5_check_root(&scan, &root) : status;
}
