/* Looks over links and attributes that are too many, or too large, for an object's header: a B-tree lists them, a heap holds them. As
 * newer libraries write it when they are asked for the latest format. */
#include "keras/hdf5_image_inside.h"

/* ---- The heap: blocks in a table whose rows double ---- */

typedef struct heap {
    uint64_t address, id_length, width, first_size, largest_direct, largest_object;
    unsigned bits, rows;                    /* of offsets; of the root's table, 0: the root is a block itself */
    uint64_t root;
    uint64_t huge;                          /* the B-tree of what is larger than blocks */
} heap;

static unsigned bits_of(uint64_t number)
{
    unsigned bits = 0;
    for (; number > 1; number /= 2)
        bits++;
    return bits;
}

static bool is_power(uint64_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

static knn_status damaged(const knn__h5_scan *scan, uint64_t at)
{
    return knn__h5_refuse(scan, at, "the heap of its members is damaged, or lies outside of the file");
}

/* "FRHP" version(1) id(2) filters(2) flags(1) largest object(4) next huge(8) huge's tree(8) free(16) managed(24) count(8) huge(16)
 * tiny(16) width(2) first size(8) largest direct(8) bits(2) first rows(2) root(8) rows(2) */
static knn_status open_heap(knn__h5_scan *scan, uint64_t address, heap *h)
{
    knn__h5_reader header = knn__h5_at(scan, address, 146);
    bool known = knn__h5_signature(&header, "FRHP") && knn__h5_take(&header, 1) == 0;

    *h = (heap){.address = address, .id_length = knn__h5_take(&header, 2)};
    known = known && knn__h5_take(&header, 2) == 0;                         /* no filters */
    knn__h5_skip(&header, 1);
    h->largest_object = knn__h5_take(&header, 4);
    knn__h5_skip(&header, 8);
    h->huge = knn__h5_take(&header, 8);
    knn__h5_skip(&header, 16 + 32 + 16 + 16);
    h->width = knn__h5_take(&header, 2);
    h->first_size = knn__h5_take(&header, 8);
    h->largest_direct = knn__h5_take(&header, 8);
    h->bits = (unsigned)knn__h5_take(&header, 2);
    knn__h5_skip(&header, 2);
    h->root = knn__h5_take(&header, 8);
    h->rows = (unsigned)knn__h5_take(&header, 2);
    if (known && knn__h5_sealed(scan, address, &header) && is_power(h->width) && is_power(h->first_size) && is_power(h->largest_direct) &&
        h->first_size <= h->largest_direct && h->largest_direct <= UINT32_MAX && h->width <= UINT16_MAX / 2 && h->bits <= 56 &&
        bits_of(h->width * h->first_size) <= h->bits && h->rows <= 64)
        return KNN_OK;
    return damaged(scan, address);
}

static unsigned offset_bytes(const heap *h)
{
    return (h->bits + 7) / 8;
}

/* The size of a row's blocks, and how much comes before the row. */
static uint64_t size_of_row(const heap *h, unsigned row)
{
    return row == 0 ? h->first_size : h->first_size << (row - 1);
}

static uint64_t start_of_row(const heap *h, unsigned row)
{
    return row == 0 ? 0 : h->width * size_of_row(h, row);
}

/* A direct block, "FHDB", holds bytes [offset, offset + size) of the heap, its header included. */
static knn__h5_reader in_direct_block(const knn__h5_scan *scan, uint64_t address, uint64_t size, uint64_t offset, uint64_t length)
{
    knn__h5_reader block = knn__h5_at(scan, address, size);

    if (!knn__h5_signature(&block, "FHDB"))
        block.cut = true;
    knn__h5_skip(&block, offset > 4 ? offset - 4 : UINT64_MAX);
    knn__h5_reader object = knn__h5_part(&block, length);
    object.cut = object.cut || block.cut;
    return object;
}

/* An indirect block: "FHIB" version(1) heap(8) offset, then the addresses of its rows' blocks. Finds the block with `offset`, counted from the
 * beginning of this one; true: *address is a direct block of *size, and *offset counts from there. */
static bool descend(knn__h5_scan *scan, const heap *h, uint64_t *address, unsigned *rows, uint64_t *offset, uint64_t *size)
{
    unsigned row = 0;

    while (row + 1 < *rows && start_of_row(h, row + 1) <= *offset)
        row++;
    *size = size_of_row(h, row);
    uint64_t column = (*offset - start_of_row(h, row)) / *size;
    knn__h5_reader block = knn__h5_at(scan, *address, scan->size - (*address < scan->size ? *address : scan->size));
    bool known = knn__h5_signature(&block, "FHIB");
    knn__h5_skip(&block, 9 + offset_bytes(h));
    knn__h5_reader children = knn__h5_part(&block, 8 * *rows * h->width);
    known = known && knn__h5_sealed(scan, *address, &block);
    knn__h5_skip(&children, 8 * (row * h->width + column));
    *address = knn__h5_take(&children, 8);
    *offset = (*offset - start_of_row(h, row)) % *size;
    if (!known || children.cut || column >= h->width)
        *address = KNN__H5_NOWHERE;
    if (*size <= h->largest_direct || *address == KNN__H5_NOWHERE)
        return true;
    *rows = bits_of(*size) - bits_of(h->first_size * h->width) + 1;
    return false;
}

static knn__h5_reader managed_object(knn__h5_scan *scan, const heap *h, uint64_t offset, uint64_t length)
{
    uint64_t address = h->root, size = h->first_size;
    unsigned rows = h->rows;

    if (rows > 0)
        while (!descend(scan, h, &address, &rows, &offset, &size))
            ;
    return in_direct_block(scan, address, size, offset, length);
}

/* ---- B-trees of version 2: records in nodes of one size ---- */

typedef struct tree {
    uint64_t node_size, record_size;
    unsigned count_bytes;                   /* that say how many records a node has */
} tree;

typedef struct visitor {
    knn__h5_scan *scan;
    const heap *h;
    knn__h5_dense what;
    int depth;
    uint64_t wanted;                        /* a huge object's number, .. */
    knn__h5_reader found;                   /* .. and its bytes */
} visitor;

typedef knn_status record_check(visitor *v, knn__h5_reader *record);

static unsigned bytes_for(uint64_t limit)
{
    return bits_of(limit) / 8 + 1;
}

/* How many records nodes of a level hold, and in how many bytes the sum below a node fits; level 0 are leaves. */
static uint64_t records_of_level(const tree *t, unsigned level, unsigned *sum_bytes)
{
    uint64_t room = t->node_size - 10, records = room / t->record_size, sum = records;

    *sum_bytes = 0;
    for (unsigned i = 1; i <= level; i++) {
        uint64_t pointer = 8 + t->count_bytes + *sum_bytes;
        records = room > pointer ? (room - pointer) / (t->record_size + pointer) : 0;
        sum = sum < UINT32_MAX ? (records + 1) * sum + records : sum;
        *sum_bytes = i < level ? bytes_for(sum) : *sum_bytes;
    }
    return records;
}

/* "BTIN" or "BTLF", version(1) type(1), records, in inner nodes pointers: address(8) records, and above the lowest inner level their sum. */
static knn_status check_node(visitor *v, const tree *t, uint64_t address, uint64_t count, unsigned level, record_check *check)
{
    unsigned sum_bytes;
    uint64_t most = records_of_level(t, level, &sum_bytes);
    knn__h5_reader node = knn__h5_at(v->scan, address, t->node_size);
    bool known = knn__h5_signature(&node, level > 0 ? "BTIN" : "BTLF");
    knn_status status = knn__h5_count(v->scan, address, &v->scan->steps);

    knn__h5_skip(&node, 2);
    if (status == KNN_OK && (!known || node.cut || count > most))
        status = damaged(v->scan, address);
    for (uint64_t i = 0; i < count && status == KNN_OK; i++) {
        knn__h5_reader record = knn__h5_part(&node, t->record_size);
        status = knn__h5_count(v->scan, address, &v->scan->steps);
        if (status == KNN_OK)
            status = check(v, &record);
    }
    for (uint64_t i = 0; i <= count && level > 0 && status == KNN_OK; i++) {
        uint64_t child = knn__h5_take(&node, 8), records = knn__h5_take(&node, t->count_bytes);
        knn__h5_skip(&node, sum_bytes);
        status = node.cut ? damaged(v->scan, address) : check_node(v, t, child, records, level - 1, check);
    }
    if (status == KNN_OK && !knn__h5_sealed(v->scan, address, &node))
        status = damaged(v->scan, address);
    return status;
}

/* "BTHD" version(1) type(1) node size(4) record size(2) depth(2) split(1) merge(1) root(8) records(2) */
static knn_status check_tree(visitor *v, unsigned type, uint64_t record_size, uint64_t address, record_check *check)
{
    knn__h5_reader header = knn__h5_at(v->scan, address, 38);
    bool known = knn__h5_signature(&header, "BTHD") && knn__h5_take(&header, 1) == 0 && knn__h5_take(&header, 1) == type;
    tree t = {.node_size = knn__h5_take(&header, 4)};

    t.record_size = knn__h5_take(&header, 2);
    uint64_t depth = knn__h5_take(&header, 2);
    knn__h5_skip(&header, 2);
    uint64_t root = knn__h5_take(&header, 8), count = knn__h5_take(&header, 2);
    knn__h5_skip(&header, 8);
    if (!known || !knn__h5_sealed(v->scan, address, &header) || t.record_size != record_size || depth > KNN__H5_LEVELS_LIMIT || t.node_size < 64 || t.node_size > v->scan->size)
        return damaged(v->scan, address);
    t.count_bytes = bytes_for((t.node_size - 10) / t.record_size);
    return root == KNN__H5_NOWHERE ? KNN_OK : check_node(v, &t, root, count, (unsigned)depth, check);
}

/* ---- What the records say ---- */

/* address(8) length(8) number(8) */
static knn_status match_huge(visitor *v, knn__h5_reader *record)
{
    uint64_t address = knn__h5_take(record, 8), length = knn__h5_take(record, 8), number = knn__h5_take(record, 8);

    if (number == v->wanted)
        v->found = knn__h5_at(v->scan, address, length);
    return KNN_OK;
}

/* An object's id: kind in the first byte, then, of managed ones, offset and length, of huge ones a number. */
static knn_status find_object(visitor *v, knn__h5_reader *id, knn__h5_reader *object)
{
    enum { MANAGED = 0, HUGE_ONE = 0x10, HUGE_RECORD = 24 };
    const heap *h = v->h;
    uint64_t at = knn__h5_where(v->scan, id), kind = knn__h5_take(id, 1);
    knn_status status = KNN_OK;

    if (kind == MANAGED) {
        unsigned by_block = (bits_of(h->largest_direct) + 7) / 8, by_object = bytes_for(h->largest_object);
        uint64_t offset = knn__h5_take(id, offset_bytes(h));
        *object = managed_object(v->scan, h, offset, knn__h5_take(id, by_block < by_object ? by_block : by_object));
    } else if (kind == HUGE_ONE && h->huge != KNN__H5_NOWHERE) {
        v->wanted = knn__h5_take(id, (unsigned)h->id_length - 1);
        v->found = (knn__h5_reader){.cut = true};
        status = check_tree(v, 1, HUGE_RECORD, h->huge, match_huge);
        *object = v->found;
    } else
        return damaged(v->scan, at);
    return status == KNN_OK && (id->cut || object->cut) ? damaged(v->scan, at) : status;
}

/* Of links: hash(4) id(7). Of attributes: id(8) flags(1) order(4) hash(4). */
static knn_status check_record(visitor *v, knn__h5_reader *record)
{
    knn__h5_reader object = {.cut = true};
    bool links = v->what == KNN__H5_DENSE_LINKS;

    knn__h5_skip(record, links ? 4 : 0);
    knn__h5_reader id = knn__h5_part(record, v->h->id_length);
    bool shared = !links && knn__h5_take(record, 1) != 0;
    if (shared)
        return damaged(v->scan, knn__h5_where(v->scan, record));
    knn_status status = find_object(v, &id, &object);
    if (status != KNN_OK)
        return status;
    knn__h5_spend(v->scan, knn__h5_left(&object));
    return links ? knn__h5_check_link_message(v->scan, &object, v->depth) : knn__h5_check_attribute(v->scan, &object);
}

knn_status knn__h5_check_dense(knn__h5_scan *scan, knn__h5_dense what, uint64_t heap_address, uint64_t tree_address, int depth)
{
    heap h;
    visitor v = {.scan = scan, .h = &h, .what = what, .depth = depth};
    bool links = what == KNN__H5_DENSE_LINKS;
    knn_status status = open_heap(scan, heap_address, &h);

    if (status == KNN_OK && h.id_length != (links ? 7 : 8))
        status = damaged(scan, heap_address);
    return status == KNN_OK ? check_tree(&v, what, links ? 11 : 17, tree_address, check_record) : status;
}
