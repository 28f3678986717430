/* What the files that look over an HDF5 image share: a reader of bytes, and the state of the scan. For hdf5_image*.c only.
 * The format: The HDF Group, "HDF5 File Format Specification Version 3.0"; numbers are little-endian. */
#ifndef KNN_KERAS_HDF5_IMAGE_INSIDE_H
#define KNN_KERAS_HDF5_IMAGE_INSIDE_H

#include "keras/hdf5_image.h"
#include "keras/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define KNN__H5_NOWHERE UINT64_MAX          /* the undefined address */

/* ---- Bytes ---- */

/* What is left of a structure. Reading behind the end gives zeros and leaves `cut`. */
typedef struct knn__h5_reader { const uint8_t *at, *end; bool cut; } knn__h5_reader;

uint64_t knn__h5_take(knn__h5_reader *reader, unsigned bytes);             /* a number of 1 to 8 bytes */
void     knn__h5_skip(knn__h5_reader *reader, uint64_t bytes);
uint64_t knn__h5_left(const knn__h5_reader *reader);
/* The next `length` bytes as a reader of their own. */
knn__h5_reader knn__h5_part(knn__h5_reader *reader, uint64_t length);
/* Whether the next bytes are these four; takes them. */
bool knn__h5_signature(knn__h5_reader *reader, const char signature[4]);

/* ---- The scan ---- */

typedef struct knn__h5_scan {
    const uint8_t *image;
    uint64_t size;                          /* up to the end-of-file address */
    unsigned leaf_k, group_k, chunk_k;      /* half of the entries that nodes have room for */
    long links, steps, texts;               /* still allowed: circles end, too */
    uint64_t unpacked;                      /* bytes of all arrays and texts as they are read */
    uint64_t heap;                          /* the last global heap collection that was found sound */
    size_t path_length;
    char path[KNN__H5_PATH_LIMIT];          /* of the object at hand, "model_weights/dense" */
} knn__h5_scan;

/* KNN_ERROR_FORMAT: "/PATH: .. (byte AT)". */
knn_status knn__h5_refuse(const knn__h5_scan *scan, uint64_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* `length` bytes at an address; cut, and empty, where they lie outside. */
knn__h5_reader knn__h5_at(const knn__h5_scan *scan, uint64_t address, uint64_t length);
bool           knn__h5_is_inside(const knn__h5_scan *scan, uint64_t address, uint64_t length);
/* Whether the checksum of all from `address` to where the reader is comes next; takes it. */
bool           knn__h5_sealed(knn__h5_scan *scan, uint64_t address, knn__h5_reader *reader);
uint64_t       knn__h5_where(const knn__h5_scan *scan, const knn__h5_reader *reader);
/* Counts one down, of links, steps or texts; fails where there were too many. */
knn_status knn__h5_count(const knn__h5_scan *scan, uint64_t at, long *left);
/* Counts steps for what is looked at byte by byte; the next count fails where there were too many. */
void       knn__h5_spend(knn__h5_scan *scan, uint64_t bytes);
/* Counts what is read into memory, which several parts of an image may share. */
knn_status knn__h5_count_bytes(knn__h5_scan *scan, uint64_t at, uint64_t bytes);

/* ---- Objects: hdf5_image_object.c, hdf5_image_group.c ---- */

/* What the superblock says of the root; tree 0: not where its members are. */
typedef struct knn__h5_root { uint64_t address, tree, heap; } knn__h5_root;
knn_status knn__h5_check_root(knn__h5_scan *scan, const knn__h5_root *said);
/* The members that a symbol table lists. */
knn_status knn__h5_check_symbol_table(knn__h5_scan *scan, uint64_t tree, uint64_t names_address, int depth);

/* The object that a link leads to. */
knn_status knn__h5_check_link(knn__h5_scan *scan, const char *name, size_t length, uint64_t address, int depth);
/* A link message, which stands in object headers and in heaps. */
knn_status knn__h5_check_link_message(knn__h5_scan *scan, knn__h5_reader *reader, int depth);

/* ---- Data: hdf5_image_data.c ---- */

typedef enum knn__h5_class { KNN__H5_NUMBERS, KNN__H5_FIXED_TEXT, KNN__H5_VARIABLE_TEXT, KNN__H5_ENUMERATION } knn__h5_class;
typedef struct knn__h5_type { knn__h5_class kind; uint64_t size; } knn__h5_type;
typedef struct knn__h5_space { int rank; uint64_t size[KNN__H5_RANK_LIMIT], count; } knn__h5_space;

knn_status knn__h5_read_type(const knn__h5_scan *scan, knn__h5_reader *reader, knn__h5_type *type);
knn_status knn__h5_read_space(const knn__h5_scan *scan, knn__h5_reader *reader, knn__h5_space *space);
knn_status knn__h5_check_attribute(knn__h5_scan *scan, knn__h5_reader *reader);
knn_status knn__h5_check_filters(const knn__h5_scan *scan, knn__h5_reader *reader);
knn_status knn__h5_read_fill(const knn__h5_scan *scan, knn__h5_reader *reader, bool old, uint64_t *size);

/* ---- Where arrays lie: hdf5_image_layout.c ---- */

/* An array, when its messages are known. */
typedef struct knn__h5_array {
    knn__h5_type type;
    knn__h5_space space;
    knn__h5_reader layout;                  /* the message */
    uint64_t fill_size;                     /* 0: none */
    bool filtered;
} knn__h5_array;
knn_status knn__h5_check_layout(knn__h5_scan *scan, const knn__h5_array *array);

/* ---- Many links or attributes of one object: hdf5_image_dense.c ---- */

typedef enum knn__h5_dense { KNN__H5_DENSE_LINKS = 5, KNN__H5_DENSE_ATTRIBUTES = 8 } knn__h5_dense;     /* the B-tree's types */
knn_status knn__h5_check_dense(knn__h5_scan *scan, knn__h5_dense what, uint64_t heap, uint64_t tree, int depth);

#endif
