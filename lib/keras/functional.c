/* Finds out whether a Functional model of Keras 1 to 3 is a straight chain, and in which order its layers run. Reads no layer: see config.c. */
#include "keras/functional.h"

#include "core/status.h"
#include "keras/limits.h"

const char *knn__layer_name(const cJSON *layer)
{
    const char *name = knn__json_text(knn__json_get(layer, "name"));
    return name != NULL ? name : knn__json_text(knn__json_get(knn__json_get(layer, "config"), "name"));
}

/* The name of the one layer that a layer of a Functional model gets its input from; NULL: none or several.
 * Keras 1 and 2: [[["name", 0, 0, {}]]]; Keras 3: [{"args": [{"config": {"keras_history": ["name", 0, 0]}}], ..}]. */
static const char *source_of(const cJSON *layer)
{
    const cJSON *calls = knn__json_get(layer, "inbound_nodes"), *call = cJSON_GetArrayItem(calls, 0);
    const cJSON *inputs = cJSON_IsObject(call) ? knn__json_get(call, "args") : call,
                *input = cJSON_GetArrayItem(inputs, 0);

    if (cJSON_GetArraySize(calls) != 1 || cJSON_GetArraySize(inputs) != 1)
        return NULL;
    if (cJSON_IsObject(input))
        input = knn__json_get(knn__json_get(input, "config"), "keras_history");
    return knn__json_text(cJSON_GetArrayItem(input, 0));
}

/* The layers as the file has them, and the names of those that they get their inputs from. */
typedef struct graph { size_t count; const cJSON **layers; const char **sources; } graph;

static knn_status read_graph(knn__reading *reading, const cJSON *layers, graph *g)
{
    const cJSON *layer;
    size_t size = (size_t)cJSON_GetArraySize(layers);

    *g = (graph){0};
    if (size > KNN__LAYERS_LIMIT)
        return knn__fail(KNN_ERROR_UNSUPPORTED, "model_config: more than %d layers", KNN__LAYERS_LIMIT);
    g->layers = knn__reading_alloc(reading, size + 1, sizeof *g->layers);
    g->sources = knn__reading_alloc(reading, size + 1, sizeof *g->sources);
    if (g->layers == NULL || g->sources == NULL)
        return KNN_ERROR_MEMORY;
    cJSON_ArrayForEach(layer, layers) {
        g->layers[g->count] = layer;
        g->sources[g->count++] = source_of(layer);
    }
    return KNN_OK;
}

/* The one layer that follows `name`; NULL: none or several. */
static const cJSON *successor(const graph *g, const char *name)
{
    const cJSON *found = NULL;

    for (size_t i = 0; i < g->count; i++) {
        if (!knn__text_equal(g->sources[i], name))
            continue;
        if (found != NULL)
            return NULL;
        found = g->layers[i];
    }
    return found;
}

/* Whether the one output is that of `last`: [["name", 0, 0]], in some files of Keras 3 ["name", 0, 0]. */
static bool is_output(const cJSON *outputs, const char *last)
{
    const cJSON *first = cJSON_GetArrayItem(outputs, 0);

    if (cJSON_IsArray(first))
        return cJSON_GetArraySize(outputs) == 1 && knn__text_equal(knn__json_text(cJSON_GetArrayItem(first, 0)), last);
    return knn__text_equal(knn__json_text(first), last);
}

/* Follows the chain that begins with the one layer without inputs; false: it does not lead through all of them to the output. */
static bool follow(const graph *g, const cJSON *outputs, const cJSON **chain)
{
    const cJSON *layer = successor(g, NULL);
    const char *last = NULL;
    size_t count = 0;

    for (; layer != NULL && count < g->count; count++) {
        chain[count] = layer;
        last = knn__layer_name(layer);
        layer = last != NULL ? successor(g, last) : NULL;
    }
    return count == g->count && layer == NULL && is_output(outputs, last);
}

knn_status knn__functional_read(knn__reading *reading, const cJSON *config, knn__functional *functional)
{
    graph g;
    knn_status status = read_graph(reading, knn__json_get(config, "layers"), &g);

    *functional = (knn__functional){0};
    if (status != KNN_OK)
        return status;
    const cJSON **chain = knn__reading_alloc(reading, g.count + 1, sizeof *chain);
    if (chain == NULL)
        return KNN_ERROR_MEMORY;
    bool straight = follow(&g, knn__json_get(config, "output_layers"), chain);
    *functional = (knn__functional){straight ? chain : g.layers, g.count, straight};
    return KNN_OK;
}
