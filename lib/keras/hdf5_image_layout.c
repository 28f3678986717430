/* Looks over where the arrays of an HDF5 image lie: in one piece, in chunks, in the header. What they are is known from
 * hdf5_image_data.c. */
#include "keras/hdf5_image_inside.h"

enum { IN_HEADER = 0, IN_ONE_PIECE = 1, IN_CHUNKS = 2, VIRTUAL = 3 };

/* An array in chunks. */
typedef struct chunks {
    const knn__h5_array *array;
    uint64_t bytes, count;                  /* of one, and how many cover the array */
    bool filtered;
} chunks;

static knn_status damaged(const knn__h5_scan *scan, uint64_t at)
{
    return knn__h5_refuse(scan, at, "its data are damaged, or lie outside of the file");
}

/* ---- Chunks ---- */

static knn_status check_chunk(knn__h5_scan *scan, const chunks *c, uint64_t at, uint64_t address, uint64_t stored)
{
    knn_status status = knn__h5_count(scan, at, &scan->steps);

    if (status == KNN_OK && (!knn__h5_is_inside(scan, address, stored) || (!c->filtered && stored != c->bytes)))
        status = damaged(scan, at);
    return status;
}

/* A node: "TREE" type(1) level(1) used(2) left(8) right(8), then key, child(8) .. key; a key: stored bytes(4) filters(4) offsets(8 each). */
static knn_status check_chunk_tree(knn__h5_scan *scan, const chunks *c, uint64_t address, int level)
{
    uint64_t key = 8 + 8 * ((uint64_t)c->array->space.rank + 1);
    knn__h5_reader node = knn__h5_at(scan, address, 24 + 2 * scan->chunk_k * (key + 8) + key);
    bool known = knn__h5_signature(&node, "TREE") && knn__h5_take(&node, 1) == 1;
    int own = (int)knn__h5_take(&node, 1);
    uint64_t used = knn__h5_take(&node, 2);
    knn_status status = knn__h5_count(scan, address, &scan->steps);

    knn__h5_skip(&node, 16);
    if (status == KNN_OK && (!known || node.cut || used > 2 * scan->chunk_k || own > KNN__H5_LEVELS_LIMIT || (level >= 0 && own != level)))
        status = damaged(scan, address);
    for (uint64_t i = 0; i < used && status == KNN_OK; i++) {
        uint64_t stored = knn__h5_take(&node, 4);
        knn__h5_skip(&node, key - 4);
        uint64_t child = knn__h5_take(&node, 8);
        status = own > 0 ? check_chunk_tree(scan, c, child, own - 1) : check_chunk(scan, c, address, child, stored);
    }
    return status;
}

/* The chunks' entries: address(8), of filtered ones stored bytes and filters(4). */
static knn_status check_entries(knn__h5_scan *scan, const chunks *c, knn__h5_reader *block, uint64_t count, unsigned stored_bytes)
{
    knn_status status = KNN_OK;

    for (uint64_t i = 0; i < count && status == KNN_OK; i++) {
        uint64_t at = knn__h5_where(scan, block), chunk = knn__h5_take(block, 8), stored = c->filtered ? knn__h5_take(block, stored_bytes) : c->bytes;
        knn__h5_skip(block, c->filtered ? 4 : 0);
        if (chunk != KNN__H5_NOWHERE)
            status = block->cut ? damaged(scan, at) : check_chunk(scan, c, at, chunk, stored);
    }
    return status;
}

/* Many entries are divided into pages, each with a checksum(4) behind; a bit says whether a page was ever written. */
static knn_status check_pages(knn__h5_scan *scan, const chunks *c, uint64_t address, knn__h5_reader *block, uint64_t page, unsigned stored_bytes)
{
    uint64_t pages = (c->count + page - 1) / page, entry = c->filtered ? 12 + stored_bytes : 8;
    const knn__h5_reader bits = knn__h5_part(block, (pages + 7) / 8);
    knn_status status = bits.cut || !knn__h5_sealed(scan, address, block) ? damaged(scan, address) : KNN_OK;

    for (uint64_t i = 0; i < pages && status == KNN_OK; i++) {
        uint64_t count = i + 1 < pages ? page : c->count - i * page;
        uint64_t at = knn__h5_where(scan, block);
        knn__h5_reader entries = knn__h5_part(block, count * entry);
        bool sealed = knn__h5_sealed(scan, at, block);
        if ((bits.at[i / 8] >> (7 - i % 8) & 1) != 0)
            status = !sealed ? damaged(scan, at) : check_entries(scan, c, &entries, count, stored_bytes);
    }
    return status;
}

/* "FAHD" version(1) client(1) entry(1) page bits(1) count(8) block(8); the block: "FADB" version(1) client(1) header(8), entries. */
static knn_status check_fixed_array(knn__h5_scan *scan, const chunks *c, uint64_t address)
{
    knn__h5_reader header = knn__h5_at(scan, address, 28);
    bool known = knn__h5_signature(&header, "FAHD") && knn__h5_take(&header, 1) == 0 && knn__h5_take(&header, 1) == c->filtered;
    uint64_t entry = knn__h5_take(&header, 1), page_bits = knn__h5_take(&header, 1), count = knn__h5_take(&header, 8);
    uint64_t block_address = knn__h5_take(&header, 8);

    if (!known || !knn__h5_sealed(scan, address, &header) || count != c->count || (c->filtered ? entry < 13 || entry > 20 : entry != 8) || page_bits > 32)
        return damaged(scan, address);
    if (block_address == KNN__H5_NOWHERE)
        return KNN_OK;
    knn__h5_reader block = knn__h5_at(scan, block_address, scan->size - (block_address < scan->size ? block_address : scan->size));
    known = knn__h5_signature(&block, "FADB") && knn__h5_take(&block, 1) == 0;
    knn__h5_skip(&block, 1);
    if (!known || knn__h5_take(&block, 8) != address)
        return damaged(scan, block_address);
    uint64_t page = (uint64_t)1 << page_bits;
    if (count > page)
        return check_pages(scan, c, block_address, &block, page, (unsigned)entry - 12);
    knn_status status = check_entries(scan, c, &block, count, (unsigned)entry - 12);
    return status == KNN_OK && !knn__h5_sealed(scan, block_address, &block) ? damaged(scan, block_address) : status;
}

/* The index of version 4: kind(1), then what it has, then its address. */
static knn_status check_index(knn__h5_scan *scan, chunks *c, knn__h5_reader *layout, uint64_t flags)
{
    enum { SINGLE = 1, IMPLICIT = 2, FIXED_ARRAY = 3, FILTERED = 2 };
    uint64_t at = knn__h5_where(scan, layout), kind = knn__h5_take(layout, 1), stored = c->bytes;
    bool sized = kind == SINGLE && (flags & FILTERED) != 0;

    if (kind < SINGLE || kind > FIXED_ARRAY)
        return knn__h5_refuse(scan, at, "an array that can grow, in a layout which is not supported");
    if (sized)
        stored = knn__h5_take(layout, 8);
    knn__h5_skip(layout, sized ? 4 : kind == FIXED_ARRAY ? 1 : 0);
    uint64_t address = knn__h5_take(layout, 8);
    if (layout->cut || (kind == SINGLE && c->count != 1) || (kind == IMPLICIT && c->filtered))
        return damaged(scan, at);
    if (address == KNN__H5_NOWHERE)
        return KNN_OK;
    c->filtered = c->filtered && (kind != SINGLE || sized);
    if (kind == FIXED_ARRAY)
        return check_fixed_array(scan, c, address);
    if (kind == SINGLE)
        return check_chunk(scan, c, at, address, stored);
    return knn__h5_is_inside(scan, address, c->bytes * c->count) ? KNN_OK : damaged(scan, at);
}

/* A chunk's sizes, the last one that of a number; each chunk has an entry in an index, which takes bytes of the image. */
static bool measure_chunks(const knn__h5_scan *scan, knn__h5_reader *layout, unsigned width, chunks *c)
{
    const knn__h5_space *space = &c->array->space;
    uint64_t array_bytes = space->count * c->array->type.size, largest = array_bytes > KNN__H5_CHUNK_LIMIT ? array_bytes : KNN__H5_CHUNK_LIMIT;
    uint64_t all;

    c->bytes = c->array->type.size;
    c->count = 1;
    for (int i = 0; i < space->rank; i++) {
        uint64_t size = knn__h5_take(layout, width);
        if (size == 0 || __builtin_mul_overflow(c->bytes, size, &c->bytes) ||
            __builtin_mul_overflow(c->count, space->size[i] / size + (space->size[i] % size > 0), &c->count))
            return false;
    }
    return knn__h5_take(layout, width) == c->array->type.size && !layout->cut && c->bytes <= largest && c->count <= scan->size &&
           !__builtin_mul_overflow(c->bytes, c->count, &all) && all / KNN__UNPACKED_GROWTH <= largest;
}

/* Version 3: dimensions(1) index(8) sizes(4 each). Version 4: flags(1) dimensions(1) width(1) sizes, index. */
static knn_status check_chunks(knn__h5_scan *scan, const knn__h5_array *array, knn__h5_reader *layout, uint64_t version)
{
    chunks c = {.array = array, .filtered = array->filtered};
    uint64_t at = knn__h5_where(scan, layout), flags = version == 4 ? knn__h5_take(layout, 1) : 0, dimensions = knn__h5_take(layout, 1);
    uint64_t index = version == 4 ? knn__h5_take(layout, 1) : knn__h5_take(layout, 8);
    unsigned width = version == 4 ? (unsigned)index : 4;

    if (dimensions != (uint64_t)array->space.rank + 1 || array->space.rank == 0 || width < 1 || width > 8 || !measure_chunks(scan, layout, width, &c))
        return knn__h5_refuse(scan, at, "its chunks are damaged, or too many, or larger than the array");
    if (version == 4)
        return check_index(scan, &c, layout, flags);
    return index == KNN__H5_NOWHERE ? KNN_OK : check_chunk_tree(scan, &c, index, -1);
}

/* ---- All layouts: version(1) class(1), then what the class has ---- */

static knn_status check_piece(knn__h5_scan *scan, knn__h5_reader *layout, uint64_t bytes)
{
    uint64_t at = knn__h5_where(scan, layout), address = knn__h5_take(layout, 8), size = knn__h5_take(layout, 8);

    if (layout->cut || size != bytes)
        return knn__h5_refuse(scan, at, "larger than the file, or damaged: %llu bytes of data, expected %llu", (unsigned long long)size,
                              (unsigned long long)bytes);
    return address == KNN__H5_NOWHERE || knn__h5_is_inside(scan, address, size) ? KNN_OK : knn__h5_refuse(scan, at, "larger than the file");
}

knn_status knn__h5_check_layout(knn__h5_scan *scan, const knn__h5_array *array)
{
    knn__h5_reader layout = array->layout;
    uint64_t at = knn__h5_where(scan, &layout), version = knn__h5_take(&layout, 1), kind = knn__h5_take(&layout, 1);
    uint64_t bytes = array->space.count * array->type.size, in_memory = bytes > array->space.count * sizeof(float) ? bytes : array->space.count * sizeof(float);
    knn_status status = knn__h5_count_bytes(scan, at, in_memory);

    if (array->type.kind != KNN__H5_NUMBERS)
        return knn__h5_refuse(scan, at, "expected numbers, got text or enumerations");
    if (array->fill_size != 0 && array->fill_size != array->type.size)
        return knn__h5_refuse(scan, at, "a fill value of %llu bytes for numbers of %llu", (unsigned long long)array->fill_size,
                              (unsigned long long)array->type.size);
    if (status != KNN_OK)
        return status;
    if (version < 3 || version > 4 || layout.cut || (array->filtered && kind != IN_CHUNKS))
        return knn__h5_refuse(scan, at, "a layout of version %llu, which is damaged or not supported", (unsigned long long)version);
    if (kind == VIRTUAL)
        return knn__h5_refuse(scan, at, "a virtual data set, which is not followed");
    if (kind == IN_CHUNKS)
        return check_chunks(scan, array, &layout, version);
    if (kind == IN_ONE_PIECE)
        return check_piece(scan, &layout, bytes);
    knn__h5_reader data = knn__h5_part(&layout, knn__h5_take(&layout, 2));
    return kind == IN_HEADER && !data.cut && knn__h5_left(&data) == bytes ? KNN_OK : damaged(scan, at);
}
