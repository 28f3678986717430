/* Looks over an object of an HDF5 image: its header's messages, and, through them, what it holds. What messages say of data is checked in
 * hdf5_image_data.c and hdf5_image_layout.c, members of groups in hdf5_image_group.c and hdf5_image_dense.c. */
#include "keras/hdf5_image_inside.h"

#include "core/status.h"

#include <stdio.h>
#include <string.h>

/* ---- Messages of an object's header ---- */

enum { SPACE = 1, LINKS = 2, TYPE = 3, OLD_FILL = 4, FILL = 5, LINK = 6, EXTERNAL = 7, LAYOUT = 8, FILTERS = 11, ATTRIBUTE = 12,
       CONTINUATION = 16, SYMBOLS = 17, ATTRIBUTES = 21, MESSAGES = 24 };
enum { SHARED = 2 };                        /* of a message's flags: it lies elsewhere */

typedef struct object {
    uint64_t address;
    int depth, pieces;
    unsigned seen;                          /* a bit a message type */
    uint64_t tree, heap;                    /* of a group's symbol table */
    knn__h5_array array;
} object;

typedef knn_status message_check(knn__h5_scan *scan, object *o, knn__h5_reader *message);

static knn_status check_header_piece(knn__h5_scan *scan, object *o, knn__h5_reader piece, bool compact, bool ordered);

static knn_status pass(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    (void)scan, (void)o, (void)message;
    return KNN_OK;
}

static knn_status check_space(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    return knn__h5_read_space(scan, message, &o->array.space);
}

static knn_status check_type(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    return knn__h5_read_type(scan, message, &o->array.type);
}

static knn_status check_fill(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    return knn__h5_read_fill(scan, message, false, &o->array.fill_size);
}

static knn_status check_old_fill(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    return knn__h5_read_fill(scan, message, true, &o->array.fill_size);
}

static knn_status check_link(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    return knn__h5_check_link_message(scan, message, o->depth);
}

static knn_status check_external(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    (void)o;
    return knn__h5_refuse(scan, knn__h5_where(scan, message), "its data lie in another file, which is not followed");
}

/* It is looked at when type and size are known. */
static knn_status keep_layout(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    (void)scan;
    o->array.layout = *message;
    return KNN_OK;
}

static knn_status check_filters(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    o->array.filtered = true;
    return knn__h5_check_filters(scan, message);
}

static knn_status check_attribute(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    (void)o;
    return knn__h5_check_attribute(scan, message);
}

static knn_status keep_symbols(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    (void)scan;
    o->tree = knn__h5_take(message, 8);
    o->heap = knn__h5_take(message, 8);
    return KNN_OK;
}

/* Version, flags, and where many links or attributes lie instead of in messages. `order` bytes are there where they are ordered. */
static knn_status check_many(knn__h5_scan *scan, knn__h5_dense what, unsigned order, knn__h5_reader *message, int depth)
{
    knn__h5_skip(message, 1);
    knn__h5_skip(message, (knn__h5_take(message, 1) & 1) != 0 ? order : 0);
    uint64_t heap = knn__h5_take(message, 8), tree = knn__h5_take(message, 8);
    return heap == KNN__H5_NOWHERE || message->cut ? KNN_OK : knn__h5_check_dense(scan, what, heap, tree, depth);
}

static knn_status check_links(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    return check_many(scan, KNN__H5_DENSE_LINKS, 8, message, o->depth);
}

static knn_status check_attributes(knn__h5_scan *scan, object *o, knn__h5_reader *message)
{
    return check_many(scan, KNN__H5_DENSE_ATTRIBUTES, 2, message, o->depth);
}

/* By message type. NULL: Keras' files have none of these (committed types, shared messages, drivers). */
static message_check *const checks[MESSAGES] = {
    [0] = pass, [SPACE] = check_space, [LINKS] = check_links, [TYPE] = check_type, [OLD_FILL] = check_old_fill, [FILL] = check_fill,
    [LINK] = check_link, [EXTERNAL] = check_external, [LAYOUT] = keep_layout, [10] = pass, [FILTERS] = check_filters,
    [ATTRIBUTE] = check_attribute, [13] = pass, [14] = pass, [CONTINUATION] = pass, [SYMBOLS] = keep_symbols, [18] = pass,
    [ATTRIBUTES] = check_attributes, [22] = pass};

static bool may_repeat(uint64_t type)
{
    return type == 0 || type == LINK || type == ATTRIBUTE || type == CONTINUATION;
}

/* A header's next piece: messages from its first byte on, or, in a compact header, between a signature and a checksum. */
static knn_status follow(knn__h5_scan *scan, object *o, knn__h5_reader *message, bool compact, bool ordered)
{
    uint64_t address = knn__h5_take(message, 8), length = knn__h5_take(message, 8);
    knn__h5_reader piece = knn__h5_at(scan, address, length);

    if (message->cut || piece.cut || (compact && (length < 8 || !knn__h5_signature(&piece, "OCHK"))))
        return knn__h5_refuse(scan, address, "a piece of its header that lies outside of the file, or is damaged");
    if (compact) {
        knn__h5_reader seal = {piece.end - 4, piece.end, false};
        if (!knn__h5_sealed(scan, address, &seal))
            return knn__h5_refuse(scan, address, "a piece of its header that was changed: the checksum is another");
        piece.end -= 4;
    }
    return check_header_piece(scan, o, piece, compact, ordered);
}

static knn_status check_message(knn__h5_scan *scan, object *o, uint64_t type, uint64_t flags, knn__h5_reader message)
{
    uint64_t at = knn__h5_where(scan, &message);
    knn_status status = knn__h5_count(scan, at, &scan->steps);

    knn__h5_spend(scan, knn__h5_left(&message));
    if (status != KNN_OK)
        return status;
    if (type >= MESSAGES || checks[type] == NULL || (flags & SHARED) != 0)
        return knn__h5_refuse(scan, at, "a message of type %llu%s, which Keras' files have not", (unsigned long long)type,
                              (flags & SHARED) != 0 ? " that is shared" : "");
    if ((o->seen >> type & 1) != 0 && !may_repeat(type))
        return knn__h5_refuse(scan, at, "two messages of type %llu", (unsigned long long)type);
    o->seen |= 1u << type;
    status = checks[type](scan, o, &message);
    return status == KNN_OK && message.cut ? knn__h5_refuse(scan, at, "a message of type %llu that is cut", (unsigned long long)type) : status;
}

/* Version 1: type(2) size(2) flags(1) reserved(3); compact, version 2: type(1) size(2) flags(1) [order(2)]. */
static knn_status check_header_piece(knn__h5_scan *scan, object *o, knn__h5_reader piece, bool compact, bool ordered)
{
    const uint64_t smallest = !compact ? 8 : ordered ? 6 : 4;
    knn_status status = KNN_OK;

    if (++o->pieces > KNN__H5_CHUNKS_LIMIT)
        return knn__h5_refuse(scan, knn__h5_where(scan, &piece), "a header of more than %d pieces", KNN__H5_CHUNKS_LIMIT);
    while (status == KNN_OK && knn__h5_left(&piece) >= smallest) {
        uint64_t type = knn__h5_take(&piece, compact ? 1 : 2), size = knn__h5_take(&piece, 2), flags = knn__h5_take(&piece, 1);
        knn__h5_skip(&piece, smallest - (compact ? 4 : 5));
        knn__h5_reader message = knn__h5_part(&piece, size);
        if (message.cut)
            return knn__h5_refuse(scan, knn__h5_where(scan, &piece), "a message of %llu bytes, more than its header has", (unsigned long long)size);
        status = check_message(scan, o, type, flags, message);
        if (status == KNN_OK && type == CONTINUATION)
            status = follow(scan, o, &message, compact, ordered);
    }
    return status;
}

static knn_status no_header(const knn__h5_scan *scan, uint64_t at)
{
    return knn__h5_refuse(scan, at, "no object header here, or one that is damaged");
}

/* Version(1) reserved(1) messages(2) references(4) size(4), messages from the next multiple of 8 on. */
static knn_status check_plain_header(knn__h5_scan *scan, object *o)
{
    knn__h5_reader header = knn__h5_at(scan, o->address, 16);

    knn__h5_skip(&header, 8);
    knn__h5_reader messages = knn__h5_at(scan, o->address + 16, knn__h5_take(&header, 4));
    return header.cut || messages.cut ? no_header(scan, o->address) : check_header_piece(scan, o, messages, false, false);
}

/* Signature(4) version(1) flags(1) [times(16)] [limits(4)] size(1, 2, 4 or 8), messages, checksum(4). */
static knn_status check_compact_header(knn__h5_scan *scan, object *o)
{
    knn__h5_reader header = knn__h5_at(scan, o->address, scan->size - o->address);

    knn__h5_skip(&header, 5);
    uint64_t flags = knn__h5_take(&header, 1);
    knn__h5_skip(&header, ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0));
    knn__h5_reader messages = knn__h5_part(&header, knn__h5_take(&header, 1u << (flags & 3)));
    if (header.cut || !knn__h5_sealed(scan, o->address, &header))
        return no_header(scan, o->address);
    return check_header_piece(scan, o, messages, true, (flags & 4) != 0);
}

/* ---- Objects ---- */

static bool has(const object *o, int type)
{
    return (o->seen >> type & 1) != 0;
}

static knn_status check_contents(knn__h5_scan *scan, const object *o)
{
    bool array = has(o, LAYOUT) && has(o, TYPE) && has(o, SPACE), group = has(o, SYMBOLS) || has(o, LINKS);

    if (array == group || (has(o, SYMBOLS) && has(o, LINKS)))
        return knn__h5_refuse(scan, o->address, "neither a group nor an array");
    if (array)
        return knn__h5_check_layout(scan, &o->array);
    return has(o, SYMBOLS) ? knn__h5_check_symbol_table(scan, o->tree, o->heap, o->depth) : KNN_OK;
}

static knn_status check_object(knn__h5_scan *scan, object *o)
{
    knn__h5_reader begin = knn__h5_at(scan, o->address, 5), version = begin;
    bool compact = knn__h5_signature(&begin, "OHDR");
    knn_status status;

    if (o->depth > KNN__H5_DEPTH_LIMIT)
        return knn__h5_refuse(scan, o->address, "groups nested more than %d deep", KNN__H5_DEPTH_LIMIT);
    if (compact && knn__h5_take(&begin, 1) == 2)
        status = check_compact_header(scan, o);
    else if (!compact && knn__h5_take(&version, 1) == 1)
        status = check_plain_header(scan, o);
    else
        status = no_header(scan, o->address);
    return status == KNN_OK ? check_contents(scan, o) : status;
}

knn_status knn__h5_check_link(knn__h5_scan *scan, const char *name, size_t length, uint64_t address, int depth)
{
    size_t before = scan->path_length;
    object o = {.address = address, .depth = depth + 1};
    knn_status status = knn__h5_count(scan, address, &scan->links);

    if (status != KNN_OK)
        return status;
    if (before + length + 2 > sizeof scan->path)
        return knn__h5_refuse(scan, address, "paths of more than %d bytes", KNN__H5_PATH_LIMIT - 1);
    scan->path_length += (size_t)snprintf(scan->path + before, length + 2, "%s%.*s", before > 0 ? "/" : "", (int)length, name);
    status = address != KNN__H5_NOWHERE ? check_object(scan, &o)
                                        : knn__fail(KNN_ERROR_FORMAT, "/%.500s: a soft or external link, which is not followed", scan->path);
    scan->path_length = before;
    scan->path[before] = '\0';
    return status;
}

/* Version(1) flags(1) [kind(1)] [order(8)] [characters(1)] length(1, 2, 4 or 8) name, and where it leads. */
knn_status knn__h5_check_link_message(knn__h5_scan *scan, knn__h5_reader *reader, int depth)
{
    uint64_t at = knn__h5_where(scan, reader), version = knn__h5_take(reader, 1), flags = knn__h5_take(reader, 1);
    uint64_t kind = (flags & 8) != 0 ? knn__h5_take(reader, 1) : 0;

    knn__h5_skip(reader, ((flags & 4) != 0 ? 8 : 0) + ((flags & 0x10) != 0 ? 1 : 0));
    uint64_t length = knn__h5_take(reader, 1u << (flags & 3));
    const knn__h5_reader name = knn__h5_part(reader, length);
    uint64_t address = kind == 0 ? knn__h5_take(reader, 8) : KNN__H5_NOWHERE;
    if (version != 1 || reader->cut || length == 0 || memchr(name.at, 0, (size_t)length) != NULL)
        return knn__h5_refuse(scan, at, "a link that is damaged");
    return knn__h5_check_link(scan, (const char *)name.at, (size_t)length, address, depth);
}

/* libhdf5 believes the superblock's copy of where the root's members are. */
knn_status knn__h5_check_root(knn__h5_scan *scan, const knn__h5_root *said)
{
    object root = {.address = said->address};
    knn_status status = check_object(scan, &root);
    bool same = !has(&root, SYMBOLS) || said->tree == 0 || (said->tree == root.tree && said->heap == root.heap);

    if (status == KNN_OK && (has(&root, LAYOUT) || !same))
        status = knn__h5_refuse(scan, said->address, "the root is no group, or the superblock says another one");
    return status;
}
