/* The layers: one kind each, in one table. A kind says what shapes it takes and makes, what weights it has, and what nodes it becomes.
 * Computes nothing, and knows no file format. */
#ifndef KNN_LAYERS_LAYER_H
#define KNN_LAYERS_LAYER_H

#include "layers/fields.h"
#include "layers/node.h"

/* One weight array of a layer. */
typedef struct knn__weight_spec {
    const char *name;                       /* "kernel" */
    int rank, shape[4];
    const knn_initializer *initializer;     /* never NULL */
    const knn_regularizer *regularizer;     /* NULL: none */
    const knn_constraint *constraint;       /* NULL: none */
    bool trainable;
    int place;                              /* in knn_node.weight of the layer's node .. */
    int node;                               /* .. of this number; mostly the first one, 0 */
} knn__weight_spec;

enum { KNN_LAYER_NODES = 3 };               /* that a layer becomes at most */
/* Whether its initializer, regularizer and constraint are defined for an array of its rank. */
knn_status knn__weight_check(const knn__weight_spec *spec);

typedef struct knn__layer_kind {
    knn__kind kind;                         /* first: tables of kinds hold &layer_kind.kind */
    /* Output shape, or an error without the layer's name (knn_add puts it in front). */
    knn_status (*shape)(const knn_layer *layer, const knn_shape *in, knn_shape *out);
    /* The index-th weight array in Keras' order; false: no more. NULL: none at all. */
    bool (*weights)(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec);
    /* The nodes that it becomes, their activation last; weights' offsets and name are filled in by the caller. */
    int (*nodes)(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node nodes[KNN_LAYER_NODES]);
} knn__layer_kind;

extern const knn__kind *const knn__layer_kinds[];           /* InputLayer among them */

/* The kind of a layer's description, a user's own included; NULL with an error text. */
const knn__layer_kind *knn__layer_kind_of(const knn_layer *layer);

/* The library's copy of a layer (as knn__describe), of users' own classes, too. Freed by knn__layer_forget; NULL is fine there. */
knn_status knn__layer_copy(const knn_layer *layer, knn_layer **copy);
void       knn__layer_forget(knn_layer *copy);
/* A copy of a library's copy. */
knn_status knn__layer_duplicate(const knn_layer *layer, knn_layer **copy);
/* Its options as files know them: the kind's, or the user's class's. Never NULL. */
const knn_field *knn__layer_fields(const knn_layer *layer);

/* Where its description says trainable=False; NULL: it has no such option. */
bool *knn__layer_frozen(const knn_layer *layer);

/* The user's name in a description; NULL: automatic. */
const char *knn__layer_given_name(const knn__layer_kind *kind, const knn_layer *layer);

/* Keras' spatial arithmetic: output length, padding before and after; false: not positive, or a window of more than INT_MAX. */
bool knn__window_length(int length, int kernel, int stride, int dilation, knn_padding padding, int *out, int *before, int *after);

size_t knn__shape_length(const knn_shape *shape);
knn_extent knn__shape_extent(const knn_shape *shape);       /* (height, width, channels) with leading ones */
void knn__shape_text(const knn_shape *shape, char *to, size_t size);        /* "(150, 150, 3)" */

/* A KNN_FIELD_AXES as places in shape->size (0: height), in order. Errors name an axis that does not exist. */
knn_status knn__resolve_axes(int axes, const knn_shape *shape, int places[3], int *count);

/* Fills a node's operation, extents and neutral values (stride 1, groups 1, ..). */
void knn__node_init(knn_node *node, knn_op op, const knn_shape *in, const knn_shape *out);
/* nodes[at] = the activation behind it, where there is one; returns the count of nodes. */
int knn__node_activation(knn_node *nodes, int at, knn_activation activation, const knn_shape *shape);

#endif
