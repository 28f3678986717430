/* Looks over a group of an HDF5 image whose members stand in a symbol table: a B-tree of names, which lie in a local heap. Groups whose
 * members are messages, or in a heap of newer kind: hdf5_image_object.c, hdf5_image_dense.c. */
#include "keras/hdf5_image_inside.h"

#include <string.h>

/* A group's names: they lie in a local heap, and end there; no longer ones than paths. */
typedef struct names { knn__h5_reader bytes; } names;

static bool read_name(const names *heap, uint64_t offset, const char **name, size_t *length)
{
    knn__h5_reader rest = heap->bytes;

    knn__h5_skip(&rest, offset);
    uint64_t most = knn__h5_left(&rest) < KNN__H5_PATH_LIMIT ? knn__h5_left(&rest) : KNN__H5_PATH_LIMIT;
    const uint8_t *end = most > 0 ? memchr(rest.at, 0, (size_t)most) : NULL;
    if (end == NULL)
        return false;
    *name = (const char *)rest.at;
    *length = (size_t)(end - rest.at);
    return true;
}

static knn_status damaged_names(const knn__h5_scan *scan, uint64_t at)
{
    return knn__h5_refuse(scan, at, "the names of its members are damaged");
}

/* Free places: next(8) size(8), the last one's next is 1. libhdf5 follows the list to its end. */
static knn_status check_free_list(knn__h5_scan *scan, const names *heap, uint64_t first)
{
    uint64_t count = 0, most = knn__h5_left(&heap->bytes) / 16, at = knn__h5_where(scan, &heap->bytes);
    knn_status status = KNN_OK;

    while (status == KNN_OK && first != 1 && first != KNN__H5_NOWHERE) {
        knn__h5_reader place = heap->bytes;
        knn__h5_skip(&place, first);
        uint64_t next = knn__h5_take(&place, 8), size = knn__h5_take(&place, 8);
        if (place.cut || size > knn__h5_left(&heap->bytes) - first || count++ > most)
            return damaged_names(scan, at);
        status = knn__h5_count(scan, at, &scan->steps);
        first = next;
    }
    return status;
}

/* "HEAP" version(1) reserved(3) size(8) free(8) address(8) */
static knn_status open_names(knn__h5_scan *scan, uint64_t address, names *heap)
{
    knn__h5_reader header = knn__h5_at(scan, address, 32);
    bool known = knn__h5_signature(&header, "HEAP") && knn__h5_take(&header, 1) == 0;

    knn__h5_skip(&header, 3);
    uint64_t size = knn__h5_take(&header, 8), free_list = knn__h5_take(&header, 8);
    heap->bytes = knn__h5_at(scan, knn__h5_take(&header, 8), size);
    if (!known || header.cut || heap->bytes.cut)
        return damaged_names(scan, address);
    return check_free_list(scan, heap, free_list);
}

static knn_status damaged_table(const knn__h5_scan *scan, uint64_t at)
{
    return knn__h5_refuse(scan, at, "the table of its members is damaged");
}

/* name(8) object(8) kind(4) reserved(4) scratch(16) */
static knn_status check_symbol(knn__h5_scan *scan, const names *heap, knn__h5_reader *entry, int depth)
{
    enum { SOFT = 2 };
    const char *name;
    size_t length;
    uint64_t at = knn__h5_where(scan, entry), offset = knn__h5_take(entry, 8), address = knn__h5_take(entry, 8),
             kind = knn__h5_take(entry, 4);

    knn__h5_skip(entry, 20);
    if (entry->cut || kind > SOFT || !read_name(heap, offset, &name, &length))
        return damaged_table(scan, at);
    return knn__h5_check_link(scan, name, length, kind == SOFT ? KNN__H5_NOWHERE : address, depth);
}

/* "SNOD" version(1) reserved(1) count(2), then entries of 40 bytes. The node has room for all. */
static knn_status check_symbols(knn__h5_scan *scan, const names *heap, uint64_t address, int depth)
{
    knn__h5_reader node = knn__h5_at(scan, address, 8 + 80 * (uint64_t)scan->leaf_k);
    bool known = knn__h5_signature(&node, "SNOD") && knn__h5_take(&node, 1) == 1;
    knn_status status = KNN_OK;

    knn__h5_skip(&node, 1);
    uint64_t count = knn__h5_take(&node, 2);
    if (!known || node.cut || count > 2 * scan->leaf_k)
        return damaged_table(scan, address);
    for (uint64_t i = 0; i < count && status == KNN_OK; i++)
        status = check_symbol(scan, heap, &node, depth);
    return status;
}

/* A node of a B-tree: "TREE" type(1) level(1) used(2) left(8) right(8), then key(8) child(8) .. key(8); keys are names. `level` -1: the
 * root's may be any. */
static knn_status check_tree(knn__h5_scan *scan, const names *heap, uint64_t address, int level, int depth)
{
    const char *name;
    size_t length;
    knn__h5_reader node = knn__h5_at(scan, address, 32 + 32 * (uint64_t)scan->group_k);
    bool known = knn__h5_signature(&node, "TREE") && knn__h5_take(&node, 1) == 0;
    int own = (int)knn__h5_take(&node, 1);
    uint64_t used = knn__h5_take(&node, 2);
    knn_status status = knn__h5_count(scan, address, &scan->steps);

    knn__h5_skip(&node, 16);
    if (status == KNN_OK && (!known || node.cut || used > 2 * scan->group_k || own > KNN__H5_LEVELS_LIMIT || (level >= 0 && own != level)))
        status = damaged_table(scan, address);
    for (uint64_t i = 0; i < used && status == KNN_OK; i++) {
        uint64_t key = knn__h5_take(&node, 8), child = knn__h5_take(&node, 8);
        if (!read_name(heap, key, &name, &length))
            return damaged_table(scan, address);
        status = knn__h5_count(scan, address, &scan->steps);
        if (status == KNN_OK)
            status = own > 0 ? check_tree(scan, heap, child, own - 1, depth) : check_symbols(scan, heap, child, depth);
    }
    if (status == KNN_OK && used > 0 && !read_name(heap, knn__h5_take(&node, 8), &name, &length))
        status = damaged_table(scan, address);
    return status;
}

knn_status knn__h5_check_symbol_table(knn__h5_scan *scan, uint64_t tree, uint64_t names_address, int depth)
{
    names heap;
    knn_status status = open_names(scan, names_address, &heap);
    return status == KNN_OK ? check_tree(scan, &heap, tree, -1, depth) : status;
}
