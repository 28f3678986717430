/* Shapes, weights and nodes of a chain of layers, by the layers' own rules. */
#include "lower.h"

#include <stdio.h>

static void add_weights(chain *made, const knn__layer_kind *kind, const knn_layer *layer, const knn_shape *in, knn_node *nodes)
{
    knn__weight_spec spec;
    for (int i = 0; kind->weights != NULL && kind->weights(layer, in, i, &spec); i++) {
        size_t length = 1;
        for (int d = 0; d < spec.rank; d++)
            length *= (size_t)spec.shape[d];
        int last = spec.rank > 0 ? spec.shape[spec.rank - 1] : 1;
        made->weight[made->weight_count++] = (chain_weight){.name = spec.name, .offset = made->weights_length, .length = length,
            .fan_in = (int)length / last, .trainable = spec.trainable};
        nodes[spec.node].weight[spec.place] = (knn_node_weight){.offset = made->weights_length, .length = length, .trainable = spec.trainable};
        made->weights_length += length;
    }
}

static bool add_layer(chain *made, const knn_layer *description, knn_shape *shape)
{
    int at = made->layers;
    const knn__layer_kind *kind = knn__layer_kind_of(description);
    if (kind == NULL || knn__layer_copy(description, &made->layer[at]) != KNN_OK)
        return false;
    made->layers++;
    snprintf(made->name[at], sizeof made->name[at], "layer_%d", at);
    const knn_layer *layer = made->layer[at];
    knn_shape in = *shape;
    knn_node *nodes = &made->nodes[made->count];
    if (kind->shape(layer, &in, shape) != KNN_OK)
        return false;
    int count = kind->nodes(layer, &in, shape, nodes);
    add_weights(made, kind, layer, &in, nodes);
    for (int i = 0; i < count; i++) {
        nodes[i].name = made->name[at];
        nodes[i].layer = at;
        nodes[i].description = layer;
    }
    made->count += count;
    return true;
}

bool chain_lower(chain *made, const knn_layer *const *layers, knn_shape input)
{
    knn_shape shape = input;
    *made = (chain){.in = knn__shape_length(&input)};
    for (; *layers != NULL; layers++)
        if (!add_layer(made, *layers, &shape))
            return false;
    made->out = knn__shape_length(&shape);
    return true;
}

void chain_free(chain *made)
{
    for (int i = 0; i < made->layers; i++)
        knn__layer_forget(made->layer[i]);
}
