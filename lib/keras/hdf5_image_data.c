/* Looks over what an HDF5 image says of data: types, sizes, attributes with their texts, filters, fill values. Where arrays lie is checked
 * in hdf5_image_layout.c. */
#include "keras/hdf5_image_inside.h"

#include <string.h>

/* ---- Types: class and version(1) bits(3) size(4), then what the class has ---- */

enum { INTEGER = 0, FLOAT = 1, TEXT = 3, ENUMERATION = 8, VARIABLE = 9, CLASSES = 11 };
static const char *const class_names[CLASSES] = {"integers", "floats", "times", "text", "bits", "opaque bytes", "compounds", "references",
                                                 "enumerations", "lists", "arrays"};

/* offset(2) precision(2): all of its bits count. */
static bool is_integer(knn__h5_reader *reader, uint64_t size)
{
    bool fits = size == 1 || size == 2 || size == 4 || size == 8;
    return knn__h5_take(reader, 2) == 0 && knn__h5_take(reader, 2) == 8 * size && fits;
}

/* offset(2) precision(2) exponent's place(1) and size(1), mantissa's, bias(4): IEEE 754's half, single and double, of either byte order. */
static bool is_float(knn__h5_reader *reader, uint64_t bits, uint64_t size)
{
    static const struct { uint64_t size, exponent, bias; } known[] = {{2, 5, 15}, {4, 8, 127}, {8, 11, 1023}};
    enum { VAX = 0x40, IMPLIED = 0x20, NORMALIZATION = 0x30 };

    for (int i = 0; i < 3; i++) {
        uint64_t length = 8 * size, mantissa = length - 1 - known[i].exponent;
        if (known[i].size == size)
            return knn__h5_take(reader, 2) == 0 && knn__h5_take(reader, 2) == length && knn__h5_take(reader, 1) == mantissa &&
                   knn__h5_take(reader, 1) == known[i].exponent && knn__h5_take(reader, 1) == 0 && knn__h5_take(reader, 1) == mantissa &&
                   knn__h5_take(reader, 4) == known[i].bias && (bits & VAX) == 0 && (bits & NORMALIZATION) == IMPLIED &&
                   (bits >> 8 & 0xff) == length - 1;
    }
    return false;
}

/* A name, its end included; up to version 2 filled up to a multiple of 8. */
static void skip_member(knn__h5_reader *reader, uint64_t version)
{
    const uint8_t *end = knn__h5_left(reader) > 0 ? memchr(reader->at, 0, (size_t)knn__h5_left(reader)) : NULL;
    uint64_t length = end != NULL ? (uint64_t)(end - reader->at) + 1 : knn__h5_left(reader) + 1;
    knn__h5_skip(reader, version < 3 ? (length + 7) / 8 * 8 : length);
}

/* The type of its numbers, names, numbers: h5py's truth values. */
static bool is_enumeration(knn__h5_reader *reader, uint64_t version, uint64_t bits, uint64_t size)
{
    uint64_t members = bits & 0xffff, head = knn__h5_take(reader, 4), number_size = knn__h5_take(reader, 4);

    if ((head & 0xf) != INTEGER || number_size != size || !is_integer(reader, size))
        return false;
    for (uint64_t i = 0; i < members && !reader->cut; i++)
        skip_member(reader, version);
    knn__h5_skip(reader, members * size);
    return !reader->cut;
}

/* The type of its elements: characters. */
static bool is_variable_text(knn__h5_reader *reader, uint64_t bits, uint64_t size)
{
    enum { STRING = 1 };
    uint64_t head = knn__h5_take(reader, 4), character_size = knn__h5_take(reader, 4), class_of = head & 0xf;

    if (class_of == INTEGER)
        knn__h5_skip(reader, 4);
    return (bits & 0xf) == STRING && size == 16 && (class_of == TEXT || class_of == INTEGER) && character_size == 1;
}

knn_status knn__h5_read_type(const knn__h5_scan *scan, knn__h5_reader *reader, knn__h5_type *type)
{
    uint64_t at = knn__h5_where(scan, reader), head = knn__h5_take(reader, 1), bits = knn__h5_take(reader, 3), class_of = head & 0xf;
    bool known = head >> 4 >= 1 && head >> 4 <= 5;

    *type = (knn__h5_type){KNN__H5_NUMBERS, knn__h5_take(reader, 4)};
    if (class_of == INTEGER)
        known = known && is_integer(reader, type->size);
    else if (class_of == FLOAT)
        known = known && is_float(reader, bits, type->size);
    else if (class_of == TEXT) {
        type->kind = KNN__H5_FIXED_TEXT;
        known = known && type->size > 0;
    } else if (class_of == VARIABLE) {
        type->kind = KNN__H5_VARIABLE_TEXT;
        known = known && is_variable_text(reader, bits, type->size);
    } else if (class_of == ENUMERATION) {
        type->kind = KNN__H5_ENUMERATION;
        known = known && is_enumeration(reader, head >> 4, bits, type->size);
    } else
        known = false;
    if (known && !reader->cut)
        return KNN_OK;
    return knn__h5_refuse(scan, at, "expected numbers of at most 8 bytes, or text, got %s of %llu bytes",
                          class_of < CLASSES ? class_names[class_of] : "something unknown", (unsigned long long)type->size);
}

/* ---- Sizes: version(1) rank(1) flags(1), in version 1 reserved(5), in version 2 kind(1); sizes(8), [largest sizes(8)] ---- */

knn_status knn__h5_read_space(const knn__h5_scan *scan, knn__h5_reader *reader, knn__h5_space *space)
{
    enum { LARGEST = 1, PERMUTED = 2, NOTHING = 2 };
    uint64_t at = knn__h5_where(scan, reader), version = knn__h5_take(reader, 1), rank = knn__h5_take(reader, 1), flags = knn__h5_take(reader, 1);
    uint64_t kind = knn__h5_take(reader, version == 1 ? 5 : 1);

    *space = (knn__h5_space){.count = version == 2 && kind == NOTHING ? 0 : 1};
    if (version < 1 || version > 2 || rank > KNN__H5_RANK_LIMIT || (flags & PERMUTED) != 0)
        return knn__h5_refuse(scan, at, "sizes that are damaged, or more than %d dimensions", KNN__H5_RANK_LIMIT);
    for (space->rank = 0; space->rank < (int)rank; space->rank++) {
        uint64_t size = knn__h5_take(reader, 8);
        space->size[space->rank] = size;
        if (__builtin_mul_overflow(space->count, size, &space->count) || space->count > INT64_MAX / 16)
            return knn__h5_refuse(scan, at, "larger than the file");
    }
    knn__h5_skip(reader, (flags & LARGEST) != 0 ? 8 * rank : 0);
    return reader->cut ? knn__h5_refuse(scan, at, "sizes that are cut") : KNN_OK;
}

/* ---- Texts of variable length lie in collections: "GCOL" version(1) reserved(3) size(8), then objects ---- */

/* An object: index(2) references(2) reserved(4) size(8) data, up to a multiple of 8; index 0 is free space, whose size counts all of it.
 * *size: of the object `index`, or of all; false: damaged. */
static bool next_object(knn__h5_reader *rest, uint64_t *index, uint64_t *size)
{
    *index = knn__h5_take(rest, 2);
    knn__h5_skip(rest, 6);
    *size = knn__h5_take(rest, 8);
    if (*index == 0 && (*size < 16 || *size - 16 > knn__h5_left(rest)))
        return false;
    knn__h5_skip(rest, *index == 0 ? *size - 16 : *size > UINT64_MAX - 7 ? *size : (*size + 7) / 8 * 8);
    return !rest->cut;
}

/* All of a collection, for libhdf5 reads all; once. Indexes are small: libhdf5 has a table of them. */
static knn_status check_collection(knn__h5_scan *scan, uint64_t address, knn__h5_reader objects)
{
    uint64_t index, size, largest = 1024 + knn__h5_left(&objects) / 16;
    knn_status status = KNN_OK;

    if (scan->heap == address)
        return KNN_OK;
    while (status == KNN_OK && knn__h5_left(&objects) >= 16) {
        if (!next_object(&objects, &index, &size) || index > largest)
            return knn__h5_refuse(scan, address, "a collection of texts that is damaged");
        status = knn__h5_count(scan, address, &scan->texts);
    }
    scan->heap = address;
    return status;
}

static knn_status find_text(knn__h5_scan *scan, uint64_t address, knn__h5_reader objects, uint64_t wanted, uint64_t length)
{
    uint64_t index, size;
    knn_status status = KNN_OK;

    while (status == KNN_OK && knn__h5_left(&objects) >= 16 && next_object(&objects, &index, &size)) {
        if (index == wanted && index != 0)
            return length <= size ? knn__h5_count_bytes(scan, address, length)
                                  : knn__h5_refuse(scan, address, "a text of %llu bytes where %llu are", (unsigned long long)length,
                                                   (unsigned long long)size);
        status = knn__h5_count(scan, address, &scan->texts);
    }
    return status == KNN_OK ? knn__h5_refuse(scan, address, "a text that is missing") : status;
}

/* length(4) collection(8) index(4); none where nothing was ever written. */
static knn_status check_text(knn__h5_scan *scan, knn__h5_reader *element)
{
    uint64_t length = knn__h5_take(element, 4), address = knn__h5_take(element, 8), index = knn__h5_take(element, 4);
    knn__h5_reader head = knn__h5_at(scan, address, 16);

    if (address == 0 || address == KNN__H5_NOWHERE)
        return length == 0 ? KNN_OK : knn__h5_refuse(scan, knn__h5_where(scan, element), "a text that lies nowhere");
    bool known = knn__h5_signature(&head, "GCOL") && knn__h5_take(&head, 1) == 1;
    knn__h5_skip(&head, 3);
    knn__h5_reader collection = knn__h5_at(scan, address, knn__h5_take(&head, 8));
    knn__h5_skip(&collection, 16);
    if (!known || head.cut || collection.cut)
        return knn__h5_refuse(scan, address, "a collection of texts that is damaged, or lies outside of the file");
    knn_status status = check_collection(scan, address, collection);
    return status == KNN_OK ? find_text(scan, address, collection, index, length) : status;
}

/* ---- Attributes: version(1) flags(1) sizes of name, type and space(2 each), in version 3 characters(1), then all three, and the data ---- */

static knn_status check_values(knn__h5_scan *scan, knn__h5_reader *reader, const knn__h5_type *type, uint64_t count)
{
    knn_status status = KNN_OK;

    if (count > knn__h5_left(reader) / type->size)
        return knn__h5_refuse(scan, knn__h5_where(scan, reader), "an attribute that is cut");
    if (type->kind == KNN__H5_VARIABLE_TEXT)
        for (uint64_t i = 0; i < count && status == KNN_OK; i++)
            status = check_text(scan, reader);
    return status;
}

static uint64_t padded(uint64_t size, uint64_t version)
{
    return version == 1 ? (size + 7) / 8 * 8 : size;
}

knn_status knn__h5_check_attribute(knn__h5_scan *scan, knn__h5_reader *reader)
{
    uint64_t at = knn__h5_where(scan, reader), version = knn__h5_take(reader, 1), flags = knn__h5_take(reader, 1);
    uint64_t name_size = knn__h5_take(reader, 2), type_size = knn__h5_take(reader, 2), space_size = knn__h5_take(reader, 2);
    knn__h5_type type;
    knn__h5_space space;

    knn__h5_skip(reader, version == 3 ? 1 : 0);
    knn__h5_reader name = knn__h5_part(reader, padded(name_size, version));
    knn__h5_reader type_part = knn__h5_part(reader, padded(type_size, version)), space_part = knn__h5_part(reader, padded(space_size, version));
    if (version < 1 || version > 3 || (version > 1 && flags != 0) || reader->cut || name_size == 0 || name.at[name_size - 1] != 0)
        return knn__h5_refuse(scan, at, "an attribute that is damaged");
    knn_status status = knn__h5_read_type(scan, &type_part, &type);
    if (status == KNN_OK)
        status = knn__h5_read_space(scan, &space_part, &space);
    return status == KNN_OK ? check_values(scan, reader, &type, space.count) : status;
}

/* ---- Filters: version(1) count(1), in version 1 reserved(6), then each ---- */

/* number(2), in version 1 length of the name(2), flags(2) count(2), name, values(4 each), in version 1 an even number of them. */
static knn_status check_filter(const knn__h5_scan *scan, knn__h5_reader *reader, uint64_t version)
{
    enum { DEFLATE = 1, FLETCHER32 = 3, PLUGINS = 256 };
    uint64_t at = knn__h5_where(scan, reader), number = knn__h5_take(reader, 2);
    uint64_t name = version == 1 || number >= PLUGINS ? knn__h5_take(reader, 2) : 0;

    knn__h5_skip(reader, 2);
    uint64_t values = knn__h5_take(reader, 2);
    knn__h5_skip(reader, padded(name, version) + 4 * (version == 1 ? values + values % 2 : values));
    if (number < DEFLATE || number > FLETCHER32)
        return knn__h5_refuse(scan, at, "packed by filter %llu, expected deflate, shuffle or fletcher32", (unsigned long long)number);
    return reader->cut ? knn__h5_refuse(scan, at, "a filter that is damaged") : KNN_OK;
}

knn_status knn__h5_check_filters(const knn__h5_scan *scan, knn__h5_reader *reader)
{
    uint64_t at = knn__h5_where(scan, reader), version = knn__h5_take(reader, 1), count = knn__h5_take(reader, 1);
    knn_status status = version >= 1 && version <= 2 && count <= KNN__H5_FILTERS_LIMIT
                            ? KNN_OK
                            : knn__h5_refuse(scan, at, "%llu filters, expected at most %d", (unsigned long long)count, KNN__H5_FILTERS_LIMIT);

    knn__h5_skip(reader, version == 1 ? 6 : 0);
    for (uint64_t i = 0; i < count && status == KNN_OK; i++)
        status = check_filter(scan, reader, version);
    return status;
}

/* ---- Fill values: version(1), in versions 1 and 2 times(2) and whether there is one(1), in 3 flags(1); then size(4) and value.
 * An old message is size and value alone. libhdf5 1.10 leaks those whose version or flags it does not know. ---- */

knn_status knn__h5_read_fill(const knn__h5_scan *scan, knn__h5_reader *reader, bool old, uint64_t *size)
{
    enum { DEFINED = 0x20, UNKNOWN = 0xc0 };
    uint64_t at = knn__h5_where(scan, reader), version = old ? 0 : knn__h5_take(reader, 1);
    bool there = old, known = old || (version >= 1 && version <= 3);

    if (version == 1 || version == 2) {
        knn__h5_skip(reader, 2);
        there = knn__h5_take(reader, 1) != 0 || version == 1;
    } else if (version == 3) {
        uint64_t flags = knn__h5_take(reader, 1);
        there = (flags & DEFINED) != 0;
        known = (flags & UNKNOWN) == 0;
    }
    *size = there ? knn__h5_take(reader, 4) : 0;
    knn__h5_skip(reader, *size);
    return !known || reader->cut ? knn__h5_refuse(scan, at, "a fill value that is damaged") : KNN_OK;
}
