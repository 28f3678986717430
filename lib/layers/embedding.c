/* Embedding: class numbers to trained vectors. */
#include "core/status.h"
#include "layers/kinds.h"

typedef knn_embedding_layer embedding;

static const knn_field fields[] = {
    FIELD(embedding, "input_dim", INT, input_dim, COUNT),
    FIELD(embedding, "output_dim", INT, output_dim, COUNT),
    FIELD_INITIALIZER(embedding, embeddings_initializer),
    FIELD_REGULARIZER(embedding, embeddings_regularizer),
    FIELD_CONSTRAINT(embedding, embeddings_constraint),
    FIELD_TRAINABLE(embedding),
    FIELDS_END};

static const embedding *as_embedding(const knn_layer *layer) { return (const embedding *)(const void *)layer; }

static knn_status shape(const knn_layer *layer, const knn_shape *in, knn_shape *out)
{
    char text[64];

    *out = *in;
    if (in->rank == 3) {
        knn__shape_text(in, text, sizeof text);
        return knn__fail(KNN_ERROR_SHAPE, "expected an input of one or two sizes, got %s", text);
    }
    out->size[out->rank++] = as_embedding(layer)->output_dim;
    return KNN_OK;
}

static bool weights(const knn_layer *layer, const knn_shape *in, int index, knn__weight_spec *spec)
{
    static const knn_random_uniform_initializer uniform = {
        {"RandomUniform", sizeof(knn_random_uniform_initializer), NULL}, .minval = -0.05, .maxval = 0.05};
    const embedding *e = as_embedding(layer);

    (void)in;
    *spec = (knn__weight_spec){.name = "embeddings", .rank = 2, .shape = {e->input_dim, e->output_dim},
        .initializer = e->embeddings_initializer != NULL ? e->embeddings_initializer : &uniform.initializer,
        .regularizer = e->embeddings_regularizer, .constraint = e->embeddings_constraint, .trainable = !e->frozen, .place = KNN_KERNEL};
    return index == 0;
}

static int nodes(const knn_layer *layer, const knn_shape *in, const knn_shape *out, knn_node made[KNN_LAYER_NODES])
{
    (void)layer;
    knn__node_init(&made[0], KNN_OP_EMBEDDING, in, out);
    return 1;
}

const knn__layer_kind knn__embedding_kind = {
    .kind = {.class_name = "Embedding", .size = sizeof(embedding), .fields = fields, .name_offset = offsetof(embedding, name)},
    .shape = shape, .weights = weights, .nodes = nodes};
