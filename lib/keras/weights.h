/* The weights in Keras' legacy layout: a group a layer, listed in attributes. Knows no configs. */
#ifndef KNN_KERAS_WEIGHTS_H
#define KNN_KERAS_WEIGHTS_H

#include "keras/hdf5.h"
#include "model/model.h"

#define KNN__NUMBERED "nb_layers"           /* the attribute that files of Keras 0 have at the root */

/* An array in a file, and a layer of it: arrays [first, first + count). */
typedef struct knn__stored_array {
    char *path;
    const char *name;                       /* the path's end behind the layer's group */
    knn__h5_shape shape;
} knn__stored_array;
typedef struct knn__stored_layer { char *name; size_t first, count; } knn__stored_layer;

/* All that a file lists, in its order. */
typedef struct knn__stored {
    knn__stored_layer *layers;
    size_t layer_count, layer_capacity;
    knn__stored_array *arrays;
    size_t array_count, array_capacity;
    bool flipped;                           /* written by Keras on Theano, whose convolutions turn kernels by 180 degrees */
    int version;                            /* of Keras, 20005 for 2.0.5; 0: the file does not say */
    bool earlier;                           /* by Keras 0 or 1: kernels may lie in other orders (kernels.h) */
    bool numbered;                          /* by Keras 0: layer_0/param_0, .. */
} knn__stored;

/* `group`: where the layers lie: "" or "model_weights". Those of Keras 0, which have no lists, too. */
knn_status knn__stored_read(knn__h5 *file, const char *group, knn__stored *stored);
/* An array at ROOT/NAME, for who lists files. */
knn_status knn__stored_add_array(knn__h5 *file, const char *root, const char *name, knn__stored *stored);
/* A layer whose `count` arrays are added next. */
knn_status knn__stored_add_layer(const char *name, size_t count, knn__stored *stored);
void       knn__stored_free(knn__stored *stored);

/* Keras 3's own layout (.weights.h5): the arrays of a layer are CONTAINERlayers/KEY/vars/0, 1, ..; KEY is its class in snake case, for the
 * second one of the class "dense_1". CONTAINER is "" or such a path of a model inside the model, "layers/sequential/". */
typedef struct knn__place { const char *name, *class_name, *container; } knn__place;
/* Those of the layers with weights. Free with knn__places_free, after a failure, too. */
knn_status knn__places_of(const knn_model *model, knn__place **places, size_t *count);
void       knn__places_free(knn__place *places, size_t count);

bool       knn__is_nested(knn__h5 *file);
/* A layer for each place, in their order; all have weights. Fails where a place has none in the file, or the file more. Where the file
 * has models inside that no place is in, layers' names decide, "features/conv2d". `places` NULL: all layers, by the names that the file
 * says. */
knn_status knn__stored_read_nested(knn__h5 *file, const knn__place *places, size_t count, knn__stored *stored);
/* All layers, those without a name, too. */
knn_status knn__stored_list_nested(knn__h5 *file, knn__stored *stored);
knn_status knn__write_weights_nested(knn__h5 *file, const knn_model *model);

/* What one layer of a file stands for: layers [first, first + count) of the model, several where it is a nested model. */
typedef struct knn__unit { char *name; size_t first, count; } knn__unit;
/* Those of a model in the legacy layout; in Keras 3's own, each layer. Free with knn__units_free, after a failure, too. */
knn_status knn__units_of(const knn_model *model, knn__unit **units, size_t *count);
knn_status knn__layers_of(const knn_model *model, knn__unit **units, size_t *count);
/* Those that a file in the legacy layout lists: Sequential models of Keras 1 have the layers of the models inside, too. */
knn_status knn__units_for(const knn_model *model, const knn__stored *stored, knn__unit **units, size_t *count);
void       knn__units_free(knn__unit *units, size_t count);

/* Which array each weight of the model comes from; NULL: it stays as it is. */
typedef struct knn__pairing {
    const knn__stored_array **of;           /* [weight_count] */
    bool filters_first;                     /* kernels of which the shape does not tell lie (out, in, rows, columns) */
} knn__pairing;

typedef enum knn__pair_by {
    KNN__BY_ORDER,                          /* k-th with k-th; all */
    KNN__BY_OWN_NAME,                       /* by name where each layer has its own in the file, else by order: a model's own weights */
    KNN__BY_NAME                            /* those of one name; others stay */
} knn__pair_by;
/* Checks all names, counts and shapes; reads nothing. Errors name layer, expected and got. With skip_mismatch arrays of other
 * shapes stay as they are, and by name also layers with another number of arrays: Keras' rule. Free with knn__pairing_free. */
knn_status knn__pair(const knn_model *model, const knn__unit *units, size_t count, const knn__stored *stored,
                     knn__pair_by by, bool skip_mismatch, knn__pairing *pairing);
void       knn__pairing_free(knn__pairing *pairing);

/* Reads the paired arrays into an arena laid out as model->weights. The model is built. */
knn_status knn__read_weights(knn__h5 *file, const knn_model *model, const knn__stored *stored,
                             const knn__pairing *pairing, float *arena);

/* One array of the file that lies as that of a weight does, brought to our order: the weight itself, or an optimizer's slot of it. */
knn_status knn__read_as_weight(knn__h5 *file, const knn_model *model, size_t weight, const knn__stored *stored,
                               const knn__pairing *pairing, const char *path, float *values);

/* Groups, names and arrays of a built model. */
knn_status knn__write_weights(knn__h5 *file, const char *group, const knn_model *model);

/* The versions at the root of a whole model. */
knn_status knn__write_version(knn__h5 *file);

/* "ROOT/A/B" in memory of its own; empty parts are left out. */
char *knn__h5_path(const char *root, const char *a, const char *b);

#endif
